"""Truths and results are matched by name: every figure needs all of both."""

from __future__ import annotations

from collections.abc import Collection

from raven_core.errors import ScoreError

_NAMED = 3


def one_result_each(truths: Collection[str], results: Collection[str], truth: str, result: str) -> None:
    """Make sure that truths and results have the same keys; the last two say in words what they are.

    Raises:
        ScoreError: a key has only the one or the other.
    """
    _none_missing(truths, results, truth, result)
    _none_missing(results, truths, result, truth)


def _none_missing(here: Collection[str], there: Collection[str], has: str, lacks: str) -> None:
    if missing := [key for key in here if key not in there]:
        names = ", ".join(map(str, missing[:_NAMED])) + (", ..." if len(missing) > _NAMED else "")
        raise ScoreError(f"{len(missing)} of {len(here)} with {has} have no {lacks}: {names}. Every one needs both.")
