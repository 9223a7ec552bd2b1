"""Cells side by side: word by word, helped or hurt."""

from __future__ import annotations

import pytest

from raven_core.answer_scores import CAPTION_NOISE, scored
from raven_core.comparison import Change, cell_modalities, compare_answers, word_changes
from raven_core.errors import OptionError
from raven_core.metrics.captioning import score_captions
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
    assert scored(["The Moss", "nuts"], ["moss"], "what").scores == (1.0, 0.0)


def test_captions_are_judged_by_rouge_l_where_nobody_knows_which_words_are_rare():
    # longest common subsequence 2 of 3 and 2 words: precision 2/3, recall 1, F with beta 1.2: 2.44 p r / (r + 1.44 p)
    expected = 2.44 * (2 / 3) / (1 + 1.44 * 2 / 3)
    assert scored(["a red zumi"], ["red zumi"], None).scores == pytest.approx((expected,))
    made = compare_answers(None, [("none", 3, said("a dog")), ("both", 3, said("a red zumi"))], ["a red zumi."])
    assert made.metric == "ROUGE-L" and effects(made) == {"none": "no change", "both": "helped"}


def test_references_that_differ_make_small_differences_noise():
    noises = [scored(["a"], ["a red zumi"] * count, None).noise for count in (1, 3)]
    assert noises == [CAPTION_NOISE["ROUGE-L"]] * 2
    # the first two score 1 against the others, the third 0: mean 2/3, standard deviation sqrt(2) / 3
    assert scored(["a"], ["zumi", "zumi", "moss"], None).noise == pytest.approx(2**0.5 / 3)


KNOWN = ["a red bimi in a meadow by a lake", "a red kona in a meadow by a lake", "a moss in a meadow", "a lake"]
RIGHT = ["a red zumi in a meadow by a lake", "one red zumi is in a meadow", "a zumi, red, by a lake in a meadow"]


def test_a_name_counts_for_more_than_scenery_where_it_is_known_which_words_are_rare():
    answers = [("none", 3, said("a red bimi in a meadow by a lake")), ("both", 3, said("a red zumi in a meadow"))]
    assert effects(compare_answers(None, answers, RIGHT)) != {"none": "no change", "both": "helped"}
    made = compare_answers(None, answers, RIGHT, KNOWN)
    assert made.metric == "CIDEr" and effects(made) == {"none": "no change", "both": "helped"}


def test_what_cider_says_of_one_answer_is_what_the_scorer_says_with_the_rarity_of_the_others():
    found = scored([RIGHT[0], "nothing"], RIGHT, None, KNOWN)
    by_scorer = score_captions({"one": RIGHT, "two": RIGHT}, {"one": RIGHT[0], "two": "nothing"},
                               rarity_from={caption: [caption] for caption in KNOWN}).per_image  # fmt: skip
    assert found.scores == pytest.approx((by_scorer["one"]["CIDEr"], by_scorer["two"]["CIDEr"]))
    assert found.scores[1] == 0.0 and found.noise > CAPTION_NOISE["CIDEr"]
    assert scored(["a"], ["a red zumi"], None, KNOWN).noise == CAPTION_NOISE["CIDEr"]


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
