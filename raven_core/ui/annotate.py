"""The Annotate tab: answers judged blind, one after the other, by as many people as one likes."""

from __future__ import annotations

import gradio as gr

from raven_core.annotation import Queues
from raven_core.ui import annotate_api, annotate_events, annotate_layout, annotate_making, present
from raven_core.ui.annotate_bench import Bench
from raven_core.ui.context import Context
from raven_core.ui.controls import html
from raven_core.ui.words import say


def build(
    context: Context, sitting: gr.State, browser: gr.BrowserState, page: gr.Blocks, own: gr.Tab, evaluated: gr.State
) -> None:
    """Lay the tab out and wire it. Without a store it only says so.

    Params:
        browser: what ``annotate_events.remembered`` made, outside of the tabs.
        own: the tab that it stands in.
        evaluated: what the Evaluate tab of this page holds.
    """
    if context.keeper.store is None:
        html(lambda: present.hint(say("annotate_off")))
        return
    queues = Queues(context.keeper.store)
    booth = annotate_layout.build(context)
    bench = gr.State(Bench(), delete_callback=Bench.leave)
    annotate_events.wire(booth, queues, sitting, bench, browser, page, own)
    annotate_making.wire(booth, context, queues, sitting, bench, evaluated)
    annotate_api.wire(queues)
