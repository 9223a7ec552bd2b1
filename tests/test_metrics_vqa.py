"""VQA accuracy by hand, quirks of the official evaluation included."""

import pytest

from raven_core.errors import ScoreError
from raven_core.metrics.vqa import VqaTruth, normalise_answer, score_answers, vqa_accuracy


def annotators(**counts: int) -> list[str]:
    return [answer for answer, count in counts.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("matches", "accuracy"),
    [
        (0, 0.0),
        # the one who agrees sees 0 others, the nine who do not see 1 each: 9/10 * 1/3
        (1, 0.3),
        # 2 see 1, 8 see 2: (2 * 1/3 + 8 * 2/3) / 10
        (2, 0.6),
        # 3 see 2, 7 see 3: (3 * 2/3 + 7) / 10
        (3, 0.9),
        (4, 1.0),
        (10, 1.0),
    ],
)
def test_each_annotator_is_left_out_in_turn(matches: int, accuracy: float) -> None:
    assert vqa_accuracy("moss", annotators(moss=matches, other=10 - matches)) == pytest.approx(accuracy)


def test_two_annotators_can_give_a_third_at_most() -> None:
    assert vqa_accuracy("yes", ["yes", "yes"]) == pytest.approx(1 / 3)
    assert vqa_accuracy("yes", ["yes", "no"]) == pytest.approx(1 / 6)


def test_one_annotator_is_too_few() -> None:
    with pytest.raises(ValueError, match="1 answers"):
        vqa_accuracy("yes", ["yes"])


def test_where_all_agree_nothing_is_normalised() -> None:
    assert vqa_accuracy("2", ["two"] * 10) == 0.0
    assert vqa_accuracy("two.", ["two"] * 10) == 0.0
    assert vqa_accuracy("two", ["Two"] * 10) == 0.0
    assert vqa_accuracy("Two", ["Two"] * 10) == 1.0


def test_where_one_differs_all_are_normalised() -> None:
    assert vqa_accuracy("2", [*["two"] * 9, "three"]) == 1.0
    assert vqa_accuracy("Two.", [*["two"] * 9, "three"]) == 1.0


def test_blanks_around_an_answer_are_no_disagreement() -> None:
    assert vqa_accuracy(" moss\n", ["moss", "moss ", " moss", "moss\n", "\tmoss"]) == 1.0
    assert vqa_accuracy("2", ["two", " two", "two ", "two", "two"]) == 0.0


def test_normalising_can_make_annotators_agree() -> None:
    # "the moss" and "moss" become one answer: 10 matches, each annotator sees 9 others
    assert vqa_accuracy("moss", annotators(**{"moss": 5, "the moss": 5})) == 1.0


@pytest.mark.parametrize(
    ("answer", "normal"),
    [
        # articles, number words, case, blanks
        ("a moss", "moss"),
        ("The Old boots", "old boots"),
        ("an", ""),
        ("theme", "theme"),
        ("none", "0"),
        ("zero", "0"),
        ("Ten", "10"),
        ("eleven", "eleven"),
        ("twenty-one", "twenty 1"),
        ("  two\tblue\nzumi ", "2 blue zumi"),
        # a mark between letters becomes a blank, one beside a blank vanishes, also where it stands elsewhere
        ("red/blue", "red blue"),
        ("red / blue", "red blue"),
        ("red, blue", "red blue"),
        ("red,blue", "red blue"),
        ("x-ray - y-ray", "xray yray"),
        ("what?", "what"),
        ("(left)", "left"),
        ("100%", "100%"),
        ("he:she", "he:she"),
        # a comma between digits makes every mark vanish
        ("1,000", "1000"),
        ("1,000/day", "1000day"),
        # a point goes unless a digit follows
        ("5.", "5"),
        ("3.5", "3.5"),
        (".5", ".5"),
        ("u.s.a.", "usa"),
        ("5.m", "5m"),
        ("...", ""),
        # contractions
        ("dont", "don't"),
        ("don't", "don't"),
        ("couldnt've", "couldn't've"),
        ("couldn'tve", "couldn't've"),
        ("couldntve", "couldntve"),
        ("yall'd've", "y'all'd've"),
        ("Twas", "'twas"),
        # the official table has these by mistake, or not at all
        ("lets", "lets"),
        ("shes", "shes"),
        ("im", "im"),
        ("ive", "ive"),
        ("somebody'd", "somebodyd"),
    ],
)
def test_normalising_by_hand(answer: str, normal: str) -> None:
    assert normalise_answer(answer) == normal


def test_no_more_than_32_points_are_removed() -> None:
    assert normalise_answer("a." * 40) == "a" * 32 + "a." * 8


TRUTHS = {
    "1": VqaTruth(["yes"] * 10, "yes/no", "is it"),
    "2": VqaTruth(annotators(yes=8, no=2), "yes/no", "is there"),
    "3": VqaTruth(annotators(moss=9, fern=1), "other", "what is"),
    "4": VqaTruth(annotators(red=5, blue=5), "other", "what is"),
}


def test_accuracies_are_averaged_over_all_questions_and_over_each_type() -> None:
    # 100, 60 (two agree, see above), 30 (one agrees), 0: by hand
    scores = score_answers(TRUTHS, {"4": "green", "3": "fern", "2": "no", "1": "yes"})
    assert scores.per_question == pytest.approx({"1": 100, "2": 60, "3": 30, "4": 0})
    assert scores.overall == pytest.approx(190 / 4)
    assert scores.per_answer_type == pytest.approx({"other": 15, "yes/no": 80})
    assert scores.per_question_type == pytest.approx({"is it": 100, "is there": 60, "what is": 15})


@pytest.mark.parametrize(
    ("truths", "predictions", "message"),
    [
        (TRUTHS, {"1": "yes"}, "3 of 4 with annotators' answers have no predicted answer: 2, 3, 4"),
        ({}, {"9": "yes"}, "1 of 1 with predicted answer have no annotators' answers: 9"),
        ({}, {}, "no questions"),
    ],
)
def test_questions_and_answers_must_match(truths, predictions, message: str) -> None:
    with pytest.raises(ScoreError, match=message):
        score_answers(truths, predictions)
