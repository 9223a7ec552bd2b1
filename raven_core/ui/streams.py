"""A page's stream of events stays open a little longer than gradio needs it.

gradio ends the stream when nothing is pending any more, and the browser opens another one with the next press if it
knows by then that the old one ended. A press that crosses the end on its way is answered into a stream that nobody
reads: what it should have drawn is never drawn. On a slow line, or while a browser is busy opening a page, there is
much time for that. So the stream ends only when nothing was pressed for a while.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from gradio.queueing import Queue
from gradio.server_messages import ProcessCompletedMessage

SECONDS = 5.0
"""After the last event. A browser has six connections to a server for all its tabs, so this must not be long."""

STAYS = "stays-open"
"""Stands among a session's pending events, where it is the id of none."""


def keep_open(queue: Queue) -> None:
    """Let the streams of sessions that a page or a client named stay open for a while after their last event.

    Those of single calls, which nobody named, end with their event as before.
    """
    Streams(queue, SECONDS)


class Streams:
    """When each session was last busy, and what will end its stream."""

    def __init__(self, queue: Queue, seconds: float) -> None:
        self._queue, self._seconds = queue, seconds
        self._busy: dict[str, float] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._push = queue.push
        queue.push = self.push  # type: ignore[method-assign]

    async def push(self, body: Any, *arguments: Any, **options: Any) -> Any:
        """Queue an event as gradio does; before that, mark its session as one whose stream stays open."""
        if body.session_hash is not None:
            self._stay(body.session_hash)
        return await self._push(body, *arguments, **options)

    def _stay(self, session: str) -> None:
        self._queue.pending_event_ids_session.setdefault(session, set()).add(STAYS)
        self._busy[session] = time.monotonic()
        if session not in self._ending:
            self._ending[session] = asyncio.create_task(self._end(session))

    async def _end(self, session: str) -> None:
        """Wait until the session was quiet for a while, then end its stream as gradio would."""
        pending = self._queue.pending_event_ids_session
        while not self._queue.stopped and time.monotonic() - self._busy[session] < self._seconds:
            await asyncio.sleep(self._seconds / 10)
            if any(event in self._queue.event_ids_to_events for event in pending.get(session, ())):
                self._busy[session] = time.monotonic()
        del self._ending[session], self._busy[session]
        messages = self._queue.pending_messages_per_session.get(session)
        if messages is None:  # the browser is gone
            pending.pop(session, None)
        else:
            messages.put_nowait(ProcessCompletedMessage(output={}, success=True, event_id=STAYS))
