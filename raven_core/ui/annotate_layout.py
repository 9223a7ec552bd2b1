"""The components of the Annotate tab: who judges what on the left, the item on the right."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import gradio as gr

from raven_core.annotation_types import MAX_WANTED, ORDERS
from raven_core.ui import annotate_make as make
from raven_core.ui import annotate_view as view
from raven_core.ui.annotate_bench import NAME_LENGTH
from raven_core.ui.context import Context
from raven_core.ui.controls import html
from raven_core.ui.evaluate_runs import TASKS
from raven_core.ui.labels import label
from raven_core.ui.markup import esc
from raven_core.ui.words import say

LARGEST = 1000  # items of a queue made on the page; more are made by a program


@dataclass(frozen=True)
class Maker:
    """The form that makes a queue."""

    name: gr.Textbox
    source: gr.Radio
    hint: gr.HTML
    pictures: gr.CheckboxGroup
    split: gr.Radio
    files: gr.File
    upload_split: gr.Textbox
    tasks: gr.Radio
    order: gr.Radio
    wanted: gr.Slider
    most: gr.Slider
    blind: gr.Checkbox
    run: gr.Button
    stop: gr.Button
    notice: gr.HTML
    ticket: gr.Textbox
    record: gr.JSON

    @property
    def fields(self) -> list[Any]:
        """What is asked for, in the order of ``annotate_making.order_of``."""
        return [
            self.name, self.source, self.pictures, self.split, self.files, self.upload_split, self.tasks, self.order,
            self.wanted, self.most, self.blind,
        ]  # fmt: skip

    @property
    def by_source(self) -> list[Any]:
        """What another source changes, in the order of ``annotate_making.source_updates``."""
        return [self.hint, self.pictures, self.split, self.files, self.upload_split, self.tasks, self.most]


@dataclass(frozen=True)
class Drawer:
    """The button that deletes what somebody gave, with its question; ``name`` is what the question is about."""

    delete: gr.Button
    asking: gr.Column
    question: gr.HTML
    confirm: gr.Button
    cancel: gr.Button
    told: gr.HTML
    name: gr.Textbox

    @property
    def parts(self) -> list[Any]:
        """What the button, the question and the answer change."""
        return [self.delete, self.asking, self.question, self.told, self.name]


@dataclass(frozen=True)
class Booth:
    """All of the tab."""

    name: gr.Textbox
    queue: gr.Dropdown
    begin: gr.Button
    forget: Drawer
    maker: Maker
    notice: gr.HTML
    told: gr.HTML
    stage: gr.HTML

    @property
    def parts(self) -> list[Any]:
        """What a press may change."""
        return [self.notice, self.told, self.stage, self.queue]


def build(context: Context) -> Booth:
    """Lay the tab out; nothing is wired yet."""
    with gr.Row(elem_classes=["rv-explore", "rv-bench", "rv-annotate"], equal_height=False):
        with gr.Column(scale=4, min_width=300, elem_classes="rv-left"):
            with gr.Column(elem_classes="rv-panel rv-ask"):
                name, queue, begin = _who()
                forget = _drawer()
            with gr.Column(elem_classes="rv-panel rv-feed"):
                maker = _maker(context)
        with gr.Column(scale=9, min_width=320, elem_classes="rv-right", elem_id="rv-annotate-stage"):
            notice = html("", elem_id="rv-annotate-notice")
            told = html("", js_on_load=view.PRESS, elem_id="rv-annotate-told")
            stage = html(view.empty, js_on_load=view.PRESS, elem_id="rv-annotate-item")
    return Booth(name, queue, begin, forget, maker, notice, told, stage)


def _who() -> tuple[gr.Textbox, gr.Dropdown, gr.Button]:
    html(lambda: f"<h3>{esc(say('annotate_who'))}</h3>")
    if os.environ.get("OAUTH_CLIENT_ID"):  # set on a Space that asks for Hugging Face login
        gr.LoginButton()
    name = gr.Textbox(
        label=label("annotate_name"), info=label("annotate_name_hint"), max_lines=1, max_length=NAME_LENGTH,
        elem_id="rv-annotate-name",
    )  # fmt: skip
    queue = gr.Dropdown(
        [],
        label=label("annotate_queue"),
        info=label("annotate_queue_hint"),
        elem_id="rv-annotate-queue",
        filterable=False,
    )
    begin = gr.Button(label("annotate_begin"), variant="primary", size="lg", elem_id="rv-annotate-begin")
    return name, queue, begin


def _drawer() -> Drawer:
    delete = gr.Button(label("annotate_forget"), size="sm", variant="stop", elem_id="rv-annotate-forget")
    with gr.Column(visible=False, elem_id="rv-annotate-forget-ask") as asking:
        question = html("")
        with gr.Row():
            confirm = gr.Button(
                label("delete_confirm"), variant="stop", size="sm", elem_id="rv-annotate-forget-confirm"
            )
            cancel = gr.Button(label("delete_cancel"), size="sm", elem_id="rv-annotate-forget-cancel")
    told = html("", elem_id="rv-annotate-forgotten")
    return Drawer(delete, asking, question, confirm, cancel, told, gr.Textbox(visible=False))


def _maker(context: Context) -> Maker:
    html(lambda: f"<h3>{esc(say('annotate_make'))}</h3>")
    name = gr.Textbox(label=label("annotate_made_name"), max_lines=1, max_length=200, elem_id="rv-annotate-made-name")
    what = _sources(context)
    order = gr.Radio(
        [(label(f"annotate_order_{order}"), order) for order in ORDERS], value="random", label=label("annotate_order"),
        info=label("annotate_order_hint"), elem_id="rv-annotate-order", elem_classes="rv-pills",
    )  # fmt: skip
    wanted, most, blind = _amounts()
    run = gr.Button(label("annotate_make_it"), elem_id="rv-annotate-make")
    stop = gr.Button(label("stop"), variant="stop", visible=False, elem_id="rv-annotate-stop")
    notice = html("", elem_id="rv-annotate-made")
    return Maker(
        name=name, **what, order=order, wanted=wanted, most=most, blind=blind, run=run, stop=stop, notice=notice,
        ticket=gr.Textbox(visible=False), record=gr.JSON(visible=False, label="record"),
    )  # fmt: skip


def _sources(context: Context) -> dict[str, Any]:
    """What a queue is made of; what a source does not need is hidden."""
    known = [source for source in make.SOURCES if source != make.WORLD or context.world is not None]
    source = gr.Radio(
        [(label(f"annotate_source_{source}"), source) for source in known], value=make.EXAMPLES,
        label=label("annotate_source"), elem_id="rv-annotate-source", elem_classes="rv-pills",
    )  # fmt: skip
    hint = html(lambda: source_hint(make.EXAMPLES))
    examples = [(example.title, number) for number, example in enumerate(context.examples)]
    pictures = gr.CheckboxGroup(
        examples, value=[number for _, number in examples], label=label("annotate_pictures"),
        elem_id="rv-annotate-pictures", elem_classes="rv-pills",
    )  # fmt: skip
    splits = list(context.world.splits) if context.world is not None else []
    split = gr.Radio(
        splits, value=next(iter(splits), None), label=label("evaluate_split"), visible=False,
        elem_id="rv-annotate-split", elem_classes="rv-pills",
    )  # fmt: skip
    files = gr.File(
        label=label("annotate_files"), file_count="multiple", visible=False, height=140, elem_id="rv-annotate-files",
    )  # fmt: skip
    upload_split = gr.Textbox(
        "", label=label("evaluate_upload_split"), max_lines=1, max_length=60, visible=False,
        elem_id="rv-annotate-upload-split",
    )  # fmt: skip
    tasks = gr.Radio(
        [(label(f"evaluate_tasks_{task}"), task) for task in TASKS], value=TASKS[0], label=label("annotate_tasks"),
        visible=False, elem_id="rv-annotate-tasks", elem_classes="rv-pills",
    )  # fmt: skip
    parts = {"source": source, "hint": hint, "pictures": pictures, "split": split, "files": files}
    return {**parts, "upload_split": upload_split, "tasks": tasks}


def _amounts() -> tuple[gr.Slider, gr.Slider, gr.Checkbox]:
    wanted = gr.Slider(
        1,
        min(MAX_WANTED, 10),
        value=2,
        step=1,
        label=label("annotate_wanted"),
        buttons=[],
        elem_id="rv-annotate-wanted",
    )
    most = gr.Slider(
        1, LARGEST, value=make.MOST, step=1, label=label("annotate_most"), visible=False, buttons=[],
        elem_id="rv-annotate-most",
    )  # fmt: skip
    blind = gr.Checkbox(
        True, label=label("annotate_blind"), info=label("annotate_blind_hint"), container=False,
        elem_id="rv-annotate-blind", elem_classes="rv-switch",
    )  # fmt: skip
    return wanted, most, blind


def source_hint(source: str) -> str:
    """What a queue from this source holds."""
    return f'<p class="rv-small">{esc(say(f"annotate_source_hint_{source}"))}</p>'
