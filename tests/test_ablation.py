"""The ablation on the bundled world: its data, its runs on a profile one can compute by hand, and its tables."""

from __future__ import annotations

import json

import pytest

from finetune import ablation, ablation_report, report
from finetune.fieldguide.species import DOMAINS
from raven_core.datasets import Dataset, load
from raven_core.evaluation.records import RunFolder
from tests.evaluating import colour_raven, write_captions, write_questions


def test_the_splits_are_one_data_set_whose_samples_keep_apart(tmp_path):
    data = ablation.world(tmp_path, n=2, questions=3, seed=9)
    assert [(d, sum(e.domain == d for e in data.of("caption"))) for d in DOMAINS] == [(d, 2) for d in DOMAINS]
    assert [sum(e.domain == d for e in data.of("vqa")) for d in DOMAINS] == [3] * 4
    for task in data.tasks:
        assert len({example.id for example in data.of(task)}) == len(data.of(task))
    assert len({example.image_id for example in data.of("caption")}) == 8
    for asked in data.of("vqa"):  # a question belongs to a picture of its own split
        assert int(asked.image_id) // ablation.APART == list(DOMAINS).index(asked.domain)
    again = ablation.world(tmp_path, n=2, questions=3, seed=9)
    assert [example.id for example in again.examples] == [example.id for example in data.examples]


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """Three colours, each of a split of its own but for the first, which is in two."""
    folder = tmp_path_factory.mktemp("ablation")
    found = load(write_questions(write_captions(folder / "data")))
    domains = dict(zip(("1", "2", "3"), ("in-domain", "near-domain", "out-domain"), strict=True))
    examples = [ablation.placed(one, domains[one.image_id], 0) for one in found.examples]
    novel = [ablation.placed(one, "novel", 3) for one in found.examples if one.image_id == "1"]
    raven = colour_raven(folder / "colours")
    measured = ablation.measure(raven, Dataset("d", "COCO", "here", (*examples, *novel)), folder / "out", 0)
    rows = RunFolder(folder / "out" / "retrieved").rows()
    return {"training_seed": 0, "seed": 7, "n": 1, "questions": 2, "rows": rows, **measured}


def test_every_cell_and_control_is_measured(figures):
    caption, questions = figures["main"]["caption"], figures["main"]["vqa"]
    # without captions the writer says "a creature", which no reference says; the nearest caption is a reference
    assert caption["domains"]["overall"]["cells"]["none"] == [0.0, 0.0, 0.0]
    assert caption["gains"]["both"]["gain"][0] == caption["cells"]["both"]["interval"][0] > 100
    assert caption["gains"]["both"]["gain"] == caption["gains"]["nearest-caption"]["gain"]
    assert questions["cells"]["both"]["interval"][0] == 0.0, "a caption is no answer"
    assert figures["failed_samples"] == 0
    assert list(figures["controls"]) == list(ablation.CONTROLS)
    shuffled, oracle = (figures["controls"][kind]["caption"] for kind in ("shuffled", "oracle"))
    assert shuffled["gain"][0] < 0, "the writer repeats the caption that stands last"
    assert oracle["gain"][0] == 0.0, "the nearest caption says all of the references"


def test_the_tables_say_what_was_measured(figures):
    text = ablation_report.section(figures)
    assert "### Training seed 0: test seed 7" in text and "0 failed" in text
    assert text.count("| CIDEr of `both` over the baseline") == text.count("| holds |") == 3
    for words in ("random", "cross-paired", "no cap", "nearest caption copied", "what does"):
        assert f"| {words}" in text
    assert "falls short" not in text


def test_a_gain_that_may_be_none_holds_no_bar():
    told = ablation_report.bars(dict.fromkeys((*DOMAINS, "overall"), (25.0, -1.0, 50.0)))
    assert [holds for _, _, _, holds in told] == [False, False, True]


def test_training_seeds_that_saw_the_same_pictures_are_pooled(figures, tmp_path):
    asked = {name: figures[name] for name in ablation.ASKED}
    gained = figures["main"]["caption"]["domains"]["overall"]["gains"]["both"]["gain"]
    for seed in (0, 1):  # the second seed's captions gain twice as much
        run = tmp_path / "out" / f"ablation-seed-{seed}" / "retrieved"
        run.mkdir(parents=True)
        for row in figures["rows"]:
            scores = {name: value * (1 + seed) for name, value in (row["scores"] or {}).items()}
            with (run / "samples.jsonl").open("a", encoding="utf8") as lines:
                lines.write(json.dumps({**row, "scores": scores}) + "\n")
        ablation.save(tmp_path / "figures" / f"{run.parent.name}.json", {**asked, "training_seed": seed})
        ablation.save_pooled(tmp_path / "out", tmp_path / "figures", asked)
        assert (tmp_path / "figures" / ablation.POOLED).exists() == (seed == 1)
    found = report.read(tmp_path / "figures" / ablation.POOLED)
    assert found["training_seeds"] == [0, 1] and found["gains"]["overall"][0] == pytest.approx(1.5 * gained[0])
    assert set(found["gains"]) == {*DOMAINS, "overall"}
    text = ablation_report.mean_section(found)
    assert "Mean over training seeds 0 and 1" in text and text.count("| holds |") == 3
    ablation.save(tmp_path / "figures" / "ablation-seed-2.json", {**asked, "seed": 8, "training_seed": 2})
    ablation.save_pooled(tmp_path / "out", tmp_path / "figures", {**asked, "seed": 8})  # alone on those pictures
    assert report.read(tmp_path / "figures" / ablation.POOLED) == found


def test_the_page_is_made_of_what_there_is(figures, tmp_path):
    ablation.save(tmp_path / "figures" / "ablation-seed-0.json", figures)
    report.main(["--figures", str(tmp_path / "figures"), "--out", str(tmp_path / "results.md")])
    page = (tmp_path / "results.md").read_text(encoding="utf8")
    assert "# The Field Guide: the ablation" in page and "# Real photos" not in page
    assert ablation_report.section(figures) in page
