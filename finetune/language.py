"""Samples → batches → loss, for every stage that trains the text model. Prompts come from ``raven_core.prompting``.

The vision tower is frozen in these stages, so the visual tokens of every picture are computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from PIL import Image
from transformers import Idefics3ForConditionalGeneration

from finetune.loop import device
from finetune.pictures import Pool
from raven_core.rendering import expand_images, render_prompt
from raven_core.types import Prompt

IGNORE = -100


@dataclass(frozen=True)
class Sample:
    """A prompt and the answer that is trained; the prompt's images are references into a feature table."""

    prompt: Prompt
    answer: str


def reference(row: int) -> Image.Image:
    """A row of the feature table in the place of an image: prompts carry images without looking at them."""
    return cast(Image.Image, row)


@torch.inference_mode()
def visual_features(vlm: Idefics3ForConditionalGeneration, pool: Pool, rows: Sequence[int]) -> torch.Tensor:
    """(len(rows), tokens, hidden) float32: what the text model sees of each picture."""
    chunks = []
    for start in range(0, len(rows), 128):
        pixels = pool.batch(list(rows[start : start + 128])).to(device())
        chunks.append(vlm.model.connector(vlm.model.vision_model(pixel_values=pixels).last_hidden_state).float())
    return torch.cat(chunks)


@dataclass(frozen=True)
class Batch:
    """Right-padded ids (n, length), mask (n, length), labels (n, length) and feature rows in reading order."""

    ids: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor
    images: torch.Tensor


def collate(processor: Any, samples: Sequence[Sample], expand: Callable[[Any, str], str] = expand_images) -> Batch:
    """Tokenises prompts and answers; labels are -100 over prompt and padding.

    ``expand`` writes the tokens of an image into a rendered prompt.
    """
    tokenizer = processor.tokenizer
    prompts = [expand(processor, render_prompt(processor, sample.prompt)) for sample in samples]
    answers = [f" {sample.answer}{tokenizer.eos_token}" for sample in samples]
    asked = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    told = tokenizer(answers, add_special_tokens=False)["input_ids"]
    length = max(len(a) + len(b) for a, b in zip(asked, told, strict=True))
    ids = torch.full((len(samples), length), tokenizer.pad_token_id)
    mask = torch.zeros((len(samples), length), dtype=torch.long)
    labels = torch.full((len(samples), length), IGNORE)
    for row, (a, b) in enumerate(zip(asked, told, strict=True)):
        whole = len(a) + len(b)
        ids[row, :whole] = torch.tensor(a + b)
        mask[row, :whole] = 1
        labels[row, len(a) : whole] = torch.tensor(b)
    images = torch.tensor([cast(int, image) for s in samples for image in s.prompt.images], dtype=torch.long)
    return Batch(ids.to(device()), mask.to(device()), labels.to(device()), images)


def answer_loss(
    vlm: Idefics3ForConditionalGeneration, features: torch.Tensor, batch: Batch, visual: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cross-entropy over the answers' tokens, and the share of tokens that were most probable.

    ``visual`` (images, tokens, hidden) stands in for what ``features`` hold of the batch's images.
    """
    embeddings = vlm.get_input_embeddings()(batch.ids)
    if len(batch.images):
        seen = features[batch.images] if visual is None else visual
        embeddings = vlm.model.inputs_merger(batch.ids, embeddings, seen.to(embeddings.device))
    hidden = vlm.model.text_model(
        inputs_embeds=embeddings, attention_mask=batch.mask, use_cache=False
    ).last_hidden_state
    wanted = batch.labels[:, 1:] != IGNORE
    logits = vlm.lm_head(hidden[:, :-1][wanted]).float()  # only where an answer stands: the rest costs time
    target = batch.labels[:, 1:][wanted]
    return F.cross_entropy(logits, target), (logits.argmax(-1) == target).float().mean()
