"""What happens where a queue is made: form → order → queue, and meanwhile how far it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from raven_core.annotation import Queues
from raven_core.annotation_types import Queue
from raven_core.errors import RavenError
from raven_core.ui import annotate_make, present
from raven_core.ui.annotate_answer import Making
from raven_core.ui.annotate_api import queue_record, refused_in_words
from raven_core.ui.annotate_bench import Bench
from raven_core.ui.annotate_events import queue_menu
from raven_core.ui.annotate_layout import LARGEST, Booth, source_hint
from raven_core.ui.context import Context
from raven_core.ui.evaluate_runs import MOST as MOST_ANSWERED
from raven_core.ui.evaluate_runs import Bench as Evaluated
from raven_core.ui.explore_events import QUIET, WORK, Updates
from raven_core.ui.sitting import Sitting
from raven_core.ui.words import say

log = logging.getLogger(__name__)

MAKING_QUEUE = "annotate-make"
MAKING: dict[str, Any] = {**WORK, "concurrency_id": MAKING_QUEUE}
"""One queue is made at a time, beside the line for the model: the model's own lock lets others in between batches."""


def wire(
    booth: Booth, context: Context, queues: Queues, sitting: gr.State, bench: gr.State, evaluated: gr.State
) -> None:
    """Connect the form; ``evaluated`` is what the Evaluate tab of this page holds."""
    maker = booth.maker
    outputs = [maker.notice, maker.run, maker.stop, booth.queue]

    def make(state: Sitting, mine: Bench, found: Evaluated, name: str, *values: Any) -> Iterator[Updates]:
        yield from steps(booth, context, queues, state.owner, mine.name or name, order_of(values), found)

    inputs = [sitting, bench, evaluated, booth.name, *maker.fields]
    made = gr.on([maker.run.click, maker.name.submit], lambda: begun(booth), None, outputs, **QUIET).then(
        make, inputs, outputs, **MAKING
    )
    maker.stop.click(
        lambda: {maker.notice: present.hint(say("stopped")), **_buttons(booth, False)}, None, outputs, cancels=[made],
        **QUIET,
    )  # fmt: skip
    maker.source.change(source_updates, [maker.source], maker.by_source, **QUIET)
    _wire_api(booth, context, queues, sitting, evaluated)


def _wire_api(booth: Booth, context: Context, queues: Queues, sitting: gr.State, evaluated: gr.State) -> None:
    """What programs call: the same form without a page."""

    def make_queue(  # its parameters are the names that programs use; those that are None may be left out
        state: Sitting, found: Evaluated, name: str, source: str, pictures: list[int], split: str | None = None,
        files: Any = None, upload_split: str = "", tasks: str = "both", order: Any = "random", wanted: int = 2,
        most: int = annotate_make.MOST, blind: bool = True,
    ) -> Iterator[dict[str, Any]]:  # fmt: skip
        values = (name, source, pictures, split, files, upload_split, tasks, order, wanted, most, blind)
        yield from records(context, queues, state.owner, order_of(values), found)

    gr.on(
        [], make_queue, [sitting, evaluated, *booth.maker.fields], [booth.maker.record], concurrency_limit=1,
        concurrency_id=MAKING_QUEUE, api_name="make_queue",
        api_description="Make an annotation queue: of example pictures, of new pictures of a split (world), of an "
        "uploaded data set (upload), of this session's answers (trials) or evaluation (evaluated), or of an uploaded "
        "samples.jsonl (run). Tells how far it is, and in the end the queue as annotation_queues does.",
    )  # fmt: skip


def source_updates(source: str) -> tuple[Any, ...]:
    """What the source needs, in the order of ``Maker.by_source``."""
    is_upload, is_answered = source == annotate_make.UPLOAD, source in annotate_make.ANSWERED
    most = MOST_ANSWERED if is_answered else LARGEST
    return (
        source_hint(source),
        gr.update(visible=source == annotate_make.EXAMPLES),
        gr.update(visible=source == annotate_make.WORLD),
        gr.update(
            visible=is_upload or source == annotate_make.RUN,
            label=say("evaluate_files" if is_upload else "annotate_files"),
        ),
        gr.update(visible=is_upload),
        gr.update(visible=is_answered),
        gr.update(
            visible=source != annotate_make.EXAMPLES,
            maximum=most,
            value=annotate_make.MOST_TO_ANSWER if is_answered else annotate_make.MOST,
        ),
    )


def order_of(values: Any) -> annotate_make.Order:
    """The order for a queue from the values of ``Maker.fields``."""
    name, source, pictures, split, files, upload_split, tasks, order, wanted, most, blind = values
    return annotate_make.Order(
        name=name or "",
        source=source,
        pictures=tuple(map(int, pictures or ())),
        files=tuple(map(str, files or ())),
        split=(split if source == annotate_make.WORLD else upload_split) or "",
        tasks=tasks,
        order=order,
        wanted=int(wanted),
        most=int(most),
        blind=bool(blind),
    )


def begun(booth: Booth) -> Updates:
    """The moment of the press: another queue may be in the making, or the models may still load."""
    return {booth.maker.notice: present.hint(say("annotate_waiting")) + present.progress(), **_buttons(booth, True)}


def steps(
    booth: Booth, context: Context, queues: Queues, owner: str, name: str, asked: annotate_make.Order,
    evaluated: Evaluated | None = None,
) -> Iterator[Updates]:  # fmt: skip
    """Make a queue: how far it is, and in the end the menu with it chosen, or what is wrong."""
    failed = 0
    try:
        for step in annotate_make.make(context, queues, asked, owner, evaluated):
            if isinstance(step, Queue):
                menu = queue_menu(queues, name, step.id)
                yield {booth.maker.notice: made(step, failed), booth.queue: menu, **_buttons(booth, False)}
            else:
                failed = step.failed
                yield {booth.maker.notice: progress(step)}
    except RavenError as problem:
        yield {booth.maker.notice: present.error(problem), **_buttons(booth, False)}
    except Exception:
        log.exception("a queue could not be made")
        yield {booth.maker.notice: present.error(say("error_unexpected")), **_buttons(booth, False)}


def records(
    context: Context, queues: Queues, owner: str, asked: annotate_make.Order, evaluated: Evaluated | None = None
) -> Iterator[dict[str, Any]]:
    """How far a queue is, and in the end the queue, as plain values.

    Raises:
        gr.Error: it is refused, with the reason.
    """
    failed = 0
    steps_of = annotate_make.make(context, queues, asked, owner, evaluated)
    while (step := refused_in_words(lambda: next(steps_of, None))) is not None:
        if isinstance(step, Queue):
            yield {**queue_record(queues, step), "left_out": failed}
        else:
            failed = step.failed
            yield {"done": step.done, "total": step.total, "left_out": step.failed}


def progress(step: Making) -> str:
    """How far a queue is, as HTML."""
    return present.hint(say("annotate_making", done=step.done, all=step.total)) + present.progress()


def made(queue: Queue, failed: int) -> str:
    """The last word about a queue, as HTML; ``failed`` samples are not in it."""
    told = say("annotate_made_one" if queue.size == 1 else "annotate_made", name=queue.name, items=queue.size)
    return present.hint(told) + (present.hint(say("annotate_left_out", count=failed)) if failed else "")


def _buttons(booth: Booth, running: bool) -> Updates:
    """Make or Stop, whichever can be pressed."""
    return {booth.maker.run: gr.update(visible=not running), booth.maker.stop: gr.update(visible=running)}
