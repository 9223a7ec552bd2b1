"""Who is given which item, in which order its candidates stand, and how far everybody is."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from raven_core import annotation_rows as rows
from raven_core.annotation_types import SKIP, Progress, Queue, Showing
from raven_core.judgments_schema import assignments, item_judgments, items
from raven_core.stamps import iso, new_id, utc_now

OPEN_MINUTES = 30
"""How long an item that somebody has open is kept from others."""


def positions(scores: Sequence[float], order: str, seed: int) -> list[int]:
    """For each item, in the order given, the position at which it is handed out; ties keep the order given."""
    sequence = list(range(len(scores)))
    if order == "random":
        random.Random(seed).shuffle(sequence)
    elif order == "informative":
        sequence.sort(key=lambda number: -scores[number])
    places = [0] * len(scores)
    for place, number in enumerate(sequence):
        places[number] = place
    return places


def order_shown(queue: Queue, number: int, annotator: str, count: int) -> tuple[int, ...]:
    """Candidate numbers in the order shown: as given, or in a blind queue drawn for this item and annotator.

    The same queue seed, item number and annotator give the same order, in every process.
    """
    order = list(range(count))
    if queue.blind:
        digest = hashlib.sha256(f"{queue.seed}\n{number}\n{annotator}".encode("utf-8", "replace")).digest()
        random.Random(int.from_bytes(digest, "big")).shuffle(order)
    return tuple(order)


def choose(connection: sa.Connection, queue: Queue, annotator: str) -> str | None:
    """The id of the item that this person should judge now, None when there is none."""
    done, counts = _judged(connection, queue, annotator)
    mine, busy = _open(connection, queue, annotator)
    for item_id in mine:
        if item_id not in done and counts[item_id] < queue.wanted:
            return item_id
    query = sa.select(items.c.id).where(items.c.queue_id == queue.id).order_by(items.c.position)
    free = [
        item_id
        for item_id in connection.scalars(query)
        if item_id not in done and counts[item_id] + busy[item_id] < queue.wanted
    ]
    return min(free, key=lambda item_id: counts[item_id] + busy[item_id], default=None)  # min keeps the first of equals


def open_item(connection: sa.Connection, queue: Queue, item_id: str, annotator: str) -> tuple[Showing, tuple[int, ...]]:
    """An item as this person may see it, and the order of its candidates, which they may not know."""
    item = rows.item(connection, item_id)
    found = rows.candidates_of(connection, item_id)
    order = order_shown(queue, item["number"], annotator, len(found))
    given = rows.own(connection, item_id, annotator)
    if given is not None and given.withdrawn:
        given = None
    same = ("image_hash", "image_file", "question", "domain", "question_type")
    showing = Showing(
        item_id=item_id,
        queue_id=queue.id,
        number=item["position"] + 1,
        references=tuple(item["references"]),
        candidates=rows.shown_candidates(found, order, details=not queue.blind),
        blind=queue.blind,
        token=new_id(),
        given=given,
        **{name: item[name] for name in same},
    )
    return showing, order


def assign(connection: sa.Connection, item_id: str, annotator: str, order: Sequence[int], owner: str) -> None:
    """From now on this person has the item open, with its candidates in this order."""
    release(connection, item_id, annotator)
    values = {"item_id": item_id, "annotator": annotator, "shown": list(order), "assigned": utc_now()}
    connection.execute(sa.insert(assignments).values(**values, owner=owner))


def release(connection: sa.Connection, item_id: str, annotator: str) -> None:
    """This person has the item open no more."""
    mine = (assignments.c.item_id == item_id) & (assignments.c.annotator == annotator)
    connection.execute(sa.delete(assignments).where(mine))


def progress(connection: sa.Connection, queue: Queue, annotator: str) -> Progress:
    """Counts over the judgments that stand."""
    query = (
        sa.select(item_judgments.c.item_id, item_judgments.c.annotator, item_judgments.c.preference)
        .join(items)
        .where(items.c.queue_id == queue.id, sa.not_(item_judgments.c.withdrawn))
    )
    found = connection.execute(query).all()
    counts = Counter(row.item_id for row in found if row.preference != SKIP)
    mine = {row.item_id: row.preference == SKIP for row in found if row.annotator == annotator}
    full = {item_id for item_id, count in counts.items() if count >= queue.wanted}
    return Progress(
        items=queue.size,
        complete=len(full),
        judgments=sum(counts.values()),
        annotators=len({row.annotator for row in found if row.preference != SKIP}),
        judged=sum(not skipped for skipped in mine.values()),
        skipped=sum(mine.values()),
        left=queue.size - len(full | set(mine)),
    )


def _judged(connection: sa.Connection, queue: Queue, annotator: str) -> tuple[set[str], Counter[str]]:
    """What this person is done with, and how many people have judged each item."""
    query = (
        sa.select(item_judgments.c.item_id, item_judgments.c.annotator, item_judgments.c.preference)
        .join(items)
        .where(items.c.queue_id == queue.id, sa.not_(item_judgments.c.withdrawn))
    )
    found = connection.execute(query).all()
    done = {row.item_id for row in found if row.annotator == annotator}
    return done, Counter(row.item_id for row in found if row.preference != SKIP)


def _open(connection: sa.Connection, queue: Queue, annotator: str) -> tuple[list[str], Counter[str]]:
    """What this person has open, the last opened first, and how many others have each item open."""
    limit = iso(datetime.now(UTC) - timedelta(minutes=OPEN_MINUTES))
    query = (
        sa.select(assignments.c.item_id, assignments.c.annotator, assignments.c.assigned)
        .join(items)
        .where(items.c.queue_id == queue.id)
        .order_by(assignments.c.assigned.desc(), items.c.position)
    )
    found = connection.execute(query).all()
    mine = [row.item_id for row in found if row.annotator == annotator]
    return mine, Counter(row.item_id for row in found if row.annotator != annotator and row.assigned >= limit)
