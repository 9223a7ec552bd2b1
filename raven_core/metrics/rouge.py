"""ROUGE-L (Lin 2004, ACL workshop) as the COCO scorer computes it: the best precision and recall of any reference."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from raven_core.metrics.ngrams import Floats, Ints, numbered

BETA = 1.2
"""How much recall weighs against precision."""
_BITS = 63  # a candidate's words are the bits of one machine word
_BLOCK = 4096  # pairs compared at once, of similar length


def rouge_l(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Floats:
    """ROUGE-L of every image from 0 to 1, (n,); the corpus has their mean. Tokens are parted by one blank.

    An empty caption is one empty token to the scorer, and so here.
    """
    ours = [caption.split(" ") for caption in candidates]
    theirs = [caption.split(" ") for caption in chain.from_iterable(references)]
    each = np.array([len(of_image) for of_image in references])
    image_of = np.repeat(np.arange(len(ours)), each)
    first = np.cumsum(each) - each
    our_words, their_words = _lengths(ours), _lengths(theirs)
    common = common_subsequences(ours, theirs, image_of)
    precision = np.maximum.reduceat(common / our_words[image_of], first)
    recall = np.maximum.reduceat(common / their_words, first)
    below = recall + BETA**2 * precision
    above = (1 + BETA**2) * precision * recall
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def common_subsequences(ours: Sequence[list[str]], theirs: Sequence[list[str]], pairs: Ints) -> Ints:
    """Words of the longest common subsequence of each of theirs with ``ours[pairs[...]]``: (r,).

    Bit-parallel (Hyyrö 2004): a candidate's words are bits, of which each reference word clears at most one.
    """
    tokens, _ = numbered([*ours, *theirs])
    our_words, their_words = _lengths(ours), _lengths(theirs)
    start = np.cumsum(np.concatenate([our_words, their_words])) - np.concatenate([our_words, their_words])
    our_start, their_start = start[: len(ours)][pairs], start[len(ours) :]
    our_length = our_words[pairs]
    result = np.zeros(len(theirs), np.int64)
    order = np.lexsort((our_length, their_words))
    short = order[our_length[order] <= _BITS]
    for begin in range(0, len(short), _BLOCK):
        block = short[begin : begin + _BLOCK]
        mine = _padded(tokens, our_start[block], our_length[block], -1)
        other = _padded(tokens, their_start[block], their_words[block], -2)
        result[block] = _common(mine, other)
    for pair in order[our_length[order] > _BITS]:
        result[pair] = _common_long(ours[pairs[pair]], theirs[pair])
    return result


def _lengths(captions: Sequence[list[str]]) -> Ints:
    return np.fromiter(map(len, captions), np.int64, len(captions))


def _padded(tokens: Ints, start: Ints, length: Ints, filler: int) -> Ints:
    """Rows of tokens as a rectangle (b, longest)."""
    column = np.arange(int(length.max()))
    inside = column < length[:, None]
    return np.where(inside, tokens[np.where(inside, start[:, None] + column, 0)], filler)


def _common(mine: Ints, other: Ints) -> NDArray[np.uint8]:
    """Longest common subsequences of the rows of two rectangles: (b,)."""
    powers = np.left_shift(np.uint64(1), np.arange(mine.shape[1], dtype=np.uint64))
    bits = np.full(len(mine), np.iinfo(np.uint64).max, np.uint64)
    for column in other.T:
        matches = bits & ((mine == column[:, None]) * powers).sum(axis=1, dtype=np.uint64)
        bits = (bits + matches) | (bits - matches)
    return np.bitwise_count(~bits)


def _common_long(mine: Sequence[str], other: Sequence[str]) -> int:
    """The same for one pair of any length."""
    where: dict[str, int] = {}
    for place, token in enumerate(mine):
        where[token] = where.get(token, 0) | 1 << place
    every = (1 << len(mine)) - 1
    bits = every
    for token in other:
        matches = bits & where.get(token, 0)
        bits = ((bits + matches) | (bits - matches)) & every
    return len(mine) - bits.bit_count()
