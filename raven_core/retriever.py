"""Query → neighbours: fuse the query, search the memory, drop what must not come back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raven_core.encoder import Encoder
from raven_core.errors import OptionError
from raven_core.images import perceptual_hash
from raven_core.index import Mask
from raven_core.memory import Memory
from raven_core.settings import check_weight
from raven_core.types import Neighbour, Query, Vector, Vectors

DUPLICATE_BITS = 4
"""Two images whose perceptual hashes differ in at most this many of 64 bits count as the same picture."""

QUESTION_WEIGHT = 0.3
_SPARE = 16


@dataclass(frozen=True)
class Thresholds:
    """Cosines between image vectors. Above ``leak``: the same picture again; nearest below ``far``: a stranger."""

    leak: float
    far: float


@dataclass(frozen=True, eq=False)
class QueryVectors:
    """Embedded queries: image vectors (n, dim), and the fused index queries (n, 2 * dim); float32."""

    images: Vectors
    fused: Vectors


@dataclass(frozen=True)
class _Candidate:
    row: int
    similarity: float
    image_similarity: float | None


class Retriever:
    """Finds the pairs of a memory that are most like a query."""

    def __init__(
        self,
        encoder: Encoder,
        memory: Memory,
        question_weight: float = QUESTION_WEIGHT,
        leak_threshold: float | None = None,
    ) -> None:
        """A retriever with defaults.

        Params:
            question_weight: share of the question in the query, 0 to 1; pairs then score
                (1 - w) * cos(image, image) + w * cos(question, caption).
            leak_threshold: image cosine above which a pair is a near-duplicate of the query; None to go by the
                perceptual hash alone.
        """
        self.encoder, self.memory = encoder, memory
        self.question_weight, self.leak_threshold = check_weight(question_weight), leak_threshold

    def search(
        self,
        query: Query,
        k: int = 3,
        question_weight: float | None = None,
        exclude_ids: Collection[str] = (),
        drop_duplicates: bool = True,
        leak_threshold: float | None = None,
        vectors: QueryVectors | None = None,
    ) -> list[Neighbour]:
        """The k best neighbours of one query, best first; see ``search_many``."""
        return self.search_many(
            [query],
            k,
            question_weight=question_weight,
            exclude_ids=[exclude_ids],
            drop_duplicates=drop_duplicates,
            leak_threshold=leak_threshold,
            vectors=vectors,
        )[0]

    def search_many(
        self,
        queries: Sequence[Query],
        k: int = 3,
        *,
        question_weight: float | None = None,
        exclude_ids: Sequence[Collection[str]] | None = None,
        allowed: Collection[str] | Mask | None = None,
        drop_duplicates: bool = True,
        leak_threshold: float | None = None,
        image_vectors: Vectors | None = None,
        vectors: QueryVectors | None = None,
        with_images: bool = True,
    ) -> list[list[Neighbour]]:
        """The k best neighbours of each query, best first, ties to the pair stored earlier.

        Params:
            queries: images, questions or both.
            k: neighbours wanted; fewer come back where the memory has no more.
            question_weight: overrides the retriever's own; queries with only one half use that half alone.
            exclude_ids: for each query, ids that must not come back.
            allowed: ids that may come back, or a mask over the memory's rows (len(memory),) bool; None for all.
            drop_duplicates: leave out pairs whose image is the query's again (perceptual hash within 4 bits, or
                image cosine above the leak threshold).
            leak_threshold: overrides the retriever's own.
            image_vectors: the queries' image vectors (n, dim) where they are known; else they are computed.
            vectors: the queries as ``embed`` made them, where that is done already.
            with_images: decode the neighbours' images (off saves time where only ids matter).
        Raises:
            OptionError: k is negative or the weight is outside 0 to 1.
        """
        if k < 0:
            raise OptionError(f"k is {k}: ask for 0 or more neighbours.")
        if not queries or k == 0 or len(self.memory) == 0:
            return [[] for _ in queries]
        embedded = vectors or self.embed(queries, question_weight, image_vectors)
        threshold = self.leak_threshold if leak_threshold is None else leak_threshold
        excluded = exclude_ids if exclude_ids is not None else [()] * len(queries)
        banned = [
            set(self.memory.rows_of(ids)) | (self._same_picture(query) if drop_duplicates else set())
            for query, ids in zip(queries, excluded, strict=True)
        ]
        found = self._search(embedded, k, banned, self._mask(allowed), threshold if drop_duplicates else None)
        return [self._neighbours(candidates, with_images) for candidates in found]

    # ------------------------------------------------------------------ the query

    def embed(
        self, queries: Sequence[Query], question_weight: float | None = None, image_vectors: Vectors | None = None
    ) -> QueryVectors:
        """The queries as vectors, with the arguments of ``search_many``.

        Raises:
            OptionError: the weight is outside 0 to 1.
        """
        weight = self.question_weight if question_weight is None else check_weight(question_weight)
        images = self._image_vectors(queries) if image_vectors is None else image_vectors
        return QueryVectors(images, self._fuse(queries, images, weight))

    def _image_vectors(self, queries: Sequence[Query]) -> Vectors:
        """(n, dim); a zero row for a query without an image."""
        vectors = np.zeros((len(queries), self.memory.dim), dtype=np.float32)
        present = [number for number, query in enumerate(queries) if query.image is not None]
        images = [query.image for query in queries if query.image is not None]
        if images:
            vectors[present] = self.encoder.encode_images(images)
        return vectors

    def _fuse(self, queries: Sequence[Query], images: Vectors, weight: float) -> Vectors:
        """Index queries (n, 2 * dim): the weighted image vectors beside the weighted question vectors."""
        asked = [number for number, query in enumerate(queries) if query.question]
        texts = np.zeros_like(images)
        if asked:
            texts[asked] = self.encoder.encode_texts([queries[number].question or "" for number in asked])
        has_question = np.zeros(len(queries), dtype=bool)
        has_question[asked] = True
        has_image = np.array([query.image is not None for query in queries]) | images.any(axis=1)
        shares = np.where(has_question, np.where(has_image, weight, 1.0), 0.0).astype(np.float32)[:, None]
        return np.concatenate([(1 - shares) * images, shares * texts], axis=1)

    # ------------------------------------------------------------------ what must not come back

    def _mask(self, allowed: Collection[str] | Mask | None) -> Mask | None:
        if allowed is None or isinstance(allowed, np.ndarray):
            return allowed
        mask = np.zeros(len(self.memory), dtype=bool)
        mask[self.memory.rows_of(allowed)] = True
        return mask

    def _same_picture(self, query: Query) -> set[int]:
        """Rows whose perceptual hash is (nearly) the query's."""
        if query.image is None:
            return set()
        own = np.uint64(int(perceptual_hash(query.image), 16))
        distances = np.bitwise_count(self.memory.perceptual_hashes ^ own)
        return set(np.flatnonzero((distances <= DUPLICATE_BITS) & self.memory.has_hash).tolist())

    # ------------------------------------------------------------------ the search

    def _search(
        self, vectors: QueryVectors, k: int, banned: list[set[int]], mask: Mask | None, limit: float | None
    ) -> list[list[_Candidate]]:
        """Fetch more than k, filter, and fetch again for the queries that fell short."""
        images, fused = vectors.images, vectors.fused
        total = len(self.memory) if mask is None else int(np.count_nonzero(mask))
        found: list[list[_Candidate]] = [[] for _ in range(len(fused))]
        open_queries = list(range(len(fused)))
        fetch = min(total, k + _SPARE)
        while open_queries and total:
            scores, rows = self.memory.search(fused[open_queries], fetch, mask)
            cosines = np.einsum("nd,nkd->nk", images[open_queries], self.memory.image_vectors(rows))
            for place, number in enumerate(open_queries):
                has_image = bool(images[number].any())
                found[number] = self._filter(
                    scores[place], rows[place], cosines[place], has_image, k, banned[number], limit
                )
            open_queries = [number for number in open_queries if len(found[number]) < k] if fetch < total else []
            fetch = min(total, 4 * fetch)
        return found

    def _filter(
        self,
        scores: npt.NDArray[np.float64],
        rows: npt.NDArray[np.int64],
        cosines: Vector,
        has_image: bool,
        k: int,
        banned: set[int],
        limit: float | None,
    ) -> list[_Candidate]:
        kept: list[_Candidate] = []
        for score, row, cosine in zip(scores.tolist(), rows.tolist(), cosines.tolist(), strict=True):
            comparable = has_image and bool(self.memory.has_hash[row])
            if row in banned or (limit is not None and comparable and cosine > limit):
                continue
            kept.append(_Candidate(row, score, round(cosine, 6) if comparable else None))
            if len(kept) == k:
                break
        return kept

    def _neighbours(self, candidates: list[_Candidate], with_images: bool) -> list[Neighbour]:
        pairs = self.memory.pairs([self.memory.ids[candidate.row] for candidate in candidates])
        return [
            Neighbour(
                id=pair.id,
                caption=pair.caption,
                image=self.memory.image(pair.image_hash) if with_images and pair.image_hash else None,
                image_hash=pair.image_hash,
                similarity=candidate.similarity,
                rank=rank,
                source=pair.source,
                image_similarity=candidate.image_similarity,
            )
            for rank, (candidate, pair) in enumerate(zip(candidates, pairs, strict=True), start=1)
        ]


def calibrate_thresholds(
    memory: Memory, leak_quantile: float = 0.999, false_alarm: float = 0.05, sample: int = 5000
) -> Thresholds:
    """Thresholds from the memory itself: how like each other are its most similar, yet different, images?

    For up to ``sample`` images, evenly spread, the cosine to the nearest other image is taken; pictures with the
    same perceptual hash (within 4 bits) are duplicates already and left out. ``leak`` is the ``leak_quantile`` of
    these cosines, ``far`` their ``false_alarm`` quantile: that share of the memory's own images would be called far.

    Returns:
        Thresholds, both NaN-free; (1, -1), which drop and warn of nothing, for fewer than two images.
    """
    rows = np.flatnonzero(memory.has_hash)
    queries = rows[np.unique(np.linspace(0, len(rows) - 1, min(sample, len(rows))).astype(np.int64))]
    nearest = _nearest_other(memory, queries)
    if not nearest:
        return Thresholds(leak=1.0, far=-1.0)
    return Thresholds(
        leak=round(float(np.quantile(nearest, leak_quantile)), 6),
        far=round(float(np.quantile(nearest, false_alarm)), 6),
    )


def _nearest_other(memory: Memory, rows: npt.NDArray[np.int64]) -> list[float]:
    """Cosine of each row's image to the nearest image that is another picture; rows without one are left out."""
    nearest: list[float] = []
    for start in range(0, len(rows), 256):
        chunk = rows[start : start + 256]
        vectors = memory.image_vectors(chunk)
        queries = np.concatenate([vectors, np.zeros_like(vectors)], axis=1)
        scores, found = memory.search(queries, 16, memory.has_hash)
        own = memory.perceptual_hashes[chunk][:, None]
        other = np.bitwise_count(memory.perceptual_hashes[found] ^ own) > DUPLICATE_BITS
        best = np.where(other, scores, -np.inf).max(axis=1)
        nearest += best[np.isfinite(best)].tolist()
    return nearest
