"""What can be chosen (``Settings``) and what a default consists of (``Profile``): checked when they are made."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from raven_core.errors import ConfigError, OptionError, ProfileError
from raven_core.types import MODALITIES, Modality, Order

ASSETS = Path(__file__).resolve().parent.parent / "assets"
"""Where the bundled profiles are."""

PROFILE_FILE = "profile.json"
PROFILES_VARIABLE = "RAVEN_PROFILES"
PREFIX = "RAVEN_"
HUB_PREFIX = "hub:"
MAX_K = 10
MAX_NEW_TOKENS = 512
DASHBOARDS = ("own", "all")


@dataclass(frozen=True)
class Settings:
    """Everything that can be chosen from outside. ``None`` means: as the profile says.

    ``max_pixels`` limits uploads (width times height), ``retention_days`` says for how long trials are kept
    (0: for good), ``dashboard`` whose judgments the Errors tab shows a visitor (``own`` and shared queues, or ``all``),
    ``data_dir`` is where judgments and uploaded images go unless ``database_url`` names a database, ``mcp`` offers
    tools to language models.
    """

    profile: str = "fieldguide"
    k: int = 3
    modalities: tuple[Modality, ...] = MODALITIES
    adapter: str | None = None
    order: Order = "nearest-last"
    question_weight: float | None = None
    drop_duplicates: bool = True
    data_dir: Path = Path("data")
    database_url: str | None = None
    store: bool = True
    max_pixels: int = 50_000_000
    retention_days: int = 90
    dashboard: str = "own"
    mcp: bool = False
    seed: int = 0
    max_new_tokens: int | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        """Raises OptionError naming the first setting that is out of range."""
        object.__setattr__(self, "data_dir", Path(self.data_dir))
        object.__setattr__(self, "modalities", _known_modalities(self.modalities))
        check_k(self.k)
        _check(self.order in get_args(Order), "order", self.order, f"use {' or '.join(get_args(Order))}")
        if self.question_weight is not None:
            check_weight(self.question_weight)
        _check(self.max_pixels >= 1, "max_pixels", self.max_pixels, "use a number of pixels above 0")
        _check(self.retention_days >= 0, "retention_days", self.retention_days, "use a number of days, 0 for good")
        _check(self.dashboard in DASHBOARDS, "dashboard", self.dashboard, f"use {' or '.join(DASHBOARDS)}")
        _check(0 <= self.seed < 2**63, "seed", self.seed, "use a whole number from 0 to 2**63 - 1")
        tokens = self.max_new_tokens
        _check(tokens is None or 1 <= tokens <= MAX_NEW_TOKENS, "max_new_tokens", tokens, f"use 1 to {MAX_NEW_TOKENS}")

    @classmethod
    def load(
        cls,
        profile_file: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
    ) -> Settings:
        """Settings from a profile's file, then ``RAVEN_*`` variables, then flags; the later wins.

        Params:
            profile_file: JSON with an object ``settings`` in it; None for the chosen profile's ``profile.json``.
            env: variables, by default the process's; ``RAVEN_K=5``, ``RAVEN_MODALITIES=image,text`` or ``none``.
            flags: values by setting name; None values count as not given.
        Raises:
            ConfigError: a file, name or value cannot be understood.
            ProfileError: the profile does not exist.
            OptionError: a value is out of range.
        """
        names = {entry.name for entry in fields(cls)}
        given = {name: value for name, value in (flags or {}).items() if value is not None}
        from_env = _from_environment(os.environ if env is None else env, names)
        chosen = given.get("profile", from_env.get("profile", cls.profile))
        path = Path(profile_file) if profile_file is not None else find_profile(str(chosen), env) / PROFILE_FILE
        from_file = _read_json(path).get("settings", {})
        values = {**from_file, **from_env, **given}
        unknown = sorted(set(values) - names)
        if unknown:
            raise ConfigError(f"Unknown setting {unknown[0]!r}: use one of {', '.join(sorted(names))}.")
        return cls(**{name: _convert(name, value) for name, value in values.items()})


@dataclass(frozen=True)
class Profile:
    """A folder that describes itself: an encoder, a model, its adapters, a memory and examples.

    ``encoder`` and ``model`` are folders inside it, or ``hub:owner/name``. ``leak_threshold`` is the cosine above
    which a neighbour's image is a near-duplicate of the query's; below ``far_threshold`` the nearest image says
    that the query lies outside the memory, wrongly so for the share ``far_false_alarm`` of images.
    """

    folder: Path
    name: str
    title: str
    encoder: str
    model: str
    memory: str
    description: str = ""
    adapters: Mapping[str, str] = field(default_factory=dict)
    default_adapter: str | None = None
    examples: str = ""
    question_weight: float = 0.3
    leak_threshold: float | None = None
    far_threshold: float | None = None
    far_false_alarm: float = 0.05
    max_new_tokens: int = 40

    def __post_init__(self) -> None:
        """Raises ProfileError where the description contradicts itself."""
        if self.default_adapter is not None and self.default_adapter not in self.adapters:
            raise ProfileError(
                f"The profile {self.name!r} has no adapter {self.default_adapter!r}, its default: mend {PROFILE_FILE}."
            )
        if not 0 <= self.question_weight <= 1:
            raise ProfileError(f"The profile {self.name!r} has a question_weight outside 0 to 1: mend {PROFILE_FILE}.")

    @classmethod
    def load(cls, name_or_dir: str | Path, env: Mapping[str, str] | None = None) -> Profile:
        """The profile with this name (bundled, or in the RAVEN_PROFILES folder) or in this folder.

        Raises:
            ProfileError: there is none, or its ``profile.json`` is incomplete.
        """
        folder = find_profile(str(name_or_dir), env)
        about = _read_json(folder / PROFILE_FILE)
        known = {entry.name for entry in fields(cls)} - {"folder"}
        missing = [name for name in ("name", "encoder", "model", "memory") if name not in about]
        if missing:
            raise ProfileError(f"The profile {str(folder)!r} does not say its {missing[0]!r}: mend {PROFILE_FILE}.")
        values = {name: value for name, value in about.items() if name in known}
        return cls(folder=folder, **{"title": values["name"], **values})

    @property
    def bundled(self) -> bool:
        """Whether it came with the program, and is not to be written to."""
        return self.folder.resolve().is_relative_to(ASSETS)

    def source(self, value: str) -> str:
        """``hub:`` names as they are, other values as a path inside the folder."""
        return value if value.startswith(HUB_PREFIX) else str(self.folder / value)

    def example_list(self) -> list[dict[str, Any]]:
        """The entries of ``examples.json``, each with its ``path`` added; empty where there are none."""
        path = self.folder / self.examples / "examples.json"
        if not self.examples or not path.is_file():
            return []
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [{**entry, "path": str(path.parent / entry["file"])} for entry in entries]


def find_profile(name_or_dir: str, env: Mapping[str, str] | None = None) -> Path:
    """The folder of a profile, by name or by path.

    Raises:
        ProfileError: there is none.
    """
    roots = _profile_roots(os.environ if env is None else env)
    if name_or_dir and not Path(name_or_dir).is_absolute() and name_or_dir not in (".", ".."):
        for root in roots:
            if (root / name_or_dir / PROFILE_FILE).is_file():
                return root / name_or_dir
    folder = Path(name_or_dir)
    if name_or_dir and (folder / PROFILE_FILE).is_file():
        return folder
    known = list_profiles(env)
    hint = f"use {', '.join(known)} or" if known else "give"
    raise ProfileError(f"There is no profile {name_or_dir!r}: {hint} a folder with a {PROFILE_FILE}.")


def list_profiles(env: Mapping[str, str] | None = None) -> list[str]:
    """Names of the profiles that can be loaded by name."""
    roots = _profile_roots(os.environ if env is None else env)
    return sorted({path.parent.name for root in roots for path in root.glob(f"*/{PROFILE_FILE}")})


def check_k(k: int) -> int:
    """k itself.

    Raises:
        OptionError: it is not a whole number from 0 to 10.
    """
    if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k <= MAX_K:
        raise OptionError(f"k is {k!r}: ask for 0 to {MAX_K} neighbours (0 answers without the memory).")
    return k


def check_weight(weight: float) -> float:
    """The weight itself.

    Raises:
        OptionError: it is not between 0 and 1.
    """
    if not 0.0 <= weight <= 1.0:
        raise OptionError(f"The question weight is {weight}: use a number from 0 (image only) to 1 (question only).")
    return weight


def parse_modalities(text: str) -> tuple[Modality, ...]:
    """``image,text``, ``image``, ``text`` or ``none`` as modalities.

    Raises:
        OptionError: it is something else.
    """
    return _known_modalities(() if text.strip().lower() == "none" else tuple(part.strip() for part in text.split(",")))


def _known_modalities(values: Any) -> tuple[Modality, ...]:
    if isinstance(values, str):
        return parse_modalities(values)
    unknown = sorted(set(values) - set(MODALITIES))
    if unknown:
        raise OptionError(f"Unknown modality {unknown[0]!r}: use 'image', 'text', both or none.")
    return tuple(modality for modality in MODALITIES if modality in values)


def _check(good: bool, name: str, value: Any, remedy: str) -> None:
    if not good:
        raise OptionError(f"The setting {name} is {value!r}: {remedy}.")


def _profile_roots(env: Mapping[str, str]) -> list[Path]:
    extra = env.get(PROFILES_VARIABLE)
    return [Path(extra), ASSETS] if extra else [ASSETS]


def _from_environment(env: Mapping[str, str], names: set[str]) -> dict[str, str]:
    return {name: env[PREFIX + name.upper()] for name in names if env.get(PREFIX + name.upper(), "") != ""}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The file {str(path)!r} cannot be read: check the path.") from error
    except ValueError as error:
        raise ConfigError(f"The file {str(path)!r} is not valid JSON ({error}): mend it.") from error
    if not isinstance(content, dict):
        raise ConfigError(f"The file {str(path)!r} must hold one JSON object: mend it.")
    return content


_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_INTEGERS = {"k", "max_pixels", "retention_days", "seed", "max_new_tokens"}
_BOOLEANS = {"drop_duplicates", "store", "mcp"}


def _convert(name: str, value: Any) -> Any:
    """A value from a file, variable or flag as the type of its setting."""
    try:
        if name in _INTEGERS:
            return _whole(value)
        if name == "question_weight":
            return float(value)
        if name in _BOOLEANS:
            return _truth(value)
    except (TypeError, ValueError):
        kind = "a whole number" if name in _INTEGERS else "true or false" if name in _BOOLEANS else "a number"
        raise ConfigError(f"The setting {name} is {value!r}: use {kind}.") from None
    return value


def _whole(value: Any) -> int:
    number = float(value)
    if isinstance(value, bool) or number != int(number):
        raise ValueError(value)
    return int(value) if isinstance(value, str) else int(number)


def _truth(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(value)
    return text in _TRUE
