"""Result files as the official servers read them: COCO ``[{image_id, caption}]``, VQA ``[{question_id, answer}]``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raven_core.evaluation.records import Row, replace_text

_LAYOUT = {"caption": ("captions", "image_id", "caption"), "vqa": ("answers", "question_id", "answer")}


def write(folder: Path, rows: Sequence[Row]) -> list[Path]:
    """One file a task and cell, in the order of the rows.

    The servers want a result for every sample, so the answer of one that failed is empty.
    """
    contents: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        what, number, text = _LAYOUT[row["task"]]
        entry = {number: row["number"], text: row["prediction"] or ""}
        contents.setdefault(f"{what}_{row['cell']}.json", []).append(entry)
    folder.mkdir(parents=True, exist_ok=True)
    for name, entries in contents.items():
        replace_text(folder / name, json.dumps(entries, ensure_ascii=False) + "\n")
    return [folder / name for name in contents]
