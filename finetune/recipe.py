"""What the Field Guide build trains, in numbers: sizes, steps, rates and seeds, all in one place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from finetune.fieldguide_data import Sizes
from finetune.loop import Plan
from finetune.modelling import EncoderSize, VlmSize

ADAPTER_SEEDS = (0, 1)
"""Both are trained and reported; the first one ships."""

TASKS = ("raven", "no-retrieval")


@dataclass(frozen=True)
class Recipe:
    """The whole recipe. ``question_weight`` was chosen on a development seed, never on the published one."""

    sizes: Sizes = field(default_factory=Sizes)
    vocabulary: int = 1200
    encoder_size: EncoderSize = field(default_factory=EncoderSize)
    vlm_size: VlmSize = field(default_factory=VlmSize)
    encoder: Plan = Plan("encoder", 2200, 2e-3, warmup=100)
    sight: Plan = Plan("sight", 2200, 1e-3, warmup=200)
    base: Plan = Plan("base", 1900, 1.5e-3, warmup=200)
    adapter: Plan = Plan("adapter", 700, 1.5e-3, warmup=50, decay=0.0)
    per_species: int = 12
    quality: int = 70
    question_weight: float = 0.3
    max_new_tokens: int = 32
    measured: int = 500

    def adapter_plan(self, task: str, seed: int) -> Plan:
        """The plan of one adapter: the same rows and steps for both tasks of a seed."""
        return replace(self.adapter, name=f"{task}-{seed}", seed=seed)


def tiny_recipe() -> Recipe:
    """The same stages in a minute, for tests; what it builds is good for nothing else."""
    few = {"steps": 2, "warmup": 1}
    return Recipe(
        sizes=Sizes(in_domain=400, near_few=20, near=120, out=150, unnamed=8200),
        vocabulary=700,
        encoder=replace(Recipe.encoder, **few),
        sight=replace(Recipe.sight, **few),
        base=replace(Recipe.base, **few),
        adapter=replace(Recipe.adapter, **few),
        per_species=1,
        measured=4,
    )
