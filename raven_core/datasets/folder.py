"""A folder of pictures with a CSV or JSONL table of captions, or of questions and answers.

Columns: ``image`` (or ``file_name``, ``filename``, ``image_path``, ``path``); ``caption``, ``captions`` or ``text``;
``question`` with ``answer`` or ``answers``; and where they are there ``id``, ``split``, ``domain``, ``question_type``,
``answer_type``. Several rows with the same image are several captions of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raven_core.datasets.examples import Example
from raven_core.datasets.files import Pictures
from raven_core.errors import OptionError

NAME = "folder"
IMAGE = ("image", "file_name", "filename", "image_path", "path")
CAPTION = ("captions", "caption", "text", "sentences")
ANSWER = ("answers", "answer")
_ID = ("id", "question_id", "image_id")
_TOLD = {*IMAGE, *CAPTION, *ANSWER, *_ID, "question", "question_type", "answer_type", "domain", "split"}


def first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first of these columns that has something in it, or None."""
    return next((row[name] for name in names if row.get(name) not in (None, "", [])), None)


def texts(value: Any) -> tuple[str, ...]:
    """One text or a list of them as a tuple; objects with ``raw``, ``caption`` or ``answer`` as their text."""
    values = value if isinstance(value, list | tuple) else [] if value is None else [value]
    named = (first(entry, ("raw", "caption", "answer")) if isinstance(entry, dict) else entry for entry in values)
    return tuple(str(text) for text in named if text is not None)


def read(path: Path, rows: list[dict[str, Any]], pictures: Pictures) -> list[Example]:
    """One example an image, and one a question.

    Raises:
        OptionError: a row has no image, or has neither question nor caption where others have questions.
    """
    asked = [row for row in rows if row.get("question")]
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("question"):
            continue
        if asked and first(row, CAPTION) is None:
            raise OptionError(
                f"A row of {str(path)!r} has neither question nor caption ({str(row)[:120]}): fill in one of them."
            )
        grouped.setdefault(_image(path, row), []).append(row)
    captions = [_caption(name, of_image, pictures) for name, of_image in grouped.items()]
    return captions + [_question(path, row, place, pictures) for place, row in enumerate(asked)]


def _image(path: Path, row: dict[str, Any]) -> str:
    name = first(row, IMAGE)
    if name is None:
        raise OptionError(
            f"A row of {str(path)!r} names no picture ({str(row)[:120]}): fill in one of {', '.join(IMAGE)}."
        )
    return str(name)


def _caption(name: str, rows: list[dict[str, Any]], pictures: Pictures) -> Example:
    number = first(rows[0], _ID) or name
    return Example(
        id=str(number),
        image=pictures.named(name),
        references=tuple(caption for row in rows for caption in texts(first(row, CAPTION))),
        domain=rows[0].get("domain"),
        number=number,
        image_id=str(rows[0].get("image_id") or name),
        extra=extra(rows[0]),
    )


def _question(path: Path, row: dict[str, Any], place: int, pictures: Pictures) -> Example:
    number = first(row, ("question_id", "id"))
    name = _image(path, row)
    return Example(
        id=str(place if number is None else number),
        image=pictures.named(name),
        question=str(row["question"]),
        answers=texts(first(row, ANSWER)),
        question_type=row.get("question_type"),
        answer_type=row.get("answer_type"),
        domain=row.get("domain"),
        number=place if number is None else number,
        image_id=str(row.get("image_id") or name),
        extra=extra(row),
    )


def extra(row: dict[str, Any]) -> dict[str, Any]:
    """The columns that have no meaning here."""
    return {key: value for key, value in row.items() if key not in _TOLD and key is not None}
