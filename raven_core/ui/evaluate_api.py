"""The Evaluate tab for programs: a run, its samples, and all of it as a zip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from raven_core.ui import evaluate_flow, evaluate_samples, explore_events
from raven_core.ui.context import Context
from raven_core.ui.evaluate_events import EVALUATING_QUEUE, asked_of
from raven_core.ui.evaluate_layout import Desk
from raven_core.ui.evaluate_runs import Bench
from raven_core.ui.evaluate_samples import ALL_CELLS, PAGE_SIZE, SHOWS, Choice
from raven_core.ui.words import say

if TYPE_CHECKING:
    from raven_core.evaluation import Report

_KEPT = ("prediction", "confidence", "neighbours", "scores", "error")


def wire(desk: Desk, context: Context, bench: gr.State) -> None:
    """Give the page these endpoints."""

    def evaluate(  # its parameters are the names that programs use; those that are None may be left out
        mine: Bench, source: str, split: str | None = None, files: Any = None, upload_split: str = "",
        tasks: str = "both", cells: Any = (), count: int = 20, k: int = 3, neighbours: str = "retrieved", seed: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        values = (source, split or "", files, upload_split, tasks, cells, count, k, neighbours, seed)
        return explore_events.last_record(
            mine.turns, lambda turn: evaluate_flow.evaluate(context, mine, lambda: asked_of(values), turn)
        )

    def evaluation_samples(mine: Bench, task: str, cell: str, show: str, page: int) -> dict[str, Any]:
        return samples(report_of(mine), Choice(task, cell or ALL_CELLS, show, int(page)))

    def evaluation_file(mine: Bench) -> str:
        report_of(mine)
        assert mine.scratch is not None  # a report has its folder
        return str(mine.scratch.archive)

    gr.on(
        [], evaluate, [bench, *desk.fields], [desk.record], concurrency_limit=1, concurrency_id=EVALUATING_QUEUE,
        api_name="evaluate",
        api_description="Measure what retrieval does on a split of the world or on uploaded files: the report with "
        "every cell's scores, gains and intervals.",
    )  # fmt: skip
    task = gr.Radio(["caption", "vqa"], value="caption", visible=False, label="task")
    cell = gr.Textbox(ALL_CELLS, visible=False, label="cell")
    show = gr.Radio(list(SHOWS), value=SHOWS[0], visible=False, label="show")
    page = gr.Number(0, precision=0, visible=False, label="page")
    gr.on(
        [], evaluation_samples, [bench, task, cell, show, page], [desk.record], concurrency_limit=None,
        api_name="evaluation_samples",
        api_description="A page (from 0) of the samples of this session's evaluation, each with its answers, scores "
        "and neighbours by cell: all, those whose answer changed most, or those that failed.",
    )  # fmt: skip
    gr.on(
        [], evaluation_file, [bench], [gr.File(visible=False, label="file")], concurrency_limit=None,
        api_name="evaluation_file",
        api_description="This session's evaluation as a zip: report, samples, plots and result files.",
    )  # fmt: skip


def report_of(bench: Bench) -> Report:
    """The report of the session.

    Raises:
        gr.Error: there is none, or its folder is gone.
    """
    if bench.report is None or bench.is_gone:
        raise gr.Error(say("evaluate_gone"), print_exception=False)
    return bench.report


def samples(report: Report, choice: Choice) -> dict[str, Any]:
    """One page of samples as plain values, which name no file of the server."""
    found = evaluate_samples.chosen(report, choice)
    last = max(0, (len(found) - 1) // PAGE_SIZE)
    page = min(max(choice.page, 0), last)
    shown = found[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    return {"total": len(found), "page": page, "pages": last + 1, "samples": [_plain(one, choice) for one in shown]}


def _plain(sample: evaluate_samples.Sample, choice: Choice) -> dict[str, Any]:
    row = sample.any
    about = {name: row[name] for name in ("id", "image_id", "question", "truths", "question_type", "domain")}
    answers = {
        name: {key: one.get(key) for key in _KEPT}
        for name, one in sample.rows.items()
        if choice.cell in (ALL_CELLS, name)
    }
    return {**about, "change": sample.change, "answers": answers}
