"""Neighbours of every training row, found once: by a retriever that was not fitted on it, never the row itself.

The vectors are fused as ``raven_core.retriever`` fuses them; what is left out is every pair whose picture is in the
query's own duplicate group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from finetune.loop import device
from finetune.photos.backbone import Floats
from finetune.photos.corpus import Corpus, Split
from finetune.photos.statements import statement
from raven_core.dual_encoder import DualEncoder
from raven_core.encoder import Encoder

Rows = npt.NDArray[np.int64]
_AT_ONCE = 256


@dataclass(frozen=True)
class Entry:
    """One pair of the memory to be: a picture with a caption, or with a statement made from a question."""

    id: str
    picture: int
    caption: str
    asked: int | None = None


def memory_entries(corpus: Corpus, captions: Mapping[int, str]) -> list[Entry]:
    """The memory's pairs in its order: train photos with their consensus caption, then every train statement."""
    photos = [Entry(f"photo-{corpus.pictures[row].id}", row, captions[row]) for row in corpus.rows("photo", "train")]
    rooms = []
    for number in corpus.questions("train"):
        asked = corpus.asked[number]
        rooms.append(Entry(f"room-{asked.id}", asked.picture, statement(asked.question, asked.answer), number))
    return [*photos, *rooms]


@dataclass(frozen=True, eq=False)
class Seen:
    """Everything as one retriever embeds it, unit rows: pictures (n, d), captions (m, d), questions (q, d)."""

    pictures: Floats
    captions: Floats
    questions: Floats


def embed(folder: Path, pooled: Floats, corpus: Corpus, entries: Sequence[Entry]) -> Seen:
    """The pool, the memory's captions and all questions about the pool, embedded by the retriever in a folder."""
    encoder = Encoder.load(folder)
    texts = [asked.question if asked.picture < len(pooled) else "" for asked in corpus.asked]
    return Seen(
        project(DualEncoder.load(str(folder)), pooled),
        encoder.encode_texts([entry.caption for entry in entries]),
        encoder.encode_texts(texts),
    )


@torch.inference_mode()
def project(encoder: DualEncoder, pooled: Floats) -> Floats:
    """(n, width) features of the backbone → (n, d) unit rows, as ``embed_images`` makes them."""
    encoder = encoder.to(device())
    projected: Any = encoder.image_projection(torch.from_numpy(pooled).to(device())).float()
    return np.asarray(torch.nn.functional.normalize(projected, dim=-1).cpu().numpy(), dtype=np.float32)


def fused(images: Floats, texts: Floats | None, weight: float) -> Floats:
    """Queries (n, 2d): the image alone, or with a question of share ``weight``."""
    if texts is None:
        return np.concatenate([images, np.zeros_like(images)], axis=1)
    return np.concatenate([(1 - weight) * images, weight * texts], axis=1)


def nearest(queries: Floats, own: Rows, memory: Floats, groups: Rows, k: int) -> tuple[Rows, Floats]:
    """Best memory rows of each query and their scores, (n, k) each, best first, ties to the earlier row.

    Params:
        own: (n,) group of each query's picture; pairs of that group are left out.
        groups: (m,) group of each pair's picture.
    """
    found, scores = [np.zeros((0, k), dtype=np.int64)], [np.zeros((0, k), dtype=np.float32)]
    for start in range(0, len(queries), _AT_ONCE):
        similar = queries[start : start + _AT_ONCE] @ memory.T
        similar[own[start : start + _AT_ONCE, None] == groups[None]] = -np.inf
        order = np.argsort(-similar, axis=1, kind="stable")[:, :k]
        found.append(order)
        scores.append(np.take_along_axis(similar, order, axis=1))
        if np.isneginf(scores[-1]).any():
            raise ValueError(f"The memory is too small for {k} neighbours of every row that are not the row itself.")
    return np.concatenate(found), np.concatenate(scores)


@dataclass(frozen=True, eq=False)
class Tables:
    """Rows of the memory: for each picture of the pool (n, k), and for each question (q, k); -1 where not looked up."""

    pictures: Rows
    questions: Rows

    def save(self, path: Path) -> None:
        """Writes both."""
        np.savez(path, pictures=self.pictures, questions=self.questions)

    @classmethod
    def load(cls, path: Path) -> Tables:
        """What ``save`` wrote."""
        content = np.load(path)
        return cls(content["pictures"], content["questions"])


def find_neighbours(
    corpus: Corpus, entries: Sequence[Entry], of_fold: Mapping[int | None, Seen], weight: float, k: int
) -> Tables:
    """Neighbours of every picture and question of the pool.

    Params:
        of_fold: for train rows by fold, the vectors of the retriever fitted on the other one; under None those of
            the final retriever, for rows held out for choices.
        weight: share of the question in a search.
    """
    groups = np.array([corpus.pictures[entry.picture].group for entry in entries])
    k = min(k, len(entries))
    tables = Tables(np.full((corpus.pool, k), -1), np.full((len(corpus.asked), k), -1))
    for fold, seen in of_fold.items():
        memory = np.concatenate([seen.pictures[[entry.picture for entry in entries]], seen.captions], axis=1)
        split: Split = "choice" if fold is None else "train"
        rows = [*corpus.rows("photo", split, fold), *corpus.rows("room", split, fold)]
        own = np.array([corpus.pictures[row].group for row in rows])
        tables.pictures[rows] = nearest(fused(seen.pictures[rows], None, 0.0), own, memory, groups, k)[0]
        asked = corpus.questions(split, fold)
        places = [corpus.asked[number].picture for number in asked]
        own = np.array([corpus.pictures[row].group for row in places])
        queries = fused(seen.pictures[places], seen.questions[asked], weight)
        tables.questions[asked] = nearest(queries, own, memory, groups, k)[0]
    return tables


def answers_found(corpus: Corpus, entries: Sequence[Entry], tables: Tables, questions: Sequence[int], k: int) -> float:
    """Share of the questions whose answer is that of one of the k nearest statements."""
    hits = 0
    for number in questions:
        told = {corpus.asked[a].answer for row in tables.questions[number][:k] if (a := entries[row].asked) is not None}
        hits += corpus.asked[number].answer in told
    return hits / max(1, len(questions))
