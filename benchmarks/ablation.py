"""How much longer the four-cell ablation takes than the ``both`` cell alone, on pictures of the bundled world.

    python benchmarks/ablation.py [--n 500] [--batch 64] [--rounds 3] [--profile fieldguide] [--json]

The limit is 1.8: retrieval and visual tokens are computed once for all cells, and what one cell says of a picture is a
draft for the others, checked in one pass instead of written token by token. Both runs have the same code, pictures and
batch size, and begin with empty caches: each loads the profile anew, outside the measured time, after a small run that
warms up what a process does only once. A round is the ``both`` cell, the ablation, and the ``both`` cell again, since
machines slow down and speed up; its ratio is to the mean of the two, and the median of the rounds counts. The
processor's time is printed too: on a busy machine the clock measures what else runs there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from finetune.fieldguide.export import export  # noqa: E402
from finetune.fieldguide.species import published_seed  # noqa: E402
from raven_core.datasets import Dataset, load  # noqa: E402
from raven_core.evaluation import Options, evaluate  # noqa: E402
from raven_core.pipeline import Raven  # noqa: E402

LIMIT = 1.8
FOUR, ONE = ("none", "text", "image", "both"), ("both",)


def seconds(profile: str, data: Dataset, cells: tuple[str, ...], batch: int, out: Path) -> tuple[float, float]:
    """Seconds by the clock and of the processor for an evaluation from empty caches, loading the profile left out."""
    raven = Raven.load(profile)
    options = Options(cells=cells, baseline=False, floors=False, plots=False, batch=batch)
    start = time.perf_counter(), time.process_time()
    report = evaluate(raven, data, options, out)
    elapsed = time.perf_counter() - start[0], time.process_time() - start[1]
    failed = report.to_dict()["failed_samples"]
    if failed:
        raise SystemExit(f"{failed} samples failed: {report.to_dict()['errors']}")
    return elapsed


def measure(n: int, batch: int, rounds: int, profile: str, work: Path) -> dict[str, list[float]]:
    """The seconds of each run, in their order, and the ratio of each round, by the clock and of the processor."""
    export("out-domain", n, published_seed(), work / "data")
    data = load(work / "data", task="caption")
    seconds(profile, data.limited(2), FOUR, batch, work / "warm")
    both = [seconds(profile, data, ONE, batch, work / "both-0")]
    four = []
    for turn in range(rounds):
        four.append(seconds(profile, data, FOUR, batch, work / f"four-{turn}"))
        both.append(seconds(profile, data, ONE, batch, work / f"both-{turn + 1}"))
    figures: dict[str, list[float]] = {}
    for place, kind in enumerate(("clock", "processor")):
        one, all_four = [run[place] for run in both], [run[place] for run in four]
        figures |= {f"{kind}_both": one, f"{kind}_four_cells": all_four}
        figures[f"{kind}_ratio"] = [2 * long / sum(one[turn : turn + 2]) for turn, long in enumerate(all_four)]
    return figures


def main() -> int:
    """Measure and print; 0 when the ratio is within the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=500, help="pictures (default 500)")
    parser.add_argument("--batch", type=int, default=64, help="query images at a time (default 64)")
    parser.add_argument("--rounds", type=int, default=3, help="how often it is measured (default 3)")
    parser.add_argument("--profile", default="fieldguide", help="name or folder of a profile")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        found = measure(options.n, options.batch, max(1, options.rounds), options.profile, Path(work))
    figures = {name: [round(value, 3) for value in values] for name, values in found.items()}
    ratio = statistics.median(found["clock_ratio"])
    if options.json:
        print(json.dumps({**figures, "ratio": round(ratio, 3)}))
    else:
        for name, values in figures.items():
            print(f"{name.replace('_', ' ')}: {', '.join(map(str, values))}")
        print(f"median ratio by the clock {ratio:.3f}, limit {LIMIT}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
