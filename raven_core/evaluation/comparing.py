"""Two runs over the same samples: the paired difference, and the samples that changed most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raven_core.errors import OptionError
from raven_core.evaluation.figures import images_of, rounded
from raven_core.evaluation.records import Row
from raven_core.evaluation.report import Report
from raven_core.evaluation.scoring import DIGITS, CellRows, of_task, score_cell
from raven_core.evaluation.statistics import difference, mean_interval, p_value


@dataclass(frozen=True)
class Comparison:
    """One cell of both runs over the samples that both answered; figures in percent, the gain is second - first."""

    task: str
    metric: str
    cell: str
    samples: int
    first: list[float]
    second: list[float]
    gain: list[float]
    p: float
    changed: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))


def compare_runs(
    first: str | Path, second: str | Path, cells: Sequence[str] | None = None, most: int = 10
) -> list[Comparison]:
    """Compare every cell that both runs have, or one cell of the first with another of the second.

    Both are scored again over the samples they share, for CIDEr depends on the whole corpus.

    Params:
        cells: one name for both runs, or two, the first run's and the second's.
        most: how many of the samples that changed most are told.
    Raises:
        OptionError: a folder holds no report, the runs measure differently, or share nothing.
    """
    ours, theirs = Report.load(first), Report.load(second)
    found = []
    for task, metric in ours.data["run"]["metrics"].items():
        if theirs.data["run"]["metrics"].get(task) == metric:
            left, right = of_task(ours.rows, task), of_task(theirs.rows, task)
            for pair in _pairs(left, right, cells):
                rows = _shared(left[pair[0]], right[pair[1]])
                found += _compared(rows, task, metric, " and ".join(dict.fromkeys(pair)), most)
    if not found:
        raise OptionError(
            f"The runs {str(first)!r} and {str(second)!r} share no cell with two samples that both answered: compare "
            "runs over the same data, or name cells with --cells."
        )
    return found


def _pairs(left: Mapping[str, Any], right: Mapping[str, Any], cells: Sequence[str] | None) -> list[tuple[str, str]]:
    asked = [(cells[0], cells[-1])] if cells else [(cell, cell) for cell in left]
    return [pair for pair in asked if pair[0] in left and pair[1] in right]


def _shared(left: Sequence[Row], right: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows of samples that both answered, with the same question and truth, in the first run's order."""
    told = {row["id"]: row for row in right if row["error"] is None}
    pairs = [(row, told[row["id"]]) for row in left if row["error"] is None and row["id"] in told]
    same = [(a, b) for a, b in pairs if (a["question"], a["truths"]) == (b["question"], b["truths"])]
    return [dict(a) for a, _ in same], [dict(b) for _, b in same]


def _compared(rows: tuple[list[Row], list[Row]], task: str, metric: Any, cell: str, most: int) -> list[Comparison]:
    left, right = score_cell(rows[0], metric), score_cell(rows[1], metric)
    ids = list(left.rows)
    if not ids:
        return []
    scores = left.values(metric, ids), right.values(metric, ids)
    images = images_of(left, ids)
    return [
        Comparison(
            task=task,
            metric=metric,
            cell=cell,
            samples=len(ids),
            first=rounded(mean_interval(scores[0], images)),
            second=rounded(mean_interval(scores[1], images)),
            gain=rounded(difference(scores[1], scores[0], images)),
            p=round(p_value(scores[1], scores[0], images), 6),
            changed=_changed(left, right, dict(zip(ids, zip(*scores, strict=True), strict=True)), most),
        )
    ]


def _changed(
    left: CellRows, right: CellRows, scores: Mapping[str, tuple[float, float]], most: int
) -> list[dict[str, Any]]:
    """The samples whose score changed most, the largest change first."""
    order = sorted(scores, key=lambda sample: -abs(scores[sample][1] - scores[sample][0]))
    return [
        {
            "id": sample,
            "image": left.rows[sample]["image"],
            "question": left.rows[sample]["question"],
            "truths": left.rows[sample]["truths"],
            "first": left.rows[sample]["prediction"],
            "second": right.rows[sample]["prediction"],
            "change": round(scores[sample][1] - scores[sample][0], DIGITS),
        }
        for sample in order[:most]
        if scores[sample][0] != scores[sample][1]
    ]
