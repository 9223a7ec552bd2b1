"""Real photos' data: statements out of questions, captions that others agree with, and parts that never leak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from finetune.photos.consensus import consensus
from finetune.photos.corpus import (
    Asked,
    Corpus,
    DataMissingError,
    Limits,
    Picture,
    duplicate_groups,
    read_corpus,
    split_pictures,
    with_groups,
)
from finetune.photos.statements import KINDS, kind_of, statement, tidy
from tests.photo_data import write_data


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("how many chairs are there ?", "3", "there are 3 chairs"),
        ("how many chairs are there around the table ?", "1", "there is 1 chairs around the table"),
        ("how many chairs are on the right side of the table ?", "3", "3 chairs are on the right side of the table"),
        (
            "what color is the chair in front of the wall ?",
            "red",
            "the colour of the chair in front of the wall is red",
        ),
        ("what is the colour of the plant ?", "green", "the colour of the plant is green"),
        ("what is on the desk ?", "book, tape_dispenser", "book, tape_dispenser are on the desk"),
        ("what is on the rug ?", "toy", "toy is on the rug"),
        ("what are the things on the rug ?", "toys, box", "the things on the rug are toys, box"),
        ("what is the largest object ?", "sofa", "the largest object is sofa"),
        (
            "what object is to the right of the rack ?",
            "television",
            "the object to the right of the rack is television",
        ),
        ("where is the clock ?", "wall", "the clock is at wall"),
        ("name a few things in the rack ?", "bottle", "name a few things in the rack? bottle"),
    ],
)
def test_a_question_and_its_answer_make_a_statement(question, answer, said):
    assert statement(question, answer) == said


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("how many drawers are visible ?", "number"),
        ("what is the colour of the bed ?", "colour"),
        ("what color are the candles ?", "colour"),
        ("what is on the desk and behind the black cup ?", "on"),
        ("what is stuck on the wall ?", "on"),
        ("what is on the right side of the sofa ?", "beside"),
        ("what is in front of the door ?", "beside"),
        ("what is between the beds ?", "beside"),
        ("what is the largest object on the table ?", "object"),
        ("what is there ?", "object"),
    ],
)
def test_the_first_relation_tells_the_kind_of_a_question(question, kind):
    assert kind_of(question) == kind and kind in KINDS


def test_a_caption_is_written_without_the_data_sets_blanks():
    assert tidy("A dog , running  in the snow .") == "A dog, running in the snow"


def test_the_consensus_caption_is_the_one_that_the_others_share_words_with():
    dogs = ["a black dog runs in the snow", "a black dog runs in snow", "my holiday", "a dog runs in the snow fast"]
    boats = ["sunday", "two boats on a calm lake", "two boats lie on a calm lake"]
    chosen = consensus([dogs, boats, ["only one"]])
    assert chosen[0] == dogs[0] and chosen[1] in boats[1:] and chosen[2] == "only one"


def test_pictures_with_hashes_four_bits_apart_are_one_group_through_others_too():
    hashes = np.array([0b0, 0b1111, 0b11111111, 0b1 << 40 | 0b11111 << 50], dtype=np.uint64)
    assert duplicate_groups(hashes) == [0, 0, 0, 3]


def pictures(count: int, split: str = "train", source: str = "photo", start: int = 0) -> list[Picture]:
    return [Picture(f"{source}{n}", "", source, split, -1) for n in range(start, start + count)]  # type: ignore[arg-type]


def test_groups_stay_together_and_a_train_photo_that_is_in_the_report_is_dropped():
    every = [*pictures(40), *pictures(4, "report", start=40), *pictures(20, source="room")]
    groups = [n // 2 for n in range(40)] + [100, 101, 102, 0] + [200 + n // 2 for n in range(20)]
    limits = Limits(choice_photos=8, choice_rooms=0.1, report_rooms=0.3)
    split = split_pictures(with_groups(every, groups), limits)
    assert {p.id for p in split} == {p.id for p in every} - {"photo0", "photo1"}  # the report's photo43 again
    for group in {p.group for p in split}:
        assert len({(p.split, p.fold) for p in split if p.group == group}) == 1
    count = {(s, w): sum(p.source == s and p.split == w for p in split) for s in ("photo", "room") for w in
             ("train", "choice", "report")}  # fmt: skip
    assert count == {("photo", "train"): 30, ("photo", "choice"): 8, ("photo", "report"): 4,
                     ("room", "train"): 12, ("room", "choice"): 2, ("room", "report"): 6}  # fmt: skip


def test_the_folds_share_the_train_photos_about_evenly():
    split = split_pictures(with_groups(pictures(40), range(40)), Limits(choice_photos=0))
    assert sorted(sum(p.fold == fold for p in split) for fold in (0, 1)) == [20, 20]


def test_questions_follow_their_rooms_into_split_and_fold():
    rooms = (Picture("a", "", "room", "train", 0, 0), Picture("b", "", "room", "train", 1, 1),
             Picture("c", "", "room", "report", 2))  # fmt: skip
    corpus = Corpus(rooms, tuple(Asked(str(n), n % 3, "what ?", "x", "object") for n in range(6)))
    assert corpus.questions("train", 0) == [0, 3]
    assert corpus.questions("train") == [0, 1, 3, 4]
    assert corpus.questions("report") == [2, 5]
    assert corpus.pool == 2


def test_a_corpus_is_read_split_and_comes_back_from_its_file(tmp_path: Path):
    limits = Limits(photos=10, report_photos=3, rooms=8, choice_photos=2, choice_rooms=0.2, report_rooms=0.3)
    corpus = read_corpus(write_data(tmp_path / "data", 12, 3, 8), limits)
    assert len(corpus.rows("photo", "train")) == 8 and len(corpus.rows("photo", "report")) == 3
    assert corpus.pictures[0].captions[0].startswith("A ") and not corpus.pictures[0].captions[0].endswith(".")
    assert all(picture.split != "report" for picture in corpus.pictures[: corpus.pool])
    assert len(corpus.asked) == 32
    corpus.save(tmp_path / "corpus.json")
    assert Corpus.load(tmp_path / "corpus.json") == corpus


def test_what_is_missing_is_named(tmp_path: Path):
    with pytest.raises(DataMissingError, match=r"captions_train\.jsonl.*--data"):
        read_corpus(tmp_path, Limits())
