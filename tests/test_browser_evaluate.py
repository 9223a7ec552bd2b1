"""The Evaluate page as people use it, in real Chromium, over a real evaluation of a model one can compute by hand.

As a program, ``python -m tests.test_browser_evaluate FOLDER PORT``, it serves that page.
"""

from __future__ import annotations

import os
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import browser as driver
from tests.browser import Visitor
from tests.evaluating import PAIRS, Writer, colour_raven, write_captions, write_questions

pytestmark = pytest.mark.browser

SECONDS = 0.4  # that the writer takes for a batch, so that there is something to see and to stop


class SlowWriter(Writer):
    def generate(self, *args: Any, **options: Any) -> Any:
        time.sleep(SECONDS)
        return super().generate(*args, **options)


def serve(folder: Path, port: int) -> None:
    """The page over the fake pipeline, whose parts that an evaluation needs are those of the colours."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "0")
    from raven_core.settings import Profile, Settings
    from raven_core.ui.context import Context
    from raven_core.ui.evaluate_data import World
    from raven_core.ui.interface import build, launch_options
    from raven_core.ui.keeper import Keeper
    from raven_core.ui.loading import Loader
    from tests.fake_raven import FakeRaven, write_profile

    profile = Profile.load(str(write_profile(folder / "profile")))
    settings = Settings(profile=str(folder / "profile"), data_dir=folder / "data")
    colours = colour_raven(folder / "colours", SlowWriter())

    def load() -> Any:
        raven: Any = FakeRaven(profile)
        for name in ("settings", "encoder", "memory", "retriever", "generator"):
            setattr(raven, name, getattr(colours, name))
        return raven

    def write(split: str, count: int, seed: int, out: Path) -> None:
        write_questions(write_captions(out))

    world = World(("in-domain", "novel"), write)
    context = Context(profile, settings, Loader(load).start(), Keeper.from_settings(settings), world)
    build(context).launch(server_name="127.0.0.1", server_port=port, **launch_options())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    driver.chromium_or_skip()
    folder, port = tmp_path_factory.mktemp("site"), driver.free_port()
    command = ["-m", "tests.test_browser_evaluate", str(folder), str(port)]
    with driver.served(command, port, folder / "server.log") as (found, _, _):
        yield found


@pytest.fixture
def visitor(chromium: Any, address: str) -> Iterator[Visitor]:
    one = Visitor(chromium, address)
    one.tab("Evaluate")
    one.page.wait_for_selector("#rv-evaluate-run")
    yield one
    one.leave()


def evaluate(visitor: Visitor) -> str:
    visitor.page.click("#rv-evaluate-run")
    visitor.page.wait_for_selector("#rv-evaluate-samples .rv-sample")
    visitor.page.wait_for_selector("#rv-evaluate-run", state="visible")
    return visitor.text("#rv-evaluate-report")


def test_from_a_split_to_a_report_a_sample_on_explore_and_a_zip(visitor, tmp_path):
    page = visitor.page
    assert "Does looking things up help?" in visitor.text("#rv-evaluate-empty")
    told = evaluate(visitor)
    # each picture has a pair of its colour in the memory, whose caption is one of its right answers
    assert "Retrieval gained" in told and "Nearest caption copied" in told
    assert page.locator("#rv-evaluate-plots img").count() >= 3
    sample = page.locator(".rv-sample").first
    assert PAIRS["r0"][1] in sample.inner_text() and "Images and captions" in sample.inner_text()
    with page.expect_download() as waiting:
        page.click("#rv-evaluate-download")
    waiting.value.save_as(tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as zipped:
        names = {Path(name).name for name in zipped.namelist()}
        texts = b"".join(zipped.read(name) for name in zipped.namelist() if name.endswith((".json", ".jsonl", ".md")))
    assert {"samples.jsonl", "report.json", "report.md", "run.json"} <= names
    assert b"raven-evaluate-" not in texts
    visitor.mark()
    page.get_by_role("button", name="Open sample 1 on the Explore page as “Captions only”").click()
    visitor.wait_for_answer()
    assert page.locator("#rv-image img").count() == 1
    fed = [page.locator(f"#rv-feed-{part} input").is_checked() for part in ("images", "captions")]
    assert fed == [False, True]


def test_questions_filters_and_the_largest_change(visitor):
    page = visitor.page
    visitor.slow_line()
    visitor.tab("Evaluate")
    evaluate(visitor)
    page.locator("#rv-evaluate-task").get_by_text("Questions").click()
    page.get_by_text("what colour is it").first.wait_for()
    page.locator("#rv-evaluate-show").get_by_text("Failed").click()
    page.get_by_text("No sample failed here.").wait_for()
    page.locator("#rv-evaluate-task").get_by_text("Captions").click()
    page.locator("#rv-evaluate-show").get_by_text("Largest change first").click()
    page.locator(".rv-sample .rv-effect-helped").first.wait_for()


def test_own_files_are_measured_and_a_bad_zip_is_refused_in_words(visitor, tmp_path):
    page = visitor.page
    data, good, bad = write_captions(tmp_path / "data"), tmp_path / "mine.zip", tmp_path / "bad.zip"
    with zipfile.ZipFile(good, "w") as zipped:
        for path in sorted(data.rglob("*.*")):
            zipped.write(path, f"mine/{path.relative_to(data)}")
    with zipfile.ZipFile(bad, "w") as zipped:
        zipped.writestr("../evil.json", "{}")
    page.locator("#rv-evaluate-source").get_by_text("Your own files").click()
    page.click("#rv-evaluate-run")
    page.get_by_text("There are no files yet").wait_for()
    page.locator("#rv-evaluate-files input[type=file]").set_input_files(str(bad))
    page.get_by_text("bad.zip").first.wait_for()
    page.wait_for_timeout(500)
    page.click("#rv-evaluate-run")
    page.get_by_text("names a file outside itself").wait_for()
    page.locator("#rv-evaluate-files button[aria-label='Clear']").first.click()
    page.locator("#rv-evaluate-files input[type=file]").set_input_files(str(good))
    page.get_by_text("mine.zip").first.wait_for()
    page.wait_for_timeout(500)
    assert "mine: 3 samples" in evaluate(visitor)


def test_stop_ends_a_run_and_the_next_one_works(visitor):
    page = visitor.page
    page.click("#rv-evaluate-run")
    page.wait_for_selector(".rv-meter")
    page.click("#rv-evaluate-stop")
    page.wait_for_selector("#rv-evaluate-run", state="visible")
    assert "Retrieval" in evaluate(visitor)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_sticks_out_sideways(chromium, address, width, scheme):
    visitor = Visitor(chromium, address, width, 844, scheme)
    visitor.tab("Evaluate")
    evaluate(visitor)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    if os.environ.get("RAVEN_SHOTS"):
        visitor.page.screenshot(path=f"{os.environ['RAVEN_SHOTS']}/evaluate-{width}-{scheme}.png", full_page=True)
    visitor.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
