"""The bundled encoder: what is saved, what its vectors depend on, and how sentence-transformers uses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sentence_transformers import SentenceTransformer

from finetune import modelling
from raven_core.dual_encoder import MAX_TEXT_TOKENS, DualEncoder, pixels
from tests import tiny

SIZE = modelling.EncoderSize(
    image=32, dim=16, embedding=8, hidden=(8, 8, 8, 16), depths=(1, 1, 1, 1), text_hidden=16, text_layers=1
)
TEXTS = ["a red creature", "two blue zumi by the sea in the fog", "", "what is it called"]
HALF = 2e-3  # what half precision can change in a component of a unit vector


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    torch.manual_seed(0)
    return modelling.build_encoder(modelling.train_tokenizer(tiny.TEXTS, 400), SIZE).eval()


@pytest.fixture(scope="module")
def saved(encoder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    SentenceTransformer(modules=[encoder], device="cpu").save(str(folder), create_model_card=False)
    return folder


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    return [tiny.block(colour, seed, size) for seed, (colour, size) in enumerate([("red", 32), ("blue", 50)])]


@torch.inference_mode()
def embed(encoder: DualEncoder, inputs: list) -> torch.Tensor:
    return encoder.forward(encoder.preprocess(inputs))["sentence_embedding"]


def test_vectors_are_unit_rows_of_the_joint_space(encoder, images):
    for inputs in (images, TEXTS):
        vectors = embed(encoder, inputs)
        assert vectors.shape == (len(inputs), 16) and vectors.dtype == torch.float32
        assert torch.allclose(vectors.norm(dim=-1), torch.ones(len(inputs)), atol=1e-6)


def test_a_texts_vector_does_not_depend_on_its_batch(encoder):
    together = embed(encoder, TEXTS)
    for row, text in enumerate(TEXTS):
        assert torch.allclose(embed(encoder, [text])[0], together[row], atol=1e-6)


def test_an_images_vector_does_not_depend_on_its_batch(encoder, images):
    together = embed(encoder, images)
    for row, image in enumerate(images):
        assert torch.allclose(embed(encoder, [image])[0], together[row], atol=1e-6)


def test_different_inputs_have_different_vectors(encoder, images):
    for inputs in (images, TEXTS):
        cosines = embed(encoder, inputs) @ embed(encoder, inputs).T
        assert cosines.fill_diagonal_(0).max() < 0.9999


def test_word_order_matters(encoder):
    first, second = embed(encoder, ["red blue", "blue red"])
    assert not torch.allclose(first, second, atol=1e-4)


def test_text_beyond_the_longest_is_cut_not_refused(encoder):
    tokens = encoder.preprocess(["red " * 500])["input_ids"]
    assert tokens.shape == (1, MAX_TEXT_TOKENS)
    assert embed(encoder, ["red " * 500]).isfinite().all()


def test_a_prompt_is_put_before_each_text(encoder):
    with_prompt, whole = encoder.preprocess(["zumi"], prompt="a "), encoder.preprocess(["a zumi"])
    assert torch.equal(with_prompt["input_ids"], whole["input_ids"])


def test_half_precision_on_disk_changes_next_to_nothing(encoder, saved, images):
    loaded = DualEncoder.load(str(saved))
    assert not loaded.training and all(p.dtype == torch.float32 for p in loaded.parameters())
    for inputs in (images, TEXTS):
        assert torch.allclose(embed(loaded, inputs), embed(encoder, inputs), atol=HALF)


def test_saving_what_was_loaded_changes_nothing_any_more(saved, tmp_path):
    DualEncoder.load(str(saved)).save(str(tmp_path))
    for name in ("dual_encoder.safetensors", "dual_encoder.json"):
        assert (tmp_path / name).read_bytes() == (saved / name).read_bytes()


def test_sentence_transformers_does_not_run_it_unasked(saved):
    names = json.loads((saved / "modules.json").read_text())
    assert [entry["type"] for entry in names] == ["raven_core.dual_encoder.DualEncoder"]
    with pytest.raises(ValueError, match="trust_remote_code"):
        SentenceTransformer(str(saved), device="cpu", local_files_only=True)


def test_sentence_transformers_uses_it(encoder, saved, images):
    model = SentenceTransformer(modules=[DualEncoder.load(str(saved))], device="cpu")
    assert model.get_sentence_embedding_dimension() == 16
    for inputs in (images, TEXTS):
        vectors = model.encode(inputs, batch_size=2)
        assert np.allclose(vectors, embed(encoder, inputs).numpy(), atol=HALF)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_pixels_reach_from_minus_one_to_one():
    black, white = Image.new("L", (10, 20), 0), Image.new("RGB", (64, 64), "white")
    batch = pixels([black, white], 8)
    assert batch.shape == (2, 3, 8, 8) and batch.dtype == torch.float32
    assert bool((batch[0] == -1).all()) and bool((batch[1] == 1).all())


def test_pixels_keep_the_order_of_channels():
    red = pixels([Image.new("RGB", (4, 4), (255, 0, 51))], 4)[0]
    assert red[:, 0, 0].tolist() == pytest.approx([1.0, -1.0, 51 / 127.5 - 1])
