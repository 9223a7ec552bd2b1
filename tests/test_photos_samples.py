"""What is trained on real photos: neighbours without leaks, folds kept apart, the sight token in its place."""

from __future__ import annotations

import math
import random
from typing import Any, cast

import numpy as np
import pytest
import torch

from finetune import modelling
from finetune.language import collate
from finetune.photos import samples, train_language, train_sight, views
from finetune.photos.backbone import mirrored, principal_basis
from finetune.photos.corpus import Asked, Corpus, Picture
from finetune.photos.measure import caption_report, question_report
from finetune.photos.neighbours import Seen, Tables, answers_found, find_neighbours, fused, memory_entries, nearest
from finetune.photos.report import bars
from finetune.photos.samples import Material
from finetune.photos.sight_token import SightToken, expand_with_sight
from finetune.photos.train_language import Mix
from finetune.photos.train_retriever import RetrieverTraining, several_positives
from finetune.photos.train_sight import on_grid, word_labels
from raven_core.memory import Memory
from raven_core.prompting import build
from raven_core.rendering import expand_images, render_prompt
from raven_core.retriever import Retriever
from raven_core.types import Query
from tests import tiny

PHOTOS, ROOMS = 8, 4


def corpus_of(photos: int = PHOTOS, rooms: int = ROOMS) -> Corpus:
    """Photos, then rooms with two questions each; folds alternate, photos 0 and 2 are the same picture."""
    shown = [
        Picture(f"p{n}", "", "photo", "train", 0 if n == 2 else n, n % 2, (f"caption {n} one", f"caption {n} two"))
        for n in range(photos)
    ]
    shown += [Picture(f"r{n}", "", "room", "train", 100 + n, n % 2) for n in range(rooms)]
    asked = []
    for n in range(rooms):
        asked.append(Asked(f"{n}a", photos + n, "how many beds are there ?", str(n), "number"))
        asked.append(Asked(f"{n}b", photos + n, "what is on the desk ?", f"thing{n}", "on"))
    return Corpus(tuple(shown), tuple(asked))


def vectors(count: int, seed: int, dim: int = 6) -> Any:
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def material() -> Material:
    corpus = corpus_of()
    entries = memory_entries(corpus, {n: f"caption {n} one" for n in range(PHOTOS)})
    seen = {
        fold: Seen(vectors(corpus.pool, fold), vectors(len(entries), 10 + fold), vectors(len(corpus.asked), 20 + fold))
        for fold in (0, 1)
    }
    tables = find_neighbours(corpus, entries, cast(Any, seen), 0.5, 6)
    count = 3
    tokens = torch.arange(corpus.pool * count, dtype=torch.float32).reshape(-1, 1, 1).expand(-1, 4, 32)
    return Material(corpus, entries, tables, tokens, torch.zeros(corpus.pool, 5), count)


def pictures_in(sample: Any, material: Material) -> list[int]:
    return [cast(int, image) // material.views for image in sample.prompt.images]


def test_the_memory_holds_train_photos_and_every_train_statement(material: Material):
    assert [entry.id for entry in material.entries[:2]] == ["photo-p0", "photo-p1"]
    assert material.entries[PHOTOS].caption == "there are 0 beds"
    assert len(material.entries) == PHOTOS + 2 * ROOMS


def test_no_row_is_its_own_neighbour_nor_a_duplicates(material: Material):
    groups = [material.corpus.pictures[entry.picture].group for entry in material.entries]
    for row, near in enumerate(material.tables.pictures):
        assert material.corpus.pictures[row].group not in [groups[place] for place in near]
    for number, near in enumerate(material.tables.questions):
        own = material.corpus.pictures[material.corpus.asked[number].picture].group
        assert own not in [groups[place] for place in near]
    assert 0 not in material.tables.pictures[2] and 2 not in material.tables.pictures[0]  # the same picture twice


def test_each_fold_asks_the_retriever_that_was_not_fitted_on_it():
    corpus = corpus_of(4, 0)
    entries = memory_entries(corpus, dict.fromkeys(range(4), "x"))
    texts = np.zeros((4, 2), dtype=np.float32)
    ahead = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    crossed = np.array([[1, 0], [0, 1], [0, 1], [1, 0]], dtype=np.float32)
    none = np.zeros((0, 2), dtype=np.float32)
    tables = find_neighbours(corpus, entries, {0: Seen(ahead, texts, none), 1: Seen(crossed, texts, none)}, 0.5, 1)
    assert tables.pictures[0, 0] == 1  # fold 0 by the first: like 1 (2 is its duplicate)
    assert tables.pictures[1, 0] == 2  # fold 1 by the second: like 2
    assert tables.pictures[3, 0] == 0


def test_neighbours_are_those_that_the_retriever_finds(tmp_path):
    encoder = cast(Any, tiny.ColourEncoder())
    images = [tiny.block(colour, seed) for seed, colour in enumerate(("red", "green", "blue", "yellow", "purple"))]
    words = ["a red one", "green", "blue", "a red sun", "no colour"]
    rows = [(f"m{n}", image, text, "", {}) for n, (image, text) in enumerate(zip(images, words, strict=True))]
    memory = Memory.create(tmp_path / "memory", encoder, rows)
    found = Retriever(encoder, memory, 0.4).search_many(
        [Query(image, "is it red") for image in images],
        3,
        exclude_ids=[[f"m{n}"] for n in range(5)],
        drop_duplicates=False,
    )
    seen, said = encoder.encode_images(images), encoder.encode_texts(words)
    queries = fused(seen, encoder.encode_texts(["is it red"] * 5), 0.4)
    own = np.arange(5)
    mine, scores = nearest(queries, own, np.concatenate([seen, said], axis=1), own, 3)
    assert [[f"m{row}" for row in near] for near in mine.tolist()] == [[n.id for n in near] for near in found]
    assert scores[0, 0] == pytest.approx(found[0][0].similarity, abs=1e-5)


def test_answers_found_counts_right_answers_among_the_statements(material: Material):
    tables = Tables(material.tables.pictures, np.array([[PHOTOS + 2], [PHOTOS + 1]] + [[0]] * 6))
    # question 0 asks for 0 beds and finds room 1's "1"; question 1 asks for thing0 and finds thing0
    assert answers_found(material.corpus, material.entries, tables, [0, 1], 1) == 0.5


def test_base_and_adapters_are_trained_on_different_pictures(material: Material):
    mix = Mix(batch=8, near=(1, 2))
    for step in range(12):
        drawn, kind = train_language.base_samples(material, mix, random.Random(step))
        if kind == "seen":
            assert {material.corpus.pictures[p].fold for s in drawn for p in pictures_in(s, material)} == {0}
        else:
            assert all(not sample.prompt.images for sample in drawn)
        for task in train_language.TASKS:
            drawn, _ = train_language.adapter_samples(task, material, mix, random.Random(step))
            assert {material.corpus.pictures[pictures_in(s, material)[-1]].fold for s in drawn} == {1}


def test_all_adapters_are_trained_on_the_same_rows(material: Material):
    mix = Mix(batch=8, near=(2,), cells=(("both", 1.0),))
    drawn = {t: train_language.adapter_samples(t, material, mix, random.Random(5))[0] for t in train_language.TASKS}
    answers = {task: [sample.answer for sample in some] for task, some in drawn.items()}
    assert answers["raven"] == answers["no-retrieval"] == answers["sight"]
    assert all(len(sample.prompt.images) == 3 for sample in drawn["raven"])
    assert all(len(sample.prompt.images) == 1 for sample in drawn["sight"])


def test_no_prompt_shows_a_sample_its_own_caption(material: Material):
    rng = random.Random(1)
    for picture in range(PHOTOS):
        row = samples.caption_row(material, picture, rng)
        text = str(samples.retrieval_sample(material, row, "both", 6, rng).prompt.messages)
        assert not any(caption in text for caption in material.corpus.pictures[picture].captions)


def test_questions_are_asked_of_the_whole_picture(material: Material):
    assert all(samples.question_row(material, number).view == views.WHOLE for number in range(8))


def test_copying_practice_asks_for_an_answer_that_stands_in_the_prompt_alone(material: Material):
    row = samples.question_row(material, 1)
    for seed in range(10):
        sample = samples.copying_sample(material, row, 3, random.Random(seed))
        assert f"{sample.answer} is on the desk" in str(sample.prompt.messages) and not sample.prompt.images


@pytest.fixture(scope="module")
def processor() -> Any:
    size = modelling.VlmSize(image=32, patch=8, scale=2)
    return modelling.build_processor(modelling.train_tokenizer(tiny.TEXTS, 400), size)


def test_the_sight_token_stands_behind_the_last_images_tokens(processor: Any):
    image = tiny.block("red")
    text = render_prompt(processor, build(Query(image, "what is it")))
    plain, more = expand_images(processor, text), expand_with_sight(processor, text)
    token = processor.image_token
    assert plain.count(token) == 4 and more == plain.replace(4 * token, 5 * token)
    assert expand_with_sight(processor, "no image") == "no image"


def test_a_batch_for_sight_has_room_for_one_more_token_an_image(processor: Any, material: Material):
    drawn = [samples.plain_sample(material, samples.question_row(material, number)) for number in (0, 1)]
    image = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    plain, more = (collate(processor, drawn, expand).ids for expand in (expand_images, expand_with_sight))
    assert (plain == image).sum() == 8 and (more == image).sum() == 10
    assert SightToken(5, 32)(torch.zeros(2, 5)).shape == (2, 1, 32)


def test_a_batch_in_parts_has_the_loss_of_the_whole(processor: Any, material: Material):
    torch.manual_seed(0)
    size = modelling.VlmSize(image=32, patch=8, scale=2, vision_hidden=16, vision_layers=1, vision_mlp=16,
                             text_hidden=32, text_layers=1, text_mlp=32, text_heads=2)  # fmt: skip
    learner = train_language.Learner(modelling.build_vlm(processor.tokenizer, size), processor, "sight", 5, 2)
    drawn = [samples.plain_sample(material, samples.question_row(material, number)) for number in range(7)]
    whole, right = learner.loss(material, drawn, 1)
    parts, right_too = learner.loss(material, drawn, 3)
    assert parts.item() == pytest.approx(whole.item(), rel=1e-4) and right_too.item() == pytest.approx(right.item())


def test_several_positives_share_the_loss():
    similarity = torch.tensor([[math.log(3.0), 0.0]])
    assert several_positives(similarity, torch.tensor([[True, False]])).item() == pytest.approx(math.log(4 / 3))
    both = (math.log(4 / 3) + math.log(4)) / 2
    assert several_positives(similarity, torch.tensor([[True, True]])).item() == pytest.approx(both)


def test_the_projection_takes_plain_features_after_training():
    features = np.random.default_rng(0).normal(3, 2, (20, 4)).astype(np.float32)
    encoder: Any = type("Part", (), {"text_model": torch.nn.Identity(), "text_projection": torch.nn.Identity()})
    encoder.image_projection = torch.nn.Linear(4, 3)
    module = RetrieverTraining(encoder, features, 0.0).eval()
    before = module.images(features)
    module.fold_standard()
    plain = torch.nn.functional.normalize(encoder.image_projection(torch.from_numpy(features)), dim=-1)
    assert torch.allclose(before, plain, atol=1e-5)


def test_the_teachers_direction_of_most_variance_is_found():
    maps = torch.zeros(1, 4, 3)
    maps[0, :, 1] = torch.tensor([1.0, 3.0, 5.0, 7.0])
    mean, basis = principal_basis(maps, 1)
    told = ((maps - mean) @ basis).flatten()
    assert told.var().item() == pytest.approx(1.0) and abs(told[0] + told[3]).item() == pytest.approx(0, abs=1e-5)


def test_a_teachers_map_keeps_its_corners_on_the_students_grid():
    maps = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])  # 2 x 2 places
    grid = on_grid(maps, 4).reshape(4, 4)
    assert grid[0, 0] == 1 and grid[0, 3] == 2 and grid[3, 0] == 3 and grid[3, 3] == 4


def test_a_mirrored_map_has_left_and_right_exchanged():
    maps = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])
    assert mirrored(maps).flatten().tolist() == [2.0, 1.0, 4.0, 3.0]


def test_words_are_known_of_the_given_pictures_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(train_sight, "_COMMON", 0)
    labels = word_labels(corpus_of(4, 0), [0, 1], 3)  # most used: caption (4 times), then one and two (2 each)
    assert labels[0].tolist() == [1.0, 0.5, 0.5] or sorted(labels[0].tolist()) == [0.5, 0.5, 1.0]
    assert labels[2].isnan().all() and not labels[:2].isnan().any()


def test_crops_stay_inside_and_are_the_same_again():
    for row in range(20):
        crop = views.crop_of(row, 3)
        assert crop == views.crop_of(row, 3)
        assert 0 <= crop.box[0] and crop.box[2] <= views.SIDE and 0 <= crop.box[1] and crop.box[3] <= views.SIDE
        assert crop.side >= views.SMALLEST_CROP * views.SIDE - 1
    assert views.crop_of(5, views.WHOLE).side == views.SIDE and views.crop_of(5, views.MIRRORED).mirrored


def test_answers_are_counted_by_kind_against_the_baseline(material: Material):
    said = {"no-retrieval": ["0", "x", "0", "x"], "both": ["0", "thing0", "1", "x"]}
    report = question_report(material.corpus, [0, 1, 2, 3], said, large=2)
    assert report["all"]["right"]["no-retrieval"][0] == 25.0 and report["all"]["right"]["both"][0] == 75.0
    assert report["number"]["against"]["both"][0] == 50.0
    assert report["number"]["questions"] == 2 and report["number"]["rooms"] == 2
    assert set(report["on"]["p_holm"]) == {"both"}


def test_captions_are_compared_with_both_baselines(material: Material):
    asked: Any = type("Asked", (), {"images": ["p1", "p3"]})
    good, bad = ["caption 1 one", "caption 3 one"], ["nothing", "of it"]
    report = caption_report(material.corpus, asked, {"no-retrieval": bad, "sight": bad, "both": good})
    gain = report["against"]["no-retrieval"]["CIDEr"]["both"]
    assert gain[0] == pytest.approx(report["scores"]["both"]["CIDEr"], abs=0.02) and gain[1] > 0
    assert report["against"]["sight"]["ROUGE_L"]["both"] == report["against"]["no-retrieval"]["ROUGE_L"]["both"]


def report_with(gain: list[float], p: float) -> dict[str, Any]:
    less = {"large": True, "against": {c: [-3.0, -5.0, -1.0] for c in ("text", "image", "both")},
            "p_holm": {"text": 1.0, "image": 1.0, "both": p}}  # fmt: skip
    gains = {"text": [0.0, -1.0, 1.0], "both": gain}
    return {"captions": {"against": {"no-retrieval": {"CIDEr": gains}}}, "questions": {"all": {}, "on": less}}


def test_the_bars_hold_or_fall_short():
    assert [bar[2] for bar in bars(report_with([5.0, 1.0, 9.0], 0.2))] == [True, True]
    assert [bar[2] for bar in bars(report_with([5.0, -1.0, 9.0], 0.2))] == [False, True]  # the interval holds zero
    assert [bar[2] for bar in bars(report_with([3.9, 1.0, 9.0], 0.01))] == [False, False]
