"""Teaches the VLM's vision tower and connector to see: place by place like the backbone, and in words.

The tower imitates the backbone's feature map (as ``finetune.train_sight`` does for drawn scenes; Touvron et al., arXiv
2012.12877), on crops and mirrored pictures as well. From the visual tokens, which the text model will get, two heads
read the picture's mean feature and the words of its captions; they are thrown away. The words are those of the first
fold only: the adapters are trained on the second, whose captions nothing that sees may know by then.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tqdm import tqdm
from transformers import Idefics3ForConditionalGeneration

from finetune.loop import Plan, device, train
from finetune.photos.backbone import Halves
from finetune.photos.corpus import SOURCES, Corpus
from finetune.photos.samples import BASE_FOLD
from finetune.photos.views import WHOLE, Views
from raven_core.images import load_image

BATCH = 64
_COMMON = 40
"""The most frequent words are left out: "a", "the" and "in" can be read off no picture."""


def word_labels(corpus: Corpus, rows: Sequence[int], words: int) -> torch.Tensor:
    """(pool, words) float32: share of a picture's texts that use each word; nan for pictures not in ``rows``.

    The words are those that most texts of these rows use, but for the commonest of all.
    """
    texts = {row: [_words(text) for text in corpus.pictures[row].captions] for row in rows}
    for asked in corpus.asked:
        if asked.picture in texts:
            texts[asked.picture].append(_words(f"{asked.question} {asked.answer.replace('_', ' ')}"))
    counts = Counter(word for said in texts.values() for one in said for word in one)
    kept = [word for word, _ in counts.most_common(_COMMON + words)[_COMMON:]]
    column = {word: place for place, word in enumerate(kept)}
    labels = torch.full((corpus.pool, max(1, len(kept))), float("nan"))
    for row, said in texts.items():
        labels[row] = 0.0
        for word in (word for one in said for word in one if word in column):
            labels[row, column[word]] += 1 / len(said)
    return labels


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


class SightTraining(torch.nn.Module):
    """Vision tower and connector with the heads that exist only while they train."""

    def __init__(self, vlm: Idefics3ForConditionalGeneration, teacher_width: int, words: int) -> None:
        super().__init__()
        self.vision, self.connector = vlm.model.vision_model, vlm.model.connector
        config: Any = vlm.config
        self.side = config.vision_config.image_size // config.vision_config.patch_size
        tokens = (self.side // config.scale_factor) ** 2
        self.mimic = torch.nn.Linear(config.vision_config.hidden_size, teacher_width)
        self.norm = torch.nn.LayerNorm(config.text_config.hidden_size)
        self.gist = torch.nn.Linear(tokens * config.text_config.hidden_size, teacher_width)
        self.words = torch.nn.Linear(tokens * config.text_config.hidden_size, words)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(n, 3, s, s) → imitated map (n, side², width), mean feature (n, width), words (n, words) before sigmoid."""
        states = self.vision(pixel_values=pixels).last_hidden_state
        seen = self.norm(self.connector(states).float()).flatten(1)
        return self.mimic(states).float(), self.gist(seen).float(), self.words(seen).float()


def on_grid(maps: torch.Tensor, side: int) -> torch.Tensor:
    """(n, places, width) teacher maps on the student's grid: (n, side², width)."""
    own = round(maps.shape[1] ** 0.5)
    grid = maps.transpose(1, 2).unflatten(2, (own, own))
    resized = F.interpolate(grid, size=(side, side), mode="bilinear", align_corners=False)
    return resized.flatten(2).transpose(1, 2)


def sight_losses(module: SightTraining, pixels: torch.Tensor, maps: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """(3,): errors of the map and of the mean feature (shares of their variance), and of the words."""
    target = on_grid(maps, module.side)
    gist = maps.mean(1)
    imitated, read, told = module(pixels)
    known = ~words.isnan().any(1)
    spoken = F.binary_cross_entropy_with_logits(told[known], words[known]) if known.any() else told.sum() * 0
    return torch.stack(
        [
            F.mse_loss(imitated, target) / target.var().clamp(min=1e-6),
            F.mse_loss(read, gist) / gist.var().clamp(min=1e-6),
            spoken,
        ]
    )


WEIGHTS = (1.0, 1.0, 10.0)


def train_sight(
    vlm: Idefics3ForConditionalGeneration,
    corpus: Corpus,
    views: Views,
    maps: Halves,
    words: int,
    plan: Plan,
    work: Path,
) -> tuple[float, dict[str, dict[str, float]]]:
    """Trains vision tower and connector in place; returns seconds, and the errors on train and on held-out pictures.

    ``maps``: (pool * views, places, width), what the teacher sees of each view.
    """
    rows = [row for source in SOURCES for row in corpus.rows(source, "train")]
    known = [row for source in SOURCES for row in corpus.rows(source, "train", BASE_FOLD)]
    labels = word_labels(corpus, known, words)
    module = SightTraining(vlm, maps.shape[2], labels.shape[1]).to(device())
    size = _side(vlm)

    def losses(chosen: Sequence[int], seen: Sequence[int]) -> torch.Tensor:
        taught = maps[[row * views.count + view for row, view in zip(chosen, seen, strict=True)]]
        target = torch.from_numpy(np.asarray(taught)).float().to(device())
        return sight_losses(module, views.batch(chosen, seen, size).to(device()), target, labels[chosen].to(device()))

    def loss_of(step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        chosen = rng.sample(rows, min(BATCH, len(rows)))
        parts = losses(chosen, [rng.randrange(views.count) for _ in chosen])
        total = (parts * torch.tensor(WEIGHTS, device=parts.device)).sum()
        return total, dict(zip(("map", "gist", "words"), parts.tolist(), strict=True))

    seconds = train(module, plan, loss_of, work)
    module.eval()
    held = corpus.rows("photo", "choice")[:256]
    with torch.inference_mode():
        errors = {
            name: dict(zip(("map", "gist"), losses(some, [WHOLE] * len(some)).tolist(), strict=False))
            for name, some in (("train", rows[: len(held)]), ("held_out", held))
            if some
        }
    return seconds, errors


@torch.inference_mode()
def visual_tokens(
    vlm: Idefics3ForConditionalGeneration, processor: Any, views: Views, files: Sequence[str]
) -> torch.Tensor:
    """(n * views, tokens, hidden) float16, in the order row, view: what the text model gets of every picture.

    The whole picture goes through the processor, as it does when the model is asked; the other views come as they
    were trained on.
    """
    size = _side(vlm)
    vlm.eval()
    chunks: list[torch.Tensor] = []
    for start in tqdm(range(0, len(files), BATCH), desc="visual tokens", unit="batch"):
        rows = list(range(start, min(len(files), start + BATCH)))
        seen = [_whole(vlm, processor, [load_image(files[row]) for row in rows])]
        for view in range(1, views.count):
            pixels = views.batch(rows, [view] * len(rows), size).to(device())
            seen.append(vlm.model.connector(vlm.model.vision_model(pixel_values=pixels).last_hidden_state))
        chunks.append(torch.stack(seen, 1).flatten(0, 1).half().cpu())
    return torch.cat(chunks)


def _side(vlm: Idefics3ForConditionalGeneration) -> int:
    config: Any = vlm.config
    return int(config.vision_config.image_size)


def _whole(vlm: Idefics3ForConditionalGeneration, processor: Any, images: list[Image.Image]) -> torch.Tensor:
    values = processor.image_processor([[image] for image in images], return_tensors="pt").to(device())
    found: Any = vlm.model.get_image_features(values["pixel_values"], values["pixel_attention_mask"], return_dict=True)
    return torch.stack(list(found.pooler_output))
