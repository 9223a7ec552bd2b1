"""What happens on the Compare tab: presses change the study, runs ask the model, views become changes to components."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from raven_core.attribution import MAX_PLAYERS, METHODS, Method
from raven_core.comparison import STUDY_CELLS
from raven_core.edits import AddedPair
from raven_core.errors import RavenError
from raven_core.images import load_image
from raven_core.ui import explore_events, present, study_cards, study_flow, study_view
from raven_core.ui.context import Context
from raven_core.ui.controls import decoded
from raven_core.ui.explore_events import MODEL, QUIET, WORK, Updates, form_of
from raven_core.ui.explore_layout import Tab
from raven_core.ui.sitting import Sitting
from raven_core.ui.study import NO_CAP, Setup, Study
from raven_core.ui.study_flow import StudyView
from raven_core.ui.study_layout import Desk
from raven_core.ui.turns import Turn, settled
from raven_core.ui.words import say

TAB = "compare"
TO_FINDING = f"""() => {{
  if (window.innerWidth < {explore_events.NARROW})
    document.getElementById('rv-study-results').scrollIntoView({{behavior: 'smooth'}});
}}"""


def wire(desk: Desk, tab: Tab, context: Context, sitting: gr.State, study: gr.State, tabs: gr.Tabs) -> None:
    """Connect every press of the tab, and the Explore tab's button that leads here."""

    # a function's name is its endpoint's where none is given: "compare" and "attribute" are those of programs
    def run_comparison(state: Sitting, mine: Study, ticket: str, *values: Any) -> Iterator[Updates]:
        def views(turn: Turn) -> Iterator[StudyView]:
            return study_flow.compare(context, mine, setup_of(values), tuple(state.excluded), turn)

        yield from steps(desk, mine, ticket, views)

    inputs = [sitting, study, desk.ticket, *tab.ask.fields, *desk.switches]
    work: dict[str, Any] = {"fn": run_comparison, "inputs": inputs, "outputs": desk.parts, **WORK}
    outputs = [*desk.parts, desk.ticket]
    desk.run.click(lambda mine: pressed(desk, mine), [study], outputs, **QUIET).then(**work)
    desk.run.click(None, None, None, js=TO_FINDING)
    tab.shown.compare_button.click(None, None, None, js="() => window.scrollTo({top: 0})")
    tab.shown.compare_button.click(
        lambda mine: pressed(desk, mine) | {tabs: gr.update(selected=TAB)}, [study], [*outputs, tabs], **QUIET,
    ).then(**work)  # fmt: skip
    _wire_examples(desk, tab, context, sitting, study, work)
    _wire_cards(desk, context, study, work)
    _wire_attribution(desk, context, study)
    _wire_api(desk, tab, context, sitting, study)
    desk.stop.click(
        lambda mine: stop(desk, mine), [study], desk.parts, show_progress="hidden", concurrency_limit=None,
        api_name="stop_comparing", api_description="Stop the comparison or attribution of this session.",
    )  # fmt: skip


def _wire_examples(
    desk: Desk, tab: Tab, context: Context, sitting: gr.State, study: gr.State, work: dict[str, Any]
) -> None:
    """Another image, here or on the Explore tab, clears what is compared; an example here is compared at once."""

    def clear(mine: Study) -> Updates:
        mine.clear()
        return cleared(desk, mine) | {desk.references: ""}

    def picked(mine: Study, event: gr.EventData) -> Updates:
        mine.clear()
        return cleared(desk, mine) | {desk.references: references_of(context, event.id)}

    def begin(state: Sitting, mine: Study, event: gr.EventData) -> Updates:
        placed = explore_events.place_example(tab, context, state, event.id)
        mine.clear()
        return placed | pressed(desk, mine) | {desk.references: references_of(context, event.id)}

    ask, drawn = tab.ask, [*desk.parts, desk.references]
    gr.on([ask.image.input, ask.image.clear], clear, [study], drawn, **QUIET)
    ask.examples.press(picked, [study], drawn, **QUIET)
    form = [ask.image, ask.task, ask.question, *explore_events.drawn(tab)]
    desk.empty.press(begin, [sitting, study], [*form, *drawn, desk.ticket], **QUIET).success(**work)


def _wire_cards(desk: Desk, context: Context, study: gr.State, work: dict[str, Any]) -> None:
    """Presses on the cells only show something else; presses on the neighbours ask the model again."""

    def mark(mine: Study, event: gr.EventData) -> Updates:
        if event.act == study_view.RIGHT:
            mine.toggle_right(study_view.cell_of(event.id))
        elif event.act == study_view.EXPLAIN:
            mine.choose(study_view.cell_of(event.id))
        mine.turns.touch()
        changes = contents(desk, study_flow.shown(mine))  # no button: a press while gradio draws it anew is lost
        return changes | ({desk.notice: present.progress()} if mine.turns.is_busy else {})

    def change(mine: Study, event: gr.EventData) -> Updates:
        if not change_neighbour(context, mine, event.act, event.id, event.value):
            return page_now(desk, mine)
        return pressed(desk, mine)

    desk.cells.press(mark, [study], desk.contents, **QUIET)
    desk.neighbours.press(change, [study], [*desk.parts, desk.ticket], **QUIET).success(**work)


def _wire_attribution(desk: Desk, context: Context, study: gr.State) -> None:
    def asking(method: Method) -> Callable[..., Iterator[Updates]]:
        def run_attribution(mine: Study, ticket: str) -> Iterator[Updates]:
            yield from steps(desk, mine, ticket, lambda turn: study_flow.attribute(context, mine, method, turn))

        return run_attribution

    outputs = [*desk.parts, desk.ticket]
    for button, method in ((desk.explain, METHODS[0]), (desk.shapley, METHODS[1])):
        button.click(lambda mine: pressed(desk, mine), [study], outputs, **QUIET).then(
            asking(method), [study, desk.ticket], desk.parts, **WORK
        )


def _wire_api(desk: Desk, tab: Tab, context: Context, sitting: gr.State, study: gr.State) -> None:
    """What programs call: the same runs without a page."""

    def compare(  # its parameters are the names that programs use
        state: Sitting, mine: Study, image: Any, task: str, question: str, neighbour_images: bool,
        neighbour_captions: bool, k: int, adapter: str, question_weight: float, order: str, drop_duplicates: bool,
        neighbours: str, leak_cap: float, more_ks: list[int], references: str,
    ) -> dict[str, Any]:  # fmt: skip
        form = (image, task, question, neighbour_images, neighbour_captions, k, adapter, question_weight, order)
        setup = setup_of((*form, drop_duplicates, neighbours, leak_cap, more_ks, references))
        excluded = tuple(state.excluded)
        return explore_events.last_record(
            mine.turns, lambda turn: study_flow.compare(context, mine, setup, excluded, turn)
        )

    def attribute(mine: Study, cell: str, method: Method) -> dict[str, Any]:
        for one in mine.comparison.cells if mine.comparison else ():
            if one.name == cell:
                mine.choose(one.key)
        if mine.cell is not None and mine.cell.name != cell:
            raise gr.Error(say("error_not_explainable"), print_exception=False)
        return explore_events.last_record(mine.turns, lambda turn: study_flow.attribute(context, mine, method, turn))

    queue: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": MODEL}
    gr.on(
        [], compare, [sitting, study, *tab.ask.fields, *desk.switches], [desk.record], **queue, api_name="compare",
        api_description="Ask the same with no neighbours, their captions, their images, both, and with the adapter "
        "that never saw a neighbour; with references, say of each whether retrieval helped or hurt.",
    )  # fmt: skip
    cell = gr.Radio(list(STUDY_CELLS[1:4]), value="both", visible=False, label="cell")
    method = gr.Radio(list(METHODS), value=METHODS[0], visible=False, label="method")
    gr.on(
        [], attribute, [study, cell, method], [desk.record], **queue, api_name="attribute",
        api_description="What each neighbour of this session's last comparison did to the answer of a cell, in nats: "
        "leave-one-out (loo) or exact Shapley values (shapley).",
    )  # fmt: skip


def steps(desk: Desk, study: Study, ticket: str, views: Callable[[Turn], Iterator[StudyView]]) -> Iterator[Updates]:
    """A run of this tab: each view as changes to the components, and the tab as it then should be."""

    def changes(turn: Turn) -> Iterator[Updates]:
        for view in views(turn):
            yield view_updates(desk, study, view)

    yield from settled(study.turns, ticket, changes, lambda: page_now(desk, study), gr.skip())


def setup_of(values: Any) -> Setup:
    """The setup from the values of ``Ask.fields`` and ``Desk.switches``, in their order."""
    *fields, kind, leak_cap, ks, references = values
    form = form_of(fields)
    return Setup(
        # the cells say what is fed; what the Explore tab feeds does not count here
        form=replace(form, modalities=frozenset()),
        kind=kind,
        ks=tuple(sorted({form.k, *map(int, ks)})) if ks else (),
        leak_cap=NO_CAP if leak_cap is None else float(leak_cap),
        references=tuple(line.strip() for line in (references or "").splitlines() if line.strip()),
    )


def references_of(context: Context, identifier: str) -> str:
    """The right answers of an example, one a line, where they are known."""
    known = identifier.isdecimal() and int(identifier) < len(context.examples)
    return "\n".join(context.examples[int(identifier)].references) if known else ""


def pressed(desk: Desk, study: Study) -> Updates:
    """The moment of a press, before the model is free."""
    ticket = study.turns.press()
    return page_now(desk, study) | {desk.ticket: ticket}


def cleared(desk: Desk, study: Study) -> Updates:
    """The tab when its image is gone; opening it shows the next one."""
    return page_now(desk, study) | {desk.query: study_view.asked(None, None)}


def page_now(desk: Desk, study: Study) -> Updates:
    """The tab as it should be now, whatever an older run drew on it."""
    changes = view_updates(desk, study, study_flow.shown(study))
    if not study.turns.is_busy:
        return changes
    return changes | {desk.notice: present.progress(), **_buttons(desk, study, True)}


def view_updates(desk: Desk, study: Study, view: StudyView) -> Updates:
    """A view as changes to components."""
    return contents(desk, view) | _buttons(desk, study, view.running)


def contents(desk: Desk, view: StudyView) -> Updates:
    """What a view says, without the buttons."""
    parts = {
        desk.notice: view.notice, desk.query: view.query, desk.finding: view.finding, desk.cells: view.cells,
        desk.explained: view.explained, desk.neighbours: view.neighbours,
    }  # fmt: skip
    return {part: value for part, value in parts.items() if value is not None}


def _buttons(desk: Desk, study: Study, running: bool) -> Updates:
    """Compare or Stop, whichever can be pressed; the questions about causes where there is an answer to ask about."""
    can_explain = study.cell is not None and not running
    return {
        desk.run: gr.update(visible=not running),
        desk.stop: gr.update(visible=running),
        desk.empty: gr.update(visible=study.comparison is None and not running),
        desk.why: gr.update(visible=can_explain),
        desk.shapley: gr.update(interactive=len(study.neighbours) <= MAX_PLAYERS),
    }


def change_neighbour(context: Context, study: Study, act: str, identifier: str, value: str) -> bool:
    """Do what a card asks for; whether the answers must be asked anew.

    Raises:
        gr.Error: the image that was chosen cannot be read, or there is nothing to add.
    """
    if act == study_cards.UNDO or act == study_cards.UNDO_ALL:
        study.undo(identifier if act == study_cards.UNDO else "")
        return True
    if act == study_cards.ADD:  # a new pair has no id yet: its caption travels in the id's place
        if not identifier.strip() and not value:
            raise gr.Error(say("error_nothing_to_add"), print_exception=False)
        study.added.append(AddedPair(_image(context, value), identifier.strip() or None))
        return True
    if act == study_cards.LEAVE_OUT:
        return study.edit(identifier, exclude=True)
    if act == study_cards.CAPTION:
        return study.edit(identifier, caption=value)
    return act == study_cards.IMAGE and study.edit(identifier, image=_image(context, value))


def _image(context: Context, address: str) -> Any:
    """The image inside a ``data:`` address; None where there is none."""
    if not address:
        return None
    try:
        return load_image(decoded(address), context.settings.max_pixels)
    except RavenError as problem:
        raise gr.Error(present.reason(problem), print_exception=False) from problem


def stop(desk: Desk, study: Study) -> Updates:
    """End what waits or runs; the last comparison stays."""
    study.turns.cancel()
    return page_now(desk, study)
