"""The data set of a run: pictures of the profile's own world, or files of a stranger, unpacked with care. No gradio."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from raven_core.errors import OptionError
from raven_core.ui.words import say

if TYPE_CHECKING:
    from raven_core.datasets.examples import Dataset

MAX_FILES = 5000
MAX_BYTES = 300_000_000
"""Limits on what an upload unpacks to."""

DATA = frozenset((".json", ".jsonl", ".csv", ".txt"))
_CHUNK = 1 << 20
_IGNORED = ("__MACOSX", ".DS_Store", "Thumbs.db")


@dataclass(frozen=True)
class World:
    """A world that can draw as many pictures with texts as one likes.

    ``write`` takes a split, a number of pictures, a seed and an empty folder, and leaves a data set in it.
    """

    splits: tuple[str, ...]
    write: Callable[[str, int, int, Path], None]


def draw(world: World, split: str, count: int, seed: int, folder: Path) -> None:
    """Have the world draw a data set into a folder.

    Raises:
        OptionError: the world has no such split.
    """
    if split not in world.splits:
        raise OptionError(say("evaluate_no_split", split=split, splits=", ".join(world.splits)))
    world.write(split, count, seed, folder)


def collect(uploads: Sequence[Path], folder: Path) -> None:
    """Put what was uploaded into a folder: one zip unpacked, or the files as they are.

    Raises:
        OptionError: there are none, or they are not what is taken; with the reason.
    """
    if not uploads:
        raise OptionError(say("evaluate_no_file"))
    folder.mkdir(parents=True, exist_ok=True)
    zipped = [path for path in uploads if path.suffix.lower() == ".zip"]
    if zipped and len(uploads) > 1:
        raise OptionError(say("evaluate_zip_alone"))
    if zipped:
        unpack(zipped[0], folder)
        return
    _check_count(len(uploads))
    budget = _Budget()
    for path in uploads:
        _check_kind(path.name)
        with path.open("rb") as file:
            budget.copy(file, folder / path.name)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a stranger's zip: plain files of known kinds inside the folder, within limits, and nothing else.

    Raises:
        OptionError: the first thing that is wrong with it.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir() and not _is_ignored(member)]
            _check_count(len(members))
            places = [_place(member) for member in members]  # all are looked at before anything is written
            budget = _Budget()
            for member, place in zip(members, places, strict=True):
                target = folder.joinpath(*place.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(member) as file:
                    budget.copy(file, target)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as problem:
        raise OptionError(say("evaluate_bad_zip", name=archive.name)) from problem


def _is_ignored(member: zipfile.ZipInfo) -> bool:
    """Whether an operating system added it by itself."""
    return any(part in _IGNORED or part.startswith("._") for part in PurePosixPath(member.filename).parts)


def _place(member: zipfile.ZipInfo) -> PurePosixPath:
    """Where a member goes, below the folder.

    Raises:
        OptionError: it may not be unpacked.
    """
    name = member.filename
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name or ":" in name or not place.parts:
        raise OptionError(say("evaluate_bad_path", name=name))
    mode = member.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise OptionError(say("evaluate_link", name=name))
    if member.flag_bits & 0x1:
        raise OptionError(say("evaluate_locked"))
    _check_kind(name)
    return place


def _check_count(count: int) -> None:
    if count > MAX_FILES:
        raise OptionError(say("evaluate_too_many", count=count, most=MAX_FILES))


def _check_kind(name: str) -> None:
    from raven_core.datasets.files import PICTURES

    if PurePosixPath(name).suffix.lower() not in DATA | PICTURES:
        kinds = ", ".join(sorted(DATA) + sorted(PICTURES))
        raise OptionError(say("evaluate_bad_kind", name=PurePosixPath(name).name, kinds=kinds))


class _Budget:
    """Counts the bytes that are really written, whatever a zip says of itself."""

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def copy(self, source: IO[bytes], target: Path) -> None:
        """Copy a file that is not there yet.

        Raises:
            OptionError: there is one of this name, or the limit is reached.
        """
        if target.exists():
            raise OptionError(say("evaluate_twice", name=target.name))
        with target.open("xb") as out:
            while chunk := source.read(_CHUNK):
                self.left -= len(chunk)
                if self.left < 0:
                    raise OptionError(say("evaluate_too_large", most=MAX_BYTES // 1_000_000))
                out.write(chunk)


def read(folder: Path, task: str | None, split: str | None, count: int, seed: int, name: str) -> Dataset:
    """The data set in a folder of ours: at most ``count`` samples of each task.

    Params:
        name: what the report calls it; a report says nothing of where it lay.
    Raises:
        OptionError: it cannot be read, or none of its pictures is there; paths are told from the folder on.
    """
    from raven_core.datasets import load

    root = data_folder(folder)
    images = None if root == folder else folder
    try:
        found = load(root, split or None, count, seed, task=task, images=images, confined=True)
    except OptionError as problem:
        raise OptionError(without_folder(str(problem), folder)) from problem
    pictures = (example.image for example in found.examples)
    if not any(callable(picture) or picture.is_file() for picture in pictures):
        raise OptionError(say("evaluate_no_pictures", name=found.name))
    return replace(found, name=name, source=name)


def data_folder(folder: Path) -> Path:
    """The folder with the data files: the first one, from the top, that holds any."""
    folders = [folder, *sorted((path for path in folder.rglob("*") if path.is_dir()), key=_depth)]
    return next((one for one in folders if any(path.suffix.lower() in DATA for path in one.iterdir())), folder)


def _depth(path: Path) -> tuple[int, str]:
    return len(path.parts), str(path)


def without_folder(text: str, folder: Path) -> str:
    """A text that names files as they were packed, not as they lie here."""
    return text.replace(f"{folder}/", "").replace(str(folder), folder.name)


def pack(folder: Path, archive: Path, hidden: Path) -> Path:
    """Zip a run's folder; texts in it name no file of this machine below ``hidden``."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = f"{archive.stem}/{path.relative_to(folder).as_posix()}"
            if path.suffix in (".json", ".jsonl", ".md"):
                zipped.writestr(name, without_folder(path.read_text(encoding="utf-8"), hidden))
            else:
                zipped.write(path, name)
    return archive


def remove(folder: Path) -> None:
    """Delete a folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
