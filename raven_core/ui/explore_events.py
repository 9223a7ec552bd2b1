"""What happens on the Explore tab: presses become forms, forms become runs, views become changes to components."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from raven_core.types import MODALITIES
from raven_core.ui import cards, flow, judge, present
from raven_core.ui.context import Context
from raven_core.ui.explore_layout import CAPTION, QUESTION, Tab
from raven_core.ui.sitting import Form, Sitting
from raven_core.ui.words import say

MODEL = "model"  # the one queue of all model work: two runs at once would only slow each other down
NARROW = 900  # pixels: below, the answer stands under the form

TO_ANSWER = f"""() => {{
  if (window.innerWidth < {NARROW}) document.getElementById('rv-results').scrollIntoView({{behavior: 'smooth'}});
}}"""
TO_QUESTION = """(task) => {
  const focus = () => document.querySelector('#rv-question input, #rv-question textarea')?.focus();
  if (task === 'question') setTimeout(focus, 80);
}"""

QUIET: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "api_visibility": "private"}
"""For what only changes the page: at once, and of no use to an API client."""

Updates = dict[Any, Any]


def wire(tab: Tab, context: Context, sitting: gr.State) -> None:
    """Connect every press and key of the tab."""
    _wire_form(tab, context, sitting)
    outputs = [*tab.shown.parts, *tab.panel.parts, tab.ask.run, tab.ask.stop, sitting]

    def run(state: Sitting, *values: Any) -> Iterator[Updates]:
        yield from run_steps(tab, context, state, values)

    work: dict[str, Any] = {
        "fn": run, "inputs": [sitting, *tab.ask.fields, tab.ask.store], "outputs": outputs,
        "show_progress": "hidden", "concurrency_limit": 1, "concurrency_id": MODEL,
    }  # fmt: skip
    begin = gr.on(
        [tab.ask.run.click, tab.ask.question.submit], lambda: begun(tab), None,
        [tab.shown.notice, tab.shown.compare_button, tab.ask.run, tab.ask.stop], **QUIET,
    )  # fmt: skip
    asked = begin.then(
        **work, api_name="answer",
        api_description="Answer with these settings: HTML for each part of the page, and a JSON record at the end.",
    )  # fmt: skip
    runs = [asked, _wire_examples(tab, context, sitting, work), _wire_neighbours(tab, sitting, work)]
    _wire_compare(tab, context, sitting, runs)
    _wire_stop(tab, context, sitting, runs, outputs)


def _wire_form(tab: Tab, context: Context, sitting: gr.State) -> None:
    """The form itself: the question box comes and goes, another picture clears the answer to the old one."""
    ask = tab.ask
    ask.task.change(
        lambda task: (gr.update(visible=task == QUESTION), run_label(task)), [ask.task], [ask.question, ask.run],
        **QUIET,
    )  # fmt: skip
    ask.task.input(None, [ask.task], None, js=TO_QUESTION)
    ask.run.click(None, None, None, js=TO_ANSWER)
    gr.on(
        [ask.image.input, ask.image.clear], lambda state: clear(tab, context, state), [sitting],
        [*tab.shown.parts, *tab.panel.parts, ask.run, ask.stop], **QUIET,
    )  # fmt: skip


def _wire_examples(tab: Tab, context: Context, sitting: gr.State, work: dict[str, Any]) -> Any:
    """One press takes an example and runs it."""
    ask = tab.ask

    def pick(state: Sitting, event: gr.EventData) -> Updates:
        return pick_example(tab, context, state, event.id)

    ask.examples.press(None, None, None, js=TO_ANSWER)
    return ask.examples.press(
        pick, [sitting], [ask.image, ask.task, ask.question, ask.run, ask.stop, *tab.shown.parts, *tab.panel.parts],
        **QUIET,
    ).success(**work, api_visibility="private")  # fmt: skip


def _wire_neighbours(tab: Tab, sitting: gr.State, work: dict[str, Any]) -> Any:
    """Leaving a neighbour out, or putting it back, runs again at once."""

    def choose(state: Sitting, event: gr.EventData) -> Updates:
        choose_neighbour(state, event.act, event.id)
        return begun(tab) | {tab.shown.neighbours: cards.neighbours_waiting(state.excluded)}

    shown = tab.shown
    return shown.neighbours.press(
        choose, [sitting], [shown.neighbours, shown.notice, shown.compare_button, tab.ask.run, tab.ask.stop], **QUIET,
    ).success(**work, api_visibility="private")  # fmt: skip


def _wire_compare(tab: Tab, context: Context, sitting: gr.State, runs: list[Any]) -> None:
    def compare(state: Sitting, *values: Any) -> Iterator[Updates]:
        for view in flow.compare(context, state, form_of(values)):
            yield {tab.shown.compare_button: gr.update(interactive=not view.running)} | view_parts(tab, view)

    comparing = tab.shown.compare_button.click(
        compare, [sitting, *tab.ask.fields], tab.shown.parts, show_progress="hidden",
        concurrency_limit=1, concurrency_id=MODEL, api_name="compare",
        api_description="The same query as set, without retrieval, and with the adapter that never saw retrieval.",
    )  # fmt: skip
    runs.append(comparing)


def _wire_stop(tab: Tab, context: Context, sitting: gr.State, runs: list[Any], outputs: list[Any]) -> None:
    """Stop ends whatever this page is running; a new picture or example does so too."""
    tab.ask.stop.click(
        lambda state: stop(tab, context, state), [sitting], outputs, cancels=runs, show_progress="hidden",
        concurrency_limit=None, api_name="stop", api_description="Stop the run of this session.",
    )  # fmt: skip
    gr.on([tab.ask.image.input, tab.ask.image.clear], None, cancels=runs)
    tab.ask.examples.press(None, cancels=runs)


def run_steps(tab: Tab, context: Context, sitting: Sitting, values: Any) -> Iterator[Updates]:
    """Answer the form: each view as changes to the components."""
    *fields, store = values
    is_first = True
    for view in flow.ask(context, sitting, form_of(fields), bool(store)):
        yield view_updates(tab, context, sitting, view, is_first)
        is_first = False


def form_of(values: Any) -> Form:
    """The form from the values of ``Ask.fields``, in their order."""
    image, task, question, images, captions, k, adapter, weight, order, duplicates = values
    fed = zip(MODALITIES, (images, captions), strict=True)
    return Form(
        image=image,
        question=(question or "") if task == QUESTION else None,
        modalities=frozenset(name for name, is_fed in fed if is_fed),
        k=int(k),
        adapter=adapter,
        question_weight=weight,
        order=order,
        drop_duplicates=bool(duplicates),
    )


def view_parts(tab: Tab, view: flow.View) -> Updates:
    """The parts of the page that a view changes."""
    shown = tab.shown
    parts = {
        shown.notice: view.notice, shown.answer: view.answer, shown.neighbours: view.neighbours,
        shown.given: view.given, shown.made: view.made, shown.compare: view.compare, shown.record: view.record,
    }  # fmt: skip
    return {part: value for part, value in parts.items() if value is not None}


def view_updates(tab: Tab, context: Context, sitting: Sitting, view: flow.View, is_first: bool) -> Updates:
    """A view as changes to components; the judge panel goes away at the start and comes back at the end."""
    changes = view_parts(tab, view)
    if is_first or not view.running:
        changes |= _buttons(tab, view.running)
        changes[tab.shown.extras] = gr.update(visible=not view.running and sitting.generation is not None)
        changes |= judge.hidden(tab.panel) if view.running else judge.updates(tab.panel, context, sitting)
    return changes


def begun(tab: Tab) -> Updates:
    """The moment of a press, before the model is free: something moves, and Stop is there."""
    return {tab.shown.notice: present.progress(), **_buttons(tab, True)}


def _buttons(tab: Tab, running: bool) -> Updates:
    """Run or Stop, whichever can be pressed."""
    return {
        tab.ask.run: gr.update(visible=not running),
        tab.ask.stop: gr.update(visible=running),
        tab.shown.compare_button: gr.update(interactive=not running),
    }


def run_label(task: str) -> Updates:
    """The run button says what it will do."""
    return gr.update(value=say("run_question" if task == QUESTION else "run_caption"))


def clear(tab: Tab, context: Context, sitting: Sitting) -> Updates:
    """Another picture: the answer to the old one goes."""
    sitting.new_image()
    shown = tab.shown
    return {
        shown.notice: "", shown.answer: present.welcome(context.profile.title), shown.neighbours: "",
        shown.compare: "", shown.given: "", shown.made: "", shown.extras: gr.update(visible=False),
        **_buttons(tab, False), **judge.updates(tab.panel, context, sitting),
    }  # fmt: skip


def pick_example(tab: Tab, context: Context, sitting: Sitting, identifier: str) -> Updates:
    """Put an example into the form; an unknown one runs nothing."""
    if not identifier.isdecimal() or int(identifier) >= len(context.examples):
        raise gr.Error(say("error_no_example"))
    example = context.examples[int(identifier)]
    task = CAPTION if example.question is None else QUESTION
    return clear(tab, context, sitting) | {
        tab.ask.image: example.image,
        tab.ask.task: task,
        tab.ask.question: gr.update(value=example.question or "", visible=task == QUESTION),
        **begun(tab),
        tab.ask.run: gr.update(value=run_label(task)["value"], visible=False),
    }


def choose_neighbour(sitting: Sitting, act: str, identifier: str) -> None:
    """Do what a press on a neighbour's card asks for."""
    if act == cards.LEAVE_OUT:
        sitting.leave_out(identifier)
    elif act == cards.PUT_BACK:
        sitting.put_back([identifier])
    elif act == cards.PUT_ALL_BACK:
        sitting.put_back()


def stop(tab: Tab, context: Context, sitting: Sitting) -> Updates:
    """Show what there is of a stopped answer, which cannot be judged."""
    begun = sitting.generation
    answer = present.welcome(context.profile.title) if begun is None else present.answer(begun, sitting.question, True)
    return {
        tab.shown.notice: "",
        tab.shown.answer: answer,
        tab.shown.extras: gr.update(visible=begun is not None),
        **_buttons(tab, False),
        **judge.updates(tab.panel, context, sitting),
    }
