"""Take the pictures of the page that the documents show: ``python scripts/screenshots.py``.

Starts ``app.py`` on the bundled profile in a folder of its own, walks through every tab in Chromium, and writes
``docs/images/TAB-WIDTH-SCHEME.webp`` at two widths in light and dark, and ``docs/images/raven.webp`` for the README.
"""

from __future__ import annotations

import argparse
import contextlib
import io
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

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SIZES = {1440: 1000, 390: 844}  # width: height, in pixels
SCHEMES = ("light", "dark")
PATIENCE = 300_000  # milliseconds
QUALITY = 82  # of the pictures, as WebP


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


def annotate(page: Any, name: str) -> None:
    """A queue of the examples, made here; the first item judged and shown in full, the next one open."""
    page.locator("#rv-annotate-name input, #rv-annotate-name textarea").first.fill("Ada")
    page.locator("#rv-annotate-made-name input, #rv-annotate-made-name textarea").first.fill(name)
    page.click("#rv-annotate-make")
    page.locator("#rv-annotate-made p").get_by_text(name).wait_for()
    page.click("#rv-annotate-begin")
    first = page.locator("[data-token]").get_attribute("data-token")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.wait_for_function("(old) => document.querySelector('[data-token]')?.dataset.token !== old", arg=first)
    page.keyboard.press("r")
    page.wait_for_selector(".rv-revealed")


def errors(page: Any, name: str) -> None:
    """What was judged so far: the answer of the walk, and the pair of the queue."""
    page.wait_for_selector("#rv-err-headline .rv-err-tile")
    page.wait_for_selector("#rv-err-gallery .rv-err-card")


def evaluate(page: Any, name: str) -> None:
    """A small ablation on new pictures of species that no training saw."""
    page.locator("#rv-evaluate-split label").filter(has_text="out-domain").click()
    page.locator("#rv-evaluate-count input[type=number]").fill("10")
    page.click("#rv-evaluate-run")
    page.wait_for_selector("#rv-evaluate-report section")
    page.wait_for_selector("#rv-evaluate-run", state="visible")


def about(page: Any, name: str) -> None:
    """Nothing to wait for."""


TABS = {"Annotate": annotate, "Errors": errors, "Evaluate": evaluate, "About & privacy": about}
"""The tabs after Explore and Compare, and what is done on each."""


def open_tab(page: Any, name: str) -> None:
    """Go to a tab; where the page is too narrow for all of them, by the menu of the others."""
    named = page.get_by_role("tab", name=name, exact=True)
    if not named.count():
        page.locator("#rv-tabs .overflow-menu > button").click()
        named = page.locator("#rv-tabs .overflow-dropdown button").get_by_text(name, exact=True)
    named.click()
    page.wait_for_timeout(300)


def shoot(page: Any, path: Path, whole: bool = True) -> None:
    """A picture of the page from its top, as WebP."""
    page.evaluate("window.scrollTo(0, 0); document.activeElement?.blur()")
    page.wait_for_timeout(500)
    Image.open(io.BytesIO(page.screenshot(full_page=whole))).convert("RGB").save(path, quality=QUALITY, method=6)


def pictures(browser: Any, address: str, out: Path, width: int, scheme: str, example: int) -> int:
    """One picture of each whole tab, in the order in which a newcomer would use them; how many there are."""
    context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".rv-status-ready")
    walk(page, example)
    shoot(page, out / f"explore-{width}-{scheme}.webp")
    study(page)
    shoot(page, out / f"compare-{width}-{scheme}.webp")
    for name, act in TABS.items():
        open_tab(page, name)
        act(page, f"examples {width} {scheme}")
        shoot(page, out / f"{name.split()[0].lower()}-{width}-{scheme}.webp")
    context.close()
    return 2 + len(TABS)


def front_picture(browser: Any, address: str, out: Path, example: int) -> None:
    """The README's picture: one screen, an answer with its neighbours."""
    context = browser.new_context(viewport={"width": 1320, "height": 900}, device_scale_factor=1.5)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".rv-status-ready")
    page.locator(".rv-example").nth(example).click()
    settle(page)
    shoot(page, out / "raven.webp", whole=False)
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
        count = 1
        for width in SIZES:
            for scheme in SCHEMES:
                count += pictures(browser, address, chosen.out, width, scheme, chosen.example)
        browser.close()
    print(f"wrote {count} pictures to {chosen.out}")


if __name__ == "__main__":
    main()
