"""Leak caps: how much of the gain comes from memory items that all but show the query again?

A cap is a quantile of the similarity between queries and the neighbours they retrieve, so it means the same for every
encoder: at 0.9, whatever is more similar than nine tenths of the neighbours are is left out of the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raven_core.datasets.examples import Example
from raven_core.evaluation.runner import Progress, Runner
from raven_core.request import Request
from raven_core.types import Query

if TYPE_CHECKING:
    from raven_core.retriever import Retriever


def similarities(
    runner: Runner, retriever: Retriever, request: Request, examples: Sequence[Example], batch: int, progress: Progress
) -> list[float]:
    """Image cosines of all queries with the neighbours they retrieve; pictures that cannot be read are passed over."""
    found: list[float] = []
    for start in range(0, len(examples), batch):
        readable, queries = _queries(examples[start : start + batch])
        if readable:
            lists = retriever.search_many(
                queries,
                request.k,
                drop_duplicates=request.drop_duplicates,
                vectors=runner.embed(readable, queries),
                with_images=False,
            )
            found += [n.image_similarity for row in lists for n in row if n.image_similarity is not None]
        progress(min(start + batch, len(examples)), len(examples))
    return found


def _queries(examples: Sequence[Example]) -> tuple[list[Example], list[Query]]:
    readable, queries = [], []
    for example in examples:
        try:
            queries.append(Query(example.open(), example.question))
            readable.append(example)
        except Exception:  # noqa: BLE001 - a loader of a library raises anything; it is recorded when its turn comes
            continue
    return readable, queries


def thresholds(found: Sequence[float], caps: Sequence[float]) -> dict[float, float]:
    """The image cosine of each cap; without any neighbour nothing is left out."""
    return {cap: round(float(np.quantile(found, cap)), 6) if found else 1.0 for cap in caps}
