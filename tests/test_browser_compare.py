"""The Compare page as people use it, in real Chromium over a fake pipeline whose answers are known."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.browser import Visitor

pytestmark = pytest.mark.browser

KEPT = """(found) => found.map((one) => {
  const copy = one.cloneNode(true);
  copy.querySelectorAll('del').forEach((gone) => gone.remove());
  return copy.textContent;
})"""


def finding(visitor: Visitor) -> str:
    return visitor.text("#rv-finding")


def cells(visitor: Visitor) -> dict[str, str]:
    """Each cell's heading (its name and what it did) with its answer, struck words left out, when nothing runs."""
    visitor.page.wait_for_selector("#rv-study-cells section[aria-busy=false]")
    visitor.page.wait_for_selector("#rv-study-run", state="visible")
    headings = visitor.page.locator("#rv-study-cells .rv-cell h4").all_inner_texts()
    answers = visitor.page.locator("#rv-study-cells .rv-cell-text").evaluate_all(KEPT)
    return {" ".join(heading.split()): " ".join(text.split()) for heading, text in zip(headings, answers, strict=True)}


def compare_example(visitor: Visitor, number: int = 0) -> dict[str, str]:
    visitor.pick_example(number)
    visitor.page.click("#rv-compare-button")
    return cells(visitor)


def test_from_an_image_to_retrieval_hurt_because_a_caption_was_copied(visitor):
    found = compare_example(visitor)
    assert len(found) == 5 and "Images and captions changed" in found and "No retrieval compared with this" in found
    visitor.page.get_by_role("button", name="The answer of “No retrieval” is right").click()
    visitor.page.get_by_text("Retrieval hurt here.").wait_for()
    visitor.page.click("#rv-attribute")
    visitor.page.get_by_text("copied from the caption of neighbour 1").wait_for()
    assert "Retrieval hurt here." in finding(visitor)
    visitor.page.locator("#rv-explained .rv-copied").first.wait_for()
    visitor.page.locator("#rv-study-neighbours .rv-shares").nth(2).wait_for()
    visitor.page.wait_for_selector("#rv-study-run", state="visible")
    visitor.page.click("#rv-shapley")
    visitor.page.get_by_text("Exact shares: together they add up").wait_for()


def test_a_rewritten_caption_changes_the_answer_and_undo_brings_it_back(visitor):
    before = compare_example(visitor)["Images and captions changed"]
    box = visitor.page.locator("#rv-study-neighbours textarea[data-change=caption]").first
    box.fill("a purple walrus")
    box.press("Enter")
    visitor.page.locator(".rv-was").first.wait_for()
    assert "a purple walrus" in cells(visitor)["Images and captions changed"]
    visitor.page.locator("[data-act=undo-all]").click()
    visitor.page.locator(".rv-was").first.wait_for(state="detached")
    assert cells(visitor)["Images and captions changed"] == before


def test_a_neighbour_can_be_left_out_replaced_and_added(visitor, tmp_path):
    compare_example(visitor)
    page = visitor.page
    page.locator("#rv-study-neighbours [data-act=leave-out]").first.click()
    page.get_by_text("You changed:").wait_for()
    Image.new("RGB", (30, 20), "teal").save(tmp_path / "teal.png")
    cells(visitor)
    page.locator("#rv-study-neighbours input[data-change=image]").first.set_input_files(str(tmp_path / "teal.png"))
    page.locator("#rv-study-neighbours .rv-changed").first.wait_for()
    cells(visitor)
    page.locator(".rv-add textarea").fill("it is a narwhal")
    page.locator(".rv-add [data-act=add]").click()
    page.locator("#rv-study-neighbours .rv-card").nth(4).wait_for()
    assert "it is a narwhal" in " ".join(cells(visitor).values())


def test_a_broken_image_is_refused_in_words_and_the_page_goes_on(visitor, tmp_path):
    compare_example(visitor)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not an image")
    visitor.page.locator("#rv-study-neighbours input[data-change=image]").first.set_input_files(str(broken))
    visitor.page.locator(".toast-body, .toast-wrap").first.wait_for()
    assert visitor.page.locator("#rv-study-neighbours .rv-changed").count() == 0
    visitor.page.click("#rv-study-run")
    cells(visitor)


def test_other_neighbours_more_ks_and_known_answers(visitor):
    compare_example(visitor, 1)  # this example comes with its right answer
    assert "follow the right answers" in visitor.text("#rv-study-cells .rv-small")
    page = visitor.page
    page.locator("#rv-study-kind").get_by_text("random").click()
    page.locator("#rv-study-ks").get_by_text("1", exact=True).click()
    page.click("#rv-study-run")
    page.get_by_text("These are not the neighbours that were retrieved").wait_for()
    assert page.locator("#rv-study-cells .rv-row").all_inner_texts() == [
        "Without neighbours",
        "k = 1",
        "k = 3",
    ]


def test_without_an_image_the_page_says_what_to_do_and_its_examples_are_compared_at_once(visitor):
    page = visitor.page
    visitor.tab("Compare")
    page.get_by_text("Did looking it up help?").wait_for()
    page.click("#rv-study-run")
    page.get_by_text("There is no image yet").wait_for()
    page.locator("#rv-study-empty .rv-example").nth(2).click()
    assert len(cells(visitor)) == 5
    assert "what does it eat" in visitor.text("#rv-study-query")


def test_stop_ends_a_comparison_and_a_new_image_clears_it(visitor):
    visitor.pick_example(0)
    page = visitor.page
    page.get_by_text("Ask about it").first.click()
    visitor.question_box().fill("slowly please")
    visitor.tab("Compare")
    page.get_by_text("slowly please").first.wait_for()
    page.click("#rv-study-run")
    page.get_by_text("asking …").first.wait_for()
    page.click("#rv-study-stop")
    page.get_by_text("Did looking it up help?").wait_for()
    page.wait_for_timeout(500)
    assert page.locator("#rv-study-cells .rv-cell").count() == 0
    page.locator("#rv-study-empty .rv-example").first.click()
    cells(visitor)
    visitor.tab("Explore")
    visitor.pick_example(3)
    visitor.tab("Compare")
    page.get_by_text("Did looking it up help?").wait_for()


def test_it_works_by_keyboard(visitor):
    compare_example(visitor)
    page = visitor.page
    page.focus("#rv-study-cells [data-act=right]")
    page.keyboard.press("Enter")
    page.get_by_text("Retrieval hurt here.").wait_for()
    page.wait_for_timeout(1000)  # the page draws its buttons anew, and a focus set meanwhile would be lost
    page.locator("#rv-attribute").press("Enter")
    page.get_by_text("copied from the caption").wait_for()
    assert "Retrieval hurt here." in finding(visitor) and "copied from the caption" in finding(visitor)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_sticks_out_sideways(chromium, fake_page, width, scheme):
    visitor = Visitor(chromium, fake_page[0], width, 844, scheme)
    compare_example(visitor)
    visitor.page.click("#rv-attribute")
    visitor.page.locator(".rv-shares").first.wait_for()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    visitor.close()
