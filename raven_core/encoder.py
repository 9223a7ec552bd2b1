"""Images and texts → unit vectors in one space, with any sentence-transformers image-text model."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from raven_core.errors import ConfigError, RavenError
from raven_core.hub import folder_fingerprint, local_folder
from raven_core.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_TRUSTED = ("sentence_transformers.", "raven_core.")
_FULL_LENGTH = ("siglip", "siglip2")
"""Text towers that pool the last position: trained on, and only comparable at, the full length."""


class Encoder:
    """An image-text dual encoder. Its vectors are float32 unit rows of ``dim`` numbers."""

    def __init__(self, model: SentenceTransformer, fingerprint: str, name: str = "") -> None:
        self._model = model.eval()
        self.fingerprint = fingerprint
        self.name = name
        self.dim = _dimension(model)

    @classmethod
    def load(cls, path_or_hub: str | Path, device: str | None = None) -> Encoder:
        """Load a sentence-transformers folder, a transformers CLIP or SigLIP folder, or ``hub:owner/name``.

        Raises:
            ConfigError: the folder is missing or holds no image-text model.
            HubError: a hub model could not be fetched.
        """
        folder = local_folder(path_or_hub)
        try:
            model = _load_model(folder, device)
        except RavenError:
            raise
        except Exception as error:  # the library's many ways to dislike a folder
            raise ConfigError(f"The encoder in {str(path_or_hub)!r} cannot be loaded: {error}") from error
        missing = {"image", "text"} - {str(modality) for modality in model.modalities}
        if missing:
            raise ConfigError(f"The encoder in {str(path_or_hub)!r} cannot encode {' or '.join(sorted(missing))}.")
        return cls(model, folder_fingerprint(folder), str(path_or_hub))

    def encode_images(self, images: Sequence[Image.Image], batch_size: int = 32) -> Vectors:
        """Embed RGB images.

        Returns:
            Array (n, dim), float32, rows of unit length.
        """
        return self._encode(images, batch_size, self._model.preprocess)

    def encode_texts(self, texts: Sequence[str], batch_size: int = 64) -> Vectors:
        """Embed texts, each as text even where it looks like an address or a path.

        Returns:
            Array (n, dim), float32, rows of unit length.
        """
        return self._encode(texts, batch_size, self._tokenize)

    def _tokenize(self, texts: list[str]) -> dict[str, Any]:
        """Text features, made without the library's input parser, which opens what looks like an image address."""
        module: Any = self._model[0]
        if not hasattr(module, "processor"):
            return module.preprocess(texts)  # our own module takes every string as text
        config = module.config.get_text_config()
        limit = min(module.tokenizer.model_max_length, getattr(config, "max_position_embeddings", 512))
        full = module.config.model_type in _FULL_LENGTH
        padding = "max_length" if full else True
        features = module.tokenizer(texts, padding=padding, truncation=True, max_length=limit, return_tensors="pt")
        return {**features, "modality": "text"}

    def _encode(
        self, items: Sequence[Any], batch_size: int, preprocess: Callable[[list[Any]], dict[str, Any]]
    ) -> Vectors:
        import torch

        rows = [np.zeros((0, self.dim), dtype=np.float32)]
        with torch.inference_mode():
            for start in range(0, len(items), batch_size):
                features = preprocess(list(items[start : start + batch_size]))
                placed = {
                    key: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
                    for key, value in features.items()
                }
                embedding = self._model(placed)["sentence_embedding"].float()
                rows.append(torch.nn.functional.normalize(embedding, dim=-1).cpu().numpy())
        return np.concatenate(rows)


def _load_model(folder: Path, device: str | None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    listing = folder / "modules.json"
    modules = json.loads(listing.read_text(encoding="utf-8")) if listing.is_file() else []
    if not any(entry["type"].startswith("raven_core.") for entry in modules):
        return SentenceTransformer(str(folder), device=device, local_files_only=True)
    # The library loads foreign module classes only with trust_remote_code, which would trust any folder's code.
    return SentenceTransformer(modules=[_load_module(folder, entry) for entry in modules], device=device)


def _load_module(folder: Path, entry: dict[str, str]) -> Any:
    if not entry["type"].startswith(_TRUSTED):
        raise ConfigError(f"The encoder in {str(folder)!r} asks for foreign code ({entry['type']}), which is not run.")
    module_name, class_name = entry["type"].rsplit(".", 1)
    module_class = getattr(importlib.import_module(module_name), class_name)
    return module_class.load(str(folder), subfolder=entry["path"], local_files_only=True)


def _dimension(model: SentenceTransformer) -> int:
    dimension = model.get_embedding_dimension()
    if dimension is None:
        raise ConfigError("The encoder does not say how long its vectors are (get_embedding_dimension).")
    return int(dimension)
