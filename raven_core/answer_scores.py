"""How right the answers to one query are, and what difference between two of them says nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from raven_core.metrics.captioning import score_captions
from raven_core.metrics.ptb import tokenise
from raven_core.metrics.rouge import rouge_l
from raven_core.metrics.vqa import normalise_answer, vqa_accuracy

Metric: TypeAlias = Literal["VQA accuracy", "CIDEr", "ROUGE-L"]

VQA_NOISE = 0.1
"""Accuracy of an answer that three of ten annotators gave is 0.9, of one that more gave 1: both are right."""

CAPTION_NOISE = {"CIDEr": 0.1, "ROUGE-L": 0.05}
"""Least difference of two captions' scores that counts; more where the references differ more from each other."""


@dataclass(frozen=True)
class Scored:
    """Scores by ``metric`` (fractions, CIDEr up to 10), and the largest difference of two that says nothing."""

    metric: Metric
    scores: tuple[float, ...]
    noise: float


def scored(texts: Sequence[str], references: Sequence[str], question: str | None, known: Sequence[str] = ()) -> Scored:
    """Score answers to one query against its references.

    Captions are scored by CIDEr, which counts a rare word for more than scenery, where it is known how rare words are;
    else by ROUGE-L. The noise is the standard deviation of what each reference scores against the others: people who
    all describe the image well differ that much.

    Params:
        question: None for captions.
        known: captions of other images, which tell how rare words are.
    """
    if question is not None:
        return Scored("VQA accuracy", tuple(_accuracy(text, references) for text in texts), VQA_NOISE)
    metric: Literal["CIDEr", "ROUGE-L"] = "CIDEr" if len(known) > 1 else "ROUGE-L"
    alone = [[other for place, other in enumerate(references) if place != own] for own in range(len(references))]
    truths = [*[list(references) for _ in texts], *(alone if len(references) > 1 else [])]
    candidates = [*texts, *(references if len(references) > 1 else [])]
    values = _cider(candidates, truths, known) if metric == "CIDEr" else _rouge_l(candidates, truths)
    spread = float(np.std(values[len(texts) :])) if len(references) > 1 else 0.0
    return Scored(metric, tuple(values[: len(texts)]), max(CAPTION_NOISE[metric], spread))


def _accuracy(text: str, references: Sequence[str]) -> float:
    """VQA accuracy of an answer, or whether it is the only reference."""
    if len(references) == 1:
        return float(normalise_answer(text) == normalise_answer(references[0]))
    return vqa_accuracy(text, references)


def _cider(candidates: Sequence[str], truths: Sequence[Sequence[str]], known: Sequence[str]) -> list[float]:
    names = [str(place) for place in range(len(candidates))]
    found = score_captions(
        dict(zip(names, truths, strict=True)),
        dict(zip(names, candidates, strict=True)),
        rarity_from={f"known {place}": [caption] for place, caption in enumerate(known)},
    )
    return [found.per_image[name]["CIDEr"] for name in names]


def _rouge_l(candidates: Sequence[str], truths: Sequence[Sequence[str]]) -> list[float]:
    return [float(one) for one in rouge_l(tokenise(candidates), [tokenise(of_one) for of_one in truths])]
