"""How sure a figure is: paired bootstrap over images, sign flips for a p-value, Holm's correction for many of them.

Several questions about one image are not several images: everything is resampled by image (Davison and Hinkley 1997,
chapter 2), so that an interval is about new images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from raven_core.metrics.intervals import RESAMPLES, SEED

Floats: TypeAlias = npt.NDArray[np.float64]

FLIPS = 10_000
_AT_ONCE = 4_000_000  # numbers drawn at a time

Interval: TypeAlias = tuple[float, float, float]
"""Mean, and the lower and upper end of its 95% interval."""


def mean_interval(values: Sequence[float], images: Sequence[str], resamples: int = RESAMPLES) -> Interval:
    """Mean of values with its 95% percentile-bootstrap interval over images.

    Params:
        values: one a sample.
        images: the image of each sample.
    Raises:
        ValueError: there are no values, or not one image a value.
    """
    sums, counts = _by_image(values, images)
    rng = np.random.default_rng(SEED)
    means = []
    for size in _portions(resamples, len(sums)):
        drawn = rng.integers(0, len(sums), (size, len(sums)))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(sums.sum() / counts.sum()), float(low), float(high)


def difference(first: Sequence[float], second: Sequence[float], images: Sequence[str]) -> Interval:
    """Mean of ``first - second`` over the same samples, with its 95% interval over images.

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    return mean_interval(_paired(first, second), images)


def p_value(first: Sequence[float], second: Sequence[float], images: Sequence[str], flips: int = FLIPS) -> float:
    """Two-sided p of no difference, by flipping the signs of the images' differences at random (Fisher 1935).

    With few images it cannot be small: n images that all differ one way have 2 / 2**n.

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    sums, _ = _by_image(_paired(first, second), images)
    sums = sums[sums != 0]  # an image without a difference has none with the other sign either
    if not len(sums):
        return 1.0
    if len(sums) <= 12:
        bits = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        reached = np.abs((2 * bits - 1) @ sums) >= abs(sums.sum()) - 1e-9
        return float(reached.mean())
    rng = np.random.default_rng(SEED)
    extreme = 0
    for size in _portions(flips, len(sums)):
        signs = 2 * rng.integers(0, 2, (size, len(sums))) - 1
        extreme += int(np.count_nonzero(np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9))
    return (extreme + 1) / (flips + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values corrected for their number (Holm 1979), in the order given; the chance of any false alarm is kept."""
    corrected: dict[str, float] = {}
    largest = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[name]))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}


def quantile_bins(values: Sequence[float], bins: int) -> list[npt.NDArray[np.int64]]:
    """Places of the values in bins of like size, smallest first; equal values share a bin, empty bins are left out."""
    array = np.asarray(values, dtype=np.float64)
    edges = np.quantile(array, np.linspace(0, 1, bins + 1)[1:-1])
    numbers = np.searchsorted(edges, array, side="left")
    return [np.flatnonzero(numbers == number) for number in range(bins) if np.any(numbers == number)]


def _paired(first: Sequence[float], second: Sequence[float]) -> list[float]:
    if len(first) != len(second):
        raise ValueError(f"Paired values must match: got {len(first)} and {len(second)}.")
    return [a - b for a, b in zip(first, second, strict=True)]


def _by_image(values: Sequence[float], images: Sequence[str]) -> tuple[Floats, Floats]:
    """Sum and number of the values of each image."""
    if not len(values) or len(values) != len(images):
        raise ValueError(f"Each value has its image: got {len(values)} values and {len(images)} images.")
    _, place = np.unique(np.asarray(images, dtype=str), return_inverse=True)
    sums = np.bincount(place, weights=np.asarray(values, dtype=np.float64)).astype(np.float64)
    return sums, np.bincount(place).astype(np.float64)


def _portions(total: int, width: int) -> list[int]:
    """So many rows at a time that a drawn table stays small."""
    size = max(1, _AT_ONCE // width)
    return [min(size, total - start) for start in range(0, total, size)]
