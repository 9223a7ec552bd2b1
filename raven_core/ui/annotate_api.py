"""Annotation for programs: the same queues without a page, as plain values. Blind stays blind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gradio as gr

from raven_core.annotation import Queues
from raven_core.annotation_types import LETTERS, ItemJudgment, Queue, Showing
from raven_core.errors import RavenError
from raven_core.images import load_image
from raven_core.ui import annotate_bench, present
from raven_core.ui.people import login, owners

T = TypeVar("T")


def wire(queues: Queues) -> None:
    """Give the page its endpoints for annotation."""
    _wire_reading(queues)
    _wire_picture(queues)
    _wire_judging(queues)


def asking(annotator: str, request: gr.Request | None, profile: gr.OAuthProfile | None) -> tuple[str, list[str]]:
    """Under which name a program asks, a login's before any other, and all that says that it is the one who asks."""
    return login(request, profile) or annotator, owners(None, request, profile)


def _wire_reading(queues: Queues) -> None:
    """What there is to judge, and what came to light once it was judged."""

    def annotation_queues() -> list[dict[str, Any]]:
        return refused_in_words(lambda: [queue_record(queues, queue) for queue in queues.all()])

    def reveal_annotation(
        item_id: str, annotator: str, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> dict[str, Any]:
        who, _ = asking(annotator, request, profile)
        return refused_in_words(lambda: revealed_record(queues, item_id, who))

    gr.api(
        reveal_annotation, api_name="annotate_reveal", concurrency_limit=None,
        api_description="An item that this annotator has judged in full: how each answer came about, and what others "
        "said, in this annotator's letters.",
    )  # fmt: skip
    gr.api(
        annotation_queues, api_name="annotation_queues", concurrency_limit=None,
        api_description="The annotation queues, newest first: id, name, items, and how many have all their judgments.",
    )  # fmt: skip


def _wire_judging(queues: Queues) -> None:
    """To judge item after item, and to take back what was said."""

    def next_item(
        queue_id: str, annotator: str, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> dict[str, Any]:
        who, mine = asking(annotator, request, profile)
        return refused_in_words(lambda: next_record(queues, queue_id, who, mine[0]))

    def annotate(
        item_id: str, annotator: str, request: gr.Request, profile: gr.OAuthProfile | None, preference: str = "",
        verdicts: dict[str, str] | None = None, tags: dict[str, list[str]] | None = None, correction: str = "",
        note: str = "", token: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        who, mine = asking(annotator, request, profile)
        said: dict[str, Any] = {"preference": preference, "verdicts": verdicts or {}, "tags": tags or {}}
        texts: dict[str, Any] = {"correction": correction, "note": note, "token": token, "owner": mine[0]}
        return refused_in_words(lambda: submitted(queues, item_id, who, {**said, **texts}))

    def undo_annotation(
        queue_id: str, annotator: str, request: gr.Request, profile: gr.OAuthProfile | None
    ) -> dict[str, Any]:
        who, mine = asking(annotator, request, profile)
        return refused_in_words(lambda: undone(queues, queue_id, who, mine[0]))

    def delete_annotations(annotator: str, request: gr.Request, profile: gr.OAuthProfile | None) -> dict[str, Any]:
        who, mine = asking(annotator, request, profile)
        count = refused_in_words(lambda: annotate_bench.forget(queues, annotate_bench.Bench(), who, mine))
        return {"annotator": who, "deleted": count}

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
    gr.api(
        delete_annotations, api_name="annotate_delete", concurrency_limit=None,
        api_description="Delete what was judged under this name in this session (or login), with its history; of how "
        "many items that was. What somebody else gave under the same name stays.",
    )  # fmt: skip


def _wire_picture(queues: Queues) -> None:
    """The picture of an item is a file, and no plain value."""

    def annotation_picture(item_id: str) -> Any:
        return refused_in_words(lambda: picture_of(queues, item_id))

    item, shown = gr.Textbox(visible=False, label="item_id"), gr.Image(visible=False, label="picture", format="png")
    gr.on(
        [], annotation_picture, [item], [shown], concurrency_limit=None, api_name="annotate_picture",
        api_description="The picture of an item, to be looked at before it is judged.",
    )  # fmt: skip


def picture_of(queues: Queues, item_id: str) -> Any:
    """The picture of an item; None where it has none."""
    showing = queues.show(item_id, "")
    return None if not showing.image_file else load_image(queues.store.image_path(showing.image_file))


def revealed_record(queues: Queues, item_id: str, annotator: str) -> dict[str, Any]:
    """A judged item with everything, as plain values."""
    found = queues.reveal(item_id, annotate_bench.checked_name(annotator))
    order = found.own.shown if found.own is not None else tuple(range(len(found.candidates)))
    names = ("text", "cell", "adapter", "confidence", "similarity")
    candidates = [
        {"letter": LETTERS[place], **{name: getattr(found.candidates[number], name) for name in names},
         "neighbours": [dict(one) for one in found.candidates[number].neighbours]}
        for place, number in enumerate(order)
    ]  # fmt: skip
    said = [found.own, *found.others] if found.own is not None else list(found.others)
    return {**item_record(found.showing), "references": list(found.showing.references), "candidates": candidates,
            "judgments": [_said_record(one, order) for one in said]}  # fmt: skip


def _said_record(judgment: ItemJudgment, order: Sequence[int]) -> dict[str, Any]:
    """What somebody said, by the letters of this order; the first is the annotator's own."""
    letters = {number: LETTERS[place] for place, number in enumerate(order)}
    preferred = judgment.preferred
    return {
        "annotator": judgment.annotator,
        "preference": judgment.preference if preferred is None else letters[preferred],
        "verdicts": {letters[number]: judgment.verdicts[number] for number in order if judgment.verdicts[number]},
        "tags": {letters[number]: list(judgment.tags[number]) for number in order if judgment.tags[number]},
        "correction": judgment.correction,
        "note": judgment.note,
    }


def queue_record(queues: Queues, queue: Queue) -> dict[str, Any]:
    """A queue as plain values."""
    progress = queues.progress(queue.id)
    same = ("id", "name", "source", "order", "blind", "wanted", "created")
    counts = {"items": progress.items, "complete": progress.complete, "judgments": progress.judgments}
    return {**{name: getattr(queue, name) for name in same}, **counts}


def next_record(queues: Queues, queue_id: str, annotator: str, owner: str = "") -> dict[str, Any]:
    """The next item as plain values; empty when nothing is left."""
    showing = queues.next_item(queue_id, annotate_bench.checked_name(annotator), owner)
    return {} if showing is None else item_record(showing)


def submitted(queues: Queues, item_id: str, annotator: str, said: dict[str, Any]) -> dict[str, Any]:
    """A judgment, stored, as plain values."""
    given = queues.submit(item_id, annotate_bench.checked_name(annotator), **said)
    return {"id": given.id, "item_id": given.item_id, "preference": given.preference, "updated": given.updated}


def undone(queues: Queues, queue_id: str, annotator: str, owner: str = "") -> dict[str, Any]:
    """The item that is open again as plain values; empty when there was nothing to take back."""
    showing = queues.undo(queue_id, annotate_bench.checked_name(annotator), owner)
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
