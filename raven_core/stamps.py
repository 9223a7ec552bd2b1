"""Ids and times, as they are stored."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime


def new_id() -> str:
    """32 hex digits that nobody else has."""
    return uuid.uuid4().hex


def iso(moment: datetime) -> str:
    """A moment with a time zone as ISO 8601 with milliseconds; in one zone these sort as text."""
    return moment.isoformat(timespec="milliseconds")


def utc_now() -> str:
    """The time, ISO 8601 in UTC."""
    return iso(datetime.now(UTC))
