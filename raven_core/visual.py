"""Visual tokens, computed once an image: LoRA touches the text model only, so they serve every adapter and prompt."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from PIL import Image
from transformers.modeling_outputs import BaseModelOutputWithPooling


class VisualCache:
    """Visual tokens by image content, for models that show an image as one tile; least recently used leave first."""

    def __init__(self, model: Any, processor: Any, size: int = 8192) -> None:
        self._model, self._processor = model, processor
        self._size = size
        self._kept: OrderedDict[bytes, torch.Tensor] = OrderedDict()
        self._keys: dict[int, bytes] | None = None
        splits = getattr(getattr(processor, "image_processor", None), "do_image_splitting", True)
        self.usable = hasattr(processor, "replace_image_token") and splits is False

    def features(self, images: Sequence[Image.Image]) -> list[torch.Tensor]:
        """(tokens, hidden) features of each image, through vision tower and connector."""
        keys = [self._key(image) for image in images]
        missing = {key: image for key, image in zip(keys, images, strict=True) if key not in self._kept}
        if missing:
            for key, value in zip(missing, self._compute(list(missing.values())), strict=True):
                self._kept[key] = value
        found = []
        for key in keys:
            self._kept.move_to_end(key)
            found.append(self._kept[key])
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return found

    @contextmanager
    def same_images(self) -> Iterator[None]:
        """While the block runs, whoever asks keeps the images alive as they are: each is looked at once.

        Of several such blocks at a time the first that ends ends it for all, and what they ask is looked at anew.
        """
        self._keys = {}
        try:
            yield
        finally:
            self._keys = None

    def _key(self, image: Image.Image) -> bytes:
        keys = self._keys
        if keys is None:
            return _image_key(image)
        if id(image) not in keys:
            keys[id(image)] = _image_key(image)
        return keys[id(image)]

    def forget(self) -> None:
        """Drop everything that is kept."""
        self._kept.clear()

    def _compute(self, images: Sequence[Image.Image]) -> list[torch.Tensor]:
        model = self._model
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        features: list[torch.Tensor] = []
        for start in range(0, len(images), 64):
            batch = [[image] for image in images[start : start + 64]]
            values = self._processor.image_processor(batch, return_tensors="pt")
            features += base.get_image_features(
                values["pixel_values"].to(model.device),
                values["pixel_attention_mask"].to(model.device),
                return_dict=True,
            ).pooler_output
        return features

    def inputs(self, texts: Sequence[str], images: Sequence[Sequence[Image.Image]]) -> dict[str, Any]:
        """Model inputs for a batch, left-padded, with the visual features in place of pixels.

        Params:
            texts: rendered prompts in which every image is already the tokens of one tile.
            images: the images of each prompt, in reading order.
        """
        flat = [image for row in images for image in row]
        encoded = self._processor.tokenizer(
            list(texts),
            padding=True,
            padding_side="left",
            add_special_tokens=False,
            return_tensors="pt",
            return_token_type_ids=False,
        ).to(self._model.device)
        inputs = dict(encoded)
        if flat:
            features: Any = self.features(flat)
            inputs["mm_encoder_outputs"] = {"image": BaseModelOutputWithPooling(pooler_output=features)}
        return inputs


def _image_key(image: Image.Image) -> bytes:
    return hashlib.sha256(image.mode.encode() + str(image.size).encode() + image.tobytes()).digest()
