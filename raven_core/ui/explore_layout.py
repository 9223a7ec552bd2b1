"""The components of the Explore tab: ask on the left, see the answer and its neighbours on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from raven_core.types import NEAREST_FIRST, NEAREST_LAST
from raven_core.ui import cards, judge, present
from raven_core.ui.context import BASE, Context
from raven_core.ui.controls import Picture, html
from raven_core.ui.labels import label, mark
from raven_core.ui.markup import esc
from raven_core.ui.words import say

CAPTION, QUESTION = "caption", "question"


@dataclass(frozen=True)
class Ask:
    """The left side: what is asked, and how."""

    image: gr.Image
    examples: gr.HTML
    task: gr.Radio
    question: gr.Textbox
    run: gr.Button
    stop: gr.Button
    images: gr.Checkbox
    captions: gr.Checkbox
    k: gr.Slider
    adapter: gr.Radio
    weight: gr.Slider
    order: gr.Radio
    duplicates: gr.Checkbox
    store: gr.Checkbox
    ticket: gr.Textbox

    @property
    def fields(self) -> list[Any]:
        """The inputs of a run, in the order of :func:`form_of`."""
        return [
            self.image, self.task, self.question, self.images, self.captions, self.k, self.adapter, self.weight,
            self.order, self.duplicates,
        ]  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """The right side: what came of it."""

    notice: gr.HTML
    answer: gr.HTML
    neighbours: gr.HTML
    compare_button: gr.Button
    given: gr.HTML
    made: gr.HTML
    extras: gr.Column
    record: gr.JSON

    @property
    def parts(self) -> list[Any]:
        """What a run may change."""
        return [
            self.notice, self.answer, self.neighbours, self.compare_button, self.given, self.made, self.extras,
        ]  # fmt: skip


@dataclass(frozen=True)
class Tab:
    """The whole tab, for the page to wire to loading and privacy."""

    ask: Ask
    shown: Shown
    panel: judge.Panel


def build(context: Context) -> Tab:
    """Lay the tab out; nothing is wired yet."""
    with gr.Row(elem_classes="rv-explore", equal_height=False):
        with gr.Column(scale=5, min_width=320, elem_classes="rv-left"):
            ask = _ask_column(context, context.examples)
        with gr.Column(scale=8, min_width=320, elem_classes="rv-right", elem_id="rv-results"):
            notice = html("", elem_id="rv-notice")
            with gr.Column(elem_classes="rv-panel rv-main"):
                answer = html(lambda: present.welcome(context.profile.title), elem_id="rv-answer")
                panel = judge.build()
            shown = _evidence(notice, answer)
    return Tab(ask, shown, panel)


def _ask_column(context: Context, examples: list[cards.Example]) -> Ask:
    settings = context.settings
    with gr.Column(elem_classes="rv-panel rv-ask"):
        image = Picture(
            label=label("image"), show_label=False, sources=["upload", "webcam", "clipboard"], type="filepath",
            image_mode=None, format="png", height=280, buttons=[], placeholder=label("image_hint"), elem_id="rv-image",
            alt_text=say("image"),
        )  # fmt: skip
        strip = html(
            lambda: cards.examples(examples), js_on_load=cards.PRESS, elem_id="rv-examples", visible=bool(examples)
        )
        task = gr.Radio(
            [(label("task_caption"), CAPTION), (label("task_question"), QUESTION)], value=CAPTION, label=label("task"),
            show_label=False, container=False, elem_id="rv-task", elem_classes="rv-segments",
        )  # fmt: skip
        question = gr.Textbox(
            "", label=label("question"), show_label=False, placeholder=label("question_hint"), lines=1, max_lines=1,
            max_length=300, visible=False, elem_id="rv-question", container=False,
        )  # fmt: skip
        run = gr.Button(label("run_caption"), variant="primary", size="lg", elem_id="rv-run")
        stop = gr.Button(label("stop"), variant="stop", size="lg", visible=False, elem_id="rv-stop")
    with gr.Column(elem_classes="rv-panel rv-feed"):
        feed = _feed(context)
        with gr.Accordion(label("advanced"), open=False, elem_id="rv-advanced", elem_classes="rv-fold"):
            advanced = _advanced(context)
    with gr.Column(elem_classes="rv-privacy"):
        store = gr.Checkbox(
            value=settings.store, label=label("store"), interactive=False, visible=context.keeper.is_on,
            info=mark(lambda: context.keeper.note), elem_id="rv-store", elem_classes="rv-switch",
        )  # fmt: skip
        html(lambda: present.hint(context.keeper.note), visible=not context.keeper.is_on)
    ticket = gr.Textbox(visible=False)  # carries the newest press from its own event to its run
    return Ask(image, strip, task, question, run, stop, **feed, **advanced, store=store, ticket=ticket)


def _feed(context: Context) -> dict[str, Any]:
    settings = context.settings
    html(lambda: f'<h3>{esc(say("feed"))}</h3><p class="rv-small">{esc(say("feed_hint"))}</p>')
    with gr.Row(elem_classes="rv-switches"):
        images = gr.Checkbox(
            "image" in settings.modalities, label=label("feed_images"), container=False, min_width=140,
            elem_id="rv-feed-images", elem_classes="rv-switch",
        )  # fmt: skip
        captions = gr.Checkbox(
            "text" in settings.modalities, label=label("feed_captions"), container=False, min_width=140,
            elem_id="rv-feed-captions", elem_classes="rv-switch",
        )  # fmt: skip
    k = gr.Slider(0, 10, value=settings.k, step=1, label=label("k"), elem_id="rv-k", buttons=[])
    adapter = gr.Radio(
        adapter_choices(context), value=settings.adapter or context.profile.default_adapter or BASE,
        label=label("adapter"), info=label("adapter_hint"), elem_id="rv-adapter", elem_classes="rv-pills",
    )  # fmt: skip
    return {"images": images, "captions": captions, "k": k, "adapter": adapter}


def adapter_choices(context: Context) -> list[tuple[str, str]]:
    """(words, name) of the adapters, the default first and the base model last."""
    default = context.profile.default_adapter
    names = sorted(context.profile.adapters, key=lambda name: (name != default, name))
    words = [(label("adapter_default", name=name) if name == default else name, name) for name in names]
    return [*words, (label("adapter_base"), BASE)]


def _advanced(context: Context) -> dict[str, Any]:
    settings, profile = context.settings, context.profile
    weight = profile.question_weight if settings.question_weight is None else settings.question_weight
    return {
        "weight": gr.Slider(
            0, 1, value=weight, step=0.05, label=label("weight"), info=label("weight_hint"), elem_id="rv-weight",
            buttons=[],
        ),
        "order": gr.Radio(
            [(label(f"order_{order}"), order) for order in (NEAREST_LAST, NEAREST_FIRST)], value=settings.order,
            label=label("order"), elem_id="rv-order", elem_classes="rv-pills",
        ),
        "duplicates": gr.Checkbox(
            settings.drop_duplicates, label=label("duplicates"), info=label("duplicates_hint"), container=False,
            elem_id="rv-duplicates", elem_classes="rv-switch",
        ),
    }  # fmt: skip


def _evidence(notice: gr.HTML, answer: gr.HTML) -> Shown:
    neighbours = html("", js_on_load=cards.PRESS, elem_id="rv-neighbours")
    with gr.Column(visible=False, elem_id="rv-extras") as extras:
        compare_button = gr.Button(label("compare"), elem_id="rv-compare-button")
        with gr.Accordion(label("given"), open=False, elem_id="rv-given-fold", elem_classes="rv-fold"):
            given = html("", elem_id="rv-given")
        with gr.Accordion(label("made"), open=False, elem_id="rv-made-fold", elem_classes="rv-fold"):
            made = html("", elem_id="rv-made")
    record = gr.JSON(visible=False, label="record")
    return Shown(notice, answer, neighbours, compare_button, given, made, extras, record)
