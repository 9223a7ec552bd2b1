"""The words of an answer: how probable each was, and which neighbours' captions hold it. Pure; no model."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from raven_core.types import Neighbour, Token

MAJORITY = 0.5
"""A word is a majority's when more than this share of the neighbours' captions hold it."""

UNLIKELY = 0.1
"""A word is one that the model would hardly have said by itself when it gave it less than this probability."""

_EDGES = re.compile(r"^\W+|\W+$")


@dataclass(frozen=True)
class Word:
    """A word of an answer with its probability: the product over its tokens."""

    text: str
    probability: float


@dataclass(frozen=True)
class AnswerWord:
    """A word of an answer, and where it may come from.

    ``probability`` is the model's with retrieval, ``probability_without`` the same model's without any neighbour, both
    for the word behind the same beginning of the answer; ``holders`` are the ranks of the neighbours whose captions
    hold the word.
    """

    text: str
    probability: float
    probability_without: float
    holders: tuple[int, ...]


@dataclass(frozen=True)
class MajorityWord:
    """A word that most neighbours' captions hold and that the model without retrieval found unlikely."""

    text: str
    holders: tuple[int, ...]
    captions: int  # how many neighbours have a caption
    probability: float
    probability_without: float


def words_of(tokens: Sequence[Token], text: str) -> list[Word]:
    """The words of ``text`` with their probabilities; probability 1 where the tokens do not spell the text."""
    if "".join(token.text for token in tokens).split() != text.split():
        return [Word(word, 1.0) for word in text.split()]
    words: list[Word] = []
    spelled, logprob = "", 0.0
    for token in tokens:
        if token.text[:1].isspace() and spelled.strip():
            words.append(Word(spelled.strip(), math.exp(logprob)))
            spelled, logprob = "", 0.0
        if token.text.strip():  # a bare space or an end mark belongs to no word
            logprob += token.logprob
        spelled += token.text
    if spelled.strip():
        words.append(Word(spelled.strip(), math.exp(logprob)))
    return words if [word.text for word in words] == text.split() else [Word(word, 1.0) for word in text.split()]


def bare(word: str) -> str:
    """The word as it is compared: case and the marks around it do not count."""
    return _EDGES.sub("", word).casefold()


def copied_words(words: Sequence[str], neighbours: Sequence[Neighbour]) -> list[tuple[int, ...]]:
    """For each word the ranks of the neighbours whose captions hold it, in order of rank; marks alone have none."""
    ranked = sorted(neighbours, key=lambda neighbour: neighbour.rank)
    held = [(one.rank, {bare(word) for word in (one.caption or "").split()}) for one in ranked]
    return [tuple(rank for rank, words_held in held if bare(word) and bare(word) in words_held) for word in words]


def answer_words(
    tokens: Sequence[Token], without: Sequence[Token], text: str, neighbours: Sequence[Neighbour]
) -> tuple[AnswerWord, ...]:
    """The words of an answer with everything known about them.

    Params:
        tokens: the answer as it was generated.
        without: the same tokens with the probabilities that the model gives them without any neighbour.
        neighbours: those whose captions the model was shown.
    """
    words, alone = words_of(tokens, text), words_of(without, text)
    holders = copied_words([word.text for word in words], neighbours)
    return tuple(
        AnswerWord(word.text, word.probability, other.probability, held)
        for word, other, held in zip(words, alone, holders, strict=True)
    )


def majority_copy(
    words: Sequence[AnswerWord],
    neighbours: Sequence[Neighbour],
    share: float = MAJORITY,
    unlikely: float = UNLIKELY,
) -> tuple[MajorityWord, ...]:
    """Words that may have been copied because most neighbours say them: a sign of the error ``majority-copy``.

    A word counts when the captions of more than ``share`` of the neighbours hold it, two at least, and the model
    without retrieval gave it less than ``unlikely``. Words like "the" stand in every caption and are likely anyway.
    Each word is told once, where it first stands.
    """
    captions = sum(bool((neighbour.caption or "").strip()) for neighbour in neighbours)
    found: dict[str, MajorityWord] = {}
    for word in words:
        most = len(word.holders) >= 2 and len(word.holders) > share * captions
        if most and word.probability_without < unlikely and bare(word.text) not in found:
            found[bare(word.text)] = MajorityWord(
                word.text, word.holders, captions, word.probability, word.probability_without
            )
    return tuple(found.values())
