"""What the Evaluate tab does, without a browser: uploads, runs, the report and its samples."""

from __future__ import annotations

import json
import stat
import sys
import threading
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from raven_core.errors import OptionError
from raven_core.evaluation import Report
from raven_core.ui import evaluate_data, evaluate_events, evaluate_flow, evaluate_samples, evaluate_view
from raven_core.ui.evaluate_data import World, collect, pack, read, unpack
from raven_core.ui.evaluate_runs import UPLOAD, WORLD, Asked, Bench, Meter, Scratch, sweep
from raven_core.ui.evaluate_samples import Choice, browser, chosen
from tests.evaluating import Writer, colour_raven, write_captions, write_questions


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return path


def refusal(archive: Path, folder: Path) -> str:
    with pytest.raises(OptionError) as refused:
        unpack(archive, folder)
    return str(refused.value)


# ---------------------------------------------------------------------- uploads


def test_a_zip_is_unpacked_without_what_a_system_added(tmp_path):
    archive = zip_of(tmp_path / "a.zip", {"d/captions.json": b"{}", "__MACOSX/d/._x.json": b"", "d/.DS_Store": b""})
    unpack(archive, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["captions.json"]


@pytest.mark.parametrize("name", ["../a.json", "/tmp/a.json", "d/../../a.json", "C:a.json", "d\\a.json"])
def test_a_path_out_of_the_folder_is_refused_before_anything_is_written(tmp_path, name):
    archive = zip_of(tmp_path / "a.zip", {"first.json": b"{}", name: b"{}"})
    assert "outside itself" in refusal(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_links_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        link = zipfile.ZipInfo("captions.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(link, "/etc/passwd")
    assert "holds a link" in refusal(tmp_path / "a.zip", tmp_path / "out")


def test_other_kinds_of_files_are_named_and_refused(tmp_path):
    assert "“run.sh” is no data file" in refusal(zip_of(tmp_path / "a.zip", {"run.sh": b""}), tmp_path / "out")
    assert "“b.zip” is not a zip" in refusal(_written(tmp_path / "b.zip", b"no zip"), tmp_path / "out")


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_too_many_files_and_too_many_bytes_are_refused(tmp_path, monkeypatch):
    archive = zip_of(tmp_path / "a.zip", {"a.json": b"1" * 60, "b.json": b"2" * 60})
    monkeypatch.setattr(evaluate_data, "MAX_BYTES", 100)
    assert "larger than" in refusal(archive, tmp_path / "out")
    monkeypatch.setattr(evaluate_data, "MAX_FILES", 1)
    assert "There are 2 files" in refusal(archive, tmp_path / "other")


def test_a_name_that_stands_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped, pytest.warns(UserWarning):
        zipped.writestr("a.json", "1")
        zipped.writestr("a.json", "2")
    assert "Two files are called" in refusal(tmp_path / "a.zip", tmp_path / "out")


def test_files_are_taken_beside_each_other_but_not_beside_a_zip(tmp_path):
    data = write_captions(tmp_path / "data")
    files = [path for path in data.rglob("*.*") if path.is_file()]
    collect(files, tmp_path / "out")
    dataset = read(tmp_path / "out", None, None, 2, 0, "mine")
    assert (dataset.name, dataset.source, len(dataset)) == ("mine", "mine", 2)
    with pytest.raises(OptionError, match="not both"):
        collect([*files, _written(tmp_path / "a.zip", b"")], tmp_path / "other")
    with pytest.raises(OptionError, match="no files yet"):
        collect([], tmp_path / "other")


def test_errors_name_files_as_they_were_packed(tmp_path):
    unpack(zip_of(tmp_path / "a.zip", {"d/captions.json": b"{broken"}), tmp_path / "out")
    with pytest.raises(OptionError) as refused:
        read(tmp_path / "out", None, None, 2, 0, "mine")
    assert "'d/captions.json' is not valid JSON" in str(refused.value) and str(tmp_path) not in str(refused.value)


def test_data_without_its_pictures_is_refused(tmp_path):
    data = write_captions(tmp_path / "data")
    collect([data / "captions.json"], tmp_path / "out")
    with pytest.raises(OptionError, match="None of the pictures"):
        read(tmp_path / "out", None, None, 2, 0, "mine")


def test_a_zip_of_a_run_names_no_folder_of_this_machine(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "samples.jsonl").write_text(json.dumps({"image": str(tmp_path / "data" / "images" / "red.png")}))
    archive = pack(run, tmp_path / "out.zip", tmp_path / "data")
    with zipfile.ZipFile(archive) as zipped:
        assert json.loads(zipped.read("out/samples.jsonl")) == {"image": "images/red.png"}


# ---------------------------------------------------------------------- runs


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 201}, {"seed": -1}, {"seed": 1_000_000}, {"task": "sing"}])
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(OptionError):
        Asked(WORLD, **wrong)


def test_the_meter_tells_rate_and_time_left():
    now = iter([100.0, 104.0, 104.0, 104.0])
    meter = Meter(clock=lambda: next(now))
    assert meter.left is None
    meter.tell(0, 10)
    meter.tell(2, 10)
    assert meter.rate == 0.5  # 2 samples in 4 seconds
    assert meter.left == 16.0


def test_folders_that_a_killed_server_left_are_swept_away(tmp_path):
    (tmp_path / "raven-evaluate-old" / "data").mkdir(parents=True)
    (tmp_path / "somebody-elses").mkdir()
    sweep(tmp_path, older=3600)
    assert (tmp_path / "raven-evaluate-old").is_dir()
    sweep(tmp_path, older=-1)
    assert [path.name for path in tmp_path.iterdir()] == ["somebody-elses"]


def test_a_folder_expires():
    scratch = Scratch()
    scratch.expire(0.01)
    deadline = time.monotonic() + 5
    while scratch.folder.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not scratch.folder.exists()


@pytest.fixture
def context(tmp_path, monkeypatch):
    """A page whose model repeats the nearest caption, and whose world has three pictures; plots are not drawn."""
    monkeypatch.setitem(
        sys.modules, "raven_core.evaluation.plots", SimpleNamespace(draw=lambda data, folder, words: [])
    )
    world = World(("novel",), lambda split, count, seed, folder: write_questions(write_captions(folder)))
    loader = SimpleNamespace(state="ready", wait=lambda seconds: "ready", seconds=0.0)
    raven = colour_raven(tmp_path / "colours")
    return SimpleNamespace(raven=raven, loader=loader, world=world, settings=raven.settings)


def run(context, bench, asked):
    turn = bench.turns.begin()
    views = list(evaluate_flow.evaluate(context, bench, lambda: asked, turn))
    bench.turns.end(turn)
    return views


def test_a_run_leaves_its_report_in_the_bench_and_the_next_one_takes_its_place(context):
    bench = Bench()
    views = run(context, bench, Asked(WORLD, "novel", task="caption", k=2))
    assert views[-1].record["samples"] == 3 and not views[-1].running
    assert bench.report.data["run"]["k"] == 2 and bench.scratch.archive.is_file()
    first = bench.scratch.folder
    run(context, bench, Asked(WORLD, "novel", task="vqa", cells=("none", "text")))
    assert not first.exists() and list(bench.report.data["tasks"]) == ["vqa"]
    bench.clear()
    assert bench.report is None and bench.is_gone


def test_a_refusal_is_shown_and_the_last_report_stays(context):
    bench = Bench()
    run(context, bench, Asked(WORLD, "novel", task="caption"))
    report, folder = bench.report, bench.scratch.folder
    views = run(context, bench, Asked(WORLD, "no such split"))
    assert "There is no split" in views[-1].notice and bench.told == views[-1].notice
    assert bench.report is report and folder.is_dir()
    assert "no files yet" in run(context, bench, Asked(UPLOAD))[-1].notice
    context.world = None
    assert "No world of pictures" in run(context, bench, Asked(WORLD, "novel"))[-1].notice
    bench.clear()


class Stopping(Writer):
    """Presses Stop while it writes its second batch."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench

    def generate(self, *args, **options):
        if len(self.calls) >= 3:  # the adapters of the first batch are through
            self.bench.stop("stopping")
        return super().generate(*args, **options)


def test_a_run_that_is_stopped_shows_what_was_measured(context, monkeypatch):
    monkeypatch.setattr(evaluate_flow, "BATCH", 2)
    bench = Bench()
    context.raven.generator = Stopping(bench)
    run(context, bench, Asked(WORLD, "novel", task="caption"))
    assert bench.report.data["complete"] is False and bench.report.data["samples"] == 2
    assert bench.told == ""
    bench.clear()


def test_a_run_that_nobody_watches_any_more_ends(context):
    bench, turn = Bench(), None
    turn = bench.turns.begin()
    gate = threading.Event()
    context.raven.generator = Writer(lambda prompt: "a word" if gate.wait(10) else "")
    views = evaluate_flow.evaluate(context, bench, lambda: Asked(WORLD, "novel"), turn)
    next(views)
    gate.set()
    views.close()
    assert turn.cancel.is_set() and bench.report is None


def test_files_from_elsewhere_on_the_server_are_refused():
    values = (UPLOAD, "", ["/etc/passwd"], "", "both", ["none"], 5, 3, "retrieved", 0)
    with pytest.raises(OptionError, match="not uploaded here"):
        evaluate_events.asked_of(values)


def test_the_form_is_read():
    values = (WORLD, "novel", None, "", "vqa", ["none", "both"], 5, 2, "random", None)
    assert evaluate_events.asked_of(values) == Asked(
        WORLD, "novel", (), "vqa", ("none", "both"), count=5, k=2, seed=0, neighbours="random"
    )


# ---------------------------------------------------------------------- the report


def figures(gain: list[float]) -> dict:
    cells = {
        "none": {"samples": 4, "errors": 0, "scores": {"CIDEr": 10.0, "Bleu_4": 3.25}, "interval": [10.0, 8.0, 12.0]},
        "both": {"samples": 4, "errors": 1, "scores": {"CIDEr": 30.0, "Bleu_4": 9.75}, "interval": [30.0, 20.0, 40.0]},
    }
    return {"metric": "CIDEr", "reference_cell": "none", "main_cell": "both", "cells": cells,
            "gains": {"both": {"gain": gain}}}  # fmt: skip


def test_retrieval_helped_or_hurt_only_where_the_interval_is_on_one_side_of_nothing():
    assert "Retrieval gained +20.0 [5.0, 35.0] CIDEr × 100 over “No retrieval”" in evaluate_view.headline(
        figures([20.0, 5.0, 35.0])
    )
    assert "Retrieval lost -3.0 [-5.0, -1.0]" in evaluate_view.headline(figures([-3.0, -5.0, -1.0]))
    assert "No clear difference" in evaluate_view.headline(figures([3.0, -1.0, 7.0]))


def test_the_report_says_what_was_asked_what_failed_and_escapes_it():
    run = {"data": "<b>mine</b>", "k": 3, "neighbours": "random", "seed": 7}
    data = {"run": run, "complete": False, "samples": 4, "failed_samples": 1, "errors": {"bad <i>": 2},
            "tasks": {"caption": figures([20.0, 5.0, 35.0])}}  # fmt: skip
    told = evaluate_view.report(data)
    assert "&lt;b&gt;mine&lt;/b&gt;: 4 samples, k = 3, neighbours random, seed 7" in told
    assert "This run was stopped" in told and "1 of 4 samples failed" in told and "bad &lt;i&gt; (2 times)" in told
    assert "30.0 [20.0, 40.0]" in told and "<td>9.8</td>" in told and "<b>" not in told and "<i>" not in told


def test_progress_has_rate_and_time_left():
    told = evaluate_view.progress(5, 20, 0.5, 30.0)
    assert "5 of 20 samples" in told and "0.5 samples a second, about 30 s left" in told and "width:25%" in told
    assert "Reading the data" in evaluate_view.progress(0, 0, 0.0, None)
    assert [evaluate_view.duration(value) for value in (9.4, 170, 7500)] == ["9 s", "3 min", "2 h 5 min"]


def row(sample: str, cell: str, score: float | None, error: str | None = None) -> dict:
    return {
        "task": "vqa", "id": sample, "cell": cell, "adapter": "raven", "image": "", "image_id": "1",
        "question": "what <is> it", "truths": ["moss"] * 8 + ["grass"] * 2, "prediction": "<moss>", "confidence": 0.5,
        "error": error, "scores": {} if score is None else {"accuracy": score},
        "neighbours": [] if cell == "none" else [{"similarity": 0.5, "caption": "a <gro>"}],
    }  # fmt: skip


@pytest.fixture
def report(tmp_path):
    """Three questions in two cells: the first gains 40 points, the second loses 100, the third fails."""
    rows = [row("a", "none", 0.6), row("a", "both", 1.0), row("b", "none", 1.0), row("b", "both", 0.0),
            row("c", "none", 0.3), row("c", "both", None, "ImageError: <gone>")]  # fmt: skip
    task = {"metric": "vqa_accuracy", "reference_cell": "none", "main_cell": "both", "cells": {"none": {}, "both": {}}}
    return Report(tmp_path / "run", {"tasks": {"vqa": task}, "run": {}}, rows)


def test_samples_are_filtered_and_ordered_by_change(report):
    def ids(**choice):
        return [sample.any["id"] for sample in chosen(report, Choice("vqa", **choice))]

    assert ids() == ["a", "b", "c"]
    assert ids(show="changed") == ["b", "a"]
    assert ids(show="failed") == ["c"] == ids(show="failed", cell="both")
    assert ids(show="failed", cell="none") == [] == ids(cell="none", show="changed")
    changes = [sample.change for sample in chosen(report, Choice("vqa"))]
    assert changes == [pytest.approx(40.0), -100.0, None]


def test_a_sample_shows_its_answers_side_by_side_and_escapes_them(report):
    cards, pages = browser(report, Choice("vqa"))
    assert "what &lt;is&gt; it" in cards and "&lt;moss&gt;" in cards and "a &lt;gro&gt;" in cards
    assert "moss <span>× 8</span>" in cards and "+40.0 points" in cards and "-100.0 points" in cards
    assert "ImageError: &lt;gone&gt;" in cards and 'data-id="vqa:0:both"' in cards
    assert "1 to 3 of 3" in pages and pages.count("disabled") == 2
    assert "No sample failed here" in browser(report, Choice("vqa", "none", "failed"))[0]


def test_pictures_come_from_the_runs_own_folder_alone(tmp_path):
    data = write_captions(tmp_path / "data")
    inside = {"image": str(data / "images" / "red.png")}
    picture = evaluate_samples.image_of(inside, tmp_path / "data")
    assert picture is not None and picture.size == (32, 32)
    assert evaluate_samples.image_of(inside, tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    ("kind", "neighbours", "told"), [("random", [{}], "random"), ("random", [], ""), ("retrieved", [{}], "")]
)
def test_a_sample_of_a_control_says_what_explore_does_otherwise(kind, neighbours, told):
    differs = evaluate_samples.what_differs({"neighbours": kind}, {"neighbours": neighbours})
    assert (f"({told})" in differs) if told else not differs


def test_a_cell_opens_with_what_it_was_fed_and_its_adapter():
    assert evaluate_samples.settings_of(row("a", "both", 1.0)) == ({"image", "text"}, "raven")
    assert evaluate_samples.settings_of(row("a", "baseline", 1.0) | {"adapter": "no-retrieval"}) == (
        frozenset(), "no-retrieval",
    )  # fmt: skip
    assert [evaluate_samples.can_open(cell) for cell in ("none", "nearest-caption", "text-only")] == [
        True,
        False,
        False,
    ]
