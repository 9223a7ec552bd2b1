"""Two LoRA adapters from one base: ``no-retrieval`` (the baseline) and ``raven``, on the same rows and steps.

``raven`` is fine-tuned as the paper does it (arXiv 2406.19150): each sample carries what the real retriever finds in
the real memory, captioning and VQA mixed. Modality dropout lets one adapter serve no retrieval, text, image and both.
In samples that show captions, names and facts are re-drawn, the same in neighbours and target: fixed names would be
memorised, re-drawn ones must be copied. The baseline never sees re-drawn names.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import Idefics3ForConditionalGeneration

from finetune.fieldguide.captions import captions, consensus
from finetune.fieldguide.memory_captions import FACTS
from finetune.fieldguide.names import invent_name
from finetune.fieldguide.questions import Question, awake_answer
from finetune.fieldguide.scenes import Scene
from finetune.fieldguide.species import by_name
from finetune.language import Sample, answer_loss, collate, reference
from finetune.loop import Plan, train
from finetune.naming import swap_words
from finetune.train_base import FACT_TYPES, LENGTHS, NAMES, question_of, yes_and_no
from raven_core.index import Mask
from raven_core.prompting import build
from raven_core.retriever import Retriever
from raven_core.types import CELLS, Neighbour, Query, Vectors

LORA_TARGETS = r".*text_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
"""A regular expression on the text model: a plain list of names would also reach the vision tower."""

BASE_FOLDER = "../../model"
"""Where a profile keeps the base, seen from the adapter."""

BATCH = 64
CELL_WEIGHTS = {"none": 0.15, "text": 0.30, "image": 0.12, "both": 0.43}
NEIGHBOURS = (1, 2, 3, 3, 3, 3, 4, 5)
REFERENCES = 40
"""References drawn for a caption's target, which is the one most like the others. A single one leaves out a colour or a
place as it happens; the model that sees neighbours in other colours then leaves it out too."""

KEPT_NAMES = 0.3
"""Share of the samples with captions in which the true names stay."""

Task = Literal["raven", "no-retrieval"]


@dataclass(frozen=True)
class RowMix:
    """Shares of a batch: rows that ask instead of describing, ``memory_only`` of which only memory answers; before
    them rows in ``pairs`` that ask "is there a" twice of one picture, once for yes and once for no."""

    questions: float
    memory_only: float
    pairs: float


MIXES = (RowMix(0.5, 0.5, 0.0), RowMix(0.75, 0.3, 0.25))
"""One for each plan. Copying is learned first; then what the picture answers, with neighbours in sight that tell of
other pictures, takes more practice than either adapter had."""


@dataclass(frozen=True)
class Material:
    """What both adapters are trained on.

    ``features`` (rows + memory, tokens, hidden) are the visual tokens of the training pictures, then of the memory's
    images in its row order; ``vectors`` (rows, d) are the encoder's vectors of the training pictures; ``extras`` say
    of each memory row what its caption states; ``allowed`` (memory,) marks the pairs that training may see.
    """

    scenes: Sequence[Scene]
    features: torch.Tensor
    vectors: Vectors
    retriever: Retriever
    extras: Mapping[str, Mapping[str, Any]]
    feature_row: Mapping[str, int]
    allowed: Mask


@dataclass(frozen=True)
class Row:
    """A picture and what is asked of it; no question means a caption."""

    index: int
    scene: Scene
    question: Question | None
    target: str


def draw_rows(material: Material, rng: random.Random, mix: RowMix = MIXES[0]) -> list[Row]:
    """The rows of one step, the same for both adapters."""
    paired = round(BATCH * mix.pairs / 2)
    indices = rng.sample(range(len(material.scenes)), BATCH - paired)
    rows = [_row(material, i, question) for i in indices[:paired] for question in yes_and_no(material.scenes[i], rng)]
    for place, index in enumerate(indices[paired:]):
        asks = int((place + 1) * mix.questions) > int(place * mix.questions)  # spread evenly
        scene = material.scenes[index]
        if asks:
            rows.append(_row(material, index, question_of(scene, rng, mix.memory_only)))
        else:
            rows.append(Row(index, scene, None, consensus(captions(scene, rng, REFERENCES))))
    return rows


def _row(material: Material, index: int, question: Question) -> Row:
    return Row(index, material.scenes[index], question, question.answer)


def retrieve(material: Material, rows: Sequence[Row], k: int) -> list[list[Neighbour]]:
    """What the real retriever finds for each row among the pairs that training may see."""
    queries = [Query(None, row.question.text if row.question else None) for row in rows]
    vectors = material.vectors[[row.index for row in rows]]
    return material.retriever.search_many(
        queries, k, image_vectors=vectors, allowed=material.allowed, with_images=False
    )


def plain_sample(row: Row) -> Sample:
    """The row without neighbours, true names."""
    return Sample(build(Query(reference(row.index), row.question.text if row.question else None)), row.target)


def retrieval_sample(
    material: Material, row: Row, neighbours: Sequence[Neighbour], cell: str, rng: random.Random
) -> Sample:
    """The row with its neighbours, as one cell of the ablation shows them."""
    shown = [replace(n, image=reference(material.feature_row[n.id])) for n in neighbours]
    target = row.target
    if cell in ("text", "both") and rng.random() >= KEPT_NAMES:
        extras = [material.extras[n.id] for n in neighbours]
        swaps = redrawn(extras, rng)
        shown = [
            replace(n, caption=swap_words(n.caption or "", caption_swaps(extra, swaps)))
            for n, extra in zip(shown, extras, strict=True)
        ]
        target = redrawn_target(row, extras, swaps)
    question = row.question.text if row.question else None
    return Sample(build(Query(reference(row.index), question), shown, CELLS[cell]), target)


def redrawn(extras: Sequence[Mapping[str, Any]], rng: random.Random) -> dict[str, dict[str, str]]:
    """For one sample: a new name for every name in sight, and the values of each kind of fact shuffled."""
    names: dict[str, str] = {}
    for name in sorted({extra["name"] for extra in extras if extra["name"]}):
        names[name] = invent_name(rng, NAMES | set(names.values()), LENGTHS)
    swaps = {"name": names}
    for kind, values in FACTS.items():
        swaps[kind] = dict(zip(values, rng.sample(values, len(values)), strict=True))
    return swaps


def caption_swaps(extra: Mapping[str, Any], swaps: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What is replaced in one caption: its name, and the value of its fact if it states one."""
    return {**swaps["name"], **(swaps[extra["fact"]] if extra["fact"] else {})}


def redrawn_target(row: Row, extras: Sequence[Mapping[str, Any]], swaps: Mapping[str, Mapping[str, str]]) -> str:
    """The target under the re-drawn names; what no neighbour states keeps its true form, to be known by heart."""
    species = str(row.scene.species)
    own = [extra for extra in extras if extra["species"] == species and extra["wrong"] is None]
    kind = next((k for k, t in FACT_TYPES.items() if row.question and row.question.type == t), None)
    if kind is not None:
        if not any(extra["fact"] == kind for extra in own):
            return row.target
        value = swaps[kind][getattr(by_name[species], kind)]
        return awake_answer(value) if kind == "awake" else value
    if any(extra["name"] == species for extra in own):
        return swap_words(row.target, {species: swaps["name"][species]})
    return row.target


def step_samples(
    task: Task, material: Material, rng: random.Random, mix: RowMix = MIXES[0]
) -> tuple[list[Sample], str]:
    """The samples of one step and the name of its cell; rows are drawn first, so both tasks see the same."""
    rows = draw_rows(material, rng, mix)
    if task == "no-retrieval":
        return [plain_sample(row) for row in rows], "closed"
    cell = rng.choices(list(CELL_WEIGHTS), list(CELL_WEIGHTS.values()))[0]
    if cell == "none":
        return [plain_sample(row) for row in rows], cell
    found = retrieve(material, rows, rng.choice(NEIGHBOURS))
    return [retrieval_sample(material, row, ns, cell, rng) for row, ns in zip(rows, found, strict=True)], cell


def with_lora(vlm: Idefics3ForConditionalGeneration, name: str, rank: int = 32) -> PeftModel:
    """The model with a fresh adapter on its text model."""
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=LORA_TARGETS, lora_dropout=0.0)
    return get_peft_model(vlm, config, adapter_name=name)


def train_adapter(
    vlm: Idefics3ForConditionalGeneration,
    processor: Any,
    task: Task,
    material: Material,
    plans: Sequence[Plan],
    work: Path,
    out: Path,
) -> float:
    """Trains one adapter from the base, writes it to ``out`` and returns seconds; the base stays as it was.

    The plans are run one after the other, each with its mix of rows: warm restarts of the learning rate (Loshchilov &
    Hutter, arXiv 1608.03983).
    """
    torch.manual_seed(plans[0].seed)
    vlm.requires_grad_(False)
    vlm.set_attn_implementation("eager")
    model = with_lora(vlm, task)

    def loss_of(mix: RowMix, step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        samples, cell = step_samples(task, material, rng, mix)
        loss, right = answer_loss(vlm, material.features, collate(processor, samples))
        return loss, {cell: right.item()}

    seconds = sum(train(model, plan, partial(loss_of, mix), work) for plan, mix in zip(plans, MIXES, strict=True))
    save_adapter(model, task, out)
    model.unload()
    return seconds


def save_adapter(model: PeftModel, name: str, out: Path) -> None:
    """Writes the adapter (float16) and its config into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    model.peft_config[name].base_model_name_or_path = BASE_FOLDER  # not where this machine keeps it
    model.save_pretrained(str(out.parent), selected_adapters=[name])
    saved = out.parent / name
    if saved != out:
        for path in saved.iterdir():
            path.replace(out / path.name)
        saved.rmdir()
    _halve(out / "adapter_model.safetensors")


def _halve(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file({name: value.half() for name, value in load_file(str(path)).items()}, str(path))


def allowed_mask(extras: Sequence[Mapping[str, Any]], domains: Sequence[str] = ("in-domain", "near-domain")) -> Mask:
    """(memory,) bool: pairs of the domains that training may see."""
    return np.array([extra["domain"] in domains for extra in extras], dtype=bool)
