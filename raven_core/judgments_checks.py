"""What a person may say in a judgment, checked and made fit for a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from raven_core.errors import OptionError
from raven_core.types import ERROR_TAGS, VERDICTS

MAX_TEXT = 10_000
"""Longest correction or note, in characters."""


def check_verdict(verdict: str) -> str:
    """The verdict.

    Raises:
        OptionError: it is unknown.
    """
    if verdict not in VERDICTS:
        raise OptionError(f"Unknown verdict {verdict!r}: use {', '.join(VERDICTS)}.")
    return verdict


def check_tags(tags: Iterable[str]) -> list[str]:
    """The tags, once each, in the order of ``ERROR_TAGS``.

    Raises:
        OptionError: one is unknown.
    """
    given = set(tags)
    unknown = sorted(given - set(ERROR_TAGS))
    if unknown:
        raise OptionError(f"Unknown error tag {unknown[0]!r}: use {', '.join(ERROR_TAGS)}.")
    return [tag for tag in ERROR_TAGS if tag in given]


def check_texts(correction: str, note: str) -> dict[str, str]:
    """Both texts by name, fit for a database.

    Raises:
        OptionError: one is longer than ``MAX_TEXT``.
    """
    if max(len(correction), len(note)) > MAX_TEXT:
        raise OptionError(f"A correction or note may have {MAX_TEXT:,} characters: shorten it.")
    return {"correction": clean(correction), "note": clean(note)}


def clean(value: Any) -> Any:
    """The value without what databases cannot hold: NUL, and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {clean(str(key)): clean(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return str(value) if isinstance(value, Path) else value
