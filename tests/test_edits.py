"""Neighbours edited, added and capped, and written down for a replay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from raven_core.edits import AddedPair, NeighbourEdit, apply_edits, as_neighbours, insert, over_cap, plain, restore
from raven_core.errors import OptionError
from raven_core.images import content_hash
from raven_core.types import Neighbour
from tests.tiny import block

RED, BLUE = block("red", 1), block("blue", 2)


def neighbour(rank: int, caption: str | None = "old", cosine: float | None = 0.5) -> Neighbour:
    return Neighbour(f"n{rank}", caption, RED, content_hash(RED), 1 - rank / 10, rank, "drawn", cosine)


FOUND = [neighbour(1), neighbour(2), neighbour(3)]


def test_an_edited_neighbour_keeps_rank_and_similarity_and_is_marked():
    edited = apply_edits(FOUND, [NeighbourEdit("n2", caption=" new "), NeighbourEdit("n3", image=BLUE)])
    assert edited[0] is FOUND[0]
    assert [(one.rank, one.similarity, one.edited) for one in edited] == [
        (1, 0.9, False),
        (2, 0.8, True),
        (3, 0.7, True),
    ]
    assert (edited[1].caption, edited[1].image) == ("new", RED)
    assert (edited[2].caption, edited[2].image, edited[2].image_hash) == ("old", BLUE, content_hash(BLUE))
    assert FOUND[1].caption == "old"


def test_an_edit_can_take_a_caption_away_leave_a_neighbour_out_or_change_nothing():
    assert apply_edits(FOUND, [NeighbourEdit("n1", caption="")])[0].caption is None
    assert [one.id for one in apply_edits(FOUND, [NeighbourEdit("n1", exclude=True)])] == ["n2", "n3"]
    assert apply_edits(FOUND, [NeighbourEdit("n1", caption="old"), NeighbourEdit("n9", caption="x")]) == FOUND


def test_two_edits_of_one_neighbour_are_refused():
    with pytest.raises(OptionError, match="same neighbour"):
        apply_edits(FOUND, [NeighbourEdit("n1", caption="a"), NeighbourEdit("n1", image=BLUE)])


def test_added_pairs_come_as_nearest_unless_told_otherwise():
    added = as_neighbours(
        [AddedPair(caption="one"), AddedPair(BLUE, rank=3), AddedPair(caption="two"), AddedPair(RED, rank=99)]
    )
    merged = insert(FOUND, added)
    assert [one.id for one in merged] == ["added-1", "added-3", "added-2", "n1", "n2", "n3", "added-4"]
    assert [one.rank for one in merged] == [1, 2, 3, 4, 5, 6, 7]
    assert all(one.edited == one.id.startswith("added-") for one in merged)
    assert added[1].image_hash == content_hash(BLUE)


def test_an_added_pair_needs_a_half_and_a_rank():
    with pytest.raises(OptionError, match="neither image nor caption"):
        as_neighbours([AddedPair(caption="  ")])
    with pytest.raises(OptionError, match="rank 0"):
        as_neighbours([AddedPair(caption="a", rank=0)])


def test_a_cap_finds_images_that_are_more_similar():
    found = [neighbour(1, cosine=0.99), neighbour(2, cosine=0.9), neighbour(3, cosine=None)]
    assert over_cap(found, 0.95) == found[:1] and over_cap(found, 0.99) == []


def test_neighbours_come_back_from_their_plain_values():
    written = plain([replace(FOUND[0], caption="new", edited=True), replace(FOUND[1], image=None, image_hash=None)])
    first, second = restore(written, {content_hash(RED): RED}.get)
    assert (first.id, first.caption, first.edited, first.image, first.image_similarity) == ("n1", "new", True, RED, 0.5)
    assert second.image is None and plain([first, second]) == written


def test_a_lost_image_is_told_unless_the_prompt_shows_none():
    written = plain([replace(FOUND[0], edited=True)])
    with pytest.raises(OptionError, match=r"neighbour 1 \(n1\) was edited or added"):
        restore(written, lambda name: None)
    assert restore(written, lambda name: None, needed=False)[0].image is None
    with pytest.raises(OptionError, match="no longer in the memory"):
        restore(plain(FOUND), lambda name: None)
