"""What retrieval did: verdicts that it turned from bad to good or from good to bad, and how often people prefer it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.proportion import binom_test

from raven_core.analysis.flat import Frame
from raven_core.analysis.rates import wilson
from raven_core.comparison import BASELINE

WITHOUT = ("none", BASELINE)
"""Cells in which nothing was retrieved."""

LEVELS = ("failure", "partly", "success")


@dataclass(frozen=True)
class Flow:
    """The same image and question judged in two cells: ``counts[i][j]`` went from ``LEVELS[i]`` to ``LEVELS[j]``.

    ``p_value`` is McNemar's exact test (two-sided sign test) that helping and hurting are equally likely; 1.0 where
    nothing changed.
    """

    before: str
    after: str
    queries: int
    helped: int
    hurt: int
    same: int
    counts: tuple[tuple[int, int, int], ...]
    p_value: float

    @property
    def net(self) -> int:
        """How many more were helped than hurt."""
        return self.helped - self.hurt


@dataclass(frozen=True)
class WinRate:
    """How often an answer with retrieval was preferred to one without.

    ``rate`` is wins / (wins + losses), ties left out, with its 95% Wilson interval, which counts ``decided`` different
    pairs and not the judgments on them; None where nothing was decided. ``with_ties`` counts a tie as half a win.
    """

    judgments: int
    pairs: int
    wins: int
    losses: int
    both_good: int
    both_bad: int
    decided: int
    rate: float | None
    low: float | None
    high: float | None
    with_ties: float | None

    @property
    def ties(self) -> int:
        """Pairs that were found equally good or bad."""
        return self.both_good + self.both_bad


def flow(frame: Frame, before: str = "none", after: str = "both") -> Flow:
    """What went from cell ``before`` to cell ``after``, over images and questions judged in both.

    Several verdicts on one query in one cell are averaged (failure 0, partly 1, success 2) and rounded to the nearest,
    0.5 down to failure and 1.5 up to success.
    """
    part = frame[frame["cell"].isin([before, after])]
    is_after = (part["cell"] == after).to_numpy()
    means = [part[side].groupby("query")["score"].mean() for side in (~is_after, is_after)]
    both = means[0].to_frame("before").join(means[1].rename("after"), how="inner")
    levels = np.rint(both.to_numpy()).astype(np.int64).reshape(-1, 2)  # rounds halves to the even: 0 and 2
    counts = np.bincount(levels[:, 0] * 3 + levels[:, 1], minlength=9).reshape(3, 3)
    helped, hurt = int(np.triu(counts, 1).sum()), int(np.tril(counts, -1).sum())
    p_value = float(binom_test(helped, helped + hurt, 0.5)) if helped + hurt else 1.0
    table = tuple((int(row[0]), int(row[1]), int(row[2])) for row in counts)
    return Flow(before, after, len(both), helped, hurt, int(np.trace(counts)), table, p_value)


def win_rate(duels: Frame, without: Collection[str] = WITHOUT, blind_only: bool = True) -> WinRate:
    """How often retrieval wins, over pairs of one answer with it and one without.

    Params:
        duels: rows of ``pairs``.
        without: the cells that count as being without retrieval.
        blind_only: leave out pairs whose annotators could see which was which.
    """
    bare = [duels[f"{side}_cell"].isin(list(without)).to_numpy(dtype=bool) for side in ("first", "second")]
    mask = bare[0] != bare[1]
    if blind_only:
        mask &= duels["blind"].to_numpy(dtype=bool)
    outcome = duels["outcome"].to_numpy(dtype=object)[mask]
    retrieval_first = bare[1][mask]
    won = np.where(retrieval_first, outcome == "first", outcome == "second")
    lost = np.where(retrieval_first, outcome == "second", outcome == "first")
    units = duels["unit"].to_numpy()[mask]
    wins, losses, n = int(won.sum()), int(lost.sum()), len(outcome)
    decided = len(np.unique(units[won | lost]))
    rate = wins / (wins + losses) if wins + losses else None
    (low,), (high,) = wilson(rate or 0.0, decided)
    return WinRate(
        judgments=n,
        pairs=len(np.unique(units)),
        wins=wins,
        losses=losses,
        both_good=int((outcome == "both-good").sum()),
        both_bad=int((outcome == "both-bad").sum()),
        decided=decided,
        rate=rate,
        low=None if rate is None else float(low),
        high=None if rate is None else float(high),
        with_ties=(wins + (n - wins - losses) / 2) / n if n else None,
    )
