"""The words of an answer and where they come from, worked out by hand."""

from __future__ import annotations

import math

import pytest

from raven_core.types import Neighbour, Token
from raven_core.wording import AnswerWord, Word, answer_words, copied_words, majority_copy, words_of


def neighbour(rank: int, caption: str | None) -> Neighbour:
    return Neighbour(f"n{rank}", caption, None, None, 0.5, rank)


FOUND = [neighbour(2, "a ZUMI eats moss."), neighbour(1, "the zumi, asleep"), neighbour(3, None), neighbour(4, "moss")]


def test_words_have_the_product_of_their_tokens():
    tokens = [Token(" zu", math.log(0.5)), Token("mi", math.log(0.4)), Token(" eats", math.log(0.9))]
    assert [(word.text, round(word.probability, 9)) for word in words_of(tokens, "zumi eats")] == [
        ("zumi", 0.2), ("eats", 0.9),
    ]  # fmt: skip


def test_tokens_that_do_not_spell_the_text_say_nothing_about_it():
    assert words_of([Token("x", -9.0)], "a b") == [Word("a", 1.0), Word("b", 1.0)]


def test_a_word_is_held_by_captions_whatever_its_case_and_marks():
    assert copied_words(["Zumi", "moss!", "eat", "."], FOUND) == [(1, 2), (2, 4), (), ()]


def test_an_answer_s_words_know_their_probability_with_and_without_neighbours():
    tokens = [Token(" zumi", math.log(0.8)), Token(" moss", math.log(0.5))]
    alone = [Token(" zumi", math.log(0.01)), Token(" moss", math.log(0.25))]
    words = answer_words(tokens, alone, "zumi moss", FOUND)
    assert [(w.text, w.holders) for w in words] == [("zumi", (1, 2)), ("moss", (2, 4))]
    assert [w.probability for w in words] == pytest.approx([0.8, 0.5])
    assert [w.probability_without for w in words] == pytest.approx([0.01, 0.25])


def word(text: str, holders: tuple[int, ...], without: float) -> AnswerWord:
    return AnswerWord(text, 0.9, without, holders)


def test_a_majority_copy_is_said_by_most_captions_and_not_by_the_model_alone():
    words = [
        word("a", (1, 2, 4), 0.95),  # everybody says it, the model too
        word("zumi", (1, 2), 0.01),  # two of three captions
        word("moss", (4,), 0.01),  # one of three
        word("zumi,", (1, 2), 0.02),  # told already
    ]
    (found,) = majority_copy(words, FOUND)
    assert (found.text, found.holders, found.captions) == ("zumi", (1, 2), 3)
    assert (found.probability, found.probability_without) == (0.9, 0.01)


def test_half_of_the_captions_or_a_single_one_is_no_majority():
    four = [neighbour(rank, "zumi" if rank < 3 else "moss") for rank in (1, 2, 3, 4)]
    assert majority_copy([word("zumi", (1, 2), 0.01)], four) == ()
    assert majority_copy([word("zumi", (1,), 0.01)], four[:1]) == ()
    assert majority_copy([word("zumi", (1, 2), 0.1)], four[:2]) == ()
    assert len(majority_copy([word("zumi", (1, 2), 0.0999)], four[:2])) == 1
