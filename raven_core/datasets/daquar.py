"""DAQUAR as JSON lines: ``question_id``, ``image``, ``question``, ``answer``; several answers comma-separated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from raven_core.datasets.examples import Example
from raven_core.datasets.files import Pictures, need

NAME = "daquar"
_COLUMNS = {"question_id", "image", "question", "answer"}


def is_daquar(row: dict[str, Any]) -> bool:
    """Whether a row has DAQUAR's columns and no list of answers."""
    return row.keys() >= _COLUMNS and not isinstance(row["answer"], list) and "answers" not in row


def question_type(question: str) -> str:
    """``number``, ``colour``, ``place`` or ``object``: what the question asks for, by its first words."""
    text = question.lower()
    if re.match(r"how (many|much)\b", text):
        return "number"
    if re.match(r"what (is the )?colou?rs?\b", text) or re.search(r"\bcolou?rs? (is|are)\b", text):
        return "colour"
    return "place" if text.startswith("where") else "object"


def read(path: Path, rows: list[dict[str, Any]], pictures: Pictures) -> list[Example]:
    """One example a row.

    Raises:
        OptionError: a column is missing.
    """
    return [_example(path, row, pictures) for row in rows]


def _example(path: Path, row: dict[str, Any], pictures: Pictures) -> Example:
    number, image, question, answer = (
        need(row, key, path, "A row") for key in ("question_id", "image", "question", "answer")
    )
    several = "," in str(answer)
    return Example(
        id=str(number),
        image=pictures.named(str(image)),
        question=str(question),
        answers=(str(answer),),
        question_type=question_type(str(question)),
        answer_type="several" if several else "number" if str(answer).strip().isdigit() else "one",
        number=number,
        image_id=str(image),
    )
