"""Bootstrap intervals (Efron 1979): how sure a mean is, and a difference of means over the same samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES, SEED = 2000, 12345


def bootstrap_mean(values: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float, float]:
    """Mean of the values with its 95% percentile-bootstrap interval, in the values' own unit.

    Raises:
        ValueError: there are no values.
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        raise ValueError("No values: a mean needs at least one.")
    rng = np.random.default_rng(seed)
    means = np.array([array[rng.integers(0, len(array), len(array))].mean() for _ in range(resamples)])
    low, high = np.percentile(means, [2.5, 97.5])
    return float(array.mean()), float(low), float(high)


def paired_difference(
    first: Sequence[float], second: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float, float, float]:
    """Mean of ``first - second`` over the same samples, with its 95% interval.

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    if len(first) != len(second):
        raise ValueError(f"Paired values must match: got {len(first)} and {len(second)}.")
    return bootstrap_mean([a - b for a, b in zip(first, second, strict=True)], resamples, seed)
