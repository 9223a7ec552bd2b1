"""Whose turn it is: presses, runs and Stop of one page, so that none of them is drawn over by an older one.

A press takes a ticket, and only the newest ticket counts. A run shows its ticket when the model is free for it: if it
is no longer the newest, or Stop was pressed meanwhile, it does nothing. Stop and a new image only mark the turn; the
run sees the mark and ends. Whoever changes the page counts one change, and every run ends by drawing the page as it
then should be, until there was no change since it drew (:func:`settled`). So the order in which answers of the server
reach the browser does not matter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

State: TypeAlias = Literal["waiting", "running", "over"]
T = TypeVar("T")

_LOCK = threading.RLock()
"""One for all pages, held for a few assignments; a lock of their own could not be copied, and gradio copies state."""


@dataclass(eq=False)
class Turn:
    """One press, from waiting for the model to its end.

    ``cancel`` tells the model to stop; ``since`` is the page's count of changes when the run began.
    """

    ticket: str
    state: State = "waiting"
    since: int = 0
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def is_cancelled(self) -> bool:
        """Whether Stop, or a later press, or another image ended it."""
        return self.cancel.is_set()


@dataclass
class Turns:
    """The turns of one page; ``changes`` counts what was drawn or will have to be."""

    newest: Turn | None = None
    count: int = 0
    changes: int = 0

    @property
    def is_busy(self) -> bool:
        """Whether the newest turn waits or runs."""
        return self.newest is not None and self.newest.state != "over"

    def press(self) -> str:
        """Take a new ticket; the turn before is over."""
        with _LOCK:
            self.cancel()
            self.count += 1
            self.changes += 1
            self.newest = Turn(str(self.count))
            return self.newest.ticket

    def begin(self, ticket: str = "") -> Turn | None:
        """The turn with this ticket, running now; None when it must not run. Without a ticket, a turn of its own."""
        with _LOCK:
            shown = ticket or self.press()
            turn = self.newest
            if turn is None or turn.ticket != shown or turn.state != "waiting":
                return None
            turn.state, turn.since = "running", self.changes
            return turn

    def cancel(self) -> None:
        """End the turn that waits or runs; nothing happens to one that is over."""
        with _LOCK:
            if self.newest is not None and self.newest.state != "over":
                self.newest.cancel.set()
                self.newest.state = "over"
                self.changes += 1

    def change(self) -> None:
        """The page changes for another reason than a run: what older runs still draw does not count."""
        with _LOCK:
            self.cancel()
            self.changes += 1

    def touch(self) -> None:
        """The page changes, and what runs goes on: it will draw the page anew at its end."""
        with _LOCK:
            self.changes += 1

    def end(self, turn: Turn) -> None:
        """The run of this turn is over."""
        with _LOCK:
            turn.state = "over"

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While the block runs, no turn begins or ends."""
        with _LOCK:
            yield

    @contextmanager
    def holding(self, turn: Turn) -> Iterator[bool]:
        """Whether the turn still counts; while the block runs, nobody ends it."""
        with _LOCK:
            yield turn is self.newest and turn.state == "running"


def settled(
    turns: Turns, ticket: str, views: Callable[[Turn], Iterator[T]], now: Callable[[], T], nothing: T
) -> Iterator[T]:
    """What a run shows: its views while its turn lasts, and at its end the page as it then should be.

    The server asks for the next view when it has sent the last one, and sends the very last one twice. So whoever
    changed the page before that question is seen here, whoever changes it afterwards is sent afterwards, and the very
    last view must change nothing.

    Params:
        views: the views of the run; it may stop early when its turn is cancelled.
        now: the page as it should be.
        nothing: a view that leaves the page as it is.
    """
    turn = turns.begin(ticket)
    drawn = -1  # the count of changes that the page shows
    if turn is not None:
        drawn = turn.since
        try:
            yield from views(turn)
        finally:
            turns.end(turn)
    while True:
        if drawn != turns.changes:
            drawn = turns.changes
            yield now()
        yield nothing
        if drawn == turns.changes:
            return
