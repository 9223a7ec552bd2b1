"""The index returns the right rows with the right scores, in the same order whatever the batch."""

import json

import faiss
import numpy as np
import pytest

from raven_core.errors import EncoderMismatchError, MemoryStoreError
from raven_core.index import FaissIndex

ROWS = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0], [-1, 0]], dtype=np.float32)


def index_of(rows: np.ndarray, encoder: str = "e1", state: str = "s1") -> FaissIndex:
    index = FaissIndex(rows.shape[1], encoder, state)
    index.add(rows)
    return index


def test_scores_are_inner_products_and_ties_go_to_the_earlier_row():
    scores, rows = index_of(ROWS).search(np.array([[1, 0], [0, 2]], dtype=np.float32), 3)
    assert rows.tolist() == [[0, 3, 2], [1, 2, 0]]
    assert scores.tolist() == [[1, 1, 0.6], [2, 1.6, 0]]


def test_fewer_rows_than_asked_for_come_back_whole():
    scores, rows = index_of(ROWS).search(ROWS[:1], 99)
    assert rows.tolist() == [[0, 3, 2, 1, 4]] and scores.shape == (1, 5)


@pytest.mark.parametrize(("queries", "k"), [(ROWS[:0], 3), (ROWS[:2], 0)])
def test_nothing_asked_gives_nothing(queries, k):
    scores, rows = index_of(ROWS).search(queries, k)
    assert scores.shape == rows.shape == (len(queries), k if len(queries) == 0 else 0)


def test_an_empty_index_finds_nothing():
    assert FaissIndex(2).search(ROWS, 3)[1].shape == (5, 0)


def test_only_allowed_rows_come_back():
    allowed = np.array([False, True, False, True, True])
    scores, rows = index_of(ROWS).search(ROWS[:1], 5, allowed)
    assert rows.tolist() == [[3, 1, 4]] and scores.tolist() == [[1, 0, -1]]
    assert index_of(ROWS).search(ROWS[:1], 5, np.zeros(5, dtype=bool))[1].shape == (1, 0)


def test_rows_apart_by_less_than_float_noise_are_a_tie():
    """Twenty rows that grow by 1e-8: the raw scores prefer the last ones, equals must go to the first."""
    rows = np.array([[0.01 + number * 1e-8, 0] for number in range(20)], dtype=np.float32)
    scores, found = index_of(rows).search(np.array([[1, 0]], dtype=np.float32), 2)
    assert found.tolist() == [[0, 1]] and scores.tolist() == [[0.01, 0.01]]


def test_a_long_tie_is_broken_by_row_not_by_chance():
    """More equal rows than are fetched at first: the smallest row numbers must still win."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    best = rows[0]
    rows[100:400] = best
    found = index_of(rows).search(best[None], 5)[1]
    assert found.tolist() == [[0, 100, 101, 102, 103]]


def test_order_does_not_depend_on_the_batch():
    rng = np.random.default_rng(1)
    rows = np.repeat(rng.normal(size=(60, 16)), 5, axis=0).astype(np.float32)  # every row five times
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries = rng.normal(size=(64, 16)).astype(np.float32)
    index = index_of(rows)
    together = index.search(queries, 7)
    for number in range(64):
        alone = index.search(queries[number : number + 1], 7)
        assert (alone[1][0] == together[1][number]).all() and (alone[0][0] == together[0][number]).all()


def test_vectors_are_read_back_in_any_shape():
    index = index_of(ROWS)
    assert (index.vectors(np.array([[2, 0], [4, 4]])) == ROWS[[[2, 0], [4, 4]]]).all()
    assert index.vectors(np.zeros((3, 0), dtype=np.int64)).shape == (3, 0, 2)


def test_a_saved_index_describes_itself_and_loads(tmp_path):
    index_of(ROWS).save(tmp_path / "index.faiss")
    about = json.loads((tmp_path / "index.json").read_text())
    assert about == {"kind": "IndexFlatIP", "dim": 2, "rows": 5, "encoder": "e1", "state": "s1"}
    loaded = FaissIndex.load(tmp_path / "index.faiss", "e1")
    assert loaded.state == "s1"
    assert loaded.search(ROWS[:1], 3)[1].tolist() == [[0, 3, 2]]


def test_two_processes_may_save_at_once(tmp_path, monkeypatch):
    path, write = tmp_path / "index.faiss", faiss.write_index

    def write_while_another_saves(index: object, to: str) -> None:
        write(index, to)
        monkeypatch.setattr(faiss, "write_index", write)
        index_of(ROWS).save(path)

    monkeypatch.setattr(faiss, "write_index", write_while_another_saves)
    index_of(ROWS).save(path)
    assert len(FaissIndex.load(path, "e1")) == 5
    assert sorted(one.name for one in tmp_path.iterdir()) == ["index.faiss", "index.json"]


def test_an_index_of_another_encoder_is_refused(tmp_path):
    index_of(ROWS).save(tmp_path / "index.faiss")
    with pytest.raises(EncoderMismatchError, match="another encoder"):
        FaissIndex.load(tmp_path / "index.faiss", "e2")


def test_damaged_index_files_are_refused(tmp_path):
    path = tmp_path / "index.faiss"
    with pytest.raises(MemoryStoreError, match="describe itself"):
        FaissIndex.load(path, "e1")
    index_of(ROWS).save(path)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(MemoryStoreError, match="damaged"):
        FaissIndex.load(path, "e1")
    index_of(ROWS[:3]).save(path)
    about = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**about, "rows": 5}))
    with pytest.raises(MemoryStoreError, match="not what its JSON says"):
        FaissIndex.load(path, "e1")
