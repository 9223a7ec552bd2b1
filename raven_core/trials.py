"""``Generation`` → ``Trial``: an answer in plain values, fit for a database, enough to replay it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raven_core.stamps import new_id, utc_now
from raven_core.types import Generation, Neighbour, Trial
from raven_core.version import __version__


def trial_of(generation: Generation, question: str | None, session: str, fingerprints: Mapping[str, str]) -> Trial:
    """The trial of a finished answer, without its image: the store names that when it keeps it.

    Params:
        session: whom it belongs to; what this person gave can be deleted by it.
        fingerprints: what answered, by content.
    """
    return Trial(
        id=new_id(),
        created=utc_now(),
        session=session,
        image_hash=None,
        image_file=None,
        question=question,
        settings=dict(generation.settings),
        neighbours=[plain_neighbour(neighbour) for neighbour in generation.neighbours],
        prompt=generation.prompt,
        output=generation.text,
        logprobs=[token.logprob for token in generation.tokens],
        model=generation.model,
        adapter=generation.adapter,
        fingerprints=dict(fingerprints),
        seed=generation.seed,
        timings=dict(generation.timings),
        app_version=__version__,
    )


def plain_neighbour(neighbour: Neighbour) -> dict[str, Any]:
    """A neighbour in plain values, without its image: the memory has that by its hash."""
    names = ("id", "rank", "similarity", "image_similarity", "caption", "image_hash", "source")
    return {name: getattr(neighbour, name) for name in names}
