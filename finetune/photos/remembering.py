"""An encoder that embeds each picture once: a room stands in the memory with many statements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from raven_core.encoder import Encoder
from raven_core.images import content_hash
from raven_core.types import Vector, Vectors


class RememberingEncoder(Encoder):
    """The given encoder; image vectors are kept by the picture's content."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder._model, encoder.fingerprint, encoder.name)
        self._kept: dict[str, Vector] = {}

    def encode_images(self, images: Sequence[Image.Image], batch_size: int = 32) -> Vectors:
        """See ``Encoder.encode_images``."""
        keys = [content_hash(image) for image in images]
        fresh = {key: image for key, image in zip(keys, images, strict=True) if key not in self._kept}
        vectors = super().encode_images(list(fresh.values()), batch_size)
        self._kept.update(zip(fresh, vectors, strict=True))
        return np.stack([self._kept[key] for key in keys]) if keys else vectors
