"""Small stand-ins made on the spot: an encoder one can compute by hand, and a whole profile of random tiny weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from raven_core.types import Vectors

AXES = {"red": 0, "green": 1, "blue": 2}
TEXTS = [
    "a red creature in the forest", "two blue zumi by the sea", "what is it called", "Question: Similar image: caption",
    "Describe this image.", "what does it eat", "a spotted creature with floppy ears and a forked tail",
]  # fmt: skip


class ColourEncoder:
    """Image → its mean colour as a unit vector; text → the axis of the first colour it names; dim 4.

    So cos(red image, red image) = 1, cos(red, green) = 0, cos(red, yellow) = 1/sqrt(2).
    """

    dim = 4
    name = "colour"

    def __init__(self, fingerprint: str = "colour-1") -> None:
        self.fingerprint = fingerprint
        self.texts: list[str] = []
        self.images = 0

    def encode_images(self, images: Sequence[Image.Image], batch_size: int = 32) -> Vectors:
        """(n, 4) unit rows."""
        self.images += len(images)
        rows = [[*np.asarray(image, dtype=np.float64).reshape(-1, 3).mean(axis=0), 0.0] for image in images]
        return _unit(rows)

    def encode_texts(self, texts: Sequence[str], batch_size: int = 64) -> Vectors:
        """(n, 4) unit rows; the fourth axis is for texts that name no colour."""
        self.texts += texts
        rows = np.zeros((len(texts), 4))
        for number, text in enumerate(texts):
            rows[number, next((axis for word, axis in AXES.items() if word in text), 3)] = 1
        return _unit(rows)


def _unit(rows: Any) -> Vectors:
    vectors = np.asarray(rows, dtype=np.float64).reshape(-1, 4)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def block(colour: Any, seed: int = 0, size: int = 32) -> Image.Image:
    """A picture of about one colour, with a coarse pattern drawn from the seed so that perceptual hashes differ."""
    rng = np.random.default_rng(seed)
    pattern = Image.fromarray(rng.integers(0, 60, (8, 8), dtype=np.uint8)).resize((size, size))
    shade = 1 - np.asarray(pattern, dtype=np.float64)[..., None] / 255
    base = np.asarray(Image.new("RGB", (size, size), colour), dtype=np.float64)
    return Image.fromarray((base * shade).astype(np.uint8))


def write_tiny_encoder(folder: Path) -> Path:
    """A random dual encoder as ``finetune`` saves it."""
    import torch
    from sentence_transformers import SentenceTransformer

    from finetune import modelling

    torch.manual_seed(0)
    size = modelling.EncoderSize(
        image=32, dim=16, embedding=8, hidden=(8, 8, 8, 16), depths=(1, 1, 1, 1), text_hidden=16, text_layers=1
    )
    encoder = modelling.build_encoder(modelling.train_tokenizer(TEXTS, 400), size)
    SentenceTransformer(modules=[encoder], device="cpu").save(str(folder))
    return folder


def write_tiny_vlm(folder: Path, adapters: dict[str, Path]) -> Path:
    """A random Idefics3 model, and random LoRA adapters on its text model."""
    import torch
    from peft import LoraConfig, get_peft_model

    from finetune import modelling

    torch.manual_seed(0)
    size = modelling.VlmSize(
        image=32, patch=8, scale=2, vision_hidden=16, vision_layers=1, vision_heads=2, vision_mlp=32,
        text_hidden=32, text_layers=2, text_heads=2, text_mlp=48,
    )  # fmt: skip
    tokenizer = modelling.train_tokenizer(TEXTS, 400)
    model = modelling.build_vlm(tokenizer, size)
    modelling.save_vlm(model, modelling.build_processor(tokenizer, size), folder)
    for seed, target in enumerate(adapters.values()):
        torch.manual_seed(10 + seed)
        config = LoraConfig(r=2, target_modules=r".*text_model.*\.(q_proj|v_proj)", init_lora_weights=False)
        adapted = get_peft_model(model, config)
        adapted.save_pretrained(str(target))
        model = adapted.unload()
    return folder


def liven(generator: Any) -> None:
    """Wider weights, so that the model says more than one token over and over, and listens to its prompt."""
    import torch

    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in generator.model.named_parameters():
            if weight.ndim == 2:
                weight.add_(torch.randn_like(weight), alpha=0.3 if "embed_tokens" in name else 0.1)


def build_tiny_profile(folder: Path) -> Path:
    """A whole profile folder, its models random and tiny, with a memory of eight pictures and one example.

    Returns:
        The folder, named ``tiny``: give its parent as ``RAVEN_PROFILES`` to load it by name.
    """
    from raven_core.encoder import Encoder
    from raven_core.memory import Memory

    folder.mkdir(parents=True, exist_ok=True)
    encoder = Encoder.load(write_tiny_encoder(folder / "encoder"), "cpu")
    adapters = {name: folder / "adapters" / name for name in ("raven", "no-retrieval")}
    write_tiny_vlm(folder / "model", adapters)
    Memory.create(folder / "memory", encoder, memory_rows(), name="tiny").close()
    (folder / "examples").mkdir()
    block("red", 100).save(folder / "examples" / "red.png")
    example = {"file": "red.png", "question": None, "split": "in-domain", "title": "Red", "known_failure": False}
    (folder / "examples" / "examples.json").write_text(json.dumps([example]), encoding="utf-8")
    (folder / "profile.json").write_text(json.dumps(profile_values()), encoding="utf-8")
    return folder


def profile_values() -> dict[str, Any]:
    """What the tiny profile says of itself."""
    return {
        "name": "tiny",
        "title": "A tiny profile",
        "description": "Random weights.",
        "encoder": "encoder",
        "model": "model",
        "adapters": {"raven": "adapters/raven", "no-retrieval": "adapters/no-retrieval"},
        "default_adapter": "raven",
        "memory": "memory",
        "examples": "examples",
        "question_weight": 0.25,
        "leak_threshold": None,
        "far_threshold": -1.0,
        "far_false_alarm": 0.05,
        "max_new_tokens": 6,
    }


def memory_rows() -> list[tuple[str, Image.Image | None, str | None, str, dict[str, Any]]]:
    """Eight pairs: six whole ones, one without a caption, one without an image."""
    colours = ("red", "green", "blue", "yellow", "purple", "orange", "pink", "white")
    rows: list[tuple[str, Image.Image | None, str | None, str, dict[str, Any]]] = [
        (f"p{number}", block(colour, number), f"a {colour} creature", "drawn", {"colour": colour})
        for number, colour in enumerate(colours)
    ]
    rows[6] = ("p6", rows[6][1], None, "drawn", {})
    rows[7] = ("p7", None, "a white creature", "drawn", {})
    return rows


def tree_state(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its bytes: to see that nothing was written."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
