"""VQA accuracy as the official evaluation computes it (Antol et al., arXiv 1505.00468; VQA v2).

An answer is compared with each annotator's answers in turn, leaving that one out: accuracy is the mean over
annotators of ``min(1, matches among the others / 3)``. Answers are normalised only where annotators disagree.
The official code's quirks are kept, since published figures have them too; comments name each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from raven_core.errors import ScoreError
from raven_core.metrics.matching import one_result_each

_CONTRACTED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's
where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've
y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
_NUMBER_WORDS = "zero one two three four five six seven eight nine ten"
_NUMBERS = {"none": "0", **{word: str(number) for number, word in enumerate(_NUMBER_WORDS.split())}}
_ARTICLES = {"a", "an", "the"}
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
# "(?!<=" is a slip for "(?<!=", so a point is removed wherever no digit follows, also after a digit
_PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)")
_MOST_PERIODS = int(re.UNICODE)  # the official call hands this flag over as the count
_COMMA = re.compile(r"(\d)(\,)(\d)")


@dataclass(frozen=True)
class VqaTruth:
    """What annotators answered to a question, and of what kind answer and question are."""

    answers: Sequence[str]
    answer_type: str
    question_type: str


@dataclass(frozen=True)
class VqaScores:
    """Accuracies in percent, as the official evaluation gives them but not rounded."""

    overall: float
    per_answer_type: dict[str, float]
    per_question_type: dict[str, float]
    per_question: dict[str, float]


def _one_apostrophe_less(word: str) -> Iterator[str]:
    places = [place for place, letter in enumerate(word) if letter == "'"]
    return (word[:place] + word[place + 1 :] for place in places)


_CONTRACTIONS = {less: word for word in _CONTRACTED.split() for less in _one_apostrophe_less(word)}
_CONTRACTIONS["somebody'd"] = "somebodyd"  # the wrong way round in the official table


def _without_punctuation(text: str) -> str:
    out = text
    grouped = _COMMA.search(text) is not None  # "1,000" makes every mark vanish, not only its comma
    for mark in _PUNCTUATION:
        beside_blank = f"{mark} " in text or f" {mark}" in text
        out = out.replace(mark, "" if beside_blank or grouped else " ")
    return _PERIOD.sub("", out, count=_MOST_PERIODS)


def _one_line(answer: str) -> str:
    return answer.replace("\n", " ").replace("\t", " ").strip()


def normalise_answer(answer: str) -> str:
    """An answer as the official code compares it: no punctuation, articles or number words, contractions mended."""
    words = [_NUMBERS.get(word, word) for word in _without_punctuation(_one_line(answer)).lower().split()]
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def vqa_accuracy(answer: str, answers: Sequence[str]) -> float:
    """Accuracy of one answer against the annotators' answers, from 0 to 1.

    Raises:
        ValueError: there are fewer than two annotators' answers.
    """
    if len(answers) < 2:
        raise ValueError(f"VQA accuracy compares annotators with each other: got {len(answers)} answers, need two.")
    given, truths = _one_line(answer), [_one_line(truth) for truth in answers]
    if len(set(truths)) > 1:
        given, truths = normalise_answer(given), [normalise_answer(truth) for truth in truths]
    matches = sum(truth == given for truth in truths)
    scores = [min(1.0, (matches - (truth == given)) / 3) for truth in truths]
    return sum(scores) / len(scores)


def score_answers(truths: Mapping[str, VqaTruth], predictions: Mapping[str, str]) -> VqaScores:
    """Score one predicted answer a question, over all questions and by type; a mean weighs every question alike.

    Args:
        truths: for each question, by its id, the annotators' answers and the types.
        predictions: for each of the same questions an answer.

    Raises:
        ScoreError: a question has no prediction, a prediction no question, or there are no questions.
    """
    one_result_each(truths, predictions, "annotators' answers", "predicted answer")
    if not truths:
        raise ScoreError("There are no questions to score.")
    accuracies = {key: 100 * vqa_accuracy(predictions[key], truth.answers) for key, truth in truths.items()}
    return VqaScores(
        fmean(accuracies.values()),
        _means((truth.answer_type, accuracies[key]) for key, truth in truths.items()),
        _means((truth.question_type, accuracies[key]) for key, truth in truths.items()),
        accuracies,
    )


def _means(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    groups: dict[str, list[float]] = {}
    for name, value in values:
        groups.setdefault(name, []).append(value)
    return {name: fmean(group) for name, group in sorted(groups.items())}
