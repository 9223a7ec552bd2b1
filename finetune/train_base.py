"""Trains the base VLM's text model: captions, questions and plain text about the in-domain part of the world.

Part of the plain text makes it repeat what stands above: names that were invented for that sample only, and facts
told about them. Copying is a skill; a model that never needed it memorises names instead.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import Idefics3ForConditionalGeneration

from finetune.fieldguide.captions import captions
from finetune.fieldguide.memory_captions import FACTS, fact_sentences, memory_caption
from finetune.fieldguide.names import SYLLABLES, invent_name
from finetune.fieldguide.questions import MEMORY_TYPES, Question, awake_answer, questions
from finetune.fieldguide.scenes import Scene
from finetune.fieldguide.species import SPECIES, by_name
from finetune.language import Sample, answer_loss, collate, reference
from finetune.loop import Plan, train
from finetune.naming import swap_word
from raven_core.prompting import SIMILAR, build
from raven_core.types import Prompt, Query

BATCH = 64


@dataclass(frozen=True)
class Mix:
    """Shares of the batches: about pictures, copying, plain text (the rest); ``questions``: share of a
    picture batch that asks instead of describing; ``memory_only``: share of those that only memory answers;
    ``pairs``: share of a picture batch that asks "is there a" twice of one picture, once for yes and once for no."""

    pictures: float
    copying: float
    questions: float
    memory_only: float
    pairs: float


MIX = Mix(pictures=0.66, copying=0.28, questions=0.5, memory_only=0.45, pairs=0.2)
""""Is there a" stays at chance for long: pairs leave nothing to learn from but the thing that is asked for."""

LENGTHS = (2, 3)
"""Syllables of the names that are made up for a sample: long ones, which are harder to copy, as often as short ones."""

REPEATING = 0.25
"""Share of the copying samples that repeat a list of names."""

NAMES = frozenset(species.name for species in SPECIES)
FACT_TYPES = {"eats": "what does it eat", "awake": "when is it awake", "sleeps": "where does it sleep"}


def said(text: str) -> Prompt:
    """A prompt of plain text."""
    return Prompt(messages=({"role": "user", "content": [{"type": "text", "text": text}]},), images=())


def caption_sample(scene: Scene, row: int, rng: random.Random) -> Sample:
    """Describe the picture, true name and all."""
    return Sample(build(Query(reference(row))), rng.choice(captions(scene, rng, 1)))


def question_of(scene: Scene, rng: random.Random, share: float = 0.5) -> Question:
    """A question; ``share`` of them, on average, only memory can answer."""
    asked = questions(scene, rng)
    memory_only = rng.random() < share
    return rng.choice([question for question in asked if question.memory_only == memory_only])


def question_sample(scene: Scene, row: int, rng: random.Random, share: float) -> Sample:
    """Answer a question about the picture from sight or from what is known of the species."""
    question = question_of(scene, rng, share)
    return Sample(build(Query(reference(row), question.text)), question.answer)


def yes_and_no(scene: Scene, rng: random.Random) -> list[Question]:
    """Two questions "is there a" about one picture, one answered yes and one no."""
    pair: dict[str, Question] = {}
    while len(pair) < 2:
        question = questions(scene, rng, ["is there a"])[0]
        pair.setdefault(question.answer, question)
    return list(pair.values())


def yes_no_pair(scene: Scene, row: int, rng: random.Random) -> list[Sample]:
    """Both questions as samples."""
    return [Sample(build(Query(reference(row), asked.text)), asked.answer) for asked in yes_and_no(scene, rng)]


def picture_batch(scenes: Sequence[Scene], rows: Sequence[int], mix: Mix, rng: random.Random) -> list[Sample]:
    """One batch about pictures: pairs, then questions, then captions."""
    paired, asked = round(BATCH * mix.pairs / 2), round(BATCH * mix.questions)
    samples = [sample for row in rows[:paired] for sample in yes_no_pair(scenes[row], row, rng)]
    samples += [question_sample(scenes[row], row, rng, mix.memory_only) for row in rows[paired : paired + asked]]
    return samples + [caption_sample(scenes[row], row, rng) for row in rows[paired + asked : len(rows) - paired]]


def plain_sample(scene: Scene, rng: random.Random) -> Sample:
    """What the guide says about a species, by its true name."""
    species = by_name[str(scene.species)]
    return Sample(said(f"Tell me about {species.name}."), rng.choice(fact_sentences(species, rng)))


def repeating_sample(rng: random.Random) -> Sample:
    """A list of names to repeat, all from a few syllables: what comes next is found only by its place in the list.

    No species bears any of them: training must not see the names of out-domain and novel species.
    """
    few = rng.sample(SYLLABLES, 8)
    drawn = ("".join(rng.sample(few, rng.choice(LENGTHS))) for _ in range(5))
    names = [name for name in drawn if name not in NAMES]
    listed = ", ".join(names[: rng.choice((3, 4, 5))])
    return Sample(said(f"Repeat: {listed}"), listed)


def copying_sample(scenes: Sequence[Scene], rng: random.Random) -> Sample:
    """Captions about one creature under a name made up for this sample; then a question, or a sketch to name."""
    if rng.random() < REPEATING:
        return repeating_sample(rng)
    scene = scenes[0]
    true, name = str(scene.species), invent_name(rng, NAMES, LENGTHS)
    values = {kind: rng.choice(choices) for kind, choices in FACTS.items()}
    lines, told = [], set()
    for _ in range(rng.choice((1, 2, 2, 3, 3))):
        fact = rng.choice((None, None, *FACTS))
        caption = memory_caption(scene, rng, fact, None)
        text = swap_word(caption.text, true, name)
        if fact is not None:
            text = swap_word(text, getattr(by_name[true], fact), values[fact])
            told.add(fact)
        if caption.name is not None:
            told.add("name")
        lines.append(text)
    if rng.random() < 0.35:  # a stranger among them
        other, alias = scenes[1], invent_name(rng, NAMES, LENGTHS)
        stray = memory_caption(other, rng, None, None)
        lines.insert(0, swap_word(stray.text, str(other.species), alias))
    above = "".join(f"{SIMILAR}: {line}\n " for line in lines)
    facts = sorted(told & set(FACTS))
    if facts and rng.random() < 0.5:
        fact = rng.choice(facts)
        question = questions(scene, rng, [FACT_TYPES[fact]])[0].text
        answer = awake_answer(values[fact]) if fact == "awake" else values[fact]
        return Sample(said(f"{above}Question: {question}"), answer)
    if "name" not in told:
        return plain_sample(scene, rng)
    if rng.random() < 0.3:
        return Sample(said(f"{above}Question: {questions(scene, rng, [MEMORY_TYPES[0]])[0].text}"), name)
    sketch = captions(scene, rng, 1)[0]
    noun = "creature" if scene.count == 1 else "creatures"
    return Sample(said(f"{above}Sketch: {swap_word(sketch, true, noun)}"), swap_word(sketch, true, name))


def train_base(
    vlm: Idefics3ForConditionalGeneration,
    processor: Any,
    scenes: Sequence[Scene],
    features: torch.Tensor,
    plan: Plan,
    work: Path,
    mix: Mix = MIX,
) -> float:
    """Trains the text model in place on pictures whose features are given; returns seconds."""
    vlm.requires_grad_(False)
    vlm.model.text_model.requires_grad_(True)
    vlm.set_attn_implementation("eager")  # quicker than the fused kernel's backward pass on a CPU

    def loss_of(step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        rows = rng.sample(range(len(scenes)), BATCH)
        kind = rng.random()
        if kind < mix.pictures:
            samples, part = picture_batch(scenes, rows, mix, rng), "closed"
        elif kind < mix.pictures + mix.copying:
            samples = [copying_sample((scenes[row], scenes[rng.choice(rows)]), rng) for row in rows]
            part = "copy"
        else:
            samples = [plain_sample(scenes[row], rng) for row in rows]
            part = "plain"
        loss, right = answer_loss(vlm, features, collate(processor, samples))
        return loss, {part: right.item()}

    return train(vlm, plan, loss_of, work)
