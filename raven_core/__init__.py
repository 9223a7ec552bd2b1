"""RAVEN: answers about images with the help of an external memory of image-text pairs (after arXiv 2406.19150).

>>> from raven_core import Raven
>>> raven = Raven.load("fieldguide")
>>> raven.answer("photo.jpg", "what is it called").text  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raven_core.errors import (
    AdapterError,
    ConfigError,
    EncoderMismatchError,
    HubError,
    ImageError,
    InputError,
    MemoryStoreError,
    OptionError,
    ProfileError,
    QuestionError,
    RavenError,
    StoreError,
)
from raven_core.settings import Profile, Settings
from raven_core.types import Generation, Judgment, Neighbour, Pair, Prompt, Query, Token, Trial
from raven_core.version import __version__

if TYPE_CHECKING:
    from raven_core.attribution import Attribution
    from raven_core.comparison import Comparison
    from raven_core.edits import AddedPair, Gathered, NeighbourEdit
    from raven_core.judgments import JudgmentStore
    from raven_core.pipeline import Raven

_LAZY = {
    "AddedPair": "raven_core.edits",
    "Attribution": "raven_core.attribution",
    "Comparison": "raven_core.comparison",
    "Gathered": "raven_core.edits",
    "JudgmentStore": "raven_core.judgments",
    "NeighbourEdit": "raven_core.edits",
    "Raven": "raven_core.pipeline",
}

__all__ = [
    "AdapterError",
    "AddedPair",
    "Attribution",
    "Comparison",
    "ConfigError",
    "EncoderMismatchError",
    "Gathered",
    "Generation",
    "HubError",
    "ImageError",
    "InputError",
    "Judgment",
    "JudgmentStore",
    "MemoryStoreError",
    "Neighbour",
    "NeighbourEdit",
    "OptionError",
    "Pair",
    "Profile",
    "ProfileError",
    "Prompt",
    "Query",
    "QuestionError",
    "Raven",
    "RavenError",
    "Settings",
    "StoreError",
    "Token",
    "Trial",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import what needs torch or a database only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'raven_core' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
