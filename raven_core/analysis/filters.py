"""Which judgments are looked at: filters that combine, and that fit into the address of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import numpy.typing as npt
import pandas as pd

from raven_core.analysis.flat import Frame, bits_of
from raven_core.errors import OptionError
from raven_core.types import ERROR_TAGS, VERDICTS

MENUS: Mapping[str, str] = {
    "cells": "cell",
    "adapters": "adapter",
    "tasks": "task",
    "question_types": "question_type",
    "domains": "domain",
    "verdicts": "verdict",
    "annotators": "annotator",
    "queues": "queue",
    "kinds": "kind",
}
"""Filters by value, and the columns that they look at."""

_KEYS: Mapping[str, str] = {**MENUS, "question_types": "type", "tags": "tag"}
"""Names in an address, by filter."""


@dataclass(frozen=True)
class Filters:
    """What to keep: of each list any one, of all lists together every one; an empty list keeps all.

    ``similarity`` is from .. to, either end None, both included; with an end, answers without neighbours go.
    ``since`` and ``until`` are ISO 8601 dates or times in UTC; a date as ``until`` includes that day. ``text`` is
    looked for in answer, question, correction and note, whatever its case.
    """

    cells: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    question_types: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    similarity: tuple[float | None, float | None] = (None, None)
    since: str = ""
    until: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        """Raises OptionError naming the first filter that cannot be understood."""
        for name in _KEYS:
            object.__setattr__(self, name, tuple(sorted(set(_texts(name, getattr(self, name))))))
        _known("tag", self.tags, ERROR_TAGS)
        _known("verdict", self.verdicts, VERDICTS)
        object.__setattr__(self, "similarity", tuple(_number(end) for end in self.similarity))
        for moment in (self.since, self.until):
            _moment(moment)

    def to_query(self) -> str:
        """As the part of an address after the question mark; what keeps all is left out."""
        low, high = self.similarity
        single = {"from": low, "to": high, "since": self.since, "until": self.until, "text": self.text}
        listed = [(key, value) for name, key in _KEYS.items() for value in getattr(self, name)]
        return urlencode([*listed, *((key, value) for key, value in single.items() if value not in (None, ""))])

    @classmethod
    def from_query(cls, query: str | Mapping[str, str | Sequence[str]]) -> Filters:
        """Filters from such an address, or from its parts by name; names that are no filters are ignored.

        Raises:
            OptionError: a value cannot be understood.
        """
        found: dict[str, list[str]] = {}
        pairs = parse_qsl(query.removeprefix("?")) if isinstance(query, str) else _flat_pairs(query)
        for key, value in pairs:
            found.setdefault(key, []).append(value)
        values: dict[str, Any] = {name: tuple(found.get(key, ())) for name, key in _KEYS.items()}
        values |= {name: found[name][-1] for name in ("since", "until", "text") if name in found}
        low, high = (_number(found[name][-1]) if name in found else None for name in ("from", "to"))
        return cls(**values, similarity=(low, high))

    @property
    def active(self) -> bool:
        """Whether anything is left out at all."""
        return self != Filters()

    def apply(self, frame: Frame) -> Frame:
        """The rows of ``table`` or ``pairs`` that are kept, in their order.

        Of a pair either answer may be in the cell and of the adapter; verdicts and kinds say nothing of pairs.
        """
        mask = np.ones(len(frame), dtype=bool)
        for name, column in MENUS.items():
            wanted = getattr(self, name)
            if wanted:
                mask &= _isin(frame, column, wanted)
        if self.tags:
            mask &= (frame["tag_bits"].to_numpy() & bits_of(self.tags)) != 0
        mask &= self._in_range(frame) & self._in_time(frame)
        if self.text:
            mask &= _holds(frame, self.text, mask)
        return frame if mask.all() else frame[mask].reset_index(drop=True)

    def _in_range(self, frame: Frame) -> npt.NDArray[np.bool_]:
        low, high = self.similarity
        values = frame["similarity"].to_numpy()
        mask = np.ones(len(frame), dtype=bool)
        if low is not None:
            mask &= values >= low
        if high is not None:
            mask &= values <= high
        return mask

    def _in_time(self, frame: Frame) -> npt.NDArray[np.bool_]:
        times = frame["judged"].to_numpy()
        mask = np.ones(len(frame), dtype=bool)
        since, until = _moment(self.since), _moment(self.until)
        if since is not None:
            mask &= times >= since.to_datetime64()
        if until is not None:
            whole_day = len(self.until.strip()) <= len("2026-01-01")
            mask &= (
                times < (until + pd.Timedelta(days=1 if whole_day else 0)).to_datetime64()
                if whole_day
                else (times <= until.to_datetime64())
            )
        return mask


def choices(frame: Frame) -> dict[str, list[str]]:
    """What the menus can offer: by filter, the values that stand in the table."""
    return {
        name: [str(value) for value in frame[column].cat.remove_unused_categories().cat.categories]
        for name, column in MENUS.items()
        if column in frame
    }


def _isin(frame: Frame, column: str, wanted: Sequence[str]) -> npt.NDArray[np.bool_]:
    names = [name for name in (column, f"first_{column}", f"second_{column}") if name in frame]
    mask = np.zeros(len(frame), dtype=bool) if names else np.ones(len(frame), dtype=bool)
    for name in names:
        mask |= frame[name].isin(list(wanted)).to_numpy(dtype=bool)
    return mask


def _holds(frame: Frame, text: str, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of the rows under the mask hold the text; no others are looked at."""
    found = np.zeros(len(frame), dtype=bool)
    part = frame[mask]
    hits = np.zeros(len(part), dtype=bool)
    for name in ("text", "first_text", "second_text", "question", "correction", "note"):
        if name in part:
            hits |= part[name].str.contains(text, case=False, regex=False, na=False).to_numpy(dtype=bool)
    found[mask] = hits
    return found


def _texts(name: str, values: Any) -> list[str]:
    if isinstance(values, str):
        raise OptionError(f"The filter {name!r} takes a list: give [{values!r}].")
    return [str(value) for value in values]


def _known(what: str, values: Sequence[str], known: Sequence[str]) -> None:
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise OptionError(f"Unknown {what} {unknown[0]!r}: use {', '.join(known)}.")


def _number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if number != number:
        raise OptionError(f"{value!r} is no similarity: use a number from -1 to 1.")
    return number


def _moment(text: str) -> pd.Timestamp | None:
    if not text:
        return None
    try:
        moment = pd.Timestamp(text)
    except ValueError:
        raise OptionError(f"{text!r} is no date: write it as 2026-11-23.") from None
    return moment.tz_convert(None) if moment.tz is not None else moment


def _flat_pairs(query: Mapping[str, str | Sequence[str]]) -> list[tuple[str, str]]:
    return [
        (key, value) for key, values in query.items() for value in ([values] if isinstance(values, str) else values)
    ]
