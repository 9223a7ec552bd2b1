"""The About tab: what this is, how to read it, what is stored, and the button that deletes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from raven_core.errors import RavenError
from raven_core.ui import present
from raven_core.ui.context import Context
from raven_core.ui.controls import html
from raven_core.ui.explore_layout import Tab
from raven_core.ui.judge import updates
from raven_core.ui.labels import label
from raven_core.ui.markup import esc
from raven_core.ui.people import owners
from raven_core.ui.sitting import Sitting
from raven_core.ui.words import say

PAPER = "https://arxiv.org/abs/2406.19150"

Updates = dict[Any, Any]


def build(context: Context, sitting: gr.State, tab: Tab) -> None:
    """Lay the tab out and wire its buttons; ``tab`` is the Explore tab, whose judge panel forgets too."""
    with gr.Column(elem_classes="rv-about"):
        html(lambda: about(context))
        with gr.Column(elem_classes="rv-panel"):
            html(lambda: privacy(context))
            delete = gr.Button(label("delete"), variant="stop", elem_id="rv-delete", visible=context.keeper.is_on)
            with gr.Column(visible=False, elem_id="rv-delete-ask") as asking:
                html(lambda: present.hint(say("delete_ask")))
                with gr.Row():
                    confirm = gr.Button(label("delete_confirm"), variant="stop", elem_id="rv-delete-confirm")
                    cancel = gr.Button(label("delete_cancel"), elem_id="rv-delete-cancel")
            told = html("", elem_id="rv-deleted")

    def forget(state: Sitting, request: gr.Request, profile: gr.OAuthProfile | None) -> Updates:
        mine = owners(state, request, profile)
        shown = {told: present.hint(forget_all(context, state, mine)), asking: gr.update(visible=False)}
        return {**shown, delete: gr.update(visible=True), **updates(tab.panel, context, state)}

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    both = [delete, asking, told]
    delete.click(lambda: (gr.update(visible=False), gr.update(visible=True), ""), None, both, **quiet)
    cancel.click(lambda: (gr.update(visible=True), gr.update(visible=False), ""), None, both, **quiet)
    confirm.click(
        forget, [sitting], [*both, *tab.panel.parts], show_progress="hidden", concurrency_limit=None,
        api_name="delete_mine", api_description="Delete every image, answer and judgment given from this browser.",
    )  # fmt: skip


def forget_all(context: Context, sitting: Sitting, mine: Sequence[str] = ()) -> str:
    """Delete what the person gave and say how much that was; the answer on the page cannot be judged any more.

    Params:
        mine: all that says whom a judgment on the Annotate tab came from; see ``people.owners``.
    """
    try:
        annotated = context.keeper.forget_annotations(mine or [sitting.owner])
        count = context.keeper.forget(sitting.owner)
    except RavenError as problem:
        return present.reason(problem)
    sitting.last, sitting.trial_id, sitting.changing = None, None, False
    told = [say("deleted_one") if count == 1 else say("deleted", trials=count)] if count else []
    told += [say("annotate_deleted", count=annotated)] if annotated else []
    return " ".join(told) or say("deleted_none")


def about(context: Context) -> str:
    """What this is and how to read it."""
    profile = context.profile
    link = f'<a href="{PAPER}" target="_blank" rel="noopener">{esc(say("about_paper"))}</a>'
    steps = "".join(f"<li>{esc(say(f'about_read_{number}'))}</li>" for number in (1, 2, 3, 4))
    return (
        f'<section class="rv-prose"><h2>{esc(say("about_title"))}</h2>'
        f"<p>{esc(say('about_what'))}{say('sentence_join')}{link}{esc(say('full_stop'))}</p>"
        f"<h3>{esc(profile.title)}</h3><p>{esc(profile.description)}</p>"
        f"<h3>{esc(say('about_read'))}</h3><ul>{steps}</ul></section>"
    )


def privacy(context: Context) -> str:
    """What is stored, where, for how long, and who sees it."""
    keeper = context.keeper
    # with a dashboard for all, what "who" promises would not be true
    who = "errors_privacy_all" if context.settings.dashboard == "all" else "privacy_who"
    keys = (
        "privacy_what",
        "privacy_where",
        who,
        "privacy_annotate",
        "privacy_browser",
        "privacy_upload",
        "privacy_off",
    )
    shown = keys if keeper.is_on else ("store_server_off", "privacy_upload")
    items = "".join(f"<li>{esc(say(key, place=keeper.place, term=keeper.term))}</li>" for key in shown)
    return f'<section class="rv-prose"><h3>{esc(say("privacy_title"))}</h3><ul>{items}</ul></section>'
