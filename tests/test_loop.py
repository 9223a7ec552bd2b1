"""The training loop: its schedule by hand, and interruptions that change nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from finetune.loop import Plan, rate_at, train

PLAN = Plan("try", steps=8, rate=0.05, warmup=2, every=0.0, seed=3)


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 0.25),  # linear: 1/4 of the peak, 2/4, 3/4
        (1, 0.5),
        (3, 1.0),
        (4, 1.0),  # the cosine begins at its top: 0.02 + 0.98 * (1 + cos 0) / 2
        (8, 0.51),  # half way: 0.02 + 0.98 * (1 + cos(pi / 2)) / 2
        (12, 0.02),  # its bottom
        (20, 0.02),  # and no lower
    ],
)
def test_the_rate_rises_linearly_and_falls_as_a_cosine(step: int, rate: float) -> None:
    assert rate_at(Plan("p", steps=12, rate=1.0, warmup=4), step) == pytest.approx(rate)


def test_rates_scale_with_the_peak_and_end_at_the_floor() -> None:
    plan = Plan("p", steps=10, rate=0.2, warmup=0, floor=0.1)
    assert rate_at(plan, 0) == pytest.approx(0.2)
    assert rate_at(plan, 10) == pytest.approx(0.02)


def tiny_module() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))


class MachineDownError(Exception):
    """Stands for a machine that goes down."""


class Loss:
    """Regression on numbers drawn for the step alone; goes down at the step ``dies_at``, and notes what it saw."""

    def __init__(self, module: torch.nn.Module, dies_at: int | None = None) -> None:
        self.module, self.dies_at = module, dies_at
        self.seen: list[tuple[int, float]] = []

    def __call__(self, step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        if step == self.dies_at:
            raise MachineDownError
        numbers = torch.tensor([[rng.random() for _ in range(4)] for _ in range(16)])
        self.seen.append((step, float(numbers[0, 0])))
        error = (self.module(numbers).float() - numbers.sum(1, keepdim=True)) ** 2
        return error.mean(), {"error": error.mean().item()}


def run(work: Path, plan: Plan = PLAN, dies_at: tuple[int, ...] = ()) -> tuple[dict[str, torch.Tensor], list]:
    """Weights after training with interruptions at the given steps, each with a module started anew."""
    seen = []
    for stop in (*dies_at, None):
        module = tiny_module()
        loss = Loss(module, stop)
        try:
            train(module, plan, loss, work)
        except MachineDownError:
            assert stop is not None
        seen += loss.seen
    return module.state_dict(), seen


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole, seen = run(tmp_path / "whole")
    resumed, seen_in_parts = run(tmp_path / "parts", dies_at=(3, 4, 7))
    assert equal(whole, resumed)
    assert seen_in_parts == seen and [step for step, _ in seen] == list(range(8))


def test_training_changes_the_weights_and_lowers_the_loss(tmp_path: Path) -> None:
    module = tiny_module()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module[1].p = 0.0
    loss = Loss(module)
    first = loss(0, random.Random(1))[0].item()
    train(module, replace(PLAN, steps=60, every=1e9), loss, tmp_path)
    assert not equal(before, module.state_dict())
    assert loss(0, random.Random(1))[0].item() < first / 2
    assert not module.training


def test_work_since_the_last_checkpoint_is_done_again(tmp_path: Path) -> None:
    plan = replace(PLAN, every=1e9)  # no checkpoint before the end
    whole, _ = run(tmp_path / "whole", plan)
    resumed, seen = run(tmp_path / "parts", plan, dies_at=(5,))
    assert equal(whole, resumed)
    assert [step for step, _ in seen] == [0, 1, 2, 3, 4, *range(8)]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    whole, _ = run(tmp_path)
    again, seen = run(tmp_path)
    assert equal(whole, again) and seen == []


def test_the_checkpoint_of_another_plan_is_not_resumed(tmp_path: Path) -> None:
    run(tmp_path)
    _, seen = run(tmp_path, replace(PLAN, rate=0.01))
    assert [step for step, _ in seen] == list(range(8))


def test_a_second_plan_goes_on_from_the_first_also_after_an_interruption(tmp_path: Path) -> None:
    def both(work: Path, dies_at: int | None) -> dict[str, torch.Tensor]:
        module = tiny_module()
        for plan, stop in ((PLAN, None), (replace(PLAN, name="again", seed=9), dies_at)):
            train(module, plan, Loss(module, stop), work)
        return module.state_dict()

    whole = both(tmp_path / "whole", None)
    with pytest.raises(MachineDownError):
        both(tmp_path / "parts", 5)
    assert equal(whole, both(tmp_path / "parts", None))


def test_the_seconds_of_all_parts_are_counted(tmp_path: Path) -> None:
    first = train(tiny_module(), PLAN, Loss(tiny_module()), tmp_path)
    module = tiny_module()
    assert train(module, PLAN, Loss(module), tmp_path) >= first > 0


def test_frozen_weights_stay(tmp_path: Path) -> None:
    module = tiny_module()
    module[0].requires_grad_(False)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    train(module, PLAN, Loss(module), tmp_path)
    after = module.state_dict()
    assert torch.equal(before["0.weight"], after["0.weight"]) and not torch.equal(before["2.weight"], after["2.weight"])


def test_decay_pulls_at_matrices_only(tmp_path: Path) -> None:
    module = torch.nn.Linear(1, 1)
    torch.nn.init.ones_(module.weight)
    torch.nn.init.ones_(module.bias)

    def no_loss(step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        return 0.0 * sum(p.sum() for p in module.parameters()), {}

    train(module, Plan("p", steps=1, rate=0.1, warmup=0, decay=0.5), no_loss, tmp_path)
    assert module.weight.item() == pytest.approx(1 - 0.1 * 0.5)
    assert module.bias.item() == 1.0
