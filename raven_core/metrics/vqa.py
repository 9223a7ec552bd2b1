"""VQA accuracy as the official evaluation computes it (Antol et al., arXiv 1505.00468; VQA v2).

An answer is compared with each annotator's answers in turn, leaving that one out: accuracy is the mean over
annotators of ``min(1, matches among the others / 3)``. Answers are normalised only where annotators disagree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_CONTRACTED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
how'd how'll how's i'd've i'm i've isn't it'd it'd've it'll let's ma'am mightn't mightn't've might've mustn't must've
needn't not've o'clock oughtn't shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're
there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's
where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've y'all
y'all'll y'all'd've you'd you'd've you'll you're you've
""".split()
_CONTRACTIONS = {word.replace("'", ""): word for word in _CONTRACTED}
_NUMBERS = dict(zip("none zero one two three four five six seven eight nine ten".split(), "0 0 1 2 3 4 5 6 7 8 9 10".split(),
                    strict=True))  # fmt: skip
_ARTICLES = {"a", "an", "the"}
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)")
_COMMA = re.compile(r"(\d)(\,)(\d)")


def _punctuation(text: str) -> str:
    out = text
    for mark in _PUNCTUATION:
        alone = f"{mark} " in text or f" {mark}" in text or _COMMA.search(text) is not None
        out = out.replace(mark, "" if alone else " ")
    return _PERIOD.sub("", out, count=0)


def normalise_answer(answer: str) -> str:
    """An answer as the official code compares it: no punctuation, articles or number words, contractions mended."""
    text = _punctuation(answer.replace("\n", " ").replace("\t", " ").strip())
    words = [_NUMBERS.get(word, word) for word in text.lower().split()]
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def vqa_accuracy(answer: str, answers: Sequence[str]) -> float:
    """Accuracy of one answer against the annotators' answers, from 0 to 1.

    Raises:
        ValueError: there are fewer than two annotators' answers.
    """
    if len(answers) < 2:
        raise ValueError(f"VQA accuracy compares annotators with each other: got {len(answers)} answers, need 2 or more.")
    given = answer.replace("\n", " ").replace("\t", " ").strip()
    truths = list(answers)
    if len(set(truths)) > 1:
        given, truths = normalise_answer(given), [normalise_answer(truth) for truth in truths]
    scores = []
    for left_out in range(len(truths)):
        matches = sum(truth == given for i, truth in enumerate(truths) if i != left_out)
        scores.append(min(1.0, matches / 3))
    return sum(scores) / len(scores)
