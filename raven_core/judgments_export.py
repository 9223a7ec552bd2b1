"""Judgments as files: CSV that a spreadsheet cannot be tricked by, JSON lines, Parquet."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from raven_core.errors import OptionError, StoreError

COLUMNS = (
    "judgment_id",
    "verdict",
    "tags",
    "correction",
    "note",
    "annotator",
    "judged",
    "updated",
    "trial_id",
    "asked",
    "session",
    "question",
    "output",
    "model",
    "adapter",
    "seed",
    "image_hash",
    "image_file",
    "neighbours",
    "settings",
    "prompt",
    "logprobs",
    "fingerprints",
    "timings",
    "app_version",
)

_NESTED = ("neighbours", "settings", "fingerprints", "timings")
_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_GUARD = "'"
_BATCH = 1000


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A joined row, its columns prefixed with their table, under the names in ``COLUMNS``."""
    renamed = {"judgment_id": "judgments_id", "judged": "judgments_created", "asked": "trials_created"}
    found: dict[str, Any] = {}
    for name in COLUMNS:
        keys = (renamed.get(name, ""), f"judgments_{name}", f"trials_{name}")
        found[name] = row[next(key for key in keys if key in row)]
    return found


def write(rows: Iterable[Mapping[str, Any]], format: str, out: Path) -> int:
    """Write rows to a file, whole or not at all.

    Returns:
        How many were written.
    Raises:
        OptionError: the format is none of csv, jsonl, parquet.
        StoreError: the file cannot be written.
    """
    if format not in _WRITERS:
        raise OptionError(f"Unknown export format {format!r}: use {', '.join(_WRITERS)}.")
    counted = _Counted(rows)
    temporary = out.with_name(out.name + ".tmp")
    try:
        _WRITERS[format](counted, temporary)
        temporary.replace(out)
    except OSError as error:
        raise StoreError(f"The file {str(out)!r} cannot be written ({error}): check the folder.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return counted.count


def guard_cell(text: str) -> str:
    """Text that a spreadsheet shows instead of running; ``unguard_cell`` gives the text back."""
    return _GUARD + text if text.startswith((*_RUNS_AS_FORMULA, _GUARD)) else text


def unguard_cell(cell: str) -> str:
    """The text that ``guard_cell`` was given."""
    return cell.removeprefix(_GUARD)


class _Counted:
    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows, self.count = rows, 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for row in self._rows:
            self.count += 1
            yield row


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield file


def _write_csv(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    with _text(path) as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([guard_cell(_plain(name, row[name])) for name in COLUMNS])


def _plain(name: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return ";".join(value) if name == "tags" else _json(value)


def _write_jsonl(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    with _text(path) as file:
        for row in rows:
            file.write(_json(row) + "\n")


def _write_parquet(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"tags": pa.list_(pa.string()), "logprobs": pa.list_(pa.float64()), "seed": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    with pq.ParquetWriter(str(path), schema) as writer:
        iterator = iter(rows)
        while batch := list(itertools.islice(iterator, _BATCH)):
            plain = [{name: _json(value) if name in _NESTED else value for name, value in row.items()} for row in batch]
            writer.write_table(pa.Table.from_pylist(plain, schema=schema))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_WRITERS: dict[str, Callable[[Iterable[Mapping[str, Any]], Path], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
