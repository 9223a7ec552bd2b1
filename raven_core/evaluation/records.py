"""The folder of a run: ``run.json`` says what was asked, ``samples.jsonl`` has one row a sample and cell.

Rows are only ever appended while a run goes on, a batch at a time, and are on disk before the next batch begins; a
line that was torn by an interruption counts as not written. When the run ends the rows are written once more, with
their scores, to a new file that takes the old one's place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from raven_core.errors import OptionError, StoreError

Row: TypeAlias = dict[str, Any]
"""One answer: task, id, cell, what was asked and given, the prediction or the error, scores."""

Key: TypeAlias = tuple[str, str, str]
"""(task, id, cell), which no two rows share."""

SAMPLES, RUN = "samples.jsonl", "run.json"
_GROWING = ("cells", "leak_caps")
_FREE = (*_GROWING, "limit", "samples", "thresholds")


def key_of(row: Mapping[str, Any]) -> Key:
    """What tells a row from the others."""
    return str(row["task"]), str(row["id"]), str(row["cell"])


class RunFolder:
    """Reads and writes one run."""

    def __init__(self, folder: str | Path) -> None:
        """The folder, made where it is not there.

        Raises:
            StoreError: it cannot be made.
        """
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The folder {str(folder)!r} cannot be made ({error}): choose another.") from error

    def about(self) -> dict[str, Any]:
        """What ``run.json`` says; empty where there is none.

        Raises:
            OptionError: it is damaged.
        """
        path = self.folder / RUN
        if not path.is_file():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise OptionError(f"{str(path)!r} is damaged ({error}): choose another folder.") from error

    def begin(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """Start a run, or go on with the one that is here; cells and caps it had stay, its limit may grow.

        Returns:
            What the run is now: ``about``, completed by what was there.
        Raises:
            OptionError: another run is here, or something else is.
        """
        before = self.about()
        if not before and (self.folder / SAMPLES).exists():
            raise OptionError(f"{str(self.folder)!r} holds {SAMPLES} but no {RUN}: choose another folder.")
        now = dict(about)
        for name in set(before) & set(now) - set(_FREE):
            if before[name] != now[name]:
                raise OptionError(
                    f"{str(self.folder)!r} holds a run with {name} {before[name]!r}, not {now[name]!r}: "
                    "choose another folder, or ask for the same again."
                )
        if before:
            now.update({name: _union(before.get(name, ()), now[name]) for name in _GROWING})
            now["limit"] = _larger(before.get("limit"), now["limit"])
            now["thresholds"] = {**now.get("thresholds", {}), **before.get("thresholds", {})}
        self.save_about(now)
        return now

    def save_about(self, about: Mapping[str, Any]) -> None:
        """Write ``run.json``."""
        replace_text(self.folder / RUN, json.dumps(about, indent=2, ensure_ascii=False) + "\n")

    def rows(self) -> list[Row]:
        """The rows that are whole, the later of two with the same key."""
        found: dict[Key, Row] = {}
        for line in self._lines():
            row = _parsed(line)
            if row is not None:
                found[key_of(row)] = row
        return list(found.values())

    def mend(self) -> list[Row]:
        """The rows; a torn line is removed, so that the next row begins on a line of its own."""
        rows, lines = self.rows(), self._lines()
        path = self.folder / SAMPLES
        if path.is_file() and (len(lines) != len(rows) or not path.read_bytes().endswith(b"\n")):
            self.replace_rows(rows)
        return rows

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows and wait until they are on disk."""
        text = "".join(f"{_line(row)}\n" for row in rows)
        with (self.folder / SAMPLES).open("ab") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())

    def replace_rows(self, rows: Iterable[Row]) -> None:
        """Write all rows anew; the old file stays until the new one is whole."""
        replace_text(self.folder / SAMPLES, "".join(f"{_line(row)}\n" for row in rows))

    def _lines(self) -> list[bytes]:
        path = self.folder / SAMPLES
        return [line for line in path.read_bytes().split(b"\n") if line.strip()] if path.is_file() else []


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _line(row: Row) -> str:
    # a lone half of a surrogate pair, which a broken caption may hold, cannot be written as it is
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def _parsed(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
        return row if isinstance(row, dict) and all(key_of(row)) else None
    except (ValueError, KeyError):
        return None


def _union(before: Any, now: Any) -> list[Any]:
    return list(dict.fromkeys([*before, *now]))


def _larger(before: int | None, now: int | None) -> int | None:
    """The larger of two limits, where None is no limit."""
    return None if before is None or now is None else max(before, now)
