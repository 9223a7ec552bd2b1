"""The bundled image-text encoder: a small ResNet and a small BERT that meet in one space.

It is a sentence-transformers input module, so ``SentenceTransformer(modules=[DualEncoder.load(folder)])`` is used
exactly as a CLIP folder is. Trained by ``finetune``, contrastively, as CLIP is (Radford et al., arXiv 2103.00020).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules.input_module import InputModule
from transformers import (
    AutoConfig,
    AutoModel,
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
)

CONFIG_FILE = "dual_encoder.json"
WEIGHTS_FILE = "dual_encoder.safetensors"
MAX_TEXT_TOKENS = 64


class DualEncoder(InputModule):
    """Images and texts to unit vectors of one space.

    Args:
        vision: keyword arguments of ``ResNetConfig``; or of the configuration that their ``model_type`` names, for
            any transformers image model whose output has a ``pooler_output``.
        text: keyword arguments of ``BertConfig``.
        dim: size of the joint space.
        image_size: side of the square the image is resized to, in pixels.
        tokenizer: the text tokenizer; its padding is masked out, so a text's vector does not depend on its batch.
        vision_width: size of the image model's pooled output; None for the last of its ``hidden_sizes``.
    """

    tokenizer: Any

    def __init__(
        self,
        vision: dict[str, Any],
        text: dict[str, Any],
        dim: int,
        image_size: int,
        tokenizer: PreTrainedTokenizerFast,
        vision_width: int | None = None,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"vision": vision, "text": text, "dim": dim, "image_size": image_size}
        if vision_width is not None:
            self.config["vision_width"] = vision_width
        self.image_size = image_size
        self.tokenizer = tokenizer
        self.vision_model = _vision_model(vision)
        self.text_model = BertModel(BertConfig(**text), add_pooling_layer=False)
        self.image_projection = torch.nn.Linear(vision_width or vision["hidden_sizes"][-1], dim)
        self.text_projection = torch.nn.Linear(text["hidden_size"], dim)

    @property
    def modalities(self) -> list[Any]:
        """What it can embed."""
        return ["text", "image"]

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Either all PIL images → ``pixel_values`` (n, 3, s, s) float32 in [-1, 1], or all strings → token ids."""
        if len(inputs) and isinstance(inputs[0], Image.Image):
            return {"pixel_values": pixels(inputs, self.image_size)}
        texts = [(prompt or "") + text or " " for text in inputs]  # without a token there is nothing to embed
        encoded = self.tokenizer(
            texts,
            padding=True,
            padding_side="right",  # positions are absolute: padding on the left would shift them
            truncation=True,
            max_length=MAX_TEXT_TOKENS,
            return_tensors="pt",
            return_token_type_ids=False,
        )
        return dict(encoded)

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Adds ``sentence_embedding``, (n, dim) unit rows, from ``pixel_values`` or from ``input_ids``."""
        if "pixel_values" in features:
            vectors = self.embed_images(features["pixel_values"])
        else:
            vectors = self.embed_tokens(features["input_ids"], features["attention_mask"])
        features["sentence_embedding"] = vectors
        return features

    def embed_images(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """(n, 3, s, s) in [-1, 1] → (n, dim) unit rows."""
        pooled = self.vision_model(pixel_values).pooler_output.flatten(1)
        return torch.nn.functional.normalize(self.image_projection(pooled).float(), dim=-1)

    def embed_tokens(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(n, length) ids and mask → (n, dim) unit rows: the mean over the tokens that are not padding."""
        hidden = self.text_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        return torch.nn.functional.normalize(self.text_projection(pooled).float(), dim=-1)

    def get_embedding_dimension(self) -> int:
        """Size of the joint space."""
        return int(self.config["dim"])

    get_sentence_embedding_dimension = get_embedding_dimension

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Writes config, tokenizer and half-precision weights into the folder."""
        folder = Path(output_path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG_FILE).write_text(json.dumps(self.config, indent=2) + "\n", encoding="utf8")
        self.tokenizer.save_pretrained(str(folder))
        # half precision on disk: half the size, and far below what a cosine can show
        halves = {
            name: value.half().contiguous() if value.is_floating_point() else value
            for name, value in self.state_dict().items()
        }
        save_file(halves, str(folder / WEIGHTS_FILE))

    @classmethod
    def load(cls, model_name_or_path: str, *args: Any, **kwargs: Any) -> DualEncoder:
        """The encoder saved in a folder, in float32 and evaluation mode."""
        folder = Path(model_name_or_path)
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf8"))
        tokenizer = PreTrainedTokenizerFast.from_pretrained(str(folder), local_files_only=True)
        model = cls(**config, tokenizer=tokenizer)
        state = load_file(str(folder / WEIGHTS_FILE))
        model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
        return model.eval()


def _vision_model(vision: dict[str, Any]) -> Any:
    if "model_type" not in vision:
        return ResNetModel(ResNetConfig(**vision))
    return AutoModel.from_config(AutoConfig.for_model(**vision))


def pixels(images: Sequence[Image.Image], size: int) -> torch.Tensor:
    """RGB images → (n, 3, size, size) float32 in [-1, 1]."""
    arrays = [np.asarray(im.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)) for im in images]
    batch = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
    return batch.float() / 127.5 - 1.0
