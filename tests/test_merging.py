"""Merged weights answer as the adapter beside them does, and the model's own weights come back bit by bit."""

from __future__ import annotations

import pytest
import torch

from raven_core import merging
from raven_core.generator import Generator
from raven_core.merging import Merger
from raven_core.prompting import build
from raven_core.types import Query
from tests import tiny

PROMPT = build(Query(tiny.block("yellow", 9), "what is it"))


@pytest.fixture
def generator(tmp_path) -> Generator:
    adapters = {name: tmp_path / name for name in ("raven", "no-retrieval")}
    loaded = Generator.load(tiny.write_tiny_vlm(tmp_path / "model", adapters), adapters, device="cpu")
    tiny.liven(loaded)
    return loaded


def weights(generator: Generator) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in generator.model.state_dict().items()}


def scores(generator: Generator, adapter: str) -> list[float]:
    (tokens,) = generator.log_likelihood([PROMPT], ["a red creature"], adapter)
    return [token.logprob for token in tokens]


def test_merged_weights_give_what_the_adapter_beside_them_gives(generator, monkeypatch):
    merged = {name: scores(generator, name) for name in ("raven", "no-retrieval", "base")}
    assert generator._merge().is_usable
    monkeypatch.setattr(generator._merge(), "is_usable", False)
    for name, found in merged.items():
        assert found == pytest.approx(scores(generator, name), abs=1e-4)
    assert abs(merged["raven"][0] - merged["base"][0]) > 1e-2


def test_the_models_own_weights_come_back_also_after_an_error(generator):
    before = weights(generator)
    scores(generator, "raven")
    with pytest.raises(RuntimeError, match="stop"), generator._merge().active("raven"):
        changed = [name for name, value in weights(generator).items() if not torch.equal(value, before[name])]
        raise RuntimeError("stop")
    assert changed
    after = weights(generator)
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)


def test_weights_that_merging_would_round_and_too_many_are_left_alone(generator, monkeypatch):
    assert Merger(generator.model).is_usable
    monkeypatch.setattr(merging, "MOST_WEIGHTS", 10)
    assert not Merger(generator.model).is_usable
    monkeypatch.undo()
    assert not Merger(generator.model.half()).is_usable
    assert not Merger(torch.nn.Linear(2, 2)).is_usable
