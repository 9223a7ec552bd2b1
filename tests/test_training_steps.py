"""Whole training steps, with a real memory and the real retriever."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import raven_core.generator
from finetune import modelling, train_adapters
from finetune.build_fieldguide import memory_row
from finetune.fieldguide.memory_captions import MemoryCaption
from finetune.fieldguide.memory_rows import memory_rows
from finetune.fieldguide.scenes import Scene, scene_at
from finetune.fieldguide.species import by_name
from finetune.fieldguide.stated import is_name_like
from finetune.language import Sample
from finetune.train_adapters import Material, allowed_mask, draw_rows, retrieve, step_samples
from raven_core.memory import Memory
from raven_core.retriever import Retriever
from raven_core.types import CELLS
from tests import tiny
from tests.samples import captions_in, images_of, names_in, text_of, words_of

STEPS = range(16)
ROWS = list(memory_rows(1))


# ---------------------------------------------------------------- whole steps, with the real memory and retriever


class SpeciesEncoder:
    """An image's vector is drawn for its mean colour, a text's for its words; dim 8."""

    dim, fingerprint, name = 8, "species-1", "species"

    def encode_images(self, images: Any, batch_size: int = 32) -> Any:
        return np.stack([self._unit(np.asarray(image).mean(axis=(0, 1)).tolist()) for image in images])

    def encode_texts(self, texts: Any, batch_size: int = 64) -> Any:
        return np.stack([self._unit(text) for text in texts])

    @staticmethod
    def _unit(seed: Any) -> Any:
        vector = np.asarray([random.Random(f"{seed}{axis}").gauss(0, 1) for axis in range(8)])
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """One memory row of every species, small coloured images in place of the drawn ones, and 80 scenes like them."""
    encoder: Any = SpeciesEncoder()
    images, rows = {}, []
    for number, (scene, caption) in enumerate(ROWS):
        images[scene.species] = tiny.block((number, 255 - number, 7 * number % 256), number, 16)
        row_id, _, text, source, extra = memory_row_without_picture(number, scene, caption)
        rows.append((row_id, images[scene.species], text, source, extra))
    memory = Memory.create(tmp_path_factory.mktemp("samples") / "memory", encoder, rows, name="samples")
    ids = list(memory.ids)
    extras = memory.extras(ids)
    scenes = [scene_at(1, "in-domain", index) for index in range(80)]
    return Material(
        scenes=scenes,
        features=torch.zeros(0),
        vectors=encoder.encode_images([images[scene.species] for scene in scenes]),
        retriever=Retriever(encoder, memory, 0.3),
        extras=dict(zip(ids, extras, strict=True)),
        feature_row={pair_id: len(scenes) + number for number, pair_id in enumerate(ids)},
        allowed=allowed_mask(extras),
    )


def memory_row_without_picture(number: int, scene: Scene, caption: MemoryCaption) -> tuple:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("finetune.build_fieldguide.render", lambda scene: None)
        return memory_row(number, scene, caption)


def test_a_memory_row_says_what_is_drawn_and_told():
    scene, caption = ROWS[0]
    row_id, image, text, source, extra = memory_row_without_picture(12, scene, caption)
    assert (row_id, image, text, source) == ("fg-00012", None, caption.text, "Field Guide")
    assert extra == {
        "species": scene.species, "domain": by_name[str(scene.species)].domain, "name": caption.name,
        "fact": caption.fact, "wrong": caption.wrong, "colour": scene.colour, "count": scene.count,
        "habitat": scene.habitat,
    }  # fmt: skip


def test_training_may_see_in_and_near_domain_pairs_only(material):
    domains = [extra["domain"] for extra in material.extras.values()]
    assert material.allowed.sum() == 160 and material.allowed.shape == (240,)
    assert {d for d, allowed in zip(domains, material.allowed, strict=True) if allowed} == {"in-domain", "near-domain"}


@pytest.fixture(scope="module")
def steps(material) -> list[tuple[list[Sample], str]]:
    """Samples and cell of some steps of the adapter ``raven``."""
    return [step_samples("raven", material, random.Random(step)) for step in STEPS]


@pytest.fixture(scope="module")
def closed(material) -> list[list[Sample]]:
    """Samples of the same steps of the baseline."""
    return [step_samples("no-retrieval", material, random.Random(step))[0] for step in STEPS]


def test_no_sample_ever_shows_an_out_domain_or_novel_pair(material, steps):
    row_domain = {row: material.extras[pair_id]["domain"] for pair_id, row in material.feature_row.items()}
    shown = [row for samples, _ in steps for sample in samples for row in images_of(sample)[:-1]]
    assert {row_domain[row] for row in shown} == {"in-domain", "near-domain"}


def test_retrieval_for_training_never_returns_what_it_may_not_see(material):
    rows = draw_rows(material, random.Random(0))
    for neighbours in retrieve(material, rows, 5):
        assert len(neighbours) == 5
        assert {material.extras[n.id]["domain"] for n in neighbours} <= {"in-domain", "near-domain"}
    everything = Material(**{**vars(material), "allowed": np.ones(240, dtype=bool)})
    found = [n.id for neighbours in retrieve(everything, rows, 5) for n in neighbours]
    assert {material.extras[i]["domain"] for i in found} > {"in-domain", "near-domain"}  # so the mask did it


def test_both_tasks_draw_the_same_rows_for_the_same_step(steps, closed):
    for (fed, _), plain in zip(steps, closed, strict=True):
        assert [images_of(s)[-1] for s in plain] == [images_of(s)[-1] for s in fed]
        asked = [[s.prompt.messages[0]["content"][-1] for s in samples] for samples in (plain, fed)]
        assert asked[0] == asked[1]


def test_half_of_a_step_asks_and_half_describes(material):
    rows = draw_rows(material, random.Random(0))
    assert len({row.index for row in rows}) == len(rows) == train_adapters.BATCH
    assert sum(row.question is not None for row in rows) == train_adapters.BATCH // 2
    for row in rows:
        assert row.scene == material.scenes[row.index]
        assert row.question is None or row.target == row.question.answer


def test_the_second_mix_asks_more_and_asks_in_pairs(material):
    rows = draw_rows(material, random.Random(0), train_adapters.MIXES[1])
    assert len(rows) == train_adapters.BATCH and len({row.index for row in rows}) == train_adapters.BATCH - 8
    for yes, no in zip(rows[:16:2], rows[1:16:2], strict=True):
        assert yes.index == no.index and {yes.target, no.target} == {"yes", "no"}
    assert sum(row.question is None for row in rows[16:]) == 12


def test_the_baseline_sees_one_picture_no_captions_and_true_names_only(material, closed):
    for step, samples in zip(STEPS, closed, strict=True):
        rows = draw_rows(material, random.Random(step))
        for row, sample in zip(rows, samples, strict=True):
            assert images_of(sample) == [row.index] and sample.answer == row.target
            assert "Similar" not in text_of(sample)


def test_all_cells_come_and_each_shows_what_it_says(steps):
    assert {cell for _, cell in steps} == set(CELLS)
    for samples, cell in steps:
        for sample in samples:
            assert bool(captions_in(sample)) == ("text" in CELLS[cell])
            assert (len(images_of(sample)) > 1) == ("image" in CELLS[cell])


def test_a_sample_with_captions_has_all_names_true_or_none(material, steps):
    true = {caption.text for _, caption in ROWS}
    redrawn = 0
    for sample in (sample for samples, _ in steps for sample in samples if captions_in(sample)):
        if any(names_in(caption) for caption in captions_in(sample)):
            assert set(captions_in(sample)) <= true
        else:
            redrawn += not set(captions_in(sample)) <= true
    assert redrawn > 100


def test_a_redrawn_name_in_a_target_stands_in_the_captions_of_its_prompt(steps):
    copied = 0
    for sample in (sample for samples, _ in steps for sample in samples):
        names = {word for word in words_of(sample.answer) if is_name_like(word)} - {"creature", "creatures"}
        if names and not names_in(sample.answer):
            assert names <= words_of(" ".join(captions_in(sample)))
            copied += 1
    assert copied > 50


# ---------------------------------------------------------------- an adapter, trained for a step


def test_an_adapter_is_trained_and_saved_and_leaves_the_base_alone(tmp_path: Path, material):
    torch.manual_seed(0)
    size = modelling.VlmSize(
        image=32, patch=8, scale=2, vision_hidden=16, vision_layers=1, vision_heads=2, vision_mlp=32,
        text_hidden=32, text_layers=1, text_heads=2, text_mlp=48,
    )  # fmt: skip
    tokenizer = modelling.train_tokenizer(tiny.TEXTS, 400)
    vlm = modelling.build_vlm(tokenizer, size)
    processor = modelling.build_processor(tokenizer, size)
    before = {name: value.clone() for name, value in vlm.state_dict().items()}
    pictures = len(material.scenes) + len(material.extras)
    full = Material(**{**vars(material), "features": torch.randn(pictures, size.tokens_per_image, 32)})
    plans = [train_adapters.Plan(f"raven-0{part}", steps=1, rate=0.01, warmup=0) for part in ("", "-again")]
    out = tmp_path / "seed-0" / "raven"
    train_adapters.train_adapter(vlm, processor, "raven", full, plans, tmp_path, out)
    after = vlm.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert sorted(path.name for path in out.iterdir()) >= ["adapter_config.json", "adapter_model.safetensors"]
    modelling.save_vlm(vlm, processor, tmp_path / "model")
    generator = raven_core.generator.Generator.load(tmp_path / "model", {"raven": out}, "cpu")
    changed = [v for n, v in generator.model.named_parameters() if "lora_B" in n]
    assert changed and all("text_model" in n for n, _ in generator.model.named_parameters() if "lora" in n)
    assert any(bool(value.any()) for value in changed)
