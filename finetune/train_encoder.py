"""Trains the dual encoder: contrastive between images of one kind, and between images and texts about traits.

The image side follows supervised contrastive learning (Khosla et al., arXiv 2004.11362), the image-text side CLIP
(Radford et al., arXiv 2103.00020) with several positives a row. Heads that name the traits and the scene guide the
trunk while it trains and are thrown away; captions alone teach a small encoder the scene and not the creature.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from finetune.fieldguide.captions import captions
from finetune.fieldguide.memory_captions import memory_caption
from finetune.fieldguide.questions import questions
from finetune.fieldguide.scenes import ACTIONS, COLOURS, HABITATS, WEATHERS, Scene
from finetune.fieldguide.species import TRAITS, trait_phrases, trait_words
from finetune.loop import Plan, device, train
from finetune.pictures import Pool
from raven_core.dual_encoder import DualEncoder

KINDS, FACTS = 48, ("eats", "awake", "sleeps")
FACT_QUESTIONS = {"eats": "what does it eat", "awake": "when is it awake", "sleeps": "where does it sleep"}
IMAGE_TEMPERATURE, FACT_TEMPERATURE = 0.1, 0.1


class EncoderTraining(torch.nn.Module):
    """The encoder with the heads and the scale that exist only while it trains."""

    def __init__(self, encoder: DualEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config["vision"]["hidden_sizes"][-1]
        sizes = [len(values) for values in TRAITS.values()]
        self.traits = torch.nn.ModuleList(torch.nn.Linear(width, size) for size in sizes)
        scene = (len(COLOURS), 3, len(HABITATS), len(WEATHERS), len(ACTIONS))
        self.scene = torch.nn.ModuleList(torch.nn.Linear(width, size) for size in scene)
        self.scale = torch.nn.Parameter(torch.tensor(2.3))  # log of the inverse temperature


def trait_labels(scenes: Sequence[Scene]) -> torch.Tensor:
    """(n, 5) int64: the place of each trait's value among its values."""
    values = list(TRAITS.values())
    return torch.tensor([[values[i].index(trait) for i, trait in enumerate(scene.traits)] for scene in scenes])


def scene_labels(scenes: Sequence[Scene]) -> torch.Tensor:
    """(n, 5) int64: colour, count - 1, habitat, weather, action."""
    return torch.tensor(
        [
            [
                COLOURS.index(s.colour),
                s.count - 1,
                HABITATS.index(s.habitat),
                WEATHERS.index(s.weather),
                ACTIONS.index(s.action),
            ]
            for s in scenes
        ]
    )


def heads_loss(heads: torch.nn.ModuleList, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of several heads; labels (n, heads)."""
    losses = [F.cross_entropy(head(features).float(), labels[:, i]) for i, head in enumerate(heads)]
    return torch.stack(losses).mean()


def several_positives(logits: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """Contrastive loss in which every column marked in ``same`` (n, m, bool) is right; empty rows do not count."""
    logprob = logits.float().log_softmax(-1)
    counts = same.sum(-1)
    loss = -(logprob * same).sum(-1) / counts.clamp(min=1)
    return loss[counts > 0].mean() if bool((counts > 0).any()) else logits.sum() * 0.0


def text_about(scene: Scene, rng: random.Random) -> str:
    """A text that names the traits: traits alone, name with traits, or caption with traits."""
    traits = trait_words(scene.traits) if rng.random() < 0.3 else trait_phrases(rng, scene.traits)
    pick = rng.random()
    if pick < 0.35:
        return traits
    if pick < 0.65 and scene.species is not None:
        return f"{scene.species}: {traits}"
    return f"{captions(scene, rng, 1)[0]}. {traits}"


def shifted(pixels: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """A random shift of up to 6 pixels and a mirror image, the same for the whole batch."""
    padded = F.pad(pixels, (6, 6, 6, 6), mode="replicate")
    x, y = rng.randrange(13), rng.randrange(13)
    side = pixels.shape[-1]
    moved = padded[..., y : y + side, x : x + side]
    return moved.flip(-1) if rng.random() < 0.5 else moved


def fact_batch(
    pool: Pool, named: Sequence[int], rng: random.Random, n: int = 16
) -> tuple[list[str], list[str], torch.Tensor]:
    """Questions about facts, memory captions, and which caption holds the fact a question asks for (n, m)."""
    asked, told, kinds, wanted = [], [], [], []
    for row in rng.sample(list(named), n):
        scene = pool.scenes[row]
        fact = rng.choice(FACTS)
        asked.append(questions(scene, rng, [FACT_QUESTIONS[fact]])[0].text)
        wanted.append(fact)
        kind = rng.choice((*FACTS, None))
        told.append(memory_caption(scene, rng, kind, None).text)
        kinds.append(kind)
    same = torch.tensor([[want == kind for kind in kinds] for want in wanted])
    return asked, told, same


def train_encoder(encoder: DualEncoder, pool: Pool, plan: Plan, work: Path) -> float:
    """Trains in place; returns seconds. A batch is 48 kinds of creature, two pictures of each."""
    module = EncoderTraining(encoder).to(device())
    vision: Any = encoder.vision_model
    vision.to(memory_format=torch.channels_last)
    by_kind: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, scene in enumerate(pool.scenes):
        by_kind[scene.traits].append(row)
    named = [rows for rows in by_kind.values() if len(rows) > 1 and pool.scenes[rows[0]].species is not None]
    unnamed = [rows for rows in by_kind.values() if len(rows) > 1 and pool.scenes[rows[0]].species is None]
    named_rows = [row for rows in named for row in rows]

    def tokens(texts: list[str]) -> torch.Tensor:
        encoded = {key: value.to(device()) for key, value in encoder.preprocess(texts).items()}
        return encoder.embed_tokens(encoded["input_ids"], encoded["attention_mask"])

    def loss_of(step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        kinds = rng.sample(named, KINDS // 2) + rng.sample(unnamed, KINDS // 2)
        rows = [row for kind in kinds for row in rng.sample(kind, 2)]
        scenes = [pool.scenes[row] for row in rows]
        pixels = shifted(pool.batch(rows), rng).to(device(), memory_format=torch.channels_last)
        pooled = encoder.vision_model(pixels).pooler_output.flatten(1)
        vectors = F.normalize(encoder.image_projection(pooled).float(), dim=-1)
        labels = trait_labels(scenes).to(device())
        same = (labels[:, None] == labels[None]).all(-1)
        itself = torch.eye(len(rows), dtype=torch.bool, device=same.device)
        alike = several_positives((vectors @ vectors.T / IMAGE_TEMPERATURE).masked_fill(itself, -1e4), same & ~itself)
        # one text for the two pictures of a kind: the text tower costs a third of a step otherwise
        written = tokens([text_about(scene, rng) for scene in scenes[::2]])
        across = vectors @ written.T * module.scale.clamp(max=4.0).exp()
        joint = (several_positives(across, same[:, ::2]) + several_positives(across.T, same[::2])) / 2
        traits = heads_loss(module.traits, pooled, labels)
        scene = heads_loss(module.scene, pooled, scene_labels(scenes).to(device()))
        asked, told, right = fact_batch(pool, named_rows, rng)
        vectors_text = tokens(asked + told)
        ask = vectors_text[: len(asked)] @ vectors_text[len(asked) :].T / FACT_TEMPERATURE
        facts = several_positives(ask, right.to(device()))
        total = alike + 0.5 * joint + traits + 0.3 * scene + 0.2 * facts
        return total, {
            "alike": alike.item(),
            "joint": joint.item(),
            "traits": traits.item(),
            "facts": facts.item(),
        }

    return train(module, plan, loss_of, work)
