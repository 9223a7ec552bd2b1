"""What the Errors tab shows, computed: whose judgments one may see, the figures under filters, replays and files.

It imports pandas by way of ``raven_core.analysis``; the page imports it when somebody looks.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from raven_core import analysis
from raven_core.analysis import Agreement, Card, Change, Filters, Flow, Rates, WinRate
from raven_core.analysis.filters import MENUS
from raven_core.analysis.flat import Frame
from raven_core.annotation import Queues
from raven_core.errors import OptionError, StoreError
from raven_core.judgments import JudgmentStore
from raven_core.types import ERROR_TAGS, Generation, Trial
from raven_core.ui.report_words import report_words
from raven_core.version import __version__

ON_A_PAGE = 12
ALL = "all"
_SECRET = re.compile(r"[0-9a-f]{32}")
_KEYS: Mapping[str, str] = {name: {"question_type": "type"}.get(column, column) for name, column in MENUS.items()}


@dataclass(frozen=True)
class Seen(Filters):
    """Filters of one visitor: what is not for them is left out first, whatever the filters say.

    ``everything`` lets all judgments be seen, else those of ``person`` and of ``open_queues`` (by name). The random
    names of visitors are replaced by others in any case: who knows one could delete what it gave.
    """

    everything: bool = False
    person: str = ""
    open_queues: tuple[str, ...] = ()

    @classmethod
    def by(cls, store: JudgmentStore, person: str, dashboard: str) -> Seen:
        """Everything that ``person`` may see under the setting ``dashboard``.

        Raises:
            StoreError: the database refuses.
        """
        queues = tuple(queue.name for queue in Queues(store).all() if queue.session in ("", person))
        return cls(everything=dashboard == ALL, person=person, open_queues=queues)

    def under(self, filters: Filters) -> Seen:
        """The same visitor with these filters."""
        return replace(self, **{entry.name: getattr(filters, entry.name) for entry in fields(Filters)})

    def visible(self, frame: Frame) -> Frame:
        """The rows of ``table`` or ``pairs`` that this visitor may see, without filters; names are masked."""
        if not self.everything:
            queues = [name for name in self.open_queues if name]
            mine = (frame["annotator"] == self.person).to_numpy(dtype=bool) & bool(self.person)
            frame = frame[mine | frame["queue"].isin(queues).to_numpy(dtype=bool)].reset_index(drop=True)
        names = {name: masked(str(name)) for name in frame["annotator"].cat.categories}
        return frame.assign(annotator=frame["annotator"].cat.rename_categories(names))

    def apply(self, frame: Frame) -> Frame:
        """The visible rows that the filters keep."""
        return super().apply(self.visible(frame))


def masked(name: str) -> str:
    """A name that may be shown: a visitor's random number becomes ``visitor-`` and 12 digits of its hash."""
    if not _SECRET.fullmatch(name):
        return name
    return "visitor-" + hashlib.sha256(name.encode()).hexdigest()[:12]


# ---------------------------------------------------------------- filters and the address


def toggled(filters: Filters, change: str) -> Filters:
    """Filters after a press that stands for ``change`` (in the words of an address): put on, or taken off again."""
    other = Filters.from_query(change)
    lists: dict[str, Any] = {
        name: tuple(set(getattr(filters, name)) ^ set(getattr(other, name)))
        for name in (*MENUS, "tags") if getattr(other, name)
    }  # fmt: skip
    for name, empty in (("similarity", (None, None)), ("since", ""), ("until", ""), ("text", "")):
        wanted = getattr(other, name)
        if wanted != empty:
            lists[name] = empty if getattr(filters, name) == wanted else wanted
    return replace(filters, **lists)


def parts(filters: Filters) -> list[tuple[str, str, str]]:
    """Each filter that is on, as what it looks at, its value, and the change that takes it off."""
    found = [
        (column, value, urlencode({_KEYS.get(name, column): value}))
        for name, column in {**MENUS, "tags": "tag"}.items() for value in getattr(filters, name)
    ]  # fmt: skip
    low, high = filters.similarity
    if filters.similarity != (None, None):
        shown = f"{'' if low is None else low} … {'' if high is None else high}"
        ends = {"from": low, "to": high}
        found.append(("band", shown, urlencode({key: end for key, end in ends.items() if end is not None})))
    singles = {"since": filters.since, "until": filters.until, "text": filters.text}
    return found + [(name, value, urlencode({name: value})) for name, value in singles.items() if value]


# ---------------------------------------------------------------- figures


@dataclass(frozen=True)
class Bar:
    """One group of a chart. All shares are 0 to 1; ``change`` is the filter that a press on it means, or ""."""

    group: str
    n: int
    value: float
    low: float
    high: float
    change: str
    chosen: bool = False


@dataclass(frozen=True)
class Point:
    """One time of the trend: the first day of the span, as ISO 8601, and the success rate in it."""

    start: str
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Findings:
    """All that the tab shows. ``total`` judged answers may be seen, ``overall.n`` pass the filters."""

    filters: Seen
    by: str
    every: str
    total: int
    overall: Rates
    bars: tuple[Bar, ...]
    flow: Flow
    wins: WinRate
    agreement: Agreement
    pair_agreement: Agreement
    trend: tuple[Point, ...]
    cards: tuple[Card, ...]
    page: int
    choices: Mapping[str, Sequence[str]]

    @property
    def pages(self) -> int:
        """How many pages the gallery has."""
        return max(-(-self.overall.n // ON_A_PAGE), 1)


def find(store: JudgmentStore, seen: Seen, by: str = "cell", every: str = "day", page: int = 0) -> Findings:
    """The figures under the filters of one visitor.

    Params:
        page: of the gallery, from 0; one too high means the last.
    Raises:
        OptionError: there is no such grouping or span.
        StoreError: the database refuses.
    """
    visible = seen.visible(analysis.table(store))
    frame, duels = Filters.apply(seen, visible), seen.apply(analysis.pairs(store))
    page = min(max(page, 0), max(-(-len(frame) // ON_A_PAGE), 1) - 1)
    over_time = analysis.trend(frame, every).to_dict("records")
    return Findings(
        filters=seen,
        by=by,
        every=every,
        total=len(visible),
        overall=analysis.overall(frame),
        bars=tuple(_bars(frame, seen, by, analysis.bands(visible))),
        flow=analysis.flow(frame),
        wins=analysis.win_rate(duels),
        agreement=analysis.agreement(frame),
        pair_agreement=analysis.agreement(duels, "outcome"),
        trend=tuple(
            Point(row["start"], int(row["n"]), float(row["rate"]), float(row["low"]), float(row["high"]))
            for row in over_time
        ),
        cards=tuple(analysis.gallery(store, frame, page * ON_A_PAGE, ON_A_PAGE)),
        page=page,
        choices={name: [value for value in found if value] for name, found in analysis.choices(visible).items()}
        | {"tags": ERROR_TAGS},
    )


def _bars(frame: Frame, filters: Filters, by: str, edges: Sequence[float]) -> list[Bar]:
    names = ("share", "share_low", "share_high") if by == "tag" else ("rate", "low", "high")
    found = []
    for row in analysis.rates(frame, by, edges if by == "band" else None).to_dict("records"):
        value, low, high = (float(row[name]) for name in names)
        change = _change(by, row["group"], edges)
        chosen = bool(change) and change in {entry[2] for entry in parts(filters)}
        found.append(Bar(row["group"], int(row["n"]), value, low, high, change, chosen))
    return found


def _change(by: str, group: str, edges: Sequence[float]) -> str:
    if not group:
        return ""
    if by != "band":
        return urlencode({"type" if by == "question_type" else by: group})
    for low, high in itertools.pairwise(edges):
        if group == f"{low:.2f} to {high:.2f}":
            return urlencode({"from": low, "to": high})
    return ""


def plain(found: Findings) -> dict[str, Any]:
    """The figures as plain values, for programs."""
    return {
        "filters": found.filters.to_query(),
        "total": found.total,
        "overall": vars(found.overall),
        "by": found.by,
        "groups": [{"group": bar.group, "n": bar.n, "share": bar.value, "low": bar.low, "high": bar.high}
                   for bar in found.bars],
        "flow": vars(found.flow),
        "win_rate": vars(found.wins),
        "agreement": vars(found.agreement),
        "agreement_on_pairs": vars(found.pair_agreement),
        "trend": [vars(point) for point in found.trend],
        "page": found.page,
        "pages": found.pages,
        "judgments": [{name: value for name, value in vars(card).items() if name not in ("settings", "image_file")}
                      | {"replay": name_of(card)} for card in found.cards],
    }  # fmt: skip


# ---------------------------------------------------------------- replay


@dataclass(frozen=True)
class Replay:
    """A stored answer asked again; ``known`` says whether what answered then was recorded at all."""

    card: Card
    now: Generation
    changes: tuple[Change, ...]
    known: bool

    @property
    def is_same(self) -> bool:
        """Whether the words are the same."""
        return self.card.text.strip() == self.now.text.strip()

    @property
    def same_neighbours(self) -> bool:
        """Whether the model was given the same pairs in the same order."""
        return [entry.get("id") for entry in self.card.neighbours] == [one.id for one in self.now.neighbours]


def name_of(card: Card) -> str:
    """What a replay is asked for by."""
    return f"{card.judgment_id}:{card.candidate}"


def can_replay(card: Card) -> bool:
    """Whether enough was stored to ask again."""
    return card.image_file is not None and (card.trial_id is not None or {"k", "modalities"} <= set(card.settings))


def card_named(store: JudgmentStore, seen: Seen, name: str) -> Card:
    """The card of a judged answer that this visitor may see.

    Raises:
        StoreError: there is none, or it is not theirs to see.
    """
    judgment, _, candidate = name.partition(":")
    frame = seen.visible(analysis.table(store))
    rows = frame[(frame["judgment_id"] == judgment) & (frame["candidate"].astype(str) == (candidate or "0"))]
    if not len(rows):
        raise StoreError(f"There is no judgment {judgment!r} to replay: it may have been deleted.")
    return analysis.gallery(store, rows, 0, 1)[0]


def replay(raven: Any, store: JudgmentStore, card: Card) -> Replay:
    """Ask again what the card shows.

    Raises:
        OptionError: too little of it was stored.
        StoreError: its trial or picture is gone.
        RavenError: the pipeline refuses, as when its adapter is gone.
    """
    if not can_replay(card):
        raise OptionError("This answer was stored without its settings or image: it cannot be replayed.")
    trial = store.trial(card.trial_id) if card.trial_id is not None else _trial_of(card)
    image = store.image(trial)
    now = raven.replay(trial, image)
    known = bool(trial.fingerprints)
    changed = analysis.changes(trial, raven.fingerprints(trial.adapter), __version__) if known else []
    return Replay(card, now, tuple(changed), known)


def _trial_of(card: Card) -> Trial:
    """What an item of a queue knows of its answer."""
    return Trial(
        id="", created=card.judged, session="", image_hash=card.image_hash, image_file=card.image_file,
        question=card.question, settings=card.settings, neighbours=list(card.neighbours), prompt="", output=card.text,
        logprobs=[], model="", adapter=card.adapter, fingerprints={}, seed=0, timings={}, app_version="",
    )  # fmt: skip


def plain_replay(found: Replay) -> dict[str, Any]:
    """A replay as plain values, for programs."""
    return {
        "same": found.is_same,
        "then": found.card.text,
        "now": found.now.text,
        "same_neighbours": found.same_neighbours,
        "changes": [vars(change) for change in found.changes],
        "known": found.known,
    }


# ---------------------------------------------------------------- export


def export(store: JudgmentStore, seen: Seen, format: str, folder: Path) -> tuple[Path, int]:
    """Write what this visitor may see and has filtered; the file, and how many entries it holds.

    Raises:
        OptionError: there is no such format.
        StoreError: it cannot be written, or a picture is gone.
    """
    if format not in analysis.FORMATS:
        raise OptionError(f"Unknown export format {format!r}: use {', '.join(analysis.FORMATS)}.")
    files = ("csv", "jsonl", "parquet", "html")
    path = folder / (f"raven-judgments.{format}" if format in files else f"raven-{format}.zip")
    return path, analysis.export(store, seen, format, path, report_words())
