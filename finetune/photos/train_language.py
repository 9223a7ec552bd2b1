"""The text model: the base, and on it three LoRA adapters of the same rows and steps.

``no-retrieval`` sees the picture. ``sight`` sees the picture and the retriever's view of it. ``raven`` sees the
picture with what the retriever found, as one cell of the ablation shows it (modality dropout), as in
``finetune.train_adapters``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import Idefics3ForConditionalGeneration

from finetune.language import IGNORE, Batch, Sample, answer_loss, collate
from finetune.loop import Plan, device, train
from finetune.photos import samples
from finetune.photos.samples import ADAPTER_FOLD, BASE_FOLD, Material, Row
from finetune.photos.sight_token import NAME as SIGHT
from finetune.photos.sight_token import SightToken, expand_with_sight
from finetune.train_adapters import save_adapter, with_lora
from raven_core.rendering import expand_images

Task = Literal["raven", "no-retrieval", "sight"]
TASKS: tuple[Task, ...] = ("raven", "no-retrieval", "sight")


@dataclass(frozen=True)
class Mix:
    """What the batches are made of.

    ``questions``: share of questions in a batch; ``echo`` and ``copying``: shares of the base's batches that practise
    reading neighbours and copying, ``near`` how many neighbours are shown; ``cells``: shares of raven's batches by cell
    of the ablation; ``rank``: of the adapters; ``parts``: a batch is computed in so many, rows of like length together.
    """

    batch: int = 64
    questions: float = 0.3
    echo: float = 0.28
    copying: float = 0.07
    near: tuple[int, ...] = (1, 2, 3, 3, 4, 5, 5)
    cells: tuple[tuple[str, float], ...] = (("none", 0.1), ("text", 0.42), ("image", 0.08), ("both", 0.4))
    rank: int = 32
    parts: int = 4


def base_samples(material: Material, mix: Mix, rng: random.Random) -> tuple[list[Sample], str]:
    """The samples of one step of the base, all of the first fold, and what they practise."""
    kind, k = rng.random(), rng.choice((0, *mix.near))
    if kind < mix.copying and material.questions["train", BASE_FOLD]:
        rows = samples.draw_rows(material, "train", BASE_FOLD, mix.batch, 1.0, rng)
        return [samples.copying_sample(material, row, max(1, k), rng) for row in rows if row.asked], "copy"
    rows = samples.draw_rows(material, "train", BASE_FOLD, mix.batch, mix.questions, rng)
    if kind < mix.copying + mix.echo:
        return [samples.echo_sample(material, row, k, rng) for row in rows], "echo"
    return [samples.plain_sample(material, row) for row in rows], "seen"


def adapter_samples(task: Task, material: Material, mix: Mix, rng: random.Random) -> tuple[list[Sample], str]:
    """The samples of one step of an adapter; rows are drawn first, so all adapters are trained on the same."""
    rows = samples.draw_rows(material, "train", ADAPTER_FOLD, mix.batch, mix.questions, rng)
    if task != "raven":
        return [samples.plain_sample(material, row) for row in rows], "none"
    names, shares = zip(*mix.cells, strict=True)
    cell, k = rng.choices(names, shares)[0], rng.choice(mix.near)
    if cell == "none":
        return [samples.plain_sample(material, row) for row in rows], "none"
    return [samples.retrieval_sample(material, row, cell, k, rng) for row in rows], cell


def loss_in_parts(
    drawn: Sequence[Sample], parts: int, loss_of: Callable[[Sequence[Sample]], tuple[torch.Tensor, torch.Tensor, int]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss and share of right tokens of a whole batch, computed in parts of like length: little is spent on padding.

    ``loss_of`` gives a part's means and how many tokens they are over.
    """
    order = sorted(drawn, key=lambda s: (len(s.prompt.images), len(str(s.prompt.messages)) + len(s.answer)))
    size = -(-len(order) // parts)
    told = [loss_of(order[start : start + size]) for start in range(0, len(order), size)]
    total = sum(count for _, _, count in told)
    losses = torch.stack([loss * (count / total) for loss, _, count in told])
    return losses.sum(), torch.stack([right * (count / total) for _, right, count in told]).sum()


def answered(batch: Batch) -> int:
    """Tokens of a batch that are trained."""
    return int((batch.labels != IGNORE).sum())


def train_base(
    vlm: Idefics3ForConditionalGeneration, processor: Any, material: Material, mix: Mix, plan: Plan, work: Path
) -> float:
    """Trains the text model in place; returns seconds."""
    vlm.requires_grad_(False)
    vlm.model.text_model.requires_grad_(True)
    vlm.set_attn_implementation("eager")

    def part_loss(part: Sequence[Sample]) -> tuple[torch.Tensor, torch.Tensor, int]:
        batch = collate(processor, part)
        return *answer_loss(vlm, material.tokens, batch), answered(batch)

    def loss_of(step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        drawn, practised = base_samples(material, mix, rng)
        loss, right = loss_in_parts(drawn, mix.parts, part_loss)
        return loss, {practised: right.item()}

    return train(vlm, plan, loss_of, work)


class Learner(torch.nn.Module):
    """A model with the adapter of one task, and for ``sight`` its visual token."""

    def __init__(
        self, vlm: Idefics3ForConditionalGeneration, processor: Any, task: Task, width: int, rank: int
    ) -> None:
        super().__init__()
        vlm.requires_grad_(False)
        vlm.set_attn_implementation("eager")
        self.model = with_lora(vlm, task, rank)
        config: Any = vlm.config
        self.token = SightToken(width, config.text_config.hidden_size) if task == SIGHT else None
        self.vlm, self.processor = [vlm], processor  # in a list: it is part of ``model`` already
        self.to(device())

    def loss(self, material: Material, drawn: Sequence[Sample], parts: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean loss over the answers' tokens, and the share of tokens that were most probable."""

        def part_loss(part: Sequence[Sample]) -> tuple[torch.Tensor, torch.Tensor, int]:
            batch = collate(self.processor, part, expand_images if self.token is None else expand_with_sight)
            visual = self._visual(material, batch)
            return *answer_loss(self.vlm[0], material.tokens, batch, visual), answered(batch)

        return loss_in_parts(drawn, parts, part_loss)

    def _visual(self, material: Material, batch: Batch) -> torch.Tensor | None:
        if self.token is None:
            return None
        seen = material.tokens[batch.images].to(device()).float()
        more = self.token(material.features[batch.images // material.views].to(device()))
        return torch.cat([seen, more.float()], dim=1)

    def save(self, task: Task, out: Path) -> None:
        """Writes the adapter, and the token beside it."""
        save_adapter(self.model, task, out)
        if self.token is not None:
            self.token.save(out)


def train_adapter(
    vlm: Idefics3ForConditionalGeneration,
    processor: Any,
    task: Task,
    material: Material,
    mix: Mix,
    plan: Plan,
    work: Path,
) -> tuple[float, Learner]:
    """Trains one adapter from the base; returns seconds and what was trained."""
    torch.manual_seed(plan.seed)
    learner = Learner(vlm, processor, task, material.features.shape[1], mix.rank)

    def loss_of(step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        drawn, cell = adapter_samples(task, material, mix, rng)
        loss, right = learner.loss(material, drawn, mix.parts)
        return loss, {cell: right.item()}

    return train(learner, plan, loss_of, work), learner


@torch.inference_mode()
def held_out_loss(learner: Learner, task: Task, material: Material, mix: Mix, k: int, batches: int) -> dict[str, float]:
    """Loss on pictures kept for choices, by cell that the task knows: the same rows for every task."""
    learner.eval()
    cells = [name for name, _ in mix.cells] if task == "raven" else ["none"]
    rows = [
        samples.draw_rows(material, "choice", None, mix.batch, mix.questions, random.Random(number))
        for number in range(batches)
    ]
    losses = {
        cell: [learner.loss(material, _as_shown(material, some, cell, k), mix.parts)[0].item() for some in rows]
        for cell in cells
    }
    return {cell: round(sum(values) / batches, 4) for cell, values in losses.items()}


def _as_shown(material: Material, rows: Sequence[Row], cell: str, k: int) -> list[Sample]:
    if cell == "none":
        return [samples.plain_sample(material, row) for row in rows]
    return [samples.retrieval_sample(material, row, cell, k, None) for row in rows]
