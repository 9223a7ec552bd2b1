"""What programs get: answers, comparisons and attributions as plain values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from raven_core.attribution import Attribution
from raven_core.comparison import CellKey, ComparedCell, Comparison
from raven_core.types import Generation, Neighbour


def neighbour(one: Neighbour) -> dict[str, Any]:
    """A neighbour, with the keys of ``python -m raven_core ask --json``."""
    return {"id": one.id, "caption": one.caption, "similarity": one.similarity, "rank": one.rank}


def answer(generation: Generation) -> dict[str, Any]:
    """An answer, with the keys of ``python -m raven_core ask --json``."""
    return {
        "text": generation.text,
        "confidence": generation.confidence,
        "neighbours": [neighbour(one) for one in generation.neighbours],
        "modalities": sorted(generation.modalities),
        "model": generation.model,
        "adapter": generation.adapter,
        "seconds": generation.timings.get("total"),
    }


def comparison(found: Comparison, good: Collection[CellKey] = ()) -> dict[str, Any]:
    """A comparison; ``good`` are the cells that a person found right."""
    judged = found.with_pick(good) if good else found
    return {
        "question": judged.question,
        "base": {"cell": judged.base[0], "k": judged.base[1]},
        "metric": judged.metric,
        "noise": judged.noise,
        "cells": [_cell(cell) for cell in judged.cells],
        "neighbours": [neighbour(one) for one in judged.neighbours],
        "removed": [neighbour(one) for one in judged.removed],
        "seconds": judged.timings.get("total"),
    }


def _cell(cell: ComparedCell) -> dict[str, Any]:
    return {
        "cell": cell.name,
        "k": cell.k,
        "text": cell.generation.text,
        "effect": cell.effect,
        "score": cell.score,
        "confidence": cell.generation.confidence,
        "adapter": cell.generation.adapter,
    }


def attribution(found: Attribution, cell: ComparedCell) -> dict[str, Any]:
    """An attribution of a cell's answer; values in nats."""
    return {
        "cell": cell.name,
        "k": cell.k,
        "text": cell.generation.text,
        "method": found.method,
        "shares": [{"id": one.id, "rank": one.rank, "part": one.part, "nats": one.nats} for one in found.shares],
        "log_likelihood": found.whole,
        "log_likelihood_without_neighbours": found.none,
        "words": [
            {
                "text": word.text,
                "probability": word.probability,
                "probability_without": word.probability_without,
                "holders": list(word.holders),
            }
            for word in found.words
        ],
        "majority": [word.text for word in found.majority],
    }
