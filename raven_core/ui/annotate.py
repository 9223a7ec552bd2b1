"""The Annotate tab: answers judged blind, one after the other, by as many people as one likes."""

from __future__ import annotations

import gradio as gr

from raven_core.annotation import Queues
from raven_core.ui import annotate_api, annotate_events, annotate_layout, present
from raven_core.ui.context import Context
from raven_core.ui.controls import html
from raven_core.ui.words import say


def build(context: Context, sitting: gr.State, page: gr.Blocks, own: gr.Tab) -> None:
    """Lay the tab out and wire it; ``own`` is the tab that it stands in. Without a store it only says so."""
    if context.keeper.store is None:
        html(lambda: present.hint(say("annotate_off")))
        return
    queues = Queues(context.keeper.store)
    booth = annotate_layout.build(context)
    annotate_events.wire(booth, context, queues, sitting, page, own)
    annotate_api.wire(queues)
