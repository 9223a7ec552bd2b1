"""Answers about one thing, as drafts of the next: the cells of an ablation often say the same of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raven_core.types import Prompt, Token


@dataclass(frozen=True)
class Draft:
    """The token ids of an answer; ``whole`` where it may be right to its end: its prompt said just the same."""

    ids: Sequence[int]
    whole: bool = False


class Topic:
    """What was answered so far to prompts about one and the same thing: one image, one question."""

    def __init__(self) -> None:
        self._answered: list[tuple[frozenset[str], list[int]]] = []

    def add(self, prompt: Prompt, answer: Sequence[Token]) -> None:
        """Keep an answer; tokens that do not know their numbers are of no use here."""
        ids = [token.id for token in answer if token.id is not None]
        if ids and len(ids) == len(answer):
            self._answered.append((_parts(prompt), ids))

    def drafts(self, prompt: Prompt) -> list[Draft]:
        """The answers, those first whose prompts say most of what this one says."""
        parts = _parts(prompt)
        likeness = [len(parts & said) / max(1, len(parts | said)) for said, _ in self._answered]
        order = sorted(range(len(likeness)), key=lambda place: -likeness[place])
        return [Draft(self._answered[place][1], self._answered[place][0] == parts) for place in order]


def _parts(prompt: Prompt) -> frozenset[str]:
    """The texts of a prompt."""
    return frozenset(
        part["text"] for message in prompt.messages for part in message["content"] if part["type"] == "text"
    )
