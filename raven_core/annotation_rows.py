"""Rows of the queue tables ↔ the words of ``annotation_types``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from raven_core.annotation_types import (
    LETTERS,
    MAX_WANTED,
    ORDERS,
    SKIP,
    TIES,
    Candidate,
    ItemJudgment,
    Queue,
    ShownCandidate,
)
from raven_core.errors import OptionError
from raven_core.judgments_checks import check_tags, check_texts, check_verdict, clean
from raven_core.judgments_schema import candidates, item_history, item_judgments, items
from raven_core.stamps import new_id, utc_now

_PLAIN = ("text", "cell", "adapter", "trial_id", "confidence", "similarity", "neighbours", "settings")
_JUDGED = (
    "item_id", "annotator", "created", "preference", "preferred", "correction", "note", "seconds", "updated",
    "withdrawn",
)  # fmt: skip


def queue(row: Mapping[str, Any]) -> Queue:
    """A queue from its row and ``size``."""
    renamed = {name: row[name] for name in row if name != "ordering"}
    return Queue(order=row["ordering"], **renamed)


def queue_values(
    name: str, source: str, order: str, seed: int, blind: bool, wanted: int, session: str
) -> dict[str, Any]:
    """A new queue by column.

    Raises:
        OptionError: an option is out of range.
    """
    if not name.strip() or len(name) > 200:
        raise OptionError("A queue needs a name of 1 to 200 characters.")
    if order not in ORDERS:
        raise OptionError(f"Unknown order {order!r}: use {', '.join(ORDERS)}.")
    if not 1 <= wanted <= MAX_WANTED:
        raise OptionError(f"An item may be asked of 1 to {MAX_WANTED} annotators, not of {wanted}.")
    about = {"name": name.strip(), "source": source, "session": session}
    given = {"ordering": order, "seed": seed, "blind": blind, "wanted": wanted}
    return {"id": new_id(), **clean(about), **given, "created": utc_now()}


def plain_candidate(given: Candidate) -> dict[str, Any]:
    """A candidate by column."""
    values = {name: getattr(given, name) for name in _PLAIN}
    values["neighbours"] = [dict(entry) for entry in given.neighbours]
    return dict(clean(values))


def candidates_of(connection: sa.Connection, item_id: str) -> list[Candidate]:
    """The candidates of an item, by number."""
    columns = [candidates.c[name] for name in _PLAIN]
    query = sa.select(*columns).where(candidates.c.item_id == item_id).order_by(candidates.c.number)
    return [candidate(row) for row in connection.execute(query).mappings()]


def candidate(row: Mapping[Any, Any]) -> Candidate:
    """A candidate from its columns; others in the row are left."""
    values = {name: row[name] for name in _PLAIN}
    return Candidate(**{**values, "neighbours": tuple(values["neighbours"])})


def item(connection: sa.Connection, item_id: str) -> dict[str, Any]:
    """An item by column; it is there."""
    return dict(connection.execute(sa.select(items).where(items.c.id == item_id)).mappings().one())


def shown_candidates(found: Sequence[Candidate], order: Sequence[int], details: bool) -> tuple[ShownCandidate, ...]:
    """Candidates as they are shown: letters in this order, with or without how they came about."""
    return tuple(
        ShownCandidate(LETTERS[place], found[number].text, found[number] if details else None)
        for place, number in enumerate(order)
    )


def said(
    order: Sequence[int],
    preference: str,
    verdicts: Mapping[str, str],
    tags: Collection[str] | Mapping[str, Collection[str]],
    correction: str,
    note: str,
    seconds: float | None,
) -> dict[str, Any]:
    """What was said by letter, checked, as it is stored: by candidate number.

    Raises:
        OptionError: something is unknown or too long, or nothing was said.
    """
    numbers = dict(zip(LETTERS, order, strict=False))
    if preference not in ("", SKIP, *(TIES if len(order) > 1 else ()), *(numbers if len(order) > 1 else ())):
        raise OptionError(f"Unknown preference {preference!r}: use {', '.join(numbers)}, {', '.join(TIES)} or {SKIP}.")
    if preference == "" and not verdicts:
        raise OptionError("Nothing was said: give a preference or a verdict, or skip the item.")
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise OptionError(f"An item cannot have taken {seconds} seconds.")
    judged: list[str | None] = [None] * len(order)
    for letter, verdict in verdicts.items():
        judged[_number(letter, numbers)] = check_verdict(verdict)
    about = {"preference": preference, "preferred": numbers.get(preference), "shown": list(order)}
    texts = check_texts(correction, note)
    return {**about, **texts, "verdicts": judged, "tags": _tags(tags, judged, numbers), "seconds": seconds}


def _number(letter: str, numbers: Mapping[str, int]) -> int:
    if letter not in numbers:
        raise OptionError(f"There is no candidate {letter!r}: use {', '.join(numbers)}.")
    return numbers[letter]


def _tags(
    tags: Collection[str] | Mapping[str, Collection[str]], judged: Sequence[str | None], numbers: Mapping[str, int]
) -> list[list[str]]:
    if isinstance(tags, Mapping):
        found: list[list[str]] = [[] for _ in judged]
        for letter, given in tags.items():
            found[_number(letter, numbers)] = check_tags(given)
        return found
    given = check_tags(tags)
    wrong = [verdict not in (None, "success") for verdict in judged]
    # without verdicts, the tags cannot be told apart: they speak of all
    return [
        list(given) if bad or (not any(wrong) and verdict is None) else []
        for bad, verdict in zip(wrong, judged, strict=True)
    ]


def own(connection: sa.Connection, item_id: str, annotator: str) -> ItemJudgment | None:
    """What this person said about an item, taken back or not."""
    where = (item_judgments.c.item_id == item_id) & (item_judgments.c.annotator == annotator)
    row = connection.execute(sa.select(item_judgments).where(where)).mappings().one_or_none()
    return None if row is None else _judgment(row)


def by_id(connection: sa.Connection, judgment_id: str) -> ItemJudgment:
    """A judgment that is there."""
    query = sa.select(item_judgments).where(item_judgments.c.id == judgment_id)
    return _judgment(connection.execute(query).mappings().one())


def latest(connection: sa.Connection, queue_id: str, annotator: str) -> ItemJudgment | None:
    """What this person said last in a queue and has not taken back, skips among it."""
    said_at = sa.select(sa.func.max(item_history.c.number)).where(item_history.c.judgment_id == item_judgments.c.id)
    query = (
        sa.select(item_judgments)
        .join(items)
        .where(items.c.queue_id == queue_id, item_judgments.c.annotator == annotator)
        .where(sa.not_(item_judgments.c.withdrawn))
        .order_by(said_at.scalar_subquery().desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _judgment(row)


def standing(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[ItemJudgment]:
    """Judgments that were not taken back, oldest first."""
    query = (
        sa.select(item_judgments)
        .join(items)
        .where(sa.not_(item_judgments.c.withdrawn), *conditions)
        .order_by(item_judgments.c.created, item_judgments.c.id)
    )
    return [_judgment(row) for row in connection.execute(query).mappings()]


def versions(connection: sa.Connection, judgment_id: str) -> list[ItemJudgment]:
    """Every version of a judgment, oldest first."""
    about = sa.select(item_judgments.c.item_id, item_judgments.c.annotator, item_judgments.c.created, item_history)
    query = about.join(item_history).where(item_judgments.c.id == judgment_id).order_by(item_history.c.number)
    return [_judgment({**row, "id": row["judgment_id"]}) for row in connection.execute(query).mappings()]


def put(
    connection: sa.Connection, item_id: str, annotator: str, found: ItemJudgment | None, given: Mapping[str, Any]
) -> str:
    """Store what was said, with its history, over what this person said before; the judgment's id."""
    if found is None:
        about = {"id": new_id(), "item_id": item_id, "annotator": annotator, "created": given["updated"]}
        connection.execute(sa.insert(item_judgments).values(**about, **given))
    else:
        about = {"id": found.id}
        connection.execute(sa.update(item_judgments).where(item_judgments.c.id == found.id).values(**given))
    connection.execute(sa.insert(item_history).values(judgment_id=about["id"], **given))
    return about["id"]


def withdraw(connection: sa.Connection, found: ItemJudgment) -> None:
    """Take a judgment back; it stays in the history."""
    where = item_judgments.c.id == found.id
    changed = {"updated": utc_now(), "withdrawn": True}
    connection.execute(sa.update(item_judgments).where(where).values(**changed))
    names: Sequence[str] = [column.name for column in item_history.c if column.name not in ("number", "judgment_id")]
    said = connection.execute(sa.select(*(item_judgments.c[name] for name in names)).where(where)).mappings().one()
    connection.execute(sa.insert(item_history).values(judgment_id=found.id, **said))


def token_used(connection: sa.Connection, judgment_id: str, token: str) -> bool:
    """Whether this submission has arrived before."""
    where = (item_history.c.judgment_id == judgment_id) & (item_history.c.token == token)
    return connection.scalar(sa.select(item_history.c.number).where(where).limit(1)) is not None


def _judgment(row: Mapping[Any, Any]) -> ItemJudgment:
    return ItemJudgment(
        id=row["id"],
        verdicts=tuple(row["verdicts"]),
        tags=tuple(tuple(tags) for tags in row["tags"]),
        shown=tuple(row["shown"]),
        **{name: row[name] for name in _JUDGED},
    )
