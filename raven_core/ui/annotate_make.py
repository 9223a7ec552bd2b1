"""Queues made on the page: what is taken from examples, from one's own answers, or from the samples of a run."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raven_core import annotation_sources as sources
from raven_core.annotation import Queues
from raven_core.annotation_types import Draft, Queue, QueueOrder
from raven_core.errors import OptionError
from raven_core.ui.context import Context
from raven_core.ui.controls import is_upload
from raven_core.ui.words import DEFAULT, say

EXAMPLES, TRIALS, RUN = "examples", "trials", "run"
SOURCES = (EXAMPLES, TRIALS, RUN)
CELLS = ("none", "both")
"""What is judged of an example: without neighbours against with all of them."""

MOST = 50
"""How many items a queue gets where nothing else was said."""


@dataclass(frozen=True)
class Order:
    """A queue as it was asked for on the page. ``pictures`` are numbers of examples, ``files`` paths of uploads."""

    name: str
    source: str
    pictures: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    order: QueueOrder = "random"
    wanted: int = 2
    most: int = MOST
    blind: bool = True


def make(context: Context, queues: Queues, asked: Order, owner: str) -> Iterator[int | Queue]:
    """How many pictures the model has answered, again and again, and at the end the queue.

    Params:
        owner: whose answers and uploads they are; deleting that person's data deletes the queue.
    Raises:
        OptionError, StoreError, ImageError: it cannot be made of what was given.
    """
    if not asked.name.strip():
        raise OptionError("A queue needs a name of 1 to 200 characters.")
    seed = secrets.randbelow(2**31)
    drafts: list[Draft] = []
    if asked.source == EXAMPLES:
        for draft in _from_examples(context, asked.pictures):
            drafts.append(draft)
            yield len(drafts)
    else:
        drafts = _from_trials(queues, owner) if asked.source == TRIALS else _from_run(asked.files)
    # it is stored, and others read it: not in the words of whoever makes the queue
    words = say(f"annotate_source_kept_{asked.source}", DEFAULT, title=context.profile.title)
    yield queues.create(
        asked.name,
        chosen(drafts, asked.order, asked.most, seed),
        source=words,
        order=asked.order,
        seed=seed,
        blind=asked.blind,
        wanted=asked.wanted,
        session="" if asked.source == EXAMPLES else owner,
    )


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
