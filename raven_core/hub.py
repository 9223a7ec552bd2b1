"""Where a model's files are: a local folder, or a hub model fetched because a profile names it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from raven_core.errors import ConfigError, HubError
from raven_core.settings import HUB_PREFIX

_UNUSED = ("*.onnx", "onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.gguf", "*.mlmodel", "coreml/*")
_DESCRIBING = {".json", ".txt", ".jinja", ".model"}
_WEIGHTS = {".safetensors", ".bin", ".npz"}


def local_folder(source: str | Path) -> Path:
    """The folder of a model: the path itself, or for ``hub:owner/name`` its downloaded snapshot.

    A hub is reached only for a ``hub:`` name, and only for files that are not in the local cache.

    Raises:
        ConfigError: the folder does not exist.
        HubError: the hub cannot be reached, or has no such model.
    """
    text = str(source)
    if text.startswith(HUB_PREFIX):
        return _snapshot(text.removeprefix(HUB_PREFIX))
    folder = Path(text)
    if not folder.is_dir():
        raise ConfigError(f"There is no model folder {text!r}: check the profile, or rebuild it.")
    return folder


def folder_fingerprint(folder: Path) -> str:
    """16 hex digits over the names and contents of a model's configuration and weight files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.suffix in _DESCRIBING | _WEIGHTS and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            _hash_file(path, digest)
    return digest.hexdigest()[:16]


def _hash_file(path: Path, digest: hashlib._Hash) -> None:
    if path.suffix in _DESCRIBING:  # a checkout may have changed the line ends
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
        return
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)


def _snapshot(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, ignore_patterns=list(_UNUSED), local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        pass
    try:
        return Path(snapshot_download(name, ignore_patterns=list(_UNUSED)))
    except Exception as error:  # network, missing repository, gated model, full disk
        raise HubError(
            f"The hub model {name!r} could not be fetched ({type(error).__name__}). Check its name and the network, "
            f"download it once with `hf download {name}`, or use a bundled profile."
        ) from error
