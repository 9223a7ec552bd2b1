"""Agreement equals the published examples."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from raven_core.analysis.agreement import COHEN, FLEISS, agreement, alpha, alpha_interval, percent

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units
FOUR_OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
# ... section A: two observers, binary
TWO_OBSERVERS = ("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
# Fleiss, "Measuring nominal scale agreement among many raters" (1971), as worked out in many textbooks: kappa 0.210
FLEISS_EXAMPLE = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def counts_of(observers) -> np.ndarray:
    columns = list(zip(*(line.split() for line in observers), strict=True))
    values = sorted({value for column in columns for value in column} - {"."})
    return np.array([[column.count(value) for value in values] for column in columns])


def frame_of(observers, column="verdict") -> pd.DataFrame:
    """A table as the store would give it: one row a judgment."""
    rows = [
        (unit, f"person {who}", value)
        for who, line in enumerate(observers)
        for unit, value in enumerate(line.split())
        if value != "."
    ]
    frame = pd.DataFrame(rows, columns=["unit", "annotator", column]).astype({"unit": "uint64"})
    return frame.astype({"annotator": "category", column: "category"})


def test_alpha_is_krippendorffs():
    assert alpha(counts_of(FOUR_OBSERVERS)) == pytest.approx(0.743, abs=5e-4)
    assert alpha(counts_of(TWO_OBSERVERS)) == pytest.approx(0.095, abs=5e-4)


def test_alpha_of_perfect_of_absent_and_of_undefined_agreement():
    assert alpha(np.array([[2, 0], [0, 2]])) == 1.0
    # always opposite: observed 1, expected n0*n1*2/(n(n-1)) = 2*2*2/(4*3) = 2/3, so 1 - 3/2
    assert alpha(np.array([[1, 1], [1, 1]])) == pytest.approx(-0.5)
    assert alpha(np.array([[2, 0], [3, 0]])) is None and alpha(np.zeros((0, 3))) is None
    assert alpha(np.array([[1, 0], [0, 1]])) is None  # nobody judged the same unit


def test_the_bootstrap_of_alpha_is_the_one_over_units():
    counts = np.repeat(counts_of(FOUR_OBSERVERS), 5, axis=0)
    rng = np.random.default_rng(0)
    units = counts[counts.sum(axis=1) > 1]
    plain = [alpha(units[rng.integers(0, len(units), len(units))]) for _ in range(1000)]
    low, high = alpha_interval(counts)
    assert (low, high) == pytest.approx(tuple(np.percentile(plain, [2.5, 97.5])), abs=0.02)
    assert low < alpha(counts) < high and alpha_interval(counts) == (low, high)
    assert alpha_interval(np.array([[2, 0]])) == (None, None)


def test_percent_is_the_mean_share_of_equal_pairs():
    assert percent(np.array([[2, 1], [2, 0], [1, 0]])) == pytest.approx((1 / 3 + 1) / 2)


def test_two_people_get_cohens_kappa():
    # the textbook table: both yes 20, both no 15, only the first yes 5, only the second yes 10; kappa 0.4
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = agreement(frame_of([" ".join(first), " ".join(second)]))
    assert (found.kappa_name, found.kappa_units, found.annotators, found.units) == (COHEN, 50, 2, 50)
    assert found.kappa == pytest.approx(0.4) and found.percent == pytest.approx(0.7) and found.judgments == 100


def test_more_people_get_fleiss_kappa():
    people = [[] for _ in range(14)]
    for row in FLEISS_EXAMPLE:
        said = [str(value) for value, count in enumerate(row) for _ in range(count)]
        for person, value in zip(people, said, strict=True):
            person.append(value)
    found = agreement(frame_of([" ".join(person) for person in people]))
    assert (found.kappa_name, found.kappa_units, found.annotators) == (FLEISS, 10, 14)
    assert found.kappa == pytest.approx(0.210, abs=5e-4)


def test_units_judged_once_and_changed_minds_do_not_count_twice():
    frame = frame_of(["1 2 1", "1 1 ."])
    found = agreement(frame)
    assert (found.units, found.judgments, found.percent) == (2, 4, 0.5)
    twice = pd.concat([frame, frame_of(["2 . .", ". 2 ."])]).astype({"annotator": "category", "verdict": "category"})
    found = agreement(twice)
    assert (found.units, found.judgments, found.percent) == (2, 4, 0.5)  # now they differ on the first instead


def test_nothing_in_common_or_nothing_but_one_value_is_not_defined():
    alone = agreement(frame_of(["1 . 1", ". 2 ."]))
    assert (alone.units, alone.percent, alone.kappa, alone.alpha, alone.low) == (0, None, None, None, None)
    for people in (["1 1", "1 1"], ["1 1", "1 1", "1 1"]):
        same = agreement(frame_of(people))
        assert (same.percent, same.kappa, same.alpha) == (1.0, None, None)


def test_agreement_on_preferences_is_by_pair(tmp_path: Path):
    from raven_core import analysis
    from tests.judged import compared, store_in

    store = store_in(tmp_path)
    compared(store, {"ann": list("rrng"), "bob": list("rnng")})
    found = analysis.agreement(analysis.pairs(store), "outcome")
    assert (found.annotators, found.units, found.percent) == (2, 4, 0.75)
    # values: retrieval 3, none 3, tie 2; (n-1)(sum of o_cc) = 7 * 6, by chance 3*2 + 3*2 + 2*1 = 14, most 56 - 14
    assert found.alpha == pytest.approx((42 - 14) / 42)
