"""What happens on the Annotate tab where something is judged: presses and keys → the bench → the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from raven_core.annotation import Queues
from raven_core.annotation_types import Queue
from raven_core.errors import RavenError, StoreError
from raven_core.ui import annotate_bench, present
from raven_core.ui.annotate_bench import Bench
from raven_core.ui.annotate_layout import Booth
from raven_core.ui.annotate_view import REVEAL
from raven_core.ui.explore_events import NARROW, QUIET, Updates
from raven_core.ui.people import login, owners
from raven_core.ui.sitting import Sitting
from raven_core.ui.words import say

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


def remembered() -> gr.BrowserState:
    """What the browser keeps of an annotator; to be made outside of all tabs.

    gradio mounts what stands in a tab when the tab is first opened, and a state reads the browser when it is mounted:
    in a tab it would still be empty when the page is greeted.
    """
    return gr.BrowserState(None, storage_key=BROWSER_KEY, secret=BROWSER_SECRET)


def wire(
    booth: Booth, queues: Queues, sitting: gr.State, bench: gr.State, browser: gr.BrowserState, page: gr.Blocks,
    own: gr.Tab,
) -> None:  # fmt: skip
    """Connect every press that judges; ``own`` is the tab they stand in, ``browser`` what ``remembered`` made."""
    _wire_judging(booth, queues, page, sitting, bench, browser)
    _wire_forgetting(booth, queues, sitting, bench)

    def refresh(mine: Bench, name: str) -> Any:
        return gr.update(choices=queue_choices(queues, mine.name or name))  # what is chosen meanwhile stays

    gr.on([own.select, booth.queue.focus], refresh, [bench, booth.name], [booth.queue], **QUIET)


def _wire_judging(
    booth: Booth, queues: Queues, page: gr.Blocks, sitting: gr.State, bench: gr.State, browser: gr.BrowserState
) -> None:
    def begin(
        state: Sitting, mine: Bench, name: str, queue_id: str | None, request: gr.Request,
        profile: gr.OAuthProfile | None,
    ) -> Updates:  # fmt: skip
        owner = owners(state, request, profile)[0]
        changes = begun(booth, queues, mine, login(request, profile) or name, queue_id or "", owner)
        return changes | ({browser: {"name": mine.name, "queue": mine.queue_id}} if mine.is_open else {})

    def resume(state: Sitting, mine: Bench, kept: Any, request: gr.Request, profile: gr.OAuthProfile | None) -> Updates:
        owner = owners(state, request, profile)[0]
        changes = resumed(booth, queues, mine, kept, login(request, profile), owner)
        return {booth.stage: annotate_bench.stage(queues, mine)} | changes  # the page was built in English

    def press(
        state: Sitting, mine: Bench, event: gr.EventData, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> Updates:
        owner = owners(state, request, profile)[0]
        return pressed(booth, queues, mine, str(event.act), str(event.id), str(event.value), owner)

    gr.on(
        [booth.begin.click, booth.name.submit], begin, [sitting, bench, booth.name, booth.queue],
        [*booth.parts, browser], **JUDGING,
    )  # fmt: skip
    gr.on([booth.begin.click, booth.name.submit], None, None, None, js=TO_ITEM)
    for part in (booth.stage, booth.told):  # gr.on does not take the events of our own HTML
        part.press(press, [sitting, bench], booth.parts, **JUDGING)
    page.load(resume, [sitting, bench, browser], [*booth.parts, booth.name], **JUDGING)


def _wire_forgetting(booth: Booth, queues: Queues, sitting: gr.State, bench: gr.State) -> None:
    """The button that deletes, which asks first."""
    drawer = booth.forget

    def ask(mine: Bench, name: str, request: gr.Request, profile: gr.OAuthProfile | None) -> Updates:
        return asked_to_forget(booth, login(request, profile) or mine.name or name)

    def forget(state: Sitting, mine: Bench, name: str, request: gr.Request, profile: gr.OAuthProfile | None) -> Updates:
        known = login(request, profile) or name
        return forgotten(booth, queues, mine, known, owners(state, request, profile))

    drawer.delete.click(ask, [bench, booth.name], drawer.parts, **QUIET)
    drawer.cancel.click(lambda: forgetting(booth, False), None, drawer.parts, **QUIET)
    drawer.confirm.click(
        forget, [sitting, bench, drawer.name], [*booth.parts, *drawer.parts], **JUDGING
    )  # the name that was asked about, whatever stands in the form meanwhile


def asked_to_forget(booth: Booth, name: str) -> Updates:
    """The question whether to delete what was given under a name; or that a name is needed."""
    try:
        known = annotate_bench.checked_name(name)
    except RavenError as problem:
        return forgetting(booth, False) | {booth.forget.told: present.error(problem)}
    question = present.hint(say("annotate_forget_ask", name=known))
    return forgetting(booth, True) | {booth.forget.question: question, booth.forget.name: known}


def forgotten(booth: Booth, queues: Queues, bench: Bench, name: str, owners: Sequence[str]) -> Updates:
    """What was given under a name from here is deleted, and the tab shows how much that was."""
    try:
        count = annotate_bench.forget(queues, bench, name, owners)
    except RavenError as problem:
        return forgetting(booth, False) | {booth.forget.told: present.error(problem)}
    key = "annotate_forgotten_none" if not count else "annotate_forgotten"
    told = {booth.forget.told: present.hint(say(key, name=name, count=count))}
    menu = {booth.queue: gr.update(choices=queue_choices(queues, bench.name or name))}
    return shown(booth, queues, bench) | menu | forgetting(booth, False) | told


def forgetting(booth: Booth, is_asked: bool) -> Updates:
    """The button, or the question in its place."""
    drawer = booth.forget
    return {
        drawer.delete: gr.update(visible=not is_asked),
        drawer.asking: gr.update(visible=is_asked),
        drawer.told: "",
    }


def begun(booth: Booth, queues: Queues, bench: Bench, name: str, queue_id: str, owner: str = "") -> Updates:
    """Open a queue, or say why not."""
    try:
        annotate_bench.begin(queues, bench, name, queue_id, owner)
    except RavenError as problem:
        return {booth.notice: present.error(problem)}
    return shown(booth, queues, bench) | {booth.queue: queue_menu(queues, bench.name, bench.queue_id)}


def resumed(booth: Booth, queues: Queues, bench: Bench, kept: Any, known: str, owner: str = "") -> Updates:
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
    return changes | begun(booth, queues, bench, name, queue_id, owner)


def pressed(booth: Booth, queues: Queues, bench: Bench, act: str, token: str, value: str, owner: str = "") -> Updates:
    """What a press on the item leads to; when it is refused, the form keeps what was typed."""
    try:
        annotate_bench.press(queues, bench, act, token, value, owner)
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
