"""The Annotate page as people use it, in real Chromium: two annotators at once, keys, undo, reload, a second tab."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from raven_core.annotation import Queues
from raven_core.judgments import JudgmentStore
from tests.browser import Visitor
from tests.test_ui_annotate import drafts

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("RAVEN_SHOTS")  # a folder for pictures of the page, to look at


@pytest.fixture(scope="module")
def site(fake_page: tuple[str, Path]) -> Iterator[tuple[str, Queues]]:
    """The page's address, and its queues in the database."""
    store = JudgmentStore(next(fake_page[1].rglob("judgments.db")))
    yield fake_page[0], Queues(store)
    store.close()


@pytest.fixture
def arrive(chromium: Any, site: tuple[str, Queues]) -> Iterator[Callable[..., Visitor]]:
    """Opens a browser of one's own on the Annotate tab."""
    here: list[Visitor] = []

    def come(width: int = 1440, scheme: str = "light") -> Visitor:
        here.append(Visitor(chromium, site[0], width, 1000, scheme))
        open_tab(here[-1])
        return here[-1]

    yield come
    for one in here:
        one.leave()


def open_tab(visitor: Visitor) -> None:
    visitor.tab("Annotate")
    visitor.page.wait_for_selector("#rv-annotate-begin", state="visible")


def tick(place: Any, label: str) -> None:
    """Click a choice by its label."""
    place.locator("label").filter(has_text=label).click()


def choose(page: Any, queue: str) -> None:
    """Pick a queue in the menu."""
    page.locator("#rv-annotate-queue input").click()
    page.get_by_role("option", name=re.compile(re.escape(queue))).click()


def begin(page: Any, name: str, queue: str) -> None:
    page.locator("#rv-annotate-name input, #rv-annotate-name textarea").first.fill(name)
    choose(page, queue)
    page.click("#rv-annotate-begin")
    page.wait_for_selector("[data-token]")


def token(page: Any) -> str:
    return str(page.locator("[data-token]").get_attribute("data-token"))


def press(page: Any, *keys: str) -> None:
    """Press keys, and wait for the next item (or the end)."""
    before = token(page)
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function("(old) => document.querySelector('[data-token]')?.dataset.token !== old", arg=before)


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(500)
        page.screenshot(path=f"{SHOTS}/annotate-{name}.png", full_page=True)


def test_two_annotators_judge_one_queue_at_once_and_a_reload_loses_nothing(arrive, site):
    queues = site[1]
    queue = queues.create("birds", drafts(4), order="given", wanted=2)
    anna, ben = arrive(), arrive()
    begin(anna.page, "Anna", "birds")
    begin(ben.page, "Ben", "birds")
    assert "both" not in anna.text("form.rv-item").lower().replace("both good", "").replace("both bad", "")
    for number in range(2):
        press(anna.page, "1", "Enter")
        press(ben.page, "3" if number else "1", "Enter")
    before = anna.text("form.rv-item h2"), anna.text("form.rv-item .rv-eyebrow"), anna.text(".rv-candidates")
    anna.page.reload()
    anna.page.wait_for_selector(".rv-status-ready")
    open_tab(anna)
    anna.page.wait_for_selector("form.rv-item")
    after = anna.text("form.rv-item h2"), anna.text("form.rv-item .rv-eyebrow"), anna.text(".rv-candidates")
    assert after == before and "2 of 4 done by you" in anna.text(".rv-item-progress")
    for _ in range(2):
        press(anna.page, "2", "Enter")
        press(ben.page, "2", "Enter")
    for one in (anna, ben):
        assert "Nothing is left for you" in one.text("[data-token]")
    given = {name: queues.judgments(queue.id, name) for name in ("Anna", "Ben")}
    assert [len(found) for found in given.values()] == [4, 4]
    assert [one.preference for one in given["Anna"]] == ["A", "A", "B", "B"]
    assert [one.preference for one in given["Ben"]] == ["A", "both-good", "B", "B"]
    assert queues.progress(queue.id).complete == 4
    anna.page.keyboard.press("r")
    anna.page.wait_for_selector(".rv-revealed")
    assert "No retrieval" in anna.text(".rv-revealed") and "Ben" in anna.text(".rv-voices")


def test_verdicts_tags_words_undo_and_skip(arrive, site):
    queues = site[1]
    queue = queues.create("details", drafts(3), order="given", wanted=1)
    page = arrive().page
    begin(page, "Cleo", "details")
    assert not page.locator(".rv-wrong").first.is_visible()
    tick(page.locator(".rv-candidate").first, "Failure")
    tick(page.locator(".rv-wrong").first, "Copied what most captions say")
    page.fill("[name=correction]", "1 zumi, says u and s")
    press(page, "Enter")
    [one] = queues.judgments(queue.id, "Cleo")
    first = one.shown[0]
    assert one.verdicts[first] == "failure" and one.tags[first] == ("majority-copy",) and one.preference == ""
    assert one.correction == "1 zumi, says u and s"
    assert page.locator("form.rv-item input:checked").count() == 0, "the next item begins with nothing chosen"
    assert page.input_value("[name=correction]") == ""
    press(page, "s")
    press(page, "u")
    press(page, "u")
    assert page.input_value("[name=correction]") == "1 zumi, says u and s"
    assert page.locator("[data-verdict=A][value=failure]").is_checked()
    assert queues.judgments(queue.id, "Cleo") == []
    press(page, "4", "Enter")
    assert [one.preference for one in queues.judgments(queue.id, "Cleo")] == ["both-bad"]


def test_a_double_press_and_a_second_tab_count_once(arrive, site):
    queues = site[1]
    queue = queues.create("twice", drafts(3), order="given", wanted=1)
    visitor = arrive()
    page = visitor.page
    begin(page, "Dora", "twice")
    other = visitor.context.new_page()
    other.goto(visitor.address)
    other.wait_for_selector(".rv-status-ready")
    other.get_by_role("tab", name="Annotate").click()
    other.wait_for_selector("form.rv-item")
    page.keyboard.press("1")
    page.evaluate("() => { const form = document.querySelector('form.rv-item'); "
                  "form.requestSubmit(); form.requestSubmit(); form.requestSubmit(); }")  # fmt: skip
    page.get_by_text("Item 2 of 3").wait_for()
    page.wait_for_timeout(700)
    assert "Item 2 of 3" in visitor.text("form.rv-item")
    press(other, "2", "Enter")  # the same first item, from the other tab
    [one] = queues.judgments(queue.id, "Dora")
    assert one.preference == "B" and len(queues.history(one.id)) == 2


def test_a_queue_is_made_from_examples_and_what_is_missing_is_said(arrive, site):
    visitor = arrive()
    page = visitor.page
    assert "Give your name." in visitor.text("#rv-annotate-item")
    page.click("#rv-annotate-begin")
    page.get_by_text("Give your name first.").wait_for()
    page.click("#rv-annotate-make")
    page.locator("#rv-annotate-made").get_by_text("A queue needs a name").wait_for()
    page.locator("#rv-annotate-made-name input, #rv-annotate-made-name textarea").first.fill("my examples")
    page.click("#rv-annotate-make")
    page.get_by_text("“my examples” is ready: 4 items.").wait_for()
    begin(page, "Emil", "my examples")
    page.keyboard.press("Enter")
    page.get_by_text("Nothing was said").wait_for()
    press(page, "2", "Enter")
    page.click("[data-act=reveal]")
    page.wait_for_selector(".rv-revealed")
    assert "Images and captions" in visitor.text(".rv-revealed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_sticks_out_sideways(arrive, site, width, scheme):
    name = f"wide {width} {scheme}"
    site[1].create(name, drafts(2), order="given", wanted=2)
    page = arrive(width, scheme).page
    shoot(page, f"empty-{width}-{scheme}")
    begin(page, f"Finn {name}", name)
    page.keyboard.press("1")
    tick(page.locator(".rv-candidate").first, "Partly")
    shoot(page, f"item-{width}-{scheme}")
    press(page, "Enter")
    page.keyboard.press("r")
    page.wait_for_selector(".rv-revealed")
    shoot(page, f"revealed-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
