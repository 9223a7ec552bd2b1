"""What one answer is asked with: options given, else the settings', else the profile's; checked and complete."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from raven_core import prompting
from raven_core.errors import OptionError, QuestionError
from raven_core.settings import MAX_NEW_TOKENS, Profile, Settings, check_k, check_weight, parse_modalities
from raven_core.types import BASE, Modality, Order

MAX_QUESTION = 300
"""Longest question, in characters."""

REPLAYED = (
    "k",
    "modalities",
    "adapter",
    "order",
    "question_weight",
    "exclude_ids",
    "drop_duplicates",
    "seed",
    "max_new_tokens",
)
"""The options that, with image and question, make the same answer again."""


@dataclass(frozen=True)
class Request:
    """One answer's options; ``adapter`` None is the model without one."""

    question: str | None
    k: int
    modalities: frozenset[Modality]
    adapter: str | None
    order: Order
    question_weight: float
    exclude_ids: tuple[str, ...]
    drop_duplicates: bool
    seed: int
    max_new_tokens: int

    @classmethod
    def complete(
        cls,
        settings: Settings,
        profile: Profile,
        question: str | None = None,
        *,
        k: int | None = None,
        modalities: Collection[str] | None = None,
        adapter: str | None = None,
        order: Order | None = None,
        question_weight: float | None = None,
        exclude_ids: Collection[str] = (),
        drop_duplicates: bool | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
    ) -> Request:
        """Fill in what was not given.

        Raises:
            QuestionError: the question is empty or too long.
            OptionError: an option is unknown or out of range.
        """
        chosen = _first(modalities, settings.modalities)
        name = adapter or settings.adapter or profile.default_adapter
        return cls(
            question=check_question(question),
            k=check_k(_first(k, settings.k)),
            modalities=prompting.check_modalities(parse_modalities(chosen) if isinstance(chosen, str) else chosen),
            adapter=None if name == BASE else name,
            order=_check_order(_first(order, settings.order)),
            question_weight=check_weight(_first(question_weight, settings.question_weight, profile.question_weight)),
            exclude_ids=(exclude_ids,) if isinstance(exclude_ids, str) else tuple(sorted(exclude_ids)),
            drop_duplicates=_first(drop_duplicates, settings.drop_duplicates),
            seed=_first(seed, settings.seed),
            max_new_tokens=_check_length(_first(max_new_tokens, settings.max_new_tokens, profile.max_new_tokens)),
        )

    @property
    def retrieves(self) -> bool:
        """Whether the memory is asked at all."""
        return self.k > 0 and bool(self.modalities)

    def plain(self) -> dict[str, Any]:
        """The replayed options as plain values."""
        values: dict[str, Any] = {name: getattr(self, name) for name in REPLAYED}
        values["modalities"] = sorted(self.modalities)
        values["exclude_ids"] = list(self.exclude_ids)
        values["adapter"] = self.adapter or BASE  # None would mean the default when it is asked again
        return values


def check_question(question: str | None) -> str | None:
    """The question without blanks around it; None stays None.

    Raises:
        QuestionError: it is empty, or longer than 300 characters.
    """
    if question is None:
        return None
    text = question.strip()
    if not text:
        raise QuestionError("The question is empty: write one, or leave it out for a caption.")
    if len(text) > MAX_QUESTION:
        raise QuestionError(f"The question has {len(text)} characters: shorten it to {MAX_QUESTION}.")
    return text


def _check_order(order: Order) -> Order:
    prompting.order_neighbours((), order)
    return order


def _check_length(tokens: int) -> int:
    if not 1 <= tokens <= MAX_NEW_TOKENS:
        raise OptionError(f"max_new_tokens is {tokens}: use 1 to {MAX_NEW_TOKENS}.")
    return tokens


def _first(*values: Any) -> Any:
    """The first value that is not None."""
    return next((value for value in values if value is not None), None)
