"""The components of the Compare tab: what is compared on the left, the answers and their causes on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from raven_core.counterfactuals import KINDS
from raven_core.ui import cards, study_cards, study_view
from raven_core.ui.context import Context
from raven_core.ui.controls import html
from raven_core.ui.labels import label
from raven_core.ui.markup import esc
from raven_core.ui.study import NO_CAP
from raven_core.ui.words import say

MORE_KS = (1, 2, 3, 5, 10)
LOWEST_CAP = 0.5


@dataclass(frozen=True)
class Desk:
    """All of the tab. ``empty`` holds the examples, ``cells`` the answers, ``neighbours`` the cards."""

    query: gr.HTML
    run: gr.Button
    stop: gr.Button
    kind: gr.Radio
    leak_cap: gr.Slider
    ks: gr.CheckboxGroup
    references: gr.Textbox
    ticket: gr.Textbox
    notice: gr.HTML
    empty: gr.HTML
    finding: gr.HTML
    why: gr.Row
    explain: gr.Button
    shapley: gr.Button
    cells: gr.HTML
    explained: gr.HTML
    neighbours: gr.HTML
    record: gr.JSON

    @property
    def switches(self) -> list[Any]:
        """The inputs of a comparison beside the Explore tab's, in the order of ``study_events.setup_of``."""
        return [self.kind, self.leak_cap, self.ks, self.references]

    @property
    def contents(self) -> list[Any]:
        """What is read, without the buttons."""
        return [self.query, self.notice, self.finding, self.cells, self.explained, self.neighbours]

    @property
    def parts(self) -> list[Any]:
        """What a press or a run may change."""
        return [*self.contents, self.run, self.stop, self.empty, self.why, self.shapley]


def build(context: Context) -> Desk:
    """Lay the tab out; nothing is wired yet."""
    with gr.Row(elem_classes=["rv-explore", "rv-bench"], equal_height=False):
        with gr.Column(scale=4, min_width=300, elem_classes="rv-left"):
            left = _left(context)
        with gr.Column(scale=9, min_width=320, elem_classes="rv-right", elem_id="rv-study-results"):
            right = _right(context)
    return Desk(**left, **right, record=gr.JSON(visible=False, label="record"))


def _left(context: Context) -> dict[str, Any]:
    with gr.Column(elem_classes="rv-panel rv-ask"):
        query = html(lambda: study_view.asked(None, None), elem_id="rv-study-query")
        run = gr.Button(label("study_run"), variant="primary", size="lg", elem_id="rv-study-run")
        stop = gr.Button(label("stop"), variant="stop", size="lg", visible=False, elem_id="rv-study-stop")
    with gr.Column(elem_classes="rv-panel rv-feed"):
        html(lambda: f'<h3>{esc(say("what_if"))}</h3><p class="rv-small">{esc(say("what_if_hint"))}</p>')
        kind = gr.Radio(
            [(label(f"kind_{kind}"), kind) for kind in KINDS], value="retrieved", label=label("kind"),
            elem_id="rv-study-kind", elem_classes="rv-pills",
        )  # fmt: skip
        leak_cap = gr.Slider(
            LOWEST_CAP, NO_CAP, value=NO_CAP, step=0.005, label=label("leak_cap"), info=label("leak_cap_hint"),
            elem_id="rv-study-cap", buttons=[],
        )  # fmt: skip
        ks = gr.CheckboxGroup(
            [(str(k), k) for k in MORE_KS], value=[], label=label("more_ks"), info=label("more_ks_hint"),
            elem_id="rv-study-ks", elem_classes="rv-pills",
        )  # fmt: skip
        references = gr.Textbox(
            "", label=label("references"), info=label("references_hint"), lines=2, max_lines=6, max_length=3000,
            elem_id="rv-study-references",
        )  # fmt: skip
    return {
        "query": query, "run": run, "stop": stop, "kind": kind, "leak_cap": leak_cap, "ks": ks,
        "references": references, "ticket": gr.Textbox(visible=False),
    }  # fmt: skip


def _right(context: Context) -> dict[str, Any]:
    notice = html("", elem_id="rv-study-notice")
    empty = html(lambda: study_view.empty(context.examples), js_on_load=cards.PRESS, elem_id="rv-study-empty")
    with gr.Column(elem_classes="rv-study-top"):
        finding = html("", elem_id="rv-finding")
        with gr.Row(visible=False, elem_classes="rv-why") as why:
            explain = gr.Button(label("attribute"), variant="primary", elem_id="rv-attribute", min_width=220)
            shapley = gr.Button(label("shapley"), elem_id="rv-shapley", min_width=220)
    return {
        "notice": notice, "empty": empty, "finding": finding, "why": why, "explain": explain, "shapley": shapley,
        "cells": html("", js_on_load=cards.PRESS, elem_id="rv-study-cells"),
        "explained": html("", elem_id="rv-explained"),
        "neighbours": html("", js_on_load=study_cards.PRESS, elem_id="rv-study-neighbours"),
    }  # fmt: skip
