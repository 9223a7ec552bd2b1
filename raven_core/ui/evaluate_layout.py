"""The components of the Evaluate tab: what is measured on the left, the report and its samples on the right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from raven_core.counterfactuals import KINDS
from raven_core.types import CELLS
from raven_core.ui import cards, evaluate_samples, evaluate_view, present
from raven_core.ui.context import Context
from raven_core.ui.controls import html
from raven_core.ui.evaluate_runs import LARGEST_SEED, MOST, TASKS, UPLOAD, WORLD
from raven_core.ui.labels import label, mark
from raven_core.ui.markup import esc
from raven_core.ui.words import say

SAMPLES = 20


@dataclass(frozen=True)
class Desk:
    """All of the tab. ``task``, ``cell`` and ``show`` choose among the samples."""

    source: gr.Radio
    split: gr.Radio
    files: gr.File
    upload_split: gr.Textbox
    tasks: gr.Radio
    cells: gr.CheckboxGroup
    count: gr.Slider
    k: gr.Slider
    neighbours: gr.Radio
    seed: gr.Number
    run: gr.Button
    stop: gr.Button
    ticket: gr.Textbox
    notice: gr.HTML
    empty: gr.HTML
    results: gr.Column
    report: gr.HTML
    plots: gr.HTML
    download: gr.DownloadButton
    task: gr.Radio
    cell: gr.Dropdown
    show: gr.Radio
    samples: gr.HTML
    pages: gr.HTML
    record: gr.JSON

    @property
    def fields(self) -> list[Any]:
        """The inputs of a run, in the order of ``evaluate_events.asked_of``."""
        return [
            self.source, self.split, self.files, self.upload_split, self.tasks, self.cells, self.count, self.k,
            self.neighbours, self.seed,
        ]  # fmt: skip

    @property
    def filters(self) -> list[Any]:
        """What chooses among the samples, in the order of ``evaluate_events.choice_of``."""
        return [self.task, self.cell, self.show]

    @property
    def parts(self) -> list[Any]:
        """What a press or a run may change."""
        return [
            self.run, self.stop, self.notice, self.empty, self.results, self.report, self.plots, self.download,
            *self.filters, self.samples, self.pages,
        ]  # fmt: skip


def build(context: Context) -> Desk:
    """Lay the tab out; nothing is wired yet."""
    with gr.Row(elem_classes=["rv-explore", "rv-evaluate"], equal_height=False):
        with gr.Column(scale=4, min_width=300, elem_classes=["rv-left", "rv-panel", "rv-ask"]):
            data = _data(context)
            asked = _asked(context)
            run = gr.Button(label("evaluate_run"), variant="primary", size="lg", elem_id="rv-evaluate-run")
            stop = gr.Button(label("stop"), variant="stop", size="lg", visible=False, elem_id="rv-evaluate-stop")
        with gr.Column(scale=9, min_width=320, elem_classes="rv-right", elem_id="rv-evaluate-results"):
            notice = html("", elem_id="rv-evaluate-notice")
            empty = html(evaluate_view.empty, elem_id="rv-evaluate-empty")
            shown = _shown()
    return Desk(
        **data, **asked, run=run, stop=stop, notice=notice, empty=empty, **shown, ticket=gr.Textbox(visible=False),
        record=gr.JSON(visible=False, label="record"),
    )  # fmt: skip


def _data(context: Context) -> dict[str, Any]:
    """Where the samples come from: a split of the world, where there is one, or files."""
    world = context.world
    html(lambda: present.hint(say("evaluate_no_world")), visible=world is None)
    source = gr.Radio(
        [(label("evaluate_source_world"), WORLD), (label("evaluate_source_upload"), UPLOAD)],
        value=UPLOAD if world is None else WORLD, label=label("evaluate_source"), show_label=False, container=False,
        visible=world is not None, elem_id="rv-evaluate-source", elem_classes="rv-segments",
    )  # fmt: skip
    splits = list(world.splits) if world else []
    split = gr.Radio(
        splits, value=next(iter(splits), None), label=label("evaluate_split"), info=label("evaluate_split_hint"),
        visible=world is not None, elem_id="rv-evaluate-split", elem_classes="rv-pills",
    )  # fmt: skip
    files = gr.File(
        label=label("evaluate_files"), file_count="multiple", height=130, visible=world is None,
        elem_id="rv-evaluate-files",
    )  # fmt: skip
    upload_split = gr.Textbox(
        "", label=label("evaluate_upload_split"), info=label("evaluate_files_hint"), max_lines=1, max_length=60,
        visible=world is None, elem_id="rv-evaluate-upload-split",
    )  # fmt: skip
    return {"source": source, "split": split, "files": files, "upload_split": upload_split}


def _asked(context: Context) -> dict[str, Any]:
    tasks = gr.Radio(
        [(label(f"evaluate_tasks_{task}"), task) for task in TASKS], value=TASKS[0], label=label("evaluate_tasks"),
        elem_id="rv-evaluate-tasks", elem_classes="rv-pills",
    )  # fmt: skip
    cells = gr.CheckboxGroup(
        [(mark(partial(evaluate_view.name_of, cell)), cell) for cell in CELLS], value=list(CELLS),
        label=label("evaluate_cells"), info=label("evaluate_cells_hint"), elem_id="rv-evaluate-cells",
        elem_classes="rv-pills",
    )  # fmt: skip
    count = gr.Slider(
        2, MOST, value=SAMPLES, step=1, label=label("evaluate_count"), elem_id="rv-evaluate-count", buttons=[]
    )
    with gr.Accordion(label("evaluate_advanced"), open=False, elem_id="rv-evaluate-advanced", elem_classes="rv-fold"):
        k = gr.Slider(
            0, 10, value=context.settings.k, step=1, label=label("evaluate_k"), elem_id="rv-evaluate-k", buttons=[]
        )
        neighbours = gr.Radio(
            [(label(f"kind_{kind}"), kind) for kind in KINDS], value="retrieved", label=label("evaluate_neighbours"),
            elem_id="rv-evaluate-kind", elem_classes="rv-pills",
        )  # fmt: skip
        seed = gr.Number(
            0, label=label("evaluate_seed"), info=label("evaluate_seed_hint"), precision=0, minimum=0,
            maximum=LARGEST_SEED, elem_id="rv-evaluate-seed",
        )  # fmt: skip
    return {"tasks": tasks, "cells": cells, "count": count, "k": k, "neighbours": neighbours, "seed": seed}


def _shown() -> dict[str, Any]:
    with gr.Column(visible=False, elem_id="rv-evaluate-shown", elem_classes="rv-right") as results:
        report = html("", elem_id="rv-evaluate-report")
        plots = html("", elem_id="rv-evaluate-plots")
        download = gr.DownloadButton(label("evaluate_download"), elem_id="rv-evaluate-download")
        with gr.Column(elem_classes="rv-panel rv-browse"):
            html(lambda: f"<h3>{esc(say('evaluate_samples'))}</h3>")
            with gr.Row(elem_classes="rv-filters"):
                filters = _filters()
            samples = html("", js_on_load=cards.PRESS, elem_id="rv-evaluate-samples")
            pages = html("", js_on_load=cards.PRESS, elem_id="rv-evaluate-pages")
    return {
        "results": results, "report": report, "plots": plots, "download": download, **filters, "samples": samples,
        "pages": pages,
    }  # fmt: skip


def _filters() -> dict[str, Any]:
    return {
        "task": gr.Radio(
            [], label=label("evaluate_task"), visible=False, min_width=170, elem_id="rv-evaluate-task",
            elem_classes="rv-pills",
        ),
        "show": gr.Radio(
            [(label(f"evaluate_show_{show}"), show) for show in evaluate_samples.SHOWS], value="all", min_width=260,
            label=label("evaluate_show"), elem_id="rv-evaluate-show", elem_classes="rv-pills",
        ),
        "cell": gr.Dropdown(
            [(label("evaluate_all_cells"), evaluate_samples.ALL_CELLS)], value=evaluate_samples.ALL_CELLS,
            min_width=200, label=label("evaluate_cell"), elem_id="rv-evaluate-cell",
        ),
    }  # fmt: skip
