"""The page in two languages at once, in real Chromium: each visitor reads the one of their browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from raven_core.ui.words import say
from tests.browser import Visitor

pytestmark = pytest.mark.browser

CHINESE, ENGLISH = "zh-CN", "en"
TABS = ("tab_explore", "tab_compare", "annotate_tab", "errors_tab", "evaluate_tab", "tab_about")
LABELS = ("k", "adapter", "adapter_hint", "feed_images", "store", "run_caption", "advanced", "task_question")
HTML = ("welcome", "feed", "feed_hint", "examples", "tagline", "ready")


@pytest.fixture
def both(chromium: Any, fake_page: tuple[str, Path]) -> Iterator[dict[str, Visitor]]:
    """Two people on the page at the same time."""
    people = {
        CHINESE: Visitor(chromium, fake_page[0], locale="zh-CN"),
        ENGLISH: Visitor(chromium, fake_page[0], locale="en-GB"),
    }
    yield people
    for person in people.values():
        person.close()
        assert person.problems == [] and person.foreign == []


def waits_for(visitor: Visitor, text: str) -> None:
    """Until the text is there."""
    visitor.page.get_by_text(text, exact=True).first.wait_for()


def opens(visitor: Visitor, tab: str, language: str) -> None:
    visitor.page.get_by_role("tab", name=say(tab, language), exact=True).click()


def test_each_reads_tabs_labels_and_the_welcome_in_their_language(both):
    for language, visitor in both.items():
        shown = visitor.page.get_by_role("tab").all_inner_texts()
        assert [say(tab, language) for tab in TABS] == [text for text in shown if text][: len(TABS)]
        for key in (*LABELS, *HTML):
            waits_for(visitor, say(key, language))
        other = ENGLISH if language == CHINESE else CHINESE
        assert not any(say(key, other) in visitor.page.inner_text("body") for key in (*LABELS, *HTML))
        assert visitor.page.title() == say("page_title", language)
        spoken = visitor.page.evaluate("document.documentElement.lang")
        assert spoken == ("zh-CN" if language == CHINESE else "en")


def test_each_gets_answers_refusals_and_buttons_in_their_language(both):
    for language, visitor in both.items():
        visitor.page.get_by_text(say("task_question", language)).first.click()
        waits_for(visitor, say("run_question", language))  # the label that a handler sends
        visitor.page.get_by_text(say("task_caption", language)).first.click()
        waits_for(visitor, say("run_caption", language))
        visitor.page.click("#rv-run")
        visitor.page.locator("#rv-notice").get_by_text(say("error_no_image", language)).wait_for()
        visitor.pick_example(0)
    for language, visitor in both.items():  # while the other's answer is there, too
        eyebrow = f"{say('answer_caption', language)} · {say('fed_both', language)}"
        assert visitor.text("#rv-answer .rv-eyebrow").lower().startswith(eyebrow.lower())
        assert visitor.text("#rv-neighbours .rv-leave") == say("leave_out", language)
        visitor.page.locator("#rv-verdict").get_by_text(say("verdict_failure", language), exact=True).click()
        saved = say("saved", language, verdict=say("verdict_failure", language))
        visitor.page.locator("#rv-saved").get_by_text(saved).wait_for()
        assert visitor.page.locator("#rv-tags").get_by_text(say("tag_majority-copy", language)).is_visible()


def test_a_refusal_of_the_library_is_put_into_chinese(both, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image at all")
    both[CHINESE].upload(broken)
    both[CHINESE].page.click("#rv-run")
    both[CHINESE].page.locator("#rv-notice").get_by_text("这不是 RAVEN 能读取的图像").wait_for()
    assert "not an image" not in both[CHINESE].text("#rv-notice")


def test_every_tab_is_in_chinese_and_nothing_sticks_out_on_a_phone(chromium, fake_page):
    visitor = Visitor(chromium, fake_page[0], width=390, height=844, locale="zh-CN")
    keys = {
        "tab_compare": "study_empty",
        "annotate_tab": "annotate_empty",
        "errors_tab": "errors_title",
        "evaluate_tab": "evaluate_empty",
        "tab_about": "about_title",
    }
    for tab, key in keys.items():
        wanted = visitor.page.get_by_role("tab", name=say(tab, CHINESE), exact=True)
        if not wanted.is_visible():
            visitor.page.locator(".overflow-menu > button").click()
            wanted = visitor.page.locator(".overflow-dropdown").get_by_text(say(tab, CHINESE), exact=True)
        wanted.click()
        waits_for(visitor, say(key, CHINESE))
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab
    assert visitor.problems == []
    visitor.close()


def test_a_report_that_is_made_in_chinese_is_in_chinese(both):
    visitor = both[CHINESE]
    visitor.pick_example(0)
    visitor.page.locator("#rv-verdict").get_by_text(say("verdict_success", CHINESE), exact=True).click()
    visitor.page.locator("#rv-saved .rv-line-saved").wait_for()
    opens(visitor, "errors_tab", CHINESE)
    visitor.page.locator("#rv-err-format input").click()
    visitor.page.get_by_role("option", name=say("errors_format_html", CHINESE)).click()
    with visitor.page.expect_download() as download:
        visitor.page.click("#rv-err-make")
    made = Path(download.value.path()).read_text("utf-8")
    assert '<html lang="zh-CN">' in made and "评判过的回答" in made and "无检索" in made
    assert "judged answers" not in made
