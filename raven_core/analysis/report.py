"""What is filtered as one HTML page with its pictures in it, to send to a colleague: no scripts, nothing to load."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from PIL import Image

from raven_core.analysis.agreement import Agreement, agreement
from raven_core.analysis.contrasts import Flow, WinRate, flow, win_rate
from raven_core.analysis.filters import Filters
from raven_core.analysis.flat import Frame
from raven_core.analysis.gallery import Card, gallery
from raven_core.analysis.rates import METHOD, bands, overall, rates
from raven_core.analysis.reading import pairs, table
from raven_core.errors import ImageError
from raven_core.images import load_image
from raven_core.judgments import JudgmentStore
from raven_core.stamps import utc_now
from raven_core.version import __version__

WORDS: Mapping[str, str] = {
    "language": "en",
    "title": "RAVEN · judged answers",
    "made": "Made {when} by RAVEN {version}. Filters: {filters}.",
    "no_filters": "none",
    "overall": "{success} of {n} verdicts are success: {rate} ({low} to {high}). Different answers: {answers}.",
    "nothing": "No judgments match the filters.",
    "method": "{method}; several verdicts on one answer count once in the interval.",
    "method_name": METHOD,
    "by": "By {what}",
    "by_cell": "what the model was given of the neighbours",
    "by_task": "task",
    "by_question_type": "question type",
    "by_domain": "domain",
    "by_tag": "error tag",
    "by_band": "similarity of the nearest neighbour",
    "by_adapter": "adapter",
    "by_annotator": "annotator",
    "group": "group",
    "verdicts": "verdicts",
    "rate": "success",
    "interval": "95% interval",
    "unnamed": "(none)",
    "flow": "From {before} to {after}",
    "flow_line": "Of {queries} queries judged in both, retrieval helped {helped} and hurt {hurt}; {same} stayed as "
    "they were (McNemar's exact test: p = {p}).",
    "wins": "Blind comparisons",
    "wins_line": "Retrieval was preferred {wins} times and its absence {losses} times: {rate} ({low} to {high}) of "
    "what was decided. Ties: {both_good} both good, {both_bad} both bad.",
    "agreement": "Agreement",
    "agreement_line": "{annotators} annotators, {units} answers judged by at least two: {percent} the same; "
    "{kappa_name} {kappa}; Krippendorff's alpha {alpha} ({low} to {high}, bootstrap).",
    "failures": "Failures",
    "partly": "Partly right",
    "successes": "Successes",
    "question": "Question",
    "caption_task": "Describe this image.",
    "answer": "Answer",
    "correction": "Correction",
    "note": "Note",
    "neighbours": "Neighbours",
    "picture_gone": "the picture is gone",
}
"""Every word of the report; another language hands in its own.

It may add names of values, as ``cell=none`` or ``tag=other``; values without one stand as they are.
"""

PICTURES = 12
"""Cards of each verdict."""

_SIDE, _QUALITY = 320, 82
_GROUPS = ("cell", "task", "question_type", "domain", "tag", "band", "adapter", "annotator")
_HEAD = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
body{{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1.5rem;color:#1c1c1e;background:#fff}}
h1{{font-size:1.6rem}} h2{{font-size:1.2rem;margin-top:2rem}}
table{{border-collapse:collapse;width:100%}} td,th{{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd}}
td.n{{text-align:right;font-variant-numeric:tabular-nums}}
.bar{{position:relative;height:.8rem;background:#eee;min-width:8rem}} .bar i{{position:absolute;top:0;bottom:0;left:0;
background:#4a6fa5}} .bar b{{position:absolute;top:.3rem;height:.2rem;background:#1c1c1e}}
.cards{{display:grid;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));gap:1rem}}
.card{{border:1px solid #ddd;border-radius:.5rem;padding:.75rem;overflow-wrap:anywhere}} .card img{{width:100%;
border-radius:.25rem}} .card p{{margin:.3rem 0}} .small{{color:#555;font-size:.85rem}}
@media (prefers-color-scheme:dark){{body{{background:#161618;color:#eee}} td,th,.card{{border-color:#444}}
.bar{{background:#333}} .bar b{{background:#fff}} .small{{color:#aaa}}}}
</style></head><body>
"""


def html_report(store: JudgmentStore, filters: Filters, words: Mapping[str, str] | None = None) -> str:
    """The page: rates by everything, what retrieval did, agreement, and the newest answers with their pictures.

    Params:
        words: replaces entries of ``WORDS``.
    Raises:
        StoreError: the database refuses.
    """
    say = {**WORDS, **(words or {})}
    everything = table(store)
    frame, duels = filters.apply(everything), filters.apply(pairs(store))
    told = say["made"].format(
        when=utc_now()[:16].replace("T", " "), version=__version__, filters=filters.to_query() or say["no_filters"]
    )
    parts = [_HEAD.format(language=escape(say["language"]), title=escape(say["title"]))]
    parts += [f"<h1>{escape(say['title'])}</h1>", _small(told)]
    if len(frame):
        parts += [_overall(frame, say), *_tables(frame, bands(everything), say)]
    else:
        parts.append(_line(say["nothing"]))
    parts += [_flow(flow(frame), say), _wins(win_rate(duels), say), _agreement(agreement(frame), say)]
    for verdict, title in (("failure", "failures"), ("partly", "partly"), ("success", "successes")):
        parts.append(_cards(store, frame[frame["verdict"] == verdict], say[title], say))
    return "\n".join(part for part in parts if part) + "\n</body></html>\n"


def _overall(frame: Frame, say: Mapping[str, str]) -> str:
    found = overall(frame)
    values = {"success": found.success, "n": found.n, "answers": found.answers}
    shares = {name: _share(getattr(found, name)) for name in ("rate", "low", "high")}
    return _line(say["overall"].format(**values, **shares)) + _small(say["method"].format(method=say["method_name"]))


def _tables(frame: Frame, edges: Sequence[float], say: Mapping[str, str]) -> Iterable[str]:
    for by in _GROUPS:
        rows = rates(frame, by, edges if by == "band" else None)
        if len(rows):
            yield _heading(say["by"].format(what=say[f"by_{by}"])) + _table(rows, by, say)


def _table(rows: Frame, by: str, say: Mapping[str, str]) -> str:
    """A table with bars: of the success rate, for tags of how often they are given."""
    names = ("share", "share_low", "share_high") if by == "tag" else ("rate", "low", "high")
    head = (say["group"], say["verdicts"], say["rate"] if by != "tag" else "%", say["interval"], "")
    lines = ["<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    for row in rows.to_dict("records"):
        share, low, high = (float(row[name]) for name in names)
        cells = (
            f"<td>{escape(_named(by, str(row['group']), say) or say['unnamed'])}</td><td class=n>{int(row['n'])}</td>"
        )
        cells += f"<td class=n>{_share(share)}</td><td class=n>{_share(low)} – {_share(high)}</td>"
        lines.append(f"<tr>{cells}<td>{_bar(share, low, high)}</td></tr>")
    return "".join([*lines, "</table>"])


def _bar(share: float, low: float, high: float) -> str:
    interval = f"left:{low:.1%};width:{max(high - low, 0):.1%}"
    return f'<div class="bar"><i style="width:{share:.1%}"></i><b style="{interval}"></b></div>'


def _flow(found: Flow, say: Mapping[str, str]) -> str:
    if not found.queries:
        return ""
    counts = {name: getattr(found, name) for name in ("queries", "helped", "hurt", "same")}
    title = say["flow"].format(before=_named("cell", found.before, say), after=_named("cell", found.after, say))
    return _heading(title) + _line(say["flow_line"].format(**counts, p=f"{found.p_value:.3g}"))


def _wins(found: WinRate, say: Mapping[str, str]) -> str:
    if not found.judgments:
        return ""
    counts = {name: getattr(found, name) for name in ("wins", "losses", "both_good", "both_bad")}
    shares = {name: _share(getattr(found, name)) for name in ("rate", "low", "high")}
    return _heading(say["wins"]) + _line(say["wins_line"].format(**counts, **shares))


def _agreement(found: Agreement, say: Mapping[str, str]) -> str:
    if not found.units:
        return ""
    numbers = {name: _number(getattr(found, name)) for name in ("kappa", "alpha", "low", "high")}
    counts = {name: getattr(found, name) for name in ("annotators", "units", "kappa_name")}
    line = say["agreement_line"].format(**numbers, **counts, percent=_share(found.percent))
    return _heading(say["agreement"]) + _line(line)


def _cards(store: JudgmentStore, frame: Frame, title: str, say: Mapping[str, str]) -> str:
    cards = [_card(store, card, say) for card in gallery(store, frame, limit=PICTURES)]
    return _heading(title) + f'<div class="cards">{"".join(cards)}</div>' if cards else ""


def _card(store: JudgmentStore, card: Card, say: Mapping[str, str]) -> str:
    facts = (
        (say["question"], card.question or say["caption_task"]),
        (say["answer"], card.text),
        (say["correction"], card.correction),
        (say["note"], card.note),
        (say["neighbours"], " · ".join(_neighbour(entry) for entry in card.neighbours)),
    )
    lines = "".join(f"<p><b>{escape(name)}</b> {escape(text)}</p>" for name, text in facts if text)
    cell, tags = _named("cell", card.cell, say), [_named("tag", tag, say) for tag in card.tags]
    about = " · ".join(part for part in (cell, card.adapter, *tags, card.annotator, card.judged[:10]) if part)
    return f'<div class="card">{_picture(store, card, say)}{lines}{_small(about)}</div>'


def _named(kind: str, value: str, say: Mapping[str, str]) -> str:
    """A value of a group in words, where the language has some."""
    return say.get(f"{kind}={value}", value)


def _neighbour(entry: Mapping[str, Any]) -> str:
    similarity = entry.get("similarity")
    told = "" if similarity is None else f" ({float(similarity):.2f})"
    return f"{entry.get('caption') or entry.get('id') or ''}{told}"


def _picture(store: JudgmentStore, card: Card, say: Mapping[str, str]) -> str:
    if card.image_file is None:
        return ""
    try:
        image = load_image(store.image_path(card.image_file), max_pixels=2**40)
    except ImageError:
        return _small(say["picture_gone"])
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=_QUALITY)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(held.getvalue()).decode()}">'


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _line(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _small(text: str) -> str:
    return f'<p class="small">{escape(text)}</p>'


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
