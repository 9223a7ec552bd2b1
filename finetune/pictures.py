"""Pools of drawn pictures for training: rendered once, kept as one memory-mapped array of pixels."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from tqdm import tqdm

from finetune.fieldguide.draw import render
from finetune.fieldguide.scenes import Scene, draw_unnamed, random_traits, rng_at, scene_at
from finetune.fieldguide.species import SPECIES_TRAITS

SIDE = 96
"""Side of a training picture in pixels: what encoder and model see."""

UNNAMED = "unnamed"
"""The split of creatures that are no species: any other combination of traits."""

UNNAMED_KINDS = 4000


@dataclass(frozen=True)
class Address:
    """Where a scene comes from; the same address always draws the same picture."""

    seed: int
    split: str
    index: int

    def scene(self) -> Scene:
        """The scene that stands at this address."""
        if self.split == UNNAMED:
            return unnamed_scene(self.seed, self.index)
        return scene_at(self.seed, self.split, self.index)


def unnamed_scene(seed: int, index: int) -> Scene:
    """A creature of no species; every combination returns, so that pictures of one kind can be compared."""
    traits = random_traits(rng_at("kind", seed, index % UNNAMED_KINDS), SPECIES_TRAITS)
    return draw_unnamed(rng_at("unnamed", seed, index), traits)


def addresses(seed: int, split: str, n: int, start: int = 0) -> list[Address]:
    """Addresses ``start`` to ``start + n`` of a split."""
    return [Address(seed, split, index) for index in range(start, start + n)]


def picture(scene: Scene) -> npt.NDArray[np.uint8]:
    """(96, 96, 3) uint8: the exported picture, resized as the processors resize it."""
    return np.asarray(render(scene).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _draw(address: Address) -> npt.NDArray[np.uint8]:
    return picture(address.scene())


@dataclass(frozen=True)
class Pool:
    """Pictures and the scenes they show. ``pixels``: (n, 96, 96, 3) uint8, memory-mapped."""

    places: tuple[Address, ...]
    scenes: tuple[Scene, ...]
    pixels: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.scenes)

    def batch(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> torch.Tensor:
        """(len(rows), 3, 96, 96) float32 in [-1, 1]."""
        picked = torch.from_numpy(np.ascontiguousarray(self.pixels[rows])).permute(0, 3, 1, 2)
        return picked.float() / 127.5 - 1.0

    @classmethod
    def build(cls, folder: Path, name: str, places: Sequence[Address], workers: int = 2) -> Pool:
        """Draws what is not there yet and opens the pool."""
        folder.mkdir(parents=True, exist_ok=True)
        path, done = folder / f"{name}.npy", folder / f"{name}.json"
        described = [[a.seed, a.split, a.index] for a in places]
        if not (path.exists() and done.exists() and json.loads(done.read_text()) == described):
            pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(places), SIDE, SIDE, 3))
            with multiprocessing.get_context("spawn").Pool(workers) as crew:
                drawn = crew.imap(_draw, places, chunksize=64)
                for row, array in enumerate(tqdm(drawn, total=len(places), desc=f"drawing {name}", unit="picture")):
                    pixels[row] = array
            pixels.flush()
            done.write_text(json.dumps(described))
        scenes = tuple(place.scene() for place in places)
        return cls(tuple(places), scenes, np.load(path, mmap_mode="r"))
