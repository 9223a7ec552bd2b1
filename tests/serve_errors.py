"""Serve the page over judged answers, for browser tests: ``python -m tests.serve_errors FOLDER PORT own|all``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "0")

from raven_core.settings import Profile, Settings
from raven_core.trials import trial_of
from raven_core.types import Generation, Trial
from raven_core.ui.context import Context
from raven_core.ui.interface import build, launch_options
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader
from tests.fake_raven import FakeRaven, drawn, write_profile
from tests.judged import compared, verdicts

ASKED = {"none": (), "both": ("image", "text")}


class ReplayingRaven(FakeRaven):
    """A fake that can be asked again; ``prints`` is what it says that it consists of."""

    prints: ClassVar[dict[str, str]] = {"memory": "fake", "encoder": "fake", "model": "fake"}

    def fingerprints(self, adapter: str | None = None) -> dict[str, str]:
        return dict(self.prints)

    def replay(self, trial: Trial, image: Any, question: str | None = None, pictures: Sequence[Any] = ()) -> Generation:
        return self.answer(image, trial.question, k=trial.settings["k"], modalities=trial.settings["modalities"])


def context_in(folder: Path, dashboard: str = "own", seconds_per_token: float = 0.0) -> Context:
    """A page over an empty store."""
    profile = Profile.load(str(write_profile(folder / "profile")))
    settings = Settings(profile=str(profile.folder), data_dir=folder / "data", dashboard=dashboard)
    loader = Loader(lambda: ReplayingRaven(profile, seconds_per_token))
    return Context(profile, settings, loader, Keeper.from_settings(settings))


def asked_and_judged(context: Context, person: str, number: int, verdict: str, cell: str = "both") -> Trial:
    """A picture that the fake answered, as the page stores it, judged by a visitor."""
    image, store = drawn(number)[0], context.keeper.store
    assert store is not None
    made = context.raven.answer(image, None, k=2, modalities=ASKED[cell])
    settings = {"k": 2, "modalities": list(ASKED[cell])}
    trial = trial_of(made, None, person, dict(ReplayingRaven.prints))
    values = {name: getattr(trial, name) for name in trial.__dataclass_fields__}
    stored = store.save_trial(Trial(**{**values, "settings": settings}), image)
    store.judge(stored.id, verdict, ["majority-copy"] if verdict == "failure" else [], "", "", person)
    return stored


def main() -> None:
    """Two visitors' answers, eight that ann and bob judged, and a queue of four blind pairs."""
    folder, port, dashboard = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    context = context_in(folder, dashboard)
    context.loader.start()
    store = context.keeper.store
    assert store is not None
    verdicts(store)
    compared(store, {"ann": list("rrnr"), "bob": list("rgnr")})
    for number in range(80, 96):
        asked_and_judged(context, "a" * 32, number, "success" if number % 3 else "failure")
    build(context).launch(server_name="127.0.0.1", server_port=port, **launch_options())


if __name__ == "__main__":
    main()
