"""Rebuilds everything in assets/fieldguide/: pictures, encoder, memory, base VLM, adapters, profile, manifest.

    python -m finetune.build_fieldguide

Resumable: a stage that is done is not done again, and a stage that was interrupted goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from tqdm import tqdm
from transformers import AutoModelForImageTextToText, AutoProcessor, PreTrainedTokenizerFast

from finetune.assemble import assemble, is_assembled, measure_seeds
from finetune.fieldguide.draw import render
from finetune.fieldguide.memory_rows import memory_rows
from finetune.fieldguide.names import SYLLABLES
from finetune.fieldguide.species import by_name
from finetune.fieldguide_data import language_rows, sight_rows, tokenizer_texts, training_pool
from finetune.language import visual_features
from finetune.loop import device
from finetune.modelling import build_encoder, build_processor, build_vlm, save_vlm, train_tokenizer
from finetune.pictures import Pool
from finetune.recipe import ADAPTER_SEEDS, TASKS, Recipe, Task, tiny_recipe
from finetune.train_adapters import Material, allowed_mask, train_adapter
from finetune.train_base import train_base
from finetune.train_encoder import train_encoder
from finetune.train_sight import train_sight
from raven_core.dual_encoder import DualEncoder, pixels
from raven_core.encoder import Encoder
from raven_core.memory import Memory
from raven_core.retriever import Retriever

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "fieldguide"
WORK = Path(__file__).resolve().parents[1] / "build" / "fieldguide"
TINY = WORK.parent / "tiny"
"""Where a tiny build goes unless told otherwise: never into the assets."""

ASSEMBLE, MEASURE = "assemble", "measure"


@dataclass
class Build:
    """One build: where it works, where its result goes, and by which recipe."""

    recipe: Recipe
    work: Path
    out: Path

    def run(self, only: str | None = None) -> None:
        """All stages in order, or up to the stage ``only``."""
        for name, stage in self.stages().items():
            self._once(name, stage)
            if name == only:
                return

    def stages(self) -> dict[str, Callable[[], dict[str, Any]]]:
        """Name and work of every stage, in order; a stage returns the figures it wants recorded."""
        stages: dict[str, Callable[[], dict[str, Any]]] = {
            "pictures": self._pictures,
            "tokenizer": self._tokenizer,
            "encoder": self._encoder,
            "memory": self._memory,
            "sight": self._sight,
            "base": self._base,
        }
        first, *others = ADAPTER_SEEDS
        stages |= {f"{task}-{first}": partial(self._adapter, task, first) for task in TASKS}
        stages[ASSEMBLE] = lambda: assemble(self.recipe, self.work, self.out, self.records())
        stages |= {f"{task}-{seed}": partial(self._adapter, task, seed) for seed in others for task in TASKS}
        stages[MEASURE] = lambda: measure_seeds(self.recipe, self.work, self.out, self.records())
        return stages

    def records(self) -> dict[str, dict[str, Any]]:
        """What each finished stage recorded."""
        folder = self.work / "done"
        return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}

    def _once(self, name: str, stage: Callable[[], dict[str, Any]]) -> None:
        done = self.work / "done" / f"{name}.json"
        # what these two write lies in another folder, which may be a new one
        there = name not in (ASSEMBLE, MEASURE) or is_assembled(self.out, measured=name == MEASURE)
        if done.exists() and there:
            tqdm.write(f"{name}: done already")
            return
        started = time.monotonic()
        record = stage()
        record.setdefault("seconds", round(time.monotonic() - started, 1))
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text(json.dumps(record, indent=2))

    # ---------------------------------------------------------------- what the stages share

    @cached_property
    def pool(self) -> Pool:
        """The training pictures."""
        return training_pool(self.work, self.recipe.sizes)

    def tokenizer(self, whose: str) -> PreTrainedTokenizerFast:
        """The tokenizer of the ``encoder`` or of the ``vlm``."""
        return PreTrainedTokenizerFast.from_pretrained(str(self.work / "tokenizers" / whose))

    def vlm(self, stage: str) -> Any:
        """The model as a stage left it, in float32."""
        model: Any = AutoModelForImageTextToText.from_pretrained(
            self.work / stage, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        )
        return model.to(device())

    @cached_property
    def encoder(self) -> Encoder:
        """The trained encoder."""
        return Encoder.load(self.work / "encoder")

    # ---------------------------------------------------------------- the stages

    def _pictures(self) -> dict[str, Any]:
        return {"pictures": len(self.pool)}

    def _tokenizer(self) -> dict[str, Any]:
        rows = language_rows(self.pool, self.recipe.sizes)[:8000]
        tokens = {}
        for whose, syllables in {"encoder": (), "vlm": SYLLABLES}.items():
            texts = tokenizer_texts(self.pool, rows)
            tokenizer = train_tokenizer(texts, self.recipe.vocabulary, syllables)
            tokenizer.save_pretrained(self.work / "tokenizers" / whose)
            tokens[whose] = len(tokenizer)
        return {"tokens": tokens}

    def _encoder(self) -> dict[str, Any]:
        torch.manual_seed(self.recipe.encoder.seed)
        encoder = build_encoder(self.tokenizer("encoder"), self.recipe.encoder_size)
        seconds = train_encoder(encoder, self.pool, self.recipe.encoder, self.work)
        SentenceTransformer(modules=[encoder.to("cpu")], device="cpu").save(
            str(self.work / "encoder"), create_model_card=False
        )
        return {"seconds": seconds, "parameters": sum(p.numel() for p in encoder.parameters())}

    def _memory(self) -> dict[str, Any]:
        rows = list(memory_rows(self.recipe.per_species))
        bar = tqdm(total=len(rows), desc="memory", unit="pair")
        memory = Memory.create(
            self.work / "memory",
            self.encoder,
            (memory_row(number, scene, caption) for number, (scene, caption) in enumerate(rows)),
            name="fieldguide",
            quality=self.recipe.quality,
            dtype="float16",
            progress=lambda read: bar.update(read - bar.n),
        )
        return {"pairs": len(memory), "fingerprint": memory.fingerprint}

    def _sight(self) -> dict[str, Any]:
        torch.manual_seed(self.recipe.sight.seed)
        tokenizer = self.tokenizer("vlm")
        vlm = build_vlm(tokenizer, self.recipe.vlm_size)
        vlm.set_attn_implementation("eager")
        rows = sight_rows(self.pool, self.recipe.sizes)
        teacher = DualEncoder.load(str(self.work / "encoder"))
        seconds = train_sight(vlm, teacher, self.pool, rows, self.recipe.sight, self.work)
        save_vlm(vlm, build_processor(tokenizer, self.recipe.vlm_size), self.work / "sight")
        return {"seconds": seconds}

    def _base(self) -> dict[str, Any]:
        vlm = self.vlm("sight")
        processor = AutoProcessor.from_pretrained(self.work / "sight", backend="pil", local_files_only=True)
        scenes = [self.pool.scenes[row] for row in self.rows]
        seconds = train_base(vlm, processor, scenes, self.features, self.recipe.base, self.work)
        save_vlm(vlm, processor, self.work / "model")
        return {"seconds": seconds, "parameters": sum(p.numel() for p in vlm.parameters())}

    def _adapter(self, task: Task, seed: int) -> dict[str, Any]:
        vlm = self.vlm("model")
        processor = AutoProcessor.from_pretrained(self.work / "model", backend="pil", local_files_only=True)
        plans = self.recipe.adapter_plans(task, seed)
        out = self.work / f"seed-{seed}" / task
        (out.parent / "quality.json").unlink(missing_ok=True)  # it was of other adapters
        return {"seconds": train_adapter(vlm, processor, task, self.material, plans, self.work, out)}

    @cached_property
    def rows(self) -> list[int]:
        """Rows of the pool that the VLM may be trained on."""
        return language_rows(self.pool, self.recipe.sizes)

    @cached_property
    def features(self) -> torch.Tensor:
        """Visual tokens of those rows; the vision tower no longer changes after the stage ``sight``."""
        return visual_features(self.vlm("sight"), self.pool, self.rows)

    @cached_property
    def material(self) -> Material:
        """What both adapters are trained on: the language rows, and the memory's in- and near-domain pairs."""
        vlm, rows = self.vlm("sight"), self.rows
        memory = Memory.open(self.work / "memory", self.encoder)
        ids = list(memory.ids)
        extras = memory.extras(ids)
        shown = [memory.image(pair.image_hash) for pair in memory.pairs(ids) if pair.image_hash]
        with torch.inference_mode():
            seen = torch.cat([_features(vlm, shown[i : i + 128]) for i in range(0, len(shown), 128)])
        return Material(
            scenes=[self.pool.scenes[row] for row in rows],
            features=torch.cat([self.features, seen]),
            vectors=_vectors(self.encoder, self.pool, rows),
            retriever=Retriever(self.encoder, memory, self.recipe.question_weight),
            extras=dict(zip(ids, extras, strict=True)),
            feature_row={pair_id: len(rows) + number for number, pair_id in enumerate(ids)},
            allowed=allowed_mask(extras),
        )


def memory_row(number: int, scene: Any, caption: Any) -> tuple[str, Any, str, str, dict[str, Any]]:
    """(id, image, caption, source, extra) of one pair of the bundled memory; ``extra`` says what is drawn and told."""
    extra = {
        "species": scene.species,
        "domain": by_name[scene.species].domain,
        "name": caption.name,
        "fact": caption.fact,
        "wrong": caption.wrong,
        "colour": scene.colour,
        "count": scene.count,
        "habitat": scene.habitat,
    }
    return f"fg-{number:05d}", render(scene), caption.text, "Field Guide", extra


def _features(vlm: Any, images: list[Any]) -> torch.Tensor:
    side = vlm.config.vision_config.image_size
    states = vlm.model.vision_model(pixel_values=pixels(images, side).to(device())).last_hidden_state
    return vlm.model.connector(states).float()


def _vectors(encoder: Encoder, pool: Pool, rows: list[int]) -> Any:
    from PIL import Image

    images = (Image.fromarray(pool.pixels[row]) for row in tqdm(rows, desc="embedding", unit="picture"))
    return encoder.encode_images(list(images), batch_size=128)


def main(argv: list[str] | None = None) -> None:
    """Builds, and copies the result into the assets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where the result goes (default: the assets)")
    parser.add_argument("--work", type=Path, help="checkpoints and intermediate results (default: build/fieldguide)")
    parser.add_argument("--until", metavar="STAGE", help="stop after this stage")
    parser.add_argument("--tiny", action="store_true", help="the same stages in a minute, to test the build itself")
    parser.add_argument("--fresh", action="store_true", help="forget what was built before")
    options = parser.parse_args(argv)
    work = options.work or (TINY / "work" if options.tiny else WORK)
    out = options.out or (TINY / "fieldguide" if options.tiny else ASSETS)
    build = Build(tiny_recipe() if options.tiny else Recipe(), work, out)
    if options.until is not None and options.until not in build.stages():
        parser.error(f"there is no stage {options.until!r}: use one of {', '.join(build.stages())}")
    if options.fresh:
        shutil.rmtree(work, ignore_errors=True)
    build.run(options.until)
    total = sum(record["seconds"] for record in build.records().values())
    print(f"Built in {total / 60:.0f} minutes: {out}")


if __name__ == "__main__":
    main()
