"""Asks every sample in every cell: retrieval once a batch, generation over all cells together, rows to disk.

A batch is B images times C cells. One search serves all cells, and an image's visual tokens are computed once,
whichever cells show it. Whatever goes wrong with a sample ends in its row, never in a lost run.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from raven_core.datasets.examples import Example
from raven_core.errors import RavenError
from raven_core.evaluation.neighbours import Finder, by_rank
from raven_core.evaluation.plan import Cell
from raven_core.evaluation.records import Row, RunFolder
from raven_core.prompting import build
from raven_core.request import Request
from raven_core.topics import Topic
from raven_core.types import BASE, Neighbour, Prompt, Query, Token, confidence_of

if TYPE_CHECKING:
    from raven_core.pipeline import Raven
    from raven_core.retriever import QueryVectors

Progress = Callable[[int, int], None]
"""Called with the number of samples done and of all samples."""

DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Todo:
    """One sample with the cells that are still to be asked."""

    example: Example
    cells: tuple[Cell, ...]


@dataclass(frozen=True, eq=False)
class _Asked:
    """One prompt of a batch: whose it is, and what is shown."""

    todo: Todo
    cell: Cell
    neighbours: Sequence[Neighbour]
    query: Query


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The run was cancelled while a batch was at work."""


class Runner:
    """Works through samples, batch by batch."""

    def __init__(
        self,
        raven: Raven,
        request: Request,
        finder: Finder,
        batch: int,
        cancel: threading.Event | None = None,
    ) -> None:
        """What all samples have in common.

        Params:
            batch: query images at a time; halved for the rest of the run when memory runs out.
        """
        self._raven, self._request, self._finder = raven, request, finder
        self.batch = batch
        self.limits: dict[float, float] = {}  # image cosine of each leak cap
        self._cancel = cancel or threading.Event()

    def run(self, todo: Sequence[Todo], folder: RunFolder, progress: Callable[[int], None]) -> bool:
        """Ask everything; True when it was not cancelled.

        Params:
            progress: called with the number of samples done so far.
        """
        done = 0
        try:
            for rows, size in self.batches(todo):
                folder.append(rows)
                done += size
                progress(done)
        except Cancelled:
            return False
        return True

    def batches(self, todo: Sequence[Todo]) -> Iterator[tuple[list[Row], int]]:
        """Ask everything, a batch at a time: its rows, and of how many samples they are.

        Raises:
            Cancelled: the run was cancelled.
        """
        done = 0
        while done < len(todo):
            batch = todo[done : done + self.batch]
            yield self._attempt(batch), len(batch)
            done += len(batch)

    # ------------------------------------------------------------------ what may go wrong

    def _attempt(self, batch: Sequence[Todo]) -> list[Row]:
        """A batch's rows; when it fails as a whole it is tried in halves, down to the one answer that is to blame."""
        try:
            return self._answered(batch)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - models and data raise anything; it is recorded
            failure = error.with_traceback(None)  # a traceback would keep the batch's tensors alive
        parts = _halves(batch)
        if is_out_of_memory(failure):
            _free_memory()
            self.batch = max(1, min(self.batch, len(batch) // 2))
        if not parts:
            return [_failed(batch[0], batch[0].cells[0], failure)]
        return [row for part in parts for row in self._attempt(part)]

    def _answered(self, batch: Sequence[Todo]) -> list[Row]:
        if self._cancel.is_set():
            raise Cancelled
        images, failures = _opened(batch)
        rows = [_failed(todo, cell, failures[todo.example]) for todo in batch if todo.example in failures
                for cell in todo.cells]  # fmt: skip
        readable = [todo for todo in batch if todo.example not in failures]
        return rows + (self._ask(readable, [images[todo.example] for todo in readable]) if readable else [])

    # ------------------------------------------------------------------ the work

    def _ask(self, batch: Sequence[Todo], images: Sequence[Image.Image]) -> list[Row]:
        queries = [Query(image, todo.example.question) for todo, image in zip(batch, images, strict=True)]
        asked = [
            _Asked(todo, cell, neighbours, query)
            for cell, found in self._found(batch, queries).items()
            for todo, neighbours, query in zip(batch, found, queries, strict=True)
            if cell in todo.cells
        ]
        answers = self._generate(asked)
        return [_row(entry, tokens) for entry, tokens in zip(asked, answers, strict=True)]

    def _found(self, batch: Sequence[Todo], queries: Sequence[Query]) -> dict[Cell, list[list[Neighbour]]]:
        """The neighbours of every cell in the batch; cells under the same cap share one search."""
        cells = list(dict.fromkeys(cell for todo in batch for cell in todo.cells))
        caps = {cell.cap for cell in cells if cell.retrieves}
        found: dict[float | None, list[list[Neighbour]]] = {}
        if caps and self._request.k:
            vectors = self.embed([todo.example for todo in batch], queries)
            examples = [todo.example for todo in batch]
            for cap in caps:
                limit = None if cap is None else self.limits[cap]
                found[cap] = self._finder.find(examples, queries, vectors, limit)
        empty: list[list[Neighbour]] = [[] for _ in batch]
        return {cell: found.get(cell.cap, empty) if cell.retrieves else empty for cell in cells}

    def embed(self, examples: Sequence[Example], queries: Sequence[Query]) -> QueryVectors:
        """The queries as vectors; an image that several questions share is embedded once."""
        places: dict[Any, int] = {}
        rows = [places.setdefault(_picture(example), len(places)) for example in examples]
        firsts = [rows.index(place) for place in range(len(places))]
        pictures = [image for image in (queries[place].image for place in firsts) if image is not None]
        vectors = self._raven.encoder.encode_images(pictures)[np.array(rows)]
        return self._raven.retriever.embed(queries, self._request.question_weight, vectors)

    def _generate(self, asked: Sequence[_Asked]) -> list[list[Token] | str]:
        """Tokens of each answer, in order; a copied caption as text. Adapters take turns, cells go together."""
        answers: list[list[Token] | str] = [_copied(entry.neighbours) for entry in asked]
        prompts = [self._prompt(entry) for entry in asked]
        topics = {entry.todo: Topic() for entry in asked}  # what one cell says is a draft for the others
        for adapter in dict.fromkeys(entry.cell.adapter for entry in asked if entry.cell.adapter is not None):
            places = [place for place, entry in enumerate(asked) if entry.cell.adapter == adapter]
            made = self._raven.generator.generate(
                [prompts[place] for place in places],
                None if adapter == BASE else adapter,
                max_new_tokens=self._request.max_new_tokens,
                batch_size=self.batch,  # prompts of one length, so of one cell, share a pass: little is padding
                cancel=self._cancel,
                topics=[topics[asked[place].todo] for place in places],
            )
            for place, tokens in zip(places, made, strict=True):
                answers[place] = tokens
        if self._cancel.is_set():
            raise Cancelled  # what was made so far may end in the middle of a word
        return answers

    def _prompt(self, entry: _Asked) -> Prompt:
        query = entry.query if entry.cell.shows_query else Query(None, entry.query.question)
        return build(query, entry.neighbours, entry.cell.modalities, self._request.order)


def _picture(example: Example) -> Any:
    """What tells the picture of one sample from another's."""
    return example.image


def _copied(neighbours: Sequence[Neighbour]) -> str:
    """The caption of the nearest neighbour that has one."""
    return next((neighbour.caption for neighbour in by_rank(neighbours) if neighbour.caption), "")


def _opened(batch: Sequence[Todo]) -> tuple[dict[Example, Image.Image], dict[Example, Exception]]:
    """The pictures that can be read, each file once, and why the others cannot."""
    read: dict[Any, Image.Image | Exception] = {}
    for todo in batch:
        picture = _picture(todo.example)
        if picture not in read:
            try:
                read[picture] = todo.example.open()
            except Exception as error:  # noqa: BLE001 - a loader of a library raises anything
                read[picture] = error
    found = {todo.example: read[_picture(todo.example)] for todo in batch}
    return (
        {example: value for example, value in found.items() if isinstance(value, Image.Image)},
        {example: value for example, value in found.items() if isinstance(value, Exception)},
    )


def _halves(batch: Sequence[Todo]) -> list[list[Todo]]:
    """Two halves of a batch, of samples or else of one sample's cells; none where one answer is left."""
    if len(batch) > 1:
        middle = len(batch) // 2
        return [list(batch[:middle]), list(batch[middle:])]
    (todo,) = batch
    middle = len(todo.cells) // 2
    return [[Todo(todo.example, cells)] for cells in (todo.cells[:middle], todo.cells[middle:])] if middle else []


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or not; torch has several ways to say so."""
    told = str(error).lower()
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or any(words in told for words in ("out of memory", "can't allocate memory", "cannot allocate memory"))


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


# ---------------------------------------------------------------------- rows


def _row(entry: _Asked, answer: list[Token] | str) -> Row:
    text = answer if isinstance(answer, str) else "".join(token.text for token in answer).strip()
    confidence = None if isinstance(answer, str) else round(confidence_of(answer), DECIMALS)
    shown = [_plain(neighbour) for neighbour in by_rank(entry.neighbours)]
    return {**_head(entry.todo, entry.cell), "neighbours": shown, "prediction": text, "confidence": confidence,
            "error": None}  # fmt: skip


def _failed(todo: Todo, cell: Cell, error: Exception) -> Row:
    told = " ".join(str(error).split())
    named = told if isinstance(error, RavenError) else f"{type(error).__name__}: {told}"
    return {**_head(todo, cell), "neighbours": [], "prediction": None, "confidence": None, "error": named[:500]}


def _head(todo: Todo, cell: Cell) -> Row:
    example = todo.example
    return {
        "task": example.task,
        "id": example.id,
        "cell": cell.name,
        "adapter": cell.adapter,
        "number": example.number,
        "image_id": example.image_id,
        "image": None if callable(example.image) else str(example.image.absolute()),
        "question": example.question,
        "truths": list(example.truths),
        "question_type": example.question_type,
        "answer_type": example.answer_type,
        "domain": example.domain,
    }


def _plain(neighbour: Neighbour) -> dict[str, Any]:
    names = ("id", "rank", "similarity", "image_similarity", "caption", "source")
    return {name: getattr(neighbour, name) for name in names}
