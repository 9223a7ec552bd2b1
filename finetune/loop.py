"""One training loop for every stage: cosine schedule, bfloat16 autocast, progress, checkpoints that resume."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

Loss = Callable[[int, random.Random], tuple[torch.Tensor, dict[str, float]]]
"""Called with the step and a random generator of that step alone; returns the loss and figures to show."""


@dataclass(frozen=True)
class Plan:
    """How a stage is trained; ``warmup`` counts steps, ``every`` seconds between checkpoints."""

    name: str
    steps: int
    rate: float
    warmup: int = 100
    decay: float = 0.05
    clip: float = 1.0
    seed: int = 0
    every: float = 120.0
    floor: float = 0.02


def device() -> torch.device:
    """The GPU when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rate_at(plan: Plan, step: int) -> float:
    """Learning rate of a step: linear warm-up, then a cosine down to ``floor`` of the peak."""
    if step < plan.warmup:
        return plan.rate * (step + 1) / plan.warmup
    progress = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return plan.rate * (plan.floor + (1 - plan.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def train(module: torch.nn.Module, plan: Plan, loss_of: Loss, work: Path) -> float:
    """Trains the module's trainable parameters and returns the seconds it took, over all interruptions.

    Every step draws from a generator seeded by the plan's seed and the step's number, so an interrupted
    run that resumes sees the samples it would have seen.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    wide = [p for p in parameters if p.ndim >= 2]
    narrow = [p for p in parameters if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": wide, "weight_decay": plan.decay}, {"params": narrow, "weight_decay": 0.0}],
        lr=plan.rate,
        betas=(0.9, 0.98),
    )
    path = work / f"{plan.name}.checkpoint.pt"
    first, spent = _resume(path, module, optimizer, plan)
    started = saved = time.monotonic()
    module.train()
    bar = tqdm(range(first, plan.steps), initial=first, total=plan.steps, desc=plan.name, mininterval=10.0)
    shown: dict[str, float] = {}
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = rate_at(plan, step)
        torch.manual_seed(plan.seed * 1_000_003 + step)
        with torch.autocast(device().type, dtype=torch.bfloat16):
            loss, figures = loss_of(step, random.Random(plan.seed * 1_000_003 + step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, plan.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        for name, value in {"loss": loss.item(), **figures}.items():
            shown[name] = 0.98 * shown.get(name, value) + 0.02 * value
        if step % 50 == 0:
            bar.set_postfix({name: f"{value:.3f}" for name, value in shown.items()}, refresh=False)
        if time.monotonic() - saved > plan.every:
            saved = time.monotonic()
            _save(path, module, optimizer, plan, step + 1, spent + saved - started)
    seconds = spent + time.monotonic() - started
    _save(path, module, optimizer, plan, plan.steps, seconds)
    module.eval()
    return seconds


def _save(path: Path, module: torch.nn.Module, optimizer: Any, plan: Plan, step: int, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    state = {"model": module.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**state, "step": step, "seconds": seconds, "plan": repr(plan)}, temporary)
    temporary.replace(path)  # never half a checkpoint


def _resume(path: Path, module: torch.nn.Module, optimizer: Any, plan: Plan) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["plan"] != repr(plan):
        return 0, 0.0  # another plan made it
    module.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), float(state["seconds"])
