"""Which neighbour caused an answer: the prompts with parts of the neighbours left out, scored in one go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from raven_core import attribution as shares
from raven_core import prompting
from raven_core.clock import Clock
from raven_core.images import ImageSource
from raven_core.types import MODALITIES, Generation, Modality, Neighbour, Query, Token
from raven_core.wording import answer_words, majority_copy

if TYPE_CHECKING:
    from raven_core.pipeline import Raven

_Shown: TypeAlias = tuple[frozenset[Modality], ...]
"""What a prompt shows of each neighbour."""


def attribute(
    raven: Raven,
    generation: Generation,
    image: ImageSource,
    question: str | None,
    method: shares.Method,
    parts: Sequence[shares.Part],
) -> shares.Attribution:
    """What each neighbour did to an answer; see ``Raven.attribute``."""
    neighbours, count = generation.neighbours, len(generation.neighbours)
    if method == "shapley":
        shares.check_players(count)
    clock = Clock()
    with clock.stage("decode"):
        query = raven.query(image, raven.request(question))
    values = _Values(raven, query, generation)
    needed = {part: _subsets(method, count) for part in parts}
    values.score([(part, kept) for part, sets in needed.items() for kept in sets], clock)
    found = []
    for part in parts:
        table = [values[part, kept] for kept in needed[part]]
        nats = shares.shapley(table) if method == "shapley" else shares.leave_one_out(values.whole, table[1:-1])
        found += [
            shares.Share(one.id, one.rank, part, float(value)) for one, value in zip(neighbours, nats, strict=True)
        ]
    captioned = neighbours if "text" in generation.modalities else ()
    words = answer_words(generation.tokens, values.alone, generation.text, captioned)
    return shares.Attribution(
        method=method,
        shares=tuple(found),
        whole=values.whole,
        none=sum(token.logprob for token in values.alone),
        empty={part: values[part, frozenset()] for part in parts},
        words=words,
        majority=majority_copy(words, captioned),
        prompts=values.prompts,
        timings=clock.read(),
    )


def _subsets(method: shares.Method, count: int) -> list[frozenset[int]]:
    """Who keeps the part: for leave-one-out nobody, all but one, everyone; for Shapley every subset."""
    if method == "shapley":
        return shares.coalitions(count)
    everyone = frozenset(range(count))
    return [frozenset(), *(everyone - {place} for place in range(count)), everyone]


class _Values:
    """Log-likelihoods of one answer under its prompt with parts of the neighbours left out; each prompt scored once."""

    def __init__(self, raven: Raven, query: Query, generation: Generation) -> None:
        self._raven, self._query, self._generation = raven, query, generation
        self._scored: dict[_Shown, list[Token]] = {}

    @property
    def whole(self) -> float:
        """The value with nothing left out."""
        return self._sum(tuple(self._generation.modalities for _ in self._generation.neighbours))

    @property
    def alone(self) -> list[Token]:
        """The answer's tokens under the prompt without any neighbour."""
        return self._scored[self._nothing]

    @property
    def prompts(self) -> int:
        """How many different prompts were scored."""
        return len(self._scored)

    def __getitem__(self, key: tuple[shares.Part, frozenset[int]]) -> float:
        return self._sum(self._shown(*key))

    def score(self, keys: Iterable[tuple[shares.Part, frozenset[int]]], clock: Clock) -> None:
        """Score all prompts that the keys name, and the one without neighbours, in one go."""
        everything = tuple(self._generation.modalities for _ in self._generation.neighbours)
        shown = list(dict.fromkeys([everything, self._nothing, *(self._shown(*key) for key in keys)]))
        order = self._generation.settings.get("order", prompting.NEAREST_LAST)
        with clock.stage("prompt"):
            prompts = [prompting.build(self._query, self._kept(one), MODALITIES, order) for one in shown]
        with clock.stage("score"):
            rows = self._raven.generator.log_likelihood(
                prompts, [self._generation.tokens] * len(prompts), self._generation.adapter
            )
        self._scored = dict(zip(shown, rows, strict=True))

    @property
    def _nothing(self) -> _Shown:
        return tuple(frozenset() for _ in self._generation.neighbours)

    def _shown(self, part: shares.Part, kept: frozenset[int]) -> _Shown:
        """What the prompt shows of each neighbour when only those of ``kept`` keep the part."""
        fed = self._generation.modalities
        lost = fed if part == "both" else fed & {part}
        return tuple(fed if place in kept else fed - lost for place in range(len(self._generation.neighbours)))

    def _kept(self, shown: _Shown) -> list[Neighbour]:
        return [
            replace(one, image=one.image if "image" in some else None, caption=one.caption if "text" in some else None)
            for one, some in zip(self._generation.neighbours, shown, strict=True)
        ]

    def _sum(self, shown: _Shown) -> float:
        return float(sum(token.logprob for token in self._scored[shown]))
