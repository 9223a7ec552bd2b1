"""A whole evaluation on a profile one can compute by hand: cells, scores, resuming, failures, leak caps."""

import json
import math
import threading

import pytest
from matplotlib.figure import Figure

from raven_core.datasets import load
from raven_core.errors import AdapterError, OptionError
from raven_core.evaluation import Options, Report, evaluate, plots
from raven_core.evaluation.records import RunFolder
from tests.evaluating import PAIRS, Writer, colour_raven, echo, said, write_captions, write_questions

QUICK = {"plots": False, "k": 2}
CELLS = ["baseline", "none", "text", "image", "both", "nearest-caption", "text-only"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three pictures with captions and six questions."""
    return write_questions(write_captions(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def raven(tmp_path_factory):
    return colour_raven(tmp_path_factory.mktemp("colours"))


@pytest.fixture(autouse=True)
def new_writer(raven):
    raven.generator = Writer()


def rows_of(folder):
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()]


def keyed(rows):
    return {(row["task"], row["id"], row["cell"]): row for row in rows}


def without_order(rows):
    return sorted(rows, key=lambda row: (row["task"], row["id"], row["cell"]))


def test_every_sample_is_asked_in_every_cell(raven, data, tmp_path):
    report = evaluate(raven, load(data, task="caption"), Options(**QUICK), tmp_path)
    rows = keyed(rows_of(tmp_path))
    assert set(rows) == {("caption", str(number), cell) for number in (1, 2, 3) for cell in CELLS}
    red = {cell: rows["caption", "1", cell] for cell in CELLS}
    nearest = PAIRS["r0"][1]
    assert [red[cell]["prediction"] for cell in CELLS] == [
        "a creature", "a creature", nearest, "a creature", nearest, nearest, nearest,
    ]  # fmt: skip
    assert [red[cell]["adapter"] for cell in CELLS] == ["no-retrieval", *["raven"] * 4, None, "base"]
    assert [entry["id"] for entry in red["both"]["neighbours"]] == ["r0", "r1"]
    assert red["none"]["neighbours"] == [] == red["baseline"]["neighbours"]
    assert red["both"]["confidence"] == 0.5 and red["nearest-caption"]["confidence"] is None
    assert report.to_dict()["complete"] and report.to_dict()["samples"] == 3


def test_a_cell_shows_what_its_name_says(raven, data, tmp_path):
    evaluate(raven, load(data, task="caption"), Options(**QUICK), tmp_path)
    shown = sorted((len(prompt.images), len(said(prompt))) for prompt in raven.generator.asked)
    # none and baseline: the query; text: and captions; image: three pictures; both; text-only: no picture at all
    assert shown == sorted([(1, 0), (1, 0), (1, 2), (3, 0), (3, 2), (0, 2)] * 3)


def test_cells_of_a_batch_are_answered_together(raven, data, tmp_path):
    evaluate(raven, load(data, task="caption"), Options(**QUICK, batch=2), tmp_path)
    # baseline, four cells of the adapter, the model without one: for two pictures, then for one
    expected = [(2, "no-retrieval"), (8, "raven"), (2, None), (1, "no-retrieval"), (4, "raven"), (1, None)]
    assert raven.generator.calls == expected


def test_cells_of_a_sample_share_a_topic_whatever_the_adapter(raven, data, tmp_path):
    evaluate(raven, load(data, task="vqa"), Options(**QUICK, batch=2), tmp_path)
    asked = [(str(p.messages[0]["content"][-1]["text"]), p.images[-1:]) for p in raven.generator.asked if p.images]
    topics = [t for t, prompt in zip(raven.generator.topics, raven.generator.asked, strict=True) if prompt.images]
    about = {}
    for (question, images), topic in zip(asked, topics, strict=True):
        about.setdefault(topic, set()).add((question, images[0].tobytes()))
    assert len(about) == 6 and all(len(of) == 1 for of in about.values())


def test_an_image_of_several_questions_is_embedded_once(raven, data, tmp_path):
    before = raven.encoder.images
    evaluate(raven, load(data, task="vqa"), Options(**QUICK, batch=6), tmp_path)
    assert raven.encoder.images - before == 3


def test_scores_and_gains_are_those_of_the_predictions(raven, data, tmp_path):
    answers = {"red": "red", "green": "green", "blue": "blue"}

    def answer(prompt):
        colour = next((word for word in answers if said(prompt) and word in said(prompt)[-1]), "grey")
        return colour if "colour" in str(prompt.messages) else "moss"

    raven.generator = Writer(answer)
    report = evaluate(raven, load(data, task="vqa"), Options(**QUICK), tmp_path)
    vqa = report.to_dict()["tasks"]["vqa"]
    # all colours right where captions are shown, none otherwise; "moss" is right for one picture of three
    assert vqa["cells"]["both"]["scores"] == {"accuracy": pytest.approx(100 * 4 / 6, abs=1e-3)}
    assert vqa["cells"]["none"]["scores"] == {"accuracy": pytest.approx(100 * 1 / 6, abs=1e-3)}
    # every picture gains the same half, so the interval over pictures has no width
    assert vqa["gains"]["both"]["gain"] == [50, 50, 50] and vqa["gains"]["both"]["samples"] == 6
    assert vqa["gains"]["both"]["p"] == 0.25  # three pictures one way: 2 of 8 flips
    assert vqa["gains"]["image"]["gain"] == [0, 0, 0] and "baseline" not in vqa["gains"]
    assert (vqa["reference_cell"], vqa["main_cell"]) == ("baseline", "both")
    types = vqa["question_types"]
    assert types["what colour"]["gains"]["both"]["gain"] == [100, 100, 100]
    assert types["what does"]["gains"]["both"]["gain"] == [0, 0, 0]
    assert types["what colour"]["gains"]["both"]["p_holm"] == 0.5  # 2 types x 0.25
    assert types["overall"]["gains"]["both"]["gain"] == [50, 50, 50]
    assert "nearest-caption" not in vqa["cells"]  # a caption answers no question


def test_captions_are_scored_with_the_whole_corpus_and_printed_times_100(raven, data, tmp_path):
    report = evaluate(raven, load(data, task="caption"), Options(**QUICK), tmp_path)
    caption = report.to_dict()["tasks"]["caption"]
    rows = report.samples("caption", "both")
    mean = sum(row["scores"]["CIDEr"] for row in rows) / 3
    assert caption["cells"]["both"]["scores"]["CIDEr"] == pytest.approx(100 * mean, abs=1e-3)
    assert caption["cells"]["both"]["scores"]["ROUGE_L"] == 100  # the nearest caption is a reference, word for word
    assert caption["cells"]["both"]["interval"][0] == pytest.approx(100 * mean, abs=1e-3) and mean > 1
    assert {"METEOR", "SPICE"} == set(caption["not_computed"])
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert f"{100 * mean:.1f}" in text and "METEOR" in text


def test_domains_are_weighted_by_their_images(raven, tmp_path):
    domains = {"red.png": "in-domain", "green.png": "in-domain", "blue.png": "out-domain"}
    data = load(write_captions(tmp_path / "data", domains))
    raven.generator = Writer(lambda prompt: "a creature" if "blue" in str(said(prompt)) else echo(prompt))
    figures = evaluate(raven, data, Options(**QUICK), tmp_path / "out").to_dict()["tasks"]["caption"]["domains"]
    assert {name: group["images"] for name, group in figures.items()} == {
        "in-domain": 2, "out-domain": 1, "overall": 3,
    }  # fmt: skip
    gains = {name: group["gains"]["both"]["gain"][0] for name, group in figures.items()}
    assert gains["out-domain"] == 0 and gains["in-domain"] > 50
    assert gains["overall"] == pytest.approx((2 * gains["in-domain"] + gains["out-domain"]) / 3, abs=1e-3)


def test_results_are_laid_out_for_the_official_servers(raven, data, tmp_path):
    evaluate(raven, load(data), Options(**QUICK), tmp_path)
    captions = json.loads((tmp_path / "results" / "captions_both.json").read_text(encoding="utf-8"))
    assert captions == [{"image_id": n, "caption": PAIRS[p][1]} for n, p in ((1, "r0"), (2, "g0"), (3, "b0"))]
    answers = json.loads((tmp_path / "results" / "answers_none.json").read_text(encoding="utf-8"))
    assert answers == [{"question_id": n, "answer": "a creature"} for n in (10, 11, 20, 21, 30, 31)]


def test_pictures_without_references_are_answered_and_not_scored(raven, data, tmp_path):
    content = json.loads((data / "captions.json").read_text(encoding="utf-8"))
    (tmp_path / "test.json").write_text(json.dumps({"images": content["images"]}), encoding="utf-8")
    found = load(tmp_path / "test.json", images=data / "images")
    figures = evaluate(raven, found, Options(**QUICK), tmp_path / "out").to_dict()["tasks"]["caption"]
    assert figures["cells"]["both"]["scores"] == {} and "at least two images" in figures["cells"]["both"]["reason"]
    assert len(json.loads((tmp_path / "out" / "results" / "captions_both.json").read_text(encoding="utf-8"))) == 3


# ---------------------------------------------------------------------- interruptions


class Interrupted(Writer):
    """A generator that is interrupted at its nth call."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def generate(self, *args, **options):
        if len(self.calls) == self._at:
            raise KeyboardInterrupt
        return super().generate(*args, **options)


def test_an_interrupted_run_goes_on_without_repeating_or_losing_a_sample(raven, data, tmp_path):
    options = Options(**QUICK, batch=1)
    raven.generator = Interrupted(at=4)  # in the second picture's batch, after its baseline
    with pytest.raises(KeyboardInterrupt):
        evaluate(raven, load(data, task="caption"), options, tmp_path / "broken")
    assert {row["id"] for row in RunFolder(tmp_path / "broken").rows()} == {"1"}
    raven.generator = Writer()
    resumed = evaluate(raven, load(data, task="caption"), options, tmp_path / "broken")
    assert sum(prompts for prompts, _ in raven.generator.calls) == 2 * 6  # six asked cells of two pictures
    whole = evaluate(raven, load(data, task="caption"), options, tmp_path / "whole")
    assert rows_of(tmp_path / "broken") == rows_of(tmp_path / "whole")
    assert resumed.to_dict()["tasks"] == whole.to_dict()["tasks"]


def test_a_torn_last_line_is_asked_again(raven, data, tmp_path):
    evaluate(raven, load(data, task="vqa"), Options(**QUICK), tmp_path)
    path = tmp_path / "samples.jsonl"
    before = path.read_bytes()
    path.write_bytes(before[: -len(before.splitlines()[-1]) // 2])
    raven.generator = Writer()
    evaluate(raven, load(data, task="vqa"), Options(**QUICK), tmp_path)
    assert raven.generator.calls == [(1, None)]  # text-only is the last cell
    assert path.read_bytes() == before


def test_a_line_torn_off_its_end_alone_is_kept(tmp_path):
    folder = RunFolder(tmp_path)
    one, two = ({"task": "vqa", "id": name, "cell": "none"} for name in "ab")
    folder.append([one])
    path = tmp_path / "samples.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    folder.mend()
    folder.append([two])
    assert folder.rows() == [one, two]
    path.write_bytes(path.read_bytes() + b'{"task": "vqa", "id"')
    assert folder.mend() == [one, two] and len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_a_cancelled_run_reports_what_is_done_and_goes_on_later(raven, data, tmp_path):
    stop = threading.Event()

    def progress(done, total):
        if done == 1:
            stop.set()

    report = evaluate(raven, load(data, task="vqa"), Options(**QUICK, batch=1), tmp_path, progress, stop)
    assert not report.to_dict()["complete"] and {row["id"] for row in report.rows} == {"10"}
    assert "stopped" in report.markdown()
    seen = []
    again = evaluate(
        raven,
        load(data, task="vqa"),
        Options(**QUICK, batch=2),
        tmp_path,
        lambda done, total: seen.append((done, total)),
    )
    assert again.to_dict()["complete"] and seen == [(1, 6), (3, 6), (5, 6), (6, 6)]


def test_another_run_is_refused_and_more_of_the_same_is_added(raven, data, tmp_path):
    def run(limit=2, **options):
        return evaluate(raven, load(data, task="vqa", limit=limit), Options(**{**QUICK, **options}), tmp_path)

    run(cells=("none",), baseline=False, floors=False)
    for other in ({"k": 1}, {"neighbours": "random"}, {"adapter": "no-retrieval"}, {"seed": 4}):
        with pytest.raises(OptionError, match="holds a run with"):
            run(cells=("none",), baseline=False, floors=False, **other)
    raven.generator = Writer()
    report = run(limit=None, cells=("both",), baseline=False, floors=False)
    assert raven.generator.calls == [(6, "raven")]
    assert report.to_dict()["tasks"]["vqa"]["cells"].keys() == {"none", "both"}
    assert report.to_dict()["tasks"]["vqa"]["gains"]["both"]["samples"] == 2


# ---------------------------------------------------------------------- failures


def test_a_sample_that_fails_is_recorded_counted_and_never_dropped(raven, tmp_path):
    folder = write_captions(tmp_path / "data")
    (folder / "images" / "green.png").write_bytes(b"not a picture")
    report = evaluate(raven, load(folder), Options(**QUICK), tmp_path / "out")
    failed = report.samples("caption", failed=True)
    assert {row["id"] for row in failed} == {"2"} and len(failed) == len(CELLS)
    assert all("not an image" in row["error"] and row["prediction"] is None for row in failed)
    figures = report.to_dict()
    assert (figures["samples"], figures["failed_samples"]) == (3, 1) and list(figures["errors"].values()) == [7]
    assert figures["tasks"]["caption"]["cells"]["both"]["errors"] == 1
    assert figures["tasks"]["caption"]["cells"]["both"]["samples"] == 2
    assert "1 of 3 samples failed" in report.markdown()
    results = json.loads((tmp_path / "out" / "results" / "captions_both.json").read_text(encoding="utf-8"))
    assert [entry["image_id"] for entry in results] == [1, 2, 3] and results[1]["caption"] == ""
    raven.generator = Writer()
    evaluate(raven, load(folder), Options(**QUICK), tmp_path / "out")
    assert raven.generator.calls == []  # it is not tried again and again


def test_cells_weigh_words_alike_whatever_failed(raven, data, tmp_path):
    def answer(prompt):
        if "blim" in str(said(prompt)):
            raise ValueError("no such token")
        return echo(prompt)

    def of_first(folder):
        rows = rows_of(folder)
        return {row["cell"]: row["scores"]["CIDEr"] for row in rows if row["id"] == "1" and row["cell"] in CELLS[1:5]}

    evaluate(raven, load(data, task="caption"), Options(**QUICK), tmp_path / "whole")
    raven.generator = Writer(answer)
    report = evaluate(raven, load(data, task="caption"), Options(**QUICK), tmp_path / "broken")
    assert report.to_dict()["tasks"]["caption"]["cells"]["both"]["errors"] == 1
    assert of_first(tmp_path / "broken") == of_first(tmp_path / "whole")


def test_one_bad_answer_does_not_spoil_its_batch(raven, data, tmp_path):
    def answer(prompt):
        if "does it eat" in str(prompt.messages) and "gro" in str(said(prompt)):
            raise ValueError("no such token")
        return "moss"

    raven.generator = Writer(answer)
    report = evaluate(raven, load(data, task="vqa"), Options(**QUICK), tmp_path)
    failed = {(row["id"], row["cell"]) for row in report.samples("vqa", failed=True)}
    assert failed == {("21", "text"), ("21", "both"), ("21", "text-only")}
    assert report.to_dict()["errors"] == {"ValueError: no such token": 3}
    assert len(report.rows) == 6 * 6


class Small(Writer):
    """A generator whose memory holds a few prompts at a time."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def generate(self, prompts, *args, **options):
        if len(prompts) > self._room:
            self.calls.append((-len(prompts), None))
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().generate(prompts, *args, **options)


def test_running_out_of_memory_halves_the_batch_for_good(raven, data, tmp_path):
    raven.generator = Small(room=4)
    options = Options(**QUICK, batch=4, cells=("none", "both"), baseline=False, floors=False)
    report = evaluate(raven, load(data, task="vqa"), options, tmp_path)
    # eight prompts of four questions are too many; from then on two questions at a time
    assert raven.generator.calls == [(-8, None), (4, "raven"), (4, "raven"), (4, "raven")]
    assert len(report.rows) == 12 and report.to_dict()["errors"] == {}


def test_an_answer_too_large_for_the_memory_is_recorded(raven, data, tmp_path):
    raven.generator = Small(room=0)
    options = Options(**QUICK, batch=4, cells=("none",), baseline=False, floors=False)
    report = evaluate(raven, load(data, task="vqa", limit=2), options, tmp_path)
    assert len(report.rows) == 2 and all("out of memory" in row["error"] for row in report.rows)


def test_what_cannot_be_measured_is_refused_before_anything_is_asked(raven, data, tmp_path):
    with pytest.raises(OptionError, match="single image"):
        evaluate(raven, load(data, task="caption", limit=1), Options(**QUICK), tmp_path)
    with pytest.raises(AdapterError):
        evaluate(raven, load(data), Options(**QUICK, adapter="best"), tmp_path)
    assert raven.generator.calls == [] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"cells": ("all",)}, "Unknown cell 'all'"),
        ({"cells": ()}, "Unknown cell"),
        ({"neighbours": "wrong"}, "Unknown neighbours"),
        ({"leak_caps": (0.5, 90)}, "90 is no quantile"),
        ({"batch": 0}, "batch is 0"),
    ],
)
def test_unknown_options_are_refused(given, reason):
    with pytest.raises(OptionError, match=reason):
        Options(**given)


# ---------------------------------------------------------------------- leak caps, likeness, confidence


def test_leak_caps_are_quantiles_and_remove_what_is_more_similar(raven, data, tmp_path):
    options = Options(**QUICK, leak_caps=(0.5, 1.0))
    report = evaluate(raven, load(data, task="caption"), options, tmp_path)
    rows = keyed(report.rows)

    def shown(sample, cell):
        return [entry["id"] for entry in rows["caption", sample, cell]["neighbours"]]

    # each query's two neighbours have cosines 1 and about .973: half of them lie above the middle
    assert shown("1", "both") == ["r0", "r1"] == shown("1", "both-cap-1")
    assert shown("1", "both-cap-0.5") == ["r1", "r2"]
    assert shown("2", "both-cap-0.5")[0] == "g1" and shown("3", "both-cap-0.5")[0] == "b1"
    leak = report.to_dict()["tasks"]["caption"]["leak"]
    assert [point["cap"] for point in leak] == [None, 1.0, 0.5]
    assert leak[2]["threshold"] == pytest.approx(0.986, abs=0.01)
    assert leak[0]["score"] == leak[1]["score"] and leak[2]["score"][0] < leak[0]["score"][0]
    assert "both-cap-0.5" not in report.to_dict()["tasks"]["caption"]["gains"]


def test_thresholds_stay_when_a_run_goes_on(raven, data, tmp_path):
    options = Options(**QUICK, leak_caps=(0.5,), cells=("both",))
    evaluate(raven, load(data, task="caption", limit=2), options, tmp_path)
    before = RunFolder(tmp_path).about()["thresholds"]
    evaluate(raven, load(data, task="caption"), options, tmp_path)
    assert RunFolder(tmp_path).about()["thresholds"] == before and set(before) == {"0.5"}


def test_gains_are_told_by_the_likeness_of_the_nearest_neighbour(raven, data, tmp_path):
    report = evaluate(raven, load(data, task="vqa"), Options(**QUICK), tmp_path)
    bins = report.to_dict()["tasks"]["vqa"]["similarity"]
    assert sum(entry["samples"] for entry in bins) == 6
    assert all(0.99 < entry["low"] <= entry["mean"] <= entry["high"] <= 1.001 for entry in bins)


def test_stated_confidence_is_set_against_what_came_of_it(raven, data, tmp_path):
    raven.generator = Writer(lambda prompt: "red")
    report = evaluate(raven, load(data, task="vqa"), Options(**QUICK), tmp_path)
    told = report.to_dict()["tasks"]["vqa"]["calibration"]["both"]
    # always 50% sure, and right about one question of six
    assert told["bins"] == [{"confidence": 50.0, "score": pytest.approx(100 / 6, abs=1e-3), "samples": 6}]
    assert told["error"] == pytest.approx(50 - 100 / 6, abs=1e-3) and math.isfinite(told["error"])


def test_a_report_can_be_read_back(raven, data, tmp_path):
    report = evaluate(raven, load(data, task="vqa"), Options(k=2), tmp_path)
    again = Report.load(tmp_path)
    assert again.to_dict() == report.to_dict() and again.rows == report.rows
    names = {path.name for path in again.plots()}
    assert names >= {"vqa-gain-by-cell.png", "vqa-gain-by-question-type.png", "vqa-calibration.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in again.plots())
    with pytest.raises(OptionError, match="no report"):
        Report.load(tmp_path / "results")


CHINESE = {"language": "zh-CN", "by_question_type": "问题类型", "plot_cells": "各条件的增益", "cell=both": "图像和描述"}


def test_a_report_is_written_in_the_words_that_are_handed_down(raven, data, tmp_path):
    report = evaluate(raven, load(data, task="vqa"), Options(k=2, plots=False), tmp_path, words=CHINESE)
    told = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert told == report.markdown(CHINESE) != report.markdown()
    assert "### 问题类型" in told and "| 图像和描述 |" in told and "VQA accuracy" in told
    assert "| both |" in report.markdown() and report.to_dict()["tasks"]["vqa"]["main_cell"] == "both"


@pytest.mark.parametrize("is_there", [True, False])
def test_plots_are_in_chinese_only_where_a_font_has_the_characters(raven, data, tmp_path, monkeypatch, is_there):
    font = plots.chinese_font()
    if is_there and font is None:
        pytest.skip("no font with Chinese characters is installed")
    monkeypatch.setattr(plots, "chinese_font", lambda: font if is_there else None)
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda paint, figures, say, size, path: drawn.append((paint, figures, say)))
    report = evaluate(raven, load(data, task="vqa"), Options(k=2), tmp_path, words=CHINESE)
    paint, figures, say = next(one for one in drawn if one[0] is plots.gain_by_cell)
    axes = Figure().subplots()
    paint(axes, figures, say)
    titles = [axes.get_title(), *(label.get_text() for label in axes.get_yticklabels())]
    assert ("各条件的增益" in titles) == ("图像和描述" in titles) == is_there
    assert ("Gain by cell" in titles) == ("both" in titles) == (not is_there)
    assert report.plots() == []
