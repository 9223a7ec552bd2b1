"""A LoRA adapter added into the weights ahead of time, as its paper does to answer at the base model's price.

Hu et al. (arXiv 2106.09685): W + s·BA is a matrix like W. In a small model the two thin matrices beside every weight
cost a quarter of a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import LoraLayer

MOST_WEIGHTS = 50_000_000
"""Of all layers with an adapter: each adapter keeps as many again in memory."""


def plain_layers(model: Any) -> list[Any]:
    """The model's layers with adapters; none where an adapter is another kind of LoRA than two matrices a weight."""
    layers: list[Any] = [module for module in model.modules() if isinstance(module, LoraLayer)]
    others = (one.lora_variant or one.lora_embedding_A or any(one.lora_bias.values()) for one in layers)
    return [] if any(others) else layers


class Merger:
    """The weights of one model with each of its adapters added, made when they are first needed."""

    def __init__(self, model: Any) -> None:
        self._layers = plain_layers(model)
        self._made: dict[str, list[torch.Tensor]] = {}
        self.is_usable = bool(self._layers) and self._are_fit(self._weights())

    @staticmethod
    def _are_fit(weights: Sequence[torch.Tensor]) -> bool:
        """Whether the weights are float32, others would be rounded, and not too many."""
        return (
            all(isinstance(one, torch.Tensor) and one.dtype == torch.float32 for one in weights)
            and sum(weight.numel() for weight in weights) <= MOST_WEIGHTS
        )

    def _weights(self) -> list[torch.Tensor]:
        return [layer.get_base_layer().weight.data for layer in self._layers]

    @contextmanager
    def active(self, adapter: str) -> Iterator[None]:
        """While the block runs, the model has the adapter's weights and computes nothing beside them."""
        if adapter not in self._made:
            self._made[adapter] = self._merged(adapter)
        own = self._weights()
        try:
            self._put(self._made[adapter])
            for layer in self._layers:
                layer.forward = layer.get_base_layer().forward  # peft's own takes longer than a small layer
            yield
        finally:
            for layer in self._layers:
                vars(layer).pop("forward", None)
            self._put(own)

    def _put(self, weights: Sequence[torch.Tensor]) -> None:
        for layer, weight in zip(self._layers, weights, strict=True):
            layer.get_base_layer().weight.data = weight

    def _merged(self, adapter: str) -> list[torch.Tensor]:
        with torch.inference_mode(False), torch.no_grad():
            return [
                weight + layer.get_delta_weight(adapter) if adapter in layer.lora_A else weight
                for layer, weight in zip(self._layers, self._weights(), strict=True)
            ]
