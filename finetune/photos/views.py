"""Pictures as training sees them: kept once as squares, each looked at whole, mirrored, and in crops."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from tqdm import tqdm

from raven_core.images import load_image

SIDE = 160
"""Side of the kept squares in pixels: Flickr8k's photos are that large here."""

WHOLE, MIRRORED = 0, 1
SMALLEST_CROP = 0.7
"""Side of the smallest crop, as a share of the picture's."""


@dataclass(frozen=True)
class Crop:
    """A square part of a picture, in pixels of the kept square."""

    left: int
    top: int
    side: int
    mirrored: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, as pillow wants them."""
        return self.left, self.top, self.left + self.side, self.top + self.side


def crop_of(row: int, view: int) -> Crop:
    """What a view of a picture shows: the whole, the whole mirrored, then crops drawn by row and view."""
    if view in (WHOLE, MIRRORED):
        return Crop(0, 0, SIDE, view == MIRRORED)
    rng = random.Random(row * 1009 + view)
    side = round(SIDE * rng.uniform(SMALLEST_CROP, 1.0))
    return Crop(rng.randint(0, SIDE - side), rng.randint(0, SIDE - side), side, rng.random() < 0.5)


@dataclass(frozen=True, eq=False)
class Views:
    """``pixels``: (n, 160, 160, 3) uint8, memory-mapped; ``count`` views of each."""

    pixels: npt.NDArray[np.uint8]
    count: int

    def batch(self, rows: Sequence[int], views: Sequence[int], side: int) -> torch.Tensor:
        """(len(rows), 3, side, side) float32 in [-1, 1]: one view of each row."""
        arrays = np.stack([self._one(row, view, side) for row, view in zip(rows, views, strict=True)])
        return torch.from_numpy(arrays).permute(0, 3, 1, 2).float() / 127.5 - 1.0

    def _one(self, row: int, view: int, side: int) -> npt.NDArray[np.uint8]:
        crop = crop_of(row, view)
        image = Image.fromarray(self.pixels[row]).resize((side, side), Image.Resampling.BICUBIC, box=crop.box)
        array = np.asarray(image)
        return array[:, ::-1].copy() if crop.mirrored else array

    @classmethod
    def build(cls, path: Path, files: Sequence[str], count: int) -> Views:
        """Decodes the files, or opens what was decoded before."""
        done = path.with_suffix(".done")
        if not done.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(files), SIDE, SIDE, 3))
            for row, file in enumerate(tqdm(files, desc="decoding", unit="picture")):
                pixels[row] = np.asarray(load_image(file).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            pixels.flush()
            done.touch()
        return cls(np.load(path, mmap_mode="r"), count)
