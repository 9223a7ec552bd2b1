"""Writing a memory: pairs in, batch by batch, each batch embedded and committed whole."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from raven_core.encoder import Encoder
from raven_core.errors import EncoderMismatchError, MemoryStoreError, RavenError
from raven_core.images import ImageSource, content_hash, load_image, perceptual_hash
from raven_core.types import Vector, Vectors

DATABASE, INDEX, IMAGES = "memory.sqlite", "index.faiss", "images"
SCHEMA_VERSION = "1"
WEBP_MAX_SIDE = 16383
DTYPES = ("float32", "float16")

Row: TypeAlias = tuple[str, ImageSource | None, str | None, str, Mapping[str, Any]]
"""(id, image or None, caption or None, source, extra)."""

OnError: TypeAlias = Callable[[str, RavenError], None]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pairs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    caption TEXT,
    image_hash TEXT,
    image_file TEXT,
    source TEXT NOT NULL,
    perceptual_hash TEXT,
    image_embedding BLOB,
    caption_embedding BLOB,
    extra TEXT NOT NULL
);
"""


@dataclass(frozen=True, eq=False)
class _Item:
    """A row made ready: what is stored, and the decoded stored image."""

    id: str
    image: Image.Image | None
    encoded: bytes | None
    image_hash: str | None
    perceptual_hash: str | None
    caption: str | None
    source: str
    extra: str


def initialise(
    folder: Path, encoder: str, dim: int, name: str, dtype: str, quality: int | None, max_side: int | None
) -> None:
    """Make an empty memory, or leave the one that is there.

    Raises:
        EncoderMismatchError: the folder holds a memory of another encoder.
        MemoryStoreError: the dtype is unknown, or the folder cannot be written.
    """
    if dtype not in DTYPES:
        raise MemoryStoreError(f"Unknown embedding dtype {dtype!r}: use {' or '.join(DTYPES)}.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DATABASE).touch()
    except OSError as error:
        raise MemoryStoreError(f"The folder {str(folder)!r} cannot be written ({error}): choose another.") from error
    meta = {
        "schema": SCHEMA_VERSION,
        "name": name,
        "encoder": encoder,
        "dim": str(dim),
        "dtype": dtype,
        "quality": json.dumps(quality),
        "max_side": json.dumps(max_side),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "state": hashlib.sha256(encoder.encode()).hexdigest(),
    }
    with connect_to_write(folder) as connection:
        connection.executescript(_SCHEMA)
        with connection:
            connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", meta.items())
        made_by = read_meta(connection)["encoder"]
    if made_by != encoder:
        raise EncoderMismatchError(
            f"The folder {str(folder)!r} holds a memory made by another encoder ({made_by}, not {encoder}): "
            "choose another folder, or delete it."
        )


@contextmanager
def connect_to_write(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection with a rollback journal: no -wal or -shm file is ever left beside a memory."""
    connection = sqlite3.connect(folder / DATABASE, timeout=30)
    try:
        yield connection
    except sqlite3.DatabaseError as error:
        raise MemoryStoreError(f"The memory in {str(folder)!r} cannot be written ({error}).") from error
    finally:
        connection.close()


def read_meta(connection: sqlite3.Connection) -> dict[str, str]:
    """What a memory says of itself: schema, name, encoder, dim, dtype, quality, max_side, created, state."""
    return dict(connection.execute("SELECT key, value FROM meta"))


def pack(vector: Vector | None, dtype: str) -> bytes | None:
    """A vector as little-endian bytes; None stays None."""
    return None if vector is None else vector.astype(np.dtype(dtype).newbyteorder("<")).tobytes()


def unpack(blob: bytes | None, dim: int, dtype: str) -> Vector:
    """A stored vector as a float32 unit vector (dim,), zeros for None."""
    if blob is None:
        return np.zeros(dim, dtype=np.float32)
    vector = np.frombuffer(blob, dtype=np.dtype(dtype).newbyteorder("<")).astype(np.float32)
    return vector / max(float(np.linalg.norm(vector)), 1e-12) if dtype == "float16" else vector


class Writer:
    """Appends rows to one memory."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, encoder: Encoder) -> None:
        self._folder, self._connection, self._encoder = folder, connection, encoder
        meta = read_meta(connection)
        self._dtype, self._state = meta["dtype"], meta["state"]
        self._quality: int | None = json.loads(meta["quality"])
        self._max_side: int | None = json.loads(meta["max_side"])

    def write(
        self,
        rows: Iterable[Row],
        batch_size: int,
        progress: Callable[[int], None] | None,
        on_error: OnError | None,
    ) -> None:
        """Store the rows whose id is new; each batch is one transaction, so an interrupted run can go on."""
        stored = {row[0] for row in self._connection.execute("SELECT id FROM pairs")}
        done = 0
        iterator = iter(rows)
        while batch := list(itertools.islice(iterator, batch_size)):
            items = []
            for row in batch:
                if row[0] not in stored:
                    stored.add(row[0])
                    items += self._prepare_or_report(row, on_error)
            self._store(items)
            done += len(batch)
            if progress is not None:
                progress(done)

    def _prepare_or_report(self, row: Row, on_error: OnError | None) -> list[_Item]:
        try:
            return [self._prepare(row)]
        except RavenError as error:
            if on_error is None:
                raise
            on_error(row[0], error)
            return []

    def _prepare(self, row: Row) -> _Item:
        pair_id, source_image, caption, source, extra = row
        caption = caption.strip() if caption else None
        if source_image is None and not caption:
            raise MemoryStoreError(f"The pair {pair_id!r} has neither image nor caption: give it one.")
        encoded = self._encode_file(source_image) if source_image is not None else None
        image = load_image(encoded) if encoded is not None else None
        return _Item(
            id=pair_id,
            image=image,
            encoded=encoded,
            image_hash=content_hash(image) if image is not None else None,
            perceptual_hash=perceptual_hash(image) if image is not None else None,
            caption=caption or None,
            source=source,
            extra=json.dumps(dict(extra), ensure_ascii=False, sort_keys=True),
        )

    def _encode_file(self, source: ImageSource) -> bytes:
        image = load_image(source)
        limit = min(self._max_side or WEBP_MAX_SIDE, WEBP_MAX_SIDE)
        if max(image.size) > limit:
            image.thumbnail((limit, limit), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        if self._quality is None:
            image.save(buffer, "WEBP", lossless=True, quality=80, method=4)
        else:
            image.save(buffer, "WEBP", quality=self._quality, method=6)
        return buffer.getvalue()

    def _store(self, items: list[_Item]) -> None:
        if not items:
            return
        images = self._embed([item.image for item in items], self._encoder.encode_images)
        captions = self._embed([item.caption for item in items], self._encoder.encode_texts)
        with self._connection:
            for item, image, caption in zip(items, images, captions, strict=True):
                self._write_image(item)
                self._insert(item, image, caption)
            self._connection.execute("UPDATE meta SET value = ? WHERE key = 'state'", (self._state,))

    @staticmethod
    def _embed(values: list[Any], encode: Callable[[list[Any]], Vectors]) -> list[Vector | None]:
        vectors = iter(encode([value for value in values if value is not None]))
        return [None if value is None else next(vectors) for value in values]

    def _insert(self, item: _Item, image: Vector | None, caption: Vector | None) -> None:
        content = [item.id, item.caption, item.image_hash, item.source, item.extra]
        self._state = hashlib.sha256((self._state + json.dumps(content)).encode()).hexdigest()
        file = None if item.image_hash is None else image_file(item.image_hash)
        self._connection.execute(
            "INSERT INTO pairs (id, caption, image_hash, image_file, source, perceptual_hash, image_embedding,"
            " caption_embedding, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item.id,
                item.caption,
                item.image_hash,
                file,
                item.source,
                item.perceptual_hash,
                pack(image, self._dtype),
                pack(caption, self._dtype),
                item.extra,
            ),
        )

    def _write_image(self, item: _Item) -> None:
        if item.encoded is None or item.image_hash is None:
            return
        path = self._folder / image_file(item.image_hash)
        if path.is_file() and path.stat().st_size == len(item.encoded):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(item.encoded)
        temporary.replace(path)


def image_file(image_hash: str) -> str:
    """Path of an image inside the memory's folder."""
    return f"{IMAGES}/{image_hash[:2]}/{image_hash}.webp"
