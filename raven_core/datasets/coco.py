"""COCO captions, and NoCaps, which adds ``domain`` to an image.

``images[{id, file_name}]``, ``annotations[{id, image_id, caption}]``; images without annotations are captioned all the
same, for the official servers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raven_core.datasets.examples import Example
from raven_core.datasets.files import Pictures, entries, info_of, need, read_json

NAME = "coco"
_TOLD = {"id", "file_name", "domain", "width", "height", "license", "coco_url", "flickr_url", "date_captured"}


def is_coco(content: Any) -> bool:
    """Whether JSON content is in this layout (Karpathy's has ``sentences`` inside its images)."""
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        return False
    images = content["images"]
    return not (images and isinstance(images[0], dict) and "sentences" in images[0])


def read(path: Path, content: Any, pictures: Pictures, split: str | None) -> list[Example]:
    """One example an image; ``split`` keeps one domain of NoCaps.

    Raises:
        OptionError: a field is missing.
    """
    captions = references(path, content)
    examples = []
    for image in entries(content, "images", path):
        number = need(image, "id", path, "An image")
        domain = image.get("domain")
        if split in (None, domain, info_of(content).get("split")):
            examples.append(
                Example(
                    id=str(number),
                    image=pictures.named(str(need(image, "file_name", path, "An image"))),
                    references=tuple(captions.get(str(number), ())),
                    domain=domain,
                    number=number,
                    image_id=str(number),
                    extra={key: value for key, value in image.items() if key not in _TOLD},
                )
            )
    return examples


def references(path: Path, content: Any) -> dict[str, list[str]]:
    """Captions by image id, as text; a layout without annotations gives none.

    Raises:
        OptionError: a field is missing.
    """
    found: dict[str, list[str]] = {}
    if isinstance(content, dict) and "annotations" in content:
        for note in entries(content, "annotations", path):
            image_id = str(need(note, "image_id", path, "An annotation"))
            found.setdefault(image_id, []).append(str(need(note, "caption", path, "An annotation")))
    return found


def file_names(path: Path) -> dict[str, dict[str, Any]]:
    """The images of a file in this layout by id, as text."""
    return {str(image["id"]): image for image in entries(read_json(path), "images", path) if "id" in image}
