"""What happens on the Evaluate tab: presses ask for runs, runs fill the bench, the bench becomes what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from raven_core.errors import OptionError
from raven_core.ui import evaluate_flow, evaluate_samples, evaluate_view, explore_events, present
from raven_core.ui.context import Context
from raven_core.ui.controls import is_upload
from raven_core.ui.evaluate_layout import Desk
from raven_core.ui.evaluate_runs import UPLOAD, WORLD, Asked, Bench
from raven_core.ui.evaluate_samples import ALL_CELLS, OPEN, Choice
from raven_core.ui.explore_events import LATEST, NARROW, QUIET, WORK, Updates
from raven_core.ui.explore_layout import CAPTION, QUESTION, Tab
from raven_core.ui.sitting import Sitting
from raven_core.ui.turns import Turn, settled
from raven_core.ui.words import say

TO_REPORT = f"""() => {{
  if (window.innerWidth < {NARROW})
    document.getElementById('rv-evaluate-results').scrollIntoView({{behavior: 'smooth'}});
}}"""
TO_SAMPLES = "() => document.querySelector('.rv-browse').scrollIntoView({behavior: 'smooth'})"
TO_TOP = "() => window.scrollTo({top: 0})"


EVALUATING_QUEUE = "evaluate"
EVALUATING: dict[str, Any] = {**WORK, "concurrency_id": EVALUATING_QUEUE}
"""One evaluation at a time, beside the line for the model: the model's own lock lets others in between batches."""


def wire(desk: Desk, tab: Tab, context: Context, sitting: gr.State, bench: gr.State, tabs: gr.Tabs) -> None:
    """Connect every press of the tab."""
    desk.source.change(lambda source: source_updates(desk, source), [desk.source],
                       [desk.split, desk.files, desk.upload_split], **LATEST)  # fmt: skip

    def run_evaluation(mine: Bench, ticket: str, *values: Any) -> Iterator[Updates]:
        yield from run_steps(desk, context, mine, ticket, values)

    desk.run.click(None, None, None, js=TO_REPORT)
    desk.run.click(lambda mine: pressed(desk, mine), [bench], [*desk.parts, desk.ticket], **QUIET).then(
        run_evaluation, [bench, desk.ticket, *desk.fields], desk.parts, **EVALUATING
    )
    desk.stop.click(
        lambda mine: stop(desk, mine), [bench], desk.parts, show_progress="hidden", concurrency_limit=None,
        api_name="stop_evaluating", api_description="Stop the evaluation of this session.",
    )  # fmt: skip
    _wire_samples(desk, bench)
    _wire_opening(desk, tab, context, sitting, bench, tabs)


def _wire_samples(desk: Desk, bench: gr.State) -> None:
    """Filters and pages only show other samples."""

    def choose(mine: Bench, *values: Any) -> Updates:
        mine.page = 0
        return sample_updates(desk, mine, choice_of(values))

    def turn(mine: Bench, task: str, cell: str, show: str, event: gr.EventData) -> Updates:
        mine.page = int(event.id) if str(event.id).isdecimal() else 0
        return sample_updates(desk, mine, choice_of((task, cell, show)))

    shown = [desk.samples, desk.pages, desk.cell]
    gr.on([part.input for part in desk.filters], choose, [bench, *desk.filters], shown, **LATEST)
    desk.pages.press(turn, [bench, *desk.filters], shown, **LATEST)
    desk.pages.press(None, None, None, js=TO_SAMPLES)


def _wire_opening(desk: Desk, tab: Tab, context: Context, sitting: gr.State, bench: gr.State, tabs: gr.Tabs) -> None:
    """A press on a sample's cell asks the same on the Explore tab."""

    def place(state: Sitting, mine: Bench, event: gr.EventData) -> Updates:
        return open_sample(tab, context, state, mine, event.act, event.id) | {tabs: gr.update(selected="explore")}

    def ask(state: Sitting, ticket: str, *values: Any) -> Iterator[Updates]:
        yield from explore_events.run_steps(tab, context, state, ticket, values)

    form, drawn = tab.ask.fields, explore_events.drawn(tab)
    desk.samples.press(None, None, None, js=TO_TOP)
    desk.samples.press(place, [sitting, bench], [*form, tab.ask.ticket, *drawn, tabs], **QUIET).success(
        ask, [sitting, tab.ask.ticket, *form, tab.ask.store], drawn, **WORK
    )


def asked_of(values: Any) -> Asked:
    """What the values of ``Desk.fields`` ask for, in their order.

    Raises:
        OptionError: a value is out of range, or a file is none that was uploaded here.
    """
    source, split, files, upload_split, task, cells, count, k, neighbours, seed = values
    paths = tuple(Path(str(file)) for file in files or ())
    if not all(is_upload(str(path)) for path in paths):
        raise OptionError(say("error_not_uploaded"))
    is_world = source == WORLD
    return Asked(
        source=source,
        split=(split if is_world else upload_split or "").strip(),
        files=() if is_world else paths,
        task=task,
        cells=tuple(cells or ()),
        count=int(count),
        k=int(k),
        seed=int(seed or 0),
        neighbours=neighbours,
    )


def choice_of(values: Any) -> Choice:
    """What of the samples to show, from the values of ``Desk.filters``."""
    task, cell, show = values
    return Choice(task or "", cell or ALL_CELLS, show or "all")


def run_steps(desk: Desk, context: Context, bench: Bench, ticket: str, values: Any) -> Iterator[Updates]:
    """A run of this tab: each view as changes to the components, and the tab as it then should be."""

    def views(turn: Turn) -> Iterator[Updates]:
        for view in evaluate_flow.evaluate(context, bench, lambda: asked_of(values), turn):
            yield {desk.notice: view.notice, **_buttons(desk, view.running)}

    yield from settled(bench.turns, ticket, views, lambda: page_now(desk, bench), gr.skip())


def source_updates(desk: Desk, source: str) -> Updates:
    """The fields that the source needs."""
    is_upload_chosen = source == UPLOAD
    return {
        desk.split: gr.update(visible=not is_upload_chosen),
        desk.files: gr.update(visible=is_upload_chosen),
        desk.upload_split: gr.update(visible=is_upload_chosen),
    }


def pressed(desk: Desk, bench: Bench) -> Updates:
    """The moment of a press, before the model is free."""
    bench.told = ""
    ticket = bench.turns.press()
    waiting = present.hint(say("evaluate_waiting")) + present.progress()
    return {desk.ticket: ticket, desk.notice: waiting, **_buttons(desk, True)}


def stop(desk: Desk, bench: Bench) -> Updates:
    """End what waits or runs; what was measured so far becomes the report."""
    bench.stop(present.hint(say("evaluate_stopping")))
    return {desk.notice: bench.told, **_buttons(desk, False)}


def _buttons(desk: Desk, running: bool) -> Updates:
    return {desk.run: gr.update(visible=not running), desk.stop: gr.update(visible=running)}


def page_now(desk: Desk, bench: Bench) -> Updates:
    """The tab as it should be now, whatever an older run drew on it."""
    busy = bench.turns.is_busy
    notice = present.hint(say("evaluate_waiting")) + present.progress() if busy else bench.told
    return {desk.notice: notice, **_buttons(desk, busy), **report_updates(desk, bench)}


def report_updates(desk: Desk, bench: Bench) -> Updates:
    """The report of the bench with its samples, or none."""
    report, scratch = bench.report, bench.scratch
    if report is None or scratch is None or bench.is_gone:
        return {desk.empty: gr.update(visible=True), desk.results: gr.update(visible=False)}
    tasks = evaluate_samples.tasks(report)
    choice = Choice(tasks[0] if tasks else "", page=bench.page)
    return {
        desk.empty: gr.update(visible=False),
        desk.results: gr.update(visible=True),
        desk.report: evaluate_view.report(report.data),
        desk.plots: evaluate_view.plots(report.plots()),
        desk.download: gr.update(value=str(scratch.archive)),
        desk.task: gr.update(
            choices=[(say(f"evaluate_title_{task}"), task) for task in tasks], value=choice.task,
            visible=len(tasks) > 1,
        ),
        desk.show: gr.update(value=choice.show),
        **sample_updates(desk, bench, choice),
    }  # fmt: skip


def sample_updates(desk: Desk, bench: Bench, choice: Choice) -> Updates:
    """The samples that a choice is about, and the cells that it may name."""
    if bench.report is None or bench.is_gone:
        return {desk.samples: present.hint(say("evaluate_gone")), desk.pages: ""}
    cells = list(bench.report.data["tasks"].get(choice.task, {"cells": {}})["cells"])
    cell = choice.cell if choice.cell in cells else ALL_CELLS
    shown = Choice(choice.task, cell, choice.show, bench.page)
    samples, pages = evaluate_samples.browser(bench.report, shown)
    names = [(say("evaluate_all_cells"), ALL_CELLS), *((evaluate_view.name_of(name), name) for name in cells)]
    return {desk.samples: samples, desk.pages: pages, desk.cell: gr.update(choices=names, value=cell)}


def open_sample(tab: Tab, context: Context, sitting: Sitting, bench: Bench, act: str, identifier: str) -> Updates:
    """Put a sample with the settings of one of its cells into the Explore form, and begin to ask.

    Raises:
        gr.Error: the run is gone, or there is no such sample.
    """
    task, _, rest = str(identifier).partition(":")
    key, _, cell = rest.partition(":")
    report = bench.report
    sample = None if report is None or bench.is_gone else evaluate_samples.sample_of(report, task, key)
    row = None if sample is None else sample.rows.get(cell)
    image = None if row is None or report is None else evaluate_samples.image_of(row, report.folder.parent)
    if act != OPEN or row is None or report is None or image is None or not evaluate_samples.can_open(cell):
        raise gr.Error(say("evaluate_gone"), print_exception=False)
    fed, adapter = evaluate_samples.settings_of(row)
    run, ask = report.data["run"], tab.ask
    if differs := evaluate_samples.what_differs(run, row):
        gr.Info(differs)
    kind = CAPTION if row["question"] is None else QUESTION
    label = explore_events.run_label(kind)["value"]
    cleared = explore_events.clear(tab, context, sitting)
    return cleared | explore_events.pressed(tab, context, sitting) | {
        ask.image: image, ask.task: kind,
        ask.question: gr.update(value=row["question"] or "", visible=kind == QUESTION),
        ask.images: "image" in fed, ask.captions: "text" in fed, ask.k: run["k"], ask.adapter: adapter,
        ask.weight: run["question_weight"], ask.order: run["order"], ask.duplicates: run["drop_duplicates"],
        ask.run: gr.update(value=label, visible=False),
    }  # fmt: skip
