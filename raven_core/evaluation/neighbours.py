"""Neighbours for a batch of samples: as retrieved, or counterfactual ones in their place, with true similarities."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from raven_core.counterfactuals import GROUP, Kind, counterfactual
from raven_core.datasets.examples import Example
from raven_core.request import Request
from raven_core.types import Neighbour, Query

if TYPE_CHECKING:
    from raven_core.retriever import QueryVectors, Retriever

POOL = 100
"""An oracle chooses among this many that are nearest to the query."""


@dataclass(frozen=True, eq=False)
class Finder:
    """Finds the neighbours of samples, one search for all the cells that show the same."""

    retriever: Retriever
    request: Request
    kind: Kind
    seed: int
    _others: dict[str, list[str]] = field(default_factory=dict)

    def find(
        self, examples: Sequence[Example], queries: Sequence[Query], vectors: QueryVectors, limit: float | None = None
    ) -> list[list[Neighbour]]:
        """Each sample's neighbours, best first.

        Params:
            vectors: the queries as the retriever embeds them.
            limit: image cosine above which memory items are left out, beside the retriever's own limit.
        Raises:
            OptionError: an oracle is asked about a sample whose truth is not known, or the memory holds too few pairs
                to draw random ones from.
        """
        found = self._search(queries, self.request.k, vectors, limit)
        if self.kind == "retrieved" or not self.request.k:
            return found
        pools: list[list[str] | None] = [None] * len(examples)
        if self.kind == "oracle":
            wide = self._search(queries, max(POOL, self.request.k), vectors, limit, with_images=False)
            pools = [[neighbour.id for neighbour in row] for row in wide]
        elif self.kind == "random":
            pools = [self._of_other_kinds(example) for example in examples]
        return [
            self._altered(example, query, row_of(vectors, place), found[place], pools[place], limit)
            for place, (example, query) in enumerate(zip(examples, queries, strict=True))
        ]

    def _search(
        self,
        queries: Sequence[Query],
        k: int,
        vectors: QueryVectors,
        limit: float | None,
        allowed: Collection[str] | None = None,
        with_images: bool = True,
    ) -> list[list[Neighbour]]:
        own = self.retriever.leak_threshold
        return self.retriever.search_many(
            queries,
            k,
            allowed=allowed,
            # a cap is a threshold on likeness too, so the filter must be on
            drop_duplicates=self.request.drop_duplicates or limit is not None,
            leak_threshold=min((value for value in (own, limit) if value is not None), default=None),
            vectors=vectors,
            with_images=with_images,
        )

    def _altered(
        self,
        example: Example,
        query: Query,
        vectors: QueryVectors,
        found: list[Neighbour],
        pool: list[str] | None,
        limit: float | None,
    ) -> list[Neighbour]:
        # a generator of the sample's own: what is drawn depends neither on batches nor on resuming
        rng = random.Random(f"{self.seed} {example.task} {example.id}")
        known = {neighbour.id for neighbour in found}
        while True:
            chosen = counterfactual(self.kind, self.retriever.memory, found, rng, example.truths, pool)
            new = {neighbour.id for neighbour in chosen} - known
            if not new:
                return chosen
            measured = self._search([query], len(new), vectors, limit, new, with_images=False)[0]
            true = {one.id: (one.similarity, one.image_similarity) for one in measured}
            if len(true) == len(new):
                break
            # what was drawn shows the query again, or lies above the cap: it may not be shown, so others are drawn
            pool = [pair_id for pair_id in pool or self.retriever.memory.ids if pair_id not in new - true.keys()]
        return [
            replace(one, similarity=true[one.id][0], image_similarity=true[one.id][1]) if one.id in true else one
            for one in chosen
        ]

    def _of_other_kinds(self, example: Example) -> list[str] | None:
        """The memory's pairs that show another species than the sample, where that is known; else None, for all."""
        kind = example.extra.get(GROUP)
        if kind is None:
            return None
        if kind not in self._others:
            memory = self.retriever.memory
            shown = zip(memory.ids, memory.extras(memory.ids), strict=True)
            self._others[kind] = [pair_id for pair_id, extra in shown if extra.get(GROUP) != kind]
        return self._others[kind]


def by_rank(neighbours: Sequence[Neighbour]) -> list[Neighbour]:
    """The neighbours, rank 1 first."""
    return sorted(neighbours, key=lambda neighbour: neighbour.rank)


def row_of(vectors: QueryVectors, place: int) -> QueryVectors:
    """One query of several."""
    return replace(vectors, images=vectors.images[place : place + 1], fused=vectors.fused[place : place + 1])
