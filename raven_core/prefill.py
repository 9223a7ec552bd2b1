"""Reads prompts of unlike length without padding: they stand in one row, blind to each other.

The cells of a comparison differ in length by four times. Read as one padded batch, five cells cost five times the
longest; packed, they cost as much as they are long. What comes out are the keys and values that a padded batch would
have made, so decoding goes on from there as one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from transformers.cache_utils import Cache
from transformers.modeling_outputs import BaseModelOutputWithPooling

from raven_core.kv_cache import ROOM, Pair, RoomyLayer

WORTH = 1.25
"""Packing pays when padding would make a batch longer by more than this factor."""

MOST_TOKENS = 2048
"""A packed row attends to itself whole, so a long one costs more than its padding would."""


def is_worth_it(mask: torch.Tensor) -> bool:
    """Whether a batch with this attention mask (n, length) is better read packed."""
    tokens = int(mask.sum())
    return len(mask) > 1 and tokens <= MOST_TOKENS and mask.numel() > WORTH * tokens


def read(
    model: Any,
    inputs: dict[str, Any],
    images: Sequence[int],
    groups: Sequence[Sequence[int]],
    switch: Callable[[Sequence[int], Sequence[int]], AbstractContextManager[Any]],
) -> dict[str, Any]:
    """Inputs to generate from, with all prompts read but for the last token of each.

    Params:
        inputs: ``input_ids`` and ``attention_mask`` (n, length), left-padded; the images' features in reading order.
        images: how many images each prompt has.
        groups: the prompts by number, those together that can stand in one row.
        switch: makes the adapters of prompts active in a row where each has so many tokens.
    """
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    features = list(inputs["mm_encoder_outputs"]["image"].pooler_output) if "mm_encoder_outputs" in inputs else []
    ends = [sum(images[: row + 1]) for row in range(len(images))]
    parts = [ids[row][mask[row].bool()][:-1] for row in range(len(ids))]
    whole: list[Pair] = []  # for each layer keys and values, (n, heads, length - 1, size), with room behind them
    for rows in groups:
        seen = [one for row in rows for one in features[ends[row] - images[row] : ends[row]]]
        with switch(rows, [len(parts[row]) for row in rows]):
            cache = _pack(model, [parts[row] for row in rows], seen)
        _unpack(whole, cache, rows, [len(part) for part in parts], ids.shape)
    cache = Cache(layers=[RoomyLayer.holding(pair, ids.shape[1] - 1) for pair in whole])
    return {"input_ids": ids, "attention_mask": mask, "past_key_values": cache}


def _pack(model: Any, parts: Sequence[torch.Tensor], features: Any) -> Any:
    """The cache of one row that holds all parts, each of which sees itself alone."""
    lengths = torch.tensor([len(part) for part in parts], device=parts[0].device)
    packed = torch.cat(list(parts))
    owner = torch.repeat_interleave(torch.arange(len(parts), device=packed.device), lengths)
    places = torch.cat([torch.arange(len(part), device=packed.device) for part in parts])
    sees = (owner[:, None] == owner) & (places[:, None] >= places)
    blind = torch.zeros(sees.shape, dtype=model.dtype, device=packed.device)
    blind.masked_fill_(~sees, torch.finfo(model.dtype).min)
    shown = {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=features)}} if features else {}
    return model(
        input_ids=packed[None],
        attention_mask=blind[None, None],
        position_ids=places[None],
        use_cache=True,
        logits_to_keep=1,
        **shown,
    ).past_key_values


def _unpack(whole: list[Pair], cache: Any, rows: Sequence[int], lengths: Sequence[int], shape: torch.Size) -> None:
    """Put each part's keys and values where a left-padded batch has them."""
    for number, layer in enumerate(cache.layers):
        if len(whole) <= number:
            size = (shape[0], layer.keys.shape[1], shape[1] - 1 + ROOM, layer.keys.shape[-1])
            whole.append((layer.keys.new_zeros(size), layer.values.new_zeros(size)))
        for target, source in zip(whole[number], (layer.keys, layer.values), strict=True):
            start = 0
            for row in rows:
                target[row, :, shape[1] - 1 - lengths[row] : shape[1] - 1] = source[0, :, start : start + lengths[row]]
                start += lengths[row]
