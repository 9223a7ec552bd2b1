"""What happens on the Annotate tab: presses and keys → the bench → the page; orders for queues → queues."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from raven_core.annotation import Queues
from raven_core.annotation_types import Queue
from raven_core.errors import RavenError, StoreError
from raven_core.ui import annotate_bench, annotate_make, present
from raven_core.ui.annotate_bench import Bench
from raven_core.ui.annotate_layout import Booth, source_hint
from raven_core.ui.annotate_view import REVEAL
from raven_core.ui.context import Context
from raven_core.ui.explore_events import NARROW, QUIET, WORK, Updates
from raven_core.ui.sitting import Sitting
from raven_core.ui.words import say

log = logging.getLogger(__name__)

BROWSER_KEY, BROWSER_SECRET = "raven-annotator", "not a secret: it only keeps the value from being read by accident"

JUDGING_QUEUE = "annotate"
JUDGING: dict[str, Any] = {
    "show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple", "concurrency_limit": 1,
    "concurrency_id": JUDGING_QUEUE,
}  # fmt: skip
"""One press after another: the second of two quick ones must see what the first did."""

TO_ITEM = f"""() => {{
  document.activeElement?.blur();  // so that the keys of the item work at once
  if (window.innerWidth < {NARROW}) document.getElementById('rv-annotate-stage').scrollIntoView({{behavior: 'smooth'}});
}}"""


def wire(booth: Booth, context: Context, queues: Queues, sitting: gr.State, page: gr.Blocks, own: gr.Tab) -> None:
    """Connect every press of the tab; ``own`` is the tab it stands in."""
    bench = gr.State(Bench())
    browser = gr.BrowserState(None, storage_key=BROWSER_KEY, secret=BROWSER_SECRET)
    _wire_judging(booth, queues, page, bench, browser)
    _wire_maker(booth, context, queues, sitting, bench)

    def refresh(mine: Bench, name: str) -> Any:
        return gr.update(choices=queue_choices(queues, mine.name or name))  # what is chosen meanwhile stays

    gr.on([own.select, booth.queue.focus], refresh, [bench, booth.name], [booth.queue], **QUIET)


def _wire_judging(booth: Booth, queues: Queues, page: gr.Blocks, bench: gr.State, browser: gr.BrowserState) -> None:
    def begin(
        mine: Bench, name: str, queue_id: str | None, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> Updates:
        changes = begun(booth, queues, mine, login(request, profile) or name, queue_id or "")
        return changes | ({browser: {"name": mine.name, "queue": mine.queue_id}} if mine.is_open else {})

    def resume(mine: Bench, kept: Any, request: gr.Request, profile: gr.OAuthProfile | None) -> Updates:
        changes = resumed(booth, queues, mine, kept, login(request, profile))
        return {booth.stage: annotate_bench.stage(queues, mine)} | changes  # the page was built in English

    def press(mine: Bench, event: gr.EventData) -> Updates:
        return pressed(booth, queues, mine, str(event.act), str(event.id), str(event.value))

    gr.on(
        [booth.begin.click, booth.name.submit], begin, [bench, booth.name, booth.queue], [*booth.parts, browser],
        **JUDGING,
    )  # fmt: skip
    gr.on([booth.begin.click, booth.name.submit], None, None, None, js=TO_ITEM)
    for part in (booth.stage, booth.told):  # gr.on does not take the events of our own HTML
        part.press(press, [bench], booth.parts, **JUDGING)
    page.load(resume, [bench, browser], [*booth.parts, booth.name], **JUDGING)


def _wire_maker(booth: Booth, context: Context, queues: Queues, sitting: gr.State, bench: gr.State) -> None:
    maker = booth.maker
    outputs = [maker.notice, maker.run, maker.stop, booth.queue]

    def make(state: Sitting, mine: Bench, name: str, *values: Any) -> Iterator[Updates]:
        yield from make_steps(booth, context, queues, state.owner, mine.name or name, values)

    made = gr.on([maker.run.click, maker.name.submit], lambda: _buttons(booth, True), None, outputs, **QUIET).then(
        make, [sitting, bench, booth.name, *maker.fields], outputs, **WORK
    )
    maker.stop.click(
        lambda: {maker.notice: present.hint(say("stopped")), **_buttons(booth, False)}, None, outputs, cancels=[made],
        **QUIET,
    )  # fmt: skip
    maker.source.change(
        lambda source: {
            maker.hint: source_hint(source),
            maker.pictures: gr.update(visible=source == annotate_make.EXAMPLES),
            maker.files: gr.update(visible=source == annotate_make.RUN),
            maker.most: gr.update(visible=source != annotate_make.EXAMPLES),
        },
        [maker.source], [maker.hint, maker.pictures, maker.files, maker.most], **QUIET,
    )  # fmt: skip


def login(request: gr.Request | None, profile: gr.OAuthProfile | None) -> str:
    """The name that somebody is logged in with; "" where this page has no login."""
    if profile is not None:
        return str(profile.username)
    return str(getattr(request, "username", None) or "")


def begun(booth: Booth, queues: Queues, bench: Bench, name: str, queue_id: str) -> Updates:
    """Open a queue, or say why not."""
    try:
        annotate_bench.begin(queues, bench, name, queue_id)
    except RavenError as problem:
        return {booth.notice: present.error(problem)}
    return shown(booth, queues, bench) | {booth.queue: queue_menu(queues, bench.name, bench.queue_id)}


def resumed(booth: Booth, queues: Queues, bench: Bench, kept: Any, known: str) -> Updates:
    """The page as its browser left it: the name, the queue, the item that was open; the menu in any case."""
    told = kept if isinstance(kept, dict) else {}
    name, queue_id = known or str(told.get("name") or ""), str(told.get("queue") or "")
    changes: Updates = {booth.queue: queue_menu(queues, name, queue_id)}
    changes[booth.name] = (
        gr.update(value=known, interactive=False, info=say("annotate_name_login"))
        if known
        else gr.update(value=name)
        if name
        else gr.skip()  # somebody may have begun to type
    )
    if not name or all(queue.id != queue_id for queue in queues.all()):
        return changes
    return changes | begun(booth, queues, bench, name, queue_id)


def pressed(booth: Booth, queues: Queues, bench: Bench, act: str, token: str, value: str) -> Updates:
    """What a press on the item leads to; when it is refused, the form keeps what was typed."""
    try:
        annotate_bench.press(queues, bench, act, token, value)
        changes = shown(booth, queues, bench)
        if act == REVEAL:  # the form below keeps what is typed there
            changes.pop(booth.stage)
        return changes
    except StoreError as problem:
        if all(queue.id != bench.queue_id for queue in queues.all()):  # it was deleted under the annotator's hands
            bench.queue_id = ""
            return shown(booth, queues, bench) | {booth.notice: present.error(problem)}
        return {booth.notice: present.error(problem)}
    except RavenError as problem:
        return {booth.notice: present.error(problem)}


def shown(booth: Booth, queues: Queues, bench: Bench) -> Updates:
    """The tab as it is now."""
    above, item = annotate_bench.told(queues, bench), annotate_bench.stage(queues, bench)
    return {booth.notice: "", booth.told: above, booth.stage: item}


def queue_menu(queues: Queues, name: str, chosen: str | None) -> Any:
    """The queues with how far this person is in each, and the one that is chosen."""
    choices = queue_choices(queues, name)
    ids = [identifier for _, identifier in choices]
    return gr.update(choices=choices, value=chosen if chosen in ids else ids[0] if ids else None)


def queue_choices(queues: Queues, name: str) -> list[tuple[str, str]]:
    """Label and id of every queue, newest first."""
    known = " ".join((name or "").split())
    return [(queue_label(queues, queue, known), queue.id) for queue in queues.all()]


def queue_label(queues: Queues, queue: Queue, name: str) -> str:
    """A queue in one line."""
    progress = queues.progress(queue.id, name) if name else None
    if progress is None or not progress.judged:
        return say("annotate_queue_fresh", name=queue.name, items=queue.size)
    return say("annotate_queue_label", name=queue.name, judged=progress.judged, items=queue.size)


def order_of(values: Any) -> annotate_make.Order:
    """The order for a queue from the values of ``Maker.fields``."""
    name, source, pictures, files, order, wanted, most, blind = values
    return annotate_make.Order(
        name=name or "",
        source=source,
        pictures=tuple(map(int, pictures or ())),
        files=tuple(map(str, files or ())),
        order=order,
        wanted=int(wanted),
        most=int(most),
        blind=bool(blind),
    )


def make_steps(booth: Booth, context: Context, queues: Queues, owner: str, name: str, values: Any) -> Iterator[Updates]:
    """Make a queue: how far it is, and in the end the menu with it chosen, or what is wrong."""
    asked = order_of(values)
    try:
        for step in annotate_make.make(context, queues, asked, owner):
            if isinstance(step, Queue):
                key = "annotate_made_one" if step.size == 1 else "annotate_made"
                told = present.hint(say(key, name=step.name, items=step.size))
                menu = queue_menu(queues, name, step.id)
                yield {booth.maker.notice: told, booth.queue: menu, **_buttons(booth, False)}
            else:
                told = present.hint(say("annotate_making", done=step, all=len(asked.pictures)))
                yield {booth.maker.notice: told}
    except RavenError as problem:
        yield {booth.maker.notice: present.error(problem), **_buttons(booth, False)}
    except Exception:
        log.exception("a queue could not be made")
        yield {booth.maker.notice: present.error(say("error_unexpected")), **_buttons(booth, False)}


def _buttons(booth: Booth, running: bool) -> Updates:
    """Make or Stop, whichever can be pressed."""
    return {booth.maker.run: gr.update(visible=not running), booth.maker.stop: gr.update(visible=running)}
