"""Serve the page over the fake pipeline, for browser tests: ``python -m tests.serve_fake FOLDER PORT [SECONDS]``."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "0")

from raven_core.settings import Profile, Settings
from raven_core.ui.context import Context
from raven_core.ui.interface import build, launch_options
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader
from tests.fake_raven import FakeRaven, write_profile


def main() -> None:
    """FOLDER holds the profile and the data; models 'load' for SECONDS."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    loading = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    profile_folder = write_profile(folder / "profile")
    settings = Settings(profile=str(profile_folder), data_dir=folder / "data")
    profile = Profile.load(str(profile_folder))

    def load() -> FakeRaven:
        time.sleep(loading)
        return FakeRaven(profile)

    context = Context(profile, settings, Loader(load).start(), Keeper.from_settings(settings))
    build(context).launch(server_name="127.0.0.1", server_port=port, **launch_options())


if __name__ == "__main__":
    main()
