"""Neighbours that retrieval did not find: what would the model say with other evidence? Pure.

- ``random``: other pairs of the memory, so a change shows what any evidence at all does;
- ``shuffled``: the retrieved pairs in another order;
- ``cross-paired``: their images and captions paired anew, so that each contradicts itself;
- ``oracle``: of a pool the pairs whose captions, each by itself, say most of the references. It is no upper bound: they
  may contradict each other more than what is retrieved does.
"""

from __future__ import annotations

import functools
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, get_args
from weakref import WeakKeyDictionary

from PIL import Image

from raven_core.errors import OptionError
from raven_core.types import Neighbour, Pair

Kind: TypeAlias = Literal["retrieved", "random", "shuffled", "cross-paired", "oracle"]
KINDS: tuple[Kind, ...] = get_args(Kind)
T = TypeVar("T")

GROUP = "species"
"""Pairs whose ``extra`` names the same of these show the same kind of thing."""

_TRIES = 200  # draws for one neighbour before the memory counts as holding nothing else


class Pairs(Protocol):
    """What is asked of a memory."""

    ids: list[str]

    def pairs(self, pair_ids: Sequence[str]) -> list[Pair]:
        """The pairs with these ids."""

    def extras(self, pair_ids: Sequence[str]) -> list[dict[str, Any]]:
        """What else was stored with them."""

    def image(self, image_hash: str) -> Image.Image:
        """The image with this content hash."""


def check_kind(kind: str) -> Kind:
    """The kind itself.

    Raises:
        OptionError: it is unknown.
    """
    if kind not in KINDS:
        raise OptionError(f"Unknown neighbours {kind!r}: use one of {', '.join(map(repr, KINDS))}.")
    return kind  # type: ignore[return-value]


def counterfactual(
    kind: str,
    memory: Pairs,
    query_neighbours: Sequence[Neighbour],
    rng: random.Random,
    references: Sequence[str] | None = None,
    pool: Sequence[str] | None = None,
) -> list[Neighbour]:
    """As many neighbours as were retrieved, best first, of another kind.

    Params:
        kind: ``retrieved`` gives them as they are; the others as the head of this module says.
        query_neighbours: what was retrieved.
        rng: the only source of chance; the same state gives the same neighbours.
        references: right captions or answers, which ``oracle`` needs.
        pool: ids that ``random`` and ``oracle`` may take; None for the whole memory. For an oracle, the ids nearest to
            the query, best first: of pairs that say as much the earlier is taken.
    Returns:
        Pairs that were not retrieved for this query have similarity 0 and no image similarity: nobody measured them.
    Raises:
        OptionError: the kind is unknown, an oracle has no references, or the memory holds too few other pairs.
    """
    chosen = check_kind(kind)
    ranked = sorted(query_neighbours, key=lambda one: one.rank)
    if chosen == "retrieved" or not ranked:
        return ranked
    if chosen == "random":
        return _random(memory, ranked, rng, pool)
    if chosen == "shuffled":
        return _shuffled(ranked, rng)
    if chosen == "cross-paired":
        return _cross_paired(memory, ranked, rng, pool)
    return _oracle(memory, ranked, references, pool)


def _random(
    memory: Pairs, ranked: Sequence[Neighbour], rng: random.Random, pool: Sequence[str] | None
) -> list[Neighbour]:
    """One pair for each neighbour that shares neither image, caption nor kind with any of them."""
    ids = memory.ids if pool is None else pool
    strangers = _Strangers(memory, ranked)
    found: list[Neighbour] = []
    tries = 0
    while len(found) < len(ranked):
        tries += 1
        if not ids or tries > _TRIES * len(ranked):
            raise OptionError("The memory holds too few other pairs to draw random neighbours from: use a smaller k.")
        pick = rng.choice(ids)
        if all(pick != one.id for one in found) and strangers.admit(pick):
            found.append(as_neighbour(memory, memory.pairs([pick])[0], len(found) + 1))
    return found


class _Strangers:
    """Tells whether a pair has nothing to do with what was retrieved."""

    def __init__(self, memory: Pairs, ranked: Sequence[Neighbour]) -> None:
        self._memory = memory
        self._ids = {one.id for one in ranked}
        self._hashes = {one.image_hash for one in ranked} - {None}
        self._captions = {one.caption for one in ranked} - {None}
        self._groups = {extra.get(GROUP) for extra in memory.extras([one.id for one in ranked])} - {None}

    def admit(self, pair_id: str) -> bool:
        if pair_id in self._ids:
            return False
        pair, extra = self._memory.pairs([pair_id])[0], self._memory.extras([pair_id])[0]
        alike = pair.image_hash in self._hashes or pair.caption in self._captions
        return not alike and extra.get(GROUP) not in self._groups


def _shuffled(ranked: Sequence[Neighbour], rng: random.Random) -> list[Neighbour]:
    """Another order than the given one, where there is one."""
    order = list(range(len(ranked)))
    while len(order) > 1 and order == sorted(order):
        rng.shuffle(order)
    return [replace(ranked[place], rank=rank) for rank, place in enumerate(order, start=1)]


def _cross_paired(
    memory: Pairs, ranked: Sequence[Neighbour], rng: random.Random, pool: Sequence[str] | None
) -> list[Neighbour]:
    """Each image with the caption of another neighbour; a lone neighbour with the caption of a random pair."""
    if len(ranked) == 1:
        captions = [_random(memory, ranked, rng, pool)[0].caption]
    else:
        turn = rng.randrange(1, len(ranked))  # a turn moves every caption, which a shuffle need not
        captions = [ranked[(place + turn) % len(ranked)].caption for place in range(len(ranked))]
    return [replace(one, caption=caption, edited=True) for one, caption in zip(ranked, captions, strict=True)]


def _oracle(
    memory: Pairs, ranked: Sequence[Neighbour], references: Sequence[str] | None, pool: Sequence[str] | None
) -> list[Neighbour]:
    """The pairs that say most of the references; retrieved ones keep their similarity."""
    if not references:
        raise OptionError("Oracle neighbours are those that say what is right: give references.")
    known = {one.id: one for one in ranked}
    pairs = memory.pairs(list(memory.ids if pool is None else pool))
    scores = told([pair.caption or "" for pair in pairs], references, rarity(memory))
    best = sorted(range(len(pairs)), key=lambda place: (-scores[place], place))[: len(ranked)]
    return [
        replace(known[pairs[place].id], rank=rank)
        if pairs[place].id in known
        else as_neighbour(memory, pairs[place], rank)
        for rank, place in enumerate(best, start=1)
    ]


def told(captions: Sequence[str], references: Sequence[str], weights: Mapping[str, float] | None = None) -> list[float]:
    """How much of the references each caption says, from 0 to 1: over the references, the mean share of their words.

    An answer that many annotators gave stands among the references as often, and so counts as much.

    Params:
        weights: how much a word counts, 1 where it is not named; without them all count the same, and a caption with
            the right scenery beats the one that has the name.
    """
    wanted = [words for words in map(_words, references) if words]
    if not wanted:
        return [0.0] * len(captions)

    def weight(words: set[str]) -> float:
        return float(len(words)) if weights is None else sum(weights.get(word, 1.0) for word in words)

    whole = [max(weight(words), 1e-9) for words in wanted]
    return [
        sum(weight(words & said) / full for words, full in zip(wanted, whole, strict=True)) / len(wanted)
        for said in map(_words, captions)
    ]


def read_once(read: Callable[[Any], T]) -> Callable[[Any], T]:
    """What a function reads of a memory, read again only when the memory has grown or shrunk."""
    kept: WeakKeyDictionary[Any, tuple[int, T]] = WeakKeyDictionary()

    def reading(memory: Pairs) -> T:
        found = kept.get(memory)
        if found is None or found[0] != len(memory.ids):
            found = kept[memory] = (len(memory.ids), read(memory))
        return found[1]

    return functools.wraps(read)(reading)


@read_once
def rarity(memory: Pairs) -> dict[str, float]:
    """How rare each word is among the memory's captions: its inverse document frequency, from 0 to 1.

    As for CIDEr, what most captions say tells little. Read once for a memory of a size.
    """
    captions = [pair.caption or "" for pair in memory.pairs(memory.ids)]
    found = Counter(word for caption in captions for word in _words(caption))
    most = math.log(len(captions) + 1)
    return {word: math.log((len(captions) + 1) / count) / most for word, count in found.items()}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def as_neighbour(memory: Pairs, pair: Pair, rank: int, known: Mapping[str, float] | None = None) -> Neighbour:
    """A pair of the memory as a neighbour that nobody retrieved; ``known`` holds similarities by id."""
    return Neighbour(
        id=pair.id,
        caption=pair.caption,
        image=memory.image(pair.image_hash) if pair.image_hash else None,
        image_hash=pair.image_hash,
        similarity=(known or {}).get(pair.id, 0.0),
        rank=rank,
        source=pair.source,
    )
