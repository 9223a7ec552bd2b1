"""Rows → scores: each sample's, and each cell's.

Scores of samples are fractions; CIDEr of an image may reach 10. Figures of a report are times 100, as papers print
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from raven_core.datasets.examples import Metric, Task
from raven_core.evaluation.records import Row
from raven_core.metrics.captioning import METRICS, score_captions
from raven_core.metrics.daquar import daquar_match
from raven_core.metrics.vqa import vqa_accuracy

PERCENT = 100.0
DIGITS = 4
"""Decimals of a report's figures, which are percentages."""

_SAMPLE_DIGITS = 6


@dataclass(frozen=True)
class CellRows:
    """The rows of one cell that have a score, by sample id, and the corpus scores in percent."""

    rows: Mapping[str, Row]
    scores: Mapping[str, float]
    errors: int
    reason: str = ""
    """Why there is no score, where there is none."""

    def values(self, metric: Metric, ids: Sequence[str]) -> list[float]:
        """The samples' own scores in percent."""
        name = score_name(metric)
        return [PERCENT * self.rows[sample]["scores"][name] for sample in ids]


def score_name(metric: Metric) -> str:
    """What a sample's score is called in its row."""
    return "CIDEr" if metric == "CIDEr" else "accuracy"


def of_task(rows: Iterable[Row], task: Task) -> dict[str, list[Row]]:
    """The rows of one task by cell."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["task"] == task:
            found.setdefault(row["cell"], []).append(row)
    return found


def score_cell(rows: Sequence[Row], metric: Metric) -> CellRows:
    """Score one cell's rows, and write each row's scores into it (none where there is nothing to compare with)."""
    errors = sum(row["error"] is not None for row in rows)
    answered = [row for row in rows if row["error"] is None and row["truths"]]
    for row in rows:
        row["scores"] = {}
    if metric == "CIDEr":
        if len(answered) < 2:
            reason = f"caption scores need at least two images with references, and {len(answered)} was answered"
            return CellRows({}, {}, errors, reason)
        scores = _score_captions(answered, rows)
    else:
        if not answered:
            return CellRows({}, {}, errors, "no question with a known answer was answered")
        scores = _score_answers(answered, metric)
    return CellRows({row["id"]: row for row in answered}, scores, errors)


def _score_captions(rows: Sequence[Row], of_cell: Sequence[Row]) -> dict[str, float]:
    """Scores of answered rows; how rare words are is told by all of the cell, so that cells compare whatever failed."""
    telling = {row["id"]: row["truths"] for row in of_cell if row["truths"]}
    scored = score_captions(
        {row["id"]: row["truths"] for row in rows},
        {row["id"]: row["prediction"] for row in rows},
        rarity_from=telling if len(telling) > len(rows) else None,
    )
    for row in rows:
        row["scores"] = {name: round(score, _SAMPLE_DIGITS) for name, score in scored.per_image[row["id"]].items()}
    return {name: round(PERCENT * scored.corpus[name], DIGITS) for name in METRICS}


def _score_answers(rows: Sequence[Row], metric: Metric) -> dict[str, float]:
    for row in rows:
        row["scores"] = {"accuracy": round(answer_score(row["prediction"], row["truths"], metric), _SAMPLE_DIGITS)}
    return {"accuracy": round(PERCENT * sum(row["scores"]["accuracy"] for row in rows) / len(rows), DIGITS)}


def answer_score(prediction: str, truths: Sequence[str], metric: Metric) -> float:
    """Accuracy of one answer, 0 to 1."""
    if metric == "vqa_accuracy":
        return vqa_accuracy(prediction, truths)
    return max(daquar_match(prediction, truth) for truth in truths)
