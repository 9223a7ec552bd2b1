"""The finished profile folder, and the report on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.photos.corpus import SOURCES, Corpus
from finetune.photos.measure import (
    BASELINE,
    COLUMNS,
    COPIED,
    RAVEN,
    Asking,
    all_answers,
    asking,
    caption_report,
    question_report,
)
from finetune.photos.recipe import PhotoRecipe
from finetune.photos.report import COMMAND, page
from finetune.photos.sight_token import NAME as SIGHT
from finetune.photos.sight_token import SightGenerator
from raven_core.encoder import Encoder
from raven_core.images import load_image
from raven_core.memory import Memory
from raven_core.pipeline import Raven
from raven_core.retriever import calibrate_thresholds
from raven_core.settings import Settings

FALSE_ALARM = 0.05
BASELINES = "baselines"
"""Where the second baseline lies: it is no adapter of the profile, for the app gives it no extra token."""

Records = Mapping[str, Mapping[str, Any]]


def assemble(recipe: PhotoRecipe, corpus: Corpus, work: Path, out: Path, records: Records) -> dict[str, Any]:
    """Writes the profile: encoder, model, memory, adapters, thresholds, examples."""
    parts = {name: out / name for name in ("encoder", "model", "memory")}
    parts |= {f"adapters/{task}": out / "adapters" / task for task in (RAVEN, BASELINE)}
    parts |= {f"adapters/{SIGHT}": out / BASELINES / SIGHT}
    for name, target in parts.items():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(work / name, target, ignore=shutil.ignore_patterns("index.*"))
    _write(out / "profile.json", profile(recipe, out, records))
    shutil.rmtree(out / "examples", ignore_errors=True)
    entries = list(examples(recipe, corpus, out / "examples"))
    _write(out / "examples" / "examples.json", entries)
    return {"examples": len(entries)}


def profile(recipe: PhotoRecipe, out: Path, records: Records) -> dict[str, Any]:
    """The profile's description; thresholds are calibrated on the memory itself."""
    memory = Memory.open(out / "memory", Encoder.load(out / "encoder"))
    thresholds = calibrate_thresholds(memory, false_alarm=FALSE_ALARM)
    return {
        "name": "photos",
        "title": "Photos and rooms",
        "description": "Real photos: captions as in Flickr8k, questions about rooms as in DAQUAR. The memory holds "
        "photos with a caption each, and rooms with statements about them.",
        "encoder": "encoder",
        "model": "model",
        "adapters": {task: f"adapters/{task}" for task in (RAVEN, BASELINE)},
        "default_adapter": RAVEN,
        "memory": "memory",
        "examples": "examples",
        "question_weight": records["neighbours"]["question_weight"],
        "leak_threshold": round(thresholds.leak, 4),
        "far_threshold": round(thresholds.far, 4),
        "far_false_alarm": FALSE_ALARM,
        "max_new_tokens": recipe.max_new_tokens,
        "settings": {"k": records["choose"]["k"]},
    }


def examples(recipe: PhotoRecipe, corpus: Corpus, folder: Path) -> Iterator[dict[str, Any]]:
    """One-click examples: photos and rooms that were kept for choices, so nothing was trained on them."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = {corpus.asked[number].picture: corpus.asked[number] for number in corpus.questions("choice")}
    for source in SOURCES:
        for row in corpus.rows(source, "choice")[: recipe.examples]:
            question = asked[row].question if row in asked else None
            if (question is None) == (source == "room"):
                continue
            name = f"{Path(corpus.pictures[row].id).stem}.webp"
            load_image(corpus.pictures[row].file).save(folder / name, quality=90)
            title = question or f"caption, {corpus.pictures[row].id[:12]}"
            yield {"file": name, "question": question, "split": "held out", "title": title, "known_failure": False}


def report_on(recipe: PhotoRecipe, corpus: Corpus, work: Path, out: Path, records: Records) -> dict[str, Any]:
    """Asks the profile about the report's photos and rooms, once, and writes ``report.json`` and ``results.md``."""
    raven = Raven.load(out, Settings(profile=str(out)))
    sight = SightGenerator.with_sight(out / "model", out / BASELINES / SIGHT, out / "encoder")
    k = int(records["choose"]["k"])
    numbers = corpus.questions("report")

    def said(asked: Asking, columns: tuple[str, ...], name: str) -> dict[str, list[str]]:
        folder = work / "answers" / name
        return all_answers(raven.generator, sight, asked, columns, recipe.max_new_tokens, folder)

    photos = asking(corpus, raven.retriever, "report", None, k)
    captions = caption_report(corpus, photos, said(photos, (*COLUMNS, COPIED), "captions"))
    rooms = asking(corpus, raven.retriever, "report", numbers, k)
    questions = question_report(corpus, numbers, said(rooms, COLUMNS, "questions"), recipe.large)
    report = {
        "command": COMMAND,
        "k": k,
        "gainer": recipe.gainer,
        "captions": captions,
        "questions": questions,
        "stages": {name: dict(record) for name, record in records.items()},
        "recipe": asdict(recipe),
    }
    _write(out / "report.json", report)
    (out / "results.md").write_text(page(report), encoding="utf8")
    return {"cider": {column: scores["CIDEr"] for column, scores in captions["scores"].items()}}


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
