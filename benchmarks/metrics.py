"""Time of tokenising and scoring captions against pycocoevalcap's: ``python benchmarks/metrics.py``.

BLEU-1 to BLEU-4, ROUGE-L and CIDEr of the same captions, raw text in, by ``raven_core.metrics`` and by pycocoevalcap
with its Java tokeniser, in turns and in one process; every run of ours begins without knowing any word. Exits with 1
when ours is not ``BAR`` times as fast by the clock, or when a figure differs.

Needs Java, pycocoevalcap (``pip install -e ".[test]"``) and captions: a JSON list of objects with ``image_id``,
``test`` (the caption to score) and ``refs`` (its references).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script it also runs where the package is not installed

from raven_core.metrics.captioning import METRICS, score_captions  # noqa: E402
from raven_core.metrics.ptb import forget_words  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "metrics" / "coco_karpathy_refs_hyps_5000.json"
BAR = 5.0
EQUAL = 1e-6

References = dict[str, list[str]]
Predictions = dict[str, str]
Scorer = Callable[[References, Predictions], dict[str, float]]


class Run(NamedTuple):
    """One scorer's figures and what they took, in seconds."""

    scores: dict[str, float]
    clock: float
    processor: float  # of all threads, child processes included


def ours(references: References, predictions: Predictions) -> dict[str, float]:
    """The corpus figures by this project."""
    forget_words()
    return score_captions(references, predictions).corpus


def theirs(references: References, predictions: Predictions) -> dict[str, float]:
    """The corpus figures by pycocoevalcap."""
    from pycocoevalcap.bleu.bleu import Bleu  # type: ignore[import-untyped]
    from pycocoevalcap.cider.cider import Cider  # type: ignore[import-untyped]
    from pycocoevalcap.rouge.rouge import Rouge  # type: ignore[import-untyped]
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer  # type: ignore[import-untyped]

    tokenizer = PTBTokenizer()
    truth = tokenizer.tokenize({key: [{"caption": text} for text in texts] for key, texts in references.items()})
    result = tokenizer.tokenize({key: [{"caption": text}] for key, text in predictions.items()})
    bleu, _ = Bleu(4).compute_score(truth, result, verbose=0)
    rouge, _ = Rouge().compute_score(truth, result)
    cider, _ = Cider().compute_score(truth, result)
    return dict(zip(METRICS, map(float, [*bleu, rouge, cider]), strict=True))


def timed(scorer: Scorer, references: References, predictions: Predictions) -> Run:
    """Run a scorer once."""
    began, used = time.perf_counter(), sum(os.times()[:4])
    scores = scorer(references, predictions)
    run = Run(scores, time.perf_counter() - began, sum(os.times()[:4]) - used)
    print(f"  {scorer.__name__}: {run.clock:.2f} s, processor {run.processor:.2f} s", flush=True)
    return run


def missing(data: Path) -> list[str]:
    """What this needs and cannot find."""
    found = {
        f"captions: no file {data.name} (see --data)": data.is_file(),
        "Java: no `java` on the path": shutil.which("java") is not None,
        'pycocoevalcap: pip install -e ".[test]"': importlib.util.find_spec("pycocoevalcap") is not None,
    }
    return [what for what, there in found.items() if not there]


def read(data: Path) -> tuple[References, Predictions]:
    """References and predictions by image."""
    rows = json.loads(data.read_text(encoding="utf-8"))
    by_image = {str(row["image_id"]): row for row in rows}
    return {key: row["refs"] for key, row in by_image.items()}, {key: row["test"] for key, row in by_image.items()}


def report(our_runs: list[Run], their_runs: list[Run]) -> bool:
    """Print times, ratios and the largest difference; whether the bar holds."""
    print("median seconds        clock  processor")
    middle = {}
    for name, runs in (("raven_core", our_runs), ("pycocoevalcap", their_runs)):
        middle[name] = median(run.clock for run in runs), median(run.processor for run in runs)
        print(f"{name:<18}{middle[name][0]:9.2f}{middle[name][1]:11.2f}")
    ratio, busy = (their / our for their, our in zip(middle["pycocoevalcap"], middle["raven_core"], strict=True))
    apart = max(abs(our_runs[0].scores[metric] - their_runs[0].scores[metric]) for metric in METRICS)
    print(f"{'times as fast':<18}{ratio:9.1f}{busy:11.1f}")
    print(f"bar: at least {BAR:g} times as fast by the clock: {'held' if ratio >= BAR else 'missed'}")
    print(f"largest difference of a figure: {apart:.1e}")
    return ratio >= BAR and apart <= EQUAL


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, help="JSON list of {image_id, test, refs}")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each (default 3)")
    args = parser.parse_args()
    if lacking := missing(args.data):
        sys.exit("This benchmark cannot run here. It needs\n  " + "\n  ".join(lacking))
    references, predictions = read(args.data)
    print(f"{len(references)} images, {sum(map(len, references.values()))} references, {args.repeats} runs of each")
    pairs = [[timed(scorer, references, predictions) for scorer in (ours, theirs)] for _ in range(args.repeats)]
    held = report([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
