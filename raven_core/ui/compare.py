"""The Compare tab: the same query with and without what was looked up, and which neighbour made the difference."""

from __future__ import annotations

from typing import Any

import gradio as gr

from raven_core.errors import RavenError
from raven_core.ui import flow, study_api, study_events, study_layout, study_view
from raven_core.ui.context import Context
from raven_core.ui.explore_events import QUIET, form_of
from raven_core.ui.explore_layout import Tab
from raven_core.ui.study import Study
from raven_core.ui.study_layout import Desk


def build(context: Context, tab: Tab, sitting: gr.State, tabs: gr.Tabs, own: gr.Tab) -> Desk:
    """Lay the tab out and wire it to the Explore ``tab``; ``own`` is the tab that it stands in."""
    study = gr.State(Study())
    desk = study_layout.build(context)
    study_events.wire(desk, tab, context, sitting, study, tabs)
    study_api.wire(context, study, desk.record)
    own.select(lambda *values: query_now(context, values), tab.ask.fields, [desk.query], **QUIET)
    return desk


def query_now(context: Context, values: Any) -> str:
    """The query as the Explore tab has it, to be seen when this tab is opened."""
    form = form_of(values)
    try:
        image = flow.read(context, form)
    except RavenError:  # the run will say what is wrong with it
        image = None
    return study_view.asked(image, form.question)
