"""What happens on the Errors tab: presses become looks at the judgments, looks become changes to components."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import gradio as gr

from raven_core.errors import RavenError
from raven_core.ui import errors_cards, errors_flow, errors_view, present
from raven_core.ui.context import Context
from raven_core.ui.errors_flow import KEYS, TAB, Asked, asked_in, asked_of
from raven_core.ui.errors_layout import FILTERS, MENUS, Desk
from raven_core.ui.explore_events import LATEST, MODEL, QUIET, WORK, Updates
from raven_core.ui.sitting import Sitting, known_person
from raven_core.ui.words import say

if TYPE_CHECKING:  # it imports pandas, which takes a moment
    from raven_core.ui.errors_findings import Findings

FILES: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "export"}

_DROP = f"const kept = new URLSearchParams(location.search); {list(KEYS)}.forEach((key) => kept.delete(key));"
_PUT = """
  const told = kept.toString();
  history.replaceState(history.state, '', location.pathname + (told ? '?' + told : '') + location.hash);"""
WRITE = f"""(query) => {{
  if (!document.getElementById('rv-errors')?.offsetParent) return;
  {_DROP}
  new URLSearchParams(query).forEach((value, key) => kept.append(key, value)); {_PUT}
}}"""
"""Keep the filters in the address while the tab is open."""

LEAVE = f"""() => setTimeout(() => {{
  if (document.getElementById('rv-errors')?.offsetParent) return;
  {_DROP} {_PUT}
}}, 200)"""
"""Another tab is open: the address is no longer this one's."""

TO_REPLAY = "() => document.getElementById('rv-err-replay')?.scrollIntoView({behavior: 'smooth', block: 'center'})"
TO_ANSWERS = "() => document.getElementById('rv-err-gallery')?.scrollIntoView({behavior: 'smooth'})"
DOWNLOAD = """() => setTimeout(() => {
  const made = document.getElementById('rv-err-download');
  (made?.matches('a, button') ? made : made?.querySelector('a, button'))?.click();
}, 300)"""


def wire(desk: Desk, context: Context, sitting: gr.State, tabs: gr.Tabs, own: gr.Tab, browser: gr.BrowserState) -> None:
    """Connect every press of the tab, and the opening of a page whose address names it."""
    _wire_looks(desk, context, sitting, tabs, own)
    _wire_opening(desk, context, tabs, browser)
    _wire_replay(desk, context, sitting)
    _wire_export(desk, context, sitting)
    _wire_api(desk, context, sitting)


def _wire_looks(desk: Desk, context: Context, sitting: gr.State, tabs: gr.Tabs, own: gr.Tab) -> None:
    def anew(state: Sitting, *values: Any) -> Updates:
        return shown(desk, context, state.owner, asked_of(values), with_form=True)

    def from_first(state: Sitting, *values: Any) -> Updates:
        return shown(desk, context, state.owner, replace(asked_of(values), page=0))

    def press(event: gr.EventData, state: Sitting, *values: Any) -> Updates:
        change = "" if event.act == errors_view.CLEAR else str(event.id)
        asked = replace(asked_of(values), page=0, change=change)
        return shown(desk, context, state.owner, asked, with_form=True)

    look: dict[str, Any] = {"inputs": [sitting, *desk.asked], "outputs": desk.parts, **LATEST}
    menus, typed = desk.filters[: len(MENUS)], desk.filters[len(MENUS) :]
    changes = [part.input for part in (*menus, desk.by, desk.every)]
    changes += [event for part in typed for event in (part.submit, part.blur)]
    looks = [own.select(anew, **look), gr.on(changes, from_first, **look)]
    looks += [part.press(press, **look) for part in (desk.active, desk.chart)]
    for event in looks:
        event.success(None, [desk.address], None, js=WRITE)
    tabs.change(None, None, None, js=LEAVE)
    for button, step in ((desk.newer, -1), (desk.older, 1)):
        button.click(_leaf(desk, context, step), **look).success(None, None, None, js=TO_ANSWERS)


def _leaf(desk: Desk, context: Context, step: int) -> Any:
    def turn_page(state: Sitting, *values: Any) -> Updates:
        asked = asked_of(values)
        return shown(desk, context, state.owner, replace(asked, page=asked.page + step))

    return turn_page


def _wire_opening(desk: Desk, context: Context, tabs: gr.Tabs, browser: gr.BrowserState) -> None:
    def opened(kept: Any, request: gr.Request) -> Updates:
        errors_flow.warm(context)
        found = [(str(key), str(value)) for key, value in _pairs(request) if key in KEYS]
        if ("tab", TAB) not in found:
            return {desk.address: ""}
        person = known_person(kept.get("person") if isinstance(kept, dict) else None)
        drawn = shown(desk, context, person, asked_in(urlencode(found)), with_form=True)
        return {tabs: gr.update(selected=TAB), **drawn}

    root = gr.context.Context.root_block
    assert root is not None  # the tab is built inside the page
    root.load(opened, [browser], [*desk.parts, tabs], **QUIET)


def _pairs(request: gr.Request) -> Any:
    """What the address of the page says; names may come twice."""
    params = request.query_params
    return params.multi_items() if hasattr(params, "multi_items") else dict(params).items()


def _wire_replay(desk: Desk, context: Context, sitting: gr.State) -> None:
    def wait(event: gr.EventData, state: Sitting) -> Updates:
        with _refusing():
            shown_now = errors_flow.waiting(context, state.owner, str(event.id))
        return {desk.replay: shown_now, desk.wanted: str(event.id)}

    def run_replay(state: Sitting, name: str) -> str:
        return errors_flow.replay(context, state.owner, name)

    pressed = desk.gallery.press(wait, [sitting], [desk.replay, desk.wanted], **QUIET)
    pressed.success(run_replay, [sitting, desk.wanted], [desk.replay], **WORK)
    pressed.success(None, None, None, js=TO_REPLAY)


def _wire_export(desk: Desk, context: Context, sitting: gr.State) -> None:
    def make(state: Sitting, format_: str, *values: Any) -> Iterator[Updates]:
        yield from export_steps(desk, context, state.owner, format_, asked_of(values))

    outputs = [desk.made, desk.download, desk.make, desk.stop]
    made = desk.make.click(
        make, [sitting, desk.format, *desk.asked], outputs, show_progress="hidden", api_visibility="private", **FILES
    )
    made.success(None, None, None, js=DOWNLOAD)
    desk.stop.click(
        lambda: _export_ended(desk, present.hint(say("errors_stopped"))), None, outputs, cancels=[made], **QUIET
    )


def _wire_api(desk: Desk, context: Context, sitting: gr.State) -> None:
    """What programs call."""

    def findings(state: Sitting, filters: str, by: str) -> dict[str, Any]:
        from raven_core.ui.errors_findings import plain

        with _refusing():
            return plain(errors_flow.look(context, state.owner, Asked(by=by, query=filters)))

    def replay_judgment(state: Sitting, name: str) -> dict[str, Any]:
        from raven_core.ui.errors_findings import card_named, plain_replay, replay

        with _refusing():
            store = errors_flow.store_of(context)
            card = card_named(store, errors_flow.seen_by(context, state.owner), name)
            return plain_replay(replay(context.raven, store, card))

    def export_findings(state: Sitting, filters: str, format_: str) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            yield export_into(context, state.owner, format_, Asked(query=filters), folder)[0]

    filters = gr.Textbox("", visible=False, label="filters")
    gr.on(
        [], findings, [sitting, filters, desk.by], [desk.record], concurrency_limit=None, api_name="findings",
        api_description="Success rates with 95% intervals, what retrieval helped and hurt, how often it is preferred, "
        "agreement, and the newest judged answers, under filters such as cell=both&tag=majority-copy.",
    )  # fmt: skip
    gr.on(
        [], replay_judgment, [sitting, desk.wanted], [desk.record], concurrency_limit=1, concurrency_id=MODEL,
        api_name="replay", api_description="Ask a judged answer again, by its `replay` name in `findings`: whether it "
        "is the same, and what has changed since.",
    )  # fmt: skip
    gr.on(
        [], export_findings, [sitting, filters, desk.format], [gr.File(visible=False, label="file")], **FILES,
        api_name="export_findings", api_description="What the filters keep as a file: csv, jsonl, parquet, html, coco, "
        "vqa, preferences, corrections or regression.",
    )  # fmt: skip


@contextmanager
def _refusing() -> Iterator[None]:
    """What RAVEN refuses is told to whoever asked."""
    try:
        yield
    except RavenError as problem:
        raise gr.Error(present.reason(problem), print_exception=False) from problem


# ---------------------------------------------------------------- drawing


def shown(desk: Desk, context: Context, person: str, asked: Asked, with_form: bool = False) -> Updates:
    """A look as changes to components; ``with_form`` also writes the filters into their boxes."""
    if not context.keeper.is_on:
        return {desk.headline: errors_view.nothing(stores=False)}
    try:
        found = errors_flow.look(context, person, asked)
    except RavenError as problem:
        return {desk.notice: present.error(problem)}
    changes: Updates = {desk.notice: "", desk.replay: "", **_figures(desk, found), **_answers(desk, context, found)}
    changes |= {desk.address: errors_flow.address(found.filters, asked.by, asked.every), desk.made: ""}
    changes[desk.download] = gr.update(visible=False)
    return changes | (_form(desk, found, asked, person) if with_form else {})


def _figures(desk: Desk, found: Findings) -> Updates:
    from raven_core.ui.errors_findings import parts

    if not found.total:
        return {
            desk.headline: errors_view.nothing(stores=True), desk.active: "", desk.figures: gr.update(visible=False)
        }  # fmt: skip
    return {
        desk.active: errors_view.active(found, parts(found.filters)),
        desk.headline: errors_view.headline(found, say("errors_method_name")),
        desk.figures: gr.update(visible=bool(found.overall.n)),
        desk.chart: errors_view.chart(found),
        desk.flow: errors_view.flow(found.flow),
        desk.trend: errors_view.trend(found.trend, found.every),
    }


def _answers(desk: Desk, context: Context, found: Findings) -> Updates:
    from raven_core.ui.errors_findings import ON_A_PAGE, can_replay

    pictures = errors_cards.pictures_of(errors_flow.store_of(context))
    return {
        desk.gallery: errors_cards.gallery(found, pictures, can_replay),
        desk.place: errors_cards.place(found, ON_A_PAGE),
        desk.page: found.page,
        desk.newer: gr.update(interactive=found.page > 0),
        desk.older: gr.update(interactive=found.page + 1 < found.pages),
    }


def _form(desk: Desk, found: Findings, asked: Asked, person: str) -> Updates:
    from raven_core.ui.errors_findings import masked

    values, own = errors_flow.values_of(found.filters), masked(person)
    changes: Updates = {desk.by: asked.by, desk.every: asked.every}
    for name, part in zip(FILTERS, desk.filters, strict=True):
        if name not in MENUS:
            changes[part] = values[name]
            continue
        labels = [
            say("errors_you", name=value) if name == "annotators" and value == own
            else errors_view.told(MENUS[name], value)
            for value in found.choices[name]
        ]  # fmt: skip
        changes[part] = gr.update(choices=list(zip(labels, found.choices[name], strict=True)), value=values[name])
    return changes


# ---------------------------------------------------------------- export


def export_into(context: Context, person: str, format_: str, asked: Asked, folder: str) -> tuple[str, int]:
    """Write what this person may see and has filtered into a folder; the file, and how many entries it holds.

    Raises:
        gr.Error: it is refused.
    """
    from raven_core.ui.errors_findings import export

    with _refusing():
        seen = errors_flow.seen_by(context, person).under(errors_flow.filters_of(asked))
        path, count = export(errors_flow.store_of(context), seen, format_, Path(folder))
    return str(path), count


def export_steps(desk: Desk, context: Context, person: str, format_: str, asked: Asked) -> Iterator[Updates]:
    """Make a file: a sign that it is being made, then the button that downloads it, or why not."""
    yield {
        desk.made: errors_cards.making(), desk.download: gr.update(visible=False),
        desk.make: gr.update(visible=False), desk.stop: gr.update(visible=True),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:  # gradio copies the file before it asks for the next step
        try:
            path, count = export_into(context, person, format_, asked, folder)
        except gr.Error as problem:
            yield _export_ended(desk, present.error(problem.message))
            return
        label = say("errors_download", name=Path(path).name)
        ready = gr.update(value=path, label=label, visible=True)
        yield {**_export_ended(desk, errors_cards.exported(count)), desk.download: ready}


def _export_ended(desk: Desk, told: str) -> Updates:
    return {
        desk.made: told, desk.download: gr.update(visible=False), desk.make: gr.update(visible=True),
        desk.stop: gr.update(visible=False),
    }  # fmt: skip
