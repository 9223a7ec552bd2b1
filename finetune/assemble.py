"""Puts the parts of a build together: a profile folder with examples, thresholds and a manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from finetune.fieldguide.draw import render
from finetune.fieldguide.export import example_at
from finetune.fieldguide.memory_rows import MEMORY_SEED
from finetune.fieldguide.species import DOMAINS, published_seed, species_hash
from finetune.fieldguide_data import TRAIN_SEED
from finetune.measure_fieldguide import has_word, measure
from finetune.recipe import ADAPTER_SEEDS, TASKS, Recipe
from raven_core.encoder import Encoder
from raven_core.memory import Memory
from raven_core.pipeline import Raven
from raven_core.retriever import calibrate_thresholds

EXAMPLE_SEED = 5_300_009
"""Seed of the one-click examples: pictures that stand in no other part of the world."""

FALSE_ALARM = 0.05
NOT_LISTED = ("manifest.json", "index.faiss", "index.json")
"""The manifest itself, and the memory's index, which is only a cache."""

_QUESTION_TYPES = {
    "in-domain": (None, "what is it doing"),
    "near-domain": (None,),
    "out-domain": (None, "what does it eat"),
    "novel": (None, "where does it sleep"),
}


def assemble(recipe: Recipe, work: Path, out: Path, records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Writes the profile folder: parts, thresholds, examples and a manifest without figures of quality yet."""
    shutil.rmtree(out, ignore_errors=True)
    for part in ("encoder", "model", "memory"):
        shutil.copytree(work / part, out / part, ignore=shutil.ignore_patterns("index.*"))
    for task in TASKS:
        shutil.copytree(work / f"seed-{ADAPTER_SEEDS[0]}" / task, out / "adapters" / task)
    _write(out / "profile.json", profile(recipe, out))
    _write(out / "examples" / "examples.json", [])
    raven = Raven.load(out)
    _write(out / "examples" / "examples.json", list(examples(raven, out / "examples", recipe.searched)))
    _write(out / "manifest.json", manifest(recipe, out, records, {}))
    return {"examples": len(json.loads((out / "examples" / "examples.json").read_text(encoding="utf8")))}


def measure_seeds(recipe: Recipe, work: Path, out: Path, records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Measures the adapters of every training seed on the published seed and writes the figures into the manifest."""
    raven = Raven.load(out)
    quality = {f"seed-{seed}": _quality(raven, recipe, work / f"seed-{seed}") for seed in ADAPTER_SEEDS}
    _write(out / "manifest.json", manifest(recipe, out, records, quality))
    return {"naming": {seed: report["naming"] for seed, report in quality.items()}}


def _quality(raven: Raven, recipe: Recipe, seed: Path) -> dict[str, Any]:
    """The figures of one training seed; kept beside its adapters, so that an interrupted measurement goes on."""
    kept = seed / "quality.json"
    if not kept.exists():
        _write(kept, measure(_with_adapters(raven, seed), published_seed(), recipe.measured, TASKS[0]))
    measured: dict[str, Any] = json.loads(kept.read_text(encoding="utf8"))
    return measured


def is_assembled(out: Path, measured: bool) -> bool:
    """Whether the folder holds a result, with its figures of quality where ``measured`` asks for them."""
    path = out / "manifest.json"
    return path.exists() and (not measured or bool(json.loads(path.read_text(encoding="utf8"))["quality"]))


def _with_adapters(raven: Raven, folder: Path) -> Raven:
    from raven_core.generator import Generator

    adapters: dict[str, str | Path] = {task: folder / task for task in TASKS}
    generator = Generator.load(raven.profile.source(raven.profile.model), adapters)
    return Raven(raven.profile, raven.settings, raven.retriever, generator)


def profile(recipe: Recipe, out: Path) -> dict[str, Any]:
    """The profile's description; thresholds are calibrated on the memory itself."""
    encoder = Encoder.load(out / "encoder")
    thresholds = calibrate_thresholds(Memory.open(out / "memory", encoder, write_cache=False), false_alarm=FALSE_ALARM)
    return {
        "name": "fieldguide",
        "title": "The Field Guide",
        "description": "An illustrated guide to 240 invented creatures. Their names and habits stand in the memory, "
        "not in the weights: retrieval is the only way to know them.",
        "encoder": "encoder",
        "model": "model",
        "adapters": {task: f"adapters/{task}" for task in TASKS},
        "default_adapter": TASKS[0],
        "memory": "memory",
        "examples": "examples",
        "question_weight": recipe.question_weight,
        "leak_threshold": round(thresholds.leak, 4),
        "far_threshold": round(thresholds.far, 4),
        "far_false_alarm": FALSE_ALARM,
        "max_new_tokens": recipe.max_new_tokens,
    }


def examples(raven: Raven, folder: Path, searched: int) -> Iterator[dict[str, Any]]:
    """One-click examples of every split, then one that the model is known to get wrong.

    ``references`` are the truth as it was drawn: the five captions, or the ten answers of the question.
    """
    for split in DOMAINS:
        for index, kind in enumerate(_QUESTION_TYPES[split]):
            example = example_at(EXAMPLE_SEED, split, index)
            asked = next((q for q in example.questions if q.type == kind), None)
            name = f"{split}-{index}.webp"
            render(example.scene, size=384).save(folder / name, quality=85)
            yield {
                "file": name,
                "question": asked.text if asked else None,
                "split": split,
                "title": f"{split}: {asked.text if asked else 'caption'}",
                "note": "",
                "known_failure": False,
                "references": list(asked.answers if asked else example.captions),
            }
    yield from known_failure(raven, folder, searched)


def known_failure(raven: Raven, folder: Path, searched: int) -> Iterator[dict[str, Any]]:
    """The first out-domain picture that is misnamed although its name stands in the prompt; none if all go well."""
    for index in tqdm(range(100, 100 + searched), desc="looking for a failure", unit="picture"):
        split = ("out-domain", "novel")[index % 2]
        example = example_at(EXAMPLE_SEED, split, index)
        image = render(example.scene, size=384)
        answer = raven.answer(image)
        name = str(example.scene.species)
        told = any(has_word(n.caption or "", name) for n in answer.neighbours)
        if told and not has_word(answer.text, name):
            image.save(folder / "known-failure.webp", quality=85)
            again = raven.answer(folder / "known-failure.webp")
            if has_word(again.text, name):
                continue
            yield {
                "file": "known-failure.webp",
                "question": None,
                "split": split,
                "title": "a known failure",
                "note": f"This is a {name}: a neighbour says so, the answer does not.",
                "known_failure": True,
                "references": list(example.captions),
            }
            return


def manifest(
    recipe: Recipe, out: Path, records: Mapping[str, Mapping[str, Any]], quality: Mapping[str, Any]
) -> dict[str, Any]:
    """Seeds, sizes, steps, seconds, hashes and measured quality of everything in the folder."""
    files = sorted(
        path for path in out.rglob("*") if path.is_file() and "images" not in path.parts and path.name not in NOT_LISTED
    )
    return {
        "command": "python -m finetune.build_fieldguide",
        "recipe": asdict(recipe),
        "seeds": {
            "training": TRAIN_SEED,
            "memory": MEMORY_SEED,
            "examples": EXAMPLE_SEED,
            "published": published_seed(),
        },
        "species": species_hash(),
        "stages": dict(records),
        "minutes": round(sum(record["seconds"] for record in records.values()) / 60, 1),
        "files": {
            path.relative_to(out).as_posix(): {
                "bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in files
        },
        "quality": dict(quality),
    }


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
