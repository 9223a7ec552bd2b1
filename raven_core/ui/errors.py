"""The Errors tab: how often answers are right, what retrieval helped and hurt, and the answers themselves."""

from __future__ import annotations

import gradio as gr

from raven_core.ui import errors_events, errors_layout
from raven_core.ui.context import Context
from raven_core.ui.errors_layout import Desk


def build(context: Context, sitting: gr.State, tabs: gr.Tabs, own: gr.Tab, browser: gr.BrowserState) -> Desk:
    """Lay the tab out and wire it; ``own`` is the tab that it stands in."""
    desk = errors_layout.build(context)
    errors_events.wire(desk, context, sitting, tabs, own, browser)
    return desk
