"""How much longer the four-cell ablation takes than the ``both`` cell alone, on pictures of the bundled world.

    python benchmarks/ablation.py [--n 500] [--batch 64] [--profile fieldguide] [--json]

The limit is 1.8: retrieval and visual tokens are computed once for all cells, and what one cell says of a picture is a
draft for the others, checked in one pass instead of written token by token. Both runs have the same code, pictures and
batch size, and begin with empty caches: each loads the profile anew, outside the measured time, after a small run that
warms up what a process does only once. The ``both`` cell is measured before and after the ablation, since machines slow
down and speed up; its mean counts. The processor's time is printed too: on a busy machine the clock measures what else
runs there.
"""

from __future__ import annotations

import argparse
import json
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


def measure(n: int, batch: int, profile: str, work: Path) -> dict[str, float]:
    """The seconds of each run and their ratio."""
    export("out-domain", n, published_seed(), work / "data")
    data = load(work / "data", task="caption")
    seconds(profile, data.limited(2), FOUR, batch, work / "warm")
    before = seconds(profile, data, ONE, batch, work / "before")
    four = seconds(profile, data, FOUR, batch, work / "four")
    after = seconds(profile, data, ONE, batch, work / "after")
    figures: dict[str, float] = {"n": n, "batch": batch}
    for place, kind in enumerate(("clock", "processor")):
        told = {"both_before": before[place], "four_cells": four[place], "both_after": after[place]}
        figures |= {f"{kind}_{name}": value for name, value in told.items()}
        figures[f"{kind}_ratio"] = 2 * four[place] / (before[place] + after[place])
    return figures


def main() -> int:
    """Measure and print; 0 when the ratio is within the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=500, help="pictures (default 500)")
    parser.add_argument("--batch", type=int, default=64, help="query images at a time (default 64)")
    parser.add_argument("--profile", default="fieldguide", help="name or folder of a profile")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        figures = measure(options.n, options.batch, options.profile, Path(work))
    figures = {name: round(value, 3) for name, value in figures.items()}
    if options.json:
        print(json.dumps(figures))
    else:
        for kind in ("clock", "processor"):
            both = f"{figures[f'{kind}_both_before']} s and {figures[f'{kind}_both_after']} s"
            four, ratio = figures[f"{kind}_four_cells"], figures[f"{kind}_ratio"]
            print(f"{kind}: both alone {both}, four cells {four} s, ratio {ratio}")
        print(f"limit {LIMIT} by the clock")
    return 0 if figures["clock_ratio"] <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
