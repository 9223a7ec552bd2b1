"""What happens when Evaluate is pressed, as views to show one after another. No gradio: tests read the views."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raven_core.errors import InputError, RavenError
from raven_core.ui import evaluate_data, evaluate_view, flow, present
from raven_core.ui.context import Context
from raven_core.ui.evaluate_runs import WORLD, Asked, Bench, Meter, Scratch
from raven_core.ui.report_words import run_words
from raven_core.ui.turns import Turn
from raven_core.ui.words import say

if TYPE_CHECKING:
    from raven_core.evaluation import Report

log = logging.getLogger(__name__)

BATCH = 4  # samples between two looks at the bar and at Stop
POLL = 0.3  # seconds


@dataclass(frozen=True)
class EvaluateView:
    """HTML for the notice; ``running`` is False in the last view, where the bench says what the rest shows."""

    notice: str
    running: bool = True
    record: dict[str, Any] | None = None
    problem: BaseException | None = None


def evaluate(context: Context, bench: Bench, asked: Callable[[], Asked], turn: Turn) -> Iterator[EvaluateView]:
    """Measure, and leave the report in the bench. A refusal is a last view with the reason.

    Params:
        asked: reads the form; it may refuse it.
    """
    scratch: Scratch | None = None
    try:
        form = asked()
        for told in flow.loading(context, turn):
            yield EvaluateView(told)
        if turn.is_cancelled:
            return
        scratch, meter = Scratch(), Meter()
        report = yield from _watched(lambda: measure(context, form, scratch, meter, turn), meter, turn)
        if not report.rows:
            bench.tell(turn, present.hint(say("evaluate_nothing")))
        elif bench.keep(turn, form, scratch, report):
            yield EvaluateView("", running=False, record=report.to_dict())
    except Exception as problem:  # the page must survive whatever a data set or a model throws
        if not isinstance(problem, RavenError):
            log.exception("an evaluation failed")
        bench.tell(turn, present.error(problem))
        yield EvaluateView(present.error(problem), running=False, problem=problem)
    finally:
        if scratch is not None and bench.scratch is not scratch:
            scratch.close()


def _watched(job: Callable[[], Report], meter: Meter, turn: Turn) -> Generator[EvaluateView, None, Report]:
    """Do the job in a thread of its own and show how far it is; returns what it made.

    When nobody asks for views any more the job is cancelled, and waited for: the model serves one at a time.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="evaluate") as pool:
        future: Future[Report] = pool.submit(copy_context().run, job)  # it refuses in the visitor's language
        shown = None
        try:
            while not future.done():
                now = (meter.done, meter.total)
                if now != shown and not turn.is_cancelled:
                    shown = now
                    yield EvaluateView(evaluate_view.progress(meter.done, meter.total, meter.rate, meter.left))
                wait([future], POLL)
        finally:
            if not future.done():
                turn.cancel.set()
    return future.result()


def measure(context: Context, asked: Asked, scratch: Scratch, meter: Meter, turn: Turn) -> Report:
    """Read the data and evaluate the loaded profile on it, in the run's folder.

    Raises:
        RavenError: the data or the options cannot be used.
    """
    from raven_core.evaluation import Options
    from raven_core.evaluation import evaluate as run

    options = Options(
        cells=asked.cells, k=asked.k, neighbours=asked.neighbours, seed=asked.seed, batch=BATCH,  # type: ignore[arg-type]
    )  # fmt: skip
    if asked.source == WORLD:
        if context.world is None:
            raise InputError(say("evaluate_no_world"))
        evaluate_data.draw(context.world, asked.split, asked.count, asked.seed, scratch.data)
        split, name = "", asked.split
    else:
        evaluate_data.collect(asked.files, scratch.data)
        split, name = asked.split, asked.files[0].stem
    task = None if asked.task == "both" else asked.task
    dataset = evaluate_data.read(scratch.data, task, split, asked.count, asked.seed, name)
    report = run(context.raven, dataset, options, scratch.out, meter.tell, turn.cancel, run_words())
    evaluate_data.pack(scratch.out, scratch.archive, scratch.data)
    return report
