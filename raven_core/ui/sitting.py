"""What one person has on one open page. It lives in ``gr.State``, so no two people ever share one."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from raven_core.types import Generation, Judgment
from raven_core.ui.turns import Turn, Turns

_HEX = frozenset("0123456789abcdef")
_PERSON_LENGTH = 32


def new_person() -> str:
    """A random name for a browser: 32 hex digits, told to nobody else, so that only it can delete what it gave."""
    return secrets.token_hex(_PERSON_LENGTH // 2)


def known_person(kept: Any) -> str:
    """The name that the browser kept, or a new one when it kept none or something else stands in its place."""
    if isinstance(kept, str) and len(kept) == _PERSON_LENGTH and set(kept) <= _HEX:
        return kept
    return new_person()


@dataclass(frozen=True)
class Form:
    """What the left side of the page asks for. ``image`` is a path or bytes; ``question`` None means a caption."""

    image: Any
    question: str | None = None
    modalities: frozenset[str] = frozenset({"image", "text"})
    k: int = 3
    adapter: str | None = None
    question_weight: float | None = None
    order: str = "nearest-last"
    drop_duplicates: bool = True


@dataclass
class Sitting:
    """One open page: the answer on it, what was left out for it, and the last judgment given from it.

    ``excluded`` maps pair ids to captions; ``trial_id`` is None when the answer on the page was not stored;
    ``judged_output`` is the answer that ``last`` speaks about; ``changing`` points the form at that older answer.
    gradio hands the same object to every event of a page, so ``turns`` tells a run what was pressed meanwhile.
    """

    person: str = ""
    generation: Generation | None = None
    question: str | None = None
    excluded: dict[str, str] = field(default_factory=dict)
    trial_id: str | None = None
    last: Judgment | None = None
    judged_output: str = ""
    changing: bool = False
    turns: Turns = field(default_factory=Turns)

    @property
    def owner(self) -> str:
        """Whose sitting this is; one that no browser named (an API client's) gets a name of its own when asked."""
        if not self.person:
            self.person = new_person()
        return self.person

    def clear_answer(self) -> None:
        """Nothing on the page any more; judgments given stay."""
        self.generation, self.trial_id, self.changing = None, None, False

    def record(self, turn: Turn, **found: Any) -> bool:
        """Write what a run found, unless its turn is over; whether it was written."""
        with self.turns.holding(turn) as is_mine:
            if is_mine:
                for name, value in found.items():
                    setattr(self, name, value)
            return is_mine

    def stored(self, generation: Generation, trial_id: str | None) -> bool:
        """A whole answer is in the database as this trial, or not at all; whether it is still the page's answer."""
        with self.turns.quiet():
            if self.generation is not generation:
                return False
            self.trial_id = trial_id
            return True

    def new_image(self) -> None:
        """Another image: its answer is not there yet, and what was left out for the old one does not matter."""
        with self.turns.quiet():
            self.turns.change()
            self.clear_answer()
        self.excluded.clear()

    def leave_out(self, identifier: str) -> None:
        """Keep a neighbour on the page out of the next runs; ids that are not on the page are ignored."""
        found = self.generation.neighbours if self.generation else ()
        for neighbour in found:
            if neighbour.id == identifier:
                self.excluded[identifier] = neighbour.caption or ""

    def put_back(self, identifiers: Collection[str] | None = None) -> None:
        """Let these pairs come back, or all of them."""
        for identifier in list(self.excluded if identifiers is None else identifiers):
            self.excluded.pop(identifier, None)

    @property
    def target(self) -> str | None:
        """The stored trial that a verdict given now speaks about."""
        if self.changing and self.last is not None:
            return self.last.trial_id
        return self.trial_id

    @property
    def target_judgment(self) -> Judgment | None:
        """The judgment already given on the target."""
        if self.last is not None and not self.last.withdrawn and self.last.trial_id == self.target:
            return self.last
        return None
