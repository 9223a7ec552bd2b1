"""The external memory: a folder with one SQLite file (the truth), its images, and a FAISS index (a cache).

``memory.sqlite`` holds the pairs with their embeddings and says which encoder made them; ``images/ab/abcd….webp``
are named by content hash; ``index.faiss`` and ``index.json`` are rebuilt whenever they are missing or stale.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from raven_core.encoder import Encoder
from raven_core.errors import EncoderMismatchError, MemoryStoreError, RavenError
from raven_core.images import load_image
from raven_core.index import FaissIndex, Mask, Rows, Scores
from raven_core.memory_writer import (
    DATABASE,
    IMAGES,
    INDEX,
    OnError,
    Row,
    Writer,
    connect_to_write,
    initialise,
    read_meta,
    unpack,
)
from raven_core.types import Pair, Vectors

_COLUMNS = "id, caption, image_hash, source, perceptual_hash"
_CHUNK = 500


class Memory:
    """Image-text pairs that can be searched. Made by ``create`` or ``open``; safe to use from several threads.

    Each index row is the image vector followed by the caption vector (each a unit vector, or zero when that half
    is missing), so a query ``[(1 - w) * image ; w * question]`` scores their weighted cosines with any weight.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, index: FaissIndex, cached_images: int) -> None:
        self.folder = folder
        self._connection = connection
        self._lock = threading.Lock()
        self._index = index
        self._images: OrderedDict[str, Image.Image] = OrderedDict()
        self._cached_images = cached_images
        self._read_rows()

    # ------------------------------------------------------------------ making

    @classmethod
    def create(
        cls,
        folder: str | Path,
        encoder: Encoder,
        rows: Iterable[Row],
        *,
        name: str = "",
        quality: int | None = None,
        max_side: int | None = None,
        dtype: str = "float32",
        batch_size: int = 64,
        progress: Callable[[int], None] | None = None,
        on_error: OnError | None = None,
        cached_images: int = 512,
    ) -> Memory:
        """Embed and store pairs; on a folder that holds a memory already, go on where it stopped.

        Params:
            rows: (id, image or None, caption or None, source, extra); an image may be a pillow image, encoded
                bytes or a path. Rows whose id is stored already are skipped.
            quality: WebP quality 1-100 of the stored images; None stores them losslessly. What is embedded is
                what is stored.
            max_side: larger images are scaled down to this many pixels on their longest side.
            dtype: float32 or float16, how embeddings are stored.
            batch_size: pairs embedded and committed at a time.
            progress: called with the number of rows read so far.
            on_error: called with the id and the error of a row that cannot be stored; None raises the error.
        Raises:
            EncoderMismatchError: the folder holds a memory of another encoder.
            MemoryStoreError: a row has neither image nor caption, or the folder cannot be written.
            ImageError: an image cannot be read and there is no ``on_error``.
        """
        folder = Path(folder)
        initialise(folder, encoder.fingerprint, encoder.dim, name, dtype, quality, max_side)
        return cls._write(folder, encoder, rows, batch_size, progress, on_error, cached_images)

    def add(
        self,
        encoder: Encoder,
        rows: Iterable[Row],
        *,
        batch_size: int = 64,
        progress: Callable[[int], None] | None = None,
        on_error: OnError | None = None,
    ) -> Memory:
        """Append pairs as ``create`` does, and return the memory reopened with them; this one stays as it was."""
        return self._write(self.folder, encoder, rows, batch_size, progress, on_error, self._cached_images)

    @classmethod
    def _write(
        cls,
        folder: Path,
        encoder: Encoder,
        rows: Iterable[Row],
        batch_size: int,
        progress: Callable[[int], None] | None,
        on_error: OnError | None,
        cached_images: int,
    ) -> Memory:
        with connect_to_write(folder) as connection:
            _check_encoder(read_meta(connection), encoder, folder)
            Writer(folder, connection, encoder).write(rows, batch_size, progress, on_error)
        return cls.open(folder, encoder, cached_images=cached_images)

    @classmethod
    def open(
        cls, folder: str | Path, encoder: Encoder | None = None, *, write_cache: bool = True, cached_images: int = 512
    ) -> Memory:
        """Open a memory for reading; a folder that cannot be written is never written to.

        Params:
            encoder: the encoder that will ask; its fingerprint must be the memory's.
            write_cache: save a rebuilt index beside the memory (where the folder can be written).
            cached_images: how many decoded images are kept in RAM.
        Raises:
            MemoryStoreError: there is no memory in the folder, or it is damaged.
            EncoderMismatchError: the memory or its index was made by another encoder.
        """
        folder = Path(folder)
        connection = _connect_to_read(folder)
        try:
            meta = read_meta(connection)
            if encoder is not None:
                _check_encoder(meta, encoder, folder)
            index = _open_index(folder, connection, meta, write_cache)
            return cls(folder, connection, index, cached_images)
        except (sqlite3.DatabaseError, KeyError) as error:
            connection.close()
            raise MemoryStoreError(f"The memory in {str(folder)!r} is damaged ({error}): rebuild it.") from error
        except BaseException:
            connection.close()
            raise

    # ------------------------------------------------------------------ reading

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def name(self) -> str:
        """What the memory was called when it was made."""
        return self._meta["name"]

    @property
    def fingerprint(self) -> str:
        """16 hex digits that name the encoder and every pair, in order."""
        return self._meta["state"][:16]

    @property
    def encoder_fingerprint(self) -> str:
        """The fingerprint of the encoder that embedded the pairs."""
        return self._meta["encoder"]

    @property
    def dim(self) -> int:
        """Length of an image vector and of a caption vector; an index row is twice as long."""
        return int(self._meta["dim"])

    def pair(self, pair_id: str) -> Pair:
        """The pair with this id.

        Raises:
            MemoryStoreError: there is none.
        """
        return self.pairs([pair_id])[0]

    def pairs(self, pair_ids: Sequence[str]) -> list[Pair]:
        """The pairs with these ids, in the order asked for.

        Raises:
            MemoryStoreError: one of them is not in the memory.
        """
        found = {row[0]: Pair(*row) for row in self._select(_COLUMNS, pair_ids)}
        missing = [pair_id for pair_id in pair_ids if pair_id not in found]
        if missing:
            raise MemoryStoreError(f"The memory {str(self.folder)!r} holds no pair {missing[0]!r}.")
        return [found[pair_id] for pair_id in pair_ids]

    def extras(self, pair_ids: Sequence[str]) -> list[dict[str, Any]]:
        """What else was stored with these pairs (the ``extra`` of their rows), in the order asked for."""
        found = {row[0]: json.loads(row[1]) for row in self._select("id, extra", pair_ids)}
        return [found.get(pair_id, {}) for pair_id in pair_ids]

    def image(self, image_hash: str) -> Image.Image:
        """The RGB image with this content hash; it is shared, so do not draw on it.

        Raises:
            MemoryStoreError: its file is missing or damaged.
        """
        with self._lock:
            if image_hash in self._images:
                self._images.move_to_end(image_hash)
                return self._images[image_hash]
        path = self.folder / IMAGES / image_hash[:2] / f"{image_hash}.webp"
        try:
            image = load_image(path.read_bytes())
        except (OSError, RavenError) as error:
            raise MemoryStoreError(f"The memory's image {str(path)!r} is missing or damaged: rebuild it.") from error
        with self._lock:
            self._images[image_hash] = image
            while len(self._images) > self._cached_images:
                self._images.popitem(last=False)
        return image

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> tuple[Scores, Rows]:
        """Scores (n, k') float64 and row numbers (n, k') of the best rows for queries (n, 2 * dim) float32.

        Params:
            allowed: which rows may be returned, (len(self),) bool; None for all.
        """
        return self._index.search(queries, k, allowed)

    def rows_of(self, pair_ids: Iterable[str]) -> list[int]:
        """Row numbers of the ids that are in the memory; others are passed over."""
        return [self._row_of[pair_id] for pair_id in pair_ids if pair_id in self._row_of]

    def image_vectors(self, rows: Rows) -> Vectors:
        """Image vectors of rows of any shape (...,): (..., dim) float32; zero where a pair has no image."""
        return self._index.vectors(rows)[..., : self.dim]

    def vectors(self) -> tuple[Vectors, Vectors]:
        """All image vectors and all caption vectors, (n, dim) float32 each; zero rows where a half is missing."""
        both = self._index.vectors(np.arange(len(self)))
        return both[:, : self.dim], both[:, self.dim :]

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _read_rows(self) -> None:
        """What is kept in RAM: ids, and perceptual hashes (n,) uint64 with a mask of those that have one."""
        self._meta = read_meta(self._connection)
        rows = self._connection.execute("SELECT id, perceptual_hash FROM pairs ORDER BY seq").fetchall()
        self.ids: list[str] = [row[0] for row in rows]
        self._row_of = {pair_id: row for row, pair_id in enumerate(self.ids)}
        self.has_hash: Mask = np.array([row[1] is not None for row in rows], dtype=bool)
        self.perceptual_hashes: npt.NDArray[np.uint64] = np.array(
            [int(row[1], 16) if row[1] else 0 for row in rows], dtype=np.uint64
        )

    def _select(self, columns: str, pair_ids: Sequence[str]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(pair_ids), _CHUNK):  # SQLite limits the number of placeholders
            chunk = pair_ids[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            with self._lock:
                found += self._connection.execute(f"SELECT {columns} FROM pairs WHERE id IN ({marks})", chunk)
        return found


def _check_encoder(meta: dict[str, str], encoder: Encoder, folder: Path) -> None:
    if meta["encoder"] != encoder.fingerprint:
        raise EncoderMismatchError(
            f"The memory in {str(folder)!r} was made by another encoder ({meta['encoder']}, not "
            f"{encoder.fingerprint}): use that encoder, or rebuild the memory with this one."
        )


def _connect_to_read(folder: Path) -> sqlite3.Connection:
    path = folder / DATABASE
    if not path.is_file():
        raise MemoryStoreError(f"There is no memory in {str(folder)!r}: check the path, or build it.")
    writable = os.access(folder, os.W_OK) and os.access(path, os.W_OK)
    if writable and path.with_name(f"{DATABASE}-journal").exists():
        with connect_to_write(folder) as repairing:  # a build was killed: only a writer may undo its last batch
            repairing.execute("SELECT count(*) FROM sqlite_master").fetchone()
    # immutable: on a read-only disk SQLite could not make the lock files that it otherwise wants.
    frozen = "" if writable else "&immutable=1"
    uri = f"{path.resolve().as_uri()}?mode=ro{frozen}"
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def _open_index(folder: Path, connection: sqlite3.Connection, meta: dict[str, str], write_cache: bool) -> FaissIndex:
    path = folder / INDEX
    if path.is_file():
        try:
            index = FaissIndex.load(path, meta["encoder"])
            if index.state == meta["state"]:
                return index
        except EncoderMismatchError:
            raise
        except MemoryStoreError:
            pass  # it is only a cache
    index = _build_index(connection, meta)
    if write_cache and os.access(folder, os.W_OK):
        index.save(path)
    return index


def _build_index(connection: sqlite3.Connection, meta: dict[str, str]) -> FaissIndex:
    dim = int(meta["dim"])
    index = FaissIndex(2 * dim, meta["encoder"], meta["state"])
    cursor = connection.execute("SELECT image_embedding, caption_embedding FROM pairs ORDER BY seq")
    while batch := cursor.fetchmany(4096):
        halves = [[unpack(blob, dim, meta["dtype"]) for blob in row] for row in batch]
        index.add(np.array(halves, dtype=np.float32).reshape(len(batch), 2 * dim))
    return index
