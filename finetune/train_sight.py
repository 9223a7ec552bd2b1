"""Teaches the VLM's vision tower and connector to see: distilled from the encoder's ResNet, token by token.

A small ViT learns little from few pictures on its own; the feature maps of a convolutional teacher give it the bias
it lacks (Touvron et al., arXiv 2012.12877). Heads that name what is drawn keep the visual tokens readable for the
language model; they are thrown away.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers import Idefics3ForConditionalGeneration

from finetune.fieldguide.scenes import ACTIONS, COLOURS, HABITATS, PROPS, WEATHERS, Scene
from finetune.fieldguide.species import TRAITS
from finetune.loop import Plan, device, train
from finetune.pictures import Pool
from finetune.train_encoder import heads_loss, scene_labels, trait_labels
from raven_core.dual_encoder import DualEncoder

BATCH = 64


class SightTraining(torch.nn.Module):
    """Vision tower and connector with the heads that exist only while they train."""

    def __init__(self, vlm: Idefics3ForConditionalGeneration, teacher_width: int) -> None:
        super().__init__()
        self.vision = vlm.model.vision_model
        self.connector = vlm.model.connector
        config: Any = vlm.config
        side = config.vision_config.image_size // config.vision_config.patch_size
        tokens = (side // config.scale_factor) ** 2
        width = tokens * config.text_config.hidden_size
        self.side = side
        self.mimic = torch.nn.Linear(config.vision_config.hidden_size, teacher_width)
        self.norm = torch.nn.LayerNorm(width)
        self.traits = torch.nn.ModuleList(torch.nn.Linear(width, len(values)) for values in TRAITS.values())
        sizes = (len(COLOURS), 3, len(HABITATS), len(WEATHERS), len(ACTIONS))
        self.scene = torch.nn.ModuleList(torch.nn.Linear(width, size) for size in sizes)
        self.props = torch.nn.ModuleList(torch.nn.Linear(width, len(PROPS) + 1) for _ in ("left", "right"))

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 3, s, s) → patch states (n, patches, hidden) and all visual tokens of an image in a row (n, width)."""
        states = self.vision(pixel_values=pixels).last_hidden_state
        return states, self.norm(self.connector(states).flatten(1).float())


def prop_labels(scenes: list[Scene]) -> torch.Tensor:
    """(n, 2) int64: the prop left and right of the creatures, ``len(PROPS)`` where there is none."""
    rows = []
    for scene in scenes:
        first = PROPS.index(scene.props[0])
        second = PROPS.index(scene.props[1]) if len(scene.props) > 1 else len(PROPS)
        rows.append([first, second] if scene.side == "left" else [second, first])
    return torch.tensor(rows)


def teacher_maps(teacher: DualEncoder, pixels: torch.Tensor, side: int) -> torch.Tensor:
    """The teacher's last two feature maps on the student's grid: (n, side², channels), each channel standardised."""
    with torch.no_grad():
        states = teacher.vision_model(pixels, output_hidden_states=True).hidden_states[-2:]
        grids = [F.interpolate(s.float(), size=(side, side), mode="bilinear", align_corners=False) for s in states]
        maps = torch.cat(grids, 1).flatten(2).transpose(1, 2)
        return (maps - maps.mean((0, 1))) / (maps.std((0, 1)) + 1e-4)


def train_sight(
    vlm: Idefics3ForConditionalGeneration, teacher: DualEncoder, pool: Pool, rows: list[int], plan: Plan, work: Path
) -> float:
    """Trains vision tower and connector in place; returns seconds."""
    teacher = teacher.to(device()).eval()
    module = SightTraining(vlm, sum(teacher.config["vision"]["hidden_sizes"][-2:])).to(device())

    def loss_of(step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        chosen = rng.sample(rows, BATCH)
        scenes = [pool.scenes[row] for row in chosen]
        pixels = pool.batch(chosen).to(device())
        target = teacher_maps(teacher, pixels, module.side)
        states, tokens = module(pixels)
        mimic = F.mse_loss(module.mimic(states).float(), target)
        traits = heads_loss(module.traits, tokens, trait_labels(scenes).to(device()))
        scene = heads_loss(module.scene, tokens, scene_labels(scenes).to(device()))
        props = heads_loss(module.props, tokens, prop_labels(scenes).to(device()))
        total = mimic + traits + scene + 0.5 * props
        return total, {"mimic": mimic.item(), "traits": traits.item(), "scene": scene.item(), "props": props.item()}

    return train(module, plan, loss_of, work)


@torch.inference_mode()
def sight_report(
    vlm: Idefics3ForConditionalGeneration, pool: Pool, rows: list[int], module: SightTraining
) -> dict[str, float]:
    """Share of right answers of each head on the rows, by trait and for colour, count and habitat."""
    names = [*TRAITS, "colour", "count", "habitat", "weather", "action"]
    right = torch.zeros(len(names))
    for start in range(0, len(rows), BATCH):
        chosen = rows[start : start + BATCH]
        scenes = [pool.scenes[row] for row in chosen]
        _, tokens = module(pool.batch(chosen).to(device()))
        labels = torch.cat([trait_labels(scenes), scene_labels(scenes)], 1).to(device())
        heads = [*module.traits, *module.scene]
        right += torch.stack([(head(tokens).argmax(-1) == labels[:, i]).sum() for i, head in enumerate(heads)]).cpu()
    return {name: float(value) / len(rows) for name, value in zip(names, right, strict=True)}
