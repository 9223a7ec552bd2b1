"""The Annotate page as people use it, in real Chromium, over the fake pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import browser as driver
from tests.browser import Visitor

pytestmark = pytest.mark.browser

ITEM = "#rv-annotate-item form.rv-item"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The tab with a queue of four example pictures, made there, and Anna at its first item."""
    driver.chromium_or_skip()
    folder, port = tmp_path_factory.mktemp("annotate"), driver.free_port()
    command = ["-m", "tests.serve_fake", str(folder), str(port)]
    with driver.served(command, port, folder / "server.log") as (address, _, _), driver.chromium() as chromium:
        visitor = Visitor(chromium, address)
        tab = visitor.page
        tab.get_by_role("tab", name="Annotate").click()
        field(tab, "#rv-annotate-made-name").fill("four pictures")
        tab.get_by_text("as they come").click()
        tab.click("#rv-annotate-make")
        tab.get_by_text("“four pictures” is ready: 4 items.").wait_for()
        field(tab, "#rv-annotate-name").fill("Anna")
        tab.click("#rv-annotate-begin")
        tab.get_by_text("Item 1 of 4").wait_for()
        yield tab
        assert visitor.problems == [] and visitor.foreign == []
        visitor.close()


def field(tab: Any, place: str) -> Any:
    return tab.locator(f"{place} input, {place} textarea").first


def said(tab: Any) -> tuple[list[str], list[str]]:
    """What is chosen and typed in the form of the item."""
    chosen = [one.get_attribute("value") for one in tab.locator(f"{ITEM} input:checked").all()]
    return chosen, [one.input_value() for one in tab.locator(f"{ITEM} input[type=text]").all()]


def test_the_next_item_comes_with_an_empty_form_and_undo_with_what_was_said(page):
    page.locator(f"{ITEM} input[name=note]").fill("a clear case")
    page.locator(f"{ITEM} input[name=note]").blur()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_text("Item 2 of 4").wait_for()
    assert said(page) == ([], ["", ""])
    page.keyboard.press("u")
    page.get_by_text("Item 1 of 4").wait_for()
    assert said(page) == (["A"], ["", "a clear case"])
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.get_by_text("Item 2 of 4").wait_for()
    assert said(page) == ([], ["", ""])


def test_what_anna_gave_is_deleted_after_a_question(page):
    page.click("#rv-annotate-forget")
    page.get_by_text("This deletes everything given under “Anna” from this browser").wait_for()
    page.click("#rv-annotate-forget-cancel")
    page.click("#rv-annotate-forget")
    page.click("#rv-annotate-forget-confirm")
    page.get_by_text("Items it was about: 1.").wait_for()
    page.get_by_text("0 of 4 done by you").wait_for()
    page.get_by_text("Item 1 of 4").wait_for()
    assert said(page) == ([], ["", ""])
