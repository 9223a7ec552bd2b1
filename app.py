"""Start RAVEN's page: ``python app.py``. The entry point of a Space, too.

Settings come from the profile's file, ``RAVEN_*`` variables and these flags, in that order; the page opens at once
and the models load behind it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "0")

from raven_core.errors import RavenError
from raven_core.settings import Profile, Settings
from raven_core.ui import tools
from raven_core.ui.context import Context
from raven_core.ui.evaluate_data import World
from raven_core.ui.interface import build, launch
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader

DAY = 24 * 3600.0
log = logging.getLogger("raven")


def load_raven(settings: Settings) -> Any:
    """The pipeline of the settings; imported here because torch takes seconds, and the page should not wait."""
    from raven_core import Raven

    return Raven.load(settings.profile, settings)


def keep_the_promise(keeper: Keeper) -> None:
    """Delete what is older than the page says, now and once a day."""
    try:
        keeper.purge()
    except RavenError as problem:
        log.warning("old answers could not be deleted: %s", problem)
    timer = threading.Timer(DAY, keep_the_promise, [keeper])
    timer.daemon = True
    timer.start()


def world_of(profile: Profile) -> World | None:
    """What draws new pictures of the bundled profile's world; None for other profiles, or where it is not deployed."""
    if profile.name != "fieldguide":
        return None
    try:
        from finetune.fieldguide.export import export
        from finetune.fieldguide.species import DOMAINS
    except ImportError:
        return None

    def write(split: str, count: int, seed: int, folder: Path) -> None:
        export(split, count, seed, folder, progress=lambda examples, _: examples)

    return World(DOMAINS, write)


def make_context(settings: Settings) -> Context:
    """The services of the page, with the models on their way."""
    profile = Profile.load(settings.profile)
    loader = Loader(lambda: load_raven(settings))
    return Context(profile, settings, loader, Keeper.from_settings(settings), world_of(profile))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The flags; None means as the environment or the profile says."""
    parser = argparse.ArgumentParser(description="Start RAVEN's page.")
    parser.add_argument("--profile", help="a bundled profile, or a folder with a profile.json")
    parser.add_argument("--data-dir", help="where judgments and images are stored (default: data)")
    parser.add_argument("--no-store", action="store_const", const=False, dest="store", help="store nothing")
    parser.add_argument("--mcp", action="store_const", const=True, help="offer tools to language models (MCP)")
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME"), help="default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=os.environ.get("GRADIO_SERVER_PORT"), help="default: 7860 or next")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 2 when the settings cannot be used."""
    flags = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    given = {"profile": flags.profile, "data_dir": flags.data_dir, "store": flags.store, "mcp": flags.mcp}
    try:
        settings = Settings.load(flags=given)
        if settings.mcp:
            tools.check()
        context = make_context(settings)
    except RavenError as problem:
        print(f"RAVEN cannot start: {problem}", file=sys.stderr)
        return 2
    keep_the_promise(context.keeper)
    context.loader.start()
    launch(build(context), settings.mcp, server_name=flags.host, server_port=flags.port)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
