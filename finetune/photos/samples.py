"""Training samples of the language model, with the prompts of ``raven_core.prompting``.

The base is trained on pictures of the first fold, the adapters on those of the second: on pictures that it knows by
heart a model never needs its neighbours, and would not learn to lean on them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from finetune.language import Sample, reference
from finetune.photos.corpus import Asked, Corpus, Split
from finetune.photos.neighbours import Entry, Tables
from finetune.photos.statements import statement
from finetune.photos.views import WHOLE
from raven_core.prompting import build
from raven_core.types import CELLS, Modality, Neighbour, Query

BASE_FOLD, ADAPTER_FOLD = 0, 1
LONGEST = 18
"""Words of the longest caption that is trained: 4% are longer, and each makes every row of its batch longer."""


@dataclass(frozen=True, eq=False)
class Material:
    """What samples are made of.

    ``tables`` name the neighbours of each picture and question as rows of ``entries``; ``tokens`` (pool * views,
    tokens, hidden) are visual tokens, ``features`` (pool, width) what the retriever's backbone makes of each picture.
    """

    corpus: Corpus
    entries: Sequence[Entry]
    tables: Tables
    tokens: torch.Tensor
    features: torch.Tensor
    views: int

    def token_row(self, picture: int, view: int = WHOLE) -> int:
        """Row of ``tokens``."""
        return picture * self.views + view

    @cached_property
    def photos(self) -> Mapping[tuple[str, int | None], list[int]]:
        """Rows of the photos by split and fold."""
        return {(s, f): self.corpus.rows("photo", s, f) for s, f in _PARTS}

    @cached_property
    def questions(self) -> Mapping[tuple[str, int | None], list[int]]:
        """Rows of the questions by split and fold."""
        return {(s, f): self.corpus.questions(s, f) for s, f in _PARTS}

    @cached_property
    def answers(self) -> Mapping[str, list[str]]:
        """Answers to train questions by kind, as often as they were given."""
        found: dict[str, list[str]] = {}
        for number in self.corpus.questions("train"):
            found.setdefault(self.corpus.asked[number].kind, []).append(self.corpus.asked[number].answer)
        return found


_PARTS: tuple[tuple[Split, int | None], ...] = (("train", BASE_FOLD), ("train", ADAPTER_FOLD), ("choice", None))


@dataclass(frozen=True)
class Row:
    """A picture to caption (``asked`` None), or a question about it; ``near`` are rows of the memory, nearest first."""

    picture: int
    view: int
    asked: Asked | None
    target: str
    near: tuple[int, ...]

    @property
    def question(self) -> str | None:
        """What is asked."""
        return None if self.asked is None else self.asked.question


def caption_row(material: Material, picture: int, rng: random.Random) -> Row:
    """One of the captions of a photo, seen whole, mirrored or cropped."""
    captions = material.corpus.pictures[picture].captions
    caption = rng.choice([text for text in captions if len(text.split()) <= LONGEST] or captions)
    near = material.tables.pictures[picture].tolist()
    return Row(picture, rng.randrange(material.views), None, caption, tuple(near))


def question_row(material: Material, number: int) -> Row:
    """A question about a room, seen whole: mirrored, left would be right."""
    asked = material.corpus.asked[number]
    return Row(asked.picture, WHOLE, asked, asked.answer, tuple(material.tables.questions[number].tolist()))


def draw_rows(
    material: Material, split: Split, fold: int | None, batch: int, questions: float, rng: random.Random
) -> list[Row]:
    """The rows of one step: captions, and a share of questions."""
    numbers, photos = material.questions[split, fold], material.photos[split, fold]
    asked = min(round(batch * questions), len(numbers))
    rows = [caption_row(material, picture, rng) for picture in rng.choices(photos, k=batch - asked)]
    return rows + [question_row(material, number) for number in rng.sample(numbers, asked)]


def picked(near: Sequence[int], k: int, rng: random.Random | None = None, steady: float = 0.7) -> list[int]:
    """The k nearest; with a generator now and then k of the 2k nearest, so that a row is not always shown alike."""
    if rng is None or rng.random() < steady:
        return list(near[:k])
    wide = range(min(len(near), 2 * k))
    return [near[place] for place in sorted(rng.sample(wide, min(k, len(wide))))]


def shown(material: Material, near: Sequence[int]) -> list[Neighbour]:
    """Rows of the memory as neighbours, their images as references to visual tokens; nearest first."""
    found = []
    for rank, row in enumerate(near, start=1):
        entry = material.entries[row]
        image = reference(material.token_row(entry.picture))
        found.append(Neighbour(entry.id, entry.caption, image, None, 1.0 - rank / 100, rank))
    return found


def plain_sample(material: Material, row: Row) -> Sample:
    """The row without neighbours."""
    return Sample(build(Query(reference(material.token_row(row.picture, row.view)), row.question)), row.target)


def retrieval_sample(material: Material, row: Row, cell: str, k: int, rng: random.Random | None) -> Sample:
    """The row with neighbours, as one cell of the ablation shows them."""
    query = Query(reference(material.token_row(row.picture, row.view)), row.question)
    return Sample(build(query, shown(material, picked(row.near, k, rng)), CELLS[cell]), row.target)


def echo_sample(material: Material, row: Row, k: int, rng: random.Random) -> Sample:
    """Practice in reading neighbours: their captions and no picture at all, so that words are all there is to go by."""
    text: frozenset[Modality] = CELLS["text"]
    return Sample(build(Query(None, row.question), shown(material, picked(row.near, k, rng)), text), row.target)


def copying_sample(material: Material, row: Row, k: int, rng: random.Random) -> Sample:
    """Practice in copying: a statement with an answer drawn anew stands among the neighbours, then its question.

    The drawn answer is right for no picture, so it can be found nowhere but in the statement.
    """
    asked = row.asked
    assert asked is not None
    answer = rng.choice(material.answers[asked.kind])
    told = Neighbour("told", statement(asked.question, answer), None, None, 1.0, 0)
    others = shown(material, picked(row.near, k - 1, rng))
    place = rng.randrange(len(others) + 1)
    mixed = [*others[:place], told, *others[place:]]
    ranked = [Neighbour(n.id, n.caption, None, None, 1.0 - rank / 100, rank) for rank, n in enumerate(mixed, start=1)]
    return Sample(build(Query(None, asked.question), ranked, CELLS["text"]), answer)
