"""What a data set consists of, whatever file it came from."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from PIL import Image

from raven_core.images import load_image

Task: TypeAlias = Literal["caption", "vqa"]
TASKS: tuple[Task, ...] = ("caption", "vqa")

Metric: TypeAlias = Literal["CIDEr", "vqa_accuracy", "exact_match"]
"""What a task is measured by: CIDEr; VQA accuracy over several annotators' answers; DAQUAR's sets of answers."""


@dataclass(frozen=True, eq=False)
class Example:
    """One image to caption (``references``), or one question about it (``answers``).

    ``image`` is a file, or a function that makes the picture; ``number`` is the id as result files name it;
    ``extra`` is what else the file says of the image or the question.
    """

    id: str
    image: Path | Callable[[], Image.Image]
    references: tuple[str, ...] = ()
    question: str | None = None
    answers: tuple[str, ...] = ()
    question_type: str | None = None
    answer_type: str | None = None
    domain: str | None = None
    number: int | str = ""
    image_id: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        """``vqa`` where a question is asked, else ``caption``."""
        return "caption" if self.question is None else "vqa"

    @property
    def truths(self) -> tuple[str, ...]:
        """What an answer is compared with: reference captions, or the annotators' answers."""
        return self.references if self.question is None else self.answers

    def open(self) -> Image.Image:
        """The picture, RGB, as a person sees it.

        Raises:
            ImageError: it is missing or cannot be read.
        """
        return load_image(self.image() if callable(self.image) else self.image)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples of one source. ``source`` is what was given; ``split`` None stands for all of it.

    ``exact``: answers are right or wrong, for some question has a single one.
    """

    name: str
    format: str
    source: str
    examples: tuple[Example, ...]
    split: str | None = None
    exact: bool = False
    seed: int = 0

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that are in it, captions first."""
        found = {example.task for example in self.examples}
        return tuple(task for task in TASKS if task in found)

    def of(self, task: Task) -> tuple[Example, ...]:
        """The examples of one task, in their order."""
        return tuple(example for example in self.examples if example.task == task)

    def metric(self, task: Task) -> Metric:
        """What this task is measured by."""
        if task == "caption":
            return "CIDEr"
        several = any(len(example.answers) > 1 for example in self.of("vqa"))
        return "vqa_accuracy" if several and not self.exact else "exact_match"

    def limited(self, limit: int | None, seed: int = 0) -> Dataset:
        """At most ``limit`` examples of each task, drawn with the seed and kept in their order.

        A larger limit with the same seed holds all of a smaller one's.
        """
        if limit is None:
            return replace(self, seed=seed)
        kept: list[Example] = []
        for task in self.tasks:
            chosen = self.of(task)
            order = list(range(len(chosen)))
            random.Random(seed).shuffle(order)
            kept += [chosen[place] for place in sorted(order[:limit])]
        return replace(self, examples=tuple(kept), seed=seed)
