"""The Evaluate tab: a data set, measured with and without neighbours, and every sample to look at."""

from __future__ import annotations

import gradio as gr

from raven_core.ui import evaluate_api, evaluate_events, evaluate_layout
from raven_core.ui.context import Context
from raven_core.ui.evaluate_layout import Desk
from raven_core.ui.evaluate_runs import Bench
from raven_core.ui.explore_layout import Tab


def bench_of_page() -> gr.State:
    """What one page evaluates; a closed page leaves nothing behind."""
    return gr.State(Bench(), delete_callback=Bench.clear)


def build(context: Context, tab: Tab, sitting: gr.State, tabs: gr.Tabs, bench: gr.State) -> Desk:
    """Lay the tab out and wire it to the Explore ``tab``, where samples open."""
    desk = evaluate_layout.build(context)
    evaluate_events.wire(desk, tab, context, sitting, bench, tabs)
    evaluate_api.wire(desk, context, bench)
    return desk
