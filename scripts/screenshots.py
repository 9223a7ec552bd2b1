"""Take the pictures of the page that the documents show: ``python scripts/screenshots.py``.

Starts ``app.py`` on the bundled profile in a folder of its own, walks through it in Chromium, and writes
``docs/images/explore-WIDTH-SCHEME.png`` and ``compare-WIDTH-SCHEME.png`` at two widths in light and dark, and
``docs/images/raven.png`` for the README.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SIZES = {1440: 1000, 390: 844}  # width: height, in pixels
SCHEMES = ("light", "dark")
PATIENCE = 300_000  # milliseconds


@contextlib.contextmanager
def running_app(profile: str) -> Iterator[str]:
    """``app.py`` on a free port, storing in a temporary folder; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "app.py", "--port", str(port), "--data-dir", f"{folder}/data", "--profile", profile]
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process)
            yield address
        finally:
            process.terminate()
            process.wait()


def _wait_for(address: str, process: Any) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=5)
            return
        time.sleep(0.2)
    raise SystemExit("app.py did not start: see its message above")


def settle(page: Any) -> None:
    """Wait until an answer is whole and nothing runs."""
    page.wait_for_selector("#rv-answer section[aria-busy=false]")
    page.wait_for_selector("#rv-judge", state="visible")
    page.wait_for_timeout(400)


def walk(page: Any, example: int) -> None:
    """An example, its answer, a failure judged: what the documents talk about."""
    page.locator(".rv-example").nth(example).click()
    settle(page)
    page.locator("#rv-verdict").get_by_text("Failure").click()
    page.wait_for_selector(".rv-line-saved")


def study(page: Any) -> None:
    """The same query compared, the answer without retrieval picked as right, and the neighbour that did it."""
    page.click("#rv-compare-button")
    page.wait_for_selector("#rv-study-cells section[aria-busy=false]")
    page.wait_for_selector("#rv-study-run", state="visible")
    page.locator("#rv-study-cells [data-act=right]").first.click()
    page.wait_for_selector("#rv-study-cells [aria-pressed=true]")
    page.click("#rv-attribute")
    page.wait_for_selector("#rv-explained section")
    page.wait_for_selector("#rv-study-run", state="visible")
    page.evaluate("window.scrollTo(0, 0); document.activeElement?.blur()")
    page.wait_for_timeout(500)


def pictures(browser: Any, address: str, out: Path, width: int, scheme: str, example: int) -> None:
    """One picture of each whole page, after the walk and after the study."""
    context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".rv-status-ready")
    walk(page, example)
    page.screenshot(path=out / f"explore-{width}-{scheme}.png", full_page=True)
    study(page)
    page.screenshot(path=out / f"compare-{width}-{scheme}.png", full_page=True)
    context.close()


def front_picture(browser: Any, address: str, out: Path, example: int) -> None:
    """The README's picture: one screen, an answer with its neighbours."""
    context = browser.new_context(viewport={"width": 1320, "height": 900}, device_scale_factor=1.5)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".rv-status-ready")
    page.locator(".rv-example").nth(example).click()
    settle(page)
    page.evaluate("window.scrollTo(0, 0); document.activeElement?.blur()")
    page.screenshot(path=out / "raven.png")
    context.close()


def parse() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a page that runs already, instead of starting one")
    parser.add_argument("--profile", default="fieldguide", help="the profile to show")
    parser.add_argument("--example", type=int, default=0, help="which example to walk through, from 0")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="where the pictures go")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the browser to use")
    return parser.parse_args()


def main() -> None:
    """Start the page, take every picture."""
    from playwright.sync_api import sync_playwright

    chosen = parse()
    if chosen.chromium is None:
        raise SystemExit("There is no Chromium: install Debian's chromium, or give --chromium.")
    chosen.out.mkdir(parents=True, exist_ok=True)
    served = contextlib.nullcontext(chosen.url) if chosen.url else running_app(chosen.profile)
    with served as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox", "--disable-gpu"])
        front_picture(browser, address, chosen.out, chosen.example)
        for width in SIZES:
            for scheme in SCHEMES:
                pictures(browser, address, chosen.out, width, scheme, chosen.example)
        browser.close()
    print(f"wrote {2 * len(SIZES) * len(SCHEMES) + 1} pictures to {chosen.out}")


if __name__ == "__main__":
    main()
