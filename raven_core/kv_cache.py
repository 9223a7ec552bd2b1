"""Keys and values with room to grow: a step of decoding writes its own and copies none of those before.

The cache that transformers takes by default is joined anew at every step, which costs a small model with many rows more
than all its layers do.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache, DynamicLayer

ROOM = 32
"""Tokens of room that a layer takes when it has none left: as many as most answers have."""

Pair = tuple[torch.Tensor, torch.Tensor]


class RoomyLayer(DynamicLayer):
    """The keys and values of one layer, (n, heads, length, size) each, at the start of tensors with more length."""

    _room: Pair | None = None

    @classmethod
    def holding(cls, room: Pair, length: int) -> RoomyLayer:
        """A layer whose first ``length`` tokens stand in ``room`` already."""
        layer = cls()
        layer.lazy_initialization(*room)
        layer._show(room, length)
        return layer

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Pair:
        """Take in what is new, and give all there is."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        seen = self.get_seq_length()
        end = seen + key_states.shape[-2]
        assert self.keys is not None and self.values is not None
        room = self._own_room()
        if room is None or end > room[0].shape[-2]:
            room = (
                _larger(self.keys, seen, key_states, end + ROOM),
                _larger(self.values, seen, value_states, end + ROOM),
            )
        for whole, states in zip(room, (key_states, value_states), strict=True):
            whole[:, :, seen:end] = states
        return self._show(room, end)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some rows of the batch, with their room."""
        room = self._own_room()
        if room is None:
            super().batch_select_indices(indices)
        else:
            self._show((room[0][indices], room[1][indices]), self.get_seq_length())

    def _own_room(self) -> Pair | None:
        """The room that the keys stand in; whatever gave the layer other keys (a search, say) left it behind."""
        if self._room is None or self.keys is None or self.keys.data_ptr() != self._room[0].data_ptr():
            return None
        return self._room

    def _show(self, room: Pair, length: int) -> Pair:
        self._room = room
        shown = room[0][:, :, :length], room[1][:, :, :length]
        self.keys, self.values = shown
        return shown


def _larger(old: torch.Tensor, seen: int, new: torch.Tensor, length: int) -> torch.Tensor:
    whole = new.new_empty(*new.shape[:2], length, new.shape[-1])
    if seen:
        whole[:, :, :seen] = old
    return whole


def roomy_cache(model: Any) -> Cache | None:
    """An empty cache for the model; None where its layers keep something else than all keys and values."""
    layers = DynamicCache(config=model.config).layers
    return Cache(layers=[RoomyLayer() for _ in layers]) if all(type(one) is DynamicLayer for one in layers) else None
