"""Leave-one-out and Shapley values, against numbers worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from raven_core.attribution import (
    Attribution,
    Share,
    check_method,
    check_parts,
    coalitions,
    leave_one_out,
    shapley,
)
from raven_core.errors import OptionError


def test_leaving_one_out_gives_what_it_added():
    assert leave_one_out(-2.0, [-5.0, -1.5, -2.0]).tolist() == [3.0, -0.5, 0.0]
    assert leave_one_out(-2.0, []).tolist() == []


def test_subsets_stand_where_their_bits_say():
    assert [sorted(one) for one in coalitions(3)] == [[], [0], [1], [0, 1], [2], [0, 2], [1, 2], [0, 1, 2]]
    assert coalitions(0) == [frozenset()]


def test_shapley_values_of_two_neighbours_by_hand():
    # first: ((-7 + 10) + (-1 + 6)) / 2 = 4; second: ((-6 + 10) + (-1 + 7)) / 2 = 5; together -1 + 10 = 9
    assert shapley([-10.0, -7.0, -6.0, -1.0]).tolist() == pytest.approx([4.0, 5.0])


def test_shapley_values_of_the_glove_game_are_the_textbook_ones():
    # one left glove, two right ones: a pair is worth 1
    worth = [float(0 in group and len(group) > 1) for group in coalitions(3)]
    assert shapley(worth).tolist() == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_neighbours_that_add_up_get_what_each_adds():
    adds = [0.5, -2.0, 3.0, 0.0, 1.25]
    values = [sum(adds[player] for player in group) - 7 for group in coalitions(5)]
    assert shapley(values).tolist() == pytest.approx(adds)


def test_shapley_values_are_the_mean_gain_over_all_orders_and_sum_to_the_whole_effect():
    values = np.random.default_rng(3).normal(size=16)
    place = {group: number for number, group in enumerate(coalitions(4))}
    gains = np.zeros(4)
    orders = list(itertools.permutations(range(4)))
    for order in orders:
        for turn, player in enumerate(order):
            gains[player] += values[place[frozenset(order[: turn + 1])]] - values[place[frozenset(order[:turn])]]
    shares = shapley(values.tolist())
    assert shares.tolist() == pytest.approx((gains / len(orders)).tolist())
    assert shares.sum() == pytest.approx(values[15] - values[0])


def test_nobody_gets_nothing():
    assert shapley([-3.0]).tolist() == []


@pytest.mark.parametrize("count", [0, 3, 33])
def test_a_table_that_is_not_of_all_subsets_is_refused(count):
    with pytest.raises(OptionError, match="power of two"):
        shapley([0.0] * count)


def test_more_than_five_neighbours_are_refused():
    with pytest.raises(OptionError, match="64 prompts"):
        shapley([0.0] * 64)


def test_methods_and_parts_are_checked():
    assert check_method("loo") == "loo" and check_parts(["both", "text", "both"]) == ("text", "both")
    for wrong in (["sound"], []):
        with pytest.raises(OptionError, match="'text', 'image', 'both'"):
            check_parts(wrong)
    with pytest.raises(OptionError, match="'lime'"):
        check_method("lime")


def test_an_attribution_says_what_its_shares_leave_unexplained():
    shares = (Share("a", 1, "both", 4.0), Share("b", 2, "both", 3.0), Share("a", 1, "text", 1.0))
    made = Attribution("loo", shares, whole=-1.0, none=-10.0, empty={"both": -10.0, "text": -4.0})
    assert (made.share(1), made.share(2), made.share(1, "text")) == (4.0, 3.0, 1.0)
    assert made.gap() == 2.0 and made.gap("text") == 2.0
    with pytest.raises(KeyError):
        made.share(3)
