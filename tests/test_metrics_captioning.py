"""Caption scores by hand, against the COCO scorer's own code, and on the figures known of a real captioner."""

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest

from raven_core.errors import ScoreError
from raven_core.metrics.captioning import METRICS, NOT_COMPUTED, as_printed, score_captions
from raven_core.metrics.rouge import common_subsequences

COCO = Path(__file__).resolve().parents[2] / "shared" / "data" / "metrics" / "coco_karpathy_refs_hyps_5000.json"
OTHER = {"other": ["zum zim"]}
"""An image that shares no word with the rest, so that every word of one other image weighs log(2)."""


def of_one(prediction: str, *references: str) -> dict[str, float]:
    """Scores of an image beside ``OTHER``."""
    scores = score_captions({"it": references} | OTHER, {"it": prediction, "other": "zum"}, tokenised=True)
    return scores.per_image["it"]


def test_bleu_counts_a_word_no_oftener_than_one_reference_has_it() -> None:
    # Papineni's example: 2 of the 7; the closest reference is 7 long, no penalty
    scores = of_one("the the the the the the the", "the cat is on the mat", "there is a cat on the mat")
    assert scores["Bleu_1"] == pytest.approx(2 / 7, abs=1e-6)
    # no pair of words is right: the scorer says "about nothing"
    assert scores["Bleu_2"] == pytest.approx(0, abs=1e-6)


def test_bleu_is_the_geometric_mean_of_the_precisions() -> None:
    # all but "one" are right; of five pairs "cat sat" and "sat on", of four triples "cat sat on", no four
    scores = of_one("one cat sat on the mat", "the cat sat on a mat")
    assert scores["Bleu_1"] == pytest.approx(5 / 6, abs=1e-6)
    assert scores["Bleu_2"] == pytest.approx(math.sqrt(5 / 6 * 2 / 5), abs=1e-6)
    assert scores["Bleu_3"] == pytest.approx((5 / 6 * 2 / 5 * 1 / 4) ** (1 / 3), abs=1e-6)


def test_bleu_punishes_brevity_by_the_closest_reference_and_on_a_tie_the_shorter() -> None:
    assert of_one("a dog runs", "a dog runs fast")["Bleu_1"] == pytest.approx(math.exp(1 - 4 / 3), abs=1e-6)
    # five words between four and six: four counts, no penalty
    assert of_one("a b c d e", "a b c d", "a b c d e f")["Bleu_1"] == pytest.approx(1.0, abs=1e-6)


def test_bleu_of_a_corpus_sums_before_it_divides() -> None:
    references = {"x": ["the cat sat on the mat"], "y": ["a dog runs fast"]}
    scores = score_captions(references, {"x": "the cat sat on the mat", "y": "a dog runs"}, tokenised=True)
    # 9 of 9 words, 7 of 7 pairs, 5 of 5 triples and 3 of 3 fours are right, 9 words for 10
    for n in (1, 2, 3, 4):
        assert scores.corpus[f"Bleu_{n}"] == pytest.approx(math.exp(1 - 10 / 9), abs=1e-6)
    assert (scores.candidate_words, scores.reference_words) == (9, 10)
    # by itself the second has no four at all: (1e-15 / 1e-9) ** (1/4) = 0.0316...
    assert scores.per_image["y"]["Bleu_4"] == pytest.approx(1e-6**0.25 * math.exp(1 - 4 / 3), abs=1e-6)


def test_rouge_takes_precision_and_recall_each_from_its_best_reference() -> None:
    # "a c" of 4 and of 3 words: P 1/2, R 2/3
    alone = 2.44 * (1 / 2) * (2 / 3) / (2 / 3 + 1.44 / 2)
    assert of_one("a b c d", "a c e")["ROUGE_L"] == pytest.approx(alone)
    # "a" alone brings R to 1
    assert of_one("a b c d", "a c e", "a")["ROUGE_L"] == pytest.approx(2.44 / 2 / (1 + 1.44 / 2))
    assert of_one("a b", "c d")["ROUGE_L"] == 0.0
    assert of_one("", "c d")["ROUGE_L"] == 0.0


def test_rouge_keeps_the_order_of_words() -> None:
    # the longest run in order of "d c b a" and "a b c d" is one word: P = R = 1/4
    assert of_one("d c b a", "a b c d")["ROUGE_L"] == pytest.approx(1 / 4)


def test_common_subsequences_of_long_captions_are_those_of_the_table_method() -> None:
    rng = random.Random(5)
    ours = [[rng.choice("abcd") for _ in range(rng.choice([1, 30, 63, 64, 65, 150]))] for _ in range(40)]
    theirs = [[rng.choice("abcd") for _ in range(rng.randint(1, 120))] for _ in range(40)]

    def by_table(one: list[str], two: list[str]) -> int:
        above = [0] * (len(two) + 1)
        for letter in one:
            row = [0]
            for place, other in enumerate(two):
                row.append(above[place] + 1 if letter == other else max(above[place + 1], row[place]))
            above = row
        return above[-1]

    expected = [by_table(*pair) for pair in zip(ours, theirs, strict=True)]
    assert common_subsequences(ours, theirs, np.arange(40)).tolist() == expected


def test_cider_weighs_words_by_how_few_images_they_describe() -> None:
    references = {"x": ["a red fox"], "y": ["a blue bird"]}
    scores = score_captions(references, {"x": "a red fox", "y": "a green bird"}, tokenised=True)
    # x: words, pairs and the triple agree, there is no four: 10 * 3/4
    assert scores.per_image["x"]["CIDEr"] == pytest.approx(7.5)
    # y: "a" is everywhere and weighs nothing; of two words a side one agrees, 1/2; no pair does: 10 * 1/2 / 4
    assert scores.per_image["y"]["CIDEr"] == pytest.approx(1.25)
    assert scores.corpus["CIDEr"] == pytest.approx((7.5 + 1.25) / 2)


def test_cider_punishes_another_length() -> None:
    # "a" weighs nothing: of words 2 / (sqrt(4) sqrt(2)), of pairs the same, of triples 1 / sqrt(3); two words more
    references = {"x": ["a red fox"], "other": ["a zim"]}
    scores = score_captions(references, {"x": "a red fox runs fast", "other": "zim"}, tokenised=True)
    expected = 10 * (1 / math.sqrt(2) + 1 / math.sqrt(2) + 1 / math.sqrt(3)) / 4 * math.exp(-(2**2) / 72)
    assert scores.per_image["x"]["CIDEr"] == pytest.approx(expected)


def test_cider_gives_nothing_for_saying_a_word_twice() -> None:
    # min(2, 1) * 1 / (2 * 1) = 1/2 of words, no pair; one pair of words against none: exp(-1/72)
    assert of_one("fox fox", "fox")["CIDEr"] == pytest.approx(10 / 2 / 4 * math.exp(-1 / 72))


def test_cider_averages_over_references() -> None:
    # "red fox" against itself 10 * 2/4, against "blue hen" 0
    assert of_one("red fox", "red fox", "blue hen")["CIDEr"] == pytest.approx(2.5)


def test_rarity_can_come_from_other_images() -> None:
    others = {"1": ["red fox"], "2": ["red hen"], "3": ["blue hen"], "4": ["blue owl"]}
    scores = score_captions({"x": ["red fox"]}, {"x": "red hen"}, tokenised=True, rarity_from=others)
    # red and hen weigh log(4/2), fox log(4/1), twice that: 1 / (sqrt(1 + 1) * sqrt(1 + 4)) of words, no pair
    assert scores.corpus["CIDEr"] == scores.per_image["x"]["CIDEr"] == pytest.approx(10 / math.sqrt(10) / 4)


def test_part_of_a_corpus_scores_as_in_the_whole_when_rarity_comes_from_the_whole() -> None:
    references, predictions = random_corpus(random.Random(3))
    whole = score_captions(references, predictions, tokenised=True)
    few = list(references)[:1]
    part = score_captions(
        {key: references[key] for key in few}, {key: predictions[key] for key in few}, True, rarity_from=references
    )
    assert part.per_image[few[0]] == pytest.approx(whole.per_image[few[0]])


def test_raw_captions_are_tokenised_first() -> None:
    scores = score_captions({"x": ["A red fox!"], "y": ["Two (blue) birds."]}, {"x": "a red, fox", "y": "Two birds"})
    assert scores.per_image["x"]["CIDEr"] == pytest.approx(7.5)
    # against "two -lrb- blue -rrb- birds"
    assert scores.per_image["y"]["ROUGE_L"] == pytest.approx(2.44 * 1 * (2 / 5) / (2 / 5 + 1.44))


def test_every_image_has_every_metric_in_the_order_given() -> None:
    scores = score_captions({"b": ["x y"], "a": ["z"]}, {"a": "z", "b": "x"})
    assert list(scores.per_image) == ["b", "a"] and list(scores.corpus) == list(METRICS)
    assert all(list(row) == list(METRICS) for row in scores.per_image.values())


def test_an_empty_prediction_is_scored_and_not_refused() -> None:
    assert of_one("", "a red fox") == pytest.approx(dict.fromkeys(METRICS, 0.0), abs=1e-6)


def test_scores_are_printed_times_a_hundred() -> None:
    assert as_printed({"Bleu_4": 0.36138, "CIDEr": 1.16756}) == {"Bleu_4": "36.1", "CIDEr": "116.8"}
    assert as_printed({"CIDEr": 1.16756}, digits=2) == {"CIDEr": "116.76"}


def test_what_is_not_computed_is_named() -> None:
    assert set(NOT_COMPUTED) == {"METEOR", "SPICE"} and not set(NOT_COMPUTED) & set(METRICS)
    assert all("Java" in reason for reason in NOT_COMPUTED.values())


@pytest.mark.parametrize(
    ("references", "predictions", "message"),
    [
        ({"x": ["a fox"]}, {"x": "a fox"}, "at least two images, got 1: CIDEr"),
        ({}, {}, "at least two images, got 0"),
        ({"x": ["a fox"], "y": []}, {"x": "a", "y": "b"}, "Image y has no reference"),
        ({"x": ["a fox"], "y": ["b"]}, {"x": "a"}, "1 of 2 with reference captions have no predicted caption: y"),
        ({"x": ["a fox"]}, {"x": "a", "y": "b"}, "1 of 2 with predicted caption have no reference captions: y"),
        ({"x": "a fox", "y": ["b"]}, {"x": "a", "y": "b"}, "image x must be a list"),
        ({"x": ["a fox"], "y": ["b"]}, {"x": "a", "y": ["b"]}, "image y must be one caption"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_the_reason(references, predictions, message) -> None:
    with pytest.raises(ScoreError, match=message):
        score_captions(references, predictions)


def test_rarity_of_one_image_is_refused_too() -> None:
    with pytest.raises(ScoreError, match="at least two images, got 1"):
        score_captions({"x": ["a"]}, {"x": "a"}, rarity_from={"x": ["a"]})


def random_corpus(rng: random.Random) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Captions of few words, so that much is shared; some empty, some long."""

    def caption() -> str:
        return " ".join(rng.choice("abcdefghij") for _ in range(rng.choice([0, 1, 2, 3, 5, 8, 12, 90])))

    references = {str(image): [caption() for _ in range(rng.randint(1, 5))] for image in range(rng.randint(2, 30))}
    return references, {image: caption() for image in references}


@pytest.mark.parametrize("seed", range(20))
def test_scores_of_random_corpora_are_the_coco_scorers(seed: int) -> None:
    pytest.importorskip("pycocoevalcap", reason="needs pycocoevalcap")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    references, predictions = random_corpus(random.Random(seed))
    lists = {image: [caption] for image, caption in predictions.items()}
    bleu, bleus = Bleu(4).compute_score(references, lists, verbose=0)
    rouge, rouges = Rouge().compute_score(references, lists)
    cider, ciders = Cider().compute_score(references, lists)
    scores = score_captions(references, predictions, tokenised=True)
    assert list(scores.corpus.values()) == pytest.approx([*bleu, rouge, cider], abs=1e-12)
    for metric, values in zip(METRICS, [*bleus, rouges, ciders], strict=True):
        assert [row[metric] for row in scores.per_image.values()] == pytest.approx(list(values), abs=1e-12)


@pytest.mark.skipif(not COCO.is_file(), reason="needs the COCO captions beside the project")
@pytest.mark.parametrize("tokenised", [True, False])
def test_a_real_captioners_figures_are_the_coco_scorers(tokenised: bool) -> None:
    rows = json.loads(COCO.read_text(encoding="utf-8"))
    references = {str(row["image_id"]): row["refs"] for row in rows}
    scores = score_captions(references, {str(row["image_id"]): row["test"] for row in rows}, tokenised)
    assert scores.corpus == pytest.approx(
        {
            "Bleu_1": 0.7708390516, "Bleu_2": 0.6149613401, "Bleu_3": 0.4734790238, "Bleu_4": 0.3613828207,
            "ROUGE_L": 0.5692600289, "CIDEr": 1.1675615253,
        },
        abs=1e-9,
    )  # fmt: skip
    assert (scores.candidate_words, scores.reference_words) == (45132, 45792)
