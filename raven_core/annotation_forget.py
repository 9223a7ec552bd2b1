"""Deletes what somebody said about items: by whom it came from, never by a name that anybody may type."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from raven_core.judgments_database import Database
from raven_core.judgments_schema import assignments, item_history, item_judgments


def forget(database: Database, owners: Sequence[str], annotator: str | None = None) -> int:
    """Delete every version of a judgment that came from these owners; deleted text is overwritten on the disk.

    Where somebody else gave another version under the same name, the latest of those stands again.

    Params:
        owners: whom the versions came from; "" stands for nobody, and deletes nothing.
        annotator: only what was said under this name.
    Returns:
        About how many items something was deleted.
    Raises:
        StoreError: the database refuses; nothing is deleted then.
    """
    with database.write() as connection:
        count = forget_given(connection, owners, annotator)
    database.shrink()
    return count


def forget_given(connection: sa.Connection, owners: Sequence[str], annotator: str | None = None) -> int:
    """``forget`` inside a transaction."""
    known = [owner for owner in owners if owner]
    named = item_judgments.c.annotator == annotator if annotator is not None else sa.true()
    given = sa.select(item_history.c.number, item_history.c.judgment_id).join(item_judgments)
    rows = connection.execute(given.where(item_history.c.owner.in_(known), named)).all()
    judgment_ids = sorted({row.judgment_id for row in rows})
    for row in rows:
        connection.execute(sa.delete(item_history).where(item_history.c.number == row.number))
    for judgment_id in judgment_ids:
        _stand_again(connection, judgment_id)
    opened = assignments.c.annotator == annotator if annotator is not None else sa.true()
    connection.execute(sa.delete(assignments).where(assignments.c.owner.in_(known), opened))
    return len(judgment_ids)


def _stand_again(connection: sa.Connection, judgment_id: str) -> None:
    """The judgment is its latest version that is left; without any it is deleted."""
    versions = sa.select(item_history).where(item_history.c.judgment_id == judgment_id)
    latest = connection.execute(versions.order_by(item_history.c.number.desc()).limit(1)).mappings().one_or_none()
    this = item_judgments.c.id == judgment_id
    if latest is None:
        connection.execute(sa.delete(item_judgments).where(this))
        return
    said = {name: value for name, value in latest.items() if name not in ("number", "judgment_id")}
    connection.execute(sa.update(item_judgments).where(this).values(**said))
    # under a new number: whoever reads only what is new must see that it changed
    connection.execute(sa.delete(item_history).where(item_history.c.number == latest["number"]))
    connection.execute(sa.insert(item_history).values(judgment_id=judgment_id, **said))
