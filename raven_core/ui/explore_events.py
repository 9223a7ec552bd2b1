"""What happens on the Explore tab: presses become forms, forms become runs, views become changes to components."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from raven_core.types import MODALITIES
from raven_core.ui import cards, flow, judge, present
from raven_core.ui.context import Context
from raven_core.ui.explore_layout import CAPTION, QUESTION, Tab
from raven_core.ui.sitting import Form, Sitting
from raven_core.ui.turns import Turn, Turns, settled
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

QUIET: dict[str, Any] = {
    "show_progress": "hidden", "concurrency_limit": None, "api_visibility": "private", "trigger_mode": "multiple",
}  # fmt: skip
"""For what only changes the page: at once, and of no use to an API client. Every press counts: gradio would else drop
one that comes while the one before is on its way."""

LATEST: dict[str, Any] = {**QUIET, "trigger_mode": "always_last"}
"""For what only shows the present choice: while one choice is on its way, only the last of those after it is sent."""

WORK: dict[str, Any] = {
    "show_progress": "hidden", "concurrency_limit": 1, "concurrency_id": MODEL, "api_visibility": "private",
    "trigger_mode": "multiple",
}  # fmt: skip
"""For runs, which wait for the model; a press while one is under way must bring its own run."""

Updates = dict[Any, Any]


def wire(tab: Tab, context: Context, sitting: gr.State) -> None:
    """Connect every press and key of the tab."""
    _wire_form(tab, context, sitting)

    def run(state: Sitting, ticket: str, *values: Any) -> Iterator[Updates]:
        yield from run_steps(tab, context, state, ticket, values)

    work: dict[str, Any] = {
        "fn": run, "inputs": [sitting, tab.ask.ticket, *tab.ask.fields, tab.ask.store], "outputs": drawn(tab), **WORK,
    }  # fmt: skip
    gr.on(
        [tab.ask.run.click, tab.ask.question.submit], lambda state: pressed(tab, context, state), [sitting],
        [*drawn(tab), tab.ask.ticket], **QUIET,
    ).then(**work)  # fmt: skip
    _wire_examples(tab, context, sitting, work)
    _wire_neighbours(tab, context, sitting, work)
    _wire_api(tab, context, sitting)
    tab.ask.stop.click(
        lambda state: stop(tab, context, state), [sitting], drawn(tab), show_progress="hidden",
        concurrency_limit=None, api_name="stop", api_description="Stop the run of this session.",
    )  # fmt: skip


def _wire_form(tab: Tab, context: Context, sitting: gr.State) -> None:
    """The form itself: the question box comes and goes, another picture clears the answer to the old one."""
    ask = tab.ask
    ask.task.change(
        lambda task: (gr.update(visible=task == QUESTION), run_label(task)), [ask.task], [ask.question, ask.run],
        **LATEST,
    )  # fmt: skip
    ask.task.input(None, [ask.task], None, js=TO_QUESTION)
    gr.on([ask.run.click, ask.question.submit], None, js=TO_ANSWER)
    gr.on(
        [ask.image.input, ask.image.clear], lambda state: clear(tab, context, state), [sitting],
        drawn(tab), **QUIET,
    )  # fmt: skip


def _wire_examples(tab: Tab, context: Context, sitting: gr.State, work: dict[str, Any]) -> None:
    """One press takes an example and runs it."""
    ask = tab.ask

    def pick(state: Sitting, event: gr.EventData) -> Updates:
        return pick_example(tab, context, state, event.id)

    ask.examples.press(None, None, None, js=TO_ANSWER)
    ask.examples.press(
        pick, [sitting], [ask.image, ask.task, ask.question, ask.ticket, *drawn(tab)], **QUIET
    ).success(**work)  # fmt: skip


def _wire_neighbours(tab: Tab, context: Context, sitting: gr.State, work: dict[str, Any]) -> None:
    """Leaving a neighbour out, or putting it back, runs again at once."""

    def choose(state: Sitting, event: gr.EventData) -> Updates:
        choose_neighbour(state, event.act, event.id)
        return pressed(tab, context, state)

    tab.shown.neighbours.press(choose, [sitting], [*drawn(tab), tab.ask.ticket], **QUIET).success(**work)


def _wire_api(tab: Tab, context: Context, sitting: gr.State) -> None:
    """What programs call: the same runs without a page."""

    def answer(  # its parameters are the names that programs use
        state: Sitting, image: Any, task: str, question: str, neighbour_images: bool, neighbour_captions: bool, k: int,
        adapter: str, question_weight: float, order: str, drop_duplicates: bool, store: bool,
    ) -> dict[str, Any]:  # fmt: skip
        fed = (neighbour_images, neighbour_captions)
        form = form_of((image, task, question, *fed, k, adapter, question_weight, order, drop_duplicates))
        return last_record(state.turns, lambda turn: flow.ask(context, state, form, store, turn))

    gr.on(
        [], answer, [sitting, *tab.ask.fields, tab.ask.store], [tab.shown.record],
        concurrency_limit=1, concurrency_id=MODEL, api_name="answer",
        api_description="Answer with these settings: the text, its confidence, the neighbours and what made it.",
    )  # fmt: skip

    def leave_out(state: Sitting, neighbours: Any) -> dict[str, Any]:
        return {"left_out": left_out(state, neighbours)}

    ids = gr.JSON([], visible=False, label="ids of neighbours")
    gr.on(
        [], leave_out, [sitting, ids], [tab.shown.record], concurrency_limit=None, api_name="leave_out",
        api_description="Leave these neighbours, a list of their ids, out of the next answers and comparisons of this "
        "session; an empty list lets all come back.",
    )  # fmt: skip


def last_record(turns: Turns, views: Callable[[Turn], Iterator[Any]]) -> dict[str, Any]:
    """Run to the end without a page; the ``record`` of the last view.

    Raises:
        gr.Error: what was asked is refused, or the run was stopped.
    """
    turn, view = turns.begin(), None
    assert turn is not None  # a turn of its own has nothing to wait for
    try:
        for view in views(turn):
            pass
    finally:
        turns.end(turn)
    record: dict[str, Any] | None = getattr(view, "record", None)
    if record is None:
        refused = getattr(view, "problem", None)
        raise gr.Error(say("stopped") if refused is None else present.reason(refused), print_exception=False)
    return record


def drawn(tab: Tab) -> list[Any]:
    """What presses and runs may change on the page."""
    return [*tab.shown.parts, *tab.panel.parts, tab.ask.run, tab.ask.stop]


def run_steps(tab: Tab, context: Context, sitting: Sitting, ticket: str, values: Any) -> Iterator[Updates]:
    """Answer the form: each view as changes to the components, and the page as it then should be."""
    *fields, store = values

    def views(turn: Turn) -> Iterator[Updates]:
        is_first = True
        for view in flow.ask(context, sitting, form_of(fields), bool(store), turn):
            yield view_updates(tab, context, sitting, view, is_first)
            is_first = False

    yield from settled(sitting.turns, ticket, views, lambda: page_now(tab, context, sitting), gr.skip())


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
        shown.given: view.given, shown.made: view.made,
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


def pressed(tab: Tab, context: Context, sitting: Sitting) -> Updates:
    """The moment of a press, before the model is free: something moves, and Stop is there."""
    ticket = sitting.turns.press()
    return page_now(tab, context, sitting) | {tab.ask.ticket: ticket}


def page_now(tab: Tab, context: Context, sitting: Sitting) -> Updates:
    """The page as it should be now, whatever an older run drew on it; a run that goes on draws its own parts."""
    shown, generation, busy = tab.shown, sitting.generation, sitting.turns.is_busy
    changes: Updates = {shown.notice: present.progress() if busy else "", **_buttons(tab, busy)}
    changes |= judge.hidden(tab.panel) if busy else judge.updates(tab.panel, context, sitting)
    if generation is None:
        welcome = present.welcome(context.profile.title)
        empty = dict.fromkeys((shown.neighbours, shown.given, shown.made), "")
        return changes | empty | {shown.answer: welcome, shown.extras: gr.update(visible=False)}
    if busy:
        is_stale = set(sitting.excluded) != set(generation.settings.get("exclude_ids", ()))
        return changes | ({shown.neighbours: cards.neighbours_waiting(sitting.excluded)} if is_stale else {})
    left = [neighbour for neighbour in generation.neighbours if neighbour.id not in sitting.excluded]
    return changes | {
        shown.notice: flow.far(context, sitting, generation),
        shown.answer: present.answer(generation, sitting.question, stopped=not generation.finished),
        shown.neighbours: cards.neighbours(left, generation.modalities, sitting.excluded),
        shown.extras: gr.update(visible=True),
    }


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
    """Another picture: the answer to the old one goes, and so does a run that is under way."""
    sitting.new_image()
    return page_now(tab, context, sitting)


def pick_example(tab: Tab, context: Context, sitting: Sitting, identifier: str) -> Updates:
    """Put an example into the form and begin to ask about it; an unknown one runs nothing."""
    placed = place_example(tab, context, sitting, identifier)
    label = placed[tab.ask.run]["value"]
    return placed | pressed(tab, context, sitting) | {tab.ask.run: gr.update(value=label, visible=False)}


def place_example(tab: Tab, context: Context, sitting: Sitting, identifier: str) -> Updates:
    """Put an example into the form, and ask nothing yet.

    Raises:
        gr.Error: there is no such example.
    """
    if not identifier.isdecimal() or int(identifier) >= len(context.examples):
        raise gr.Error(say("error_no_example"))
    example = context.examples[int(identifier)]
    task = CAPTION if example.question is None else QUESTION
    return clear(tab, context, sitting) | {
        tab.ask.image: example.image,
        tab.ask.task: task,
        tab.ask.question: gr.update(value=example.question or "", visible=task == QUESTION),
        tab.ask.run: gr.update(value=run_label(task)["value"], visible=True),
    }


def choose_neighbour(sitting: Sitting, act: str, identifier: str) -> None:
    """Do what a press on a neighbour's card asks for."""
    if act == cards.LEAVE_OUT:
        sitting.leave_out(identifier)
    elif act == cards.PUT_BACK:
        sitting.put_back([identifier])
    elif act == cards.PUT_ALL_BACK:
        sitting.put_back()


def left_out(sitting: Sitting, neighbours: Any) -> list[str]:
    """Leave these and no others out, as a program asks for it; ids on the page keep their captions.

    Raises:
        gr.Error: it is no list of ids.
    """
    if not isinstance(neighbours, list) or not all(isinstance(one, str) for one in neighbours):
        raise gr.Error(say("error_no_ids"), print_exception=False)
    found = sitting.generation.neighbours if sitting.generation else ()
    captions = {**{one.id: one.caption or "" for one in found}, **sitting.excluded}
    sitting.put_back()
    sitting.excluded.update({one: captions.get(one, "") for one in neighbours})
    return list(sitting.excluded)


def stop(tab: Tab, context: Context, sitting: Sitting) -> Updates:
    """End what waits or runs; what there is of a stopped answer stays, and cannot be judged."""
    sitting.turns.cancel()
    return page_now(tab, context, sitting)
