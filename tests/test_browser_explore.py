"""The Explore page as people use it, in real Chromium.

Most tests run over a fake pipeline, so that each answer is known; the last ones start ``app.py`` itself on the
bundled profile. RAVEN_REQUIRE_BROWSER=1 makes a missing Chromium a failure.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from raven_core.settings import ASSETS
from tests import browser as driver
from tests.browser import Visitor
from tests.fake_raven import drawn

pytestmark = pytest.mark.browser

BUNDLED = (ASSETS / "fieldguide" / "profile.json").is_file()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = {name: folder / f"{name}.png" for name in ("creature", "other", "plain")}
    drawn(60)[0].save(paths["creature"])
    drawn(61)[0].save(paths["other"])
    Image.new("RGB", (64, 64), "navy").save(paths["plain"])
    paths["broken"] = folder / "broken.png"
    paths["broken"].write_bytes(paths["creature"].read_bytes()[:900])
    paths["empty"] = folder / "empty.png"
    paths["empty"].write_bytes(b"")
    return paths


def rows(data: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What the database says, read by another process than the server."""
    with sqlite3.connect(f"file:{data / 'judgments.db'}?mode=ro", uri=True) as connection:
        return connection.execute(query, values).fetchall()


# ---------------------------------------------------------------- asking


def test_a_press_that_crosses_the_end_of_the_one_before_is_answered(visitor):
    visitor.slow_line()
    visitor.page.wait_for_selector("#rv-store input:enabled")
    visitor.page.wait_for_timeout(1000)
    visitor.page.get_by_text("Ask about it").click()
    visitor.page.wait_for_timeout(300)  # the server is done with it, and the browser does not know yet
    assert visitor.pick_example(0)


def test_upload_run_and_see_the_neighbours_and_the_answer(visitor, pictures):
    visitor.upload(pictures["creature"])
    answer = visitor.run()
    assert answer == visitor.captions()[0], "the fake copies the nearest caption"
    assert len(visitor.captions()) == 3
    assert visitor.text("#rv-answer .rv-confidence b").endswith("%")
    assert visitor.page.locator("#rv-neighbours .rv-card img").count() == 3


def test_feeding_images_captions_both_or_nothing_changes_the_answer(visitor, pictures):
    visitor.upload(pictures["creature"])
    both = visitor.run()
    visitor.switch("#rv-feed-captions", False)
    images_only = visitor.run()
    assert images_only != both and visitor.page.locator("#rv-neighbours .rv-caption .rv-not-fed").count() == 3
    visitor.switch("#rv-feed-images", False)
    nothing = visitor.run()
    assert nothing not in (both, images_only) and visitor.captions() == []
    visitor.switch("#rv-feed-captions", True)
    captions_only = visitor.run()
    assert captions_only == both and visitor.page.locator("#rv-neighbours img.rv-dim").count() == 3


def test_k_sets_how_many_neighbours_come(visitor, pictures):
    visitor.upload(pictures["creature"])
    number = visitor.page.locator("#rv-k input[type=number]")
    number.fill("5")
    number.press("Tab")
    visitor.run()
    assert len(visitor.captions()) == 5


def test_enter_in_the_question_box_asks(visitor, pictures):
    visitor.upload(pictures["creature"])
    visitor.ask("what is it called")
    assert visitor.text("#rv-answer .rv-asked") == "what is it called"


def test_one_click_on_an_example_runs_it(visitor):
    answer = visitor.pick_example(2)
    assert answer and visitor.text("#rv-answer .rv-asked") == "what does it eat"
    assert visitor.page.locator("#rv-image img").count() == 1


def test_the_prompt_is_shown_verbatim(visitor):
    visitor.pick_example(0)
    visitor.page.click("#rv-given-fold button")
    prompt = visitor.page.locator("#rv-given pre").inner_text()
    assert prompt.startswith("User:<image>Similar image: ") and prompt.rstrip().endswith("Assistant:")


def test_text_that_looks_like_markup_or_a_template_stays_text(visitor, pictures):
    visitor.upload(pictures["creature"])
    assert visitor.ask("verbatim <img src=x onerror=alert(1)>") == "<b>bold</b> ${1+1} {{value}}"
    assert visitor.text("#rv-answer .rv-asked") == "verbatim <img src=x onerror=alert(1)>"


# ---------------------------------------------------------------- what can go wrong


@pytest.mark.parametrize("which", ["broken", "empty"])
def test_a_broken_file_is_refused_in_place_and_the_question_stays(visitor, pictures, which):
    visitor.page.locator("#rv-image input[type=file]").first.set_input_files(str(pictures[which]))
    visitor.page.get_by_text("Ask about it").click()
    box = visitor.question_box()
    box.fill("what is it")
    visitor.page.wait_for_timeout(500)
    visitor.page.click("#rv-run")
    assert "That did not work" in visitor.text("#rv-notice .rv-error")
    assert box.input_value() == "what is it"


def test_running_without_an_image_or_a_question_says_what_is_missing(visitor, pictures):
    visitor.page.click("#rv-run")
    assert "There is no image yet" in visitor.text("#rv-notice .rv-error")
    visitor.upload(pictures["creature"])
    visitor.page.get_by_text("Ask about it").click()
    visitor.page.click("#rv-run")
    visitor.page.get_by_text("The question is empty").wait_for()


def test_a_strange_image_gets_the_warning_with_its_numbers(visitor, pictures):
    visitor.upload(pictures["plain"])
    visitor.run()
    told = visitor.text("#rv-notice .rv-warning")
    assert "0.500" in told and "5 %" in told


def test_stop_keeps_what_is_there_and_the_next_run_works(visitor, pictures):
    visitor.upload(pictures["creature"])
    visitor.page.get_by_text("Ask about it").click()
    visitor.question_box().fill("slowly please")
    visitor.page.click("#rv-run")
    visitor.page.get_by_text("word3", exact=True).wait_for()
    visitor.page.click("#rv-stop")
    visitor.page.get_by_text("Stopped before the end").wait_for()
    assert visitor.page.locator("#rv-verdict").count() == 0, "half an answer is not judged"
    assert visitor.ask("what is it called")


def test_a_new_image_clears_the_answer_to_the_old_one(visitor, pictures):
    visitor.upload(pictures["creature"])
    visitor.run()
    visitor.upload(pictures["other"])
    visitor.page.get_by_text("Nothing asked yet").wait_for()
    assert visitor.captions() == []


# ---------------------------------------------------------------- neighbours


def test_leaving_a_neighbour_out_runs_again_without_it_and_it_can_come_back(visitor, pictures):
    visitor.upload(pictures["creature"])
    first = visitor.run()
    before = visitor.captions()
    without = visitor.answer_after(lambda: visitor.page.locator("[data-act=leave-out]").first.click())
    assert without != first and visitor.captions()[:2] == before[1:] and len(visitor.captions()) == 3
    assert visitor.answer_after(lambda: visitor.page.locator("[data-act=put-back]").first.click()) == first
    assert visitor.captions() == before and visitor.page.locator("[data-act=put-back]").count() == 0


# ---------------------------------------------------------------- judging


def test_judge_reload_and_find_the_judgment_in_the_database(visitor, fake_page):
    visitor.pick_example(3)
    assert "Saved: Failure 1 judgment from you" in visitor.judge("Failure")
    visitor.page.get_by_text("Copied what most captions say").click()
    visitor.page.locator("#rv-correction input, #rv-correction textarea").first.fill("=a zumi")
    visitor.page.click("#rv-save-details")
    visitor.page.get_by_text("with details").wait_for()
    visitor.open()
    assert "Your last judgment: Failure" in visitor.text("#rv-saved")
    found = rows(
        fake_page[1], "select verdict, tags, correction, withdrawn from judgments order by created desc limit 1"
    )
    assert found == [("failure", '["majority-copy"]', "=a zumi", 0)]
    [(image_file, neighbours)] = rows(
        fake_page[1], "select image_file, neighbours from trials join judgments on trials.id = trial_id "
        "order by judgments.created desc limit 1"
    )  # fmt: skip
    assert (fake_page[1] / "images" / image_file).is_file() and neighbours.count('"similarity"') == 3


def test_a_judgment_can_be_changed_and_withdrawn_even_after_the_next_answer(visitor, fake_page):
    visitor.pick_example(0)
    visitor.judge("Success")
    visitor.pick_example(1)
    assert "Your last judgment: Success" in visitor.text("#rv-saved")
    visitor.page.click("#rv-change")
    visitor.page.get_by_text("Changing your judgment").wait_for()
    assert "Partly" in visitor.judge("Partly")
    visitor.page.click("#rv-withdraw")
    visitor.page.get_by_text("Withdrawn. It no longer counts.").wait_for()
    last = "select verdict, withdrawn from judgments order by updated desc limit 1"
    assert rows(fake_page[1], last) == [("partly", 1)]


def test_switching_storing_off_keeps_nothing_and_is_remembered(visitor, fake_page):
    visitor.switch("#rv-store", False)
    before = rows(fake_page[1], "select count(*) from trials")
    visitor.pick_example(0)
    visitor.page.get_by_text("was not stored").wait_for()
    assert rows(fake_page[1], "select count(*) from trials") == before
    assert not visitor.page.locator("#rv-verdict input").first.is_enabled()
    visitor.open()
    visitor.page.wait_for_timeout(800)
    assert not visitor.page.locator("#rv-store input").is_checked()


def test_a_person_deletes_what_they_gave_and_only_that(chromium, fake_page, visitor):
    other = Visitor(chromium, fake_page[0])
    for one in (visitor, other):
        one.pick_example(1)
        one.judge("Success")
    before = rows(fake_page[1], "select count(*) from judgments")[0][0]
    visitor.tab("About & privacy")
    visitor.page.click("#rv-delete")
    visitor.page.click("#rv-delete-confirm")
    visitor.page.get_by_text("Deleted: 1 stored answer").wait_for()
    assert rows(fake_page[1], "select count(*) from judgments")[0][0] == before - 1
    other.open()
    assert "Your last judgment: Success" in other.text("#rv-saved")
    other.close()


# ---------------------------------------------------------------- two people, small screens, keys


def test_two_people_at_once_never_see_each_others_page(chromium, fake_page, pictures):
    one, two = Visitor(chromium, fake_page[0]), Visitor(chromium, fake_page[0])
    one.upload(pictures["creature"])
    two.upload(pictures["other"])
    for visitor in (one, two):
        visitor.mark()
        visitor.page.click("#rv-run")
    first, second = one.wait_for_answer(), two.wait_for_answer()
    assert first != second and first == one.captions()[0] and second == two.captions()[0]
    one.judge("Failure")
    assert not two.page.locator("#rv-details").is_visible()
    assert two.page.locator("#rv-verdict input:checked").count() == 0
    two.open()
    assert two.page.locator("#rv-saved p").count() == 0
    for visitor in (one, two):
        visitor.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_sticks_out_sideways(chromium, fake_page, width, scheme):
    visitor = Visitor(chromium, fake_page[0], width, 844, scheme)
    visitor.pick_example(0)
    visitor.judge("Failure")
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    is_dark = visitor.page.evaluate("document.body.classList.contains('dark')")
    assert is_dark == (scheme == "dark")
    visitor.close()


def test_the_page_works_by_keyboard_alone(visitor, pictures):
    visitor.upload(pictures["creature"])
    page = visitor.page
    page.focus("#rv-run")
    visitor.answer_after(lambda: page.keyboard.press("Enter"))
    page.focus("#rv-verdict input")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.get_by_text("Saved: Partly").wait_for()
    page.focus("[data-act=leave-out]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-act=put-back]")
    assert page.locator("[data-act=put-back]").count() == 1


# ---------------------------------------------------------------- the program itself


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, float, Any]]:
    """``python app.py`` on the bundled profile: address, data folder, seconds until it answered, process."""
    driver.chromium_or_skip()
    if not BUNDLED:
        pytest.skip("the bundled profile is not there: python -m finetune.build_fieldguide makes it")
    folder, port = tmp_path_factory.mktemp("app"), driver.free_port()
    command = ["app.py", "--port", str(port), "--data-dir", str(folder / "data")]
    with driver.served(command, port, folder / "server.log", HF_HUB_OFFLINE="1") as (address, seconds, process):
        yield address, folder / "data", seconds, process


def test_the_bundled_page_answers_about_an_upload_and_each_modality_matters(chromium, app):
    address, data, _, process = app
    example = sorted((ASSETS / "fieldguide" / "examples").glob("out-domain*.webp"))[0]
    visitor = Visitor(chromium, address)
    visitor.upload(example)
    both = visitor.run()
    assert both and len(visitor.captions()) == 3
    visitor.switch("#rv-feed-images", False)
    visitor.run()
    assert visitor.page.locator("#rv-neighbours img.rv-dim").count() == 3
    visitor.switch("#rv-feed-captions", False)
    alone = visitor.run()
    assert alone != both and visitor.captions() == []
    visitor.switch("#rv-feed-captions", True)
    visitor.run()
    visitor.judge("Partly")
    os.kill(process.pid, signal.SIGKILL)  # what was called saved is on disk
    assert rows(data, "select verdict from judgments") == [("partly",)]
    assert visitor.problems == [] and visitor.foreign == []
    visitor.close()
