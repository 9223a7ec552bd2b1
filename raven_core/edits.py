"""Neighbours changed for one query: edited, added, left out, capped. Pure: the memory itself is never touched.

An altered list of neighbours is kept with the answer in plain values, so that the answer can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from raven_core.errors import OptionError
from raven_core.images import content_hash
from raven_core.types import Neighbour

ADDED = "added-"
"""Ids of pairs that a person added begin with this."""


@dataclass(frozen=True, eq=False)
class NeighbourEdit:
    """A change to one retrieved neighbour: another caption, another image (RGB), or none of it at all.

    A caption of None stays as it is, an empty one is taken away.
    """

    id: str
    caption: str | None = None
    image: Image.Image | None = None
    exclude: bool = False


@dataclass(frozen=True, eq=False)
class AddedPair:
    """A pair that stands among the neighbours as if it had been retrieved; rank 1 is the most similar."""

    image: Image.Image | None = None
    caption: str | None = None
    rank: int = 1


@dataclass(frozen=True, eq=False)
class Gathered:
    """The neighbours of one query after everything that was done to them.

    ``removed`` are those that the leak cap took away, ``unused`` the ids of edits that met no neighbour; ``altered``
    says that the memory alone would not give these neighbours.
    """

    neighbours: tuple[Neighbour, ...] = ()
    removed: tuple[Neighbour, ...] = ()
    unused: tuple[str, ...] = ()
    altered: bool = False


def apply_edits(neighbours: Sequence[Neighbour], edits: Sequence[NeighbourEdit]) -> list[Neighbour]:
    """The neighbours with captions and images replaced; those left out are gone, the others keep rank and similarity.

    Raises:
        OptionError: two edits name one neighbour.
    """
    by_id = {edit.id: edit for edit in edits}
    if len(by_id) != len(edits):
        raise OptionError("Two edits name the same neighbour: put them into one.")
    kept = (one for one in neighbours if one.id not in by_id or not by_id[one.id].exclude)
    return [_edited(one, by_id[one.id]) if one.id in by_id else one for one in kept]


def _edited(neighbour: Neighbour, edit: NeighbourEdit) -> Neighbour:
    changes: dict[str, Any] = {}
    if edit.caption is not None and edit.caption != (neighbour.caption or ""):
        changes["caption"] = edit.caption.strip() or None
    if edit.image is not None:
        changes |= {"image": edit.image, "image_hash": content_hash(edit.image)}
    return replace(neighbour, **changes, edited=True) if changes else neighbour


def as_neighbours(added: Sequence[AddedPair]) -> list[Neighbour]:
    """Added pairs as neighbours ``added-1``, ``added-2`` …, similarity not yet measured (0).

    Raises:
        OptionError: a pair has neither image nor caption, or its rank is below 1.
    """
    for pair in added:
        if pair.image is None and not (pair.caption or "").strip():
            raise OptionError("An added pair has neither image nor caption: give at least one of them.")
        if pair.rank < 1:
            raise OptionError(f"An added pair has rank {pair.rank}: ranks count from 1, the most similar.")
    return [
        Neighbour(
            id=f"{ADDED}{number}",
            caption=(pair.caption or "").strip() or None,
            image=pair.image,
            image_hash=None if pair.image is None else content_hash(pair.image),
            similarity=0.0,
            rank=pair.rank,
            source="added",
            edited=True,
        )
        for number, pair in enumerate(added, start=1)
    ]


def insert(neighbours: Sequence[Neighbour], added: Sequence[Neighbour]) -> list[Neighbour]:
    """The neighbours in order of rank, the added ones at the ranks they ask for, all counted anew.

    Of added ones that ask for the same rank the first comes first; a rank behind the last comes last.
    """
    ordered = sorted(neighbours, key=lambda one: one.rank)
    for before, one in enumerate(sorted(added, key=lambda one: one.rank)):
        same = sum(other.rank == one.rank for other in sorted(added, key=lambda other: other.rank)[:before])
        ordered.insert(one.rank - 1 + same, one)
    return [replace(one, rank=rank) for rank, one in enumerate(ordered, start=1)]


def over_cap(neighbours: Sequence[Neighbour], cap: float) -> list[Neighbour]:
    """The neighbours whose image is more similar to the query's than ``cap`` (a cosine)."""
    return [one for one in neighbours if one.image_similarity is not None and one.image_similarity > cap]


# ---------------------------------------------------------------------- in plain values

_PLAIN = ("id", "rank", "similarity", "image_similarity", "caption", "image_hash", "source", "edited")


def plain(neighbours: Sequence[Neighbour]) -> list[dict[str, Any]]:
    """The neighbours as values that a database keeps; images by their content hash."""
    return [{name: getattr(one, name) for name in _PLAIN} for one in neighbours]


def restore(
    rows: Sequence[Mapping[str, Any]], picture: Callable[[str], Image.Image | None], needed: bool = True
) -> list[Neighbour]:
    """The neighbours that ``plain`` wrote down.

    Params:
        picture: the image with a content hash, None where nobody has it any more.
        needed: whether the prompt shows images; where it does not, a lost one is no loss.
    Raises:
        OptionError: an image is gone.
    """
    found = []
    for row in rows:
        image = None if row["image_hash"] is None else picture(row["image_hash"])
        if needed and image is None and row["image_hash"] is not None:
            whose = "was edited or added" if row.get("edited") else "is no longer in the memory"
            raise OptionError(
                f"The answer cannot be replayed: the image of neighbour {row['rank']} ({row['id']}) {whose}. "
                "Give it among `pictures`."
            )
        found.append(Neighbour(image=image, **{name: row[name] for name in _PLAIN if name in row}))
    return found
