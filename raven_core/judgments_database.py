"""A connection to the judgment database that keeps what it was told to keep, and brings older databases up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from raven_core.errors import StoreError
from raven_core.judgments_schema import SCHEMA_VERSION, item_history_owner, judgments_updated, meta, metadata, owned

Made = TypeVar("Made")


class Database:
    """Transactions on one database. Safe to share between threads."""

    def __init__(self, path_or_url: str | Path) -> None:
        """Open, make, or bring up to date.

        Raises:
            StoreError: it cannot be opened, or a newer version of the program made it.
        """
        self.engine = connect(path_or_url)
        self._writer = self.engine.execution_options(write=True)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turns what databases and disks raise into a StoreError."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StoreError(f"The judgment database refused ({reason}): nothing was changed.") from error

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes, or leaves everything as it was."""
        with self.guarded(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database."""
        with self.guarded(), self.engine.connect() as connection:
            yield connection

    def all(self, query: sa.Select[Any], make: Callable[[dict[str, Any]], Made]) -> list[Made]:
        """Every row of a query, each made into something from its values by column."""
        with self.read() as connection:
            return [make(dict(row)) for row in connection.execute(query).mappings()]

    def shrink(self) -> None:
        """Deleted rows would else live on in SQLite's write-ahead log until it is full."""
        if self.engine.dialect.name != "sqlite":
            return
        with self.guarded():
            connection = self.engine.raw_connection()  # outside any transaction, which would hold the log open
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()


def connect(path_or_url: str | Path) -> sa.Engine:
    """An engine on a SQLite file (made where it is missing) or on a database URL, with its tables.

    Raises:
        StoreError: it cannot be opened, or a newer version of the program made it.
    """
    try:
        engine = sa.create_engine(_url(path_or_url))
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        with engine.execution_options(write=True).begin() as connection:
            _check_version(connection)
            metadata.create_all(connection)
            _upgrade(connection)
    except (SQLAlchemyError, ImportError, OSError) as error:
        shown = str(path_or_url) if "@" not in str(path_or_url) else "the database URL"  # it may hold a password
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StoreError(
            f"The judgment database {shown!r} cannot be opened ({reason}): check the path or URL, and that it may "
            "be written."
        ) from error
    return engine


def _url(path_or_url: str | Path) -> str | sa.URL:
    if isinstance(path_or_url, str) and "://" in path_or_url:
        return path_or_url
    path = Path(path_or_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    return sa.URL.create("sqlite", database=str(path))


def _prepare_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # transactions begin in _begin_sqlite, not on their own
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA busy_timeout = 30000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # a commit is on disk before anyone says "saved"
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what a person deletes is overwritten, not only forgotten
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later fails at once when another wrote in between; one that
    # announces its write waits its turn.
    immediate = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _version(connection: sa.Connection) -> int | None:
    """The schema that a database has, None for an empty one."""
    if not sa.inspect(connection).has_table(meta.name):
        return None
    found = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema"))
    return None if found is None else int(found)


def _check_version(connection: sa.Connection) -> None:
    found = _version(connection)
    if found is not None and found > SCHEMA_VERSION:
        raise StoreError(
            f"The judgment database has schema {found}, newer than this program's {SCHEMA_VERSION}: update the program."
        )


def _upgrade(connection: sa.Connection) -> None:
    """Step by step to this version; tables that are missing as a whole have been made already."""
    found = _version(connection)
    if found is None:
        connection.execute(sa.insert(meta).values(key="schema", value=str(SCHEMA_VERSION)))
        return
    for version in range(found + 1, SCHEMA_VERSION + 1):
        _STEPS[version](connection)
        connection.execute(sa.update(meta).where(meta.c.key == "schema").values(value=str(version)))


def _to_2(connection: sa.Connection) -> None:
    judgments_updated.create(connection, checkfirst=True)


def _to_3(connection: sa.Connection) -> None:
    for table in owned:
        known = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        if "owner" not in known:  # a table that was missing as a whole has it already
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN owner TEXT NOT NULL DEFAULT ''")
    item_history_owner.create(connection, checkfirst=True)


_STEPS: Mapping[int, Callable[[sa.Connection], None]] = {2: _to_2, 3: _to_3}
"""What to do with a database of the version before."""
