"""DAQUAR's accuracy (Malinowski and Fritz 2014, NeurIPS): the answer names the same things as the reference."""

from __future__ import annotations


def answer_set(answer: str) -> frozenset[str]:
    """The things an answer names: comma-separated, without regard to case, order, repetition or spacing."""
    things = (" ".join(thing.lower().split()) for thing in answer.split(","))
    return frozenset(thing for thing in things if thing)


def daquar_match(prediction: str, answer: str) -> float:
    """1.0 where a prediction names exactly the answer's things, else 0.0; an answer of none is matched by none."""
    return float(answer_set(prediction) == answer_set(answer))
