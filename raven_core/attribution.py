"""What each neighbour did to an answer: the arithmetic, and its result. Pure; the model is asked in ``study.py``.

The value of a prompt is the log-likelihood, in nats, of one given answer under it. As in ContextCite (Cohen-Wang et
al. 2024, arXiv 2409.00729) parts of the context are left out and the value is looked at again; with a handful of
neighbours every needed prompt can be scored, so nothing is fitted or sampled: leave-one-out differences and Shapley
values (Shapley 1953, "A value for n-person games") are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import factorial
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from raven_core.errors import OptionError
from raven_core.wording import AnswerWord, MajorityWord

Part: TypeAlias = Literal["text", "image", "both"]
"""What of a neighbour is left out: its caption, its image, or the whole of it."""

PARTS: tuple[Part, ...] = ("text", "image", "both")

Method: TypeAlias = Literal["loo", "shapley"]
METHODS: tuple[Method, ...] = ("loo", "shapley")

MAX_PLAYERS = 5
"""Exact Shapley values score 2^n prompts: 32 for five neighbours."""

Values: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """What one part of one neighbour did to the answer, in nats: above 0 it made the answer more likely."""

    id: str
    rank: int
    part: Part
    nats: float


@dataclass(frozen=True)
class Attribution:
    """Which neighbour, and what of it, caused an answer. All values are log-likelihoods of that answer, in nats.

    ``whole`` is the value with everything as it was, ``none`` without any neighbour, ``empty`` for each part the value
    with that part of every neighbour left out. Shapley ``shares`` of a part sum to ``whole - empty[part]``;
    leave-one-out shares need not: two neighbours that say the same each matter little alone.
    """

    method: Method
    shares: tuple[Share, ...]
    whole: float
    none: float
    empty: Mapping[Part, float]
    words: tuple[AnswerWord, ...] = ()
    majority: tuple[MajorityWord, ...] = ()
    prompts: int = 0
    timings: Mapping[str, float] = field(default_factory=dict)

    def share(self, rank: int, part: Part = "both") -> float:
        """Nats of one neighbour's part.

        Raises:
            KeyError: the part was not asked for, or no neighbour has this rank.
        """
        for one in self.shares:
            if (one.rank, one.part) == (rank, part):
                return one.nats
        raise KeyError((rank, part))

    def gap(self, part: Part = "both") -> float:
        """What the shares of a part leave unexplained of ``whole - empty[part]``: 0 for Shapley, up to rounding."""
        given = sum(one.nats for one in self.shares if one.part == part)
        return self.whole - self.empty[part] - given


def leave_one_out(whole: float, without: Sequence[float]) -> Values:
    """Differences (n,): the value of everything, less the value with each one left out."""
    return whole - np.asarray(without, dtype=np.float64)


def coalitions(players: int) -> list[frozenset[int]]:
    """Every subset of ``range(players)``, at the place that its bits spell: place 5 holds 0 and 2."""
    return [frozenset(p for p in range(players) if place >> p & 1) for place in range(1 << players)]


def shapley(values: Sequence[float]) -> Values:
    """Exact Shapley values (n,) from the values (2^n,) of all subsets, in the order of ``coalitions``.

    Player i gets the mean, over the orders in which the players may come, of what it adds when it comes:
    the sum over subsets S without i of ``|S|! (n - |S| - 1)! / n! * (v(S with i) - v(S))``.

    Raises:
        OptionError: the values are not a power of two, or of more than five players.
    """
    table = np.asarray(values, dtype=np.float64)
    players = len(table).bit_length() - 1
    if players < 0 or len(table) != 1 << players:
        raise OptionError(f"Shapley values need the value of every subset: {len(table)} is not a power of two.")
    check_players(players)
    places = np.arange(len(table))
    sizes = np.bitwise_count(places)
    weights = np.array([factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)])
    shares = np.zeros(players)
    for player in range(players):
        outside = places[(places >> player & 1) == 0]
        gains = table[outside | 1 << player] - table[outside]
        shares[player] = weights[sizes[outside]] @ gains
    return shares


def check_players(players: int) -> None:
    """Raises OptionError when exact Shapley values would take too many prompts."""
    if players > MAX_PLAYERS:
        raise OptionError(
            f"Exact Shapley values of {players} neighbours take {1 << players} prompts: use at most {MAX_PLAYERS} "
            "neighbours, or method 'loo'."
        )


def check_method(method: str) -> Method:
    """The method itself.

    Raises:
        OptionError: it is unknown.
    """
    if method not in METHODS:
        raise OptionError(f"Unknown method {method!r}: use {' or '.join(map(repr, get_args(Method)))}.")
    return method  # type: ignore[return-value]


def check_parts(parts: Sequence[str]) -> tuple[Part, ...]:
    """The parts, each once, in the order text, image, both.

    Raises:
        OptionError: one of them is unknown, or there are none.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or not parts:
        raise OptionError(f"Unknown parts {', '.join(map(repr, unknown)) or '()'}: use 'text', 'image', 'both'.")
    return tuple(part for part in PARTS if part in parts)
