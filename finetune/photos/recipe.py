"""What is trained on real photos, in numbers: sizes, steps, rates, seeds, and what was expected before the run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from finetune.loop import Plan
from finetune.modelling import VlmSize
from finetune.photos.corpus import Limits
from finetune.photos.train_language import Mix
from finetune.photos.train_retriever import RetrieverSize

SIZE = VlmSize(
    image=144,
    patch=16,
    scale=3,
    vision_hidden=256,
    vision_layers=6,
    vision_heads=4,
    vision_mlp=768,
    text_hidden=256,
    text_layers=6,
    text_heads=4,
    text_mlp=768,
)
"""81 patches and 9 visual tokens an image: more than the Field Guide's 4, yet a prompt with five images stays short."""


@dataclass(frozen=True)
class PhotoRecipe:
    """The whole recipe.

    ``views``: how often each picture is looked at (whole, mirrored, then crops). ``components``: directions of the
    backbone's map that the tower imitates, found on ``basis`` pictures. ``neighbours``: kept for each training row.
    ``weights`` are tried for the share of the question in a search, on train questions and retrievers not fitted on
    them; ``ks`` for the number of neighbours, on held-out photos; ``rates`` with ``--tune``, for ``trial_steps`` each.
    ``gainer``: the kind of question expected to gain most from neighbours, named before any adapter was trained: what
    stands on a table is in other rooms' statements, while the small tower hardly sees it. ``large``: kinds with fewer
    questions are reported and not judged.
    """

    limits: Limits = field(default_factory=Limits)
    views: int = 3
    components: int = 192
    basis: int = 1000
    vocabulary: int = 3000
    retriever_size: RetrieverSize = field(default_factory=RetrieverSize)
    vlm_size: VlmSize = SIZE
    words: int = 400
    mix: Mix = field(default_factory=Mix)
    retriever: Plan = Plan("retriever", 600, 1e-3, warmup=60, decay=0.1)
    sight: Plan = Plan("sight", 1300, 1e-3, warmup=150)
    base: Plan = Plan("base", 2000, 1.2e-3, warmup=150)
    adapter: Plan = Plan("adapter", 700, 1e-3, warmup=50, decay=0.0)
    rates: tuple[float, ...] = (5e-4, 1e-3, 2e-3)
    trial_steps: int = 120
    trial_batches: int = 8
    neighbours: int = 12
    weights: tuple[float, ...] = (0.3, 0.5, 0.7, 0.85)
    ks: tuple[int, ...] = (3, 5)
    memory_quality: int = 90
    max_new_tokens: int = 24
    examples: int = 4
    gainer: str = "on"
    large: int = 100

    def for_task(self, task: str, rate: float) -> Plan:
        """The plan of one adapter: the same rows, steps and rate for all."""
        return replace(self.adapter, name=f"adapter-{task}", rate=rate)

    def trial(self, rate: float, task: str) -> Plan:
        """The plan of a short trial of one learning rate."""
        return replace(self.adapter, name=f"trial-{task}-{rate}", rate=rate, steps=self.trial_steps)


def tiny_recipe() -> PhotoRecipe:
    """The same stages in minutes, on few pictures; what it makes is good for nothing but tests."""
    return PhotoRecipe(
        limits=Limits(photos=40, report_photos=6, rooms=16, choice_photos=6, choice_rooms=0.12, report_rooms=0.25),
        views=3,
        components=8,
        basis=8,
        vocabulary=400,
        retriever_size=RetrieverSize(image=64, dim=16, text_hidden=16, photos=8, rooms=4),
        vlm_size=VlmSize(
            image=48,
            patch=16,
            scale=3,
            vision_hidden=16,
            vision_layers=1,
            vision_mlp=16,
            text_hidden=32,
            text_layers=1,
            text_mlp=32,
            text_heads=2,
        ),
        words=10,
        mix=Mix(batch=6, near=(1, 2), rank=2),
        retriever=_few(PhotoRecipe.retriever),
        sight=_few(PhotoRecipe.sight),
        base=_few(PhotoRecipe.base),
        adapter=_few(PhotoRecipe.adapter),
        rates=(1e-3, 2e-3),
        trial_steps=1,
        trial_batches=1,
        neighbours=4,
        weights=(0.3, 0.7),
        ks=(1, 2),
        max_new_tokens=3,
        examples=1,
        large=2,
    )


def _few(plan: Plan) -> Plan:
    return replace(plan, steps=2, warmup=1)
