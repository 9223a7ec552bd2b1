"""Settings and profiles are checked when they are made, and say what is wrong with them."""

import json
from pathlib import Path

import pytest

from raven_core.errors import ConfigError, OptionError, ProfileError
from raven_core.settings import Profile, Settings, find_profile, list_profiles, parse_modalities
from tests.tiny import profile_values


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment in which the one profile ``tiny`` can be found, with k = 4 in its file."""
    write_profile(tmp_path / "tiny", settings={"k": 4, "seed": 7})
    return {"RAVEN_PROFILES": str(tmp_path), "RAVEN_PROFILE": "tiny"}


def write_profile(folder: Path, **changes: object) -> Path:
    folder.mkdir()
    values = {**profile_values(), **changes}
    values = {name: value for name, value in values.items() if value is not ...}
    (folder / "profile.json").write_text(json.dumps(values))
    return folder


def test_file_then_environment_then_flags(env):
    assert Settings.load(env=env).k == 4
    assert Settings.load(env={**env, "RAVEN_K": "5"}).k == 5
    found = Settings.load(env={**env, "RAVEN_K": "5"}, flags={"k": 6, "seed": None})
    assert (found.k, found.seed, found.profile) == (6, 7, "tiny")


def test_the_dashboard_shows_only_ones_own_judgments_unless_it_is_told_otherwise(env):
    assert Settings.load(env=env).dashboard == "own"
    assert Settings.load(env={**env, "RAVEN_DASHBOARD": "all"}).dashboard == "all"


def test_a_settings_file_of_ones_own_can_be_named(env, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"settings": {"k": 1, "modalities": ["text"], "profile": "tiny"}}))
    assert Settings.load(path, env={}).modalities == ("text",)


def test_environment_values_are_read_as_what_they_are(env):
    values = {
        "RAVEN_MODALITIES": "none", "RAVEN_STORE": "off", "RAVEN_DROP_DUPLICATES": "true", "RAVEN_DATA_DIR": "/tmp/x",
        "RAVEN_QUESTION_WEIGHT": "0.5", "RAVEN_MAX_PIXELS": "1000", "RAVEN_ADAPTER": "", "RAVEN_ORDER": "nearest-first",
    }  # fmt: skip
    found = Settings.load(env={**env, **values})
    assert (found.modalities, found.store, found.drop_duplicates, found.data_dir) == ((), False, True, Path("/tmp/x"))
    assert (found.question_weight, found.max_pixels, found.adapter, found.order) == (0.5, 1000, None, "nearest-first")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": 11}, "0 to 10"),
        ({"k": -1}, "0 to 10"),
        ({"modalities": ("sound",)}, "sound"),
        ({"order": "random"}, "nearest-last"),
        ({"question_weight": 1.5}, "question weight"),
        ({"question_weight": float("nan")}, "question weight"),
        ({"max_pixels": 0}, "max_pixels"),
        ({"retention_days": -1}, "retention_days"),
        ({"dashboard": "everyone"}, "own or all"),
        ({"seed": -1}, "seed"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
    ],
)
def test_values_out_of_range_are_refused(changes, message):
    with pytest.raises(OptionError, match=message):
        Settings(**changes)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"RAVEN_K": "three"}, "k is 'three': use a whole number"),
        ({"RAVEN_K": "2.5"}, "k is '2.5'"),
        ({"RAVEN_STORE": "perhaps"}, "store is 'perhaps': use true or false"),
        ({"RAVEN_QUESTION_WEIGHT": "much"}, "question_weight is 'much'"),
    ],
)
def test_values_of_the_wrong_kind_are_refused(env, extra, message):
    with pytest.raises(ConfigError, match=message):
        Settings.load(env={**env, **extra})


def test_unknown_settings_are_refused(env):
    with pytest.raises(ConfigError, match="Unknown setting 'colour'"):
        Settings.load(env=env, flags={"colour": "red"})


def test_modalities_are_read_in_any_order_and_given_in_one():
    assert parse_modalities("text, image") == ("image", "text")
    assert parse_modalities("NONE") == ()
    with pytest.raises(OptionError, match="audio"):
        parse_modalities("image,audio")
    with pytest.raises(OptionError):
        parse_modalities("")


def test_an_unknown_profile_names_the_known_ones(env):
    with pytest.raises(ProfileError, match=r"no profile 'tyni'.*tiny"):
        Settings.load(env=env, flags={"profile": "tyni"})
    with pytest.raises(ProfileError):
        find_profile("", env)
    assert "tiny" in list_profiles(env)


def test_a_profile_is_found_by_name_or_by_folder(env, tmp_path):
    assert Profile.load("tiny", env) == Profile.load(tmp_path / "tiny", {})


def test_a_profile_describes_itself(env, tmp_path):
    profile = Profile.load("tiny", env)
    assert (profile.title, profile.default_adapter, profile.question_weight) == ("A tiny profile", "raven", 0.25)
    assert profile.source(profile.memory) == str(tmp_path / "tiny" / "memory")
    assert profile.source("hub:a/b") == "hub:a/b"
    assert not profile.bundled and profile.example_list() == []


def test_incomplete_or_contradictory_profiles_are_refused(tmp_path):
    with pytest.raises(ProfileError, match="'memory'"):
        Profile.load(write_profile(tmp_path / "a", memory=...))
    with pytest.raises(ProfileError, match="no adapter 'best'"):
        Profile.load(write_profile(tmp_path / "b", default_adapter="best"))
    with pytest.raises(ProfileError, match="question_weight"):
        Profile.load(write_profile(tmp_path / "c", question_weight=2))
    broken = write_profile(tmp_path / "d")
    (broken / "profile.json").write_text("{")
    with pytest.raises(ConfigError, match="not valid JSON"):
        Profile.load(broken)
