"""The samples of a run: which to show, in which order, and each as HTML with its answers side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from raven_core.errors import RavenError
from raven_core.images import load_image
from raven_core.types import BASE, CELLS
from raven_core.ui.evaluate_view import FLOORS, name_of
from raven_core.ui.markup import esc, percent, picture
from raven_core.ui.words import say

if TYPE_CHECKING:
    from raven_core.evaluation import Report

SHOWS = ("all", "changed", "failed")
ALL_CELLS = "all"
OPEN, TURN = "open", "turn"
PAGE_SIZE = 6

Row = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """One sample: its rows by cell, and how many points lie between two of its cells (None where one has no score)."""

    key: str
    rows: Mapping[str, Row]
    change: float | None = None

    @property
    def any(self) -> Row:
        """A row of it, for what all rows say."""
        return next(iter(self.rows.values()))


@dataclass(frozen=True)
class Choice:
    """What of the samples to show. ``cell`` is a cell's name, or ``all``."""

    task: str = ""
    cell: str = ALL_CELLS
    show: str = "all"
    page: int = 0


def tasks(report: Report) -> list[str]:
    """The tasks that were measured."""
    return list(report.data["tasks"])


def points(row: Row, metric: str) -> float | None:
    """A sample's own score in percent (CIDEr times 100); None where it has none."""
    from raven_core.evaluation.scoring import score_name

    value = (row.get("scores") or {}).get(score_name(metric))  # type: ignore[arg-type]
    return None if value is None else 100.0 * float(value)


def chosen(report: Report, choice: Choice) -> list[Sample]:
    """The samples to show, in order: the data's, or those first whose answer changed most from the reference cell."""
    from raven_core.evaluation.report import sample_groups

    figures = report.data["tasks"].get(choice.task)
    if figures is None:
        return []
    groups = sample_groups(report.samples(choice.task))
    found = [_sample(str(n), rows, figures, choice.cell) for n, rows in enumerate(groups.values())]
    if choice.show == "failed":
        return [sample for sample in found if any(_counts(row, choice.cell) and row["error"] for row in _all(sample))]
    if choice.show == "changed":
        moved = [sample for sample in found if sample.change]
        return sorted(moved, key=lambda sample: -abs(sample.change or 0.0))
    return found


def _all(sample: Sample) -> list[Row]:
    return list(sample.rows.values())


def _counts(row: Row, cell: str) -> bool:
    return cell in (ALL_CELLS, row["cell"])


def compared_cell(figures: Mapping[str, Any], cell: str) -> str:
    """The cell whose change counts: the one that was chosen, else the report's main one."""
    return str(figures["main_cell"] or "") if cell == ALL_CELLS else cell


def _sample(key: str, rows: Mapping[str, Row], figures: Mapping[str, Any], cell: str) -> Sample:
    ends = [rows.get(figures["reference_cell"] or ""), rows.get(compared_cell(figures, cell))]
    scores = [None if row is None else points(row, figures["metric"]) for row in ends]
    change = None if None in scores else scores[1] - scores[0]  # type: ignore[operator]
    return Sample(key, rows, change)


def sample_of(report: Report, task: str, key: str) -> Sample | None:
    """The sample that a press names, or None."""
    found = {sample.key: sample for sample in chosen(report, Choice(task))}
    return found.get(key)


def can_open(cell: str) -> bool:
    """Whether the Explore page can ask the same: it always shows the image, and copies nothing."""
    return cell not in FLOORS


def settings_of(row: Row) -> tuple[frozenset[str], str]:
    """(what is fed of the neighbours, the adapter) that gave a row's answer."""
    return frozenset(CELLS.get(row["cell"], frozenset())), row["adapter"] or BASE


def what_differs(run: Row, row: Row) -> str:
    """What Explore does otherwise than the run: it always retrieves. Empty where it asks the very same."""
    if not row["neighbours"] or run["neighbours"] == "retrieved":
        return ""
    return say("evaluate_open_other", kind=say(f"kind_{run['neighbours']}"))


# ---------------------------------------------------------------------- as HTML


def browser(report: Report, choice: Choice) -> tuple[str, str]:
    """One page of the samples, and the buttons that turn it."""
    found = chosen(report, choice)
    if not found:
        told = say("evaluate_none_failed") if choice.show == "failed" else say("evaluate_no_samples")
        return f'<p class="rv-line" role="status">{esc(told)}</p>', ""
    last = (len(found) - 1) // PAGE_SIZE
    page = min(max(choice.page, 0), last)
    shown = found[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    figures = report.data["tasks"][choice.task]
    cards = "".join(card(sample, figures, choice, report.folder.parent) for sample in shown)
    return f'<ol class="rv-samples">{cards}</ol>', _pages(page, last, len(found))


def _pages(page: int, last: int, count: int) -> str:
    first, end = page * PAGE_SIZE + 1, min((page + 1) * PAGE_SIZE, count)
    told = say("evaluate_page", first=first, last=end, all=count)
    return (
        f'<nav class="rv-pages">{_turn(page - 1, say("evaluate_before"), page > 0)}<span role="status">{esc(told)}'
        f"</span>{_turn(page + 1, say('evaluate_next'), page < last)}</nav>"
    )


def _turn(page: int, words: str, can: bool) -> str:
    off = "" if can else " disabled"
    return f'<button type="button" class="rv-chip" data-act="{TURN}" data-id="{page}"{off}>{esc(words)}</button>'


def card(sample: Sample, figures: Mapping[str, Any], choice: Choice, folder: Path) -> str:
    """One sample: image, question, right answers, the answers of its cells, its neighbours."""
    row = sample.any
    cells = "".join(
        _answer(sample, name, one, figures["metric"])
        for name, one in sample.rows.items()
        if choice.cell in (ALL_CELLS, name) or name == figures["reference_cell"]
    )
    asked = f'<p class="rv-asked">{esc(row["question"])}</p>' if row["question"] else ""
    return (
        f'<li class="rv-sample"><div class="rv-sample-head">{_image(row, folder)}<div>{asked}'
        f"{_references(row)}{_change(sample, figures, choice)}</div></div>"
        f'<ul class="rv-cells">{cells}</ul>{_neighbours(sample)}</li>'
    )


def _image(row: Row, folder: Path) -> str:
    found = image_of(row, folder)
    return picture(found, row["image_id"], 160) if found is not None else '<span class="rv-missing">✕</span>'


def picture_of(row: Mapping[str, Any], folder: Path) -> Path | None:
    """The file of a row's picture, if it lies in the run's own folder."""
    path = Path(row["image"] or "")
    return path if path.is_file() and path.resolve().is_relative_to(folder.resolve()) else None


def image_of(row: Row, folder: Path) -> Image.Image | None:
    """A row's picture, from the run's own folder and nowhere else; None where it cannot be read."""
    path = picture_of(row, folder)
    try:
        return None if path is None else load_image(path)
    except RavenError:
        return None


def _references(row: Row) -> str:
    """Right answers, those that several people gave once, with how many."""
    counted: Counter[str] = Counter(row["truths"])
    said = "".join(
        f"<li>{esc(text)}{f' <span>× {times}</span>' if times > 1 else ''}</li>"
        for text, times in counted.most_common()
    )
    return f'<h4>{esc(say("evaluate_references"))}</h4><ul class="rv-truths">{said}</ul>' if said else ""


def _change(sample: Sample, figures: Mapping[str, Any], choice: Choice) -> str:
    cell = compared_cell(figures, choice.cell)
    if sample.change is None or not sample.change or cell == figures["reference_cell"]:
        return ""
    kind = "helped" if sample.change > 0 else "hurt"
    told = say(
        "evaluate_change",
        change=f"{sample.change:+.1f}",
        reference=name_of(figures["reference_cell"]),
        cell=name_of(cell),
    )
    return f'<p><span class="rv-badge rv-effect-{kind}">{esc(told)}</span></p>'


def _answer(sample: Sample, cell: str, row: Row, metric: str) -> str:
    score = points(row, metric)
    badge = "" if score is None else f'<span class="rv-badge rv-effect-same">{score:.1f}</span>'
    sure = "" if row["confidence"] is None else f"{say('confidence')} {percent(row['confidence'])} %"
    text = (
        f'<p class="rv-cell-text">{esc(row["prediction"])}</p>'
        if row["error"] is None
        else f'<p class="rv-small rv-sample-error">{esc(row["error"])}</p>'
    )
    return (
        f'<li class="rv-cell"><h4>{esc(name_of(cell))} {badge}</h4>{text}<p class="rv-small">{esc(sure)}</p>'
        f"{_open(sample, cell)}</li>"
    )


def _open(sample: Sample, cell: str) -> str:
    if not can_open(cell):
        return ""
    label = say("evaluate_open_label", sample=int(sample.key) + 1, cell=name_of(cell))
    identifier = esc(f"{sample.any['task']}:{sample.key}:{cell}")
    return (
        f'<div class="rv-cell-buttons"><button type="button" class="rv-chip" data-act="{OPEN}" '
        f'data-id="{identifier}" aria-label="{esc(label)}">{esc(say("evaluate_open"))}</button></div>'
    )


def _neighbours(sample: Sample) -> str:
    """The neighbours that the cells shared, with how like the query they are."""
    found: Sequence[Row] = max((row["neighbours"] for row in sample.rows.values()), key=len)
    if not found:
        return ""
    items = "".join(
        f"<li><b>{one['similarity']:.3f}</b> {esc(one['caption'] or say('no_caption'))}</li>" for one in found
    )
    told = say("evaluate_neighbours_of", count=len(found))
    return f'<details class="rv-sample-neighbours"><summary>{esc(told)}</summary><ol>{items}</ol></details>'
