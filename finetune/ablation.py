"""The paper's ablation on the bundled world: every cell, the baseline, the floors, the controls and the leak curve.

    python -m finetune.ablation                                      # the adapters that ship
    python -m finetune.ablation --training-seed 0 --adapters DIR     # others, trained from another seed
    python -m finetune.report                                        # docs/results.md, from what was measured

All four splits are one data set of captions and questions with a domain each, so that ``evaluate`` reports every domain
and all of them together. A run that was interrupted goes on. The figures go to docs/figures, those of the mean over all
training seeds that were measured, too.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from tqdm import tqdm

from finetune.fieldguide.export import export
from finetune.fieldguide.species import DOMAINS, published_seed
from finetune.measure_fieldguide import with_adapters
from finetune.recipe import ADAPTER_SEEDS
from raven_core.counterfactuals import Kind
from raven_core.datasets import Dataset, Example, load
from raven_core.evaluation import Options, Report, evaluate
from raven_core.evaluation.comparing import compare_runs
from raven_core.evaluation.figures import OVERALL
from raven_core.evaluation.records import RunFolder
from raven_core.metrics.intervals import paired_difference
from raven_core.pipeline import Raven

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures"
CONTROLS: tuple[Kind, ...] = ("random", "shuffled", "cross-paired", "oracle")
CONTROLLED = "both"
"""The cell that the controls are asked in: the one with all that they change."""

LEAK_CAPS = (0.9, 0.5, 0.1)
REPORTED = ("metric", "reference_cell", "samples", "cells", "gains", "domains", "question_types", "leak")
ASKED = ("seed", "n", "questions")
POOLED = "ablation-mean.json"
APART = 1_000_000
"""A split's images and questions have numbers below this; the next split's are above it."""

Figures = dict[str, Any]


def world(folder: Path, n: int, questions: int, seed: int) -> Dataset:
    """``n`` pictures of each split to caption, and at most so many questions about them, as one data set."""
    examples: list[Example] = []
    for place, split in enumerate(DOMAINS):
        data = folder / split
        if not (data / "annotations.json").exists():  # the last file that an export writes
            export(split, n, seed, data, force=True)
        captions, asked = load(data, task="caption"), load(data, task="vqa", limit=questions, seed=seed)
        examples += [placed(example, split, place) for example in (*captions.examples, *asked.examples)]
    return Dataset("fieldguide", "COCO and VQA v2", f"finetune.fieldguide, seed {seed}", tuple(examples), seed=seed)


def placed(example: Example, split: str, place: int) -> Example:
    """The example with its domain, and with ids that no other split has."""
    number, image = int(example.number) + place * APART, int(example.image_id) + place * APART
    return replace(example, domain=split, number=number, id=str(number), image_id=str(image))


def measure(raven: Raven, data: Dataset, out: Path, seed: int) -> Figures:
    """The main run and every control, as plain figures.

    Returns:
        ``main``: by task what ``evaluate`` reports; ``controls``: by control and task the cell ``both`` with the
        retrieved neighbours, with the control's, and the paired difference.
    """
    main = _run(raven, data, Options(leak_caps=LEAK_CAPS, seed=seed), out / "retrieved")
    controls: dict[str, Figures] = {}
    for kind in CONTROLS:
        options = Options(cells=(CONTROLLED,), baseline=False, floors=False, neighbours=kind, seed=seed, plots=False)
        _run(raven, data, options, out / kind)
        compared = compare_runs(out / "retrieved", out / kind, [CONTROLLED], most=0)
        controls[kind] = {one.task: {"first": one.first, "second": one.second, "gain": one.gain} for one in compared}
    tasks = {task: {key: told[key] for key in REPORTED} for task, told in main.data["tasks"].items()}
    return {"failed_samples": main.data["failed_samples"], "main": tasks, "controls": controls}


def _run(raven: Raven, data: Dataset, options: Options, out: Path) -> Report:
    with tqdm(desc=out.name, unit="sample") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return evaluate(raven, data, options, out, show)


def pooled(runs: Sequence[Path]) -> dict[str, list[float]]:
    """The gain of ``both`` over the baseline in CIDEr, times 100, by domain and overall: the mean over training seeds.

    An image's gain is the mean of its gains under each seed; the interval is over images.

    Params:
        runs: folders of the main run of each training seed, over the same images.
    """
    scores: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        for row in RunFolder(run).rows():
            if row["task"] == "caption" and row["cell"] in ("baseline", CONTROLLED) and row["error"] is None:
                scores[row["domain"], row["id"]][row["cell"]].append(100.0 * row["scores"]["CIDEr"])
    means: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for (domain, _), found in scores.items():
        both, baseline = found[CONTROLLED], found["baseline"]
        if len(both) == len(baseline) == len(runs):
            for group in (domain, OVERALL):
                means[group][0].append(fmean(both))
                means[group][1].append(fmean(baseline))
    return {group: list(paired_difference(first, second)) for group, (first, second) in means.items()}


def save_pooled(out: Path, figures: Path, asked: Mapping[str, int]) -> None:
    """Pools the seeds that were measured on these pictures, where they are several."""
    measured = [path for path in sorted(figures.glob("ablation-seed-*.json")) if _asked(path) == dict(asked)]
    runs = [out / path.stem / "retrieved" for path in measured]
    if len(runs) > 1 and all(run.is_dir() for run in runs):
        seeds = [int(path.stem.rpartition("-")[2]) for path in measured]
        save(figures / POOLED, {**asked, "training_seeds": seeds, "gains": pooled(runs)})


def _asked(path: Path) -> dict[str, int]:
    found = json.loads(path.read_text(encoding="utf8"))
    return {name: found[name] for name in ASKED}


def save(path: Path, figures: Mapping[str, Any]) -> None:
    """Writes figures where the report finds them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf8")


def main(argv: Sequence[str] | None = None) -> None:
    """Measures, or goes on measuring, and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "ablation", help="where the runs go")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="where the figures go")
    parser.add_argument("--seed", type=int, default=published_seed(), help="seed of the test pictures")
    parser.add_argument("--n", type=int, default=1000, help="pictures a split")
    parser.add_argument("--questions", type=int, default=2000, help="questions a split, drawn from all that are asked")
    parser.add_argument("--profile", default="fieldguide", help="profile name or folder")
    parser.add_argument("--adapters", type=Path, help="folder with other adapters (raven, no-retrieval) to measure")
    shipped = ADAPTER_SEEDS[0]
    parser.add_argument("--training-seed", type=int, default=shipped, help="what seed the adapters were trained from")
    options = parser.parse_args(argv)
    if options.n < 2 or options.questions < 1:
        parser.error("measure at least two pictures and one question a split")
    data = world(options.out / "data", options.n, options.questions, options.seed)
    raven = Raven.load(options.profile)
    if options.adapters is not None:
        raven = with_adapters(raven, options.adapters)
    name = f"ablation-seed-{options.training_seed}"
    found = measure(raven, data, options.out / name, options.seed)
    asked = {asked: getattr(options, asked) for asked in ASKED}
    save(options.figures / f"{name}.json", {**asked, "training_seed": options.training_seed, **found})
    save_pooled(options.out, options.figures, asked)


if __name__ == "__main__":
    main()
