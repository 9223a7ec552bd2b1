"""Which answers are asked for every sample: the cells of the ablation, the baseline, the floors, the leak caps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from raven_core.datasets.examples import Task
from raven_core.evaluation.options import Options
from raven_core.types import BASE, CELLS, Modality

BASELINE_ADAPTER = "no-retrieval"
BASELINE, COPY, TEXT_ONLY = "baseline", "nearest-caption", "text-only"
RICHEST = ("both", "text", "image")
"""Cells with neighbours, the one with most of them first."""


@dataclass(frozen=True)
class Cell:
    """One answer a sample.

    ``adapter`` None copies the nearest neighbour's caption and asks no model; ``cap`` is a quantile above which
    memory items are left out.
    """

    name: str
    adapter: str | None
    modalities: frozenset[Modality]
    shows_query: bool = True
    cap: float | None = None

    @property
    def retrieves(self) -> bool:
        """Whether it needs neighbours."""
        return bool(self.modalities)

    def answers(self, task: Task) -> bool:
        """Whether it makes sense for the task: a caption is no answer to a question."""
        return self.adapter is not None or task == "caption"


def cells_of(options: Options, adapter: str | None, adapters: Sequence[str]) -> tuple[Cell, ...]:
    """The cells of a run, in the order of the report.

    Params:
        adapter: the adapter of the ablation; None for the model without one.
        adapters: what the profile has.
    """
    name = adapter or BASE
    asked = [Cell(cell, name, CELLS[cell]) for cell in CELLS if cell in options.cells]
    baseline = [Cell(BASELINE, BASELINE_ADAPTER, frozenset())]
    text = CELLS["text"]
    floors = [Cell(COPY, None, text), Cell(TEXT_ONLY, BASE, text, shows_query=False)]
    return (
        *(baseline if options.baseline and BASELINE_ADAPTER in adapters else ()),
        *asked,
        *(floors if options.floors else ()),
        *_capped(asked, options.leak_caps),
    )


def _capped(asked: Sequence[Cell], caps: Sequence[float]) -> list[Cell]:
    richest = main_cell([cell.name for cell in asked])
    return [
        replace(cell, name=capped_name(cell.name, cap), cap=cap)
        for cell in asked
        for cap in caps
        if cell.name == richest and cell.retrieves
    ]


def capped_name(cell: str, cap: float) -> str:
    """What a cell is called under a leak cap; fit for a file name."""
    return f"{cell}-cap-{cap:g}"


def main_cell(names: Sequence[str]) -> str | None:
    """The cell with most of the neighbours, which the report is about; None where no cell has any."""
    return next((name for name in RICHEST if name in names), None)


def reference_cell(names: Sequence[str]) -> str | None:
    """The cell that gains are measured against: the baseline, else the same adapter without neighbours."""
    return next((name for name in (BASELINE, "none") if name in names), None)
