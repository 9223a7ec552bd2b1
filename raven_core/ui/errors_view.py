"""The figures of the Errors tab as HTML. Pure functions: no browser, no gradio, no models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from raven_core.types import ERROR_TAGS, VERDICTS
from raven_core.ui.markup import callout, esc
from raven_core.ui.words import say
from raven_core.ui.words_errors import WORDS

if TYPE_CHECKING:  # these import pandas, which takes a moment
    from raven_core.analysis import Agreement, Flow, WinRate
    from raven_core.ui.errors_findings import Bar, Findings, Point

FILTER, CLEAR = "filter", "clear"
HEIGHT = 100  # of the trend's drawing, in its own unit


def share(value: float | None) -> str:
    """A share in [0, 1] as per cent with one decimal: 0.625 → ``62.5 %``; a dash for None."""
    return "–" if value is None else f"{100 * value:.1f} %"


def number(value: float | None) -> str:
    """A coefficient with two decimals; a dash for None."""
    return "–" if value is None else f"{value:.2f}"


def told(kind: str, value: str) -> str:
    """A value of a group or filter in words: cells, tasks, verdicts and tags have some, others are as they are."""
    if not value:
        return say("errors_no_band") if kind == "band" else say("errors_unnamed")
    if kind == "verdict" and value in VERDICTS:
        return say(f"verdict_{value}")
    if kind == "tag" and value in ERROR_TAGS:
        return say(f"tag_{value}")
    key = f"errors_{kind}_{value}"
    return say(key) if key in WORDS else value


def scope(everything: bool) -> str:
    """Whose judgments are counted here."""
    return f'<p class="rv-small rv-err-scope">{esc(say("errors_scope_all" if everything else "errors_scope_own"))}</p>'


def nothing(stores: bool) -> str:
    """What stands in place of figures where there are none at all."""
    if stores:
        return callout("hint", say("errors_empty"), say("errors_empty_body"))
    return callout("hint", say("errors_off"), say("errors_off_body"))


# ---------------------------------------------------------------- filters


def active(found: Findings, chips: Sequence[tuple[str, str, str]]) -> str:
    """How much is looked at, and each filter that is on as a button that takes it off."""
    count = (
        say("errors_some", count=found.overall.n, total=found.total) if chips
        else say("errors_all", total=found.total)
    )  # fmt: skip
    buttons = "".join(_chip(*chip) for chip in chips)
    clear = (
        f'<button type="button" class="rv-chip" data-act="{CLEAR}">{esc(say("errors_clear"))}</button>' if chips else ""
    )
    return f'<div class="rv-err-active" role="status"><b>{esc(count)}</b>{buttons}{clear}</div>'


def _chip(kind: str, value: str, change: str) -> str:
    what = f"{say(f'errors_by_{kind}') if f'errors_by_{kind}' in WORDS else say(f'errors_{kind}')}: {told(kind, value)}"
    return (
        f'<button type="button" class="rv-chip" data-act="{FILTER}" data-id="{esc(change)}" '
        f'aria-label="{esc(say("errors_remove", what=what))}">{esc(what)} <span aria-hidden="true">✕</span></button>'
    )


# ---------------------------------------------------------------- headline


def headline(found: Findings, method: str) -> str:
    """Success rate, how often retrieval is preferred, agreement; each with its interval."""
    if not found.overall.n:
        return callout("hint", say("errors_none"), say("errors_none_body"))
    all_of_it = found.overall
    counts = {name: getattr(all_of_it, name) for name in ("n", "answers", "success", "partly", "failure")}
    success = _tile(say("errors_rate"), all_of_it.rate, all_of_it.low, all_of_it.high, say("errors_counts", **counts))
    tiles = success + _wins(found.wins) + _agreement(found.agreement, found.pair_agreement)
    note = f'<p class="rv-small">{esc(say("errors_method", method=method))}</p>'
    return f'<section class="rv-err-tiles">{tiles}</section>{note}'


def _tile(title: str, value: float | None, low: float | None, high: float | None, detail: str) -> str:
    interval = "" if value is None else say("errors_interval", low=share(low), high=share(high))
    bar = "" if value is None else track(value, low or 0.0, high or 0.0)
    return (
        f'<article class="rv-err-tile"><h3>{esc(title)}</h3><p class="rv-err-big">{share(value)}</p>{bar}'
        f'<p class="rv-err-range">{esc(interval)}</p><p class="rv-small">{esc(detail)}</p></article>'
    )


def _wins(found: WinRate) -> str:
    if found.rate is None:
        return _tile(say("errors_wins"), None, None, None, say("errors_wins_none"))
    detail = say(
        "errors_wins_on", decided=found.decided, wins=found.wins, losses=found.losses, good=found.both_good,
        bad=found.both_bad,
    )  # fmt: skip
    return _tile(say("errors_wins"), found.rate, found.low, found.high, detail)


def _agreement(found: Agreement, of_pairs: Agreement) -> str:
    """How far people agree in verdicts and on which answer is better; in large what more was judged for."""
    alphas = {name: number(getattr(found, name)) for name in ("kappa", "alpha", "low", "high")}
    lines = (
        [say("errors_agreement_kappa", name=found.kappa_name, **alphas),
         say("errors_agreement_on", annotators=found.annotators, units=found.units)]
        if found.units else []
    )  # fmt: skip
    if of_pairs.units:
        pair_alphas = {name: number(getattr(of_pairs, name)) for name in ("alpha", "low", "high")}
        percent = share(of_pairs.percent)
        lines.append(say("errors_agreement_pairs", percent=percent, units=of_pairs.units, **pair_alphas))
    shown = "".join(f'<p class="rv-small">{esc(line)}</p>' for line in lines or [say("errors_agreement_none")])
    return (
        f'<article class="rv-err-tile"><h3>{esc(say("errors_agreement"))}</h3>'
        f'<p class="rv-err-big">{share(max(found, of_pairs, key=lambda one: one.units).percent)}</p>{shown}</article>'
    )


# ---------------------------------------------------------------- charts


def track(value: float, low: float, high: float) -> str:
    """A bar from 0 to 100 per cent with the whisker of its interval; the numbers stand beside it in words."""
    return (
        f'<span class="rv-err-track" aria-hidden="true"><i style="width:{100 * value:.2f}%"></i>'
        f'<b style="left:{100 * low:.2f}%;width:{100 * max(high - low, 0):.2f}%"></b></span>'
    )


def chart(found: Findings) -> str:
    """Bars with whiskers and numbers, one a group; a press on a name filters by it."""
    title = say("errors_group_tag") if found.by == "tag" else f"{say('errors_group')} · {say(f'errors_by_{found.by}')}"
    if not found.bars:
        return f'<section class="rv-err-chart"><p class="rv-line">{esc(say("errors_chart_none"))}</p></section>'
    rows = "".join(_bar(found.by, bar) for bar in found.bars)
    return f'<section class="rv-err-chart"><h4>{esc(title)}</h4><ol class="rv-err-bars">{rows}</ol></section>'


def _bar(by: str, bar: Bar) -> str:
    label = told(by, bar.group)
    numbers = {"value": share(bar.value), "low": share(bar.low), "high": share(bar.high)}
    name = f"<span>{esc(label)}</span>"
    if bar.change:
        name = (
            f'<button type="button" class="rv-err-name" data-act="{FILTER}" data-id="{esc(bar.change)}" '
            f'aria-pressed="{str(bar.chosen).lower()}" title="{esc(say("errors_filter_by", label=label))}">'
            f"{esc(label)}</button>"
        )
    return (
        f'<li title="{esc(say("errors_chart", label=label, n=bar.n, **numbers))}">{name}'
        f"{track(bar.value, bar.low, bar.high)}<span class=\"rv-err-number\"><b>{share(bar.value)}</b> "
        f"<span>{100 * bar.low:.1f} – {100 * bar.high:.1f}</span> <span>n {bar.n}</span></span></li>"
    )  # fmt: skip


def flow(found: Flow) -> str:
    """What retrieval helped and hurt: one bar cut in three, the test, and all changes as a table."""
    title = f"<h3>{esc(say('errors_flow'))}</h3>"
    if not found.queries:
        return f'<section class="rv-err-flow">{title}<p class="rv-line">{esc(say("errors_flow_none"))}</p></section>'
    counts = {"helped": found.helped, "same": found.same, "hurt": found.hurt}
    cuts = "".join(
        f'<i class="rv-err-{name}" style="flex:{count}"></i>' for name, count in counts.items() if count
    )  # fmt: skip
    keys = "".join(
        f'<li class="rv-err-{name}">{esc(say(f"errors_{name}", count=count))}</li>' for name, count in counts.items()
    )
    told_in_words = say(
        "errors_flow_line", queries=found.queries, helped=found.helped, hurt=found.hurt, p=f"{found.p_value:.2g}"
    )
    return (
        f'<section class="rv-err-flow">{title}<div class="rv-err-cut" aria-hidden="true">{cuts}</div>'
        f'<ul class="rv-err-keys">{keys}</ul><p class="rv-line">{esc(told_in_words)}</p>{_changes(found)}</section>'
    )


def _changes(found: Flow) -> str:
    levels = ("failure", "partly", "success")
    words = [esc(say(f"verdict_{level}")) for level in levels]
    head = f"<th>{esc(say('errors_flow_from'))}</th>" + "".join(f'<th scope="col">{word}</th>' for word in words)
    rows = "".join(
        f'<tr><th scope="row">{word}</th>{"".join(f"<td>{count}</td>" for count in counts)}</tr>'
        for word, counts in zip(words, found.counts, strict=True)
    )
    return _folded(say("errors_flow_table"), f"<table><tr>{head}</tr>{rows}</table>")


def _folded(title: str, inner: str) -> str:
    return f'<details class="rv-err-fold"><summary>{esc(title)}</summary>{inner}</details>'


def trend(points: Sequence[Point], every: str) -> str:
    """The success rate over time: a line in the band of its intervals, and the same as a table."""
    if not points:
        return ""
    places = _places(points)
    label = say(
        "errors_trend_label", every=say(f"errors_every_{every}"), count=len(points), first=points[0].start,
        last=points[-1].start,
    )  # fmt: skip
    dots = "".join(
        f'<i style="left:{place:.2f}%;bottom:{100 * point.value:.2f}%" title="{esc(point.start)}: {share(point.value)} '
        f'({share(point.low)} – {share(point.high)}), n {point.n}"></i>'
        for place, point in zip(places, points, strict=True)
    )
    ends = f"<span>{esc(points[0].start)}</span>" + (f"<span>{esc(points[-1].start)}</span>" if len(points) > 1 else "")
    return (
        f'<section class="rv-err-trend"><div class="rv-err-plot" role="img" aria-label="{esc(label)}">'
        f'<span class="rv-err-y">100 %</span><span class="rv-err-y">50 %</span><span class="rv-err-y">0 %</span>'
        f'<div class="rv-err-area">{_drawing(places, points)}{dots}</div></div><div class="rv-err-x">{ends}</div>'
        f"{_folded(say('errors_trend_table'), _trend_table(points))}</section>"
    )


def _places(points: Sequence[Point]) -> list[float]:
    """Where each point stands from left to right, 0 to 100, by its day; a lone one in the middle."""
    days = [date.fromisoformat(point.start).toordinal() for point in points]
    span = days[-1] - days[0]
    return [100 * (day - days[0]) / span for day in days] if span else [50.0] * len(days)


def _drawing(places: Sequence[float], points: Sequence[Point]) -> str:
    def line(values: Sequence[float]) -> list[str]:
        return [f"{x:.2f},{HEIGHT * (1 - y):.2f}" for x, y in zip(places, values, strict=True)]

    above, below = line([point.high for point in points]), line([point.low for point in points])
    middle = " ".join(line([point.value for point in points]))
    return (
        f'<svg viewBox="0 0 100 {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<polygon points="{" ".join([*above, *reversed(below)])}"/><polyline points="{middle}"/></svg>'
    )


def _trend_table(points: Sequence[Point]) -> str:
    names = (say("errors_start"), say("errors_rate"), "95 %", say("errors_n"))
    head = "".join(f'<th scope="col">{esc(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{esc(point.start)}</th><td>{share(point.value)}</td>'
        f"<td>{share(point.low)} – {share(point.high)}</td><td>{point.n}</td></tr>"
        for point in points
    )
    return f"<table><tr>{head}</tr>{rows}</table>"
