"""``python -m raven_core evaluate | score | compare``: what retrieval does, measured."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from raven_core.cli_output import hush
from raven_core.counterfactuals import KINDS
from raven_core.evaluation.options import Options, parse_caps, parse_cells
from raven_core.settings import Settings
from raven_core.types import CELLS

_CELLS = "none,text,image,both"
assert set(_CELLS.split(",")) == set(CELLS)


def add_commands(commands: Any) -> None:
    """Add the three commands to a parser's subparsers."""
    _add_evaluate(commands.add_parser("evaluate", help="measure a profile on a data set"))
    _add_score(commands.add_parser("score", help="score a result file, with no model"))
    _add_compare(commands.add_parser("compare", help="the paired difference of two runs"))


def evaluate(options: argparse.Namespace) -> None:
    """Run an evaluation, or go on with one, and print its report."""
    asked = Options(
        cells=parse_cells(options.cells),
        adapter=options.adapter,
        baseline=options.baseline,
        floors=options.floors,
        k=options.k,
        neighbours=options.neighbours,
        leak_caps=parse_caps(options.leak_caps),
        seed=options.seed,
        batch=options.batch,
        max_new_tokens=options.max_new_tokens,
        plots=options.plots,
    )
    settings = Settings.load(flags={name: getattr(options, name) for name in ("profile", "device")})
    from raven_core.datasets import load

    dataset = load(
        options.data, options.split, options.limit, options.seed, task=options.task, images=options.images
    )  # before the models load
    hush()
    from tqdm import tqdm

    from raven_core.evaluation import evaluate as run
    from raven_core.pipeline import Raven

    raven = Raven.load(settings=settings)
    with tqdm(unit="sample", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            if bar.total is None:
                bar.initial = bar.last_print_n = done  # what an earlier run did says nothing about the rate
            bar.total = total
            bar.n = done
            bar.refresh()

        report = run(raven, dataset, asked, options.out, show)
    print(json.dumps(report.to_dict(), ensure_ascii=False) if options.json else report.markdown())
    print(f"written to {options.out}", file=sys.stderr)


def score(options: argparse.Namespace) -> None:
    """Print the scores of a result file."""
    from raven_core.evaluation.score import score_files

    scored = score_files(options.references, options.results, options.questions)
    if options.json:
        print(json.dumps(scored.figures, ensure_ascii=False))
    else:
        print("\n".join([f"{scored.scored} scored", *_lines(scored.figures, 100 if scored.task == "caption" else 1)]))
    for note in scored.notes() if not options.json else [n for n in scored.notes() if "no result" in n]:
        print(note, file=sys.stderr)


def _lines(figures: dict[str, Any], times: float, indent: str = "") -> list[str]:
    """Figures for people, in percent."""
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", *_lines(value, times, indent + "  ")]
        else:
            lines.append(f"{indent}{name} {times * value:.2f}")
    return lines


def compare(options: argparse.Namespace) -> None:
    """Print what changed from one run to another."""
    from raven_core.evaluation.comparing import compare_runs

    cells = parse_cells(options.cells) if options.cells else None
    found = compare_runs(options.first, options.second, cells, options.most)
    if options.json:
        print(json.dumps([entry.to_dict() for entry in found], ensure_ascii=False))
        return
    from raven_core.evaluation.tables import interval

    for entry in found:
        print(f"{entry.task} {entry.cell}: {entry.metric} {interval(entry.first)} -> {interval(entry.second)}, "
              f"difference {interval(entry.gain)}, p {entry.p:.4f}, {entry.samples} samples")  # fmt: skip
        for sample in entry.changed:
            asked = f" {sample['question']!r}" if sample["question"] else ""
            print(f"  {sample['change']:+.1f}  {sample['id']}{asked}: {sample['first']!r} -> {sample['second']!r}")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="a file or folder in one of the formats, or hub:owner/name")
    parser.add_argument("--out", required=True, metavar="DIR", help="a new folder, or one of the same run to go on")
    parser.add_argument("--profile", metavar="P", help="name or folder of a profile")
    parser.add_argument("--adapter", metavar="A", help="an adapter of the profile, or base")
    parser.add_argument("--k", type=int, metavar="N", help="neighbours to retrieve, 0 to 10")
    parser.add_argument("--split", metavar="S", help="a split of the data, or a domain of NoCaps")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many samples of each task, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of everything that is drawn (default 0)")
    parser.add_argument("--task", choices=("caption", "vqa"), help="where the data holds both (default: both)")
    parser.add_argument("--images", metavar="DIR", help="where the pictures are, if not near the data")
    parser.add_argument("--cells", default=_CELLS, metavar="C,C", help=f"cells of the ablation (default {_CELLS})")
    parser.add_argument("--neighbours", choices=KINDS, default="retrieved", help="or a control in their place")
    parser.add_argument(
        "--leak-caps", default="", metavar="Q,Q",
        help="quantiles of the query-neighbour similarity: ask again without the items above each",
    )  # fmt: skip
    parser.add_argument(
        "--batch", type=int, default=64, metavar="B", help="query images at a time (default 64; fewer for large models)"
    )
    parser.add_argument("--max-new-tokens", type=int, metavar="N")
    parser.add_argument("--no-baseline", dest="baseline", action="store_false", help="without the no-retrieval adapter")
    parser.add_argument("--no-floors", dest="floors", action="store_false", help="without the copied caption and the "
                        "model that sees no image")  # fmt: skip
    parser.add_argument("--no-plots", dest="plots", action="store_false")
    parser.add_argument("--device", metavar="D", help="cpu, cuda ... (default: a GPU where there is one)")
    parser.add_argument("--json", action="store_true", help="print report.json in place of report.md")
    parser.set_defaults(run=evaluate)


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--references", required=True, metavar="R", help="COCO captions, or VQA annotations")
    parser.add_argument(
        "--results", required=True, metavar="F", help="[{image_id, caption}] or [{question_id, answer}]"
    )
    parser.add_argument("--questions", metavar="Q", help="VQA questions")
    parser.add_argument("--json", action="store_true", help="captions as fractions, VQA accuracy in percent")
    parser.set_defaults(run=score)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="RUN_A", help="folder of a run")
    parser.add_argument("second", metavar="RUN_B", help="folder of another run over the same data")
    parser.add_argument("--cells", metavar="C[,C]", help="one cell, or one of each run (default: all they share)")
    parser.add_argument("--most", type=int, default=10, metavar="N", help="samples that changed most (default 10)")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=compare)
