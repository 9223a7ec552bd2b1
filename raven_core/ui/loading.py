"""Models load behind an open page: start the loader, show its state, wait for what it loads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from raven_core.errors import RavenError

log = logging.getLogger(__name__)

State: TypeAlias = Literal["loading", "ready", "failed"]


class Loader:
    """Runs ``load`` once, in the background; everyone who asks meanwhile waits for the same result."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._value: Any = None
        self._started = time.monotonic()
        self._ended: float | None = None
        self.problem: BaseException | None = None

    def start(self) -> Loader:
        """Begin loading; a second call changes nothing."""
        with self._lock:
            if self._thread is None:
                self._started = time.monotonic()
                self._thread = threading.Thread(target=self._run, name="model-loader", daemon=True)
                self._thread.start()
        return self

    def _run(self) -> None:
        try:
            self._value = self._load()
        except BaseException as problem:  # shown on the page; a dead thread would leave it loading for ever
            log.exception("the models did not load")
            self.problem = problem
        finally:
            self._ended = time.monotonic()
            self._done.set()

    @property
    def state(self) -> State:
        """``loading`` until the thread ends, then ``ready`` or ``failed``."""
        if not self._done.is_set():
            return "loading"
        return "failed" if self.problem else "ready"

    @property
    def seconds(self) -> float:
        """How long loading has taken so far, or took."""
        return (self._ended or time.monotonic()) - self._started

    def wait(self, timeout: float) -> State:
        """The state after at most ``timeout`` seconds; loading begins if it has not."""
        self.start()
        self._done.wait(timeout)
        return self.state

    def get(self) -> Any:
        """What was loaded; waits for it.

        Raises:
            RavenError: loading failed, with the reason.
        """
        self.start()
        self._done.wait()
        if self.problem is not None:
            if isinstance(self.problem, RavenError):
                raise self.problem
            raise RavenError(f"The models could not be loaded ({type(self.problem).__name__}): see the server's log.")
        return self._value
