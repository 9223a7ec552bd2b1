"""How often answers were right, by anything: shares with 95% Wilson score intervals (Wilson 1927)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from raven_core.analysis.flat import Frame
from raven_core.errors import OptionError
from raven_core.types import ERROR_TAGS

GROUPS = ("cell", "task", "question_type", "domain", "tag", "band", "adapter", "annotator", "queue")
"""What ``rates`` can group by; cell is the modality, band the similarity of the nearest neighbour."""

Every = Literal["day", "week", "month"]
EVERY: tuple[Every, ...] = ("day", "week", "month")
METHOD = "Wilson score interval, 95%"


@dataclass(frozen=True)
class Rates:
    """Of ``n`` verdicts on ``answers`` different answers, how many were what; ``rate`` is the share of successes.

    ``low`` and ``high`` bound it with 95% confidence; all three are None where there are no verdicts.
    """

    n: int
    answers: int
    success: int
    partly: int
    failure: int
    rate: float | None
    low: float | None
    high: float | None


def wilson(share: Any, n: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The 95% Wilson score interval of shares, 0 to 1, each seen in ``n`` cases; NaN where n is 0."""
    shares, counts = np.atleast_1d(np.asarray(share, float)), np.atleast_1d(np.asarray(n, float))
    low, high = np.full(len(shares), np.nan), np.full(len(shares), np.nan)
    known = counts > 0
    if known.any():
        bounds = proportion_confint(shares[known] * counts[known], counts[known], alpha=0.05, method="wilson")
        low[known], high[known] = bounds
    return low, high


def overall(frame: Frame) -> Rates:
    """The success rate of all rows.

    Several people's verdicts on one answer are no independent evidence, so the interval counts answers, not verdicts;
    where each answer was judged once, it is the usual one.
    """
    failure, partly, success = (int(count) for count in np.bincount(frame["score"].to_numpy(), minlength=3))
    n, answers = len(frame), int(frame["unit"].nunique())
    if not n:
        return Rates(0, 0, 0, 0, 0, None, None, None)
    (low,), (high,) = wilson(success / n, answers)
    return Rates(n, answers, success, partly, failure, success / n, float(low), float(high))


def rates(frame: Frame, by: str, edges: Sequence[float] | None = None) -> Frame:
    """Success rates by group, in the order of the groups' names (bands: from low to high).

    Params:
        by: one of ``GROUPS``. An answer with several error tags stands in the group of each.
        edges: for bands, the borders from ``bands``; by default those of the rows given.
    Returns:
        A frame with ``group n answers success partly failure rate low high share share_low share_high``: ``rate`` is
        the share of successes in the group, ``share`` the group's of all verdicts; intervals as in ``overall``.
    Raises:
        OptionError: there is no such grouping.
    """
    if by not in GROUPS:
        raise OptionError(f"Cannot group by {by!r}: use {', '.join(GROUPS)}.")
    if by == "tag":
        return _by_tag(frame)
    if by == "band":
        codes, names = _banded(frame, bands(frame) if edges is None else edges)
    else:
        column = frame[by].cat.remove_unused_categories()
        codes, names = column.cat.codes.to_numpy(dtype=np.int64), [str(name) for name in column.cat.categories]
    return _table(codes, names, frame)


def bands(frame: Frame, count: int = 4) -> list[float]:
    """Borders that part the similarities of these rows into ``count`` bands of about equal size; rising.

    Take them from the whole table, so that they stay where they are while filters change.
    """
    values = frame["similarity"].to_numpy()
    values = values[~np.isnan(values)]
    if not len(values):
        return []
    return [float(edge) for edge in np.unique(np.quantile(values, np.linspace(0, 1, count + 1)).round(4))]


def trend(frame: Frame, every: str = "day") -> Frame:
    """Success rates by day, week (from Monday) or month of the verdict in UTC; times without verdicts are left out.

    Returns:
        A frame with ``start`` (a date) and the columns of ``rates``, the earliest first.
    Raises:
        OptionError: ``every`` is none of these.
    """
    if every not in EVERY:
        raise OptionError(f"Cannot draw a trend by {every!r}: use {', '.join(EVERY)}.")
    days = frame["judged"].to_numpy().astype("datetime64[D]")
    if every == "week":
        numbers = days.astype(np.int64)
        starts = (numbers - (numbers + 3) % 7).astype("datetime64[D]")  # day 0, 1970-01-01, was a Thursday
    else:
        starts = days if every == "day" else days.astype("datetime64[M]").astype("datetime64[D]")
    found, codes = np.unique(starts, return_inverse=True)
    frame_ = _table(codes.astype(np.int64), [str(start) for start in found], frame)
    return frame_.rename(columns={"group": "start"})


def _banded(frame: Frame, edges: Sequence[float]) -> tuple[npt.NDArray[np.int64], list[str]]:
    values = frame["similarity"].to_numpy()
    inner = np.asarray(edges[1:-1], dtype=float)
    count = max(len(edges) - 1, 1)
    codes = np.where(np.isnan(values), count, np.searchsorted(inner, values, side="right"))
    borders = [f"{low:.2f} to {high:.2f}" for low, high in itertools.pairwise(edges)]
    if len(edges) == 1:
        borders = [f"{edges[0]:.2f}"]
    return codes, [*(borders or [""]), ""]  # the last: no neighbour at all


def _by_tag(frame: Frame) -> Frame:
    """Rows stand in the group of each of their tags."""
    bits = frame["tag_bits"].to_numpy()
    places = [np.flatnonzero(bits >> place & 1) for place in range(len(ERROR_TAGS))]
    codes = np.repeat(np.arange(len(ERROR_TAGS)), [len(found) for found in places])
    return _table(codes, ERROR_TAGS, frame, np.concatenate(places))


def _table(
    codes: npt.NDArray[np.int64], names: Sequence[str], frame: Frame, rows: npt.NDArray[np.int64] | None = None
) -> Frame:
    """One row a group that has verdicts; ``codes`` index ``names``, for each of the ``rows`` (by default for all)."""
    count, units, scores = len(names), frame["unit"].to_numpy(), frame["score"].to_numpy()
    everything = len(pd.unique(units))
    if rows is not None:
        units, scores = units[rows], scores[rows]
    tallied = np.bincount(codes * 3 + scores, minlength=3 * count).reshape(count, 3)
    answers = np.bincount(codes[_firsts(codes, units)], minlength=count)
    n = tallied.sum(axis=1)
    kept = n > 0
    rate, share = tallied[kept, 2] / n[kept], n[kept] / max(len(frame), 1)
    low, high = wilson(rate, answers[kept])
    share_low, share_high = wilson(share, np.full(int(kept.sum()), everything))
    return pd.DataFrame(
        {
            "group": [name for name, keep in zip(names, kept, strict=True) if keep],
            "n": n[kept],
            "answers": answers[kept],
            "success": tallied[kept, 2],
            "partly": tallied[kept, 1],
            "failure": tallied[kept, 0],
            "rate": rate,
            "low": low,
            "high": high,
            "share": share,
            "share_low": share_low,
            "share_high": share_high,
        }
    )


def _firsts(codes: npt.NDArray[np.int64], units: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Which rows are the first of their group and answer."""
    return ~pd.DataFrame({"group": codes, "unit": units}).duplicated().to_numpy()
