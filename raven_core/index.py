"""Nearest rows by inner product, behind a small contract; FAISS does the work."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
import numpy.typing as npt

from raven_core.errors import EncoderMismatchError, MemoryStoreError
from raven_core.types import Vectors

Scores = npt.NDArray[np.float64]
"""Shape (n, k): inner products, largest first."""

Rows = npt.NDArray[np.int64]
"""Shape (n, k): row numbers, in the order of the scores."""

Mask = npt.NDArray[np.bool_]
"""Shape (rows,): which rows may be returned."""

DECIMALS = 6
"""Scores are rounded to this many decimals: float noise must not decide between equals, the row number does."""

_MARGIN = 8


class Index(Protocol):
    """Rows of float32 vectors that can be searched by inner product."""

    def __len__(self) -> int: ...

    def add(self, vectors: Vectors) -> None:
        """Append rows."""

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> tuple[Scores, Rows]:
        """The k best rows for each query, best first, ties to the smaller row."""

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of rows."""


class FaissIndex:
    """Exact search (``IndexFlatIP``), with the same answer whatever the batch size or number of threads."""

    def __init__(self, dim: int, encoder: str = "", state: str = "") -> None:
        """An empty index.

        Params:
            dim: length of a vector.
            encoder: fingerprint of the encoder that made the vectors.
            state: fingerprint of what the vectors were taken from, to notice a stale file.
        """
        self.dim, self.encoder, self.state = dim, encoder, state
        self._index: faiss.Index = faiss.IndexFlatIP(dim)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: Vectors) -> None:
        """Append rows, (n, dim) float32."""
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors of rows of any shape (...,): (..., dim) float32."""
        flat = np.ascontiguousarray(rows, dtype=np.int64).reshape(-1)
        if flat.size == 0:
            return np.zeros((*np.shape(rows), self.dim), dtype=np.float32)
        return self._index.reconstruct_batch(flat).reshape(*np.shape(rows), self.dim)

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> tuple[Scores, Rows]:
        """The k rows with the largest inner product, ties to the smaller row.

        Params:
            queries: (n, dim) float32.
            k: how many; fewer come back when fewer are allowed.
            allowed: rows that may be returned, (rows,) bool; None for all.
        Returns:
            Scores (n, k') and rows (n, k'), k' = min(k, allowed rows).
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        total = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, total)
        if k < 1 or not len(queries):
            empty = (len(queries), max(k, 0))
            return np.zeros(empty, dtype=np.float64), np.zeros(empty, dtype=np.int64)
        fetch = min(k + _MARGIN, total)
        while True:
            scores, rows = self._fetch(queries, fetch, allowed)
            # A tie that runs past what was fetched may hide a smaller row: fetch on until the tie ends.
            if fetch == total or np.all(scores[:, k - 1] > scores[:, -1]):
                return scores[:, :k], rows[:, :k]
            fetch = min(4 * fetch, total)

    def _fetch(self, queries: Vectors, count: int, allowed: Mask | None) -> tuple[Scores, Rows]:
        params = None
        if allowed is not None:
            params = _only(allowed)
        _, rows = self._index.search(queries, count, params=params)
        # FAISS adds up in another order for one query than for many; scored again in float64 they agree.
        exact = np.einsum("nd,nkd->nk", queries.astype(np.float64), self.vectors(rows).astype(np.float64))
        scores = np.round(exact, DECIMALS)
        order = np.lexsort((rows, -scores), axis=-1)
        return np.take_along_axis(scores, order, axis=-1), np.take_along_axis(rows, order, axis=-1)

    def save(self, path: Path) -> None:
        """Write ``path`` and, beside it, what the index is, as JSON."""
        temporary = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.tmp")  # two processes may start at once
        faiss.write_index(self._index, str(temporary))
        temporary.replace(path)
        about = {"kind": "IndexFlatIP", "dim": self.dim, "rows": len(self), "encoder": self.encoder}
        text = json.dumps({**about, "state": self.state}, indent=2)
        path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path, encoder: str) -> FaissIndex:
        """Read an index written by ``save``.

        Params:
            encoder: fingerprint of the encoder whose vectors are expected.
        Raises:
            EncoderMismatchError: another encoder made it.
            MemoryStoreError: the file or the JSON beside it is missing or damaged.
        """
        try:
            about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            made_by, dim, rows, state = about["encoder"], about["dim"], about["rows"], about["state"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MemoryStoreError(f"The index {str(path)!r} does not describe itself: delete it.") from error
        if made_by != encoder:
            raise EncoderMismatchError(
                f"The index {str(path)!r} was made by another encoder ({made_by}, not {encoder}): "
                "delete it and it will be rebuilt from the memory."
            )
        index = cls(dim, made_by, state)
        try:
            index._index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise MemoryStoreError(f"The index {str(path)!r} is missing or damaged: delete it.") from error
        if (index._index.d, index._index.ntotal) != (dim, rows):
            raise MemoryStoreError(f"The index {str(path)!r} is not what its JSON says: delete it.")
        return index


def _only(allowed: Mask) -> Any:
    """FAISS's way to restrict a search to some rows (its stubs do not know what its Python layer accepts)."""
    library: Any = faiss
    return library.SearchParameters(sel=library.IDSelectorBitmap(np.packbits(allowed, bitorder="little")))
