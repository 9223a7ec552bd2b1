"""What a person does to a comparison, for programs: pick right answers, change neighbours, add some, take it back."""

from __future__ import annotations

from typing import Any

import gradio as gr

from raven_core.edits import AddedPair
from raven_core.errors import RavenError
from raven_core.images import load_image
from raven_core.ui import records
from raven_core.ui.context import Context
from raven_core.ui.controls import Picture
from raven_core.ui.study import Study
from raven_core.ui.words import say


def wire(context: Context, study: gr.State, record: gr.JSON) -> None:
    """Give the page these endpoints; ``record`` takes what they answer."""

    def mark_right(mine: Study, cell: str, k: int) -> dict[str, Any]:
        return marked(mine, cell, int(k))

    def change_neighbour(
        mine: Study, neighbour: str, leave_out: bool, caption: str, image: Any = None
    ) -> dict[str, Any]:
        return changed(mine, neighbour, bool(leave_out), caption or "", opened(context, image))

    def add_neighbour(mine: Study, caption: str, image: Any = None) -> dict[str, Any]:
        return added(mine, caption or "", opened(context, image))

    def undo_changes(mine: Study, neighbour: str) -> dict[str, Any]:
        mine.undo(neighbour or "")
        return changes(mine)

    quiet: dict[str, Any] = {"outputs": [record], "concurrency_limit": None}
    cell, k = _text("cell", "both"), gr.Number(0, precision=0, visible=False, label="k")
    neighbour, caption = _text("neighbour"), _text("caption")
    leave_out, image = gr.Checkbox(False, visible=False, label="leave out"), Picture(visible=False, label="image")
    gr.on(
        [], mark_right, [study, cell, k], **quiet, api_name="mark_right",
        api_description="Say that a cell's answer in this session's last comparison is right, or no longer: what "
        "helped and what hurt then follows that. k may be 0 where each cell was asked with one k.",
    )  # fmt: skip
    gr.on(
        [], change_neighbour, [study, neighbour, leave_out, caption, image], **quiet, api_name="change_neighbour",
        api_description="Leave a neighbour of this session's last comparison out, or give it another caption or image, "
        "by its id, for the next comparison; an empty caption or image stays as it is.",
    )  # fmt: skip
    gr.on(
        [], add_neighbour, [study, caption, image], **quiet, api_name="add_neighbour",
        api_description="Put a pair of your own (caption, image or both) among the neighbours of the next comparison.",
    )  # fmt: skip
    gr.on(
        [], undo_changes, [study, neighbour], **quiet, api_name="undo_changes",
        api_description="Take back what was changed about a neighbour, by its id, or without one everything.",
    )  # fmt: skip


def _text(label: str, value: str = "") -> gr.Textbox:
    return gr.Textbox(value, visible=False, label=label)


def opened(context: Context, image: Any) -> Any:
    """An image that a program sent, or None.

    Raises:
        gr.Error: it cannot be read.
    """
    try:
        return None if image is None else load_image(image, context.settings.max_pixels)
    except RavenError as problem:
        raise gr.Error(str(problem), print_exception=False) from problem


def marked(study: Study, cell: str, k: int) -> dict[str, Any]:
    """The comparison after a cell was picked as right, or no longer.

    Raises:
        gr.Error: there is no such cell.
    """
    cells = study.comparison.cells if study.comparison else ()
    found = next((one for one in cells if one.name == cell and k in (0, one.k)), None)
    if found is None:
        raise gr.Error(say("error_not_in_comparison"), print_exception=False)
    study.toggle_right(found.key)
    assert study.judged is not None  # there is a comparison
    return records.comparison(study.judged)


def changed(study: Study, neighbour: str, leave_out: bool, caption: str, image: Any) -> dict[str, Any]:
    """What is changed now, after one more change.

    Raises:
        gr.Error: there is no such neighbour.
    """
    asked: dict[str, Any] = {"exclude": True} if leave_out else {}
    asked |= {"caption": caption} if caption.strip() else {}
    asked |= {"image": image} if image is not None else {}
    if not study.edit(neighbour, **asked):
        raise gr.Error(say("error_not_in_comparison"), print_exception=False)
    return changes(study)


def added(study: Study, caption: str, image: Any) -> dict[str, Any]:
    """What is changed now, with a pair more.

    Raises:
        gr.Error: there is nothing to add.
    """
    if not caption.strip() and image is None:
        raise gr.Error(say("error_nothing_to_add"), print_exception=False)
    study.added.append(AddedPair(image, caption.strip() or None))
    return changes(study)


def changes(study: Study) -> dict[str, Any]:
    """What is changed about the neighbours of the next comparison, as plain values."""
    edited = [
        {"id": one.id, "leave_out": one.exclude, "caption": one.caption, "image": one.image is not None}
        for one in study.edits.values()
    ]
    return {
        "edited": edited,
        "added": [{"caption": one.caption, "image": one.image is not None} for one in study.added],
    }
