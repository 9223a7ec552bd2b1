"""The components of the Errors tab: filters, figures, charts, answers, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from raven_core.ui import cards, errors_view
from raven_core.ui.context import Context
from raven_core.ui.controls import html
from raven_core.ui.labels import label
from raven_core.ui.markup import esc
from raven_core.ui.words import say

MENUS = {
    "verdicts": "verdict", "cells": "cell", "tags": "tag", "tasks": "task", "question_types": "question_type",
    "domains": "domain", "adapters": "adapter", "annotators": "annotator", "queues": "queue", "kinds": "kind",
}  # fmt: skip
"""Menus of values: the filters of ``analysis.Filters``, and what each looks at."""

NUMBERS, TEXTS = ("low", "high"), ("since", "until", "text")
FILTERS = (*MENUS, *NUMBERS, *TEXTS)
"""The order of ``Desk.filters``."""

GROUPS = ("cell", "task", "question_type", "domain", "tag", "band", "adapter", "annotator", "queue")
EVERY = ("day", "week", "month")
FORMATS = ("csv", "jsonl", "parquet", "html", "coco", "vqa", "preferences", "corrections", "regression")


@dataclass(frozen=True)
class Desk:
    """All of the tab. ``filters`` are in the order of ``FILTERS``; ``address`` is what the browser's should say."""

    notice: gr.HTML
    filters: list[Any]
    active: gr.HTML
    headline: gr.HTML
    figures: gr.Column
    by: gr.Radio
    chart: gr.HTML
    flow: gr.HTML
    every: gr.Radio
    trend: gr.HTML
    replay: gr.HTML
    gallery: gr.HTML
    newer: gr.Button
    place: gr.HTML
    older: gr.Button
    page: gr.Number
    address: gr.Textbox
    wanted: gr.Textbox
    format: gr.Dropdown
    make: gr.Button
    stop: gr.Button
    made: gr.HTML
    download: gr.DownloadButton
    record: gr.JSON

    @property
    def asked(self) -> list[Any]:
        """The inputs of a look, in the order of ``errors_events.asked_of``."""
        return [self.by, self.every, self.page, *self.filters]

    @property
    def parts(self) -> list[Any]:
        """What a look draws."""
        return [
            self.notice, self.active, self.headline, self.figures, self.chart, self.flow, self.trend, self.replay,
            self.gallery, self.newer, self.place, self.older, self.page, self.address, self.made, self.download,
            self.by, self.every, *self.filters,
        ]  # fmt: skip


def build(context: Context) -> Desk:
    """Lay the tab out; nothing is wired yet."""
    with gr.Column(elem_classes="rv-errors", elem_id="rv-errors"):
        html(lambda: _title(context))
        notice = html("", elem_id="rv-err-notice")
        active = html("", js_on_load=cards.PRESS, elem_id="rv-err-active")
        filters = _filters()
        headline = html("", elem_id="rv-err-headline")
        with gr.Column(visible=False, elem_classes="rv-err-figures") as figures:
            parts = {**_charts(), **_answers(), **_export()}
    return Desk(
        notice=notice, filters=filters, active=active, headline=headline, figures=figures, **parts,
        page=gr.Number(0, visible=False, precision=0), address=gr.Textbox(visible=False),
        wanted=gr.Textbox(visible=False, label="judgment"), record=gr.JSON(visible=False, label="record"),
    )  # fmt: skip


def _title(context: Context) -> str:
    scope = errors_view.scope(context.settings.dashboard == "all")
    return f'<div class="rv-err-head"><h2>{esc(say("errors_title"))}</h2>{scope}</div>'


def _filters() -> list[Any]:
    with gr.Accordion(label("errors_filters"), open=False, elem_classes="rv-fold", elem_id="rv-err-filters"):
        html(lambda: f'<p class="rv-small">{esc(say("errors_filters_hint"))}</p>')
        with gr.Row(elem_classes="rv-err-menus"):
            menus = [
                gr.Dropdown(
                    [], value=[], multiselect=True, allow_custom_value=True, label=label(f"errors_by_{kind}"),
                    min_width=200, elem_id=f"rv-err-{name}",
                )
                for name, kind in MENUS.items()
            ]  # fmt: skip
        with gr.Row(elem_classes="rv-err-menus"):
            numbers = [
                gr.Number(None, label=label(f"errors_{name}"), step=0.05, min_width=120, elem_id=f"rv-err-{name}")
                for name in NUMBERS
            ]
            texts = [
                gr.Textbox(
                    label=label(f"errors_{name}"), placeholder="" if name == "text" else say("errors_date"), lines=1,
                    max_lines=1, max_length=200, min_width=120, elem_id=f"rv-err-{name}",
                )
                for name in TEXTS
            ]  # fmt: skip
    return [*menus, *numbers, *texts]


def _charts() -> dict[str, Any]:
    with gr.Column(elem_classes="rv-panel"):
        html(lambda: f"<h3>{esc(say('errors_group'))}</h3>")
        by = gr.Radio(
            [(label(f"errors_by_{name}"), name) for name in GROUPS], value=GROUPS[0], show_label=False,
            label=label("errors_group"), elem_id="rv-err-by", elem_classes="rv-pills",
        )  # fmt: skip
        chart = html("", js_on_load=cards.PRESS, elem_id="rv-err-chart")
    with gr.Row(elem_classes="rv-err-pair", equal_height=True):
        with gr.Column(elem_classes="rv-panel", min_width=320):
            flow = html("", elem_id="rv-err-flow")
        with gr.Column(elem_classes="rv-panel", min_width=320):
            html(lambda: f"<h3>{esc(say('errors_trend'))}</h3>")
            every = gr.Radio(
                [(label(f"errors_every_{name}"), name) for name in EVERY], value=EVERY[0], show_label=False,
                label=label("errors_trend_by"), elem_id="rv-err-every", elem_classes="rv-pills",
            )  # fmt: skip
            trend = html("", elem_id="rv-err-trend")
    return {"by": by, "chart": chart, "flow": flow, "every": every, "trend": trend}


def _answers() -> dict[str, Any]:
    with gr.Column(elem_classes="rv-panel"):
        html(lambda: f'<h3>{esc(say("errors_gallery"))}</h3><p class="rv-small">{esc(say("errors_gallery_hint"))}</p>')
        replay = html("", elem_id="rv-err-replay")
        gallery = html("", js_on_load=cards.PRESS, elem_id="rv-err-gallery")
        with gr.Row(elem_classes="rv-err-paging"):
            newer = gr.Button(label("errors_previous"), min_width=90, elem_id="rv-err-newer")
            place = html("", elem_id="rv-err-place")
            older = gr.Button(label("errors_next"), min_width=90, elem_id="rv-err-older")
    return {"replay": replay, "gallery": gallery, "newer": newer, "place": place, "older": older}


def _export() -> dict[str, Any]:
    with gr.Column(elem_classes="rv-panel rv-err-export"):
        html(lambda: f'<h3>{esc(say("errors_export"))}</h3><p class="rv-small">{esc(say("errors_export_hint"))}</p>')
        with gr.Row(elem_classes="rv-err-menus"):
            format_ = gr.Dropdown(
                [(label(f"errors_format_{name}"), name) for name in FORMATS], value=FORMATS[0],
                label=label("errors_format"), min_width=220, elem_id="rv-err-format",
            )  # fmt: skip
            make = gr.Button(label("errors_make"), variant="primary", min_width=180, elem_id="rv-err-make")
            stop = gr.Button(label("errors_stop"), variant="stop", visible=False, min_width=180, elem_id="rv-err-stop")
        made = html("", elem_id="rv-err-made")
        download = gr.DownloadButton(label("errors_download", name=""), visible=False, elem_id="rv-err-download")
    return {"format": format_, "make": make, "stop": stop, "made": made, "download": download}
