"""Writes scenes of one split as a data set: pictures, COCO captions and VQA v2 questions."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm  # type: ignore[import-untyped]

from finetune.fieldguide.captions import captions
from finetune.fieldguide.draw import render
from finetune.fieldguide.questions import Question, questions
from finetune.fieldguide.scenes import Scene, rng_at, scene_at
from finetune.fieldguide.species import DOMAINS
from raven_core.errors import OptionError

CAPTIONS_PER_IMAGE = 5
_QUESTIONS_PER_IMAGE = 100  # question ids are image_id * 100 + place, as readable as they are unique
JSON_FILES = ("captions.json", "questions.json", "annotations.json")


@dataclass(frozen=True)
class Example:
    """One picture's worth of data: its number in the split, what it shows, five captions, up to eleven questions."""

    index: int
    scene: Scene
    captions: list[str]
    questions: list[Question]


def example_at(seed: int, split: str, index: int) -> Example:
    """Everything exported for one address; captions and questions have generators of their own.

    Raises:
        ValueError: for a split that is not one of the domains.
    """
    scene = scene_at(seed, split, index)
    return Example(
        index=index,
        scene=scene,
        captions=captions(scene, rng_at("captions", seed, split, index), CAPTIONS_PER_IMAGE),
        questions=questions(scene, rng_at("questions", seed, split, index)),
    )


def check_options(split: str, n: int, size: int) -> None:
    """Refuse what cannot be exported.

    Raises:
        OptionError: for an unknown split, no pictures at all, or pictures under 16 pixels.
    """
    if split not in DOMAINS:
        raise OptionError(f"Unknown split {split!r}: choose one of {', '.join(DOMAINS)}.")
    if n < 1:
        raise OptionError(f"Cannot export {n} pictures: --n must be 1 or more.")
    if size < 16:
        raise OptionError(f"Cannot draw pictures of {size} pixels: --size must be 16 or more.")


def prepare(out: Path, force: bool) -> Path:
    """Make an empty `images` folder below `out` and return it; with `force`, what an earlier export left goes first.

    Raises:
        OptionError: when `out` is a file, or holds anything and `force` is off.
    """
    if out.exists() and not out.is_dir():
        raise OptionError(f"{out} is a file: name a folder with --out.")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise OptionError(f"{out} is not empty: name another folder, or add --force to replace an earlier export.")
    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    # Only what this command writes is removed: a folder may hold other things of its owner's.
    for split in DOMAINS:
        for old in images.glob(f"{split}-*.png"):
            old.unlink()
    for name in JSON_FILES:
        (out / name).unlink(missing_ok=True)
    return images


def export(
    split: str,
    n: int,
    seed: int,
    out: Path,
    size: int = 256,
    force: bool = False,
    progress: Callable[[Iterator[Example], int], Iterator[Example]] | None = None,
) -> None:
    """Write `n` pictures of `split` with their texts into `out`; the same arguments give the same bytes.

    Args:
        split: one of the four domains.
        n: number of pictures.
        seed: pictures of different seeds have nothing in common.
        out: an empty or new folder.
        size: width and height of a picture, in pixels.
        force: replace an earlier export instead of refusing a folder that is not empty.
        progress: wraps the examples, given their number; a progress bar unless told otherwise.

    Raises:
        OptionError: for options that cannot be met; nothing has been written then.
    """
    check_options(split, n, size)
    images = prepare(out, force)
    wrap = progress or (lambda items, total: iter(tqdm(items, total=total, unit="picture")))
    examples = []
    for example in wrap((example_at(seed, split, index) for index in range(n)), n):
        render(example.scene, size).save(images / file_name(split, example.index))
        examples.append(example)
    _write(out / "captions.json", coco_layout(examples, split, seed, size))
    asked, answered = vqa_layout(examples, split, seed)
    _write(out / "questions.json", asked)
    _write(out / "annotations.json", answered)


def file_name(split: str, index: int) -> str:
    """The file of a picture below `images`."""
    return f"{split}-{index:06d}.png"


def _info(split: str, seed: int, description: str) -> dict[str, Any]:
    return {"description": f"The Field Guide: {description}", "version": "1.0", "split": split, "seed": seed}


def _image(example: Example, split: str, size: int) -> dict[str, Any]:
    """A COCO image entry, with what the scene shows beside the usual fields."""
    scene = asdict(example.scene)
    shown = {key: scene[key] for key in ("species", "colour", "count", "action", "habitat", "weather", "side", "seed")}
    return {
        "id": example.index + 1,
        "file_name": file_name(split, example.index),
        "width": size,
        "height": size,
        "domain": split,
        **shown,
        "traits": list(example.scene.traits),
        "props": list(example.scene.props),
    }


def coco_layout(examples: list[Example], split: str, seed: int, size: int) -> dict[str, Any]:
    """Captions as COCO (and NoCaps, which adds `domain`) lays them out."""
    annotations = [
        {"id": example.index * CAPTIONS_PER_IMAGE + place + 1, "image_id": example.index + 1, "caption": caption}
        for example in examples
        for place, caption in enumerate(example.captions)
    ]
    images = [_image(example, split, size) for example in examples]
    return {"info": _info(split, seed, "captions"), "images": images, "annotations": annotations}


def vqa_layout(examples: list[Example], split: str, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Questions and annotations as VQA v2 lays them out; `memory_only` tells what no picture can answer."""
    asked, answered = [], []
    for example in examples:
        for place, question in enumerate(example.questions):
            ids = {
                "question_id": (example.index + 1) * _QUESTIONS_PER_IMAGE + place,
                "image_id": example.index + 1,
            }
            asked.append({**ids, "question": question.text})
            answered.append({**ids, **_annotation(question)})
    head = {"info": _info(split, seed, "questions"), "task_type": "Open-Ended", "data_subtype": split}
    return {**head, "questions": asked}, {**head, "annotations": answered}


def _annotation(question: Question) -> dict[str, Any]:
    return {
        "question_type": question.type,
        "answer_type": question.answer_type,
        "multiple_choice_answer": question.answer,
        "answers": [
            {"answer": answer, "answer_id": place + 1, "answer_confidence": "yes"}
            for place, answer in enumerate(question.answers)
        ],
        "memory_only": question.memory_only,
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    # newline="\n" keeps the bytes the same on every system.
    with path.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
