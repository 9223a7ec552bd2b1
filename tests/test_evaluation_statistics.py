"""Intervals over images, p-values from flipped signs, Holm's correction: numbers computed by hand."""

import pytest

from raven_core.evaluation.statistics import difference, holm, mean_interval, p_value, quantile_bins
from raven_core.metrics.intervals import bootstrap_mean


def test_questions_about_one_image_are_resampled_together():
    # two images: drawn twice they give 1, 2/3 or 0, with chances 1/4, 1/2, 1/4
    assert mean_interval([1, 1, 0], ["a", "a", "b"]) == (pytest.approx(2 / 3), 0.0, 1.0)
    # as three images of their own a mean of 0 has a chance of 1/27, of 1 one of 8/27
    assert mean_interval([1, 1, 0], ["a", "b", "c"]) == (pytest.approx(2 / 3), 0.0, 1.0)
    # as many images of their own the same share is far surer
    surer = mean_interval([1, 1, 0] * 50, [str(number) for number in range(150)])
    assert surer[1] > 0.5 and surer[2] < 0.8


def test_one_value_an_image_gives_the_plain_bootstrap():
    values = [0.0, 1.0, 1.0, 0.5, 0.25]
    assert mean_interval(values, list("abcde")) == pytest.approx(bootstrap_mean(values), abs=0.06)


def test_a_difference_is_paired():
    # the same shift everywhere leaves nothing uncertain, however the values spread
    assert difference([1, 102, 53], [0, 101, 52], list("abc")) == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="must match"):
        difference([1], [1, 2], ["a"])
    with pytest.raises(ValueError, match="1 values and 2 images"):
        mean_interval([1], ["a", "b"])


@pytest.mark.parametrize(
    ("differences", "images", "p"),
    [
        ([1, 1, 1], "abc", 2 / 8),
        ([3, 1], "ab", 2 / 4),
        ([3, -1], "ab", 1.0),  # sums 4, 2, -2, -4: all reach 2
        ([2, 2, 2, -1], "abcd", 4 / 16),  # 7 and 5 are reached by +++-, ++++ and their opposites
        ([0, 0], "ab", 1.0),
        ([1, 1, 0, 0], "abcd", 2 / 4),  # images without a difference tell nothing
        ([1, 1], "aa", 1.0),  # one image, however many questions
    ],
)
def test_p_counts_the_flips_that_reach_as_far(differences, images, p):
    assert p_value(differences, [0] * len(images), list(images)) == p


def test_p_of_many_images_is_drawn_and_never_zero():
    images = [str(number) for number in range(40)]
    assert p_value([1] * 40, [0] * 40, images) == pytest.approx(1 / 10_001)
    balanced = [1, -1] * 20
    assert p_value(balanced, [0] * 40, images) == 1.0


def test_holm_multiplies_by_what_is_left_and_never_falls():
    corrected = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9})
    assert corrected == {"a": pytest.approx(0.04), "b": pytest.approx(0.09), "c": pytest.approx(0.09), "d": 0.9}
    assert holm({"x": 0.6, "y": 0.7}) == {"x": 1.0, "y": 1.0} and holm({}) == {}


def test_bins_have_like_size_and_equal_values_share_one():
    assert [list(places) for places in quantile_bins([4, 1, 3, 2], 2)] == [[1, 3], [0, 2]]
    assert [list(places) for places in quantile_bins([5, 5, 5], 3)] == [[0, 1, 2]]
