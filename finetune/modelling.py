"""Builds the models that ``finetune`` trains from scratch: tokenizer, dual encoder, Idefics3 VLM, processor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from raven_core.dual_encoder import DualEncoder

PAD, END = "<pad>", "<end_of_utterance>"
SPECIAL = [PAD, END, "<image>", "<fake_token_around_image>", "<global-img>"]

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ 'User:' if message['role'] == 'user' else 'Assistant:' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>' }}"
    "{% else %}{{ ' ' + part['text'] }}{% endif %}{% endfor %}"
    "{{ '<end_of_utterance>\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


@dataclass(frozen=True)
class VlmSize:
    """Sizes of an Idefics3 model; ``scale`` is the pixel-shuffle factor: tokens = (image/patch/scale)²."""

    image: int = 96
    patch: int = 12
    scale: int = 4
    vision_hidden: int = 192
    vision_layers: int = 6
    vision_heads: int = 4
    vision_mlp: int = 512
    text_hidden: int = 256
    text_layers: int = 5
    text_heads: int = 4
    text_mlp: int = 640
    max_positions: int = 2048

    @property
    def tokens_per_image(self) -> int:
        """Visual tokens of one image after the pixel shuffle."""
        return (self.image // self.patch // self.scale) ** 2


@dataclass(frozen=True)
class EncoderSize:
    """Sizes of the dual encoder."""

    image: int = 96
    dim: int = 128
    embedding: int = 32
    hidden: tuple[int, ...] = (32, 64, 128, 224)
    depths: tuple[int, ...] = (2, 2, 2, 2)
    text_hidden: int = 128
    text_layers: int = 2


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, syllables: Sequence[str] = (), lowercase: bool = False
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer (any text can be written in it) with the tokens Idefics3 needs.

    A word, or the end of one, that is made of ``syllables`` is split into them first. A name is then the same tokens
    wherever it stands, which is what copying it takes. With ``lowercase`` capitals are read as small letters.
    """
    tokenizer = Tokenizer(models.BPE())
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    if syllables:
        one = "|".join(sorted(syllables, key=len, reverse=True))
        steps.insert(0, pre_tokenizers.Split(Regex(f" ?(?:{one})(?=(?:{one})*(?![a-z]))"), "isolated"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, padding_side="left", model_max_length=2048
    )


def build_encoder(tokenizer: PreTrainedTokenizerFast, size: EncoderSize) -> DualEncoder:
    """An untrained dual encoder."""
    vision: dict[str, Any] = {
        "embedding_size": size.embedding,
        "hidden_sizes": list(size.hidden),
        "depths": list(size.depths),
        "layer_type": "basic",
    }
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": size.text_hidden,
        "num_hidden_layers": size.text_layers,
        "num_attention_heads": 4,
        "intermediate_size": 3 * size.text_hidden,
        "max_position_embeddings": 64,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return DualEncoder(vision, text, size.dim, size.image, tokenizer)


def build_processor(tokenizer: PreTrainedTokenizerFast, size: VlmSize) -> Idefics3Processor:
    """The processor beside the model: one tile an image, square, values in [-1, 1]."""
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": size.image},
        max_image_size={"longest_edge": size.image},
        do_image_splitting=False,
        resample=int(Image.Resampling.BICUBIC),
    )
    return Idefics3Processor(images, tokenizer, image_seq_len=size.tokens_per_image, chat_template=CHAT_TEMPLATE)


def build_vlm(tokenizer: PreTrainedTokenizerFast, size: VlmSize) -> Idefics3ForConditionalGeneration:
    """An untrained Idefics3 model whose embedding table fits the tokenizer."""
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    config = Idefics3Config(
        vision_config={
            "hidden_size": size.vision_hidden,
            "intermediate_size": size.vision_mlp,
            "num_hidden_layers": size.vision_layers,
            "num_attention_heads": size.vision_heads,
            "image_size": size.image,
            "patch_size": size.patch,
        },
        text_config={
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": size.text_hidden,
            "intermediate_size": size.text_mlp,
            "num_hidden_layers": size.text_layers,
            "num_attention_heads": size.text_heads,
            "num_key_value_heads": size.text_heads,
            "max_position_embeddings": size.max_positions,
            "tie_word_embeddings": True,
            **ids,
        },
        scale_factor=size.scale,
        image_token_id=cast(int, tokenizer.convert_tokens_to_ids("<image>")),
        tie_word_embeddings=True,
    )
    model = Idefics3ForConditionalGeneration(config)
    for key, value in ids.items():
        setattr(model.generation_config, key, value)
    return model


def save_vlm(model: Idefics3ForConditionalGeneration, processor: Idefics3Processor, folder: Path) -> None:
    """Writes model (float16 shards under 10 MB) and processor into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    dtype, model.config.dtype = model.config.dtype, torch.float16
    model.save_pretrained(folder, state_dict=state, max_shard_size="9MB")
    model.config.dtype = dtype
    processor.save_pretrained(folder)
