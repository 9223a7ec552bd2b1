"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny


@pytest.fixture(scope="session")
def tiny_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole profile folder with random tiny models; not to be written to."""
    return tiny.build_tiny_profile(tmp_path_factory.mktemp("profiles") / "tiny")


@pytest.fixture(scope="session")
def tiny_raven(tiny_profile: Path):
    """The tiny profile, loaded."""
    from raven_core import Raven, Settings

    return Raven.load(tiny_profile, Settings(profile=str(tiny_profile), device="cpu"))
