"""Karpathy's splits: ``images[{cocoid, filename, filepath, split, sentences[{raw, tokens}]}]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raven_core.datasets.examples import Example
from raven_core.datasets.files import Pictures, entries, need

NAME = "karpathy"
REST = "restval"
"""The rest of COCO's validation images, which counts as train."""


def is_karpathy(content: Any) -> bool:
    """Whether JSON content is in this layout."""
    images = content.get("images") if isinstance(content, dict) else None
    return bool(images) and isinstance(images, list) and isinstance(images[0], dict) and "sentences" in images[0]


def read(path: Path, content: Any, pictures: Pictures, split: str | None) -> list[Example]:
    """One example an image of the split.

    Raises:
        OptionError: a field is missing.
    """
    return [
        _example(path, image, pictures)
        for image in entries(content, "images", path)
        if split is None or _split(image) == split
    ]


def _split(image: dict[str, Any]) -> str:
    name = str(image.get("split", ""))
    return "train" if name == REST else name


def _example(path: Path, image: dict[str, Any], pictures: Pictures) -> Example:
    file = str(need(image, "filename", path, "An image"))
    number = next((image[key] for key in ("cocoid", "imgid", "id") if image.get(key) is not None), Path(file).stem)
    return Example(
        id=str(number),
        image=pictures.named(str(Path(str(image.get("filepath", ""))) / file)),
        references=tuple(_raw(path, sentence) for sentence in entries(image, "sentences", path)),
        number=number,
        image_id=str(number),
        extra={"split": _split(image)},
    )


def _raw(path: Path, sentence: dict[str, Any]) -> str:
    if sentence.get("raw") is None and sentence.get("tokens"):
        return " ".join(map(str, sentence["tokens"]))
    return str(need(sentence, "raw", path, "A sentence"))
