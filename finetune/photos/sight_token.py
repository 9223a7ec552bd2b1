"""The second baseline: the same model, given one more visual token that holds the retriever's view of the query.

The retriever's backbone sees better than the small model's own tower. This baseline gets what the retriever sees of
the query image, and no neighbours: what ``raven`` gains over it is not sight. It gets the backbone's pooled features,
of which the retriever's vector is a linear function: they were fitted on none of the pictures, so they are as good on
those that it is trained on as on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers.modeling_outputs import BaseModelOutputWithPooling

from finetune.loop import device
from finetune.photos.backbone import pooled
from raven_core.dual_encoder import DualEncoder
from raven_core.generator import Generator
from raven_core.rendering import expand_images
from raven_core.types import Prompt

PROJECTION = "sight_token.safetensors"
NAME = "sight"


class SightToken(torch.nn.Module):
    """The backbone's features, (n, width), → one visual token each, (n, 1, hidden)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.project = torch.nn.Linear(width, hidden)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """See the class."""
        token: torch.Tensor = self.project(self.norm(features))
        return token.unsqueeze(1)

    def save(self, folder: Path) -> None:
        """Writes the weights beside the adapter's."""
        save_file({name: value.contiguous().cpu() for name, value in self.state_dict().items()}, folder / PROJECTION)

    @classmethod
    def load(cls, folder: Path) -> SightToken:
        """What ``save`` wrote."""
        state = load_file(folder / PROJECTION)
        hidden, width = state["project.weight"].shape
        token = cls(width, hidden)
        token.load_state_dict(state)
        return token.eval()


def expand_with_sight(processor: Any, text: str) -> str:
    """``expand_images``, with room for one more token behind those of the last image."""
    expanded = expand_images(processor, text)
    head, image, tail = expanded.rpartition(processor.image_token)
    return f"{head}{image}{processor.image_token}{tail}" if image else expanded


class SightGenerator(Generator):
    """The generator of this baseline: it looks at each prompt's image through the retriever's backbone as well."""

    encoder: DualEncoder
    token: SightToken

    @classmethod
    def with_sight(cls, model: str | Path, adapter: Path, encoder: str | Path) -> SightGenerator:
        """The model with the baseline's adapter and token, and the retriever's encoder, out of their folders.

        Raises:
            ProfileError, AdapterError: a folder is missing or does not fit.
        """
        generator = cls.load(model, {NAME: adapter})
        assert isinstance(generator, SightGenerator)
        generator.encoder = DualEncoder.load(str(encoder)).to(device())
        generator.token = SightToken.load(adapter).to(generator.device)
        return generator

    def _inputs(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """Model inputs for prompts of one image each, left-padded."""
        images: list[Image.Image] = [image for prompt in prompts for image in prompt.images]
        texts = [expand_with_sight(self.processor, self.render(prompt)) for prompt in prompts]
        encoded = self.processor.tokenizer(
            texts,
            padding=True,
            padding_side="left",
            add_special_tokens=False,
            return_tensors="pt",
            return_token_type_ids=False,
        ).to(self.device)
        seen = torch.stack(self._visual.features(images))
        more = self.token(pooled(self.encoder.vision_model, images, self.encoder.image_size))
        both: Any = list(torch.cat([seen, more.to(seen)], dim=1))
        return {**encoded, "mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=both)}}
