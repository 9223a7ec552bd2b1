"""Neighbours of other kinds, from a memory of eight pairs held in a dictionary."""

from __future__ import annotations

import math
import random

import pytest

from raven_core.counterfactuals import KINDS, counterfactual, rarity, told
from raven_core.errors import OptionError
from raven_core.types import Neighbour, Pair
from tests.tiny import block

SPECIES = {"p0": "zumi", "p1": "zumi", "p2": "mopol", "p3": "zumi", "p4": "mopol", "p5": "nelta", "p6": "nelta"}
SAID = {"p2": "it eats moss", "p4": "it eats moss and nuts", "p5": "nuts"}


class Memory:
    """``p0`` … ``p7``; ``p7`` has no extra and no image."""

    def __init__(self) -> None:
        self.ids = [f"p{number}" for number in range(8)]

    def pairs(self, pair_ids):
        return [Pair(one, SAID.get(one, f"caption {one}"), None if one == "p7" else f"h{one}") for one in pair_ids]

    def extras(self, pair_ids):
        return [{"species": SPECIES[one]} if one in SPECIES else {} for one in pair_ids]

    def image(self, image_hash):
        return block("red", int(image_hash[-1]))


def retrieved(*numbers: int) -> list[Neighbour]:
    pairs = Memory().pairs([f"p{number}" for number in numbers])
    return [
        Neighbour(pair.id, pair.caption, block("red"), pair.image_hash, 0.9, rank)
        for rank, pair in enumerate(pairs, start=1)
    ]


def ask(kind: str, found: list[Neighbour], seed: int = 0, **more):
    return counterfactual(kind, Memory(), found, random.Random(seed), **more)


def test_retrieved_ones_are_given_back_as_they_are():
    found = retrieved(3, 0)
    assert ask("retrieved", found[::-1]) == found
    assert all(ask(kind, [], references=["a"]) == [] for kind in KINDS)


def test_random_ones_are_of_other_kinds_and_the_same_for_the_same_seed():
    seen = set()
    for seed in range(20):
        drawn = ask("random", retrieved(0, 2), seed)
        assert [one.rank for one in drawn] == [1, 2] and len({one.id for one in drawn}) == 2
        assert {one.id for one in drawn} <= {"p5", "p6", "p7"}
        assert [one.id for one in drawn] == [one.id for one in ask("random", retrieved(0, 2), seed)]
        seen |= {one.id for one in drawn}
    assert seen == {"p5", "p6", "p7"}


def test_random_ones_come_from_the_pool_and_too_small_a_pool_is_told():
    assert [one.id for one in ask("random", retrieved(0), pool=["p1", "p5"])] == ["p5"]
    with pytest.raises(OptionError, match="too few"):
        ask("random", retrieved(0, 1), pool=["p2"])
    with pytest.raises(OptionError, match="too few"):
        ask("random", retrieved(0), pool=[])


def test_shuffled_ones_are_the_same_pairs_in_another_order():
    for seed in range(10):
        shuffled = ask("shuffled", retrieved(0, 1, 2), seed)
        assert [one.rank for one in shuffled] == [1, 2, 3]
        assert [one.id for one in shuffled] != ["p0", "p1", "p2"] and {one.id for one in shuffled} == {"p0", "p1", "p2"}
    assert [one.id for one in ask("shuffled", retrieved(4))] == ["p4"]


def test_cross_paired_ones_all_have_another_s_caption_and_their_own_image():
    found = retrieved(0, 2, 4)
    for seed in range(10):
        crossed = ask("cross-paired", found, seed)
        assert [(one.id, one.image_hash, one.rank) for one in crossed] == [
            (one.id, one.image_hash, one.rank) for one in found
        ]
        assert {one.caption for one in crossed} == {one.caption for one in found}
        assert all(a.caption != b.caption and a.edited for a, b in zip(crossed, found, strict=True))


def test_a_lone_neighbour_is_paired_with_the_caption_of_another_kind():
    (crossed,) = ask("cross-paired", retrieved(0), pool=["p1", "p5"])
    assert (crossed.id, crossed.caption, crossed.edited) == ("p0", "nuts", True)


def test_an_oracle_takes_the_captions_that_say_most_of_the_references():
    best = ask("oracle", retrieved(0, 2), references=["moss", "moss", "nuts"])
    assert [(one.id, one.rank, one.similarity) for one in best] == [("p4", 1, 0.0), ("p2", 2, 0.9)]
    assert [one.id for one in ask("oracle", retrieved(0), references=["moss"], pool=["p5", "p4", "p2"])] == ["p4"]


def test_how_much_of_the_references_a_caption_says_by_hand():
    # "eats moss" has two words, of which one stands there; "nuts" one, which does not: (1/2 + 0) / 2
    assert told(["Moss, they say", "eats nuts moss", ""], ["eats moss", "nuts"]) == [0.25, 1.0, 0.0]
    assert told(["a"], ["..."]) == [0.0]


def test_rare_words_count_more_by_hand():
    weights = {"a": 0.0, "snowy": 0.25, "zumi": 0.75}
    assert told(["a snowy day", "zumi"], ["a zumi, snowy"], weights) == [0.25, 0.75]
    assert told(["a"], ["a"], {"a": 0.0}) == [0.0]


def test_how_rare_a_word_is_by_hand():
    memory = Memory()  # of its eight captions two say "moss", five "caption"
    assert rarity(memory)["moss"] == pytest.approx(math.log(9 / 2) / math.log(9))
    assert rarity(memory)["caption"] == pytest.approx(math.log(9 / 5) / math.log(9))
    assert rarity(memory) is rarity(memory), "read once"


def test_an_oracle_without_references_and_unknown_kinds_are_refused():
    with pytest.raises(OptionError, match="give references"):
        ask("oracle", retrieved(0))
    with pytest.raises(OptionError, match=r"'best'.*'cross-paired'"):
        ask("best", retrieved(0))
