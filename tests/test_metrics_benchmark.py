"""The benchmark of the metrics says what it needs, and what it found."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "metrics.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_of_metrics", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_exits_with_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--data", str(tmp_path / "none.json")]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert run.returncode == 1 and run.stdout == ""
    assert "cannot run here" in run.stderr and "no file none.json" in run.stderr and "Java: no `java`" in run.stderr


def test_captions_are_read_by_image(benchmark, tmp_path: Path) -> None:
    file = tmp_path / "captions.json"
    file.write_text(json.dumps([{"image_id": 7, "test": "a fox", "refs": ["red fox", "fox"]}]), encoding="utf-8")
    assert benchmark.read(file) == ({"7": ["red fox", "fox"]}, {"7": "a fox"})


@pytest.mark.parametrize(
    ("clock", "cider", "held"),
    [(10.0, 1.0, True), (9.9, 1.0, False), (50.0, 1.0, True), (50.0, 1.00001, False)],
)
def test_the_bar_is_five_times_as_fast_with_equal_figures(benchmark, capsys, clock, cider, held) -> None:
    figures = dict.fromkeys(benchmark.METRICS, 1.0)
    # the median of ours is 2 seconds
    ours = [benchmark.Run(figures, seconds, 1.0) for seconds in (2.0, 1.0, 9.0)]
    assert benchmark.report(ours, [benchmark.Run(figures | {"CIDEr": cider}, clock, 4.0)] * 3) is held
    assert f"times as fast{clock / 2:14.1f}{4.0:11.1f}" in capsys.readouterr().out


def test_our_figures_are_the_metrics_own(benchmark) -> None:
    figures = benchmark.ours({"x": ["a red fox"], "y": ["a blue bird"]}, {"x": "a red fox", "y": "a green bird"})
    assert figures["CIDEr"] == pytest.approx(4.375)  # by hand in test_metrics_captioning
