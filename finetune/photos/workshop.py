"""What the stages of the build on real photos leave for each other in its work folder, loaded once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, PreTrainedTokenizerFast

from finetune.loop import device
from finetune.photos.backbone import Floats, Halves
from finetune.photos.corpus import Corpus
from finetune.photos.neighbours import Entry, Tables, memory_entries
from finetune.photos.recipe import PhotoRecipe
from finetune.photos.samples import Material
from finetune.photos.train_sight import visual_tokens
from finetune.photos.views import Views

Record = dict[str, Any]


@dataclass
class Workshop:
    """The data, where the result goes, the recipe, and what is there already."""

    recipe: PhotoRecipe
    data: Path
    out: Path

    @property
    def work(self) -> Path:
        """Checkpoints and intermediate results; not needed once the profile is there."""
        return self.out / "work"

    def begun_alike(self) -> bool:
        """Whether what lies in the folder was begun with this recipe and data; a new folder is, from now on."""
        path, own = self.work / "begun.json", {"recipe": repr(self.recipe), "data": str(self.data)}
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(own, indent=2), encoding="utf8")
        return bool(json.loads(path.read_text(encoding="utf8")) == own)

    def records(self) -> dict[str, Record]:
        """What each finished stage recorded."""
        found = sorted((self.work / "done").glob("*.json"))
        return {path.stem: json.loads(path.read_text(encoding="utf8")) for path in found}

    @cached_property
    def corpus(self) -> Corpus:
        """Pictures, captions, questions and splits."""
        return Corpus.load(self.work / "corpus.json")

    @cached_property
    def files(self) -> list[str]:
        """The files of the pool, in its order."""
        return [picture.file for picture in self.corpus.pictures[: self.corpus.pool]]

    @cached_property
    def captions(self) -> dict[int, str]:
        """The consensus caption of every photo of the pool, by row."""
        content = json.loads((self.work / "consensus.json").read_text(encoding="utf8"))
        return {int(row): caption for row, caption in content.items()}

    @cached_property
    def entries(self) -> list[Entry]:
        """The pairs of the memory."""
        return memory_entries(self.corpus, self.captions)

    @cached_property
    def views(self) -> Views:
        """The pool's pictures."""
        return Views.build(self.work / "pictures.npy", self.files, self.recipe.views)

    @cached_property
    def features(self) -> Floats:
        """(pool, width): what the backbone makes of each picture."""
        found: Floats = np.load(self.work / "features.npy")
        return found

    @cached_property
    def maps(self) -> Halves:
        """(pool * views, places, components): what the backbone makes of places in each view."""
        found: Halves = np.load(self.work / "maps.npy", mmap_mode="r")
        return found

    @cached_property
    def tokens(self) -> torch.Tensor:
        """Visual tokens of every view, computed once: the vision tower no longer changes after ``sight``."""
        path = self.work / "tokens.pt"
        if not path.exists():
            torch.save(visual_tokens(self.vlm("sight"), self.processor("sight"), self.views, self.files), path)
        found: torch.Tensor = torch.load(path, weights_only=True)
        return found

    @cached_property
    def material(self) -> Material:
        """What the text model is trained on."""
        tables = Tables.load(self.work / "neighbours.npz")
        features = torch.from_numpy(self.features)
        return Material(self.corpus, self.entries, tables, self.tokens, features, self.recipe.views)

    def tokenizer(self, whose: str) -> PreTrainedTokenizerFast:
        """The tokenizer of the ``encoder`` or of the ``vlm``."""
        return PreTrainedTokenizerFast.from_pretrained(str(self.work / "tokenizers" / whose))

    def vlm(self, stage: str) -> Any:
        """The model as a stage left it, in float32."""
        folder = self.work / ("model" if stage == "base" else stage)
        model: Any = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        )
        return model.to(device())

    def processor(self, stage: str) -> Any:
        """The processor beside it."""
        folder = self.work / ("model" if stage == "base" else stage)
        return AutoProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
