"""Whether people who judge the same things say the same: percent, Cohen's or Fleiss' kappa, Krippendorff's alpha."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from raven_core.analysis.flat import Frame

RESAMPLES, SEED = 2000, 12345
COHEN, FLEISS = "Cohen's kappa", "Fleiss' kappa"


@dataclass(frozen=True)
class Agreement:
    """Over ``units`` that at least two of ``annotators`` people judged, ``judgments`` in all.

    ``percent``: the share, 0 to 1, of pairs of judgments on one unit that are the same, averaged over units.
    ``kappa``: Cohen's between two people; Fleiss' between more, over the ``kappa_units`` units with the commonest
    number of judgments. ``alpha``: Krippendorff's, nominal, with the 95% percentile-bootstrap interval over units.
    None where it is not defined, as when everybody always says the same one thing.
    """

    annotators: int
    units: int
    judgments: int
    percent: float | None
    kappa_name: str
    kappa: float | None
    kappa_units: int
    alpha: float | None
    low: float | None
    high: float | None


def agreement(frame: Frame, column: str = "verdict") -> Agreement:
    """How far annotators agree: on the verdict of answers (rows of ``table``), or on the outcome of ``pairs``.

    Params:
        column: ``verdict`` or ``outcome``. Of two judgments of one person on one unit the later counts.
    """
    said = frame[["unit", "annotator", column]].drop_duplicates(["unit", "annotator"], keep="last")
    said = said[said["unit"].duplicated(keep=False)]
    annotators = said["annotator"].cat.remove_unused_categories()
    counts = _counts(said["unit"].to_numpy(), said[column].cat.codes.to_numpy(), len(said[column].cat.categories))
    name = COHEN if len(annotators.cat.categories) == 2 else FLEISS
    if name == COHEN:
        kappa, kappa_units = _cohen(said, annotators.cat.codes.to_numpy(), column), len(counts)
    else:
        kappa, kappa_units = _fleiss(counts)
    low, high = alpha_interval(counts)
    return Agreement(
        annotators=len(annotators.cat.categories),
        units=len(counts),
        judgments=len(said),
        percent=percent(counts),
        kappa_name=name,
        kappa=kappa,
        kappa_units=kappa_units,
        alpha=alpha(counts),
        low=low,
        high=high,
    )


def percent(counts: npt.NDArray[Any]) -> float | None:
    """Mean over units of the share of equal pairs; ``counts`` (units, values): how often each value was said."""
    counts, n = _paired(counts)
    if not len(counts):
        return None
    return float(((counts * (counts - 1)).sum(axis=1) / (n * (n - 1))).mean())


def alpha(counts: npt.NDArray[Any]) -> float | None:
    """Krippendorff's alpha for nominal values ("Computing Krippendorff's Alpha-Reliability", 2011, section D).

    Params:
        counts: (units, values), how often each value was said of each unit; missing judgments are just not there.
    Returns:
        1 for perfect agreement, 0 for none beyond chance; None where only one value was said at all.
    """
    counts, n = _paired(counts)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (n - 1)
    found = _alpha(np.atleast_1d(agreeing.sum()), counts.sum(axis=0, keepdims=True))[0]
    return None if np.isnan(found) else float(found)


def alpha_interval(
    counts: npt.NDArray[Any], resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float | None, float | None]:
    """95% percentile-bootstrap interval of alpha over units; None where alpha is not defined.

    Units with the same counts are exchangeable, so drawing how often each kind of unit comes up is drawing units.
    """
    counts, _ = _paired(counts)
    if not len(counts):
        return None, None
    kinds, often = np.unique(counts, axis=0, return_counts=True)
    agreeing = (kinds * (kinds - 1)).sum(axis=1) / (kinds.sum(axis=1) - 1)
    drawn = np.random.default_rng(seed).multinomial(len(counts), often / len(counts), size=resamples)
    found = _alpha(drawn @ agreeing, drawn @ kinds)
    found = found[~np.isnan(found)]
    if not len(found):
        return None, None
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _alpha(agreeing: npt.NDArray[np.float64], values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Alpha from the diagonal sum of the coincidence matrix, (b,), and its margins, (b, values)."""
    values = values.astype(np.float64)
    n = values.sum(axis=1)
    by_chance = (values * (values - 1)).sum(axis=1)
    most = n * (n - 1) - by_chance
    return np.divide((n - 1) * agreeing - by_chance, most, out=np.full(len(n), np.nan), where=most > 0)


def _paired(counts: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The units with at least two judgments, and how many each has."""
    counts = np.asarray(counts, dtype=np.int64)
    n = counts.sum(axis=1)
    return counts[n > 1], n[n > 1]


def _counts(units: npt.NDArray[np.uint64], codes: npt.NDArray[Any], values: int) -> npt.NDArray[np.int64]:
    numbers, different = pd.factorize(units)
    flat = np.bincount(numbers * values + codes.astype(np.int64), minlength=len(different) * values)
    return flat.reshape(len(different), values)


def _cohen(said: Frame, who: npt.NDArray[Any], column: str) -> float | None:
    codes = said[column].cat.codes
    sides = [pd.Series(codes.to_numpy()[who == one], index=said["unit"].to_numpy()[who == one]) for one in (0, 1)]
    both = pd.concat(sides, axis=1, join="inner").to_numpy()
    size = len(said[column].cat.categories)
    table = np.bincount(both[:, 0].astype(np.int64) * size + both[:, 1], minlength=size * size).reshape(size, size)
    return _defined(cohens_kappa, table) if len(both) else None


def _fleiss(counts: npt.NDArray[np.int64]) -> tuple[float | None, int]:
    if not len(counts):
        return None, 0
    n = counts.sum(axis=1)
    common = int(np.bincount(n).argmax())
    alike = counts[n == common]
    return _defined(fleiss_kappa, alike), len(alike)


def _defined(kappa: Any, table: npt.NDArray[np.int64]) -> float | None:
    """Kappa, None where it is not defined: chance alone would agree always."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = float(kappa(table, return_results=False) if kappa is cohens_kappa else kappa(table))
    return found if np.isfinite(found) else None
