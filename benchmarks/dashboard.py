"""Time of every view of the analysis over 100,000 judgments: ``python benchmarks/dashboard.py``.

Fills a database with generated judgments (most on trials, some in a blind queue), then prints the seconds that each
view takes and their ratio to ``LIMIT``. Views are timed on filtered rows, so nothing but the flat tables is kept
between them. The first reading of a fresh process is printed too. Exits with 1 when a view takes longer than the limit.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script it also runs where the package is not installed

from raven_core import analysis  # noqa: E402
from raven_core.judgments import JudgmentStore  # noqa: E402
from raven_core.judgments_schema import (  # noqa: E402
    candidates,
    history,
    item_history,
    item_judgments,
    items,
    judgments,
    queues,
    trials,
)
from raven_core.types import CELLS, ERROR_TAGS, VERDICTS  # noqa: E402

LIMIT = 1.0
QUESTIONS = ("what is it called", "what does it eat", "how many are there", "is it awake", None)
SHARE_OF_ITEMS = 0.2
MOST_AT_ONCE = 5000


def main(arguments: list[str] | None = None) -> int:
    """Generate, time, print; 1 when a view is too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judgments", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--database", metavar="FILE", help="made where it is missing, and kept")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(options.database or Path(folder) / "judgments.db")
        if not path.exists():
            start = time.perf_counter()
            fill(JudgmentStore(path), options.judgments)
            print(f"generated {options.judgments:,} judgments in {time.perf_counter() - start:.1f} s")
        return measure(JudgmentStore(path), options.repeat, Path(folder))


def measure(store: JudgmentStore, repeat: int, folder: Path) -> int:
    """Print the time of each view; 1 when one takes longer than the limit."""
    first = timed(lambda: analysis.table(store))
    size = f"{len(analysis.table(store)):,} judged answers, {len(analysis.pairs(store)):,} compared pairs"
    print(f"{size}; {os.cpu_count()} cores, median of {repeat}; seconds by the clock, of them on a processor")
    print(f"{'first reading of a fresh process':42s} {first[0]:7.3f} {first[1]:7.3f}  (once)")
    slow = 0
    for name, view in views(store).items():
        took, busy = (median(times) for times in zip(*(timed(view) for _ in range(repeat)), strict=True))
        slow += took > LIMIT
        print(f"{name:42s} {took:7.3f} {busy:7.3f}  {took / LIMIT:5.2f} of the limit")
    took, busy = median(after_a_verdict(store) for _ in range(repeat | 1))
    slow += took > LIMIT
    print(f"{'first view after one more verdict':42s} {took:7.3f} {busy:7.3f}  {took / LIMIT:5.2f} of the limit")
    for format in ("csv", "jsonl", "parquet", "html"):
        took, busy = timed(lambda format=format: analysis.export(store, analysis.Filters(), format, folder / format))
        print(f"{'export of everything as ' + format:42s} {took:7.3f} {busy:7.3f}  (a file, no view)")
    return int(slow > 0)


def views(store: JudgmentStore) -> dict[str, Callable[[], Any]]:
    """Everything that the dashboard shows, as it is asked for: read, filtered, computed."""
    wide, narrow = analysis.Filters(adapters=("raven",)), analysis.Filters(cells=("both",), tags=("majority-copy",))

    def seen(filters: analysis.Filters = wide) -> Any:
        return filters.apply(analysis.table(store))

    def duels() -> Any:
        return wide.apply(analysis.pairs(store))

    found: dict[str, Callable[[], Any]] = {"overall": lambda: analysis.overall(seen())}
    for by in analysis.GROUPS:
        found[f"rates by {by}"] = lambda by=by: analysis.rates(seen(), by)
    found |= {f"trend by {every}": lambda every=every: analysis.trend(seen(), every) for every in analysis.EVERY}
    return found | {
        "flow": lambda: analysis.flow(seen()),
        "win rate": lambda: analysis.win_rate(duels()),
        "agreement on verdicts": lambda: analysis.agreement(seen()),
        "agreement on preferences": lambda: analysis.agreement(duels(), "outcome"),
        "gallery": lambda: analysis.gallery(store, seen()),
        "menus": lambda: analysis.choices(analysis.table(store)),
        "two filters and a word": lambda: seen(analysis.Filters(**{**vars(narrow), "text": "zumi"})),
    }


def after_a_verdict(store: JudgmentStore) -> tuple[float, float]:
    """Somebody judges; the times of the first view after it, which reads what is new."""
    store.judge("trial-0", "partly", annotator="somebody")
    return timed(lambda: analysis.overall(analysis.table(store)))


def timed(view: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock, and of this process on a processor (less, where others keep the machine busy)."""
    start, busy = time.perf_counter(), time.process_time()
    view()
    return time.perf_counter() - start, time.process_time() - busy


def fill(store: JudgmentStore, count: int) -> None:
    """Judgments as people might give them: 8 annotators, 3 months, every cell, some answers judged twice."""
    rng = np.random.default_rng(7)
    compared = int(count * SHARE_OF_ITEMS) // 2  # each gives two verdicts
    alone = count - 2 * compared
    with store.database.write() as connection:
        asked = max(alone * 4 // 5, 1)
        _insert(connection, trials, (_trial(rng, number) for number in range(asked)))
        said = [_judgment(rng, number, asked) for number in range(alone)]
        _insert(connection, judgments, said)
        _insert(connection, history, ({"judgment_id": row["id"], **_version(row)} for row in said))
        _fill_queue(connection, rng, compared)


def _fill_queue(connection: sa.Connection, rng: np.random.Generator, compared: int) -> None:
    queue = {"id": "queue", "name": "generated", "source": "", "ordering": "given", "seed": 0, "blind": True,
             "wanted": 2, "session": "", "created": _time(rng)}  # fmt: skip
    connection.execute(sa.insert(queues).values(**queue))
    count = max(compared // 2, 1)
    _insert(connection, items, (_item(rng, number) for number in range(count)))
    _insert(connection, candidates, (_candidate(rng, number // 2, number % 2) for number in range(2 * count)))
    said = [_comparison(rng, number, count) for number in range(compared)]
    _insert(connection, item_judgments, said)
    _insert(connection, item_history, ({"judgment_id": row["id"], **_version(row)} for row in said))


def _insert(connection: sa.Connection, table: sa.Table, rows: Any) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == MOST_AT_ONCE:
            connection.execute(sa.insert(table), batch)
            batch = []
    if batch:
        connection.execute(sa.insert(table), batch)


def _time(rng: np.random.Generator) -> str:
    return str(np.datetime64("2026-09-01T00:00:00.000") + int(rng.integers(0, 90 * 86_400_000))) + "+00:00"


def _trial(rng: np.random.Generator, number: int) -> dict[str, Any]:
    cell = tuple(CELLS)[number % 4]
    similarity = float(rng.uniform(0.2, 1))
    neighbours = [
        {"id": f"pair-{rank}", "rank": rank, "similarity": similarity - rank / 50, "image_similarity": similarity,
         "caption": "two spotted zumi with floppy ears rest beside the river in the evening", "image_hash": "a" * 64,
         "source": "generated"}
        for rank in range(1, 4)
    ]  # fmt: skip
    settings = {"k": 3, "modalities": sorted(CELLS[cell]), "profile": "fieldguide", "order": "nearest-last",
                "domain": ("in-domain", "near-domain", "out-domain")[number // 4 % 3]}  # fmt: skip
    return {
        "id": f"trial-{number}", "created": _time(rng), "session": "s", "image_hash": f"{number // 4:064x}",
        "image_file": None, "question": QUESTIONS[number // 4 % 5], "settings": settings,
        "neighbours": neighbours if cell != "none" else [], "prompt": "User: <image> what is it called\n" * 8,
        "output": f"a {('zumi', 'miru', 'tavo')[number % 3]} by the river", "logprobs": [-0.1] * 12, "model": "m",
        "adapter": ("raven", "raven", "other")[number // 4 % 3], "fingerprints": {"memory": "f" * 64}, "seed": 0,
        "timings": {"total": 0.5}, "app_version": "0.1.0",
    }  # fmt: skip


def _judgment(rng: np.random.Generator, number: int, asked: int) -> dict[str, Any]:
    at = _time(rng)
    verdict = VERDICTS[int(rng.integers(0, 3))]
    tags = [] if verdict == "success" else [ERROR_TAGS[int(rng.integers(0, len(ERROR_TAGS)))]]
    # past the last trial a second annotator begins again with the first
    return {"id": f"judgment-{number}", "trial_id": f"trial-{number % asked}", "created": at, "updated": at,
            "annotator": f"annotator {number % 4 + 4 * (number // asked)}", "verdict": verdict, "tags": tags,
            "correction": "", "note": "", "withdrawn": False}  # fmt: skip


def _item(rng: np.random.Generator, number: int) -> dict[str, Any]:
    return {"id": f"item-{number}", "queue_id": "queue", "number": number, "position": number, "key": str(number),
            "image_hash": f"{number:064x}", "image_file": None, "question": QUESTIONS[number % 5],
            "domain": "out-domain", "question_type": "name", "references": [], "score": 0.0}  # fmt: skip


def _candidate(rng: np.random.Generator, item: int, number: int) -> dict[str, Any]:
    return {"item_id": f"item-{item}", "number": number, "text": f"answer {number}", "cell": ("none", "both")[number],
            "adapter": "raven", "trial_id": None, "confidence": 0.5, "neighbours": [], "settings": {},
            "similarity": float(rng.uniform(0.2, 1)) if number else None}  # fmt: skip


def _comparison(rng: np.random.Generator, number: int, count: int) -> dict[str, Any]:
    at = _time(rng)
    said = [VERDICTS[int(rng.integers(0, 3))] for _ in range(2)]
    preference = ("A", "B", "both-good", "both-bad")[int(rng.integers(0, 4))]
    shown = [0, 1] if rng.integers(0, 2) else [1, 0]
    return {"id": f"comparison-{number}", "item_id": f"item-{number % count}", "created": at, "updated": at,
            "annotator": f"annotator {number // count}", "preference": preference, "shown": shown,
            "preferred": {"A": shown[0], "B": shown[1]}.get(preference), "verdicts": said, "tags": [[], []],
            "correction": "", "note": "", "seconds": 9.0, "token": str(number), "withdrawn": False}  # fmt: skip


def _version(row: dict[str, Any]) -> dict[str, Any]:
    """What the history keeps of a judgment."""
    about = ("id", "trial_id", "item_id", "annotator", "created")
    return {name: value for name, value in row.items() if name not in about}


if __name__ == "__main__":
    sys.exit(main())
