"""Caption scores of a corpus and of every image, equal to the COCO scorer's (Chen et al. 2015, arXiv 1504.00325)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from raven_core.errors import ScoreError
from raven_core.metrics.bleu import bleu, closest_lengths
from raven_core.metrics.cider import cider
from raven_core.metrics.matching import one_result_each
from raven_core.metrics.ngrams import Corpus, Floats
from raven_core.metrics.ptb import tokenise
from raven_core.metrics.rouge import rouge_l

References = Mapping[str, Sequence[str]]

METRICS = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr")
"""What is computed, named as the COCO scorer does."""

NOT_COMPUTED = {
    "METEOR": "its scorer is a Java program with paraphrase tables of its own; a rewrite would give other figures",
    "SPICE": "its scorer is a Java program that parses captions into scene graphs with models fetched from the web",
}
"""What the COCO scorer computes and this does not, and why."""


@dataclass(frozen=True)
class CaptionScores:
    """Scores as fractions by metric, for each of ``METRICS``; CIDEr goes from 0 to 10 and is usually about 1."""

    corpus: dict[str, float]
    per_image: dict[str, dict[str, float]]  # by image, in the order of the references
    candidate_words: int  # tokens in all predictions
    reference_words: int  # tokens in the references closest to them in length


def score_captions(
    references: References,
    predictions: Mapping[str, str],
    tokenised: bool = False,
    rarity_from: References | None = None,
) -> CaptionScores:
    """Score one predicted caption an image against the image's references.

    BLEU of a corpus is not the mean of its images' BLEU; ROUGE-L and CIDEr are means. CIDEr weighs words by how few
    images they describe, so that an image's score depends on the images it is scored with.

    Args:
        references: for each image its captions, at least one.
        predictions: for each of the same images one caption; may be "".
        tokenised: the captions are the scorer's tokens already, parted by blanks.
        rarity_from: references of the images that tell how rare words are, if not those of ``references``: for a part
            of a data set whose scores should compare with the whole's.

    Raises:
        ScoreError: an image has no prediction or no reference, or there are fewer than two images to tell how rare
            words are.
    """
    _check(references, predictions, rarity_from)
    candidates = [predictions[image] for image in references]
    captions: list[Sequence[str]] = list(references.values())
    others: list[Sequence[str]] = list((rarity_from or {}).values())
    if not tokenised:
        candidates, captions, others = tokenise(candidates), _tokenised(captions), _tokenised(others)
    corpus = Corpus.of(candidates, captions, others)
    of_corpus, of_images = bleu(corpus)
    columns = [*of_images.T, rouge_l(candidates, captions), cider(corpus)]
    scores = [*of_corpus, *(column.mean() for column in columns[-2:])]
    return CaptionScores(
        dict(zip(METRICS, map(float, scores), strict=True)),
        _by_image(references, columns),
        int(corpus.candidate_words.sum()),
        int(closest_lengths(corpus).sum()),
    )


def as_printed(scores: Mapping[str, float], digits: int = 1) -> dict[str, str]:
    """Scores times 100, as papers print them, CIDEr too: a CIDEr of 1.1676 is "116.8"."""
    return {metric: f"{100 * score:.{digits}f}" for metric, score in scores.items()}


def _by_image(images: Collection[str], columns: Sequence[Floats]) -> dict[str, dict[str, float]]:
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {image: dict(zip(METRICS, row, strict=True)) for image, row in zip(images, rows, strict=True)}


def _check(references: References, predictions: Mapping[str, str], rarity_from: References | None) -> None:
    one_result_each(references, predictions, "reference captions", "predicted caption")
    _check_references(references)
    _check_references(rarity_from or {})
    wrong = next((image for image, caption in predictions.items() if not isinstance(caption, str)), None)
    if wrong is not None:
        raise ScoreError(f"The prediction for image {wrong} must be one caption, a text.")
    if len(telling := references if rarity_from is None else rarity_from) < 2 or not references:
        raise ScoreError(
            f"Caption scores need at least two images, got {min(len(references), len(telling))}: CIDEr weighs words by "
            "how few of the images they describe, and with one image every word weighs nothing. Score more images "
            "together, or say which references tell how rare words are."
        )


def _check_references(references: References) -> None:
    for image, captions in references.items():
        if isinstance(captions, str):
            raise ScoreError(f"The references of image {image} must be a list of captions, also where there is one.")
        if not captions:
            raise ScoreError(f"Image {image} has no reference caption: leave it out or add one.")


def _tokenised(references: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    tokens = iter(tokenise(list(chain.from_iterable(references))))
    return [[next(tokens) for _ in captions] for captions in references]
