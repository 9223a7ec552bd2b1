"""Seconds per stage of one request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Starts when it is made; stages that are timed twice add up."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside as this stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + time.perf_counter() - start

    def read(self, **more: float) -> dict[str, float]:
        """Seconds by stage so far, and ``total`` since the clock was made."""
        return {**self._stages, **more, "total": time.perf_counter() - self._start}
