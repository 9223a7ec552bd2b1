"""Scores a result file that anyone made, with no model: COCO or VQA layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raven_core.datasets import coco, vqa
from raven_core.datasets.files import entries, need, read_json
from raven_core.errors import OptionError
from raven_core.metrics.captioning import NOT_COMPUTED, score_captions
from raven_core.metrics.vqa import VqaTruth, score_answers

SHOWN = 3  # ids named in a message


@dataclass(frozen=True)
class Scored:
    """Scores of a result file: ``figures`` as ``--json`` prints them, and how much of the references they cover."""

    task: str
    figures: dict[str, Any]
    scored: int
    unanswered: int

    def notes(self) -> list[str]:
        """What a reader of the figures must know."""
        found = []
        if self.unanswered:
            what = "images" if self.task == "caption" else "questions"
            found.append(f"{self.unanswered} {what} of the references have no result: the scores leave them out.")
        if self.task == "caption":
            found += [f"{name} is not computed: {why}." for name, why in NOT_COMPUTED.items()]
        return found


def score_files(references: str | Path, results: str | Path, questions: str | Path | None = None) -> Scored:
    """Score results against references, as the official code does.

    Params:
        references: captions in COCO's layout, or VQA annotations.
        results: ``[{image_id, caption}]`` or ``[{question_id, answer}]``.
        questions: the VQA questions, to check that the results answer them.
    Raises:
        OptionError: a file is damaged, in another layout, or answers what was not asked or twice.
    """
    path, given = Path(results), read_json(Path(results))
    if not isinstance(given, list) or not given or not all(isinstance(entry, dict) for entry in given):
        raise OptionError(f"{str(path)!r} is no list of results: write [{{image_id, caption}}, ...] or "
                          "[{question_id, answer}, ...].")  # fmt: skip
    truth = read_json(Path(references))
    if "caption" in given[0]:
        return _captions(Path(references), truth, path, given)
    if "answer" in given[0]:
        return _answers(Path(references), truth, path, given, None if questions is None else Path(questions))
    raise OptionError(f"{str(path)!r} has neither captions nor answers: its entries need 'caption' or 'answer'.")


def _captions(path: Path, truth: Any, results: Path, given: Sequence[dict[str, Any]]) -> Scored:
    truths = coco.references(path, {"annotations": entries(truth, "annotations", path)})
    said = _by_id(results, given, "image_id", "caption", truths)
    # the official tokeniser reads captions one behind the other, in the order of the images
    images = [str(image.get("id")) for image in truth.get("images", []) if isinstance(image, dict)]
    order = [image for image in dict.fromkeys([*images, *truths]) if image in said]
    corpus = score_captions({image: truths[image] for image in order}, {image: said[image] for image in order}).corpus
    return Scored("caption", dict(corpus), len(said), len(truths) - len(said))


def _answers(path: Path, truth: Any, results: Path, given: Sequence[dict[str, Any]], questions: Path | None) -> Scored:
    notes = vqa.by_question(path, {"annotations": entries(truth, "annotations", path)})
    if questions is not None:
        asked = entries(read_json(questions), "questions", questions)
        known = {str(need(entry, "question_id", questions, "A question")) for entry in asked}
        notes = {number: note for number, note in notes.items() if number in known}
    said = _by_id(results, given, "question_id", "answer", notes)
    scores = score_answers({number: _truth(path, notes[number]) for number in said}, said)
    figures = {
        "overall": scores.overall,
        "per_answer_type": scores.per_answer_type,
        "per_question_type": scores.per_question_type,
    }
    return Scored("vqa", figures, len(said), len(notes) - len(said))


def _truth(path: Path, note: dict[str, Any]) -> VqaTruth:
    answers = vqa.answers_of(path, note)
    if len(answers) < 2:
        raise OptionError(
            f"The question {note['question_id']} in {str(path)!r} has {len(answers)} answers: VQA accuracy compares "
            "annotators with each other and needs two or more."
        )
    return VqaTruth(answers, *(str(need(note, key, path, "An annotation")) for key in ("answer_type", "question_type")))


def _by_id(
    path: Path, given: Sequence[dict[str, Any]], number: str, text: str, known: Mapping[str, Any]
) -> dict[str, str]:
    """Results by id, as text, in the order of the file.

    Raises:
        OptionError: a field is missing, an id stands twice, or the references do not have it.
    """
    ids = [str(need(entry, number, path, "A result")) for entry in given]
    twice = [name for name, times in Counter(ids).items() if times > 1]
    if twice:
        raise OptionError(f"{str(path)!r} has two results for {number} {_some(twice)}: leave one.")
    strange = [name for name in ids if name not in known]
    if strange:
        raise OptionError(f"{str(path)!r} has results for {number} {_some(strange)}, which the references do not have.")
    return {name: str(need(entry, text, path, "A result")) for name, entry in zip(ids, given, strict=True)}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
