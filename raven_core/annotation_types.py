"""The words of annotation queues, named once: ``Draft`` → ``Queue`` of items → ``Showing`` → ``ItemJudgment``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from PIL import Image

from raven_core.types import Verdict

QueueOrder: TypeAlias = Literal["given", "random", "informative"]
"""In which order items are handed out; informative: the highest score first."""

ORDERS: tuple[QueueOrder, ...] = ("given", "random", "informative")

LETTERS: Final = "ABCDEFGH"
"""How candidates are called on the page, in the order shown; so an item has 8 at most."""

MAX_WANTED: Final = 50
"""Most annotators that an item may be asked of."""

BOTH_GOOD: Final = "both-good"
BOTH_BAD: Final = "both-bad"
SKIP: Final = "skip"
TIES: tuple[str, ...] = (BOTH_GOOD, BOTH_BAD)


@dataclass(frozen=True)
class Candidate:
    """One answer to an item and how it came about. ``similarity`` is the nearest neighbour's, in [-1, 1].

    ``cell`` names what of the neighbours the model was given (none, text, image, both, or another name);
    ``neighbours`` and ``settings`` are plain values as in a ``Trial``, empty where unknown; ``confidence`` in [0, 1].
    """

    text: str
    cell: str = ""
    adapter: str | None = None
    trial_id: str | None = None
    confidence: float | None = None
    similarity: float | None = None
    neighbours: Sequence[Mapping[str, Any]] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Draft:
    """An item that is not in a queue yet. ``image``: RGB, a local file, the name of a file that the store has
    already, or None. ``key`` names it where it came from (a sample's, image's or question's id)."""

    image: Image.Image | Path | str | None
    question: str | None
    candidates: tuple[Candidate, ...]
    references: tuple[str, ...] = ()
    domain: str = ""
    question_type: str = ""
    key: str = ""


@dataclass(frozen=True)
class Queue:
    """Items to be judged. ``wanted`` is how many annotators each asks for; ``size`` is how many items there are.

    ``session`` says whom the pictures in it belong to, "" for nobody: deleting that person's data deletes the queue.
    """

    id: str
    name: str
    source: str
    order: QueueOrder
    seed: int
    blind: bool
    wanted: int
    session: str
    created: str
    size: int


@dataclass(frozen=True)
class ItemJudgment:
    """What one annotator said about one item. Times are ISO 8601 in UTC, ``seconds`` is how long it took.

    ``preference`` is what was pressed: a letter, both-good, both-bad, skip, or "" for verdicts alone. All else is
    by candidate as stored, not as shown: ``preferred`` its number, ``verdicts`` and ``tags`` one entry each;
    ``shown`` lists candidate numbers in the order they were shown.
    """

    id: str
    item_id: str
    annotator: str
    preference: str
    preferred: int | None
    verdicts: tuple[Verdict | None, ...]
    tags: tuple[tuple[str, ...], ...]
    correction: str
    note: str
    seconds: float | None
    shown: tuple[int, ...]
    created: str
    updated: str
    withdrawn: bool = False


@dataclass(frozen=True)
class ShownCandidate:
    """A candidate as an annotator may see it; ``details`` is None as long as the item is blind."""

    letter: str
    text: str
    details: Candidate | None = None


@dataclass(frozen=True)
class Showing:
    """An item as one annotator may see it. ``token`` belongs to one submission from this showing.

    ``number`` counts from 1 in the order of the queue; ``given`` is this annotator's own judgment, if one stands.
    """

    item_id: str
    queue_id: str
    number: int
    image_hash: str | None
    image_file: str | None
    question: str | None
    references: tuple[str, ...]
    domain: str
    question_type: str
    candidates: tuple[ShownCandidate, ...]
    blind: bool
    token: str
    given: ItemJudgment | None = None


@dataclass(frozen=True)
class Revealed:
    """An item with everything: candidates as stored, one's own judgment, and what others said."""

    showing: Showing
    candidates: tuple[Candidate, ...]
    own: ItemJudgment | None
    others: tuple[ItemJudgment, ...]


@dataclass(frozen=True)
class Progress:
    """How far a queue is: ``judged``, ``skipped`` and ``left`` are one annotator's; the rest is everybody's.

    ``left`` counts items that this annotator may still be asked for; ``complete`` items have enough judgments.
    """

    items: int
    complete: int
    judgments: int
    annotators: int
    judged: int = 0
    skipped: int = 0
    left: int = 0
