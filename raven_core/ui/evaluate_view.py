"""The report of a run as HTML, pure functions. Everything that people or models wrote goes through ``esc``."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raven_core.ui import present
from raven_core.ui.markup import callout, esc, percent
from raven_core.ui.words import say

FLOORS = ("nearest-caption", "text-only")
"""Cells that only an evaluation has."""

Figures = Mapping[str, Any]


def name_of(cell: str) -> str:
    """A cell's name in words."""
    return say(f"evaluate_cell_{cell}") if cell in FLOORS else say(f"cell_{cell}")


def empty() -> str:
    """What stands in the report's place before the first run."""
    steps = "".join(f"<li>{esc(say(f'evaluate_empty_{number}'))}</li>" for number in (1, 2, 3))
    return (
        f'<section class="rv-panel rv-study-empty rv-evaluate-empty"><h2>{esc(say("evaluate_empty"))}</h2>'
        f"<p>{esc(say('evaluate_empty_body'))}</p><ol>{steps}</ol></section>"
    )


def progress(done: int, total: int, rate: float, left: float | None) -> str:
    """The bar of a run: how much is done, how fast, and how long it will take (``left``, seconds)."""
    if not total:
        told = say("evaluate_reading")
    elif not done:
        told = say("evaluate_begun", total=total)
    else:
        told = say("evaluate_progress", done=done, total=total)
    pace = "" if left is None or not done else say("evaluate_rate", rate=f"{rate:.3g}", left=duration(left))
    share = percent(done / total) if total else "0"
    return (
        f'<section class="rv-panel rv-meter" role="status"><p><b>{esc(told)}</b> <span>{esc(pace)}</span></p>'
        f'<div role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share}" '
        f'aria-label="{esc(told)}"><i style="width:{share}%"></i></div></section>'
    )


def duration(seconds: float) -> str:
    """A time to wait as a person says it: ``9 s``, ``3 min``, ``1 h 5 min``."""
    whole = round(seconds)
    if whole < 100:
        return say("evaluate_seconds", seconds=whole)
    minutes = round(seconds / 60)
    if minutes < 90:
        return say("evaluate_minutes", minutes=minutes)
    return say("evaluate_hours", hours=minutes // 60, minutes=minutes % 60)


def report(data: Figures) -> str:
    """The whole report but its plots: what was asked, what went wrong, and each task's figures."""
    run = data["run"]
    line = say(
        "evaluate_report",
        data=run["data"],
        samples=data["samples"],
        k=run["k"],
        neighbours=say(f"kind_{run['neighbours']}"),
        seed=run["seed"],
    )
    tasks = "".join(_task(task, figures) for task, figures in data["tasks"].items())
    return f'<section class="rv-report"><p class="rv-eyebrow">{esc(line)}</p>{_warnings(data)}{tasks}</section>'


def _warnings(data: Figures) -> str:
    told = []
    if not data["complete"]:
        body = say("evaluate_incomplete_body", samples=data["samples"])
        told.append(callout("warning", say("evaluate_incomplete"), body))
    if data["failed_samples"]:
        title = say("evaluate_failed", failed=data["failed_samples"], samples=data["samples"])
        error, times = next(iter(data["errors"].items()))
        told.append(callout("warning", title, say("evaluate_failed_body", error=error, times=times)))
    return "".join(told)


def _task(task: str, figures: Figures) -> str:
    reference = figures["reference_cell"]
    unit = say("evaluate_unit", reference=name_of(reference)) if reference else ""
    return (
        f'<section class="rv-panel rv-figures"><h3>{esc(say(f"evaluate_title_{task}"))}</h3>{headline(figures)}'
        f'{_table(figures)}<p class="rv-small">{esc(unit)}</p></section>'
    )


def headline(figures: Figures) -> str:
    """What retrieval did, in one sentence; helped or hurt only where the interval is on one side of 0."""
    gain = figures["gains"].get(figures["main_cell"] or "", {}).get("gain")
    if not gain:
        return present.hint(say("evaluate_one_cell"))
    kind, key = "changed", "evaluate_unclear"
    if gain[1] > 0:
        kind, key = "helped", "evaluate_gained"
    elif gain[2] < 0:
        kind, key = "hurt", "evaluate_lost"
    told = say(
        key, gain=signed(gain), metric=metric_name(figures["metric"]), reference=name_of(figures["reference_cell"])
    )
    return f'<div class="rv-finding rv-finding-{kind}"><p>{esc(told)}</p></div>'


def metric_name(metric: str) -> str:
    """A metric in words, with its unit."""
    return say(f"evaluate_metric_{metric}")


def interval(figure: Sequence[float] | None) -> str:
    """``12.3 [10.1, 14.5]``, or a dash."""
    return "–" if not figure else f"{figure[0]:.1f} [{figure[1]:.1f}, {figure[2]:.1f}]"


def signed(figure: Sequence[float] | None) -> str:
    """``+12.3 [10.1, 14.5]``, or a dash."""
    return "–" if not figure else f"{figure[0]:+.1f} [{figure[1]:.1f}, {figure[2]:.1f}]"


def _table(figures: Figures) -> str:
    """Every cell with its score, its gain and how many samples it is over."""
    others = [name for name in _score_names(figures) if name not in ("CIDEr", "accuracy", "exact_match")]
    heads = [
        say("evaluate_head_cell"), metric_name(figures["metric"]), say("evaluate_head_gain"),
        say("evaluate_head_scored"), say("evaluate_head_failed"), *others,
    ]  # fmt: skip
    head = "".join(f'<th scope="col">{esc(name)}</th>' for name in heads)
    rows = "".join(_row(name, cell, figures, others) for name, cell in figures["cells"].items())
    label = esc(say("evaluate_head_cell"))
    return (
        f'<div class="rv-table" tabindex="0" role="region" aria-label="{label}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(name: str, cell: Figures, figures: Figures, others: Sequence[str]) -> str:
    gain = figures["gains"].get(name, {}).get("gain")
    side = "" if not gain else "helped" if gain[1] > 0 else "hurt" if gain[2] < 0 else ""
    score = cell["reason"] if cell.get("reason") else interval(cell.get("interval"))
    values = [score, signed(gain), str(cell["samples"]), str(cell["errors"])]
    values += [f"{cell['scores'][other]:.1f}" if other in cell["scores"] else "–" for other in others]
    marks = ["rv-score", f"rv-gain-{side}" if side else "", *[""] * (len(values) - 2)]
    cells = "".join(
        f'<td class="{mark}">{esc(value)}</td>' if mark else f"<td>{esc(value)}</td>"
        for mark, value in zip(marks, values, strict=True)
    )
    main = ' class="rv-main-cell"' if name == figures["main_cell"] else ""
    return f'<tr{main}><th scope="row">{esc(name_of(name))}</th>{cells}</tr>'


def _score_names(figures: Figures) -> list[str]:
    return list(dict.fromkeys(name for cell in figures["cells"].values() for name in cell["scores"]))


def plots(paths: Sequence[Path]) -> str:
    """The plots of a run, each with what it shows as its caption; nothing where there are none."""
    figures = "".join(_plot(path) for path in paths)
    if not figures:
        return ""
    return f'<section class="rv-panel rv-plots"><h3>{esc(say("evaluate_plots"))}</h3><div>{figures}</div></section>'


def _plot(path: Path) -> str:
    task, _, name = path.stem.partition("-")
    told = f"{say(f'evaluate_title_{task}')}: {say(f'evaluate_plot_{name}')}"
    address = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    return f'<figure><img src="{address}" alt="{esc(told)}"><figcaption>{esc(told)}</figcaption></figure>'
