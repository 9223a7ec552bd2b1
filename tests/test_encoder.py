"""Encoders give unit vectors, take text as text whatever it looks like, and can be told apart."""

import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raven_core.encoder import Encoder
from raven_core.errors import ConfigError, HubError
from raven_core.hub import folder_fingerprint, local_folder
from tests.tiny import block, write_tiny_encoder

TEXTS = ["a red creature", "two blue creatures in the forest by the sea", "what is it called"]


def write_clip(folder: Path, kind: str) -> Path:
    """A random tiny CLIP or SigLIP folder as the hub has them."""
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPProcessor, SiglipConfig, SiglipModel, SiglipProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    from finetune.modelling import train_tokenizer

    torch.manual_seed(0)
    tokenizer = train_tokenizer(TEXTS, 300)
    tokenizer.padding_side, tokenizer.model_max_length = "right", 16
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**sizes, "image_size": 32, "patch_size": 8}
    text = {**sizes, "vocab_size": len(tokenizer), "max_position_embeddings": 16,
            "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}  # fmt: skip
    if kind == "clip":
        config = CLIPConfig(vision_config=vision, text_config=text, projection_dim=16)
        model, processor_class, image_class = CLIPModel(config), CLIPProcessor, CLIPImageProcessorPil
        size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    else:
        config = SiglipConfig(vision_config=vision, text_config={**text, "projection_size": 16})
        model, processor_class, image_class = SiglipModel(config), SiglipProcessor, SiglipImageProcessorPil
        size = {"size": {"height": 32, "width": 32}}
    model.save_pretrained(folder)
    processor_class(image_class(**size), tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["dual", "clip", "siglip"])
def encoder(request, tmp_path_factory) -> Encoder:
    folder = tmp_path_factory.mktemp(request.param) / "encoder"
    write_tiny_encoder(folder) if request.param == "dual" else write_clip(folder, request.param)
    return Encoder.load(folder, "cpu")


def test_vectors_are_unit_float32(encoder):
    pictures = [block("red"), block("blue", size=50), Image.new("RGB", (70, 20), "green")]
    for vectors in (encoder.encode_images(pictures), encoder.encode_texts(TEXTS)):
        assert vectors.shape == (3, 16) and vectors.dtype == np.float32 and encoder.dim == 16
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_nothing_gives_no_rows(encoder):
    assert encoder.encode_images([]).shape == encoder.encode_texts([]).shape == (0, 16)


def test_a_vector_does_not_depend_on_its_batch(encoder):
    together = encoder.encode_texts([*TEXTS, "", "very " * 50])
    for number, text in enumerate(TEXTS):
        assert encoder.encode_texts([text])[0] == pytest.approx(together[number], abs=1e-5)
    assert encoder.encode_texts(TEXTS, batch_size=1) == pytest.approx(together[:3], abs=1e-5)
    pictures = [block("red", seed) for seed in range(5)]
    assert encoder.encode_images(pictures, batch_size=2) == pytest.approx(encoder.encode_images(pictures), abs=1e-5)


def test_text_that_looks_like_an_address_or_a_path_is_text(encoder, tmp_path, monkeypatch):
    path = tmp_path / "cat.png"
    block("red").save(path)
    texts = [str(path), "https://example.org/cat.jpg", "data:image/png;base64,AAAA", "file:///etc/passwd", "a.mp4"]
    plain = encoder.encode_texts(["a cat", *texts])
    monkeypatch.setattr(Image, "open", lambda *args, **kwargs: pytest.fail("an image was opened"))
    monkeypatch.setattr(socket, "socket", lambda *args, **kwargs: pytest.fail("a socket was opened"))
    for number, text in enumerate(texts, start=1):
        assert encoder.encode_texts([text])[0] == pytest.approx(plain[number], abs=1e-5)
    assert np.abs(plain[1] - plain[2]).max() > 1e-4  # each is read, not replaced by one and the same


def test_texts_and_images_differ_from_each_other(encoder):
    vectors = encoder.encode_texts(TEXTS)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3
    pictures = encoder.encode_images([block("red", 1), block("blue", 2)])
    assert np.abs(pictures[0] - pictures[1]).max() > 1e-4


def test_fingerprints_follow_weights_and_configuration_only(tmp_path):
    folder = write_tiny_encoder(tmp_path / "one")
    copy = shutil.copytree(folder, tmp_path / "two")
    first = folder_fingerprint(folder)
    (copy / "README.md").write_text("another description")
    listing = (copy / "modules.json").read_bytes()
    (copy / "modules.json").write_bytes(listing.replace(b"\n", b"\r\n"))  # as a checkout on Windows would
    assert folder_fingerprint(copy) == first and len(first) == 16
    weights = next(copy.glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert folder_fingerprint(copy) != first


def test_missing_and_unfit_folders_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no model folder"):
        Encoder.load(tmp_path / "missing")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        Encoder.load(tmp_path)


def test_a_folder_that_asks_for_foreign_code_is_refused(tmp_path):
    folder = write_tiny_encoder(tmp_path / "encoder")
    listing = json.loads((folder / "modules.json").read_text())
    listing.append({"idx": 1, "name": "1", "path": "1_Evil", "type": "os.Evil"})
    (folder / "modules.json").write_text(json.dumps(listing))
    with pytest.raises(ConfigError, match="foreign code"):
        Encoder.load(folder)


def test_a_hub_model_that_cannot_be_fetched_says_what_to_do(monkeypatch):
    import huggingface_hub

    def refuse(*args: object, **kwargs: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(HubError, match=r"'nobody/nothing'.*bundled profile"):
        local_folder("hub:nobody/nothing")
