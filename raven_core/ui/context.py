"""What the tabs share: the profile and settings, the loading models, and what keeps trials. Nothing personal."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from raven_core.errors import ImageError
from raven_core.images import load_image
from raven_core.settings import Profile, Settings
from raven_core.ui.cards import Example
from raven_core.ui.evaluate_data import World
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader

log = logging.getLogger(__name__)

BASE = "base"  # the model without any adapter
BASELINE = "no-retrieval"  # the adapter that never saw a neighbour, where a profile has one


@dataclass(frozen=True)
class Context:
    """The services of one running page. ``loader`` gives a ``Raven``; ``world`` draws pictures to evaluate on."""

    profile: Profile
    settings: Settings
    loader: Loader
    keeper: Keeper
    world: World | None = None

    @property
    def raven(self) -> Any:
        """The loaded pipeline; waits for it, and raises a ``RavenError`` when loading failed."""
        return self.loader.get()

    @property
    def baseline_adapter(self) -> str | None:
        """The adapter that was trained without retrieval, where the profile has one."""
        return BASELINE if BASELINE in self.profile.adapters else None

    @cached_property
    def examples(self) -> list[Example]:
        """The examples of the profile; one whose file cannot be read is left out and logged."""
        found = []
        for entry in self.profile.example_list():
            try:
                image = load_image(entry["path"])
            except ImageError as problem:
                log.warning("the example %s is left out: %s", entry["path"], problem)
                continue
            title = str(entry.get("title") or entry["file"])
            note, failure = str(entry.get("note") or ""), bool(entry.get("known_failure"))
            right = tuple(map(str, entry.get("references") or ()))
            split = str(entry.get("split") or "")
            found.append(Example(image, title, split, entry.get("question"), note, failure, right))
        return found
