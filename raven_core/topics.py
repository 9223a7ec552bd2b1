"""Answers about one thing, as drafts of the next: the cells of an ablation often say the same of an image."""

from __future__ import annotations

from collections.abc import Sequence

from raven_core.types import Prompt, Token

Draft = Sequence[int]
"""The token ids of an answer to a prompt like this one."""


class Topic:
    """What was answered so far to prompts about one and the same thing: one image, one question."""

    def __init__(self) -> None:
        self._answered: list[tuple[frozenset[str], Draft]] = []

    def add(self, prompt: Prompt, answer: Sequence[Token]) -> None:
        """Keep an answer; tokens that do not know their numbers are of no use here."""
        ids = [token.id for token in answer if token.id is not None]
        if ids and len(ids) == len(answer):
            self._answered.append((_parts(prompt), ids))

    def drafts(self, prompt: Prompt) -> list[Draft]:
        """The answers, those first whose prompts say most of what this one says."""
        parts = _parts(prompt)

        def likeness(answered: tuple[frozenset[str], Draft]) -> float:
            return len(parts & answered[0]) / max(1, len(parts | answered[0]))

        return [draft for _, draft in sorted(self._answered, key=likeness, reverse=True)]


def _parts(prompt: Prompt) -> frozenset[str]:
    """The texts of a prompt."""
    return frozenset(
        part["text"] for message in prompt.messages for part in message["content"] if part["type"] == "text"
    )
