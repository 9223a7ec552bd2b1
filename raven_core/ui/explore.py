"""The Explore tab: ask, see the answer and what it was looked up from, judge it."""

from __future__ import annotations

import gradio as gr

from raven_core.ui import explore_events, explore_layout, judge
from raven_core.ui.context import Context
from raven_core.ui.explore_layout import Tab


def build(context: Context, sitting: gr.State) -> Tab:
    """Lay the tab out and wire it."""
    tab = explore_layout.build(context)
    explore_events.wire(tab, context, sitting)
    judge.wire(tab.panel, context, sitting)
    return tab
