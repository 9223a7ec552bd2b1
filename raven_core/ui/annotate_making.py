"""What happens where a queue is made: form → order → queue, and meanwhile how far it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
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
from raven_core.ui.explore_events import LATEST, QUIET, WORK, Updates
from raven_core.ui.sitting import Sitting
from raven_core.ui.turns import Turn, settled
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

    def make(state: Sitting, mine: Bench, found: Evaluated, ticket: str, name: str, *values: Any) -> Iterator[Updates]:
        asked = order_of(values)
        yield from steps(booth, context, queues, state.owner, mine, ticket, mine.name or name, asked, found)

    inputs = [sitting, bench, evaluated, maker.ticket, booth.name, *maker.fields]
    gr.on(
        [maker.run.click, maker.name.submit], lambda mine: pressed(booth, mine), [bench], [*outputs, maker.ticket],
        **QUIET,
    ).then(make, inputs, outputs, **MAKING)  # fmt: skip
    maker.stop.click(lambda mine: stopped(booth, mine), [bench], outputs, **QUIET)
    maker.source.change(source_updates, [maker.source], maker.by_source, **LATEST)
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


def pressed(booth: Booth, bench: Bench) -> Updates:
    """The moment of the press: another queue may be in the making, or the models may still load."""
    bench.made = ""
    ticket = bench.turns.press()
    return {booth.maker.ticket: ticket, **page_now(booth, bench)}


def stopped(booth: Booth, bench: Bench) -> Updates:
    """End what waits or is made."""
    with bench.turns.quiet():
        bench.made = present.hint(say("stopped"))
        bench.turns.cancel()
    return page_now(booth, bench)


def page_now(booth: Booth, bench: Bench) -> Updates:
    """The form as it should be now, whatever an older run drew on it."""
    busy = bench.turns.is_busy
    waiting = present.hint(say("annotate_waiting")) + present.progress()
    return {
        booth.maker.notice: waiting if busy else bench.made,
        booth.maker.run: gr.update(visible=not busy),
        booth.maker.stop: gr.update(visible=busy),
    }


def steps(
    booth: Booth, context: Context, queues: Queues, owner: str, bench: Bench, ticket: str, name: str,
    asked: annotate_make.Order, evaluated: Evaluated | None = None,
) -> Iterator[Updates]:  # fmt: skip
    """Make a queue: how far it is, and in the end the menu with it chosen, or what is wrong."""

    def views(turn: Turn) -> Iterator[Updates]:
        failed = 0
        try:
            with closing(annotate_make.make(context, queues, asked, owner, evaluated, turn.cancel)) as making:
                for step in making:
                    if isinstance(step, Queue):
                        _tell(bench, turn, made(step, failed))
                        yield {booth.queue: queue_menu(queues, name, step.id)}
                    elif turn.is_cancelled:
                        return
                    else:
                        failed = step.failed
                        yield {booth.maker.notice: progress(step)}
        except RavenError as problem:
            _tell(bench, turn, present.error(problem))
        except Exception:
            log.exception("a queue could not be made")
            _tell(bench, turn, present.error(say("error_unexpected")))

    yield from settled(bench.turns, ticket, views, lambda: page_now(booth, bench), gr.skip())


def _tell(bench: Bench, turn: Turn, notice: str) -> None:
    """Leave the last word about a queue, unless it was stopped or another one was asked for; it is drawn at the end."""
    with bench.turns.quiet():
        if bench.turns.newest is turn and not turn.is_cancelled:
            bench.made = notice
            bench.turns.end(turn)
            bench.turns.touch()


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
