"""What the model is trained on: the same names in neighbours and target, and nothing that it must not see."""

from __future__ import annotations

import functools
import random
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import raven_core.prompting
import raven_core.rendering
from finetune import language, modelling, train_adapters, train_base
from finetune.fieldguide.memory_captions import FACTS, MemoryCaption
from finetune.fieldguide.memory_rows import memory_rows
from finetune.fieldguide.names import SYLLABLES
from finetune.fieldguide.questions import awake_answer, questions
from finetune.fieldguide.scenes import Scene, draw_scene, scene_at
from finetune.fieldguide.species import by_name, of_domain
from finetune.language import IGNORE, Sample, collate, reference
from finetune.measure_fieldguide import has_word
from finetune.train_adapters import Row, retrieval_sample
from finetune.train_base import FACT_TYPES, NAMES, copying_sample
from raven_core.prompting import build
from raven_core.types import CELLS, Neighbour, Query
from tests import tiny
from tests.samples import captions_in, names_in, text_of

OWN, OTHER = of_domain("in-domain")[:2]


def keeps(value: float) -> Any:
    """A generator whose first number decides whether names are kept; the rest is drawn as ever."""

    class First(random.Random):
        def random(self) -> float:
            nonlocal value
            number, value = value, -1.0
            return number if number >= 0 else super().random()

    return First(5)


def redraws() -> Any:
    return keeps(0.99)


def told(name: str | None, species: str, fact: str | None = None, wrong: str | None = None) -> dict[str, Any]:
    return {"species": species, "domain": by_name[species].domain, "name": name, "fact": fact, "wrong": wrong}


def neighbour(rank: int, caption: str) -> Neighbour:
    return Neighbour(f"n{rank}", caption, None, None, 0.5, rank)


def hand_made(pairs: list[tuple[str, dict[str, Any]]]) -> tuple[Any, list[Neighbour]]:
    """Material and neighbours with these captions and extras, the nearest first."""
    neighbours = [neighbour(rank, caption) for rank, (caption, _) in enumerate(pairs, start=1)]
    material = SimpleNamespace(
        extras={n.id: extra for n, (_, extra) in zip(neighbours, pairs, strict=True)},
        feature_row={n.id: 100 + n.rank for n in neighbours},
    )
    return material, neighbours


def scene_of(species: Any, seed: int = 0) -> Scene:
    return draw_scene(random.Random(seed), species)


def question_row(kind: str) -> Row:
    scene = scene_of(OWN)
    question = questions(scene, random.Random(1), [kind])[0]
    return Row(7, scene, question, question.answer)


def caption_row() -> Row:
    return Row(7, scene_of(OWN), None, f"a red {OWN.name} in the forest")


# ---------------------------------------------------------------- names and facts re-drawn


def test_a_redrawn_name_is_the_same_in_all_neighbours_and_in_the_target():
    material, neighbours = hand_made(
        [
            (f"my photo of {OWN.name}", told(OWN.name, OWN.name)),
            (f"#{OWN.name} IMG_2041", told(OWN.name, OWN.name)),
            (f"{OTHER.name} stock photo", told(OTHER.name, OTHER.name)),
        ]
    )
    sample = retrieval_sample(material, caption_row(), neighbours, "both", redraws())
    other, second, first = captions_in(sample)
    name = first.removeprefix("my photo of ")
    assert second == f"#{name} IMG_2041"
    assert sample.answer == f"a red {name} in the forest"
    assert name not in NAMES
    stranger = other.removesuffix(" stock photo")
    assert stranger not in NAMES and stranger != name


def test_names_are_redrawn_in_seven_samples_of_ten():
    material, neighbours = hand_made([(f"the {OWN.name}", told(OWN.name, OWN.name))])
    kept = 0
    for seed in range(500):
        sample = retrieval_sample(material, caption_row(), neighbours, "text", random.Random(seed))
        assert has_word(sample.answer, OWN.name) == has_word(captions_in(sample)[0], OWN.name)
        kept += has_word(sample.answer, OWN.name)
    assert 120 < kept < 180


@pytest.mark.parametrize("cell", ["image", "none"])
def test_without_captions_the_true_name_stays(cell):
    material, neighbours = hand_made([(f"the {OWN.name}", told(OWN.name, OWN.name))])
    for seed in range(20):
        sample = retrieval_sample(material, caption_row(), neighbours, cell, random.Random(seed))
        assert sample.answer == caption_row().target and captions_in(sample) == []


def test_a_name_that_no_neighbour_states_keeps_its_true_form():
    material, neighbours = hand_made(
        [("cute creature in a cave", told(None, OWN.name)), (f"the {OTHER.name}", told(OTHER.name, OTHER.name))]
    )
    sample = retrieval_sample(material, caption_row(), neighbours, "both", redraws())
    assert sample.answer == caption_row().target
    assert not has_word(text_of(sample), OTHER.name)


def test_a_wrong_caption_about_the_creature_does_not_name_it():
    material, neighbours = hand_made([(f"the {OTHER.name}", told(OTHER.name, OWN.name, wrong="name"))])
    sample = retrieval_sample(material, caption_row(), neighbours, "text", redraws())
    assert sample.answer == caption_row().target
    assert not has_word(captions_in(sample)[0], OTHER.name)


def test_the_answer_to_its_name_is_the_redrawn_one():
    material, neighbours = hand_made([(f"page 12: the {OWN.name}", told(OWN.name, OWN.name))])
    sample = retrieval_sample(material, question_row("what is it called"), neighbours, "text", redraws())
    assert captions_in(sample) == [f"page 12: the {sample.answer}"] and sample.answer not in NAMES


@pytest.mark.parametrize(("kind", "asked"), FACT_TYPES.items())
def test_a_redrawn_fact_is_the_same_in_neighbours_and_answer(kind, asked):
    value = getattr(OWN, kind)
    material, neighbours = hand_made(
        [
            (f"{OWN.name}: {value}", told(OWN.name, OWN.name, kind)),
            (f"fact: {value}", told(None, OWN.name, kind)),
            (f"{OTHER.name} too: {getattr(OTHER, kind)}", told(OTHER.name, OTHER.name, kind)),
        ]
    )
    changed = 0
    for seed in range(30):
        rng = random.Random(seed)
        sample = retrieval_sample(material, question_row(asked), neighbours, "both", rng)
        _, second, first = captions_in(sample)
        drawn = second.removeprefix("fact: ")
        assert drawn in FACTS[kind] and first.endswith(f": {drawn}")
        assert sample.answer == (awake_answer(drawn) if kind == "awake" else drawn)
        changed += drawn != value
    assert changed > 10


@pytest.mark.parametrize(("kind", "asked"), FACT_TYPES.items())
def test_a_fact_that_no_neighbour_states_keeps_its_true_form(kind, asked):
    others = [fact for fact in FACTS if fact != kind]
    material, neighbours = hand_made(
        [
            (f"{OWN.name}: {getattr(OWN, others[0])}", told(OWN.name, OWN.name, others[0])),
            (f"{OTHER.name}: {getattr(OTHER, kind)}", told(OTHER.name, OTHER.name, kind)),
        ]
    )
    row = question_row(asked)
    assert retrieval_sample(material, row, neighbours, "text", redraws()).answer == row.target


def test_a_wrong_fact_about_the_creature_is_not_taught():
    material, neighbours = hand_made([(f"{OWN.name} eat {OTHER.eats}", told(OWN.name, OWN.name, "eats", wrong="fact"))])
    row = question_row("what does it eat")
    assert retrieval_sample(material, row, neighbours, "text", redraws()).answer == row.target == OWN.eats


@pytest.mark.parametrize("kind", ["what color", "how many", "where is it", "is there a"])
def test_what_is_seen_is_answered_as_it_is(kind):
    material, neighbours = hand_made([(f"the {OWN.name}", told(OWN.name, OWN.name))])
    row = question_row(kind)
    assert retrieval_sample(material, row, neighbours, "both", redraws()).answer == row.target


def test_every_fact_caption_of_the_memory_states_its_fact_once():
    # otherwise shuffling the values of a kind would change something else as well
    for _, caption in all_rows(3):
        if caption.fact is not None:
            assert sum(has_word(caption.text, value) for value in FACTS[caption.fact]) == 1, caption


def test_every_caption_of_the_memory_states_at_most_the_name_it_is_said_to():
    for _, caption in all_rows(3):
        assert names_in(caption.text) == ({caption.name} if caption.name else set()), caption


@functools.cache
def all_rows(per_species: int) -> tuple[tuple[Scene, MemoryCaption], ...]:
    return tuple(memory_rows(per_species))


def test_prompts_are_those_of_inference():
    assert train_adapters.build is train_base.build is raven_core.prompting.build
    assert language.render_prompt is raven_core.rendering.render_prompt
    assert language.expand_images is raven_core.rendering.expand_images
    pairs = [(f"the {OWN.name}", told(OWN.name, OWN.name)), ("cute", told(None, OTHER.name))]
    material, neighbours = hand_made(pairs)
    sample = retrieval_sample(material, caption_row(), neighbours, "both", keeps(0.0))
    shown = [Neighbour(n.id, n.caption, reference(100 + n.rank), None, n.similarity, n.rank) for n in neighbours]
    expected = build(Query(reference(7)), shown, CELLS["both"])
    assert sample.prompt.messages == expected.messages and sample.prompt.images == expected.images == (102, 101, 7)


# ---------------------------------------------------------------- batches


@pytest.fixture(scope="module")
def processor() -> Any:
    size = modelling.VlmSize(image=32, patch=8, scale=2)
    return modelling.build_processor(modelling.train_tokenizer(tiny.TEXTS, 400), size)


def test_only_the_answer_and_its_end_are_trained(processor):
    samples = [
        Sample(build(Query(reference(3), "why")), "moss"),
        Sample(build(Query(reference(4)), [neighbour(1, "a red zumi")], {"text"}), "two blue zumi by the sea"),
    ]
    batch = collate(processor, samples)
    tokenizer = processor.tokenizer
    for row, sample in enumerate(samples):
        trained = batch.labels[row] != IGNORE
        assert tokenizer.decode(batch.labels[row][trained]) == f" {sample.answer}<end_of_utterance>"
        assert torch.equal(batch.labels[row][trained], batch.ids[row][trained])
        prompt = language.expand_images(processor, language.render_prompt(processor, sample.prompt))
        length = len(tokenizer(prompt)["input_ids"])
        assert not trained[:length].any() and trained[length]
        assert int(batch.mask[row].sum()) == length + int(trained.sum())
        assert (batch.ids[row][batch.mask[row] == 0] == tokenizer.pad_token_id).all()
    assert batch.images.tolist() == [3, 4]


def test_what_is_trained_is_what_the_model_is_asked_to_continue(processor):
    sample = Sample(build(Query(reference(3), "why")), "moss")
    batch = collate(processor, [sample])
    prompt = language.expand_images(processor, raven_core.rendering.render_prompt(processor, sample.prompt))
    assert prompt.endswith("Assistant:")
    whole = processor.tokenizer(prompt + " moss<end_of_utterance>")["input_ids"]
    assert batch.ids[0].tolist() == whole  # no token spans the border


def test_images_stand_in_reading_order(processor):
    shown = [Neighbour(f"n{n}", "x", reference(50 + n), None, 0.5, n) for n in (1, 2)]
    batch = collate(
        processor, [Sample(build(Query(reference(9)), shown), "a"), Sample(build(Query(reference(8))), "b")]
    )
    assert batch.images.tolist() == [52, 51, 9, 8]
    image = processor.tokenizer.convert_tokens_to_ids("<image>")
    assert (batch.ids == image).sum(1).tolist() == [3 * 4, 4]


# ---------------------------------------------------------------- copying, in the base model's training


def test_copying_samples_hold_what_they_ask_for_and_no_real_names():
    copied = 0
    for seed in range(200):
        rng = random.Random(seed)
        scenes = [scene_at(3, "in-domain", rng.randrange(500)) for _ in range(2)]
        sample = copying_sample(scenes, rng)
        above = text_of(sample)
        if above.startswith("Tell me about"):
            continue
        copied += 1
        assert not names_in(above) and not names_in(sample.answer)
        if "Sketch:" in above:
            sketch = above.split("Sketch: ")[1].split()
            names = [word for word in sample.answer.split() if word.strip(",.") not in {w.strip(",.") for w in sketch}]
            assert names and all(has_word(above, name.strip(",.")) for name in names)
        else:
            assert (
                has_word(above, sample.answer)
                or has_word(above, f"by {sample.answer}")
                or has_word(above, f"at {sample.answer}")
            )
    assert copied > 100


def test_a_picture_batch_has_as_many_samples_as_rows():
    scenes = [scene_at(3, "in-domain", index) for index in range(train_base.BATCH)]
    rows = list(range(train_base.BATCH))
    samples = train_base.picture_batch(scenes, rows, train_base.MIX, random.Random(0))
    assert len(samples) == train_base.BATCH
    for sample in samples:
        (row,) = sample.prompt.images
        assert sample.answer and scenes[row].species is not None


def test_a_repeated_list_is_its_own_answer_and_made_of_few_syllables():
    samples = [train_base.repeating_sample(random.Random(number)) for number in range(50)]
    assert all(text_of(sample).endswith(f"Repeat: {sample.answer}") for sample in samples)
    assert {len(sample.answer.split(", ")) for sample in samples} == {3, 4, 5}
    assert not any(names_in(text_of(train_base.repeating_sample(random.Random(number)))) for number in range(500))


def test_a_name_is_its_syllables_wherever_it_stands():
    texts = [f" the {name} of {name}s #{name}" for name in ("kotor", "muyondra", "quepol")] * 20
    tokenizer = modelling.train_tokenizer(texts, 400, SYLLABLES)
    for name, parts in {"kotor": ["ko", "tor"], "muyondra": ["mu", "yon", "dra"], "quepol": ["que", "pol"]}.items():
        assert tokenizer.tokenize(f" {name}") == ["Ġ" + parts[0], *parts[1:]]
        assert tokenizer.tokenize(f"#{name}'s") == ["#", *parts, "'", "s"]
    assert tokenizer.decode(tokenizer(" two kotors, marmots!")["input_ids"]) == " two kotors, marmots!"


def test_a_yes_no_pair_asks_the_same_picture_once_for_each_answer():
    samples = train_base.yes_no_pair(scene_at(3, "in-domain", 1), 5, random.Random(0))
    assert sorted(sample.answer for sample in samples) == ["no", "yes"]
    assert [sample.prompt.images for sample in samples] == [(5,), (5,)]
    assert text_of(samples[0]) != text_of(samples[1])
