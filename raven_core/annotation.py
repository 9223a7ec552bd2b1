"""Queues of items that several people judge, blind, without getting in each other's way.

All of it lives in the judgment database. Every change is one transaction that waits its turn, so what two people, two
tabs or two presses send at once is all kept, and counts once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from PIL import Image

from raven_core import annotation_hand_out as hand_out
from raven_core import annotation_rows as rows
from raven_core.annotation_sources import checked, informativeness
from raven_core.annotation_types import (
    SKIP,
    Draft,
    ItemJudgment,
    Progress,
    Queue,
    QueueOrder,
    Revealed,
    Showing,
)
from raven_core.errors import OptionError, StoreError
from raven_core.images import load_image
from raven_core.judgments import JudgmentStore
from raven_core.judgments_checks import clean
from raven_core.judgments_schema import candidates, item_judgments, items, queues
from raven_core.stamps import new_id, utc_now


class Queues:
    """The queues of one judgment store. Safe to share between threads."""

    def __init__(self, store: JudgmentStore) -> None:
        self.store = store
        self._database = store.database

    # ------------------------------------------------------------------ making

    def create(
        self,
        name: str,
        drafts: Iterable[Draft],
        source: str = "",
        order: QueueOrder = "given",
        seed: int = 0,
        blind: bool = True,
        wanted: int = 1,
        session: str = "",
    ) -> Queue:
        """Make a queue of items, and keep their images.

        Params:
            name: what people call it; no two queues have the same.
            source: where its items come from, in words or as a path.
            order: given, random (drawn with the seed) or informative (see ``informativeness``).
            blind: hide from annotators how a candidate came about, and draw their order for each of them.
            wanted: how many annotators an item wants, 1 to 50.
            session: whom its pictures belong to; "" for nobody.
        Raises:
            OptionError: an option is out of range, or there are no items.
            StoreError: the name is taken, or the disk refuses.
            ImageError: an image file cannot be read; nothing is stored then.
        """
        queue = rows.queue_values(name, source, order, seed, blind, wanted, session)
        given = list(drafts)
        if not given:
            raise OptionError("There is nothing to judge in it: a queue needs at least one item.")
        scores = [informativeness(checked(entry.candidates)) for entry in given]
        places = hand_out.positions(scores, order, seed)
        loaded = [_opened(entry) for entry in given]  # reads every file before anything is written
        with self._database.write() as connection:
            if connection.scalar(sa.select(queues.c.id).where(queues.c.name == queue["name"])) is not None:
                raise StoreError(f"There is a queue named {queue['name']!r} already: choose another name.")
            connection.execute(sa.insert(queues).values(**queue))
            for number, entry in enumerate(loaded):
                self._add(connection, queue["id"], number, places[number], scores[number], entry)
        return self.get(queue["id"])

    def all(self) -> list[Queue]:
        """Every queue, newest first."""
        return self._database.all(_QUEUES.order_by(queues.c.created.desc(), queues.c.name), rows.queue)

    def get(self, queue_id: str) -> Queue:
        """The queue with this id.

        Raises:
            StoreError: there is none.
        """
        return self._one(queues.c.id == queue_id, queue_id)

    def named(self, name: str) -> Queue:
        """The queue with this name.

        Raises:
            StoreError: there is none.
        """
        return self._one(queues.c.name == name, name)

    def delete(self, queue_id: str) -> None:
        """Delete a queue with everything in it, and images that nothing else shows.

        Raises:
            StoreError: there is none.
        """
        self.store.delete_queue(queue_id)

    # ------------------------------------------------------------------ judging

    def next_item(self, queue_id: str, annotator: str, owner: str = "") -> Showing | None:
        """The item that this person should judge now; None when there is none for them at the moment.

        It is the one they have open, if they have one; else one that as few others as possible have judged or have
        open, the first of those in the queue's order. What enough people have judged, or have open within the last
        30 minutes, is left out. It counts as open to this person from now on.

        Params:
            owner: whom it comes from, and who may delete it (see ``annotation_forget``); a secret, as in ``submit``.
        Raises:
            StoreError: there is no such queue.
            OptionError: the annotator has no name.
        """
        _check_annotator(annotator)
        queue = self.get(queue_id)
        with self._database.write() as connection:
            connection.execute(sa.select(queues.c.id).where(queues.c.id == queue_id).with_for_update())
            item_id = hand_out.choose(connection, queue, annotator)
            if item_id is None:
                return None
            showing, shown = hand_out.open_item(connection, queue, item_id, annotator)
            hand_out.assign(connection, item_id, annotator, shown, owner)
        return showing

    def show(self, item_id: str, annotator: str) -> Showing:
        """An item as this person may see it, with their own judgment, to look at again or to change.

        Raises:
            StoreError: there is no such item.
        """
        with self._database.read() as connection:
            return hand_out.open_item(connection, self._queue_of(connection, item_id), item_id, annotator)[0]

    def submit(
        self,
        item_id: str,
        annotator: str,
        preference: str = "",
        verdicts: Mapping[str, str] | None = None,
        tags: Collection[str] | Mapping[str, Collection[str]] = (),
        correction: str = "",
        note: str = "",
        seconds: float | None = None,
        token: str = "",
        owner: str = "",
    ) -> ItemJudgment:
        """Store what a person says about an item. When this returns, it is on disk.

        Sent again with the same token, it changes nothing and counts once. With another token, it is an edit of what
        this person said about this item before, which stays in the history.

        Params:
            preference: a letter as shown, both-good, both-bad, skip, or "" for verdicts alone.
            verdicts: success, partly or failure by letter as shown; letters may be left out.
            tags: error tags by letter; a plain list speaks of every candidate whose verdict is not success.
            seconds: how long it took, in seconds.
            token: the showing's; "" makes every call count as a new one.
        Raises:
            OptionError: something is unknown or too long, or nothing was said.
            StoreError: there is no such item, or the disk refuses.
        """
        _check_annotator(annotator)
        with self._database.write() as connection:
            queue = self._queue_of(connection, item_id, lock=True)
            _, shown = hand_out.open_item(connection, queue, item_id, annotator)
            said = rows.said(shown, preference, verdicts or {}, tags, correction, note, seconds)
            found = rows.own(connection, item_id, annotator)
            if found is not None and token and rows.token_used(connection, found.id, token):
                return found
            given = {**said, "token": token or new_id(), "updated": utc_now(), "withdrawn": False, "owner": owner}
            judgment_id = rows.put(connection, item_id, annotator, found, given)
            hand_out.release(connection, item_id, annotator)
            return rows.by_id(connection, judgment_id)

    def skip(self, item_id: str, annotator: str, token: str = "", owner: str = "") -> ItemJudgment:
        """Put an item aside: this person is not asked again, and others still are. ``undo`` brings it back.

        Raises:
            StoreError: there is no such item, or the disk refuses.
        """
        return self.submit(item_id, annotator, SKIP, token=token, owner=owner)

    def undo(self, queue_id: str, annotator: str, owner: str = "") -> Showing | None:
        """Take back what this person said or skipped last in this queue, and open that item to them again.

        Undone again, it takes back the one before. What was said stays in the history and counts no more.

        Returns:
            The item, with what was taken back in ``given``; None when there is nothing to take back.
        """
        queue = self.get(queue_id)
        with self._database.write() as connection:
            found = rows.latest(connection, queue_id, annotator)
            if found is None:
                return None
            rows.withdraw(connection, found)
            showing, shown = hand_out.open_item(connection, queue, found.item_id, annotator)
            hand_out.assign(connection, found.item_id, annotator, shown, owner)
        return replace(showing, given=replace(found, withdrawn=True))

    # ------------------------------------------------------------------ reading

    def reveal(self, item_id: str, annotator: str) -> Revealed:
        """An item with how its candidates came about, and what others said, once this person has judged it.

        Raises:
            OptionError: this person has not judged it yet.
            StoreError: there is no such item.
        """
        with self._database.read() as connection:
            queue = self._queue_of(connection, item_id)
            showing, _ = hand_out.open_item(connection, queue, item_id, annotator)
            if showing.given is None or showing.given.preference == SKIP:
                raise OptionError("This item is shown in full once you have judged it yourself.")
            others = rows.standing(connection, items.c.id == item_id, item_judgments.c.annotator != annotator)
            found = rows.candidates_of(connection, item_id)
        return Revealed(showing, tuple(found), showing.given, tuple(others))

    def progress(self, queue_id: str, annotator: str = "") -> Progress:
        """How far a queue is, and one annotator in it.

        Raises:
            StoreError: there is no such queue.
        """
        queue = self.get(queue_id)
        with self._database.read() as connection:
            return hand_out.progress(connection, queue, annotator)

    def judgments(self, queue_id: str, annotator: str | None = None) -> list[ItemJudgment]:
        """Judgments of a queue as they stand, skips among them, oldest first; of one annotator, or of all.

        For analysis: do not show an annotator others' before ``reveal`` would.
        """
        conditions = [items.c.queue_id == queue_id]
        if annotator is not None:
            conditions.append(item_judgments.c.annotator == annotator)
        with self._database.read() as connection:
            return rows.standing(connection, *conditions)

    def history(self, judgment_id: str) -> list[ItemJudgment]:
        """Every version of a judgment, oldest first; the last one is how it stands.

        Raises:
            StoreError: there is no such judgment.
        """
        with self._database.read() as connection:
            versions = rows.versions(connection, judgment_id)
        if not versions:
            raise StoreError(f"There is no judgment {judgment_id!r}: it may have been deleted.")
        return versions

    # ------------------------------------------------------------------ inside

    def _one(self, where: sa.ColumnElement[bool], called: str) -> Queue:
        found = self._database.all(_QUEUES.where(where), rows.queue)
        if not found:
            raise StoreError(f"There is no queue {called!r}: it may have been deleted.")
        return found[0]

    def _queue_of(self, connection: sa.Connection, item_id: str, lock: bool = False) -> Queue:
        query = sa.select(items.c.queue_id).where(items.c.id == item_id)
        queue_id = connection.scalar(query.with_for_update() if lock else query)
        if queue_id is None:
            raise StoreError(f"There is no item {item_id!r}: its queue may have been deleted.")
        return rows.queue(dict(connection.execute(_QUEUES.where(queues.c.id == queue_id)).mappings().one()))

    def _add(
        self, connection: sa.Connection, queue_id: str, number: int, position: int, score: float, draft: Draft
    ) -> None:
        image_hash, image_file = self._keep(draft.image)
        item = {
            "id": new_id(),
            "queue_id": queue_id,
            "number": number,
            "position": position,
            "score": score,
            "image_hash": image_hash,
            "image_file": image_file,
            "references": list(draft.references),
            **{name: getattr(draft, name) for name in ("key", "question", "domain", "question_type")},
        }
        connection.execute(sa.insert(items).values(**clean(item)))
        entries = [
            {"item_id": item["id"], "number": place, **rows.plain_candidate(entry)}
            for place, entry in enumerate(draft.candidates)
        ]
        connection.execute(sa.insert(candidates), entries)

    def _keep(self, image: Image.Image | Path | str | None) -> tuple[str | None, str | None]:
        if isinstance(image, Image.Image):
            return self.store.save_image(image)
        if image is None:
            return None, None
        return Path(image).stem, Path(image).name


_QUEUES = sa.select(
    queues,
    sa.select(sa.func.count())
    .select_from(items)
    .where(items.c.queue_id == queues.c.id)
    .scalar_subquery()
    .label("size"),
)


def _check_annotator(annotator: str) -> None:
    if not annotator.strip():
        raise OptionError("An annotator needs a name.")


def _opened(draft: Draft) -> Draft:
    """The draft with its image decoded; a file that the store has already stays a name."""
    return replace(draft, image=load_image(draft.image)) if isinstance(draft.image, Path | Image.Image) else draft
