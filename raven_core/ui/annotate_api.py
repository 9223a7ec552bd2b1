"""Annotation for programs: the same queues without a page, as plain values. Blind stays blind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr

from raven_core.annotation import Queues
from raven_core.annotation_types import Queue, Showing
from raven_core.errors import RavenError
from raven_core.ui import annotate_bench, present
from raven_core.ui.annotate_events import login

T = TypeVar("T")


def wire(queues: Queues) -> None:
    """Give the page its endpoints for annotation."""

    def annotation_queues() -> list[dict[str, Any]]:
        return refused_in_words(lambda: [queue_record(queues, queue) for queue in queues.all()])

    def next_item(
        queue_id: str, annotator: str, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> dict[str, Any]:
        who = login(request, profile) or annotator
        return refused_in_words(lambda: next_record(queues, queue_id, who))

    def annotate(
        item_id: str, annotator: str, request: gr.Request, profile: gr.OAuthProfile | None, preference: str = "",
        verdicts: dict[str, str] | None = None, tags: dict[str, list[str]] | None = None, correction: str = "",
        note: str = "", token: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        who = login(request, profile) or annotator
        said: dict[str, Any] = {"preference": preference, "verdicts": verdicts or {}, "tags": tags or {}}
        texts: dict[str, Any] = {"correction": correction, "note": note, "token": token}
        return refused_in_words(lambda: submitted(queues, item_id, who, {**said, **texts}))

    def undo_annotation(
        queue_id: str, annotator: str, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> dict[str, Any]:
        who = login(request, profile) or annotator
        return refused_in_words(lambda: undone(queues, queue_id, who))

    gr.api(
        annotation_queues, api_name="annotation_queues", concurrency_limit=None,
        api_description="The annotation queues, newest first: id, name, items, and how many have all their judgments.",
    )  # fmt: skip
    gr.api(
        next_item, api_name="annotate_next", concurrency_limit=None,
        api_description="The item of a queue that this annotator should judge now, with a token for the judgment; "
        "empty when nothing is left for them. In a blind queue nothing says which candidate had retrieval.",
    )  # fmt: skip
    gr.api(
        annotate, api_name="annotate", concurrency_limit=None,
        api_description="Judge an item: preference (a letter, both-good, both-bad, skip, or empty), verdicts and error "
        "tags by letter, a correction, a note. Sent twice with one token it counts once.",
    )  # fmt: skip
    gr.api(
        undo_annotation, api_name="annotate_undo", concurrency_limit=None,
        api_description="Take back what this annotator said last in a queue; the item is open to them again.",
    )  # fmt: skip


def queue_record(queues: Queues, queue: Queue) -> dict[str, Any]:
    """A queue as plain values."""
    progress = queues.progress(queue.id)
    same = ("id", "name", "source", "order", "blind", "wanted", "created")
    counts = {"items": progress.items, "complete": progress.complete, "judgments": progress.judgments}
    return {**{name: getattr(queue, name) for name in same}, **counts}


def next_record(queues: Queues, queue_id: str, annotator: str) -> dict[str, Any]:
    """The next item as plain values; empty when nothing is left."""
    showing = queues.next_item(queue_id, annotate_bench.checked_name(annotator))
    return {} if showing is None else item_record(showing)


def submitted(queues: Queues, item_id: str, annotator: str, said: dict[str, Any]) -> dict[str, Any]:
    """A judgment, stored, as plain values."""
    given = queues.submit(item_id, annotate_bench.checked_name(annotator), **said)
    return {"id": given.id, "item_id": given.item_id, "preference": given.preference, "updated": given.updated}


def undone(queues: Queues, queue_id: str, annotator: str) -> dict[str, Any]:
    """The item that is open again as plain values; empty when there was nothing to take back."""
    showing = queues.undo(queue_id, annotate_bench.checked_name(annotator))
    return {} if showing is None else item_record(showing)


def item_record(showing: Showing) -> dict[str, Any]:
    """An item as this annotator may see it; ``cell`` only where the queue is not blind."""
    same = ("item_id", "number", "question", "image_hash", "blind", "token")
    candidates = [
        {"letter": one.letter, "text": one.text, **({"cell": one.details.cell} if one.details is not None else {})}
        for one in showing.candidates
    ]
    return {**{name: getattr(showing, name) for name in same}, "candidates": candidates}


def refused_in_words(act: Callable[[], T]) -> T:
    """What the act gives.

    Raises:
        gr.Error: it was refused, with the reason.
    """
    try:
        return act()
    except RavenError as problem:
        raise gr.Error(present.reason(problem), print_exception=False) from problem
