"""VQA v2: a file of questions, a file of annotations, and pictures found by their number.

Questions ``questions[{question_id, image_id, question}]``; annotations ``annotations[{question_id, image_id,
question_type, answer_type, answers[{answer, answer_id, answer_confidence}], multiple_choice_answer}]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raven_core.datasets import coco
from raven_core.datasets.examples import Example
from raven_core.datasets.files import Pictures, entries, info_of, need, read_json
from raven_core.errors import OptionError

NAME = "vqa"
_TOLD = {"question_id", "image_id", "question_type", "answer_type", "answers", "multiple_choice_answer"}


def is_questions(content: Any) -> bool:
    """Whether JSON content is a file of questions."""
    return isinstance(content, dict) and isinstance(content.get("questions"), list)


def is_annotations(content: Any) -> bool:
    """Whether JSON content is a file of answers."""
    notes = content.get("annotations") if isinstance(content, dict) else None
    return bool(notes) and isinstance(notes, list) and isinstance(notes[0], dict) and "question_id" in notes[0]


def read(path: Path, content: Any, pictures: Pictures, images: Path | None = None) -> list[Example]:
    """One example a question. The annotations are looked for beside the questions, a COCO file of ``images`` too.

    Params:
        images: a file in COCO's layout that names the pictures; else they are found by number.
    Raises:
        OptionError: a field is missing, some questions have one answer and others several, or no file of annotations
            fits as ``find_annotations`` says.
    """
    notes = find_annotations(path, content)
    known = {} if images is None else coco.file_names(images)
    subtype = split_of(content)
    found = [_example(path, entry, pictures, notes, known, subtype) for entry in entries(content, "questions", path)]
    _check_answers(path, found)
    return found


def _check_answers(path: Path, examples: Sequence[Example]) -> None:
    single = [example.id for example in examples if len(example.answers) == 1]
    if single and any(len(example.answers) > 1 for example in examples):
        raise OptionError(
            f"{len(single)} questions of {str(path)!r} have a single answer ({single[0]}, for one) and others several: "
            "VQA accuracy compares annotators, so give several answers to each, or take these questions out."
        )


def split_of(content: Any) -> str:
    """The split that a file of questions says it is; empty where it says nothing."""
    return str(content.get("data_subtype") or info_of(content).get("split") or "")


def _example(
    path: Path,
    entry: dict[str, Any],
    pictures: Pictures,
    notes: Mapping[str, dict[str, Any]],
    known: Mapping[str, dict[str, Any]],
    subtype: str,
) -> Example:
    number, image_id = (need(entry, key, path, "A question") for key in ("question_id", "image_id"))
    note, shown = notes.get(str(number), {}), known.get(str(image_id), {})
    if "file_name" in shown:
        image = pictures.named(str(shown["file_name"]))
    else:
        padded = f"{int(image_id):012d}" if str(image_id).isdigit() else str(image_id)
        image = pictures.numbered(image_id, f"COCO_{subtype}_{padded}.jpg")
    extra = {key: value for key, value in shown.items() if key not in ("id", "file_name", "domain", "width", "height")}
    return Example(
        id=str(number),
        image=image,
        question=str(need(entry, "question", path, "A question")),
        answers=answers_of(path, note),
        question_type=note.get("question_type"),
        answer_type=note.get("answer_type"),
        domain=shown.get("domain"),
        number=number,
        image_id=str(image_id),
        extra={**extra, **{key: value for key, value in note.items() if key not in _TOLD}},
    )


def answers_of(path: Path, note: dict[str, Any]) -> tuple[str, ...]:
    """The annotators' answers of one annotation, none where there is no annotation.

    Raises:
        OptionError: they are not laid out as they should be.
    """
    if not note:
        return ()
    given = entries(note, "answers", path)
    return tuple(str(need(answer, "answer", path, "An answer")) for answer in given)


def find_annotations(path: Path, content: Any) -> dict[str, dict[str, Any]]:
    """Annotations by question id, as text: those of the file itself, else of the one file beside it that fits.

    Raises:
        OptionError: several files fit, or one holds the annotations of some questions and lacks others'.
    """
    if is_annotations(content):
        return by_question(path, content)
    asked = {str(entry.get("question_id")) for entry in entries(content, "questions", path)}
    beside = {}
    for other in sorted(path.parent.glob("*.json")):
        found = read_json(other) if other != path and "annotation" in other.name.lower() else None
        if is_annotations(found):
            beside[other] = by_question(other, found)
    fitting = {file: notes for file, notes in beside.items() if asked <= notes.keys()}
    if len(fitting) > 1:
        names = ", ".join(file.name for file in fitting)
        raise OptionError(f"Several files hold annotations for {str(path)!r} ({names}): leave one in the folder.")
    for file, notes in () if fitting else beside.items():
        missing = sorted(asked - notes.keys())
        if len(missing) < len(asked):
            raise OptionError(
                f"{str(file)!r} lacks the annotations of {len(missing)} of {len(asked)} questions ({missing[0]}, for "
                "one): add them, or take these questions out."
            )
    return next(iter(fitting.values()), {})


def by_question(path: Path, content: Any) -> dict[str, dict[str, Any]]:
    """The annotations of a file by question id, as text.

    Raises:
        OptionError: a question id is missing, or stands twice.
    """
    found: dict[str, dict[str, Any]] = {}
    for note in entries(content, "annotations", path):
        number = str(need(note, "question_id", path, "An annotation"))
        if number in found:
            raise OptionError(f"The question {number} has two annotations in {str(path)!r}: leave one.")
        found[number] = note
    return found
