"""DAQUAR's exact match of the set of things named."""

import pytest

from raven_core.metrics.daquar import daquar_match


@pytest.mark.parametrize(
    ("prediction", "answer", "score"),
    [
        ("desk", "desk", 1.0),
        ("book", "desk", 0.0),
        # order, repetition, case and blanks do not matter
        ("lamp, book", "book, lamp", 1.0),
        ("Book,lamp , book", "book, lamp", 1.0),
        ("tape_dispenser", "tape_dispenser", 1.0),
        ("night  stand", "night stand", 1.0),
        # one too few, one too many
        ("book", "book, lamp", 0.0),
        ("book, lamp, desk", "book, lamp", 0.0),
        # part of a name is another thing
        ("tape", "tape_dispenser", 0.0),
        ("2", "two", 0.0),
        # stray commas name nothing
        ("book,", "book", 1.0),
        ("", "book", 0.0),
    ],
)
def test_an_answer_names_the_same_things_or_scores_nothing(prediction: str, answer: str, score: float) -> None:
    assert daquar_match(prediction, answer) == score
