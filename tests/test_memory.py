"""A memory keeps what it was given, goes on where it stopped, and never trusts a stale or foreign index."""

import io
import json
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raven_core.errors import EncoderMismatchError, ImageError, MemoryStoreError, RavenError
from raven_core.images import content_hash, load_image
from raven_core.memory import Memory
from tests.tiny import ColourEncoder, block, memory_rows, tree_state


@pytest.fixture
def encoder() -> ColourEncoder:
    return ColourEncoder()


@pytest.fixture
def memory(tmp_path, encoder) -> Memory:
    return Memory.create(tmp_path / "m", encoder, memory_rows(), name="colours")


def test_pairs_come_back_as_they_were_given(memory):
    assert len(memory) == 8 and memory.name == "colours" and memory.dim == 4
    pair = memory.pair("p1")
    assert (pair.id, pair.caption, pair.source) == ("p1", "a green creature", "drawn")
    assert memory.image(pair.image_hash).tobytes() == memory_rows()[1][1].tobytes()
    assert content_hash(memory.image(pair.image_hash)) == pair.image_hash
    assert [found.id for found in memory.pairs(["p3", "p0", "p3"])] == ["p3", "p0", "p3"]
    assert memory.extras(["p2", "unknown"]) == [{"colour": "blue"}, {}]
    assert memory.pair("p6").caption is None and memory.pair("p7").image_hash is None


def test_unknown_ids_and_lost_images_are_errors(memory):
    with pytest.raises(MemoryStoreError, match="no pair 'x'"):
        memory.pair("x")
    with pytest.raises(MemoryStoreError, match="missing or damaged"):
        memory.image("0" * 64)


def test_many_ids_at_once_are_more_than_sqlite_takes_in_one_question(tmp_path, encoder):
    memory = Memory.create(tmp_path / "m", encoder, [(f"{i}", None, f"text {i}", "", {}) for i in range(1200)])
    assert [pair.id for pair in memory.pairs(memory.ids[::-1])] == memory.ids[::-1]


def test_vectors_are_the_encoders_and_zero_where_a_half_is_missing(memory, encoder):
    images, captions = memory.vectors()
    assert images[:7] == pytest.approx(encoder.encode_images([row[1] for row in memory_rows()[:7]]), abs=1e-6)
    assert (images[7] == 0).all() and (captions[6] == 0).all()
    assert captions[0].tolist() == [1, 0, 0, 0]
    assert memory.image_vectors(np.array([[0, 7]])).shape == (1, 2, 4)


def test_what_is_stored_is_what_is_embedded(tmp_path, encoder):
    noisy = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    memory = Memory.create(tmp_path / "m", encoder, [("a", noisy, None, "", {})], quality=20, max_side=32)
    stored = memory.image(memory.pair("a").image_hash)
    assert stored.size == (32, 32)
    assert memory.vectors()[0] == pytest.approx(encoder.encode_images([stored]), abs=1e-6)


def test_images_may_come_as_bytes_or_paths(tmp_path, encoder):
    image = block("red")
    image.save(tmp_path / "a.png")
    rows = [("path", tmp_path / "a.png", None, "", {}), ("bytes", (tmp_path / "a.png").read_bytes(), None, "", {})]
    memory = Memory.create(tmp_path / "m", encoder, rows)
    assert memory.pair("path").image_hash == memory.pair("bytes").image_hash == content_hash(image)
    assert len(list((tmp_path / "m" / "images").rglob("*.webp"))) == 1


def test_creating_again_goes_on_where_it_stopped(tmp_path, encoder):
    rows = memory_rows()

    def interrupted():
        yield from rows[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Memory.create(tmp_path / "m", encoder, interrupted(), batch_size=2)
    assert len(Memory.open(tmp_path / "m")) == 4
    encoder.images = 0
    seen: list[int] = []
    memory = Memory.create(tmp_path / "m", encoder, rows, batch_size=3, progress=seen.append)
    assert memory.ids == [row[0] for row in rows] and seen == [3, 6, 8]
    assert encoder.images == 3  # p4, p5, p6
    whole = Memory.create(tmp_path / "whole", encoder, rows)
    assert memory.fingerprint == whole.fingerprint


def test_adding_appends_and_changes_the_fingerprint(memory, encoder):
    grown = memory.add(encoder, [("new", None, "a blue one", "", {}), ("p0", None, "not again", "", {})])
    assert (len(memory), len(grown)) == (8, 9) and memory.fingerprint != grown.fingerprint
    assert grown.pair("p0").caption == "a red creature"
    assert grown.search(np.eye(8, dtype=np.float32)[[6]], 2)[1].tolist() == [[2, 8]]  # captions that say blue


def test_fingerprints_follow_the_content(tmp_path, encoder):
    first = Memory.create(tmp_path / "1", encoder, [("a", None, "red", "", {})])
    second = Memory.create(tmp_path / "2", encoder, [("a", None, "blue", "", {})])
    other = Memory.create(tmp_path / "3", ColourEncoder("colour-2"), [("a", None, "red", "", {})])
    assert len({first.fingerprint, second.fingerprint, other.fingerprint}) == 3


def test_rows_that_cannot_be_stored_are_raised_or_reported(tmp_path, encoder):
    rows = [("bad", b"no image", "x", "", {}), ("empty", None, "  ", "", {}), ("good", None, "red", "", {})]
    with pytest.raises(ImageError):
        Memory.create(tmp_path / "1", encoder, rows)
    problems: dict[str, RavenError] = {}
    memory = Memory.create(tmp_path / "2", encoder, rows, on_error=problems.__setitem__)
    assert memory.ids == ["good"] and set(problems) == {"bad", "empty"}
    assert "neither image nor caption" in str(problems["empty"])


def test_another_encoder_is_refused(memory, encoder):
    stranger = ColourEncoder("colour-2")
    with pytest.raises(EncoderMismatchError, match="another encoder"):
        Memory.open(memory.folder, stranger)
    with pytest.raises(EncoderMismatchError):
        memory.add(stranger, [])
    with pytest.raises(EncoderMismatchError):
        Memory.create(memory.folder, stranger, [])
    about = json.loads((memory.folder / "index.json").read_text())
    (memory.folder / "index.json").write_text(json.dumps({**about, "encoder": "colour-2"}))
    with pytest.raises(EncoderMismatchError, match="delete it"):
        Memory.open(memory.folder, encoder)


@pytest.mark.parametrize("damage", ["missing", "cut", "stale"])
def test_a_missing_damaged_or_stale_index_is_rebuilt(memory, encoder, damage):
    path = memory.folder / "index.faiss"
    query = np.eye(8, dtype=np.float32)[:1]
    before = memory.search(query, 8)
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:30])
    else:
        about = json.loads((memory.folder / "index.json").read_text())
        (memory.folder / "index.json").write_text(json.dumps({**about, "state": "older"}))
    again = Memory.open(memory.folder, encoder)
    assert all((found == expected).all() for found, expected in zip(again.search(query, 8), before, strict=True))
    assert json.loads((memory.folder / "index.json").read_text())["state"].startswith(memory.fingerprint)


def test_opening_without_a_cache_writes_nothing(memory, encoder):
    memory.close()
    for name in ("index.faiss", "index.json"):
        (memory.folder / name).unlink()
    before = tree_state(memory.folder)
    opened = Memory.open(memory.folder, encoder, write_cache=False)
    opened.search(np.eye(8, dtype=np.float32)[:1], 3)
    opened.image(opened.pair("p0").image_hash)
    assert tree_state(memory.folder) == before  # no index, no -wal, no -shm, no journal


def test_a_folder_that_cannot_be_written_opens_all_the_same(memory, encoder, monkeypatch):
    memory.close()
    (memory.folder / "index.faiss").unlink()
    before = tree_state(memory.folder)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert len(Memory.open(memory.folder, encoder)) == 8
    assert tree_state(memory.folder) == before


def test_no_memory_or_a_damaged_one_is_an_error(tmp_path):
    with pytest.raises(MemoryStoreError, match="no memory"):
        Memory.open(tmp_path)
    (tmp_path / "memory.sqlite").write_bytes(b"this is no database, and long enough to be sure " * 20)
    with pytest.raises(MemoryStoreError, match="damaged"):
        Memory.open(tmp_path)
    (tmp_path / "memory.sqlite").write_bytes(b"")
    with pytest.raises(MemoryStoreError, match="damaged"):
        Memory.open(tmp_path)


def test_half_precision_takes_half_the_space_and_gives_unit_vectors(tmp_path, encoder):
    memory = Memory.create(tmp_path / "m", encoder, memory_rows(), dtype="float16")
    blob = sqlite3.connect(tmp_path / "m" / "memory.sqlite").execute("SELECT image_embedding FROM pairs").fetchone()[0]
    assert len(blob) == 8
    assert np.linalg.norm(memory.vectors()[0][:7], axis=1) == pytest.approx(1, abs=1e-6)
    with pytest.raises(MemoryStoreError, match="int8"):
        Memory.create(tmp_path / "n", encoder, [], dtype="int8")


def test_threads_share_a_memory(memory):
    def read(number: int) -> tuple[int, int]:
        return memory.image(memory.pair(f"p{number % 6}").image_hash).size

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(read, range(160))) == {(32, 32)}


def test_few_images_are_kept_in_ram(tmp_path, encoder):
    memory = Memory.create(tmp_path / "m", encoder, memory_rows(), cached_images=2)
    for number in range(6):
        memory.image(memory.pair(f"p{number}").image_hash)
    assert len(memory._images) == 2


def test_captions_that_look_like_addresses_stay_text(tmp_path, encoder):
    caption = "https://example.org/cat.png"
    memory = Memory.create(tmp_path / "m", encoder, [("a", None, caption, caption, {})])
    assert memory.pair("a").caption == caption and encoder.texts == [caption]


def test_a_webp_too_wide_for_its_format_is_scaled_down(tmp_path, encoder):
    wide = Image.new("RGB", (16400, 200), "red")
    memory = Memory.create(tmp_path / "m", encoder, [("a", wide, None, "", {})])
    assert memory.image(memory.pair("a").image_hash).width == 16383
    buffer = io.BytesIO()
    wide.save(buffer, "PNG")
    assert load_image(buffer.getvalue()).width == 16400


def test_a_build_killed_in_the_middle_of_a_batch_opens_with_what_was_whole(memory, encoder):
    """The journal that the killed writer leaves can only be undone by a writer; opening must see to it."""
    memory.close()
    code = (
        "import os, sqlite3, sys\n"
        f"connection = sqlite3.connect({str(memory.folder / 'memory.sqlite')!r}, isolation_level=None)\n"
        "connection.execute('PRAGMA cache_size = 1')\n"
        "connection.execute('BEGIN')\n"
        "connection.execute('UPDATE pairs SET extra = zeroblob(200000)')\n"  # more than fits: pages reach the file
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert Path(memory.folder, "memory.sqlite-journal").exists()
    opened = Memory.open(memory.folder, encoder)
    assert len(opened) == 8 and opened.extras(["p0"]) == [{"colour": "red"}]
