"""Flickr8k as it is published: ``name.jpg#0<TAB>caption`` a line, and splits as lists of names beside it."""

from __future__ import annotations

import re
from pathlib import Path

from raven_core.datasets.examples import Example
from raven_core.datasets.files import Pictures
from raven_core.errors import OptionError

NAME = "flickr"
_LINE = re.compile(r"(?P<name>[^\t#]+\.\w+)#(?P<place>\d+)\t(?P<caption>.*)")


def is_token_file(path: Path) -> bool:
    """Whether a file's first line is in this layout."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return _LINE.fullmatch(file.readline().rstrip("\r\n")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def read(path: Path, pictures: Pictures, split: str | None) -> list[Example]:
    """One example an image, its captions in the file's order; ``split`` is train, dev or test.

    Raises:
        OptionError: a line is in another layout, or there is no list of the split's images.
    """
    captions: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            match = _LINE.fullmatch(line)
            if match is None:
                raise OptionError(f"Line {number} of {str(path)!r} is not 'name.jpg#0<TAB>caption': mend it.")
            captions.setdefault(match["name"], []).append(match["caption"])
    wanted = None if split is None else _names_of(path.parent, split)
    return [
        Example(id=name, image=pictures.named(name), references=tuple(said), number=name, image_id=name)
        for name, said in captions.items()
        if wanted is None or name in wanted
    ]


def _names_of(folder: Path, split: str) -> set[str]:
    """The names in ``Flickr_8k.devImages.txt`` or the like."""
    lists = [path for path in sorted(folder.glob("*.txt")) if path.stem.lower().endswith(f"{split.lower()}images")]
    if not lists:
        raise OptionError(
            f"No list of the split {split!r} lies beside the captions: put Flickr_8k.{split}Images.txt into "
            f"{str(folder)!r}, or leave the split out."
        )
    return set(lists[0].read_text(encoding="utf-8").split())
