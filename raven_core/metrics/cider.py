"""CIDEr-D (Vedantam et al. 2015, CVPR) with the COCO scorer's constants, which COCO calls CIDEr."""

from __future__ import annotations

import numpy as np

from raven_core.metrics.ngrams import LONGEST, Corpus, Floats, Ints, found_in, starts_of

SIGMA = 6.0
"""Words: how far a candidate's length may be from a reference's before it costs."""
_SCALE = 10.0


def cider(corpus: Corpus) -> Floats:
    """CIDEr of every image, (n,), from 0 to 10 and usually about 1; the corpus has their mean.

    How rare n-grams are comes from the references of all the images, so that an image's score depends on the others.
    """
    likeness = np.sum([_likeness(corpus, length) for length in range(1, LONGEST + 1)], axis=0)
    # the scorer counts pairs of words where it speaks of the length
    ours, theirs = np.maximum(0, corpus.candidate_words - 1), np.maximum(0, corpus.reference_words - 1)
    apart = (ours[corpus.image_of_reference] - theirs).astype(float)
    of_reference = likeness / LONGEST * np.exp(-(apart**2) / (2 * SIGMA**2))
    each = np.bincount(corpus.image_of_reference, minlength=corpus.images)
    return np.add.reduceat(of_reference, corpus.first_reference) / each * _SCALE


def _likeness(corpus: Corpus, length: int) -> Floats:
    """Clipped cosine of each reference with its image's candidate over n-grams of a length: (r,), from 0 to 1."""
    ours, theirs = corpus.of_candidates(length), corpus.of_references(length)
    rarity = np.log(corpus.documents) - np.log(np.maximum(1, _images_with(corpus, length)))
    our_weight, their_weight = ours.times * rarity[ours.gram], theirs.times * rarity[theirs.gram]
    place, there = found_in(corpus.by_image(ours), corpus.by_image(theirs))
    shared = np.minimum(our_weight[place[there]], their_weight[there]) * their_weight[there]
    product = _summed(corpus, theirs.caption[there], shared)[corpus.references]
    our_norm = np.sqrt(_summed(corpus, ours.caption, our_weight**2))[corpus.image_of_reference]
    norms = our_norm * np.sqrt(_summed(corpus, theirs.caption, their_weight**2))[corpus.references]
    return np.divide(product, norms, out=np.zeros_like(product), where=norms > 0)


def _summed(corpus: Corpus, captions: Ints, values: Floats) -> Floats:
    """Sums of the values of each caption: (captions,)."""
    return np.bincount(captions, weights=values, minlength=len(corpus.words)).astype(np.float64, copy=False)


def _images_with(corpus: Corpus, length: int) -> Floats:
    """In the references of how many images each n-gram of a length stands: (distinct,)."""
    documents = corpus.of_documents(length)
    once = documents.gram[starts_of(corpus.by_image(documents))]
    return np.bincount(once, minlength=documents.distinct).astype(float)
