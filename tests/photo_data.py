"""A folder of made-up data in the layout of the real one: coloured blocks, sentences about them, a random backbone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tiny import block

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "pink", "white")


def write_data(folder: Path, photos: int = 40, dev: int = 6, rooms: int = 16) -> Path:
    """Flickr8k's and DAQUAR's files and the backbone's folder, small and random."""
    images = folder / "flickr8k" / "images"
    images.mkdir(parents=True)
    for split, start, count in (("train", 0, photos), ("dev", photos, dev)):
        rows = [_photo(images, number, split) for number in range(start, start + count)]
        _write_lines(folder / "flickr8k" / f"captions_{split}.jsonl", rows)
    (folder / "daquar" / "images").mkdir(parents=True)
    asked = [row for number in range(rooms) for row in _room(folder / "daquar" / "images", number)]
    _write_lines(folder / "daquar" / "questions_train.jsonl", asked)
    write_backbone(folder / "weights" / "mobilenet_v2_1.0_224")
    return folder


def write_backbone(folder: Path) -> None:
    """A random, narrow MobileNetV2."""
    import torch
    from transformers import MobileNetV2Config, MobileNetV2Model

    torch.manual_seed(0)
    config = MobileNetV2Config(depth_multiplier=0.35, finegrained_output=False, image_size=64)
    MobileNetV2Model(config).save_pretrained(folder)


def _photo(folder: Path, number: int, split: str) -> dict[str, Any]:
    colour, name = COLOURS[number % len(COLOURS)], f"photo{number}.jpg"
    block(colour, number, 64).save(folder / name)
    captions = [
        f"A {colour} block .",
        f"A {colour} thing lies there .",
        f"Something {colour}",
        "One block .",
        "A block .",
    ]
    return {"image": name, "split": split, "captions": captions}


def _room(folder: Path, number: int) -> list[dict[str, Any]]:
    colour, name = COLOURS[number % len(COLOURS)], f"image{number}.jpg"
    block(colour, 1000 + number, 72).resize((72, 54)).save(folder / name)
    asked = {
        "what is the colour of the wall ?": colour,
        "how many chairs are there ?": str(number % 3 + 1),
        "what is on the desk ?": "book, tape_dispenser",
        "what is in front of the sofa ?": "table",
    }
    return [
        {"question_id": 10 * number + place, "image": name, "question": question, "answer": answer}
        for place, (question, answer) in enumerate(asked.items())
    ]


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
