"""The command line: one answer, one export, one line for every refusal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from raven_core import cli
from raven_core.judgments import JudgmentStore
from tests.test_judgments import TRIAL
from tests.tiny import block

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def image(tmp_path) -> str:
    block("red", 50).save(tmp_path / "red.png")
    return str(tmp_path / "red.png")


@pytest.fixture(autouse=True)
def loaded_once(tiny_raven, monkeypatch):
    """Commands run in this process use the profile that is loaded already."""
    from raven_core import Raven

    def load(profile=None, settings=None):
        return Raven(tiny_raven.profile, settings, tiny_raven.retriever, tiny_raven.generator)

    monkeypatch.setattr(Raven, "load", load)


def run(arguments: list[str], capsys) -> tuple[int, str, str]:
    code = cli.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_ask_prints_one_json_object(image, tiny_profile, capsys):
    code, out, err = run(["ask", image, "--profile", str(tiny_profile), "--k", "2", "--json"], capsys)
    found = json.loads(out)
    assert code == 0 and err == ""
    assert set(found) >= {"text", "neighbours", "modalities", "model", "adapter", "seconds"}
    assert [set(neighbour) for neighbour in found["neighbours"]] == [{"id", "caption", "similarity", "rank"}] * 2
    assert found["modalities"] == ["image", "text"] and found["adapter"] == "raven" and found["seconds"] > 0


def test_ask_passes_its_flags_on(image, tiny_profile, capsys):
    flags = ["--question", "what is it called", "--modalities", "text", "--adapter", "base", "--exclude", "p0"]
    code, out, _ = run(["ask", image, "--profile", str(tiny_profile), *flags, "--json"], capsys)
    found = json.loads(out)
    assert code == 0 and found["modalities"] == ["text"] and found["adapter"] is None
    assert "p0" not in {neighbour["id"] for neighbour in found["neighbours"]} and len(found["neighbours"]) == 3
    none = run(["ask", image, "--profile", str(tiny_profile), "--modalities", "none", "--json"], capsys)[1]
    assert json.loads(none)["neighbours"] == [] == json.loads(none)["modalities"]


def test_ask_prints_the_answer_and_its_neighbours_for_people(image, tiny_profile, capsys):
    code, out, _ = run(["ask", image, "--profile", str(tiny_profile), "--k", "2"], capsys)
    assert code == 0 and len(out.splitlines()) >= 3 and "  1. " in out and "  2. " in out


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--k", "11"], "0 to 10"),
        (["--modalities", "sound"], "Unknown modality"),
        (["--question", " "], "question is empty"),
        (["--adapter", "best"], "best"),
        (["--profile", "nothing"], "no profile 'nothing'"),
        (["--order", "random"], "nearest-last"),
    ],
)
def test_refusals_are_one_line_on_stderr_and_code_2(image, tiny_profile, capsys, flags, reason):
    code, out, err = run(["ask", image, "--profile", str(tiny_profile), *flags], capsys)
    assert (code, out) == (2, "") and len(err.splitlines()) == 1
    assert err.startswith("error: ") and reason in err


def test_a_missing_image_is_refused(tiny_profile, capsys):
    code, _, err = run(["ask", "missing.png", "--profile", str(tiny_profile)], capsys)
    assert code == 2 and "no image file 'missing.png'" in err


def test_judgments_are_exported(tmp_path, tiny_profile, capsys, monkeypatch):
    monkeypatch.setenv("RAVEN_PROFILE", str(tiny_profile))
    store = JudgmentStore(tmp_path / "judgments.db")
    store.save_trial(TRIAL)
    store.judge("t1", "success", annotator="ann")
    for format in ("csv", "jsonl", "parquet"):
        out = tmp_path / f"out.{format}"
        arguments = ["judgments", "export", "--format", format, "--out", str(out), "--data-dir", str(tmp_path)]
        assert run(arguments, capsys) == (0, f"1 judgments written to {out}\n", "") and out.stat().st_size > 0


@pytest.mark.slow
def test_the_command_works_in_a_process_of_its_own(image, tiny_profile):
    command = [sys.executable, "-m", "raven_core", "ask", image, "--profile", str(tiny_profile), "--json"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] and done.stderr == ""
