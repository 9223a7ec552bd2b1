"""Cells side by side: word by word, helped or hurt."""

from __future__ import annotations

import pytest

from raven_core.comparison import (
    CAPTION_NOISE,
    Change,
    cell_modalities,
    compare_answers,
    noise_of,
    score_of,
    word_changes,
)
from raven_core.errors import OptionError
from raven_core.types import Generation


def said(text: str, k: int = 3) -> Generation:
    return Generation(text, (), (), "", "m", None, 0, frozenset(), k)


def effects(comparison) -> dict[str, str]:
    return {cell.name: cell.effect for cell in comparison.cells}


def test_changes_are_told_word_by_word():
    assert word_changes("a red zumi sits", "a blue zumi sits there") == (
        Change("equal", ("a",), ("a",)),
        Change("replace", ("red",), ("blue",)),
        Change("equal", ("zumi", "sits"), ("zumi", "sits")),
        Change("insert", (), ("there",)),
    )
    assert word_changes("a b", "a") == (Change("equal", ("a",), ("a",)), Change("delete", ("b",), ()))
    assert word_changes("", "") == ()


def test_without_references_a_cell_is_changed_or_the_same_against_the_none_cell():
    made = compare_answers(None, [("text", 3, said("a cat")), ("none", 3, said("a dog")), ("both", 3, said("a  dog"))])
    assert made.base == ("none", 3) and made.metric is None and made.noise is None
    assert effects(made) == {"text": "changed", "none": "same", "both": "same"}
    assert made.cell("text").changes[-1] == Change("replace", ("dog",), ("cat",))


def test_without_a_none_cell_the_first_is_compared_with():
    made = compare_answers(None, [("text", 3, said("a")), ("both", 3, said("b"))])
    assert made.base == ("text", 3) and effects(made) == {"text": "same", "both": "changed"}


def test_answers_are_judged_by_vqa_accuracy_and_the_gap_between_right_answers_is_noise():
    answers = ["moss"] * 7 + ["nuts"] * 3
    made = compare_answers(
        "what does it eat",
        [
            ("none", 3, said("nuts")),
            ("text", 3, said("Moss.")),
            ("image", 3, said("stones")),
            ("both", 3, said("nuts")),
        ],
        answers,
    )
    assert made.metric == "VQA accuracy" and made.noise == 0.1
    assert [cell.score for cell in made.cells] == pytest.approx([0.9, 1.0, 0.0, 0.9])
    assert effects(made) == {"none": "no change", "text": "no change", "image": "hurt", "both": "no change"}
    again = compare_answers("what", [("none", 3, said("stones")), ("both", 3, said("moss"))], answers)
    assert effects(again) == {"none": "no change", "both": "helped"}


def test_one_reference_answer_is_right_or_wrong():
    assert score_of("The Moss", ["moss"], "what") == 1.0 and score_of("nuts", ["moss"], "what") == 0.0


def test_captions_are_judged_by_rouge_l():
    # longest common subsequence 2 of 3 and 2 words: precision 2/3, recall 1, F with beta 1.2: 2.44 p r / (r + 1.44 p)
    assert score_of("a red zumi", ["red zumi"], None) == pytest.approx(2.44 * (2 / 3) / (1 + 1.44 * 2 / 3))
    made = compare_answers(None, [("none", 3, said("a dog")), ("both", 3, said("a red zumi"))], ["a red zumi."])
    assert made.metric == "ROUGE-L" and effects(made) == {"none": "no change", "both": "helped"}


def test_references_that_differ_make_small_differences_noise():
    assert noise_of(["a red zumi"], None) == noise_of(["a red zumi"] * 3, None) == CAPTION_NOISE
    # the first two score 1 against the others, the third 0: mean 2/3, standard deviation sqrt(2) / 3
    assert noise_of(["zumi", "zumi", "moss"], None) == pytest.approx(2**0.5 / 3)


def test_a_person_s_pick_says_which_cells_helped():
    made = compare_answers(None, [("none", 3, said("a")), ("text", 3, said("b")), ("both", 3, said("c"))])
    assert effects(made.with_pick([("both", 3)])) == {"none": "no change", "text": "no change", "both": "helped"}
    assert effects(made.with_pick([("none", 3), ("text", 3)])) == {
        "none": "no change", "text": "no change", "both": "hurt",
    }  # fmt: skip


def test_a_cell_is_found_by_name_and_k():
    made = compare_answers(None, [("none", 1, said("a")), ("both", 1, said("b")), ("both", 5, said("c"))])
    assert made.cell("both").k == 5 and made.cell("both", 1).generation.text == "b"
    with pytest.raises(OptionError, match="no cell 'both' with k = 3"):
        made.cell("both", 3)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(OptionError, match="'sound'"):
        cell_modalities("sound")
    with pytest.raises(OptionError, match="at least one cell"):
        compare_answers(None, [])
    with pytest.raises(OptionError, match="list of texts"):
        compare_answers(None, [("none", 3, said("a"))], "a caption")
    assert cell_modalities("baseline") == frozenset() and cell_modalities("both") == {"image", "text"}
