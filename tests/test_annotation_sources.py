"""Answers from anywhere become items, and the most telling are known."""

import json
from dataclasses import replace

import pytest

from raven_core import annotation_sources as sources
from raven_core.annotation_types import Candidate
from raven_core.comparison import ComparedCell, Comparison
from raven_core.errors import OptionError
from raven_core.types import Generation, Neighbour, Token
from tests.test_judgments import TRIAL
from tests.tiny import block

NEAR = Neighbour("p0", "a red one", None, None, similarity=0.4, rank=1, image_similarity=0.6)
ANSWER = Generation(
    text="zumi", tokens=(Token("zumi", 0.0),), neighbours=(NEAR,), prompt="", model="m", adapter="raven", seed=0,
    modalities=frozenset({"image", "text"}), k=3, settings={"k": 3},
)  # fmt: skip
BARE = replace(ANSWER, text="bird", neighbours=(), modalities=frozenset())


def test_cells_are_named_by_what_was_fed():
    assert [sources.cell_of(given, 3) for given in ((), ("text",), ("image",), ("text", "image"))] == [
        "none", "text", "image", "both",
    ]  # fmt: skip
    assert sources.cell_of(("text",), 0) == "none" and sources.cell_of((), 3, "no-retrieval") == "baseline"
    assert sources.cell_of(("text",), 3, "no-retrieval") == "text" and sources.cell_of(("smell",), 3) == ""


def test_generations_become_candidates_with_their_cell_and_nearest_neighbour():
    found = sources.draft(block("red"), "what", [BARE, ANSWER], references=["zumi"], domain="novel")
    bare, both = found.candidates
    assert (bare.text, bare.cell, bare.similarity, both.cell, both.similarity) == ("bird", "none", None, "both", 0.6)
    assert both.confidence == 1.0 and both.neighbours[0]["caption"] == "a red one" and both.settings == {"k": 3}
    named = sources.draft(None, None, {"oracle": ANSWER})
    assert [candidate.cell for candidate in named.candidates] == ["oracle"]
    for wrong in ([], [ANSWER] * 9):
        with pytest.raises(OptionError, match="1 to 8 candidates"):
            sources.draft(None, None, wrong)


def test_the_cells_of_a_comparison_become_candidates():
    cells = tuple(ComparedCell(name, 3, ANSWER, "same", ()) for name in ("none", "both", "baseline"))
    found = sources.from_comparison(None, Comparison("what", cells, ("none", 3)), domain="novel")
    assert [candidate.cell for candidate in found.candidates] == ["none", "both", "baseline"]
    assert (found.question, found.domain) == ("what", "novel")


def test_trials_are_grouped_by_image_and_question_and_count_once_a_cell():
    def trial(name, modalities, **about):
        return replace(TRIAL, id=name, settings={"k": 3, "modalities": modalities}, image_file="a.png", **about)

    trials = [
        trial("new", ["text"], output="new"), trial("old", ["text"], output="old"), trial("bare", [], neighbours=[]),
        trial("alone", [], question="another"),
    ]  # fmt: skip
    (found,) = sources.from_trials(trials)
    assert [(entry.trial_id, entry.cell) for entry in found.candidates] == [("new", "text"), ("bare", "none")]
    assert found.image == "a.png" and found.candidates[0].similarity == 0.5
    assert found.candidates[0].confidence == pytest.approx(2.718281828 ** (-(0.25 + 1.5) / 2))
    assert len(sources.from_trials(trials, least=1)) == 2 and sources.from_trials([]) == []


def test_samples_of_a_run_are_grouped_by_sample(tmp_path):
    block("red").save(tmp_path / "red.png")
    about = {"task": "vqa", "id": "7", "number": 7, "image": "red.png", "question": "what", "truths": ["zumi"]}
    rows = [
        {**about, "cell": "none", "prediction": "bird", "confidence": 0.25, "domain": "novel", "question_type": "name"},
        {**about, "cell": "both", "prediction": "zumi", "neighbours": [{"rank": 1, "similarity": 0.5}]},
        {**about, "cell": "text", "prediction": None, "error": "broke"},
        {**about, "task": "caption", "cell": "none", "question": None, "text": "a bird", "similarity": "0.125"},
    ]
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"torn', encoding="utf-8")
    vqa, caption = sources.from_samples(path)
    assert [(entry.text, entry.cell, entry.similarity) for entry in vqa.candidates] == [
        ("bird", "none", None), ("zumi", "both", 0.5),
    ]  # fmt: skip
    assert (vqa.image, vqa.key, vqa.references) == (tmp_path / "red.png", "7", ("zumi",))
    assert (vqa.domain, vqa.question_type, vqa.candidates[0].confidence) == ("novel", "name", 0.25)
    assert caption.question is None and caption.candidates[0].similarity == 0.125
    drawn = sources.from_samples(rows, images=lambda row: block("red") if row["id"] == "7" else None)
    assert drawn[0].image.size == (32, 32)
    path.write_text("no json\n{}\n", encoding="utf-8")
    with pytest.raises(OptionError, match="Line 1"):
        sources.from_samples(path)
    with pytest.raises(OptionError, match="cannot be read"):
        sources.from_samples(tmp_path / "gone.jsonl")


def test_informative_is_what_disagrees_doubts_and_lies_far():
    same = Candidate("The zumi.", confidence=0.75, similarity=0.5), Candidate("zumi", confidence=1.0, similarity=0.75)
    assert sources.informativeness(same) == pytest.approx((0 + 0.25 + 0.25) / 3)
    differ = (*same, Candidate("bird"))
    assert sources.informativeness(differ) == pytest.approx((0.5 + 0.25 + 0.25) / 3)
    assert sources.informativeness([Candidate("x")]) == 0
    assert sources.informativeness([Candidate("x", similarity=-0.5, confidence=1.5)]) == pytest.approx(1 / 3)
