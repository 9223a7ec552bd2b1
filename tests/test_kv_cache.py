"""A cache with room gives what one without it gives, and copies only where room is lacking."""

from __future__ import annotations

import pytest
import torch
from transformers import DynamicCache, LlamaConfig, MistralConfig
from transformers.cache_utils import DynamicLayer

from raven_core import kv_cache
from raven_core.kv_cache import RoomyLayer, roomy_cache


def states(length: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    return torch.randn(2, 3, length, 4), torch.randn(2, 3, length, 4)


def are_alike(layers: list[DynamicLayer], length: int, seed: int) -> bool:
    """Give each layer the same, and say whether they then hold the same."""
    given = [layer.update(*states(length, seed)) for layer in layers]
    same_length = layers[0].get_seq_length() == layers[1].get_seq_length()
    return same_length and all(torch.equal(one, other) for one, other in zip(*given, strict=True))


def test_steps_past_the_room_give_what_a_plain_layer_gives(monkeypatch):
    monkeypatch.setattr(kv_cache, "ROOM", 3)
    layers = [RoomyLayer(), DynamicLayer()]
    for seed, length in enumerate((5, 1, 1, 1, 1, 4, 1)):
        assert are_alike(layers, length, seed)


def test_a_step_writes_in_place():
    layer = RoomyLayer()
    layer.update(*states(5, 0))
    place = layer.keys.data_ptr()
    layer.update(*states(1, 1))
    assert layer.keys.data_ptr() == place and layer.get_seq_length() == 6


def test_keys_that_were_put_in_another_order_are_kept():
    layers = [RoomyLayer(), DynamicLayer()]
    assert are_alike(layers, 5, 0)
    for layer in layers:
        layer.reorder_cache(torch.tensor([1, 0]))
    assert are_alike(layers, 1, 1)
    for layer in layers:
        layer.crop(-2)
    assert are_alike(layers, 1, 2)


def test_a_layer_begins_with_what_stands_in_its_room():
    keys, values = states(9, 0)
    layer, plain = RoomyLayer.holding((keys.clone(), values.clone()), 6), DynamicLayer()
    plain.update(keys[:, :, :6], values[:, :, :6])
    assert are_alike([layer, plain], 2, 1)


@pytest.mark.parametrize("window", [None, 8])
def test_only_models_that_keep_all_keys_get_one(window):
    few = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2}
    config = LlamaConfig(**few) if window is None else MistralConfig(**few, sliding_window=window)
    made = roomy_cache(type("Model", (), {"config": config})())
    assert (made is None) == (window is not None)
    if made is not None:
        assert len(made.layers) == len(DynamicCache(config=config).layers) == 2
