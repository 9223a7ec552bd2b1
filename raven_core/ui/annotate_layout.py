"""The components of the Annotate tab: who judges what on the left, the item on the right."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import gradio as gr

from raven_core.annotation import MAX_WANTED
from raven_core.annotation_types import ORDERS
from raven_core.ui import annotate_make as make
from raven_core.ui import annotate_view as view
from raven_core.ui.annotate_bench import NAME_LENGTH
from raven_core.ui.context import Context
from raven_core.ui.controls import html
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
    files: gr.File
    order: gr.Radio
    wanted: gr.Slider
    most: gr.Slider
    blind: gr.Checkbox
    run: gr.Button
    stop: gr.Button
    notice: gr.HTML

    @property
    def fields(self) -> list[Any]:
        """What is asked for, in the order of ``annotate_events.order_of``."""
        return [
            self.name, self.source, self.pictures, self.files, self.order, self.wanted, self.most, self.blind,
        ]  # fmt: skip


@dataclass(frozen=True)
class Booth:
    """All of the tab."""

    name: gr.Textbox
    queue: gr.Dropdown
    begin: gr.Button
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
            with gr.Column(elem_classes="rv-panel rv-feed"):
                maker = _maker(context)
        with gr.Column(scale=9, min_width=320, elem_classes="rv-right", elem_id="rv-annotate-stage"):
            notice = html("", elem_id="rv-annotate-notice")
            told = html("", js_on_load=view.PRESS, elem_id="rv-annotate-told")
            stage = html(view.empty(), js_on_load=view.PRESS, elem_id="rv-annotate-item")
    return Booth(name, queue, begin, maker, notice, told, stage)


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


def _maker(context: Context) -> Maker:
    examples = [(example.title, number) for number, example in enumerate(context.examples)]
    html(lambda: f"<h3>{esc(say('annotate_make'))}</h3>")
    name = gr.Textbox(label=label("annotate_made_name"), max_lines=1, max_length=200, elem_id="rv-annotate-made-name")
    source = gr.Radio(
        [(label(f"annotate_source_{source}"), source) for source in make.SOURCES], value=make.EXAMPLES,
        label=label("annotate_source"), elem_id="rv-annotate-source", elem_classes="rv-pills",
    )  # fmt: skip
    hint = html(lambda: source_hint(make.EXAMPLES))
    pictures = gr.CheckboxGroup(
        examples, value=[number for _, number in examples], label=label("annotate_pictures"),
        elem_id="rv-annotate-pictures", elem_classes="rv-pills",
    )  # fmt: skip
    files = gr.File(
        label=label("annotate_files"), file_count="multiple", visible=False, height=140, elem_id="rv-annotate-files",
    )  # fmt: skip
    order = gr.Radio(
        [(label(f"annotate_order_{order}"), order) for order in ORDERS], value="random", label=label("annotate_order"),
        info=label("annotate_order_hint"), elem_id="rv-annotate-order", elem_classes="rv-pills",
    )  # fmt: skip
    wanted, most, blind = _amounts()
    run = gr.Button(label("annotate_make_it"), elem_id="rv-annotate-make")
    stop = gr.Button(label("stop"), variant="stop", visible=False, elem_id="rv-annotate-stop")
    notice = html("", elem_id="rv-annotate-made")
    return Maker(name, source, hint, pictures, files, order, wanted, most, blind, run, stop, notice)


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
