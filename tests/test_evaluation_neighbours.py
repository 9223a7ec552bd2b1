"""The controls give samples the neighbours that they promise."""

import pytest

from raven_core.datasets.examples import Example
from raven_core.errors import OptionError
from raven_core.evaluation.neighbours import Finder
from raven_core.request import Request
from raven_core.types import Query
from tests.evaluating import PAIRS, colour_raven
from tests.tiny import block

RED = block("red", 50)


def example(name: str = "q", species: str | None = "rud", **fields) -> Example:
    return Example(name, lambda: RED, extra={"species": species} if species else {}, **fields)


@pytest.fixture(scope="module")
def raven(tmp_path_factory):
    return colour_raven(tmp_path_factory.mktemp("colours"))


def found(raven, kind, k=3, asked=None, limit=None, seed=0):
    """What a control gives the red picture."""
    request = Request.complete(raven.settings, raven.profile, k=k, modalities=("image", "text"))
    examples = asked or [example()]
    queries = [Query(RED, one.question) for one in examples]
    finder = Finder(raven.retriever, request, kind, seed)
    return finder.find(examples, queries, raven.retriever.embed(queries), limit)


def ids(neighbours):
    return [entry.id for entry in neighbours]


def test_retrieved_are_the_nearest_first(raven):
    (row,) = found(raven, "retrieved")
    assert ids(row) == ["r0", "r1", "r2"] and [entry.rank for entry in row] == [1, 2, 3]
    assert [entry.image_similarity for entry in row] == pytest.approx([1, 0.973, 0.905], abs=0.01)


def test_shuffled_are_the_same_pairs_in_another_order(raven):
    orders = set()
    for number in range(12):
        (row,) = found(raven, "shuffled", asked=[example(str(number))])
        assert sorted(ids(row)) == ["r0", "r1", "r2"] and [entry.rank for entry in row] == [1, 2, 3]
        assert [entry.caption for entry in row] == [PAIRS[entry.id][1] for entry in row]
        orders.add(tuple(ids(row)))
    assert len(orders) > 2 and ("r0", "r1", "r2") not in orders


def test_what_is_drawn_depends_on_seed_and_sample_not_on_the_batch(raven):
    one, two = example("1"), example("2")
    alone = [found(raven, "shuffled", asked=[asked])[0] for asked in (one, two)]
    together = found(raven, "shuffled", asked=[two, one])[::-1]
    assert [ids(row) for row in together] == [ids(row) for row in alone]
    assert len({tuple(ids(found(raven, "shuffled", seed=seed)[0])) for seed in range(12)}) > 2


def test_cross_paired_keep_their_images_and_change_their_captions(raven):
    (row,) = found(raven, "cross-paired")
    assert ids(row) == ["r0", "r1", "r2"] and all(entry.edited for entry in row)
    assert {entry.caption for entry in row} == {PAIRS[name][1] for name in ("r0", "r1", "r2")}
    assert all(entry.caption != PAIRS[entry.id][1] for entry in row)
    assert [entry.image_hash for entry in row] == [raven.memory.pair(entry.id).image_hash for entry in row]


def test_random_are_of_other_species(raven):
    seen = set()
    for number in range(20):
        (row,) = found(raven, "random", k=2, asked=[example(str(number))])
        assert len(row) == 2 and not {entry.id for entry in row} & {"r0", "r1", "r2"}
        seen |= set(ids(row))
    assert seen == {"g0", "g1", "b0", "b1"}


def test_random_are_of_another_species_even_where_retrieval_is_wrong(raven):
    # the sample shows a gro, says its data, though it looks red: neither its kind nor what was retrieved comes back
    seen = {name for n in range(20) for name in ids(found(raven, "random", k=1, asked=[example(str(n), "gro")])[0])}
    assert seen == {"b0", "b1"}


def test_random_have_their_true_similarities(raven):
    told = {}
    for number in range(10):
        for entry in found(raven, "random", k=2, asked=[example(str(number))])[0]:
            told[entry.id] = (entry.image_similarity, entry.similarity)
    assert told["b1"][0] == pytest.approx(0.229, abs=0.01) and told["g0"][0] == pytest.approx(0, abs=0.01)
    assert told["b1"][1] == pytest.approx(told["b1"][0], abs=1e-6)  # no question: the images alone count


def test_random_without_a_known_species_are_strangers_to_what_was_retrieved(raven):
    rows = [found(raven, "random", k=1, asked=[example(str(n), None)])[0] for n in range(20)]
    assert {name for row in rows for name in ids(row)} == {"g0", "g1", "b0", "b1"}


def test_random_never_lie_above_a_cap(raven):
    # under the cap another species is retrieved, so the reds count as strangers to it, but they show the query again
    drawn = [found(raven, "random", k=1, asked=[example(str(n), None)], limit=0.2)[0][0] for n in range(20)]
    assert {one.id for one in drawn} == {"b0"} and all(one.image_similarity <= 0.2 for one in drawn)


def test_too_few_others_are_refused(raven):
    with pytest.raises(OptionError, match="smaller k"):
        found(raven, "random", k=3, asked=[example("1", "gro")])


def test_the_oracle_takes_the_captions_that_say_most_of_the_truth(raven):
    caption = example("c", references=("one green gro by the sea",))
    question = example("d", question="what does it eat", answers=("seeds", "seeds", "moss"))
    first, second = found(raven, "oracle", k=2, asked=[caption, question])
    assert first[0].id == "g0" and [entry.rank for entry in first] == [1, 2]
    assert ids(second) == ["g1", "r1"]  # g1 tells of seeds, which two annotators said, r1 of moss
    assert all(entry.image is not None for entry in (*first, *second))
    assert first[0].image_similarity == pytest.approx(0, abs=0.01)
    with pytest.raises(OptionError, match="references"):
        found(raven, "oracle", asked=[example("e")])


def test_a_limit_leaves_out_what_is_more_similar(raven):
    assert ids(found(raven, "retrieved", k=2, limit=0.985)[0]) == ["r1", "r2"]
    assert ids(found(raven, "retrieved", k=1, limit=0.95)[0]) == ["r2"]
    oracle = found(raven, "oracle", k=1, limit=0.985, asked=[example("f", references=(PAIRS["r0"][1],))])
    assert ids(oracle[0]) != ["r0"]


def test_no_neighbours_asked_for_are_none(raven):
    for kind in ("retrieved", "random", "shuffled", "cross-paired", "oracle"):
        assert found(raven, kind, k=0) == [[]], kind
