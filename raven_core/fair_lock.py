"""A lock that is passed on in the order in which it was asked for."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """For ``with`` blocks. ``threading.Lock`` may go to whoever has just let go of it, while others wait on.

    Work that takes the lock again and again, a batch at a time, keeps nobody waiting for longer than one batch.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._is_held = False

    def __enter__(self) -> None:
        with self._mutex:
            if not self._is_held:
                self._is_held = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            turn.wait()
        except BaseException:  # an interrupted wait must neither keep the lock nor its place
            with self._mutex:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._pass_on()
            raise

    def __exit__(self, *problem: object) -> None:
        with self._mutex:
            self._pass_on()

    def _pass_on(self) -> None:
        """Whoever waits longest has it from now on; the mutex is held."""
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._is_held = False
