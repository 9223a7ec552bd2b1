"""``evaluate``: a loaded profile, a data set and options in; a folder with a report out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raven_core.datasets.examples import Dataset, Example
from raven_core.errors import OptionError
from raven_core.evaluation import leak
from raven_core.evaluation.neighbours import Finder
from raven_core.evaluation.options import Options
from raven_core.evaluation.plan import Cell, cells_of
from raven_core.evaluation.records import Row, RunFolder, key_of
from raven_core.evaluation.report import Report
from raven_core.evaluation.runner import Progress, Runner, Todo
from raven_core.evaluation.words import Words
from raven_core.request import Request
from raven_core.version import __version__

if TYPE_CHECKING:
    from raven_core.pipeline import Raven


def evaluate(
    raven: Raven,
    dataset: Dataset,
    options: Options,
    out: str | Path,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    words: Words | None = None,
) -> Report:
    """Measure a profile on a data set, and write rows, report, result files and plots into a folder.

    A folder that holds a part of the same run is gone on with: no answer is asked twice, none is lost.

    Params:
        out: the folder; a new one, or one of the same run.
        progress: called with the number of samples done and of all.
        cancel: set it to stop; what is done is kept and reported.
        words: of the report's tables and plots, in another language; see ``evaluation.words.WORDS``.
    Returns:
        The report; ``data["complete"]`` is False for a run that was cancelled.
    Raises:
        OptionError: the options do not fit, captions of a single image are to be scored, or the folder holds
            another run.
        AdapterError: the adapter is not part of the profile.
    """
    tell = progress or (lambda done, total: None)
    request = request_of(raven, options)
    _check(raven, dataset, request)
    folder = RunFolder(out)
    about = folder.begin(_about(raven, dataset, options, request))
    cells = _cells(raven, options, request, about)
    finder = Finder(raven.retriever, request, options.neighbours, options.seed)
    runner = Runner(raven, request, finder, options.batch, cancel)
    todo = _todo(dataset.examples, cells, folder.mend())
    first = _thresholds(runner, raven, request, dataset.examples, about, tell) if todo else 0
    folder.save_about(about)
    runner.limits.update({float(cap): limit for cap, limit in about["thresholds"].items()})
    before, total = first + len(dataset) - len(todo), first + len(dataset)
    tell(before, total)
    complete = runner.run(todo, folder, lambda done: tell(before + done, total))
    report = Report.of(folder.folder, about, _ordered(folder.rows(), dataset, about), complete)
    report.save(options.plots, words)
    return report


def request_of(raven: Raven, options: Options) -> Request:
    """What all samples of a run are asked with."""
    return Request.complete(
        raven.settings,
        raven.profile,
        k=options.k,
        adapter=options.adapter,
        modalities=("image", "text"),
        seed=options.seed,
        max_new_tokens=options.max_new_tokens,
    )


def _check(raven: Raven, dataset: Dataset, request: Request) -> None:
    raven.generator.check_adapter(request.adapter)
    captions = dataset.of("caption")
    if len(captions) == 1 and captions[0].references:
        raise OptionError(
            "Captions of a single image cannot be scored: CIDEr weighs words by how few images they describe, and with "
            "one image every weight is 0. Evaluate two or more images."
        )


def _about(raven: Raven, dataset: Dataset, options: Options, request: Request) -> dict[str, Any]:
    """What a run is, in plain values: everything that its answers depend on, and what it covers."""
    cells = cells_of(options, request.adapter, raven.generator.adapters)
    generator = raven.generator
    prints = {
        "encoder": raven.encoder.fingerprint,
        "memory": raven.memory.fingerprint,
        "model": generator.fingerprint(),
    }
    adapters = {cell.adapter for cell in cells if cell.adapter in generator.adapters}
    prints |= {f"adapter {name}": generator.fingerprint(name) for name in sorted(filter(None, adapters))}
    plain = request.plain()
    names = ("adapter", "k", "order", "question_weight", "drop_duplicates", "max_new_tokens", "seed")
    return {
        "version": __version__,
        "data": dataset.name,
        "format": dataset.format,
        "source": dataset.source,
        "split": dataset.split,
        "data_seed": dataset.seed,
        "metrics": {task: dataset.metric(task) for task in dataset.tasks},
        "profile": raven.profile.name,
        "neighbours": options.neighbours,
        **{name: plain[name] for name in names},
        "fingerprints": prints,
        "limit": len(dataset),
        "cells": [cell.name for cell in cells],
        "leak_caps": list(options.leak_caps),
        "thresholds": {},
    }


def _cells(raven: Raven, options: Options, request: Request, about: dict[str, Any]) -> tuple[Cell, ...]:
    """The cells that are asked for now, named as ``run.json`` has them."""
    return tuple(
        cell for cell in cells_of(options, request.adapter, raven.generator.adapters) if cell.name in about["cells"]
    )


def _todo(examples: Sequence[Example], cells: Sequence[Cell], rows: Sequence[Row]) -> list[Todo]:
    """The samples with cells that have no row yet."""
    done = {key_of(row) for row in rows}
    todo = []
    for example in examples:
        open_cells = tuple(
            cell
            for cell in cells
            if cell.answers(example.task) and (example.task, example.id, cell.name) not in done
        )  # fmt: skip
        if open_cells:
            todo.append(Todo(example, open_cells))
    return todo


def _thresholds(
    runner: Runner, raven: Raven, request: Request, examples: Sequence[Example], about: dict[str, Any], tell: Progress
) -> int:
    """Find the image cosine of each leak cap that has none yet; the number of samples looked at for it."""
    missing = [cap for cap in about["leak_caps"] if f"{cap:g}" not in about["thresholds"]]
    if not missing:
        return 0
    total = 2 * len(examples)
    found = leak.similarities(
        runner, raven.retriever, request, examples, runner.batch, lambda done, _: tell(done, total)
    )
    about["thresholds"] |= {f"{cap:g}": limit for cap, limit in leak.thresholds(found, missing).items()}
    return len(examples)


def _ordered(rows: Sequence[Row], dataset: Dataset, about: dict[str, Any]) -> list[Row]:
    """Rows by sample in the data's order and by cell in the report's, whatever order they were answered in."""
    place = {(example.task, example.id): number for number, example in enumerate(dataset.examples)}
    cell = {name: number for number, name in enumerate(about["cells"])}
    last = len(place), len(cell)
    return sorted(
        rows, key=lambda row: (place.get((row["task"], row["id"]), last[0]), cell.get(row["cell"], last[1]))
    )  # fmt: skip
