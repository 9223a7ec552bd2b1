"""Fixtures that several test files share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import browser, tiny


@pytest.fixture(scope="session")
def tiny_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole profile folder with random tiny models; not to be written to."""
    return tiny.build_tiny_profile(tmp_path_factory.mktemp("profiles") / "tiny")


@pytest.fixture(scope="session")
def tiny_raven(tiny_profile: Path):
    """The tiny profile, loaded."""
    from raven_core import Raven, Settings

    return Raven.load(tiny_profile, Settings(profile=str(tiny_profile), device="cpu"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running Chromium; each visitor has a context of their own, so tests see nothing of each other."""
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def fake_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The page over the fake pipeline: its address and its data folder."""
    browser.chromium_or_skip()
    folder, port = tmp_path_factory.mktemp("site"), browser.free_port()
    command = ["-m", "tests.serve_fake", str(folder), str(port)]
    with browser.served(command, port, folder / "server.log") as (address, _, _):
        yield address, folder / "data"


@pytest.fixture
def visitor(chromium: Any, fake_page: tuple[str, Path]) -> Iterator[browser.Visitor]:
    """Somebody on the fake page."""
    one = browser.Visitor(chromium, fake_page[0])
    yield one
    one.leave()
