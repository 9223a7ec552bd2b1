"""What one annotator has before them on one open page, and what their presses do to it. No gradio."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from raven_core import annotation_forget
from raven_core.annotation import Queues
from raven_core.annotation_types import SKIP, ItemJudgment, Showing
from raven_core.errors import ImageError, OptionError
from raven_core.images import load_image
from raven_core.ui import annotate_view as view
from raven_core.ui.markup import picture
from raven_core.ui.turns import Turns
from raven_core.ui.words import say

log = logging.getLogger(__name__)

NAME_LENGTH = 60
PICTURE_SIDE = 720  # pixels: what the widest column shows, on a dense screen


@dataclass
class Bench:
    """One open page of an annotator. ``prefill`` was said before and taken back; ``last`` is the item judged last.

    ``line`` tells about the last press; ``is_revealed`` whether ``last`` is shown in full; ``since`` is when the item
    was shown, in seconds of the monotonic clock. ``turns`` are those of the queues made here, and ``made`` is the last
    word about one, HTML.
    """

    name: str = ""
    queue_id: str = ""
    showing: Showing | None = None
    prefill: ItemJudgment | None = None
    last: str = ""
    line: str = ""
    is_revealed: bool = False
    since: float = 0.0
    turns: Turns = field(default_factory=Turns)
    made: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody judges a queue here."""
        return bool(self.queue_id)

    @property
    def token(self) -> str:
        """What a press must carry to speak about what is shown."""
        return self.showing.token if self.showing is not None else ""

    def leave(self) -> None:
        """The page is closed: a queue that is being made is not needed any more."""
        self.turns.cancel()

    def show(self, showing: Showing | None, prefill: ItemJudgment | None = None) -> None:
        """Put an item on the bench, or none."""
        self.showing, self.prefill, self.since = showing, prefill, time.monotonic()


def begin(queues: Queues, bench: Bench, name: str, queue_id: str, owner: str = "") -> None:
    """Open a queue to somebody, where they stopped.

    Params:
        owner: the secret by which they may delete what they give.

    Raises:
        OptionError: there is no name or no queue.
        StoreError: the queue is gone.
    """
    known = checked_name(name)
    if not queue_id:
        raise OptionError(say("annotate_no_queue"))
    showing = queues.next_item(queue_id, known, owner)
    bench.name, bench.queue_id, bench.last, bench.line, bench.is_revealed = known, queue_id, "", "", False
    bench.show(showing)


def checked_name(name: str) -> str:
    """The name as it is stored, in one line.

    Raises:
        OptionError: there is none.
    """
    known = " ".join((name or "").split())[:NAME_LENGTH]
    if not known:
        raise OptionError(say("annotate_no_name"))
    return known


def press(queues: Queues, bench: Bench, act: str, token: str, value: str = "", owner: str = "") -> None:
    """Do what was pressed; a press that speaks of an item which is not shown any more does nothing.

    Raises:
        OptionError, StoreError: it cannot be stored; what is shown stays.
    """
    if not bench.is_open:
        raise OptionError(say("annotate_no_queue"))
    if act == view.REVEAL:
        bench.is_revealed = bool(bench.last) and not bench.is_revealed
    elif token != bench.token:
        log.debug("a press of an item that is done already is left out")
    elif act == view.UNDO:
        _undo(queues, bench, owner)
    elif bench.showing is not None and act in (view.SAVE, SKIP):
        _judge(queues, bench, bench.showing, act, value, owner)


def _undo(queues: Queues, bench: Bench, owner: str) -> None:
    showing = queues.undo(bench.queue_id, bench.name, owner)
    bench.last, bench.is_revealed = "", False
    bench.line = say("annotate_undone") if showing is not None else say("annotate_nothing_to_undo")
    if showing is not None:
        bench.show(showing, showing.given if showing.given and showing.given.preference != SKIP else None)


def _judge(queues: Queues, bench: Bench, showing: Showing, act: str, value: str, owner: str) -> None:
    if act == SKIP:
        queues.skip(showing.item_id, bench.name, token=showing.token, owner=owner)
        bench.last, bench.line = "", say("annotate_skipped")
    else:
        seconds = round(time.monotonic() - bench.since, 2)
        said = {**fields(value), "seconds": seconds, "token": showing.token, "owner": owner}
        given = queues.submit(showing.item_id, bench.name, **said)
        bench.last, bench.line = showing.item_id, say("annotate_saved", said=view.said_words(given, given.shown))
    bench.is_revealed = False
    bench.show(queues.next_item(bench.queue_id, bench.name, owner))


def forget(queues: Queues, bench: Bench, name: str, owners: Sequence[str]) -> int:
    """Delete what was given under a name by these owners; about how many items that was. The bench shows none of it.

    Raises:
        OptionError: there is no name; StoreError: it cannot be deleted.
    """
    known = checked_name(name)
    count = annotation_forget.forget(queues.store.database, owners, known)
    if bench.is_open and bench.name == known:
        begin(queues, bench, known, bench.queue_id, owners[0])
    return count


def fields(value: str) -> dict[str, Any]:
    """What the form sent, as ``Queues.submit`` takes it.

    Raises:
        OptionError: it is not what the form sends.
    """
    try:
        said = json.loads(value)
        return {
            "preference": str(said["preference"]),
            "verdicts": {str(letter): str(verdict) for letter, verdict in said["verdicts"].items()},
            "tags": {str(letter): [str(tag) for tag in tags] for letter, tags in said["tags"].items()},
            "correction": str(said["correction"]).strip(),
            "note": str(said["note"]).strip(),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise OptionError(say("annotate_unreadable")) from problem


def told(queues: Queues, bench: Bench) -> str:
    """What stands above the item, as HTML: how far one is, what the last press did, and the item judged last."""
    if not bench.is_open:
        return ""
    progress = queues.progress(bench.queue_id, bench.name)
    line = view.saved(bench.line, bool(bench.last), bench.is_revealed) if bench.line else ""
    found = view.revealed(queues.reveal(bench.last, bench.name)) if bench.is_revealed else ""
    return f'<div class="rv-stage">{view.progress_bar(progress)}{line}{found}</div>'


def stage(queues: Queues, bench: Bench) -> str:
    """The item before the annotator, as HTML; the same item gives the same HTML, so that typed words stay."""
    if not bench.is_open:
        return view.empty()
    progress = queues.progress(bench.queue_id, bench.name)
    if bench.showing is None:
        main = view.finished(progress)
    else:
        main = view.item(
            bench.showing, progress, shown_picture(queues, bench.showing), bench.prefill or bench.showing.given
        )
    return f'<div class="rv-stage">{main}</div>'


def shown_picture(queues: Queues, showing: Showing) -> str:
    """The picture of an item as HTML; nothing where it has none or the file is gone."""
    if not showing.image_file:
        return ""
    try:
        image = load_image(queues.store.image_path(showing.image_file))
    except ImageError as problem:
        log.warning("the picture of item %s cannot be shown: %s", showing.item_id, problem)
        return ""
    return picture(image, say("image"), PICTURE_SIDE)
