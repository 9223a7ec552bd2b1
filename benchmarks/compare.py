"""How long a comparison of all cells takes, against answering with both modalities alone.

    python benchmarks/compare.py --repeats 5

One repeat asks one picture of the Field Guide that nothing has seen, first in the cell ``both`` alone and then in all
cells (every other repeat the other way round), as a caption and as a question. Each run starts as a person's does who
has just opened the page: no picture's visual tokens are kept. ``warm`` runs the same again with all of them kept. The
ratio is that of the median seconds; issue 4 asks for at most 1.8.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from finetune.fieldguide.draw import render  # noqa: E402
from finetune.fieldguide.export import example_at  # noqa: E402
from raven_core import Raven  # noqa: E402
from raven_core.types import Generation  # noqa: E402

LIMIT = 1.8
SEED = 4_000_001
"""Seed of the pictures, which no split has."""

Seconds = dict[str, list[float]]
Clock = Callable[[], float]


def timed(work: Callable[[], Any], clock: Clock) -> float:
    """Seconds that some work took."""
    start = clock()
    work()
    return clock() - start


def measure(raven: Raven, repeats: int, k: int, clock: Clock) -> dict[str, Seconds]:
    """Seconds of each run, by condition and by what was run."""
    seconds: dict[str, Seconds] = {
        state: {what: [] for what in ("both", "compare", "attribute")} for state in ("cold", "warm")
    }
    for repeat in range(repeats):
        example = example_at(SEED, "out-domain", repeat)
        image = render(example.scene)
        question = None if repeat % 2 else example.questions[0].text

        def both(image: Any = image, question: str | None = question) -> Generation:
            return raven.answer(image, question, k=k)

        def compare(image: Any = image, question: str | None = question) -> Any:
            return raven.compare(image, question, k=k)

        runs = [("both", both), ("compare", compare)]
        for state in ("cold", "warm"):
            for name, run in runs if repeat % 4 < 2 else runs[::-1]:
                if state == "cold":
                    raven.generator.forget_images()
                seconds[state][name].append(timed(run, clock))
        answer = both()
        for state in ("cold", "warm"):
            if state == "cold":
                raven.generator.forget_images()
            seconds[state]["attribute"].append(timed(lambda: raven.attribute(answer, image, question), clock))  # noqa: B023
    return seconds


def summary(seconds: dict[str, Seconds]) -> dict[str, dict[str, float]]:
    """Medians in seconds, and the ratio of comparing to answering."""
    report = {}
    for state, runs in seconds.items():
        medians = {what: statistics.median(values) for what, values in runs.items()}
        report[state] = {**medians, "ratio": medians["compare"] / medians["both"]}
    return report


def main(argv: list[str] | None = None) -> int:
    """Measures, prints, and fails when a fresh comparison costs more than 1.8 answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="pictures asked")
    parser.add_argument("--k", type=int, default=3, help="neighbours")
    parser.add_argument("--profile", default="fieldguide", help="profile name or folder")
    parser.add_argument("--cpu", action="store_true", help="processor seconds, for a machine that others use too")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args(argv)
    if options.repeats < 1:
        parser.error(f"--repeats is {options.repeats}: ask at least one picture")
    raven = Raven.load(options.profile)
    clock = time.process_time if options.cpu else time.perf_counter
    measure(raven, 2, options.k, clock)  # what is loaded and compiled on first use is nobody's cost
    report = summary(measure(raven, options.repeats, options.k, clock))
    if options.json:
        print(json.dumps(report))
    else:
        for state, row in report.items():
            print(f"{state:5}", "  ".join(f"{what} {value:.3f}" for what, value in row.items()))
    return int(report["cold"]["ratio"] > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
