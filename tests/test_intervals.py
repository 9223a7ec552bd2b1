"""Bootstrap intervals against numbers that can be known."""

import math

import numpy as np
import pytest

from raven_core.metrics.intervals import bootstrap_mean, paired_difference


def test_equal_values_leave_no_doubt():
    assert bootstrap_mean([0.25] * 7) == (0.25, 0.25, 0.25)


def test_one_value_is_its_own_interval():
    assert bootstrap_mean([3.0]) == (3.0, 3.0, 3.0)


def test_the_interval_of_a_share_is_near_the_normal_one():
    mean, low, high = bootstrap_mean([1.0] * 200 + [0.0] * 200)
    half = 1.96 * math.sqrt(0.25 / 400)  # 0.049
    assert mean == 0.5
    assert low == pytest.approx(0.5 - half, abs=0.006)
    assert high == pytest.approx(0.5 + half, abs=0.006)


def test_two_values_can_only_average_to_three_means():
    # means 0, 1/2 and 1 come with chances 1/4, 1/2, 1/4: both tails reach the ends
    assert bootstrap_mean([0.0, 1.0]) == (0.5, 0.0, 1.0)


def test_the_same_seed_gives_the_same_interval():
    values = list(np.random.default_rng(1).random(50))
    assert bootstrap_mean(values) == bootstrap_mean(values)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)


def test_differences_are_paired():
    # first is always 0.1 better, although both scatter widely
    first = [0.1, 1.1, 0.1, 1.1]
    mean, low, high = paired_difference(first, [0.0, 1.0, 0.0, 1.0])
    assert (mean, low, high) == pytest.approx((0.1, 0.1, 0.1))
    assert bootstrap_mean(first)[2] - bootstrap_mean(first)[1] > 0.5


def test_the_sign_is_first_minus_second():
    assert paired_difference([0.0, 0.0], [1.0, 1.0]) == (-1.0, -1.0, -1.0)


def test_nothing_has_no_mean():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_mean([])
    with pytest.raises(ValueError, match="at least one"):
        paired_difference([], [])


def test_unequal_lengths_are_no_pairs():
    with pytest.raises(ValueError, match="2 and 1"):
        paired_difference([1.0, 2.0], [1.0])
