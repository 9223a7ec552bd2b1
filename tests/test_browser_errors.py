"""The Errors page as people use it, in real Chromium, over judged answers whose figures are known."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import browser as driver
from tests.browser import Visitor

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    driver.chromium_or_skip()
    folder, port = tmp_path_factory.mktemp("errors"), driver.free_port()
    command = ["-m", "tests.serve_errors", str(folder), str(port), "all"]
    with driver.served(command, port, folder / "server.log") as (address, _, _):
        yield address


def address_of(visitor: Visitor) -> dict[str, list[str]]:
    return parse_qs(urlsplit(visitor.page.url).query)


def test_filter_share_the_address_replay_and_export(chromium, site, tmp_path: Path):
    visitor = Visitor(chromium, site)
    page = visitor.page
    visitor.tab("Errors")
    page.wait_for_selector("#rv-err-headline .rv-err-tile")
    # ann 8 (4 success), bob 4 (2 of them: a pair that was both good), a visitor 16 (11): 17 of 28
    assert visitor.text("#rv-err-headline .rv-err-big") == "60.7 %"
    assert "5 times with retrieval, 2 times without; 1 both good" in visitor.text("#rv-err-headline")
    page.wait_for_function("location.search.includes('tab=errors')")

    page.locator("#rv-err-chart .rv-err-name").filter(has_text="no retrieval").click()
    page.wait_for_selector("#rv-err-active .rv-chip")
    page.wait_for_function("location.search.includes('cell=none')")
    assert visitor.text("#rv-err-active b") == "6 of 28 judged answers"
    assert address_of(visitor) == {"tab": ["errors"], "cell": ["none"]}

    friend = Visitor(chromium, site + "/?tab=errors&cell=none&tag=majority-copy")
    friend.page.wait_for_selector("#rv-err-gallery .rv-err-card")
    assert friend.text("#rv-err-active b") == "2 of 28 judged answers"
    friend.close()

    page.locator("#rv-err-active .rv-chip").last.click()
    page.wait_for_function("!location.search.includes('cell')")
    assert visitor.text("#rv-err-place") == "1 to 12 of 28"
    page.click("#rv-err-older")
    page.get_by_text("13 to 24 of 28").wait_for()
    page.click("#rv-err-newer")
    page.get_by_text("1 to 12 of 28").wait_for()

    page.locator("#rv-err-gallery [data-act=replay]").first.click()
    page.wait_for_selector("#rv-err-replay section[aria-busy=false]")
    assert "The same answer" in visitor.text("#rv-err-replay")

    with page.expect_download() as begun:
        page.click("#rv-err-make")
    begun.value.save_as(tmp_path / "judged.csv")
    rows = list(csv.DictReader((tmp_path / "judged.csv").open(encoding="utf-8", newline="")))
    assert len(rows) == 28 and {row["annotator"] for row in rows} >= {"ann", "bob"}
    assert not any("a" * 32 in row["annotator"] for row in rows), "a visitor's number is a secret"

    visitor.tab("Explore")
    page.wait_for_function("!location.search.includes('tab=')")
    visitor.leave()
