"""Reads the files that data sets come in, and finds their pictures."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from raven_core.errors import OptionError

PICTURES = frozenset(".jpg .jpeg .png .webp .gif .bmp .tif .tiff .avif .jp2 .ppm".split())
"""Endings of files that count as pictures."""

_LAST_NUMBER = re.compile(r"(\d+)$")


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        OptionError: it cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{str(path)!r} cannot be read ({error}): check the path.") from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{str(path)!r} is not valid JSON ({error}): mend or replace it.") from error


def read_table(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV or JSONL file by column.

    Raises:
        OptionError: it cannot be read, a line is broken, or there are no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file) if path.suffix.lower() == ".csv" else _lines(path, file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OptionError(f"{str(path)!r} cannot be read ({error}): check the file.") from error
    if not rows:
        raise OptionError(f"{str(path)!r} holds no rows: give a file with at least one.")
    return rows


def _lines(path: Path, file: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise OptionError(f"Line {number} of {str(path)!r} is not valid JSON ({error}): mend it.") from error
        if not isinstance(row, dict):
            raise OptionError(f"Line {number} of {str(path)!r} is not a JSON object: write one object a line.")
        yield row


def entries(content: Any, key: str, path: Path) -> list[dict[str, Any]]:
    """The list of objects that a JSON object has under a key.

    Raises:
        OptionError: there is no such list.
    """
    found = content.get(key) if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise OptionError(f"{str(path)!r} has no list of objects {key!r}: it is damaged, or of another format.")
    return found


def need(entry: dict[str, Any], key: str, path: Path, what: str) -> Any:
    """A field that must be there.

    Raises:
        OptionError: it is not.
    """
    if entry.get(key) is None:
        raise OptionError(f"{what} in {str(path)!r} has no {key!r} ({json.dumps(entry, default=str)[:120]}): add it.")
    return entry[key]


def info_of(content: Any) -> dict[str, Any]:
    """What a file in COCO's or VQA's layout says of itself; nothing where it has no object ``info``."""
    told = content.get("info") if isinstance(content, dict) else None
    return told if isinstance(told, dict) else {}


class Pictures:
    """The picture files of a data set, by name, by path and by number."""

    def __init__(self, root: Path, images: Path | None = None, confined: bool = False) -> None:
        """Pictures near the data.

        Params:
            root: folder of the data; names are looked for in it, in its ``images`` and anywhere below it.
            images: the folder they are in, where that is somewhere else.
            confined: refuse files outside ``root`` and ``images``, for data that a stranger gave.
        Raises:
            OptionError: ``images`` is not a folder.
        """
        if images is not None and not images.is_dir():
            raise OptionError(f"There is no image folder {str(images)!r}: check the path.")
        self.root, self._confined = root, confined
        self._folders = (images,) if images is not None else (root, root / "images")
        self._search = images or root

    def named(self, name: str) -> Path:
        """The picture with this name or relative path.

        A name that leads nowhere still gives a path: what is missing is told when the picture is opened, so that
        one missing picture does not end a whole run.

        Raises:
            OptionError: the path leads out of the data's folder and that is not allowed.
        """
        paths = [folder / name for folder in self._folders]
        if not all(map(self._allowed, paths)):
            raise OptionError(f"The picture {name!r} lies outside the data's folder: name files inside it.")
        there = next((path for path in paths if path.is_file()), None)
        return there or self._by_name.get(Path(name).name, paths[-1])

    def numbered(self, number: int | str, hint: str = "") -> Path:
        """The picture whose name ends with this number, or is this id; ``hint`` is the name it should have."""
        found = self._by_name.get(hint) or self._by_stem.get(str(number))
        if found is None and str(number).isdigit():
            found = self._by_number.get(int(number))
        return found or self._folders[-1] / (hint or f"{number}.jpg")

    def _allowed(self, path: Path) -> bool:
        if not self._confined:
            return True
        here = path.resolve()
        return any(here.is_relative_to(folder.resolve()) for folder in (self.root, *self._folders))

    @cached_property
    def _files(self) -> list[Path]:
        found = (path for path in self._search.rglob("*") if path.suffix.lower() in PICTURES)
        return sorted(path for path in found if path.is_file() and self._allowed(path))

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        return {path.name: path for path in reversed(self._files)}

    @cached_property
    def _by_stem(self) -> dict[str, Path]:
        return {path.stem: path for path in reversed(self._files)}

    @cached_property
    def _by_number(self) -> dict[int, Path]:
        """Pictures by the number that their names end with; a number that two share names neither."""
        found: dict[int, Path] = {}
        shared: set[int] = set()
        for path in self._files:
            match = _LAST_NUMBER.search(path.stem)
            if match is not None:
                number = int(match[1])
                shared |= {number} & found.keys()
                found[number] = path
        return {number: path for number, path in found.items() if number not in shared}
