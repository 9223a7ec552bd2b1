"""Trials and judgments, kept for good or for as long as was promised: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from PIL import Image

from raven_core import judgments_export
from raven_core.annotation_forget import forget_given
from raven_core.errors import StoreError
from raven_core.images import content_hash, load_image
from raven_core.judgments_checks import check_tags, check_texts, check_verdict, clean
from raven_core.judgments_database import Database
from raven_core.judgments_schema import (
    assignments,
    candidates,
    history,
    item_judgments,
    items,
    judgments,
    queues,
    trials,
)
from raven_core.settings import Settings
from raven_core.stamps import iso, new_id, utc_now
from raven_core.types import Judgment, Trial


class JudgmentStore:
    """One database of trials and judgments with the images that were asked about. Safe to share between threads."""

    def __init__(self, path_or_url: str | Path, images_dir: str | Path | None = None) -> None:
        """Open, or make, a store.

        Params:
            path_or_url: a SQLite file, or a SQLAlchemy URL.
            images_dir: where images go; by default ``images`` beside the SQLite file (``data/images`` for a URL).
        Raises:
            StoreError: it cannot be opened.
        """
        is_url = isinstance(path_or_url, str) and "://" in path_or_url
        self.images_dir = Path(images_dir or (Path("data") if is_url else Path(path_or_url).parent) / "images")
        self.database = Database(path_or_url)

    @classmethod
    def from_settings(cls, settings: Settings) -> JudgmentStore:
        """The store that the settings name: ``database_url``, or ``judgments.db`` in ``data_dir``."""
        path_or_url = settings.database_url or settings.data_dir / "judgments.db"
        return cls(path_or_url, settings.data_dir / "images")

    # ------------------------------------------------------------------ giving

    def save_trial(self, trial: Trial, image: Image.Image | None = None) -> Trial:
        """Store a trial, and the image it asked about unless that is stored already.

        Params:
            image: RGB; its hash and file replace the trial's own.
        Returns:
            The trial as stored.
        Raises:
            StoreError: a trial with this id is stored already, or the disk refuses.
        """
        values = {entry.name: getattr(trial, entry.name) for entry in fields(trial)}
        if image is not None:
            values["image_hash"] = content_hash(image)
            values["image_file"] = _file_of(values["image_hash"])
        values = clean(values)
        with self.database.write() as connection:
            if image is not None:  # inside the transaction: a deletion waiting for it will see the new owner
                self.save_image(image)
            connection.execute(sa.insert(trials).values(**values))
        return _trial(values)

    def judge(
        self,
        trial_id: str,
        verdict: str,
        tags: Collection[str] = (),
        correction: str = "",
        note: str = "",
        annotator: str = "",
    ) -> Judgment:
        """Store a verdict; a second one by the same annotator on the same trial replaces it and keeps the first
        in its history. When this returns, it is on disk.

        Raises:
            OptionError: the verdict or a tag is unknown, or a text is too long.
            StoreError: there is no such trial, or the disk refuses.
        """
        said = _checked(verdict, tags, correction, note)
        with self.database.write() as connection:
            # FOR UPDATE: on PostgreSQL two first judgments by one person wait for each other (SQLite writes in turn)
            if connection.scalar(sa.select(trials.c.id).where(trials.c.id == trial_id).with_for_update()) is None:
                raise StoreError(f"There is no trial {trial_id!r} to judge: it may have been deleted; ask again.")
            mine = (judgments.c.trial_id == trial_id) & (judgments.c.annotator == annotator)
            found = connection.execute(sa.select(judgments.c.id, judgments.c.created).where(mine)).one_or_none()
            if found is None:
                about = {
                    "id": new_id(),
                    "trial_id": trial_id,
                    "annotator": annotator,
                    "created": said["updated"],
                }
                connection.execute(sa.insert(judgments).values(**about, **said))
            else:
                about = {"id": found.id, "trial_id": trial_id, "annotator": annotator, "created": found.created}
                connection.execute(sa.update(judgments).where(mine).values(**said))
            connection.execute(sa.insert(history).values(judgment_id=about["id"], **said))
        return _judgment({**about, **said})

    def withdraw(self, judgment_id: str) -> Judgment:
        """Take a judgment back: it stays in the history, and counts and exports no more.

        Raises:
            StoreError: there is no such judgment.
        """
        with self.database.write() as connection:
            where = judgments.c.id == judgment_id
            row = connection.execute(sa.select(judgments).where(where)).mappings().one_or_none()
            if row is None:
                raise StoreError(f"There is no judgment {judgment_id!r}: it may have been deleted.")
            changed = {**row, "updated": utc_now(), "withdrawn": True}
            said = {name: changed[name] for name in ("verdict", "tags", "correction", "note", "updated", "withdrawn")}
            connection.execute(sa.update(judgments).where(where).values(**said))
            connection.execute(sa.insert(history).values(judgment_id=judgment_id, **said))
        return _judgment(changed)

    # ------------------------------------------------------------------ reading

    def trial(self, trial_id: str) -> Trial:
        """The trial with this id.

        Raises:
            StoreError: there is none.
        """
        found = self.database.all(sa.select(trials).where(trials.c.id == trial_id), _trial)
        if not found:
            raise StoreError(f"There is no trial {trial_id!r}: it may have been deleted.")
        return found[0]

    def trials(self, session: str | None = None, limit: int | None = None) -> list[Trial]:
        """Stored trials, newest first, of one session or of all."""
        query = sa.select(trials).order_by(trials.c.created.desc(), trials.c.id).limit(limit)
        return self.database.all(query if session is None else query.where(trials.c.session == session), _trial)

    def judgments(
        self, trial_id: str | None = None, annotator: str | None = None, withdrawn: bool = False
    ) -> list[Judgment]:
        """Judgments as they stand, oldest first; those taken back only when ``withdrawn`` is set."""
        query = sa.select(judgments).order_by(judgments.c.created, judgments.c.id)
        if trial_id is not None:
            query = query.where(judgments.c.trial_id == trial_id)
        if annotator is not None:
            query = query.where(judgments.c.annotator == annotator)
        return self.database.all(query if withdrawn else query.where(sa.not_(judgments.c.withdrawn)), _judgment)

    def history(self, judgment_id: str) -> list[Judgment]:
        """Every version of a judgment, oldest first; the last one is how it stands.

        Raises:
            StoreError: there is no such judgment.
        """
        about = sa.select(judgments.c.trial_id, judgments.c.annotator, judgments.c.created, history)
        query = about.join(history).where(judgments.c.id == judgment_id).order_by(history.c.number)
        versions = self.database.all(query, lambda row: _judgment({**row, "id": row["judgment_id"]}))
        if not versions:
            raise StoreError(f"There is no judgment {judgment_id!r}: it may have been deleted.")
        return versions

    def count(self, session: str | None = None) -> int:
        """Judgments that stand, of one session or of all."""
        query = sa.select(sa.func.count()).select_from(judgments.join(trials)).where(sa.not_(judgments.c.withdrawn))
        if session is not None:
            query = query.where((trials.c.session == session) | (judgments.c.annotator == session))
        return self.database.all(query, lambda row: int(next(iter(row.values()))))[0]

    def image_path(self, image_file: str) -> Path:
        """Where an image named by a trial's ``image_file`` is."""
        return self.images_dir / Path(image_file).name

    def image(self, trial: Trial) -> Image.Image | None:
        """The RGB image that a trial asked about, None when it asked without one.

        Raises:
            StoreError: its file is gone.
        """
        if trial.image_file is None:
            return None
        path = self.image_path(trial.image_file)
        if not path.is_file():
            raise StoreError(f"The image {str(path)!r} of the trial {trial.id!r} is gone: it cannot be replayed.")
        return load_image(path, max_pixels=2**40)  # it was within its limit when it came

    # ------------------------------------------------------------------ forgetting

    def delete_session(self, session: str) -> int:
        """Delete what a person gave: trials, judgments with their history, queues and images nobody else gave too.

        An item of a queue that shows one of this person's trials goes with it, with all that was said about it. So
        does what came from this person under any name in queues (see ``annotation_forget``).

        Returns:
            How many trials were deleted.
        """
        with self.database.write() as connection:
            connection.execute(sa.delete(judgments).where(judgments.c.annotator == session))
            forget_given(connection, [session])
            connection.execute(sa.delete(item_judgments).where(item_judgments.c.annotator == session))
            connection.execute(sa.delete(assignments).where(assignments.c.annotator == session))
            files = self._delete_items(connection, items.c.queue_id.in_(_queues(queues.c.session == session)))
            connection.execute(sa.delete(queues).where(queues.c.session == session))
            count = self._delete_trials(connection, trials.c.session == session, files)
        self.database.shrink()
        return count

    def purge(self, older_than_days: float) -> int:
        """Delete trials and queues, with judgments and images, made more than this many days ago.

        Returns:
            How many trials were deleted.
        """
        limit = iso(datetime.now(UTC) - timedelta(days=older_than_days))
        with self.database.write() as connection:
            files = self._delete_items(connection, items.c.queue_id.in_(_queues(queues.c.created < limit)))
            connection.execute(sa.delete(queues).where(queues.c.created < limit))
            count = self._delete_trials(connection, trials.c.created < limit, files)
        self.database.shrink()
        return count

    def delete_queue(self, queue_id: str) -> None:
        """Delete a queue with its items, all that was said about them, and images that nothing else shows.

        Raises:
            StoreError: there is no such queue.
        """
        with self.database.write() as connection:
            files = self._delete_items(connection, items.c.queue_id == queue_id)
            if not connection.execute(sa.delete(queues).where(queues.c.id == queue_id)).rowcount:
                raise StoreError(f"There is no queue {queue_id!r}: it may have been deleted.")
            self._drop_files(connection, files)
        self.database.shrink()

    def _delete_trials(self, connection: sa.Connection, where: sa.ColumnElement[bool], files: set[str]) -> int:
        """Trials, the items that show them, and the images of both and of ``files`` that nothing shows any more."""
        theirs = sa.select(candidates.c.item_id).join(trials).where(where)
        files = files | self._delete_items(connection, items.c.id.in_(theirs))
        rows = connection.execute(sa.select(trials.c.image_file).where(where)).scalars().all()
        connection.execute(sa.delete(trials).where(where))
        self._drop_files(connection, files | {row for row in rows if row is not None})
        return len(rows)

    def _delete_items(self, connection: sa.Connection, where: sa.ColumnElement[bool]) -> set[str]:
        """Delete items; the files they named."""
        rows = connection.execute(sa.select(items.c.image_file).where(where)).scalars().all()
        connection.execute(sa.delete(items).where(where))
        return {row for row in rows if row is not None}

    def _drop_files(self, connection: sa.Connection, files: set[str]) -> None:
        for file in files:
            used = (sa.select(table.c.id).where(table.c.image_file == file).limit(1) for table in (trials, items))
            if all(connection.scalar(query) is None for query in used):
                self.image_path(file).unlink(missing_ok=True)

    # ------------------------------------------------------------------ exporting

    def export(self, format: str, out: str | Path) -> int:
        """Write every standing judgment with its trial, oldest first, to a file.

        Params:
            format: csv (cells made safe for spreadsheets), jsonl or parquet.
        Returns:
            How many judgments were written.
        Raises:
            OptionError: the format is unknown.
            StoreError: the file cannot be written.
        """
        return judgments_export.write(self.rows(), format, Path(out))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Standing judgments joined with their trials, oldest first, as plain values by column name."""
        query = (
            sa.select(judgments, trials)
            .join_from(judgments, trials)
            .where(sa.not_(judgments.c.withdrawn))
            .order_by(judgments.c.created, judgments.c.id)
            .set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
        )
        with self.database.read() as connection:
            for row in connection.execution_options(yield_per=500).execute(query).mappings():
                yield judgments_export.flat(dict(row))

    def close(self) -> None:
        """Close all connections."""
        self.database.engine.dispose()

    # ------------------------------------------------------------------ inside

    def save_image(self, image: Image.Image) -> tuple[str, str]:
        """Keep an RGB image, once; call it inside the transaction that stores its owner, or a deletion takes it.

        Returns:
            Its content hash and the name of its file.
        """
        name = content_hash(image)
        path = self.image_path(_file_of(name))
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"{path.stem}.{new_id()[:8]}.tmp")
            image.save(temporary, "PNG", compress_level=4)  # lossless, and without WebP's limit of 16383 pixels a side
            temporary.replace(path)
        return name, path.name


def _queues(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(queues.c.id).where(where)


def _file_of(image_hash: str) -> str:
    return f"{image_hash}.png"


def _checked(verdict: str, tags: Iterable[str], correction: str, note: str) -> dict[str, Any]:
    said = {"verdict": check_verdict(verdict), "tags": check_tags(tags), **check_texts(correction, note)}
    return {**said, "updated": utc_now(), "withdrawn": False}


def _trial(row: Mapping[str, Any]) -> Trial:
    return Trial(**row)


def _judgment(row: Mapping[str, Any]) -> Judgment:
    names = ("id", "trial_id", "verdict", "correction", "note", "annotator", "created", "updated", "withdrawn")
    return Judgment(tags=tuple(row["tags"]), **{name: row[name] for name in names})
