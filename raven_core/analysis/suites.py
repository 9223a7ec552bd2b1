"""Judged answers in the field's layouts: result files for scorers, and data sets that training and evaluation read."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raven_core.analysis.flat import Frame
from raven_core.analysis.gallery import plain
from raven_core.errors import StoreError
from raven_core.judgments import JudgmentStore
from raven_core.metrics.vqa import normalise_answer

ANSWERS = 10
"""Answers to a question in the layout of VQA v2; each correction is repeated to fill them."""

_RESULTS = {"caption": ("captions", "image_id", "caption"), "vqa": ("answers", "question_id", "answer")}
_YES_NO, _NUMBER = "yes/no", "number"


@dataclass(frozen=True)
class Case:
    """An image, a question or none, and the answers that are known to be right."""

    image_file: str
    image_hash: str
    question: str | None
    question_type: str
    domain: str
    answers: tuple[str, ...]
    key: str

    @property
    def image_id(self) -> int:
        """A number from the image's hash, the same in every export."""
        return image_number(self.image_hash)

    @property
    def question_id(self) -> int:
        """A number from image and question, the same in every export."""
        return question_number(self.image_hash, self.question)


def image_number(image_hash: str) -> int:
    """48 bits of a content hash: the id of an image that came without one."""
    return int(image_hash[:12], 16)


def question_number(image_hash: str, question: str | None) -> int:
    """The id of a question that came without one: 48 bits of a hash of image and question."""
    return int(hashlib.sha256(f"{image_hash}\n{question}".encode("utf-8", "replace")).hexdigest()[:12], 16)


def write_results(frame: Frame, task: str, folder: Path) -> int:
    """Result files as official scorers read them, one for each cell and adapter; how many answers they hold.

    Ids are those of the data set where the answer came from a run, else numbers from image and question, which
    ``write_suite`` gives too. Of several answers to one query the one judged last stands.
    """
    name, number, text = _RESULTS[task]
    rows = frame[(frame["task"] == task) & frame["image_hash"].notna()]
    rows = rows.drop_duplicates(["query", "cell", "adapter"], keep="last")
    for (cell, adapter), group in rows.groupby(["cell", "adapter"], observed=True, sort=True):
        entries = [{number: _id(row, task), text: row["text"]} for row in group.to_dict("records")]
        _write(folder / f"{name}_{_file_part(str(cell))}_{_file_part(str(adapter))}_results.json", entries)
    return len(rows)


def cases(frame: Frame, with_successes: bool) -> list[Case]:
    """What is known to be right: corrections, and where asked for the answers that were judged success.

    An answer that somebody judged success and somebody else failure is left out, and so is a correction that is
    empty. Queries without an image are left out.
    """
    rows = frame[frame["image_file"].notna()]
    right = rows[["unit", "score"]].groupby("unit")["score"].min().eq(2)
    found = []
    for _, group in rows.groupby("query", sort=False):
        corrected = [text.strip() for text in group["correction"] if text.strip()]
        praised = group.loc[group["unit"].map(right), "text"] if with_successes else ()
        answers = tuple(dict.fromkeys([*corrected, *(text for text in praised if text.strip())]))
        if answers:
            found.append(_case(group.iloc[-1], answers))
    return found


def write_suite(store: JudgmentStore, frame: Frame, folder: Path, with_successes: bool) -> int:
    """A folder that ``evaluate`` reads: ``captions.json`` (COCO), ``questions.json`` and ``annotations.json`` (VQA v2)
    and ``images``; how many cases it holds.

    Raises:
        StoreError: a picture is gone.
    """
    found = cases(frame, with_successes)
    captions = [case for case in found if case.question is None]
    asked = [case for case in found if case.question is not None]
    if captions:
        _write(folder / "captions.json", _coco(captions))
    if asked:
        questions, annotations = _vqa(asked)
        _write(folder / "questions.json", questions)
        _write(folder / "annotations.json", annotations)
    for number, file in {case.image_id: case.image_file for case in found}.items():
        copy_picture(store, file, folder / "images" / f"{number}{Path(file).suffix}")
    return len(found)


def copy_picture(store: JudgmentStore, file: str, out: Path) -> None:
    """Put a stored picture somewhere.

    Raises:
        StoreError: it is gone.
    """
    source = store.image_path(file)
    if not source.is_file():
        raise StoreError(f"The picture {file!r} is gone from {str(store.images_dir)!r}: leave it out with a filter.")
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, out)


def _case(row: Any, answers: tuple[str, ...]) -> Case:
    question = plain(row["question"])
    told = ("image_file", "image_hash", "question_type", "domain", "key")
    return Case(question=question, answers=answers, **{name: str(plain(row[name]) or "") for name in told})


def _coco(found: Iterable[Case]) -> dict[str, Any]:
    by_image = list(found)
    images = [
        {"id": case.image_id, "file_name": f"{case.image_id}{Path(case.image_file).suffix}", "domain": case.domain}
        for case in by_image
    ]
    texts = [(case.image_id, answer) for case in by_image for answer in case.answers]
    annotations = [{"id": number, "image_id": image, "caption": text} for number, (image, text) in enumerate(texts, 1)]
    return {"info": _info("captions"), "images": images, "annotations": annotations}


def _vqa(found: Iterable[Case]) -> tuple[dict[str, Any], dict[str, Any]]:
    asked, answered = [], []
    for case in found:
        ids = {"question_id": case.question_id, "image_id": case.image_id}
        asked.append({**ids, "question": case.question})
        answered.append({**ids, **_annotation(case)})
    return {"info": _info("questions"), "questions": asked}, {"info": _info("answers"), "annotations": answered}


def _annotation(case: Case) -> dict[str, Any]:
    filled = [case.answers[place % len(case.answers)] for place in range(max(ANSWERS, len(case.answers)))]
    return {
        "question_type": case.question_type,
        "answer_type": _answer_type(case.answers[0]),
        "multiple_choice_answer": case.answers[0],
        "domain": case.domain,
        "answers": [
            {"answer": answer, "answer_id": place, "answer_confidence": "yes"} for place, answer in enumerate(filled, 1)
        ],
    }


def _answer_type(answer: str) -> str:
    """As VQA v2 tells them apart."""
    plain_answer = normalise_answer(answer)
    if plain_answer in ("yes", "no"):
        return _YES_NO
    return _NUMBER if re.fullmatch(r"\d+(\.\d+)?", plain_answer) else "other"


def _info(what: str) -> dict[str, str]:
    return {"description": f"RAVEN: {what} that people judged right or corrected", "version": "1.0"}


def _id(row: Mapping[Any, Any], task: str) -> int | str:
    key = row["key"] if isinstance(row["key"], str) else ""
    if key and row["kind"] == "item" and not re.fullmatch(r"[0-9a-f]{32}", key):  # that is a trial's
        return int(key) if re.fullmatch(r"\d{1,18}", key) else key
    question = plain(row["question"])
    return image_number(row["image_hash"]) if task == "caption" else question_number(row["image_hash"], question)


def _file_part(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.") or "unnamed"


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
