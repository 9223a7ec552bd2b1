"""A page in real Chromium, for tests: starting servers, opening browsers, waiting for what a person waits for."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("RAVEN_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
REQUIRED = os.environ.get("RAVEN_REQUIRE_BROWSER") == "1"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream"]
PATIENCE = float(os.environ.get("RAVEN_TEST_PATIENCE", "60"))  # seconds; more where the machine is busy
IS_LATE = os.environ.get("RAVEN_TEST_LATE") == "1"  # all visitors have a slow line


LATE = """
const plain = window.fetch;
window.fetch = async (...asked) => {
  const answer = await plain(...asked);
  if (!String(asked[0]?.url ?? asked[0]).includes('/queue/data')) return answer;
  let last;
  const give = (out, part) => [part.slice(0, 20), part.slice(20)].forEach((one) => one.length && out.enqueue(one));
  const late = new TransformStream({
    transform: (part, out) => {
      last = new Promise((go) => setTimeout(go, 800)).then(() => give(out, part));
    },
    flush: () => last,
  });
  return new Response(answer.body.pipeThrough(late), {headers: answer.headers, status: answer.status});
};
"""
"""What the server tells comes 800 ms late and in pieces, while presses reach it at once, as on a slow line."""


def chromium_or_skip() -> str:
    """The path of Chromium; without it the tests are skipped, or fail where RAVEN_REQUIRE_BROWSER=1."""
    reason = None
    if not Path(CHROMIUM).exists():
        reason = f"there is no Chromium at {CHROMIUM}: install Debian's chromium, or set RAVEN_CHROMIUM"
    try:
        import playwright  # noqa: F401
    except ImportError:
        reason = "playwright is not installed: pip install playwright"
    if reason is None:
        return CHROMIUM
    if REQUIRED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A running Chromium."""
    path = chromium_or_skip()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def free_port() -> int:
    """A port that nobody listens on, below those that outgoing connections take while a server is still starting."""
    for _ in range(100):
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a hundred ports were taken")


@contextlib.contextmanager
def served(command: Sequence[str], port: int, log: Path, **environment: str) -> Iterator[tuple[str, float, Any]]:
    """A server under ``command``: its address, the seconds until it answered, and its process."""
    started = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    try:
        address = f"http://127.0.0.1:{port}"
        while not answers(address):
            if process.poll() is not None or time.monotonic() - started > 5 * PATIENCE:
                raise AssertionError(f"the server did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
            time.sleep(0.1)
        yield address, time.monotonic() - started, process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(address: str) -> bool:
    """Whether a page comes back."""
    try:
        return bool(urllib.request.urlopen(address, timeout=5).status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Visitor:
    """One person's browser on the page, in words of what they do and see."""

    def __init__(
        self,
        browser: Any,
        address: str,
        width: int = 1440,
        height: int = 1000,
        scheme: str = "light",
        locale: str = "en-US",
    ) -> None:
        viewport = {"width": width, "height": height}
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme, locale=locale)
        self.context.set_default_timeout(PATIENCE * 1000)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.foreign: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self._note(request.url, address))
        self.address = address
        if IS_LATE:
            self.page.add_init_script(LATE)
        self.open()

    def _note(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:", address.replace("http", "ws", 1))):
            self.foreign.append(url)

    def open(self, wait_until_ready: bool = True) -> None:
        self.page.goto(self.address)
        self.page.wait_for_selector("#rv-run", state="attached")  # hidden where the address names another tab
        if wait_until_ready:
            self.page.wait_for_selector(".rv-status-ready")

    def slow_line(self) -> None:
        """Come anew, over a line on which what the server tells is late."""
        if not IS_LATE:
            self.page.add_init_script(LATE)
        self.open()

    def close(self) -> None:
        self.context.close()

    def leave(self) -> None:
        """Close, and make sure that nothing went wrong behind the page and nothing was asked of other servers."""
        self.close()
        assert self.problems == []
        assert self.foreign == [], "the page must work without any other server"

    def tab(self, name: str) -> None:
        """Go to a tab; where the page is too narrow for all of them, by the menu of the others."""
        named = self.page.get_by_role("tab", name=name, exact=True)
        if not named.count():
            self.page.locator("#rv-tabs .overflow-menu > button").click()
            named = self.page.locator("#rv-tabs .overflow-dropdown button").get_by_text(name, exact=True)
        named.click()

    # what they do

    def upload(self, path: Path) -> None:
        """Put a file into the image box, in place of what is there."""
        remove = self.page.locator("#rv-image button[aria-label='Remove Image']")
        if remove.count():
            remove.click()
            remove.wait_for(state="detached")
        self.page.locator("#rv-image input[type=file]").first.set_input_files(str(path))
        self.page.wait_for_selector("#rv-image img")

    def run(self) -> str:
        """Press Run and wait for the answer."""
        return self.answer_after(lambda: self.page.click("#rv-run"))

    def answer_after(self, act: Callable[[], Any]) -> str:
        """The whole answer that an act leads to, once nothing runs any more."""
        self.mark()
        act()
        return self.wait_for_answer()

    def mark(self) -> None:
        """Mark the answer that stands there now; the page drops the mark when it writes another one."""
        self.page.evaluate("document.querySelector('#rv-answer section').setAttribute('data-old', '')")

    def wait_for_answer(self) -> str:
        """The answer that came after the mark."""
        self.page.wait_for_selector("#rv-answer section:not([data-old])[aria-busy=false]")
        self.page.wait_for_selector("#rv-run", state="visible")
        return self.answer()

    def ask(self, question: str) -> str:
        """Type a question and press Enter."""
        self.page.get_by_text("Ask about it").click()
        box = self.question_box()
        box.fill(question)
        return self.answer_after(lambda: box.press("Enter"))

    def question_box(self) -> Any:
        """Where the question is typed."""
        return self.page.locator("#rv-question input, #rv-question textarea").first

    def pick_example(self, number: int) -> str:
        """Press an example and wait for its answer."""
        return self.answer_after(lambda: self.page.locator(".rv-example").nth(number).click())

    def switch(self, element: str, on: bool) -> None:
        self.page.locator(f"{element} input[type=checkbox]").set_checked(on)

    def judge(self, verdict: str) -> str:
        self.page.locator("#rv-verdict").get_by_text(verdict).click()
        self.page.locator("#rv-saved").get_by_text(f"Saved: {verdict}").wait_for()
        return self.text("#rv-saved .rv-line-saved")

    # what they see

    def text(self, selector: str) -> str:
        self.page.wait_for_selector(selector)
        return " ".join(self.page.locator(selector).first.inner_text().split())

    def answer(self) -> str:
        return self.text("#rv-answer-text")

    def captions(self) -> list[str]:
        return self.page.locator("#rv-neighbours .rv-caption").all_inner_texts()

    def sees(self, text: str) -> bool:
        return self.page.get_by_text(text).first.is_visible()
