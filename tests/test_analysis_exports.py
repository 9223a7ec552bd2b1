"""Exports hold what was filtered, can be read back, and carry no formula and no script."""

import csv
import json
import re
import zipfile

import pyarrow.parquet as pq
import pytest

from raven_core import analysis, datasets
from raven_core.analysis import exports, report, suites
from raven_core.annotation import Queues
from raven_core.annotation_types import Candidate, Draft
from raven_core.errors import OptionError, StoreError
from raven_core.images import content_hash, load_image
from raven_core.judgments_export import unguard_cell
from raven_core.metrics.vqa import vqa_accuracy
from tests.judged import compared, save, store_in, verdicts
from tests.tiny import block

ALL = analysis.Filters()
FAILED = analysis.Filters(verdicts=("failure",))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = verdicts(store_in(tmp_path_factory.mktemp("judged")))
    save(store, "caption", "both", "green", question=None, output="=a green one")
    store.judge("caption", "success", annotator="ann")
    compared(store, {"ann": list("rng"), "bob": list("rbr")})
    return store


def test_tables_hold_what_is_filtered_and_can_be_read_back(store, tmp_path):
    frame = FAILED.apply(analysis.table(store))
    expected = exports.plain_table(frame).to_dict("records")
    for format in ("csv", "jsonl", "parquet"):
        assert analysis.export(store, FAILED, format, tmp_path / f"out.{format}") == len(frame) == 7
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [line["judgment_id"] for line in lines] == [row["judgment_id"] for row in expected]
    assert lines[0]["tags"] == ["majority-copy"] and lines[0]["similarity"] is None and lines[0]["cell"] == "none"
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == lines
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert tuple(cells[0]) == exports.COLUMNS and [row["verdict"] for row in cells] == ["failure"] * 7
    assert {unguard_cell(row["note"]) for row in cells} == {"", "=note"}
    assert all(not cell.startswith(("=", "+", "@", "\t")) for row in cells for cell in row.values())
    assert cells[0]["tags"] == "majority-copy" and cells[0]["judged"] == lines[0]["judged"]


def test_an_empty_selection_exports_empty_tables(store, tmp_path):
    nothing = analysis.Filters(annotators=("nobody",))
    for format in exports.FORMATS:
        assert analysis.export(store, nothing, format, tmp_path / f"{format}.out") == 0
    assert tuple(pq.read_table(tmp_path / "parquet.out").column_names) == exports.COLUMNS
    assert (tmp_path / "csv.out").read_text().strip() == ",".join(exports.COLUMNS)
    assert report.WORDS["nothing"] in (tmp_path / "html.out").read_text()


def test_what_cannot_be_written_is_refused_and_leaves_nothing_behind(store, tmp_path):
    with pytest.raises(OptionError, match="xlsx"):
        analysis.export(store, ALL, "xlsx", tmp_path / "out.xlsx")
    with pytest.raises(StoreError, match="cannot be written"):
        analysis.export(store, ALL, "csv", tmp_path / "missing" / "out.csv")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(OptionError, match="not empty"):
        analysis.export(store, ALL, "vqa", tmp_path / "full")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["full", "mine.txt"]


def test_results_are_laid_out_as_scorers_read_them(store, tmp_path):
    trials = analysis.Filters(kinds=("trial",))
    assert analysis.export(store, trials, "vqa", tmp_path / "vqa") == 8  # one an answer, however many judged it
    both = json.loads((tmp_path / "vqa" / "answers_both_raven_results.json").read_text("utf-8"))
    assert {tuple(entry) for entry in both} == {("question_id", "answer")}
    assert [entry["answer"] for entry in both][:2] == ["both says green", "both says blue"]
    none = json.loads((tmp_path / "vqa" / "answers_none_raven_results.json").read_text("utf-8"))
    assert {entry["question_id"] for entry in none} == {entry["question_id"] for entry in both}
    assert analysis.export(store, trials, "coco", tmp_path / "coco.zip") == 1
    with zipfile.ZipFile(tmp_path / "coco.zip") as archive:
        found = json.loads(archive.read("captions_both_raven_results.json"))
    assert found == [{"image_id": suites.image_number(content_hash(block("green"))), "caption": "=a green one"}]


def test_results_of_a_run_keep_its_ids(store, tmp_path):
    items = analysis.Filters(kinds=("item",))
    analysis.export(store, items, "vqa", tmp_path / "vqa")
    found = json.loads((tmp_path / "vqa" / "answers_both_raven_results.json").read_text("utf-8"))
    assert {entry["question_id"]: entry["answer"] for entry in found} == {1: "zumi", 2: "zumi"}


def test_preferences_are_what_the_majority_preferred(store, tmp_path):
    # r r: retrieval. n and both-bad: without, one to none. both-good and r: retrieval.
    assert analysis.export(store, ALL, "preferences", tmp_path / "pairs") == 3
    lines = [json.loads(line) for line in (tmp_path / "pairs" / "preferences.jsonl").read_text("utf-8").splitlines()]
    by_prompt = {line["prompt"]: (line["chosen"], line["rejected"]) for line in lines}
    assert by_prompt == {
        "Question: what is number 0": ("zumi", "bird"), "Question: what is number 1": ("bird", "zumi"),
        "Question: what is number 2": ("zumi", "bird"),
    }  # fmt: skip
    assert all(tuple(line) == ("prompt", "chosen", "rejected", "images") for line in lines)
    pictures = [load_image(tmp_path / "pairs" / line["images"][0]) for line in lines]
    assert {content_hash(picture) for picture in pictures} == {content_hash(block("red", seed=n)) for n in range(3)}


def test_two_votes_against_each_other_prefer_nothing(tmp_path):
    store = store_in(tmp_path / "data")
    compared(store, {"ann": ["r"], "bob": ["n"]})
    assert analysis.export(store, ALL, "preferences", tmp_path / "pairs") == 0


def test_corrections_are_read_as_training_data(store, tmp_path):
    assert analysis.export(store, ALL, "corrections", tmp_path / "made") == 3
    data = datasets.load(tmp_path / "made")
    assert data.tasks == ("vqa",) and len(data) == 3
    red = next(example for example in data.examples if content_hash(example.open()) == content_hash(block("red")))
    assert red.question == "what is it" and red.answers == ("zumi", "miru") * 5 and red.question_type == "what is"
    green = next(example for example in data.examples if content_hash(example.open()) == content_hash(block("green")))
    assert green.answers == ("zumi",) * 10 and vqa_accuracy("zumi", green.answers) == 1.0


def test_a_regression_suite_holds_what_was_right_too(store, tmp_path):
    assert analysis.export(store, ALL, "regression", tmp_path / "suite.zip") == 6
    with zipfile.ZipFile(tmp_path / "suite.zip") as archive:
        archive.extractall(tmp_path / "suite")
    data = datasets.load(tmp_path / "suite")
    assert data.tasks == ("caption", "vqa")
    (caption,) = data.of("caption")
    assert caption.references == ("=a green one",) and caption.domain == "novel"
    assert content_hash(caption.open()) == content_hash(block("green"))
    blue = next(entry for entry in data.of("vqa") if content_hash(entry.open()) == content_hash(block("blue")))
    assert set(blue.answers) == {"none says blue", "both says blue"}
    red = next(entry for entry in data.of("vqa") if content_hash(entry.open()) == content_hash(block("red")))
    assert set(red.answers) == {"zumi", "miru"}  # ann found "both says red" right, bob did not


def test_results_and_suite_name_the_same_questions_the_same(store, tmp_path):
    trials = analysis.Filters(kinds=("trial",))
    analysis.export(store, trials, "vqa", tmp_path / "results")
    analysis.export(store, trials, "regression", tmp_path / "suite")
    asked = json.loads((tmp_path / "suite" / "questions.json").read_text("utf-8"))["questions"]
    given = json.loads((tmp_path / "results" / "answers_both_raven_results.json").read_text("utf-8"))
    assert {entry["question_id"] for entry in asked} == {entry["question_id"] for entry in given}


def test_a_picture_that_is_gone_is_named(tmp_path):
    store = verdicts(store_in(tmp_path / "data"))
    for path in store.images_dir.iterdir():
        path.unlink()
    with pytest.raises(StoreError, match="is gone"):
        analysis.export(store, ALL, "corrections", tmp_path / "made")
    assert not (tmp_path / "made").exists()
    assert "the picture is gone" in analysis.html_report(store, ALL)


def test_the_report_stands_alone_and_escapes_what_people_wrote(tmp_path):
    store = verdicts(store_in(tmp_path / "data"))
    store.judge("both-red", "failure", ["other"], '<script>alert("x")</script>', "<img src=x onerror=y>", "<b>eve</b>")
    assert analysis.export(store, ALL, "html", tmp_path / "report.html") == 11
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in page and "<img src=x" not in page and "<b>eve" not in page and "a <b>red" not in page
    assert "&lt;script&gt;" in page and page.count("data:image/jpeg;base64,") == 11
    assert not re.search(r'(?:src|href)="(?!data:)', page) and "http" not in page.replace("http-equiv", "")
    assert "4 of 11 verdicts are success: 36.4%" in page and "helped" in page
    assert "cell=both" in analysis.html_report(store, analysis.Filters(cells=("both",)))


def test_the_report_speaks_another_language(store):
    page = analysis.html_report(store, ALL, {"language": "zh-Hans", "title": "判断 & 结果"})
    assert '<html lang="zh-Hans">' in page and "判断 &amp; 结果" in page


def test_answer_types_are_as_in_vqa(tmp_path):
    store = store_in(tmp_path / "data")
    queues = Queues(store)
    drafts = [Draft(block("red"), f"q{n}", (Candidate("x", "both"),)) for n in range(3)]
    queue = queues.create("q", drafts)
    for correction in ("Yes.", "three", "a fox"):
        item = queues.next_item(queue.id, "ann").item_id
        queues.submit(item, "ann", verdicts={"A": "failure"}, correction=correction)
    analysis.export(store, ALL, "corrections", tmp_path / "made")
    notes = json.loads((tmp_path / "made" / "annotations.json").read_text("utf-8"))["annotations"]
    assert [note["answer_type"] for note in notes] == ["yes/no", "number", "other"]
