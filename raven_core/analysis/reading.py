"""Reads what the flat tables are made of, in a few queries, and only what is new where that will do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd
import sqlalchemy as sa

from raven_core.analysis import flat
from raven_core.analysis.flat import Frame
from raven_core.annotation_types import SKIP
from raven_core.judgments import JudgmentStore
from raven_core.judgments_schema import (
    candidates,
    history,
    item_history,
    item_judgments,
    items,
    judgments,
    queues,
    trials,
)


def table(store: JudgmentStore) -> Frame:
    """One row a judged answer, oldest first; see ``flat`` for the columns. Do not change it: it is kept.

    Raises:
        StoreError: the database refuses.
    """
    found = _kept(store)
    with found.lock:
        return found.both(store)[0]


def pairs(store: JudgmentStore) -> Frame:
    """One row a pair of answers that somebody compared, oldest first. Do not change it: it is kept.

    Raises:
        StoreError: the database refuses.
    """
    found = _kept(store)
    with found.lock:
        return found.both(store)[1]


@dataclass(frozen=True)
class _Stamp:
    """Which state of the judgments a table shows; equal stamps, equal states."""

    rows: int
    standing: int
    versions: int
    last: int
    updated: str


@dataclass
class _Part:
    """Half of the judgments: those of trials, or those of items; ``frames`` are made of what ``read`` reads."""

    said: sa.Table
    versions: sa.Table
    read: Callable[[sa.Connection, sa.ColumnElement[bool]], Frame]
    makers: Sequence[Callable[[Frame], Frame]]
    stamp: _Stamp | None = None
    ids: set[str] = field(default_factory=set)
    frames: list[Frame] = field(default_factory=list)

    def update(self, connection: sa.Connection) -> bool:
        """Bring the frames up to date; whether anything has changed."""
        now = self._now(connection)
        if now == self.stamp:
            return False
        if self.stamp is None or now.versions < self.stamp.versions or not self._add(connection, now, self.stamp):
            raw = self.read(connection, sa.true())
            self.frames, self.ids = [make(raw) for make in self.makers], set(raw["judgment_id"])
        self.stamp = now
        return True

    def _add(self, connection: sa.Connection, now: _Stamp, before: _Stamp) -> bool:
        """Read what was said since; False where that cannot be right, as when something was deleted."""
        overlap = 100  # numbers of PostgreSQL's sequences may be committed out of order
        since = sa.select(self.versions.c.judgment_id).where(self.versions.c.number > before.last - overlap)
        changed = set(connection.scalars(since))
        raw = self.read(connection, self.said.c.id.in_(since))
        fresh = set(raw["judgment_id"])
        ids = (self.ids - changed) | fresh
        if len(ids) != now.standing:
            return False
        self.frames = [
            flat.joined(frame[~frame["judgment_id"].isin(list(changed))], make(raw))
            for frame, make in zip(self.frames, self.makers, strict=True)
        ]
        self.ids = ids
        return True

    def _now(self, connection: sa.Connection) -> _Stamp:
        stands = sa.not_(self.said.c.withdrawn)
        if "preference" in self.said.c:
            stands &= self.said.c.preference != SKIP
        count = sa.func.count()
        queries = (
            sa.select(count).select_from(self.said),
            sa.select(count).select_from(self.said).where(stands),
            sa.select(count).select_from(self.versions),
            sa.select(sa.func.coalesce(sa.func.max(self.versions.c.number), 0)),
            sa.select(sa.func.coalesce(sa.func.max(self.said.c.updated), "")),
        )
        return _Stamp(*connection.execute(sa.select(*(query.scalar_subquery() for query in queries))).one())


class _Kept:
    """The tables of one store."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._trials = _Part(judgments, history, trial_rows, (flat.of_trials,))
        self._items = _Part(item_judgments, item_history, item_rows, (flat.of_items, flat.of_pairs))
        self._both: tuple[Frame, Frame] | None = None

    def both(self, store: JudgmentStore) -> tuple[Frame, Frame]:
        """Answers and pairs as they stand."""
        with store.database.read() as connection:
            changed = [part.update(connection) for part in (self._trials, self._items)]
        if self._both is None or any(changed):
            answers = flat.joined(self._trials.frames[0], self._items.frames[0])
            self._both = (_sorted(answers), _sorted(self._items.frames[1]))
        return self._both


_KEPT: WeakKeyDictionary[JudgmentStore, _Kept] = WeakKeyDictionary()
_LOCK = threading.Lock()


def _kept(store: JudgmentStore) -> _Kept:
    with _LOCK:
        return _KEPT.setdefault(store, _Kept())


def _sorted(frame: Frame) -> Frame:
    if frame["judged"].is_monotonic_increasing:
        return frame
    return frame.sort_values("judged", kind="stable", ignore_index=True)


def trial_rows(connection: sa.Connection, where: sa.ColumnElement[bool]) -> Frame:
    """Standing judgments of trials with what analysis needs of the trial; the database takes its JSON apart."""
    settings = trials.c.settings
    query = (
        sa.select(
            judgments.c.id.label("judgment_id"),
            judgments.c.trial_id,
            judgments.c.annotator,
            judgments.c.created.label("judged"),
            judgments.c.verdict,
            sa.cast(judgments.c.tags, sa.Text).label("tags"),
            judgments.c.correction,
            judgments.c.note,
            trials.c.image_hash,
            trials.c.image_file,
            trials.c.question,
            trials.c.output.label("text"),
            trials.c.adapter,
            settings["modalities"].as_string().label("modalities"),
            settings["k"].as_integer().label("k"),
            settings["cell"].as_string().label("named_cell"),
            settings["domain"].as_string().label("domain"),
            settings["question_type"].as_string().label("question_type"),
            trials.c.neighbours[(0, "image_similarity")].as_float().label("image_similarity"),
            trials.c.neighbours[(0, "similarity")].as_float().label("any_similarity"),
        )
        .join_from(judgments, trials)
        .where(sa.not_(judgments.c.withdrawn), where)
        .order_by(judgments.c.created)
    )
    return _frame(connection, query)


def item_rows(connection: sa.Connection, where: sa.ColumnElement[bool]) -> Frame:
    """Standing judgments of items, skips left out, one row for each candidate of the item."""
    query = (
        sa.select(
            item_judgments.c.id.label("judgment_id"),
            item_judgments.c.item_id,
            item_judgments.c.annotator,
            item_judgments.c.created.label("judged"),
            item_judgments.c.preference,
            item_judgments.c.preferred,
            sa.cast(item_judgments.c.verdicts, sa.Text).label("verdicts"),
            sa.cast(item_judgments.c.tags, sa.Text).label("tags"),
            item_judgments.c.correction,
            item_judgments.c.note,
            items.c.image_hash,
            items.c.image_file,
            items.c.question,
            items.c.domain,
            items.c.question_type,
            items.c.key,
            queues.c.name.label("queue"),
            queues.c.blind,
            candidates.c.number.label("candidate"),
            candidates.c.text,
            candidates.c.cell,
            candidates.c.adapter,
            candidates.c.trial_id,
            candidates.c.similarity,
        )
        .join_from(item_judgments, items)
        .join(queues)
        .join(candidates, candidates.c.item_id == items.c.id)
        .where(sa.not_(item_judgments.c.withdrawn), item_judgments.c.preference != SKIP, where)
        .order_by(item_judgments.c.created, candidates.c.number)
    )
    return _frame(connection, query)


def _frame(connection: sa.Connection, query: sa.Select[Any]) -> Frame:
    result = connection.execute(query)
    names = list(result.keys())
    columns = list(zip(*result.all(), strict=True)) or [()] * len(names)
    return pd.DataFrame(
        {name: pd.Series(column, dtype=_KINDS.get(name)) for name, column in zip(names, columns, strict=True)}
    )


_NUMBERS = {"k": "float64", "image_similarity": "float64", "any_similarity": "float64", "similarity": "float64"}
_TEXTS = (
    "judgment_id", "trial_id", "item_id", "annotator", "judged", "verdict", "verdicts", "tags", "preference",
    "correction", "note", "image_hash", "image_file", "question", "text", "adapter", "modalities", "named_cell",
    "domain", "question_type", "key", "queue", "cell",
)  # fmt: skip
_KINDS: dict[str, Any] = {
    **_NUMBERS,
    **dict.fromkeys(_TEXTS, "str"),
    "preferred": "float64",
    "candidate": "int64",
    "blind": "bool",
}
