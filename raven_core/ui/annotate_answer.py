"""Queues of samples that nobody has answered yet: drawn by the profile's world, or uploaded, then answered. No gradio.

The model is asked a few samples at a time. Between two such batches it answers whoever else waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from raven_core.annotation_types import Draft
from raven_core.errors import InputError, OptionError
from raven_core.ui import evaluate_data
from raven_core.ui.context import Context
from raven_core.ui.evaluate_runs import MOST, TASKS, Scratch
from raven_core.ui.words import say

if TYPE_CHECKING:
    from raven_core.datasets.examples import Dataset, Example

BATCH = 4  # samples that the model answers before others get their turn
CELLS = ("none", "both")
"""What is judged of a sample: without neighbours against with all of them."""


@dataclass(frozen=True)
class Sampled:
    """Which samples: ``most`` of a split of the world, or of the uploaded ``files`` where there are any.

    ``tasks`` is both, caption or vqa; ``seed`` draws the world's pictures, and which samples of them are taken.
    """

    files: tuple[Path, ...] = ()
    split: str = ""
    tasks: str = TASKS[0]
    most: int = MOST
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises OptionError naming the first value that is out of range."""
        if not 1 <= self.most <= MOST:
            raise OptionError(say("annotate_bad_most", count=self.most, most=MOST))
        if self.tasks not in TASKS:
            raise OptionError(say("evaluate_bad_task", task=self.tasks))


@dataclass(frozen=True)
class Making:
    """How far a queue is: ``done`` of ``total`` samples were asked, and ``failed`` of them are left out."""

    done: int
    total: int
    failed: int = 0


def from_samples(
    context: Context, asked: Sampled, is_world: bool, scratch: Scratch, cancel: threading.Event
) -> Iterator[Making | list[Draft]]:
    """How far it is, batch after batch, and at the end the drafts; their pictures lie in ``scratch``.

    Params:
        cancel: once set, it ends soon and without drafts.
    Raises:
        RavenError: the data cannot be used, or no sample of it could be answered.
    """
    from raven_core.evaluation import Options
    from raven_core.evaluation.drafts import answered

    dataset = _read(context, asked, is_world, scratch)
    examples = shared(dataset, asked.most, asked.seed)
    if is_world:  # questions do not say which split their picture is of
        examples = [replace(example, domain=example.domain or asked.split) for example in examples]
    yield Making(0, len(examples))
    options = Options(cells=CELLS, baseline=False, floors=False, seed=context.settings.seed, batch=BATCH)
    drafts: list[Draft] = []
    failed = 0
    for batch in answered(context.raven, examples, options, cancel):
        drafts += batch.drafts
        failed += batch.failed
        yield Making(len(drafts) + failed, len(examples), failed)
    if cancel.is_set():
        return
    if not drafts:
        raise OptionError(say("annotate_none_answered"))
    yield drafts


def _read(context: Context, asked: Sampled, is_world: bool, scratch: Scratch) -> Dataset:
    """The data set, drawn or unpacked into the folder of this queue."""
    task = None if asked.tasks == "both" else asked.tasks
    if is_world:
        if context.world is None:
            raise InputError(say("evaluate_no_world"))
        evaluate_data.draw(context.world, asked.split, asked.most, asked.seed, scratch.data)
        return evaluate_data.read(scratch.data, task, "", asked.most, asked.seed, asked.split)
    evaluate_data.collect(asked.files, scratch.data)
    return evaluate_data.read(scratch.data, task, asked.split, asked.most, asked.seed, asked.files[0].stem)


def shared(dataset: Dataset, most: int, seed: int) -> list[Example]:
    """At most so many samples: as many of either task, or more of one where the other has too few."""
    captions, questions = len(dataset.of("caption")), len(dataset.of("vqa"))
    first = min(captions, max(most - questions, -(-most // 2)))
    wanted = {"caption": first, "vqa": min(questions, most - first)}
    parts: list[Sequence[Example]] = [
        replace(dataset, examples=dataset.of(task)).limited(wanted[task], seed).examples for task in dataset.tasks
    ]
    return [example for part in parts for example in part]
