"""The data: photos with captions, rooms with questions, and who may see which of them.

Flickr8k's train photos are trained on, but for some that every choice is made on; its dev photos are for the report.
DAQUAR's rooms are split by image into the same three parts. Pictures that are (nearly) the same, by perceptual hash,
stay together in one part and one fold; a train photo that is a dev photo again is dropped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from finetune.photos.statements import kind_of, tidy
from raven_core.images import load_image, perceptual_hash
from raven_core.retriever import DUPLICATE_BITS

FOLDS = (0, 1)
Source = Literal["photo", "room"]
Split = Literal["train", "choice", "report"]
SOURCES: tuple[Source, ...] = ("photo", "room")
SPLITS: tuple[Split, ...] = ("train", "choice", "report")


class DataMissingError(Exception):
    """A file or folder of the data is not there."""


@dataclass(frozen=True)
class Limits:
    """How much of the data is used, and how it is split: counts of pictures, None for all."""

    photos: int | None = None
    report_photos: int | None = None
    rooms: int | None = None
    choice_photos: int = 500
    choice_rooms: float = 0.06
    report_rooms: float = 0.17
    seed: int = 20


@dataclass(frozen=True)
class Picture:
    """A photo with its captions, or a room without any. ``group`` is shared by pictures that are the same."""

    id: str
    file: str
    source: Source
    split: Split
    group: int
    fold: int = 0
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A question about the picture in row ``picture``, with its answer and kind."""

    id: str
    picture: int
    question: str
    answer: str
    kind: str


@dataclass(frozen=True)
class Corpus:
    """Pictures, those for the report last, and the questions about rooms."""

    pictures: tuple[Picture, ...]
    asked: tuple[Asked, ...]

    @cached_property
    def pool(self) -> int:
        """How many pictures, the first ones, the build may look at before it reports."""
        return sum(picture.split != "report" for picture in self.pictures)

    def rows(self, source: Source, split: Split, fold: int | None = None) -> list[int]:
        """Rows of the pictures of one source and split, of one fold or of both."""
        return [
            row
            for row, p in enumerate(self.pictures)
            if p.source == source and p.split == split and fold in (None, p.fold)
        ]

    def questions(self, split: Split, fold: int | None = None) -> list[int]:
        """Rows of the questions about rooms of one split, of one fold or of both."""
        wanted = set(self.rows("room", split, fold))
        return [row for row, asked in enumerate(self.asked) if asked.picture in wanted]

    def save(self, path: Path) -> None:
        """Writes it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)), encoding="utf8")

    @classmethod
    def load(cls, path: Path) -> Corpus:
        """The corpus that ``save`` wrote."""
        content = json.loads(path.read_text(encoding="utf8"))
        pictures = tuple(Picture(**{**entry, "captions": tuple(entry["captions"])}) for entry in content["pictures"])
        return cls(pictures, tuple(Asked(**entry) for entry in content["asked"]))


def weights_folder(data: Path) -> Path:
    """The backbone's folder."""
    return data / "weights" / "mobilenet_v2_1.0_224"


def check_data(data: Path) -> None:
    """Raises DataMissingError naming the first thing that is not there."""
    wanted = (
        data / "flickr8k" / "captions_train.jsonl",
        data / "flickr8k" / "captions_dev.jsonl",
        data / "flickr8k" / "images",
        data / "daquar" / "questions_train.jsonl",
        data / "daquar" / "images",
        weights_folder(data) / "config.json",
    )
    for path in wanted:
        if not path.exists():
            raise DataMissingError(
                f"There is no {path}: give the folder with Flickr8k, DAQUAR and the MobileNetV2 weights as --data "
                "(docs/photos.md says what lies where)."
            )


def read_corpus(data: Path, limits: Limits) -> Corpus:
    """Reads, hashes, groups and splits the data.

    Raises:
        DataMissingError: a file is missing.
    """
    check_data(data)
    pictures = [*_photos(data, limits), *_rooms(data, limits)]
    shown = tqdm(pictures, desc="looking for duplicates", unit="picture")
    hashes = np.array([int(perceptual_hash(load_image(p.file)), 16) for p in shown], dtype=np.uint64)
    kept = split_pictures(with_groups(pictures, duplicate_groups(hashes)), limits)
    kept.sort(key=lambda picture: picture.split == "report")
    return Corpus(tuple(kept), tuple(_questions(data, kept)))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf8").splitlines():
        if line.strip():
            yield json.loads(line)


def _photos(data: Path, limits: Limits) -> Iterator[Picture]:
    folder = data / "flickr8k"
    splits: tuple[tuple[str, Split, int | None], ...] = (
        ("train", "train", limits.photos),
        ("dev", "report", limits.report_photos),
    )
    for name, split, limit in splits:
        for entry in list(_lines(folder / f"captions_{name}.jsonl"))[:limit]:
            captions = tuple(tidy(caption) for caption in entry["captions"])
            yield Picture(entry["image"], str(folder / "images" / entry["image"]), "photo", split, -1, 0, captions)


def _rooms(data: Path, limits: Limits) -> Iterator[Picture]:
    folder = data / "daquar"
    names = list(dict.fromkeys(entry["image"] for entry in _lines(folder / "questions_train.jsonl")))
    for name in names[: limits.rooms]:
        yield Picture(name, str(folder / "images" / name), "room", "train", -1)


def _questions(data: Path, pictures: Sequence[Picture]) -> Iterator[Asked]:
    row_of = {picture.id: row for row, picture in enumerate(pictures) if picture.source == "room"}
    for entry in _lines(data / "daquar" / "questions_train.jsonl"):
        if entry["image"] in row_of:
            question, row = " ".join(entry["question"].split()), row_of[entry["image"]]
            yield Asked(str(entry["question_id"]), row, question, tidy(entry["answer"]), kind_of(question))


def duplicate_groups(hashes: npt.NDArray[np.uint64]) -> list[int]:
    """For each picture the first one that it is the same as, directly or through others; (n,) uint64 hashes."""
    leader = list(range(len(hashes)))

    def find(row: int) -> int:
        while leader[row] != row:
            row = leader[row]
        return row

    for start in range(0, len(hashes), 512):
        near = np.bitwise_count(hashes[start : start + 512, None] ^ hashes[None]) <= DUPLICATE_BITS
        for place, other in np.argwhere(near).tolist():
            first, second = find(start + place), find(other)
            leader[max(first, second)] = min(first, second)
    return [find(row) for row in range(len(hashes))]


def with_groups(pictures: Sequence[Picture], groups: Sequence[int]) -> list[Picture]:
    """The pictures with their groups."""
    return [replace(picture, group=group) for picture, group in zip(pictures, groups, strict=True)]


def split_pictures(pictures: Sequence[Picture], limits: Limits) -> list[Picture]:
    """Each picture with its split and fold, all of a group alike; train photos that are in the report are dropped."""
    reported = {picture.group for picture in pictures if picture.split == "report"}
    left = [picture for picture in pictures if picture.split != "report" and picture.group not in reported]
    order = sorted({picture.group for picture in left}, key=lambda group: _drawn(limits.seed, group))
    fold_of = {group: FOLDS[place % len(FOLDS)] for place, group in enumerate(order)}
    split_of: dict[int, Split] = {}
    rooms = sum(picture.source == "room" for picture in left)
    _assign(split_of, left, order, "photo", {"choice": limits.choice_photos})
    shares: dict[Split, int] = {
        "report": round(limits.report_rooms * rooms),
        "choice": round(limits.choice_rooms * rooms),
    }
    _assign(split_of, left, order, "room", shares)
    dev = [picture for picture in pictures if picture.split == "report"]
    return dev + [replace(p, split=split_of.get(p.group, "train"), fold=fold_of[p.group]) for p in left]


def _assign(
    split_of: dict[int, Split],
    pictures: Sequence[Picture],
    order: Sequence[int],
    source: Source,
    wanted: Mapping[Split, int],
) -> None:
    """Hands whole groups of one source to the splits, until each has as many pictures as wanted."""
    sizes: dict[int, int] = {}
    for picture in pictures:
        if picture.source == source:
            sizes[picture.group] = sizes.get(picture.group, 0) + 1
    groups = iter([group for group in order if group in sizes and group not in split_of])
    for split, count in wanted.items():
        have = 0
        while have < count and (group := next(groups, None)) is not None:
            split_of[group] = split
            have += sizes[group]


def _drawn(seed: int, group: int) -> str:
    return hashlib.sha256(f"{seed}:{group}".encode()).hexdigest()
