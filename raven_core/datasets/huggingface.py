"""Hugging Face ``datasets``: a folder that ``save_to_disk`` wrote, or ``hub:owner/name``, with a table's columns."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from raven_core.datasets import folder
from raven_core.datasets.examples import Example
from raven_core.errors import HubError, OptionError
from raven_core.images import load_image
from raven_core.settings import HUB_PREFIX

NAME = "huggingface"


def is_saved(path: Path) -> bool:
    """Whether ``save_to_disk`` wrote this folder."""
    return any((path / name).is_file() for name in ("dataset_dict.json", "state.json"))


def read(source: str, split: str | None) -> list[Example]:
    """One example a row; rows with a ``question`` are questions.

    Raises:
        OptionError: the library ``datasets`` is not installed, or the split or a column is missing.
        HubError: a hub data set cannot be fetched.
    """
    table = _split_of(_open(source, split), source, split)
    if folder.first(dict.fromkeys(table.column_names, "there"), folder.IMAGE) is None:
        raise OptionError(
            f"The data set {source!r} has no column of pictures ({', '.join(table.column_names)}): "
            f"rename one to {' or '.join(folder.IMAGE[:2])}."
        )
    column = next(name for name in folder.IMAGE if name in table.column_names)
    rows = table.remove_columns([column])
    return [_example(dict(row), place, _opener(table, column, place)) for place, row in enumerate(rows)]


def _open(source: str, split: str | None) -> Any:
    library = _library()
    if not source.startswith(HUB_PREFIX):
        return library.load_from_disk(source)
    name = source.removeprefix(HUB_PREFIX)
    try:
        return library.load_dataset(name, split=split)
    except Exception as error:  # network, no such data set, no such split, a gated one
        raise HubError(
            f"The data set {name!r} could not be fetched ({type(error).__name__}: {str(error)[:200]}): check its name, "
            "the split and the network, or save it with save_to_disk and give the folder."
        ) from error


def _library() -> Any:
    """The package ``datasets``, which only this format needs.

    Raises:
        OptionError: it is not installed.
    """
    try:
        return importlib.import_module("datasets")
    except ImportError as error:
        raise OptionError("This data set needs the package datasets: pip install datasets.") from error


def _split_of(opened: Any, source: str, split: str | None) -> Any:
    """One table; of several splits the one that is asked for, or the only one."""
    if hasattr(opened, "column_names") and isinstance(opened.column_names, list):
        return opened
    names = list(opened)
    chosen = split or (names[0] if len(names) == 1 else None)
    if chosen not in names:
        raise OptionError(f"The data set {source!r} has the splits {', '.join(names)}: choose one with --split.")
    return opened[chosen]


def _opener(table: Any, column: str, place: int) -> Callable[[], Image.Image]:
    """Reads one picture when it is needed: decoding all of them would fill the memory."""

    def open_picture() -> Image.Image:
        value = table[place][column]
        if isinstance(value, dict):  # an undecoded image: its bytes, or a path
            value = value.get("bytes") or value.get("path")
        return load_image(value)

    return open_picture


def _example(row: dict[str, Any], place: int, image: Callable[[], Image.Image]) -> Example:
    question = row.get("question") or None
    number = folder.first(row, ("question_id", "id", "image_id") if question else ("image_id", "id"))
    number = place if number is None else number
    return Example(
        id=str(number),
        image=image,
        references=() if question else folder.texts(folder.first(row, folder.CAPTION)),
        question=question,
        answers=folder.texts(folder.first(row, folder.ANSWER)) if question else (),
        question_type=row.get("question_type"),
        answer_type=row.get("answer_type"),
        domain=row.get("domain"),
        number=number,
        image_id=str(row.get("image_id", number)),
        extra=folder.extra(row),
    )
