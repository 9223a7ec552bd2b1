"""The neighbours of one query, altered: counterfactual, capped, edited. One retrieval serves every k."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from raven_core import counterfactuals
from raven_core.clock import Clock
from raven_core.edits import AddedPair, Gathered, NeighbourEdit, apply_edits, as_neighbours, insert, over_cap
from raven_core.errors import OptionError
from raven_core.images import ImageSource, load_image
from raven_core.request import Request
from raven_core.retriever import QueryVectors
from raven_core.types import Neighbour, Query

if TYPE_CHECKING:
    from raven_core.pipeline import Raven

ORACLE_POOL = 100
"""An oracle takes its neighbours among this many that are nearest to the query."""


@dataclass(frozen=True, eq=False)
class Alteration:
    """What is done to the neighbours of one query before the model sees them; see ``Raven.compare``."""

    neighbours: str = "retrieved"
    leak_cap: float | None = None
    edits: Sequence[NeighbourEdit] = ()
    added: Sequence[AddedPair] = ()
    references: Sequence[str] | None = None

    @classmethod
    def checked(cls, raven: Raven, **values: Any) -> Alteration:
        """With its images decoded.

        Raises:
            OptionError: the kind of neighbours is unknown, an oracle has no references, or a neighbour two edits.
            ImageError: an image of an edit or an added pair cannot be read.
        """
        made = cls(**values)
        if counterfactuals.check_kind(made.neighbours) == "oracle" and not made.references:
            raise OptionError("Oracle neighbours are those that say what is right: give references.")
        apply_edits((), made.edits)  # refuses two of one neighbour

        def read(image: ImageSource | None) -> Any:
            return None if image is None else load_image(image, raven.settings.max_pixels)

        return replace(
            made,
            edits=tuple(replace(edit, image=read(edit.image)) for edit in made.edits),
            added=tuple(replace(pair, image=read(pair.image)) for pair in made.added),
        )

    def complete(self, request: Request) -> Request:
        """The request with the pairs that an edit leaves out: retrieval puts the next best ones in their places."""
        excluded = {edit.id for edit in self.edits if edit.exclude}
        return replace(request, exclude_ids=tuple(sorted({*request.exclude_ids, *excluded})))


class Gatherer:
    """One retrieval for one query, and the neighbours of any k made of it."""

    def __init__(self, raven: Raven, query: Query, request: Request, alteration: Alteration, clock: Clock) -> None:
        """Asks the memory once, for ``request.k`` neighbours."""
        self._raven, self._query, self._alteration = raven, query, alteration
        self.request = alteration.complete(request)
        self._vectors: QueryVectors | None = None
        self._found: list[Neighbour] = []
        self._removed: list[Neighbour] = []
        self._pool: list[str] | None = None
        self._added: list[Neighbour] = as_neighbours(alteration.added)
        if self.request.retrieves or alteration.added:
            with clock.stage("encode"):
                self._vectors = raven.retriever.embed([query], request.question_weight)
        if self.request.retrieves:
            with clock.stage("search"):
                self._retrieve()

    def take(self, k: int) -> Gathered:
        """The neighbours for this k, altered as asked."""
        alteration, base = self._alteration, self._found[:k]
        kind = alteration.neighbours if base else "retrieved"
        rng = random.Random(self.request.seed)
        chosen = counterfactuals.counterfactual(
            kind, self._raven.memory, base, rng, alteration.references, self._pool if kind == "oracle" else None
        )
        wanted = [edit for edit in alteration.edits if not edit.exclude]
        edited = apply_edits(chosen, wanted)
        neighbours = self._measured(insert(edited, self._added) if self._added else edited, {one.id for one in base})
        met = {one.id for one in chosen}
        return Gathered(
            neighbours=tuple(neighbours),
            removed=tuple(one for one in self._removed if one.rank <= k),
            unused=tuple(edit.id for edit in wanted if edit.id not in met),
            altered=neighbours != base or bool(self._removed),
        )

    def _retrieve(self) -> None:
        cap = self._alteration.leak_cap
        self._found = self._search(self.request.k)
        self._removed = [] if cap is None else over_cap(self._found, cap)
        if self._removed:
            self._found = self._search(self.request.k, cap)
        if self._alteration.neighbours == "oracle":
            self._pool = [one.id for one in self._search(max(ORACLE_POOL, self.request.k), cap, with_images=False)]

    def _search(self, k: int, cap: float | None = None, with_images: bool = True) -> list[Neighbour]:
        limit = self._raven.retriever.leak_threshold
        return self._raven.retriever.search_many(
            [self._query],
            k,
            exclude_ids=[self.request.exclude_ids],
            # a cap drops what is too similar, the picture itself before all
            drop_duplicates=self.request.drop_duplicates or cap is not None,
            leak_threshold=cap if limit is None or cap is None else min(cap, limit),
            vectors=self._vectors,
            with_images=with_images,
        )[0]

    def _measured(self, neighbours: list[Neighbour], known: set[str]) -> list[Neighbour]:
        """Similarities of those that retrieval did not bring, measured as it would have."""
        if self._vectors is None:
            return neighbours
        return [one if one.id in known else self._measure(one, self._vectors) for one in neighbours]

    def _measure(self, neighbour: Neighbour, vectors: QueryVectors) -> Neighbour:
        encoder = self._raven.encoder
        nothing = np.zeros(self._raven.memory.dim, dtype=np.float32)
        image = nothing if neighbour.image is None else encoder.encode_images([neighbour.image])[0]
        text = encoder.encode_texts([neighbour.caption])[0] if neighbour.caption else nothing
        cosine = round(float(vectors.images[0] @ image), 6)
        return replace(
            neighbour,
            similarity=float(vectors.fused[0] @ np.concatenate([image, text])),
            image_similarity=None if neighbour.image is None or not vectors.images[0].any() else cosine,
        )
