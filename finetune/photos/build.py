"""The stages of the build on real photos, one after the other; what is done is not done again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from finetune.modelling import build_processor, build_vlm, save_vlm, train_tokenizer
from finetune.photos.assemble import assemble, report_on
from finetune.photos.backbone import load_backbone, pooled_features, write_maps
from finetune.photos.consensus import consensus
from finetune.photos.corpus import FOLDS, SPLITS, Split, read_corpus, weights_folder
from finetune.photos.measure import RAVEN, asking, choose_k
from finetune.photos.neighbours import (
    Seen,
    Tables,
    answers_found,
    embed,
    find_neighbours,
    project,
)
from finetune.photos.remembering import RememberingEncoder
from finetune.photos.statements import statement
from finetune.photos.train_language import TASKS, Task, held_out_loss, train_adapter, train_base
from finetune.photos.train_retriever import build_retriever, recall, save_retriever, train_retriever
from finetune.photos.train_sight import train_sight
from finetune.photos.views import SIDE
from finetune.photos.workshop import Record, Workshop
from raven_core.dual_encoder import DualEncoder
from raven_core.encoder import Encoder
from raven_core.generator import Generator
from raven_core.images import load_image
from raven_core.memory import Memory
from raven_core.memory_writer import Row
from raven_core.metrics.captioning import score_captions
from raven_core.prompting import SIMILAR, instruction
from raven_core.retriever import Retriever

TUNE = "tune"
PROMPTS = [
    "User:",
    f" {SIMILAR}: a\n",
    f" {SIMILAR}.\n",
    f" {instruction(None)}",
    f" {instruction('a')}",
    "Assistant:",
] * 500
"""What every prompt says, often enough to become few tokens."""


@dataclass
class PhotoBuild(Workshop):
    """One build, stage by stage; ``tuned``: the learning rate is tried out first."""

    tuned: bool = False

    def stages(self) -> dict[str, Callable[[], Record]]:
        """Name and work of every stage, in order."""
        stages: dict[str, Callable[[], Record]] = {
            "data": self._data,
            "features": self._features,
            "tokenizers": self._tokenizers,
        }
        stages |= {f"retriever-{fold}": partial(self._retriever, f"retriever-{fold}", 1 - fold) for fold in FOLDS}
        stages |= {
            "encoder": partial(self._retriever, "encoder", None),
            "neighbours": self._neighbours,
            "memory": self._memory,
            "sight": self._sight,
            "base": self._base,
        }
        if self.tuned:
            stages[TUNE] = self._tune
        stages |= {f"adapter-{task}": partial(self._adapter, task) for task in TASKS}
        stages["choose"] = self._choose
        stages["assemble"] = lambda: assemble(self.recipe, self.corpus, self.work, self.out, self.records())
        stages["measure"] = lambda: report_on(self.recipe, self.corpus, self.work, self.out, self.records())
        return stages

    def run(self, until: str | None = None) -> None:
        """All stages in order, or up to and with ``until``."""
        for name, stage in self.stages().items():
            done = self.work / "done" / f"{name}.json"
            if done.exists():
                tqdm.write(f"{name}: done already")
            else:
                started = time.monotonic()
                record = stage()
                record.setdefault("seconds", round(time.monotonic() - started, 1))
                done.parent.mkdir(parents=True, exist_ok=True)
                done.write_text(json.dumps(record, indent=2), encoding="utf8")
            if name == until:
                return

    # ---------------------------------------------------------------- the stages

    def _data(self) -> Record:
        corpus = read_corpus(self.data, self.recipe.limits)
        rows = [row for row in range(corpus.pool) if corpus.pictures[row].captions]
        chosen = consensus([corpus.pictures[row].captions for row in rows])
        corpus.save(self.work / "corpus.json")
        (self.work / "consensus.json").write_text(json.dumps(dict(zip(rows, chosen, strict=True))), encoding="utf8")
        return {
            "photos": {split: len(corpus.rows("photo", split)) for split in SPLITS},
            "rooms": {split: len(corpus.rows("room", split)) for split in SPLITS},
            "questions": {split: len(corpus.questions(split)) for split in SPLITS},
        }

    def _features(self) -> Record:
        backbone = load_backbone(weights_folder(self.data))
        size, recipe = self.recipe.retriever_size.image, self.recipe
        maps, whole = write_maps(backbone, self.views, self.work / "maps.npy", recipe.components, size, recipe.basis)
        features = np.array(whole)
        # the kept square is the picture itself only where it had that size
        other = [row for row, file in enumerate(self.files) if load_image(file).size != (SIDE, SIDE)]
        if other:
            features[other] = pooled_features(backbone, [self.files[row] for row in other], size)
        np.save(self.work / "features.npy", features)
        return {"pictures": len(self.files), "width": self.features.shape[1], "maps": list(maps.shape)}

    def _tokenizers(self) -> Record:
        texts = [c for row in self.corpus.rows("photo", "train") for c in self.corpus.pictures[row].captions]
        for number in self.corpus.questions("train"):
            asked = self.corpus.asked[number]
            texts += [asked.question, f" {asked.answer}", statement(asked.question, asked.answer)]
        tokens = {}
        for whose, before in {"encoder": "", "vlm": " "}.items():  # in the vlm's prompts all stands behind a blank
            said = [before + text for text in texts] + (PROMPTS if whose == "vlm" else [])
            tokenizer = train_tokenizer(said, self.recipe.vocabulary, lowercase=True)
            tokenizer.save_pretrained(self.work / "tokenizers" / whose)
            tokens[whose] = len(tokenizer)
        return {"tokens": tokens}

    def _retriever(self, name: str, fold: int | None) -> Record:
        torch.manual_seed(self.recipe.retriever.seed)
        backbone = load_backbone(weights_folder(self.data))
        size = self.recipe.retriever_size
        encoder = build_retriever(backbone, self.tokenizer("encoder"), self.features.shape[1], size)
        plan = replace(self.recipe.retriever, name=name)
        seconds = train_retriever(encoder, self.corpus, self.features, fold, size, plan, self.work)
        save_retriever(encoder, self.work / name)
        images = project(DualEncoder.load(str(self.work / name)), self.features)
        return {"seconds": seconds, "recall": recall(self.work / name, self.corpus, images)}

    def _neighbours(self) -> Record:
        folders: dict[int | None, str] = {fold: f"retriever-{fold}" for fold in FOLDS} | {None: "encoder"}
        seen = {
            fold: embed(self.work / name, self.features, self.corpus, self.entries) for fold, name in folders.items()
        }
        found, tables = self._by_weight(seen)
        weight = max(found, key=lambda w: found[w])
        tables[weight].save(self.work / "neighbours.npz")
        return {
            "question_weight": weight,
            "answers_found": {str(w): round(100 * share, 2) for w, share in found.items()},
            "nearest_caption_cider": {
                "train, by a retriever not fitted on them": self._nearest_cider(tables[weight], "train"),
                "held out, by the final retriever": self._nearest_cider(tables[weight], "choice"),
            },
        }

    def _by_weight(self, seen: dict[int | None, Seen]) -> tuple[dict[float, float], dict[float, Tables]]:
        """For each weight of the question, how often the right answer is found for train questions, and the tables."""
        train = self.corpus.questions("train")
        tables = {
            weight: find_neighbours(self.corpus, self.entries, seen, weight, self.recipe.neighbours)
            for weight in tqdm(self.recipe.weights, desc="question weight")
        }
        k = max(self.recipe.ks)
        return {w: answers_found(self.corpus, self.entries, t, train, k) for w, t in tables.items()}, tables

    def _nearest_cider(self, tables: Tables, split: Split) -> float:
        """CIDEr times 100 of the nearest neighbour's caption: how good the neighbours are that training sees."""
        rows = self.corpus.rows("photo", split)[:2000]
        said = {str(row): self.entries[tables.pictures[row][0]].caption for row in rows}
        scores = score_captions({str(row): self.corpus.pictures[row].captions for row in rows}, said)
        return round(100 * scores.corpus["CIDEr"], 2)

    def _memory(self) -> Record:
        bar = tqdm(total=len(self.entries), desc="memory", unit="pair")
        memory = Memory.create(
            self.work / "memory",
            RememberingEncoder(Encoder.load(self.work / "encoder")),
            self._memory_rows(),
            name="photos",
            quality=self.recipe.memory_quality,
            dtype="float16",
            progress=lambda read: bar.update(read - bar.n),
        )
        return {"pairs": len(memory), "fingerprint": memory.fingerprint}

    def _memory_rows(self) -> Iterator[Row]:
        for entry in self.entries:
            picture = self.corpus.pictures[entry.picture]
            source, extra = ("Flickr8k", {}) if entry.asked is None else ("DAQUAR", self._about(entry.asked))
            yield entry.id, Path(picture.file), entry.caption, source, {"picture": picture.id, **extra}

    def _about(self, number: int) -> Record:
        asked = self.corpus.asked[number]
        return {"question": asked.question, "answer": asked.answer, "kind": asked.kind}

    def _sight(self) -> Record:
        torch.manual_seed(self.recipe.sight.seed)
        tokenizer = self.tokenizer("vlm")
        vlm = build_vlm(tokenizer, self.recipe.vlm_size)
        vlm.set_attn_implementation("eager")
        plan = self.recipe.sight
        seconds, errors = train_sight(vlm, self.corpus, self.views, self.maps, self.recipe.words, plan, self.work)
        save_vlm(vlm, build_processor(tokenizer, self.recipe.vlm_size), self.work / "sight")
        return {"seconds": seconds, "errors": errors}

    def _base(self) -> Record:
        started = time.monotonic()
        material, made = self.material, time.monotonic() - started
        vlm, processor = self.vlm("sight"), self.processor("sight")
        seconds = train_base(vlm, processor, material, self.recipe.mix, self.recipe.base, self.work)
        save_vlm(vlm, processor, self.work / "model")
        return {"seconds": seconds + made, "parameters": sum(p.numel() for p in vlm.parameters())}

    def _tune(self) -> Record:
        """Short trials of every learning rate on both kinds of adapter; the lowest held-out loss wins for all."""
        losses: dict[str, dict[str, float]] = {}
        for rate in self.recipe.rates:
            for task in ("raven", "no-retrieval"):
                plan = self.recipe.trial(rate, task)
                vlm, processor = self.vlm("base"), self.processor("base")
                _, learner = train_adapter(vlm, processor, task, self.material, self.recipe.mix, plan, self.work)
                losses.setdefault(str(rate), {}).update(
                    {f"{task}, {cell}": loss for cell, loss in self._held_out(learner, task).items()}
                )
        mean = {rate: sum(of.values()) / len(of) for rate, of in losses.items()}
        return {"losses": losses, "rate": float(min(mean, key=lambda rate: mean[rate]))}

    def _held_out(self, learner: Any, task: Task) -> dict[str, float]:
        mix, k = self.recipe.mix, max(self.recipe.ks)
        return held_out_loss(learner, task, self.material, mix, k, self.recipe.trial_batches)

    def _adapter(self, task: Task) -> Record:
        rate = self.records().get(TUNE, {}).get("rate", self.recipe.adapter.rate)
        plan = self.recipe.for_task(task, rate)
        vlm, processor = self.vlm("base"), self.processor("base")
        seconds, learner = train_adapter(vlm, processor, task, self.material, self.recipe.mix, plan, self.work)
        learner.save(task, self.work / "adapters" / task)
        return {"seconds": seconds, "rate": rate, "held_out_loss": self._held_out(learner, task)}

    def _choose(self) -> Record:
        encoder = Encoder.load(self.work / "encoder")
        memory = Memory.open(self.work / "memory", encoder)
        asked = asking(self.corpus, Retriever(encoder, memory), "choice", None, max(self.recipe.ks))
        generator = Generator.load(self.work / "model", {RAVEN: self.work / "adapters" / RAVEN})
        ciders = choose_k(self.corpus, asked, generator, self.recipe.ks, self.recipe.max_new_tokens)
        return {"cider": ciders, "k": int(max(ciders, key=lambda k: ciders[k]))}
