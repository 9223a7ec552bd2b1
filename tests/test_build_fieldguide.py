"""The whole build, end to end, at its smallest; and what its command refuses."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from finetune import build_fieldguide
from finetune.build_fieldguide import ASSETS, Build, main
from finetune.recipe import ADAPTER_SEEDS, TASKS, Recipe, tiny_recipe
from tests import tiny

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 10_000_000  # bytes; what a repository takes without git-lfs
FIRST_STAGES = ["pictures", "tokenizer", "encoder", "memory", "sight"]


@dataclass(frozen=True)
class Built:
    """Where a tiny build worked and what it made."""

    work: Path
    out: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A tiny build by the command that a person types."""
    root = tmp_path_factory.mktemp("build")
    made = Built(root / "work", root / "out")
    command = ["-m", "finetune.build_fieldguide", "--tiny", "--work", str(made.work), "--out", str(made.out)]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=1800, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert str(made.out) in done.stdout
    return made


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf8"))


def stages() -> list[str]:
    return list(Build(tiny_recipe(), Path("w"), Path("o")).stages())


def test_the_first_seed_is_assembled_before_the_others_are_trained_and_all_are_measured():
    names = stages()
    first, *others = ADAPTER_SEEDS
    assert names[:5] == FIRST_STAGES
    assert names[-2 - 2 * len(ADAPTER_SEEDS) :] == [
        *(f"{task}-{first}" for task in TASKS), "assemble",
        *(f"{task}-{seed}" for seed in others for task in TASKS), "measure",
    ]  # fmt: skip


def test_both_tasks_of_a_seed_are_trained_alike():
    recipe = Recipe()
    for seed in ADAPTER_SEEDS:
        for raven, baseline in zip(*(recipe.adapter_plans(task, seed) for task in TASKS), strict=True):
            assert {**vars(raven), "name": ""} == {**vars(baseline), "name": ""}
            assert raven.name != baseline.name


def test_no_two_trainings_of_a_kind_share_a_seed_or_a_checkpoint():
    plans = [plan for task in TASKS for seed in ADAPTER_SEEDS for plan in Recipe().adapter_plans(task, seed)]
    assert len({plan.name for plan in plans}) == len(plans)
    assert len({plan.seed for plan in plans}) == len(plans) / len(TASKS)


def test_an_unknown_stage_is_refused_before_anything_is_done(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--tiny", "--fresh", "--until", "nothing", "--work", str(tmp_path), "--out", str(tmp_path / "out")])
    assert "'nothing'" in capsys.readouterr().err and tmp_path.exists()


def test_a_tiny_build_never_goes_into_the_assets_by_default(monkeypatch):
    builds = []
    monkeypatch.setattr(Build, "run", lambda self, until: builds.append(self))
    main(["--tiny"])
    main([])
    assert builds[0].out != ASSETS and builds[0].work != build_fieldguide.WORK
    assert builds[0].recipe == tiny_recipe()
    assert (builds[1].out, builds[1].work, builds[1].recipe) == (ASSETS, build_fieldguide.WORK, Recipe())


def test_a_finished_stage_is_not_done_again(tmp_path):
    build = Build(tiny_recipe(), tmp_path / "work", tmp_path / "out")
    calls = []
    build._once("base", lambda: calls.append("base") or {"tokens": 3})
    build._once("base", lambda: calls.append("again") or {})
    assert calls == ["base"]
    record = build.records()["base"]
    assert record["tokens"] == 3 and record["seconds"] >= 0


def test_assembly_and_measurement_are_done_again_for_another_folder(tmp_path):
    calls = []

    def write(out: Path, name: str, quality: dict) -> dict:
        out.mkdir(exist_ok=True)
        (out / "manifest.json").write_text(json.dumps({"quality": quality}))
        calls.append((out.name, name))
        return {}

    for out in (tmp_path / "one", tmp_path / "one", tmp_path / "two"):
        build = Build(tiny_recipe(), tmp_path / "work", out)
        build._once("assemble", partial(write, out, "assemble", {}))
        build._once("measure", partial(write, out, "measure", {"seed-0": {}}))
    assert calls == [("one", "assemble"), ("one", "measure"), ("two", "assemble"), ("two", "measure")]


def test_a_stage_that_fails_is_not_taken_for_done(tmp_path):
    build = Build(tiny_recipe(), tmp_path, tmp_path)

    def fail() -> dict:
        raise RuntimeError("full disk")

    with pytest.raises(RuntimeError):
        build._once("base", fail)
    assert build.records() == {}


@pytest.mark.slow
def test_every_stage_left_its_record(built):
    assert sorted(path.stem for path in (built.work / "done").iterdir()) == sorted(stages())


@pytest.mark.slow
def test_the_profile_describes_what_is_there(built):
    profile = read(built.out / "profile.json")
    assert profile["name"] == "fieldguide" and profile["default_adapter"] == "raven"
    assert list(profile["adapters"]) == ["raven", "no-retrieval"]
    for part in (profile["encoder"], profile["model"], profile["memory"], *profile["adapters"].values()):
        assert (built.out / part).is_dir()
    assert -1 <= profile["far_threshold"] <= profile["leak_threshold"] <= 1
    assert profile["max_new_tokens"] == tiny_recipe().max_new_tokens
    for example in read_examples(built):
        assert (built.out / "examples" / example["file"]).is_file()


def read_examples(built: Built) -> list[dict]:
    return json.loads((built.out / "examples" / "examples.json").read_text(encoding="utf8"))


@pytest.mark.slow
def test_examples_show_every_split_and_both_tasks(built):
    examples = [example for example in read_examples(built) if not example["known_failure"]]
    assert {e["split"] for e in examples} == {"in-domain", "near-domain", "out-domain", "novel"}
    assert {e["question"] is None for e in examples} == {True, False}
    assert all(len(e["references"]) == (5 if e["question"] is None else 10) for e in examples)


@pytest.mark.slow
def test_the_manifest_names_every_file_with_its_hash(built):
    manifest = read(built.out / "manifest.json")
    for name in ("model/model.safetensors", "encoder/dual_encoder.safetensors", "memory/memory.sqlite", "profile.json"):
        content = (built.out / name).read_bytes()
        assert manifest["files"][name] == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert set(manifest["stages"]) == set(stages()) - {"measure"}
    assert manifest["recipe"]["measured"] == 2 and len(manifest["species"]) == 64
    assert len(set(manifest["seeds"].values())) == len(manifest["seeds"]) == 4
    for seed in ADAPTER_SEEDS:
        report = manifest["quality"][f"seed-{seed}"]
        assert report["n"] == 2 and report["seed"] == manifest["seeds"]["published"]
        assert len(report["naming"]["novel"]["both"]) == 3


@pytest.mark.slow
def test_no_file_is_too_large_for_a_repository(built):
    sizes = {path: path.stat().st_size for path in built.out.rglob("*") if path.is_file()}
    assert len(sizes) > 240 and max(sizes.values()) < LARGEST


@pytest.mark.slow
def test_the_result_answers(built):
    from raven_core import Raven, Settings

    raven = Raven.load(built.out, Settings(profile=str(built.out), device="cpu"))
    example = read_examples(built)[0]
    answer = raven.answer(built.out / "examples" / example["file"], k=3)
    assert answer.finished and answer.adapter == "raven" and len(answer.neighbours) == 3
    assert 1 <= len(answer.tokens) <= tiny_recipe().max_new_tokens
    assert len(raven.memory) == 240
    baseline = raven.answer(built.out / "examples" / example["file"], "what does it eat", k=0, adapter="no-retrieval")
    assert baseline.finished and baseline.neighbours == ()


@pytest.mark.slow
def test_a_second_run_does_nothing(built, capsys):
    def state() -> tuple:
        files = [path for folder in (built.out, built.work) for path in sorted(folder.rglob("*")) if path.is_file()]
        return tiny.tree_state(built.out), [(path, path.stat().st_mtime_ns) for path in files]

    before = state()
    main(["--tiny", "--work", str(built.work), "--out", str(built.out)])
    assert state() == before
    assert capsys.readouterr().out.count("done already") == len(stages())
