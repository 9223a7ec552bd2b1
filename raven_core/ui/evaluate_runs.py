"""What one person evaluates: what was asked, the folder that it lies in, and the report. No gradio."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from raven_core.errors import OptionError
from raven_core.ui.evaluate_data import remove
from raven_core.ui.turns import Turn, Turns
from raven_core.ui.words import say

if TYPE_CHECKING:
    from raven_core.evaluation import Report

LIFE = 3600.0  # seconds that a run's folder stays after the run
FORGOTTEN = 24 * 3600.0  # seconds after which a folder that a killed server left is swept away
PREFIX = "raven-evaluate-"
MOST, LARGEST_SEED = 200, 999_999
"""Samples of each task in one run, because others wait for the model; the worlds' own seeds are larger."""

WORLD, UPLOAD = "world", "upload"
TASKS = ("both", "caption", "vqa")


@dataclass(frozen=True)
class Asked:
    """What the form of the tab asks for."""

    source: str
    split: str = ""
    files: tuple[Path, ...] = ()
    task: str = "both"
    cells: tuple[str, ...] = ("none", "text", "image", "both")
    count: int = 20
    k: int = 3
    seed: int = 0
    neighbours: str = "retrieved"

    def __post_init__(self) -> None:
        """Raises OptionError naming the first value that is out of range."""
        if not 1 <= self.count <= MOST:
            raise OptionError(say("evaluate_bad_count", count=self.count, most=MOST))
        if not 0 <= self.seed <= LARGEST_SEED:
            raise OptionError(say("evaluate_bad_seed", seed=self.seed, most=LARGEST_SEED))
        if self.task not in TASKS:
            raise OptionError(say("evaluate_bad_task", task=self.task))


class Scratch:
    """The temporary folder of one run: its data, its output, the zip. Only the server's user may read it."""

    def __init__(self) -> None:
        sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        self._timer: threading.Timer | None = None

    @property
    def data(self) -> Path:
        """Where the data set lies."""
        return self.folder / "data"

    @property
    def out(self) -> Path:
        """Where the run writes to."""
        return self.folder / "run"

    @property
    def archive(self) -> Path:
        """The run's folder as a zip."""
        return self.folder / "raven-evaluation.zip"

    def expire(self, seconds: float = LIFE) -> None:
        """Delete it after a while."""
        self._timer = threading.Timer(seconds, self.close)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """Delete it now."""
        if self._timer is not None:
            self._timer.cancel()
        remove(self.folder)


def sweep(place: Path, older: float = FORGOTTEN) -> None:
    """Delete folders of runs whose server was killed before it could."""
    for folder in place.glob(f"{PREFIX}*"):
        try:
            is_old = time.time() - folder.stat().st_mtime > older
        except OSError:
            continue
        if is_old:
            remove(folder)


@dataclass
class Bench:
    """The state of the tab on one open page.

    ``page`` counts the pages of samples from 0; ``told`` is the notice that stands there when nothing runs, HTML.
    """

    asked: Asked | None = None
    scratch: Scratch | None = None
    report: Report | None = None
    page: int = 0
    told: str = ""
    turns: Turns = field(default_factory=Turns)

    def keep(self, turn: Turn, asked: Asked, scratch: Scratch, report: Report) -> bool:
        """Take a run's report, also that of a run that was stopped, but not when a later one was asked for."""
        with self.turns.quiet():
            if self.turns.newest is not turn:
                return False
            before, self.asked, self.scratch, self.report = self.scratch, asked, scratch, report
            self.page, self.told = 0, ""
            self.turns.touch()
        scratch.expire()
        if before is not None:
            before.close()
        return True

    def tell(self, turn: Turn, notice: str) -> None:
        """Leave a run's last word, unless a later run was asked for."""
        with self.turns.quiet():
            if self.turns.newest is turn:
                self.told = notice
                self.turns.touch()

    def stop(self, notice: str) -> None:
        """End what waits or runs; ``notice`` stands there until a run that is under way has ended."""
        with self.turns.quiet():
            newest = self.turns.newest
            self.told = notice if newest is not None and newest.state == "running" else ""
            self.turns.cancel()

    def clear(self) -> None:
        """The page is closed: a run that goes on ends, and nothing stays."""
        self.turns.cancel()
        if self.scratch is not None:
            self.scratch.close()
        self.scratch = self.report = None

    @property
    def is_gone(self) -> bool:
        """Whether the run's folder was deleted meanwhile."""
        return self.scratch is None or not self.scratch.folder.is_dir()


@dataclass
class Meter:
    """How far a run is; written by its thread, read by the page. Times are seconds."""

    done: int = 0
    total: int = 0
    clock: Callable[[], float] = time.monotonic
    began: float | None = None

    def tell(self, done: int, total: int) -> None:
        """``done`` of ``total`` samples are answered."""
        if self.began is None:
            self.began = self.clock()
        self.done, self.total = done, total

    @property
    def rate(self) -> float:
        """Samples a second; 0 before the first is answered."""
        spent = 0.0 if self.began is None else self.clock() - self.began
        return self.done / spent if spent > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds left at this rate; None while there is none."""
        return (self.total - self.done) / self.rate if self.rate else None
