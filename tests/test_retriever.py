"""Similarities by hand: with colours for vectors, cosines are known."""

import io
from math import sqrt

import numpy as np
import pytest
from PIL import Image

from raven_core.errors import OptionError
from raven_core.memory import Memory
from raven_core.retriever import Retriever, calibrate_thresholds
from raven_core.types import Query
from tests.tiny import ColourEncoder, block

ROWS = [
    ("red", block("red", 1), "a blue thing", "", {}),
    ("green", block("lime", 2), "a red thing", "", {}),
    ("yellow", block("yellow", 3), None, "", {}),
    ("words", None, "a red thing", "", {}),
    ("red too", block("red", 4), "nothing", "", {}),
]


@pytest.fixture
def retriever(tmp_path) -> Retriever:
    encoder = ColourEncoder()
    return Retriever(encoder, Memory.create(tmp_path / "m", encoder, ROWS), question_weight=0.5)


def found(neighbours: list) -> list[tuple[str, float]]:
    return [(neighbour.id, round(neighbour.similarity, 4)) for neighbour in neighbours]


def test_without_a_question_the_image_alone_decides_and_ties_go_to_the_earlier_pair(retriever):
    neighbours = retriever.search(Query(block("red", 9)), 5)
    expected = [("red", 1.0), ("red too", 1.0), ("yellow", round(1 / sqrt(2), 4)), ("green", 0.0), ("words", 0.0)]
    assert found(neighbours) == [(name, pytest.approx(value, abs=1e-4)) for name, value in expected]
    assert [neighbour.rank for neighbour in neighbours] == [1, 2, 3, 4, 5]
    assert neighbours[4].image is None and neighbours[4].image_similarity is None
    assert neighbours[2].caption is None and neighbours[2].image.size == (32, 32)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (0.0, [("red", 1.0), ("red too", 1.0), ("yellow", 0.7071), ("green", 0.0), ("words", 0.0)]),
        (0.5, [("red", 0.5), ("green", 0.5), ("words", 0.5), ("red too", 0.5), ("yellow", 0.3536)]),
        (0.8, [("green", 0.8), ("words", 0.8), ("red", 0.2), ("red too", 0.2), ("yellow", 0.1414)]),
        (1.0, [("green", 1.0), ("words", 1.0), ("red", 0.0), ("yellow", 0.0), ("red too", 0.0)]),
    ],
)
def test_similarity_is_the_weighted_sum_of_both_cosines(retriever, weight, expected):
    neighbours = retriever.search(Query(block("red", 9), "what is red"), 5, question_weight=weight)
    assert found(neighbours) == [(name, pytest.approx(value, abs=2e-4)) for name, value in expected]
    by_id = {neighbour.id: neighbour.image_similarity for neighbour in neighbours}
    assert by_id["red"] == pytest.approx(1, abs=1e-4) and by_id["green"] == pytest.approx(0, abs=1e-4)


def test_a_question_without_an_image_searches_captions_alone(retriever):
    neighbours = retriever.search(Query(None, "red?"), 2)
    assert found(neighbours) == [("green", 1.0), ("words", 1.0)]
    assert neighbours[0].image_similarity is None


def test_weights_outside_0_to_1_are_refused(retriever):
    with pytest.raises(OptionError):
        retriever.search(Query(block("red"), "red"), 3, question_weight=1.1)
    with pytest.raises(OptionError):
        Retriever(retriever.encoder, retriever.memory, question_weight=-0.1)


def test_excluded_pairs_do_not_come_back_and_others_take_their_place(retriever):
    neighbours = retriever.search(Query(block("red", 9)), 2, exclude_ids={"red", "unknown"})
    assert [neighbour.id for neighbour in neighbours] == ["red too", "yellow"]
    assert [neighbour.rank for neighbour in neighbours] == [1, 2]


def test_the_query_itself_is_dropped_even_scaled_and_recompressed(retriever):
    buffer = io.BytesIO()
    block("red", 1).resize((50, 50)).save(buffer, "JPEG", quality=70)
    query = Query(Image.open(buffer).convert("RGB"))
    assert [neighbour.id for neighbour in retriever.search(query, 2)] == ["red too", "yellow"]
    kept = retriever.search(query, 2, drop_duplicates=False)
    assert [neighbour.id for neighbour in kept] == ["red", "red too"]


def test_images_above_the_leak_threshold_are_dropped(retriever):
    neighbours = retriever.search(Query(block("red", 9)), 2, leak_threshold=0.99)
    assert [neighbour.id for neighbour in neighbours] == ["yellow", "green"]
    kept = retriever.search(Query(block("red", 9)), 2, leak_threshold=0.99, drop_duplicates=False)
    assert [neighbour.id for neighbour in kept] == ["red", "red too"]


def test_the_search_goes_on_until_k_are_left(tmp_path):
    """Forty pairs that must not come back stand before the two that may."""
    encoder = ColourEncoder()
    rows = [(f"red {i}", block("red", i), None, "", {}) for i in range(40)]
    rows += [("blue", block("blue", 50), None, "", {}), ("green", block("lime", 51), None, "", {})]
    retriever = Retriever(encoder, Memory.create(tmp_path / "m", encoder, rows))
    neighbours = retriever.search(Query(block("red", 99)), 3, exclude_ids=[f"red {i}" for i in range(40)])
    assert [neighbour.id for neighbour in neighbours] == ["blue", "green"]


def test_many_queries_give_what_each_gives_alone(retriever):
    queries = [Query(block("red", 7)), Query(block("blue", 8), "red?"), Query(None, "blue?"), Query(block("lime", 6))]
    together = retriever.search_many(queries, 3, exclude_ids=[["red"], [], ["words"], []])
    alone = [
        retriever.search(query, 3, exclude_ids=ids)
        for query, ids in zip(queries, [["red"], [], ["words"], []], strict=True)
    ]
    assert [found(row) for row in together] == [found(row) for row in alone]


def test_only_allowed_pairs_come_back(retriever):
    query = [Query(block("red", 9))]
    by_id = retriever.search_many(query, 5, allowed=["green", "yellow"])
    mask = np.array([False, True, True, False, False])
    assert (
        [n.id for n in by_id[0]]
        == ["yellow", "green"]
        == [n.id for n in retriever.search_many(query, 5, allowed=mask)[0]]
    )
    assert retriever.search_many(query, 5, allowed=[]) == [[]]


def test_given_image_vectors_are_used_instead_of_encoding(retriever):
    retriever.encoder.images = 0
    vectors = np.array([[0, 1, 0, 0]], dtype=np.float32)
    neighbours = retriever.search_many([Query(block("red", 9))], 1, image_vectors=vectors, with_images=False)[0]
    assert found(neighbours) == [("green", 1.0)] and neighbours[0].image is None
    assert retriever.encoder.images == 0


def test_no_neighbours_are_asked_for_or_none_are_there(tmp_path, retriever):
    assert retriever.search(Query(block("red")), 0) == []
    assert retriever.search_many([], 3) == []
    with pytest.raises(OptionError):
        retriever.search(Query(block("red")), -1)
    empty = Retriever(retriever.encoder, Memory.create(tmp_path / "empty", retriever.encoder, []))
    assert empty.search(Query(block("red")), 3) == []


def test_thresholds_come_from_the_nearest_other_pictures(tmp_path):
    """Nearest other picture: red ~ yellow and green ~ yellow at 1/sqrt(2), and yellow at the same; blue at 0."""
    encoder = ColourEncoder()
    rows = [(name, block(name, seed), None, "", {}) for seed, name in enumerate(("red", "lime", "yellow", "blue"))]
    rows.append(("red again", block("red", 0, size=32), None, "", {}))  # a duplicate is no nearest other picture
    thresholds = calibrate_thresholds(Memory.create(tmp_path / "m", encoder, rows), 1.0, 0.0)
    assert thresholds.leak == pytest.approx(1 / sqrt(2), abs=1e-4)
    assert thresholds.far == pytest.approx(0, abs=1e-4)


def test_thresholds_of_a_memory_without_two_images_drop_and_warn_of_nothing(tmp_path):
    memory = Memory.create(tmp_path / "m", ColourEncoder(), ROWS[:1])
    assert (calibrate_thresholds(memory).leak, calibrate_thresholds(memory).far) == (1.0, -1.0)
