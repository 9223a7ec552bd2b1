"""Models and adapters that cannot be loaded, each with an error that says so."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

import pytest

from raven_core.errors import AdapterError, ConfigError, HubError, ProfileError
from raven_core.generator import Generator
from tests import tiny


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``model`` and its adapter ``raven``."""
    root = tmp_path_factory.mktemp("models")
    tiny.write_tiny_vlm(root / "model", {"raven": root / "raven"})
    return root


@pytest.mark.parametrize("name", ["nowhere", "nobody/no-model", "empty"])
def test_a_missing_or_empty_model_folder_is_a_fault_of_the_profile(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProfileError, match=name):
        Generator.load(tmp_path / name)


def test_truncated_weights_are_a_fault_of_the_profile(folders, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(folders / "model", broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ProfileError, match="broken"):
        Generator.load(broken)


def test_adapters_that_are_missing_or_broken_are_named(folders, tmp_path):
    with pytest.raises(AdapterError, match=r"'rook'.*adapter_config\.json"):
        Generator.load(folders / "model", {"rook": tmp_path})
    broken = tmp_path / "broken"
    shutil.copytree(folders / "raven", broken)
    weights = broken / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(AdapterError, match="'rook'"):
        Generator.load(folders / "model", {"rook": broken})


def test_a_hub_model_without_network_fails_at_once_and_says_what_to_do(monkeypatch, tmp_path):
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.chdir(tmp_path)
    started = time.monotonic()
    with pytest.raises(HubError, match=r"raven-tests/no-such-model.*network"):
        Generator.load("hub:raven-tests/no-such-model")
    assert time.monotonic() - started < 15


def test_a_profile_error_is_a_configuration_error():
    assert issubclass(ProfileError, ConfigError) and issubclass(AdapterError, ConfigError)
