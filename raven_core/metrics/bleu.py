"""BLEU (Papineni et al. 2002, ACL) as the COCO scorer computes it: closest reference length, n-grams up to four."""

from __future__ import annotations

import numpy as np

from raven_core.metrics.ngrams import LONGEST, Corpus, Floats, Ints, found_in, starts_of

_TINY, _SMALL = 1e-15, 1e-9  # the scorer's guards against zero, which make its zeros very small numbers


def bleu(corpus: Corpus) -> tuple[Floats, Floats]:
    """BLEU-1 to BLEU-4 from 0 to 1: of the corpus (4,), and of every image by itself (n, 4)."""
    candidate = corpus.candidate_words
    right = np.stack([_right(corpus, length) for length in range(1, LONGEST + 1)], axis=1)  # (n, 4)
    tried = np.maximum(0, candidate[:, None] - np.arange(LONGEST))  # (n, 4)
    closest = closest_lengths(corpus)
    whole = _score(right.sum(0), tried.sum(0), candidate.sum(), closest.sum())
    return whole, _score(right, tried, candidate[:, None], closest[:, None])


def closest_lengths(corpus: Corpus) -> Ints:
    """Length in tokens of the reference closest to the candidate's length, the shorter on a tie: (n,)."""
    length = corpus.reference_words
    away = np.abs(length - corpus.candidate_words[corpus.image_of_reference])
    scale = int(length.max(initial=0)) + 1
    return np.minimum.reduceat(away * scale + length, corpus.first_reference) % scale


def _right(corpus: Corpus, length: int) -> Ints:
    """Candidate n-grams that are also in a reference, no oftener than in the one that has them most: (n,)."""
    ours, theirs = corpus.of_candidates(length), corpus.of_references(length)
    keys = corpus.by_image(theirs)
    starts = starts_of(keys)
    most = np.maximum.reduceat(theirs.times, starts) if len(starts) else theirs.times
    place, there = found_in(keys[starts], corpus.by_image(ours))
    clipped = np.minimum(ours.times[there], most[place[there]])
    return np.bincount(ours.caption[there], weights=clipped, minlength=corpus.images).astype(np.int64)


def _score(right: Ints, tried: Ints, candidate: Ints, reference: Ints) -> Floats:
    """Geometric means of the precisions along the last axis, times the penalty for brevity."""
    precision = np.cumprod((right + _TINY) / (tried + _SMALL), axis=-1)
    ratio = (candidate + _TINY) / (reference + _SMALL)
    # a ratio of nothing gives exp(-inf) = 0, as it should
    with np.errstate(over="ignore"):
        penalty = np.where(ratio < 1, np.exp(1 - 1 / ratio), 1.0)
    return precision ** (1 / np.arange(1, LONGEST + 1)) * penalty
