"""Captions as numbers: every n-gram of a corpus counted once, for the scores that compare n-grams.

Shapes: ``n`` images with one candidate each, ``r`` references in all, ``b`` references of other images, which only tell
how rare n-grams are. Captions are numbered candidates first (0 to n-1), then references image by image (n to n+r-1),
then those of the other images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LONGEST = 4
"""Words in the longest n-gram that BLEU and CIDEr count."""


class Counts(NamedTuple):
    """How often each n-gram of one length stands in each caption, sorted by n-gram and then by caption."""

    gram: Ints  # (m,) number of the n-gram, from 0
    caption: Ints  # (m,) number of the caption
    times: Ints  # (m,) at least 1
    distinct: int  # how many n-grams there are


@dataclass(frozen=True)
class Corpus:
    """Candidates and references of n images, and references of others if there are any, counted."""

    images: int
    others: int  # other images
    references: slice  # where the references stand among the captions
    image_of: Ints  # (n + r + b,) the image a caption belongs to; other images are numbered from n
    words: Ints  # (n + r + b,) length of a caption in tokens
    counts: tuple[Counts, ...]  # by length of the n-grams, 1 to 4

    @classmethod
    def of(
        cls, candidates: Sequence[str], references: Sequence[Sequence[str]], others: Sequence[Sequence[str]] = ()
    ) -> Corpus:
        """Count tokenised captions, one candidate an image; tokens are parted by white space."""
        captions = [caption.split() for caption in chain(candidates, *references, *others)]
        words = np.fromiter(map(len, captions), np.int64, len(captions))
        n, each = len(candidates), [len(of_image) for of_image in chain(references, others)]
        image_of = np.concatenate([np.arange(n), np.repeat(np.arange(len(each)), each)])
        where = slice(n, n + sum(each[:n]))
        return cls(n, len(others), where, image_of, words, _all_counts(numbered(captions)[0], words))

    @property
    def documents(self) -> int:
        """Images that tell how rare n-grams are: the others, or without others the n themselves."""
        return self.others or self.images

    @property
    def candidate_words(self) -> Ints:
        """Lengths of the candidates: (n,)."""
        return self.words[: self.images]

    @property
    def reference_words(self) -> Ints:
        """Lengths of the references: (r,)."""
        return self.words[self.references]

    @property
    def image_of_reference(self) -> Ints:
        """The image each reference belongs to: (r,)."""
        return self.image_of[self.references]

    @property
    def first_reference(self) -> Ints:
        """Where the references of each image begin among the references: (n,), from 0."""
        return np.searchsorted(self.image_of_reference, np.arange(self.images))

    def of_candidates(self, length: int) -> Counts:
        """The counts of the candidates' n-grams of a length, whose caption numbers are image numbers."""
        return self._part(length, slice(0, self.images))

    def of_references(self, length: int) -> Counts:
        """The counts of the references' n-grams of a length."""
        return self._part(length, self.references)

    def of_documents(self, length: int) -> Counts:
        """The counts of the n-grams of a length in the references that tell how rare they are."""
        return self._part(length, slice(self.references.stop, len(self.words)) if self.others else self.references)

    def _part(self, length: int, part: slice) -> Counts:
        counts = self.counts[length - 1]
        keep = (counts.caption >= part.start) & (counts.caption < part.stop)
        return Counts(counts.gram[keep], counts.caption[keep], counts.times[keep], counts.distinct)

    def by_image(self, counts: Counts) -> Ints:
        """One number for an n-gram of an image, in the counts' own order: (m,), ascending."""
        return counts.gram * (self.images + self.others) + self.image_of[counts.caption]


def numbered(captions: Sequence[Sequence[str]]) -> tuple[Ints, int]:
    """The tokens of all captions in a row as numbers, equal tokens alike, and how many different ones there are."""
    tokens = list(chain.from_iterable(captions))
    number = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
    return np.fromiter(map(number.__getitem__, tokens), np.int64, len(tokens)), len(number)


def starts_of(sorted_keys: Ints) -> Ints:
    """Where runs of equal keys begin."""
    if not len(sorted_keys):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]))


def found_in(keys: Ints, wanted: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Places of the wanted keys among ascending keys, and whether each is really there."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return places, keys[places] == wanted


def _all_counts(tokens: Ints, words: Ints) -> tuple[Counts, ...]:
    caption = np.repeat(np.arange(len(words)), words)
    left = np.repeat(np.cumsum(words), words) - np.arange(len(tokens))  # tokens from here to the caption's end
    kinds = int(tokens.max(initial=0)) + 1
    grams, result = tokens, []
    for length in range(1, LONGEST + 1):
        here = np.flatnonzero(left >= length)
        if length > 1:
            grams = grams[here] * kinds + tokens[here + length - 1]
        counts, grams_here = _counted(grams, caption[here])
        result.append(counts)
        grams = np.zeros(len(tokens), np.int64)
        grams[here] = grams_here
    return tuple(result)


def _counted(grams: Ints, caption: Ints) -> tuple[Counts, Ints]:
    """Counts by n-gram and caption; captions ascend. Also the n-grams renumbered from 0, in the given order."""
    order = np.argsort(grams, kind="stable")
    in_order, caption = grams[order], caption[order]
    new_gram = np.zeros(len(grams), bool)
    new_gram[starts_of(in_order)] = True
    new_pair = new_gram.copy()
    new_pair[starts_of(caption)] = True
    number = np.cumsum(new_gram) - 1
    starts = np.flatnonzero(new_pair)
    renumbered = np.empty_like(grams)
    renumbered[order] = number
    times = np.diff(np.append(starts, len(grams)))
    return Counts(number[starts], caption[starts], times, int(new_gram.sum())), renumbered
