"""Tables of the judgment database, and a connection that keeps what it was told to keep."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from raven_core.errors import StoreError

SCHEMA_VERSION = 1

metadata = sa.MetaData()

meta = sa.Table(
    "meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)

trials = sa.Table(
    "trials",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created", sa.Text, nullable=False, index=True),
    sa.Column("session", sa.Text, nullable=False, index=True),
    sa.Column("image_hash", sa.Text, index=True),
    sa.Column("image_file", sa.Text),
    sa.Column("question", sa.Text),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("neighbours", sa.JSON, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("output", sa.Text, nullable=False),
    sa.Column("logprobs", sa.JSON, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("adapter", sa.Text),
    sa.Column("fingerprints", sa.JSON, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("timings", sa.JSON, nullable=False),
    sa.Column("app_version", sa.Text, nullable=False),
)


def _said() -> list[sa.Column]:
    """What a person said, in a judgment and in each earlier version of it."""
    return [
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("correction", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("updated", sa.Text, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    ]


judgments = sa.Table(
    "judgments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("trial_id", sa.ForeignKey("trials.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("annotator", sa.Text, nullable=False, index=True),
    sa.Column("created", sa.Text, nullable=False),
    *_said(),
    sa.UniqueConstraint("trial_id", "annotator"),
)

history = sa.Table(
    "judgment_history",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("judgment_id", sa.ForeignKey("judgments.id", ondelete="CASCADE"), nullable=False, index=True),
    *_said(),
)


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
            metadata.create_all(connection)
            _check_version(connection)
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


def _check_version(connection: sa.Connection) -> None:
    found = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema"))
    if found is None:
        connection.execute(sa.insert(meta).values(key="schema", value=str(SCHEMA_VERSION)))
    elif int(found) > SCHEMA_VERSION:
        raise StoreError(
            f"The judgment database has schema {found}, newer than this program's {SCHEMA_VERSION}: update the program."
        )
