"""Several LoRA adapters in one batch at the price of one.

peft's own way (``adapter_names``) gathers and scatters the rows of every adapter in every layer, which takes a small
model as long as a second batch would. Here the adapters' matrices stand side by side in one adapter, which peft makes
exactly (``combination_type="cat"``), and of what the first matrix gives each row keeps the part that is its adapter's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from raven_core.merging import plain_layers

SIDE_BY_SIDE = "__side_by_side__"
PEFT_BASE = "__base__"
"""What peft calls the model without any adapter."""


class Mixer:
    """Mixes the adapters of one model; made when it is first needed."""

    def __init__(self, model: Any, adapters: Sequence[str]) -> None:
        self._model, self._adapters = model, tuple(adapters)
        self._parts: dict[tuple[int, ...], torch.Tensor] = {}
        self._keeps: dict[tuple[int, ...], torch.Tensor] = {}
        self.is_made = self._make()

    def _make(self) -> bool:
        """Whether the adapters can stand side by side: plain LoRA, all of them chosen alike."""
        layers = plain_layers(self._model)
        if not layers:
            return False
        try:
            weights = [1.0] * len(self._adapters)
            with torch.inference_mode(False):  # peft must be able to switch its gradients on and off
                self._model.add_weighted_adapter(list(self._adapters), weights, SIDE_BY_SIDE, combination_type="cat")
        except (ValueError, TypeError):  # what peft says of adapters that do not go together
            return False
        self._model.eval()
        for layer in layers:
            self._hook(layer)
        return True

    def _hook(self, layer: Any) -> None:
        ranks = tuple(layer.lora_A[name].weight.shape[0] if name in layer.lora_A else 0 for name in self._adapters)
        matrix = layer.lora_A[SIDE_BY_SIDE]
        if ranks not in self._parts:
            self._parts[ranks] = _parts(ranks, matrix.weight)

        def keep(module: Any, args: Any, given: torch.Tensor) -> torch.Tensor:
            return given * self._keeps[ranks]

        matrix.register_forward_hook(keep)

    def groups(self, names: Sequence[str]) -> list[list[int]]:
        """Prompts by number, those together that can stand in one row: all, or else those of one adapter."""
        if self.is_made:
            return [list(range(len(names)))]
        return [[row for row, other in enumerate(names) if other == name] for name in dict.fromkeys(names)]

    @contextmanager
    def rows(self, names: Sequence[str], lengths: Sequence[int] | None = None) -> Iterator[dict[str, Any]]:
        """What to give the model besides its inputs.

        Params:
            names: the adapters, or ``__base__``, of the rows of a batch (n, length), or of the stretches of one row.
            lengths: how long each stretch is, where they stand in one row; the adapters must stand side by side then.
        """
        if not self.is_made:
            yield {"adapter_names": list(names)}
            return
        places = [self._adapters.index(name) if name != PEFT_BASE else -1 for name in names]
        if lengths is not None:
            places = [place for place, length in zip(places, lengths, strict=True) for _ in range(length)]
        axis = 1 if lengths is None else 0
        self._keeps = {ranks: parts[places].unsqueeze(axis) for ranks, parts in self._parts.items()}
        activate(self._model, SIDE_BY_SIDE)
        yield {}


def activate(model: Any, adapter: str) -> None:
    """Make one adapter the active one; peft takes milliseconds for it even where it is active already."""
    if model.active_adapter != adapter:
        model.set_adapter(adapter)


def _parts(ranks: Sequence[int], matrix: torch.Tensor) -> torch.Tensor:
    """(adapters + 1, outputs of the matrix): 1 where an output is this adapter's; none in the last row, the base's."""
    parts = matrix.new_zeros(len(ranks) + 1, matrix.shape[0])
    for adapter, rank in enumerate(ranks):
        start = sum(ranks[:adapter])
        parts[adapter, start : start + rank] = 1
    return parts
