"""Judged answers as cards, with the neighbours they were given; and what has changed since an answer was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from raven_core.analysis.flat import Frame, tags_of
from raven_core.judgments import JudgmentStore
from raven_core.judgments_schema import candidates, trials
from raven_core.types import Trial

_TOLD = (
    "judgment_id", "kind", "verdict", "cell", "adapter", "task", "question_type", "domain", "annotator", "queue",
    "text", "correction", "note",
)  # fmt: skip
_MAYBE = ("question", "image_hash", "image_file", "trial_id", "item_id")
_AT_ONCE = 500


@dataclass(frozen=True)
class Card:
    """One judged answer. ``trial_id`` is what can be replayed, None for an answer that only a queue knows.

    ``neighbours`` and ``settings`` are as stored with the answer; ``judged`` is ISO 8601 in UTC.
    """

    judgment_id: str
    kind: str
    verdict: str
    cell: str
    adapter: str
    task: str
    question_type: str
    domain: str
    annotator: str
    queue: str
    text: str
    correction: str
    note: str
    tags: tuple[str, ...]
    judged: str
    similarity: float | None
    question: str | None
    image_hash: str | None
    image_file: str | None
    trial_id: str | None
    item_id: str | None
    candidate: int
    neighbours: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """Something that an answer depends on and that is not what it was."""

    what: str
    then: str
    now: str


def gallery(store: JudgmentStore, frame: Frame, offset: int = 0, limit: int = 24) -> list[Card]:
    """Cards of the rows of a table, the newest first.

    Raises:
        StoreError: the database refuses.
    """
    end = len(frame) - offset
    rows = frame.iloc[max(end - limit, 0) : max(end, 0)].iloc[::-1]
    by_trial = _trials(store, [name for name in rows["trial_id"] if isinstance(name, str)])
    by_item = _candidates(store, [name for name in rows["item_id"] if isinstance(name, str)])
    return [_card(row, by_trial, by_item) for row in rows.to_dict("records")]


def changes(trial: Trial, fingerprints: Mapping[str, str], version: str) -> list[Change]:
    """What differs between now and when a trial was answered, so that a replay may answer otherwise.

    Params:
        fingerprints: as ``Raven.fingerprints(trial.adapter)`` gives them now.
        version: of the program, now.
    Returns:
        Of memory, encoder, model, adapter and version those that differ; fingerprints shortened to 12 characters.
    """
    names = sorted({*trial.fingerprints, *fingerprints})
    told = [(name, trial.fingerprints.get(name, ""), fingerprints.get(name, "")) for name in names]
    told = [(name, then[:12], now[:12]) for name, then, now in told if then != now]
    return [Change(*entry) for entry in [*told, ("version", trial.app_version, version)] if entry[1] != entry[2]]


def plain(value: Any) -> Any:
    """None for what pandas calls missing, else the value."""
    return None if value is None or value is np.nan or value != value else value


def _card(
    row: Mapping[Any, Any],
    by_trial: Mapping[str, tuple[Any, Any]],
    by_item: Mapping[tuple[str, int], tuple[Any, Any]],
) -> Card:
    maybe = {name: plain(row[name]) for name in _MAYBE}
    candidate = int(row["candidate"])
    known = by_item.get((maybe["item_id"] or "", candidate)) or by_trial.get(maybe["trial_id"] or "") or ((), {})
    return Card(
        tags=tuple(tags_of(int(row["tag_bits"]))),
        judged=row["judged"].isoformat(timespec="milliseconds") + "+00:00",
        similarity=plain(row["similarity"]),
        candidate=candidate,
        neighbours=tuple(known[0]),
        settings=known[1],
        **{name: row[name] for name in _TOLD},
        **maybe,
    )


def _trials(store: JudgmentStore, names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for start in range(0, len(names), _AT_ONCE):
        query = sa.select(trials.c.id, trials.c.neighbours, trials.c.settings)
        some = query.where(trials.c.id.in_(names[start : start + _AT_ONCE]))
        found |= dict(store.database.all(some, lambda row: (row["id"], (row["neighbours"], row["settings"]))))
    return found


def _candidates(store: JudgmentStore, names: Sequence[str]) -> dict[tuple[str, int], tuple[Any, Any]]:
    found: dict[tuple[str, int], tuple[Any, Any]] = {}
    columns = (candidates.c.item_id, candidates.c.number, candidates.c.neighbours, candidates.c.settings)
    for start in range(0, len(names), _AT_ONCE):
        some = sa.select(*columns).where(candidates.c.item_id.in_(names[start : start + _AT_ONCE]))
        rows = store.database.all(some, dict)
        found |= {(row["item_id"], row["number"]): (row["neighbours"], row["settings"]) for row in rows}
    return found
