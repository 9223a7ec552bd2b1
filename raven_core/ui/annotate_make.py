"""Queues made on the page: of examples, of samples drawn or uploaded, of one's own answers, of an evaluation run."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raven_core import annotation_sources as sources
from raven_core.annotation import Queues
from raven_core.annotation_types import Draft, Queue, QueueOrder
from raven_core.errors import OptionError
from raven_core.ui import annotate_answer
from raven_core.ui.annotate_answer import CELLS, Making, Sampled
from raven_core.ui.context import Context
from raven_core.ui.controls import is_upload
from raven_core.ui.evaluate_runs import LARGEST_SEED, Scratch
from raven_core.ui.evaluate_runs import Bench as Evaluated
from raven_core.ui.evaluate_samples import picture_of
from raven_core.ui.words import DEFAULT, say

EXAMPLES, WORLD, UPLOAD, TRIALS, EVALUATED, RUN = "examples", "world", "upload", "trials", "evaluated", "run"
SOURCES = (EXAMPLES, WORLD, UPLOAD, TRIALS, EVALUATED, RUN)
ANSWERED = (WORLD, UPLOAD)
"""Sources whose samples the model answers for the queue."""

OF_NOBODY = (EXAMPLES, WORLD)
"""Sources whose pictures belong to nobody: deleting a person's data leaves such a queue."""

MOST, MOST_TO_ANSWER = 50, 20
"""How many items a queue gets where nothing else was said; fewer where the model has to answer them first."""


@dataclass(frozen=True)
class Order:
    """A queue as it was asked for on the page. ``pictures`` are numbers of examples, ``files`` paths of uploads.

    ``split`` is one of the world's or of the upload's, ``tasks`` both, caption or vqa.
    """

    name: str
    source: str
    pictures: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    split: str = ""
    tasks: str = "both"
    order: QueueOrder = "random"
    wanted: int = 2
    most: int = MOST
    blind: bool = True


def make(
    context: Context,
    queues: Queues,
    asked: Order,
    owner: str,
    evaluated: Evaluated | None = None,
    cancel: threading.Event | None = None,
) -> Generator[Making | Queue]:
    """How many samples the model has answered, again and again, and at the end the queue.

    Params:
        owner: whose answers and uploads they are; deleting that person's data deletes the queue.
        evaluated: what this person has evaluated on this page.
        cancel: once set, the model stops where it is, and no queue is made.
    Raises:
        OptionError, StoreError, ImageError: it cannot be made of what was given.
    """
    if not asked.name.strip():
        raise OptionError("A queue needs a name of 1 to 200 characters.")
    if asked.source not in SOURCES:
        raise OptionError(say("annotate_bad_source", source=asked.source, sources=", ".join(SOURCES)))
    seed = secrets.randbelow(LARGEST_SEED + 1)  # a world's own pictures have larger seeds
    if asked.source in ANSWERED:
        yield from _of_samples(context, queues, asked, owner, seed, cancel or threading.Event())
        return
    drafts: list[Draft] = []
    if asked.source == EXAMPLES:
        for draft in _from_examples(context, asked.pictures):
            drafts.append(draft)
            yield Making(len(drafts), len(asked.pictures))
    elif asked.source == TRIALS:
        drafts = _from_trials(queues, owner)
    else:
        drafts = _from_evaluated(evaluated) if asked.source == EVALUATED else _from_run(asked.files)
    yield _created(context, queues, asked, owner, seed, drafts)


def _of_samples(
    context: Context, queues: Queues, asked: Order, owner: str, seed: int, cancel: threading.Event
) -> Iterator[Making | Queue]:
    """A queue of a split of the world or of uploads; the folder they lie in is gone afterwards, whatever happens."""
    is_world = asked.source == WORLD
    files = () if is_world else uploaded(asked.files)
    sampled = Sampled(files, asked.split.strip(), asked.tasks, asked.most, seed)
    scratch = Scratch()
    try:
        for step in annotate_answer.from_samples(context, sampled, is_world, scratch, cancel):
            yield step if isinstance(step, Making) else _created(context, queues, asked, owner, seed, step)
    finally:  # also where nobody asks for the next step, because it was stopped
        scratch.close()


def _created(context: Context, queues: Queues, asked: Order, owner: str, seed: int, drafts: Sequence[Draft]) -> Queue:
    data = Path(asked.files[0]).stem if asked.files else ""
    told: dict[str, Any] = {"title": context.profile.title, "split": asked.split.strip(), "seed": seed, "data": data}
    return queues.create(
        asked.name,
        chosen(drafts, asked.order, asked.most, seed),
        # it is stored, and others read it: not in the words of whoever makes the queue
        source=say(f"annotate_source_kept_{asked.source}", DEFAULT, **told),
        order=asked.order,
        seed=seed,
        blind=asked.blind,
        wanted=asked.wanted,
        session="" if asked.source in OF_NOBODY else owner,
    )


def uploaded(files: Sequence[str]) -> tuple[Path, ...]:
    """The uploads.

    Raises:
        OptionError: a file is none that was uploaded here.
    """
    if not all(is_upload(path) for path in files):
        raise OptionError(say("error_not_uploaded"))
    return tuple(map(Path, files))


def chosen(drafts: Sequence[Draft], order: QueueOrder, most: int, seed: int) -> list[Draft]:
    """At most so many of the drafts: the first, the most informative, or some drawn at random; in the order given."""
    if len(drafts) <= most:
        return list(drafts)
    numbers = list(range(len(drafts)))
    if order == "random":
        numbers = random.Random(seed).sample(numbers, most)
    elif order == "informative":
        numbers.sort(key=lambda number: -sources.informativeness(drafts[number].candidates))
    return [drafts[number] for number in sorted(numbers[: max(most, 0)])]


def _from_examples(context: Context, numbers: Sequence[int]) -> Iterator[Draft]:
    if not numbers:
        raise OptionError(say("annotate_no_pictures"))
    for number in numbers:
        example = context.examples[number]
        comparison = context.raven.compare(example.image, example.question, cells=CELLS)
        about: dict[str, Any] = {"references": example.references, "domain": example.split, "key": example.title}
        yield sources.from_comparison(example.image, comparison, **about)


def _from_trials(queues: Queues, owner: str) -> list[Draft]:
    drafts = sources.from_trials(queues.store.trials(owner))
    if not drafts:
        raise OptionError(say("annotate_no_trials"))
    return drafts


def _from_evaluated(evaluated: Evaluated | None) -> list[Draft]:
    """The samples of the run on the Evaluate tab, with the pictures of its own folder and no others."""
    if evaluated is None or evaluated.report is None or evaluated.is_gone:
        raise OptionError(say("annotate_no_evaluation"))
    folder = evaluated.report.folder.parent
    drafts = sources.from_samples(evaluated.report.rows, images=lambda row: picture_of(row, folder))
    if not drafts:
        raise OptionError(say("annotate_no_samples"))
    return drafts


def _from_run(files: Sequence[str]) -> list[Draft]:
    uploads = [Path(path) for path in files if is_upload(path)]
    samples = next((path for path in uploads if path.suffix == ".jsonl"), None)
    if samples is None:
        raise OptionError(say("annotate_no_file"))
    try:
        drafts = sources.from_samples(samples, images=finder(uploads))
    except (ValueError, TypeError, AttributeError) as problem:  # lines of JSON, but not of a run
        raise OptionError(say("annotate_no_samples")) from problem
    if not drafts:
        raise OptionError(say("annotate_no_samples"))
    return drafts


def finder(uploads: Sequence[Path]) -> Callable[[Mapping[str, Any]], Path | None]:
    """What finds the picture of a row among the uploads, by file name alone: a row must not name other files here."""
    by_name = {path.name: path for path in uploads}

    def find(row: Mapping[str, Any]) -> Path | None:
        given = next((row[name] for name in ("image", "image_path", "image_file") if row.get(name)), "")
        return by_name.get(Path(str(given)).name)

    return find
