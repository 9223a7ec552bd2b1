"""Result files scored without a model, runs compared, and the commands for it."""

import json
import math
import sys

import pytest

from raven_core import cli
from raven_core.datasets import load
from raven_core.errors import OptionError
from raven_core.evaluation import Options, evaluate
from raven_core.evaluation.comparing import compare_runs
from raven_core.evaluation.score import score_files
from tests.evaluating import Writer, colour_raven, said, vqa_answers, write_captions, write_questions


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.fixture
def captions(tmp_path):
    """Two images with one caption each; nothing in common."""
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}]
    notes = [
        {"id": n, "image_id": n, "caption": text}
        for n, text in ((1, "One dog runs fast."), (2, "two cats sleep there"))
    ]
    return write(tmp_path / "captions.json", {"images": images, "annotations": notes})


@pytest.fixture
def answers(tmp_path):
    """Three questions of two types: three of ten say yes; all say 2; all say red."""
    truths = {1: (["yes"] * 3 + ["no"] * 7, "yes/no", "is"), 2: (["2"] * 10, "number", "how many"),
              3: (["red"] * 10, "other", "is")}  # fmt: skip
    notes = [
        {"question_id": n, "image_id": 1, "answers": vqa_answers(*given), "answer_type": kind, "question_type": asked}
        for n, (given, kind, asked) in truths.items()
    ]
    return write(tmp_path / "annotations.json", {"annotations": notes})


def run(arguments, capsys):
    code = cli.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_result_that_repeats_its_reference_is_perfect(captions, tmp_path, capsys):
    results = write(tmp_path / "r.json", [{"image_id": 2, "caption": "two cats sleep there"},
                                          {"image_id": 1, "caption": "one dog runs fast"}])  # fmt: skip
    code, out, err = run(["score", "--references", captions, "--results", results, "--json"], capsys)
    found = json.loads(out)
    assert code == 0 and err == ""
    assert list(found) == ["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr"]
    assert found == {name: pytest.approx(10.0 if name == "CIDEr" else 1.0, abs=1e-6) for name in found}


def test_captions_are_scored_as_by_hand(captions, tmp_path):
    results = write(tmp_path / "r.json", [{"image_id": 1, "caption": "one dog"}, {"image_id": 2, "caption": "dog"}])
    figures = score_files(captions, results).figures
    # three words, two of them right, against eight: 2/3 and a brevity of exp(1 - 8/3)
    assert figures["Bleu_1"] == pytest.approx(2 / 3 * math.exp(1 - 8 / 3), rel=1e-6)
    # image 1: precision 1, recall 1/2 -> (1 + 1.44) * .5 / (.5 + 1.44); image 2 shares no word
    assert figures["ROUGE_L"] == pytest.approx(2.44 * 0.5 / 1.94 / 2, rel=1e-6)


def test_vqa_results_are_scored_in_percent(answers, tmp_path, capsys):
    results = write(tmp_path / "r.json", [{"question_id": 1, "answer": "yes"}, {"question_id": 2, "answer": "two"},
                                          {"question_id": 3, "answer": "red"}])  # fmt: skip
    questions = write(
        tmp_path / "q.json", {"questions": [{"question_id": n, "image_id": 1, "question": "?"} for n in (1, 2, 3)]}
    )
    command = ["score", "--references", answers, "--results", results, "--questions", questions, "--json"]
    code, out, _ = run(command, capsys)
    # yes: three annotators see two others (2/3), seven see three (1): .9; "two" is not normalised where all agree
    assert code == 0 and json.loads(out) == {
        "overall": pytest.approx(100 * (0.9 + 0 + 1) / 3),
        "per_answer_type": {"number": 0, "other": 100, "yes/no": pytest.approx(90)},
        "per_question_type": {"how many": 0, "is": pytest.approx(95)},
    }


def test_scores_for_people_are_in_percent_and_name_what_is_missing(captions, answers, tmp_path, capsys):
    results = write(
        tmp_path / "r.json", [{"image_id": n, "caption": c} for n, c in ((1, "one dog runs fast"), (2, "dog"))]
    )
    code, out, err = run(["score", "--references", captions, "--results", results], capsys)
    assert code == 0 and "CIDEr 500.00" in out and "METEOR" in err and "SPICE" in err
    part = write(tmp_path / "p.json", [{"question_id": 3, "answer": "red"}])
    code, out, err = run(["score", "--references", answers, "--results", part], capsys)
    assert "overall 100.00" in out and "2 questions of the references have no result" in err


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([{"image_id": 1, "caption": "a"}], "two images"),
        ([{"image_id": 1, "caption": "a"}, {"image_id": 1, "caption": "b"}], "two results for image_id 1"),
        ([{"image_id": 1, "caption": "a"}, {"image_id": 9, "caption": "b"}], "image_id 9"),
        ([{"image_id": 1, "text": "a"}], "neither captions nor answers"),
        ([{"image_id": 1, "caption": None}, {"image_id": 2, "caption": "b"}], "no 'caption'"),
        ({"image_id": 1}, "no list of results"),
        ([], "no list of results"),
    ],
)
def test_results_that_cannot_be_scored_are_refused(captions, tmp_path, capsys, results, reason):
    command = ["score", "--references", captions, "--results", write(tmp_path / "r.json", results)]
    code, out, err = run(command, capsys)
    assert (code, out) == (2, "") and reason in err and len(err.splitlines()) == 1


def test_one_annotator_is_too_few_for_vqa(tmp_path):
    note = {"question_id": 1, "image_id": 1, "answers": vqa_answers("a"), "answer_type": "x", "question_type": "y"}
    references = write(tmp_path / "a.json", {"annotations": [note]})
    with pytest.raises(OptionError, match="has 1 answers"):
        score_files(references, write(tmp_path / "r.json", [{"question_id": 1, "answer": "a"}]))


# ---------------------------------------------------------------------- two runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs over the same six questions: the first is right about colours, the second about food too, once."""
    root = tmp_path_factory.mktemp("runs")
    raven = colour_raven(root / "profile")
    data = load(write_questions(write_captions(root / "data")))
    for name, food in (("first", "nothing"), ("second", "moss")):

        def answer(prompt, food=food):
            if "colour" in str(prompt.messages):
                return next((word for word in ("red", "green", "blue") if word in str(said(prompt)[-1:])), "grey")
            return food if "eat" in str(prompt.messages) else "a rud"

        raven.generator = Writer(answer)
        evaluate(raven, data, Options(k=1, plots=False, baseline=False, floors=False), root / name)
    return root


def test_runs_are_compared_sample_by_sample(runs):
    found = {(entry.task, entry.cell): entry for entry in compare_runs(runs / "first", runs / "second")}
    both = found["vqa", "both"]
    # one question of six changed, about the first of three pictures
    assert both.samples == 6 and both.gain[0] == pytest.approx(100 / 6, abs=1e-3)
    assert both.gain[1:] == [0, 50] and both.p == 1.0  # the picture is drawn 0 to 3 times of 3
    (changed,) = both.changed
    assert (changed["id"], changed["first"], changed["second"], changed["change"]) == ("11", "nothing", "moss", 100)
    assert found["vqa", "none"].first[0] == 0 and found["caption", "both"].gain == [0, 0, 0]
    backwards = {(e.task, e.cell): e for e in compare_runs(runs / "second", runs / "first")}["vqa", "both"]
    assert backwards.gain[0] == -both.gain[0]


def test_one_runs_cell_is_compared_with_anothers(runs):
    (entry,) = [e for e in compare_runs(runs / "first", runs / "first", ["none", "both"]) if e.task == "vqa"]
    assert entry.cell == "none and both" and entry.gain == [50, 50, 50]
    assert len(entry.changed) == 3 and {change["change"] for change in entry.changed} == {100}
    with pytest.raises(OptionError, match="share no cell"):
        compare_runs(runs / "first", runs / "second", ["text-only"])
    with pytest.raises(OptionError, match="no report"):
        compare_runs(runs / "first", runs / "data")


def test_the_compare_command(runs, capsys):
    command = ["compare", str(runs / "first"), str(runs / "second"), "--cells", "both"]
    code, out, _ = run(command, capsys)
    assert code == 0 and "difference 16.7 [0.0, 50.0]" in out and "'nothing' -> 'moss'" in out
    told = json.loads(run([*command, "--json"], capsys)[1])
    assert {entry["task"] for entry in told} == {"caption", "vqa"}


# ---------------------------------------------------------------------- the command


def test_the_evaluate_command_writes_its_folder(tmp_path, tiny_raven, tiny_profile, monkeypatch, capsys):
    from raven_core import Raven

    monkeypatch.setattr(Raven, "load", lambda profile=None, settings=None: tiny_raven)
    data, out = write_questions(write_captions(tmp_path / "data")), tmp_path / "out"
    command = ["evaluate", str(data), "--profile", str(tiny_profile), "--out", str(out), "--k", "2", "--limit", "3"]
    code, text, err = run([*command, "--batch", "2", "--leak-caps", "0.5"], capsys)
    assert code == 0 and "Captions" in text and "Questions" in text and "sample" in err
    rows = [json.loads(line) for line in (out / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    # eight cells of three captions; seven of three questions, which no copied caption answers
    assert len(rows) == 3 * 8 + 3 * 7 and all(row["error"] is None for row in rows)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert set(report["tasks"]) == {"caption", "vqa"} and report["run"]["limit"] == 6
    assert (out / "report.md").is_file() and list((out / "plots").glob("caption-leak-curve.png"))
    assert {path.name for path in (out / "results").iterdir()} >= {"captions_both.json", "answers_both.json"}


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--cells", "most"], "Unknown cell 'most'"),
        (["--leak-caps", "x"], "not numbers"),
        (["--limit", "0"], "limit is 0"),
        (["--profile", "nothing"], "no profile 'nothing'"),
    ],
)
def test_what_is_wrong_is_told_before_the_models_load(tmp_path, capsys, flags, reason):
    loaded = "raven_core.pipeline" in sys.modules
    write_captions(tmp_path / "data")
    code, _, err = run(["evaluate", str(tmp_path / "data"), "--out", str(tmp_path / "out"), *flags], capsys)
    assert code == 2 and reason in err and ("raven_core.pipeline" in sys.modules) == loaded
    assert not (tmp_path / "out").exists()
