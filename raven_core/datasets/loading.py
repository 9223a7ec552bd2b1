"""``load``: finds out which format a path is in, and reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raven_core.datasets import coco, daquar, flickr, folder, huggingface, karpathy, vqa
from raven_core.datasets.examples import TASKS, Dataset, Example, Task
from raven_core.datasets.files import Pictures, read_json, read_table
from raven_core.errors import OptionError
from raven_core.settings import HUB_PREFIX

FORMATS = """COCO or NoCaps captions (JSON with images and annotations), Karpathy splits (JSON with sentences), \
VQA v2 (JSON with questions, annotations beside it), Flickr8k.token.txt, a CSV or JSONL table with pictures, \
DAQUAR JSONL, a folder written by datasets' save_to_disk, or hub:owner/name"""
"""What can be read, for people."""

_TABLES = (".csv", ".jsonl")
_GENERIC = {"images", "annotations", "captions", "questions", "data", "dataset", "metadata"}


@dataclass(frozen=True)
class _Ask:
    """What was asked for; the same for every file of a folder."""

    split: str | None
    task: Task | None
    images: Path | None
    confined: bool


def load(
    source: str | Path,
    split: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    *,
    task: str | None = None,
    images: str | Path | None = None,
    confined: bool = False,
) -> Dataset:
    """A data set in any of the formats, which is found out from its files.

    Params:
        source: a file, a folder, or ``hub:owner/name``.
        split: a split by name; for NoCaps a domain.
        limit: at most so many examples of each task, drawn with ``seed``.
        task: ``caption`` or ``vqa``, where a folder holds both; None for what is there.
        images: the folder with the pictures, where it is not near the data.
        confined: refuse pictures outside the data's folder, for data that a stranger gave.
    Raises:
        OptionError: there is nothing to read, in no known format, damaged, or without this split.
        HubError: a hub data set cannot be fetched.
    """
    ask = _asked(split, limit, task, images, confined)
    format, examples = _read(str(source), ask)
    if task is not None:
        examples = [example for example in examples if example.task == task]
    if not examples:
        asked = ", ".join(f"{name} {value!r}" for name, value in (("split", split), ("task", task)) if value)
        raise OptionError(f"{str(source)!r} ({format}) has no examples{asked and f' with {asked}'}: check it.")
    _check_ids(str(source), examples)
    name = str(source).removeprefix(HUB_PREFIX) if str(source).startswith(HUB_PREFIX) else _name(Path(source))
    # one answer to a question leaves only whether it was met; asking all of the source, a limit changes no metric
    exact = format == daquar.NAME or any(len(example.answers) == 1 for example in examples)
    return Dataset(name, format, str(source), tuple(examples), split, exact).limited(limit, seed)


def _asked(split: str | None, limit: int | None, task: Any, images: str | Path | None, confined: bool) -> _Ask:
    if limit is not None and limit < 1:
        raise OptionError(f"The limit is {limit}: ask for 1 or more examples, or for all without it.")
    if task not in (None, *TASKS):
        raise OptionError(f"Unknown task {task!r}: use {' or '.join(TASKS)}.")
    return _Ask(split, task, None if images is None else Path(images), confined)


def _name(path: Path) -> str:
    """A file's name, with its folder's where it says little by itself."""
    stem = path.resolve().stem
    return f"{path.resolve().parent.name}/{stem}" if path.is_file() and stem in _GENERIC else stem


def _check_ids(source: str, examples: list[Example]) -> None:
    """Results are told apart by id, so one that stands twice would hide a sample.

    Raises:
        OptionError: one stands twice.
    """
    for (task, name), times in Counter((example.task, example.id) for example in examples).items():
        if times > 1:
            what = "question" if task == "vqa" else "image"
            raise OptionError(f"The {what} id {name!r} stands {times} times in {source!r}: give each its own.")


def _read(source: str, ask: _Ask) -> tuple[str, list[Example]]:
    if source.startswith(HUB_PREFIX):
        return huggingface.NAME, huggingface.read(source, ask.split)
    path = Path(source)
    if path.is_dir():
        return _read_folder(path, ask)
    if path.is_file():
        return _read_file(path, ask)
    hint = f"; for a data set on the hub write {HUB_PREFIX}{source}" if source.count("/") == 1 else ""
    raise OptionError(f"There is no data set {source!r}: give a file or folder{hint}. Formats: {FORMATS}.")


def _read_folder(path: Path, ask: _Ask) -> tuple[str, list[Example]]:
    if huggingface.is_saved(path):
        return huggingface.NAME, huggingface.read(str(path), ask.split)
    found = {file: content for file in sorted(path.glob("*.json")) if (content := read_json(file))}
    questions = [file for file, content in found.items() if vqa.is_questions(content)]
    captions = [file for file, content in found.items() if coco.is_coco(content) or karpathy.is_karpathy(content)]
    chosen = _of_task(captions, questions, ask.task)
    if len(chosen) == 1 or (captions and questions and len(chosen) == 2):
        parts = [_read_file(file, ask) for file in chosen]
        return "+".join(name for name, _ in parts), [example for _, examples in parts for example in examples]
    tables = [file for file in sorted(path.iterdir()) if file.suffix.lower() in _TABLES or flickr.is_token_file(file)]
    return _read_file(_one_of(path, chosen or tables, ask), ask)


def _of_task(captions: list[Path], questions: list[Path], task: Task | None) -> list[Path]:
    return (captions if task != "vqa" else []) + (questions if task != "caption" else [])


def _one_of(folder_: Path, files: list[Path], ask: _Ask) -> Path:
    """The only file, or the one that the split names.

    Raises:
        OptionError: there is none, or more than one.
    """
    if len(files) > 1 and ask.split is not None:
        files = [file for file in files if ask.split.lower() in file.stem.lower()] or files
    if len(files) == 1:
        return files[0]
    if not files:
        raise OptionError(f"The folder {str(folder_)!r} holds no data set that is known. Formats: {FORMATS}.")
    names = ", ".join(file.name for file in files)
    raise OptionError(f"The folder {str(folder_)!r} holds several data sets ({names}): give one of these files.")


def _read_file(path: Path, ask: _Ask) -> tuple[str, list[Example]]:
    pictures = Pictures(path.parent, ask.images, ask.confined)
    if path.suffix.lower() == ".json":
        return _read_json(path, pictures, ask)
    if path.suffix.lower() in _TABLES:
        rows = read_table(path)
        if daquar.is_daquar(rows[0]):
            return daquar.NAME, _of_split(path, daquar.read(path, rows, pictures), ask.split)
        return folder.NAME, _of_table(path, rows, pictures, ask.split)
    if flickr.is_token_file(path):
        return flickr.NAME, flickr.read(path, pictures, ask.split)
    raise OptionError(f"{str(path)!r} is in no format that is known. Formats: {FORMATS}.")


def _read_json(path: Path, pictures: Pictures, ask: _Ask) -> tuple[str, list[Example]]:
    content = read_json(path)
    if vqa.is_questions(content):
        found = vqa.read(path, content, pictures, _names_pictures(path, ask))
        return vqa.NAME, found if ask.split == vqa.split_of(content) else _of_split(path, found, ask.split)
    if vqa.is_annotations(content):
        raise OptionError(f"{str(path)!r} holds VQA annotations: give the file with the questions, or their folder.")
    if karpathy.is_karpathy(content):
        return karpathy.NAME, karpathy.read(path, content, pictures, ask.split)
    if coco.is_coco(content):
        return coco.NAME, coco.read(path, content, pictures, ask.split)
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return folder.NAME, _of_table(path, content, pictures, ask.split)
    raise OptionError(f"{str(path)!r} is JSON in no format that is known. Formats: {FORMATS}.")


def _of_table(path: Path, rows: list[dict[str, Any]], pictures: Pictures, split: str | None) -> list[Example]:
    named = any(row.get("split") for row in rows)
    found = folder.read(path, [row for row in rows if not named or split in (None, row.get("split"))], pictures)
    return found if named else _of_split(path, found, split)


def _of_split(path: Path, examples: list[Example], split: str | None) -> list[Example]:
    """The examples of a split, in a format that has none: those of a domain, or all of a file that bears its name.

    Raises:
        OptionError: nothing says which examples are meant.
    """
    if split is None:
        return examples
    if found := [example for example in examples if example.domain == split]:
        return found
    if split.lower() in path.stem.lower():
        return examples
    raise OptionError(
        f"Nothing in {str(path)!r} says which examples are of the split {split!r}: leave the split out, or give the "
        "file that holds it."
    )


def _names_pictures(path: Path, ask: _Ask) -> Path | None:
    """A caption file beside VQA questions, which says how their pictures are called."""
    beside = (file for file in sorted(path.parent.glob("*.json")) if file != path and "caption" in file.name.lower())
    return next((file for file in beside if coco.is_coco(read_json(file))), None)
