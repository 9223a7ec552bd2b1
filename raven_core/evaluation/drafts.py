"""Samples → drafts of queue items: answered in the cells of the ablation, a batch at a time, for people to judge."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from raven_core import annotation_sources as sources
from raven_core.annotation_types import Draft
from raven_core.datasets.examples import Example
from raven_core.evaluation.neighbours import Finder
from raven_core.evaluation.options import Options
from raven_core.evaluation.plan import Cell, cells_of
from raven_core.evaluation.records import Row
from raven_core.evaluation.run import request_of
from raven_core.evaluation.runner import Cancelled, Runner, Todo
from raven_core.request import Request

if TYPE_CHECKING:
    from raven_core.pipeline import Raven


@dataclass(frozen=True)
class Answered:
    """One batch: its drafts, and how many of its samples are left out because a cell could not answer them."""

    drafts: tuple[Draft, ...]
    failed: int = 0


def answered(
    raven: Raven, examples: Sequence[Example], options: Options, cancel: threading.Event | None = None
) -> Iterator[Answered]:
    """Ask every sample in every cell; between two batches others may use the model.

    Params:
        options: its cells, k, neighbours, seed and batch count; a sample becomes one item with a candidate a cell.
        cancel: set it to stop; the batch under way is lost.
    Raises:
        OptionError, AdapterError: the options do not fit the profile.
    """
    request = request_of(raven, options)
    raven.generator.check_adapter(request.adapter)
    cells = cells_of(options, request.adapter, raven.generator.adapters)
    finder = Finder(raven.retriever, request, options.neighbours, options.seed)
    runner = Runner(raven, request, finder, options.batch, cancel)
    made_with = {cell.name: _settings(raven, request, cell) for cell in cells}
    known = {(example.task, example.id): example for example in examples}

    def picture(row: Mapping[str, Any]) -> Image.Image | Path:
        example = known[row["task"], row["id"]]
        return example.open() if callable(example.image) else example.image

    try:
        for rows, size in runner.batches([Todo(example, _of(cells, example)) for example in examples]):
            whole = [{**row, "settings": made_with[row["cell"]]} for row in _whole(rows)]
            drafts = sources.from_samples(whole, picture)
            yield Answered(tuple(drafts), size - len(drafts))
    except Cancelled:
        return


def _of(cells: Sequence[Cell], example: Example) -> tuple[Cell, ...]:
    return tuple(cell for cell in cells if cell.answers(example.task))


def _settings(raven: Raven, request: Request, cell: Cell) -> dict[str, Any]:
    """What makes a cell's answer again; as an answer's own ``settings`` say it."""
    asked = replace(request, modalities=cell.modalities, adapter=cell.adapter)
    return {**asked.plain(), "profile": raven.profile.name, "leak_threshold": raven.retriever.leak_threshold}


def _whole(rows: Sequence[Row]) -> list[Row]:
    """The rows of samples that every cell has answered, sample by sample in the order of the first."""
    broken = {(row["task"], row["id"]) for row in rows if row["error"]}
    return [row for row in rows if (row["task"], row["id"]) not in broken]
