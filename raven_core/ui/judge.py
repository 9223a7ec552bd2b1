"""The judge panel: one press for a verdict, details where it was not a success, and a way back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from raven_core.errors import RavenError
from raven_core.types import ERROR_TAGS, VERDICTS
from raven_core.ui import present
from raven_core.ui.context import Context
from raven_core.ui.controls import html
from raven_core.ui.labels import label
from raven_core.ui.markup import esc, shorten
from raven_core.ui.sitting import Sitting
from raven_core.ui.words import say

log = logging.getLogger(__name__)

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Panel:
    """The components of the judge panel."""

    group: gr.Group
    heading: gr.HTML
    verdict: gr.Radio
    details: gr.Group
    tags: gr.CheckboxGroup
    correction: gr.Textbox
    note: gr.Textbox
    save: gr.Button
    line: gr.HTML
    undo: gr.Row
    change: gr.Button
    withdraw: gr.Button

    @property
    def parts(self) -> list[Any]:
        """What an event of this panel may change."""
        return [
            self.group, self.heading, self.verdict, self.details, self.tags, self.correction, self.note, self.line,
            self.undo, self.change, self.withdraw,
        ]  # fmt: skip


def build() -> Panel:
    """The panel, hidden until there is an answer to judge or a judgment to change."""
    with gr.Column(visible=False, elem_id="rv-judge", elem_classes="rv-panel") as group:
        heading = html(lambda: _heading(say("judge")))
        verdict = gr.Radio(
            [(label(f"verdict_{verdict}"), verdict) for verdict in VERDICTS],
            label=label("judge"), show_label=False, container=False, elem_id="rv-verdict", elem_classes="rv-verdicts",
        )  # fmt: skip
        details, tags, correction, note, save = _details()
        with gr.Row(elem_classes="rv-saved-row") as undo:
            line = html("", elem_id="rv-saved")
            change = gr.Button(label("change"), size="sm", elem_id="rv-change", elem_classes="rv-quiet", min_width=80)
            withdraw = gr.Button(
                label("withdraw"), size="sm", elem_id="rv-withdraw", elem_classes="rv-quiet", min_width=80
            )
    return Panel(group, heading, verdict, details, tags, correction, note, save, line, undo, change, withdraw)


def _details() -> tuple[Any, ...]:
    with gr.Column(visible=False, elem_id="rv-details", elem_classes="rv-details") as details:
        choices = [(label(f"tag_{tag}"), tag) for tag in ERROR_TAGS]
        tags = gr.CheckboxGroup(choices, label=label("tags"), elem_id="rv-tags")
        with gr.Row():
            correction = gr.Textbox("", label=label("correction"), max_length=500, lines=1, elem_id="rv-correction")
            note = gr.Textbox("", label=label("note"), max_length=2000, lines=1, elem_id="rv-note")
        save = gr.Button(label("save_details"), size="sm", elem_id="rv-save-details", elem_classes="rv-save")
    return details, tags, correction, note, save


def _heading(text: str) -> str:
    return f'<h3 class="rv-judge-title">{esc(text)}</h3>'


def updates(panel: Panel, context: Context, sitting: Sitting, line: str | None = None) -> Updates:
    """What the panel shows for this sitting; ``line`` replaces the line about what was saved."""
    given = sitting.target_judgment
    answered = sitting.generation is not None and sitting.generation.finished
    can_judge = sitting.target is not None and context.keeper.is_on
    shown_line = _line(context, sitting) if line is None else line
    heading = say("changing", output=shorten(sitting.judged_output)) if sitting.changing else say("judge")
    other = sitting.last is not None and sitting.last.trial_id != sitting.target
    return {
        panel.group: gr.update(visible=answered or sitting.last is not None),
        panel.heading: gr.update(value=_heading(heading), visible=answered or sitting.changing),
        panel.verdict: gr.update(
            value=given.verdict if given else None, interactive=can_judge, visible=answered or sitting.changing
        ),
        panel.details: gr.update(visible=given is not None and given.verdict != "success"),
        panel.tags: list(given.tags) if given else [],
        panel.correction: given.correction if given else "",
        panel.note: given.note if given else "",
        panel.line: shown_line,
        panel.undo: gr.update(visible=bool(shown_line)),
        panel.change: gr.update(visible=other),
        panel.withdraw: gr.update(visible=sitting.last is not None),
    }


def hidden(panel: Panel) -> Updates:
    """While a run is under way there is nothing to judge."""
    return {panel.group: gr.update(visible=False)}


def _line(context: Context, sitting: Sitting) -> str:
    """What is said beside the verdict: what was saved, the last judgment, or why nothing can be judged."""
    keeper = context.keeper
    given = sitting.target_judgment
    if given is not None:
        return present.saved(
            given.verdict, keeper.count(sitting.owner), bool(given.tags or given.correction or given.note)
        )
    if not keeper.is_on:
        return present.hint(say("not_judgeable_server"))
    unstored = sitting.generation is not None and sitting.generation.finished and sitting.trial_id is None
    line = present.hint(say("not_judgeable")) if unstored else ""
    if sitting.last is not None:
        line += present.previous(sitting.last.verdict, sitting.judged_output, keeper.count(sitting.owner))
    return line


def give(
    panel: Panel, context: Context, sitting: Sitting, verdict: str, tags: Sequence[str], correction: str, note: str
) -> Updates:
    """Save a verdict, or change it; on success the details of an earlier one are dropped."""
    if sitting.target is None or not verdict:
        return updates(panel, context, sitting, present.error(say("error_nothing_to_judge")))
    if verdict == "success":
        tags, correction, note = (), "", ""
    is_new = not sitting.changing
    try:
        sitting.last = context.keeper.judge(sitting.target, verdict, tags, correction, note, sitting.owner)
    except RavenError as problem:
        return updates(panel, context, sitting, present.error(problem))
    if is_new and sitting.generation is not None:
        sitting.judged_output = sitting.generation.text
    return updates(panel, context, sitting)


def take_back(panel: Panel, context: Context, sitting: Sitting) -> Updates:
    """Withdraw the last judgment."""
    if sitting.last is None:
        return updates(panel, context, sitting, present.error(say("error_no_last")))
    try:
        context.keeper.withdraw(sitting.last)
    except RavenError as problem:
        return updates(panel, context, sitting, present.error(problem))
    sitting.last, sitting.changing = None, False
    shown = updates(panel, context, sitting, present.withdrawn(context.keeper.count(sitting.owner)))
    return shown | {panel.group: gr.update(visible=True)}


def point_back(panel: Panel, context: Context, sitting: Sitting) -> Updates:
    """Let the form speak about the last judgment, though another answer is on the page."""
    if sitting.last is None:
        return updates(panel, context, sitting, present.error(say("error_no_last")))
    sitting.changing = True
    return updates(panel, context, sitting)


def wire(panel: Panel, context: Context, sitting: gr.State) -> None:
    """Connect the panel: a verdict saves at once, details on their button or Enter."""

    def judge(state: Sitting, verdict: str, tags: list[str], correction: str, note: str) -> Updates:
        return give(panel, context, state, verdict, tags, correction, note)

    fields = [sitting, panel.verdict, panel.tags, panel.correction, panel.note]
    quiet: dict[str, Any] = {"outputs": panel.parts, "show_progress": "hidden", "concurrency_limit": None}
    panel.verdict.input(
        judge, fields, api_name="judge", trigger_mode="always_last", **quiet,
        api_description="Save a verdict (success, partly or failure) on the answer of this session, or change it.",
    )  # fmt: skip
    gr.on(
        [panel.save.click, panel.correction.submit, panel.note.submit], judge, fields, **quiet,
        api_name="judge_details",
        api_description="Save error tags, a correction and a note with the verdict of this session's answer.",
    )  # fmt: skip
    panel.withdraw.click(
        lambda state: take_back(panel, context, state), [sitting], api_name="withdraw_judgment", **quiet,
        api_description="Withdraw the last judgment given in this session.",
    )  # fmt: skip
    panel.change.click(
        lambda state: point_back(panel, context, state), [sitting], api_name="change_judgment", **quiet,
        api_description="Let the next verdict of this session change its last judgment, not judge the new answer.",
    )  # fmt: skip
