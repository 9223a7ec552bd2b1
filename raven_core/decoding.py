"""Follows a model while it writes: ids become text, and each token keeps its log-probability."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from transformers import LogitsProcessor, StoppingCriteria

from raven_core.types import Token

Emit: TypeAlias = Callable[[list[int], list[float]], None]
"""Takes a step: the token of each answer and its log-probability."""


@dataclass
class Decoder:
    """Token ids of one answer → tokens with their text; silent after the end token."""

    tokenizer: Any
    ids: list[int] = field(default_factory=list)
    text: str = ""
    done: bool = False

    def __post_init__(self) -> None:
        self._ends = (self.tokenizer.eos_token_id, self.tokenizer.pad_token_id)  # asking takes as long as decoding

    def push(self, token_id: int, logprob: float) -> Token | None:
        """The token with what it adds to the text; None for the end token and all behind it."""
        if self.done or token_id in self._ends:
            self.done = True
            return None
        self.ids.append(token_id)
        # decoding the whole answer keeps characters whole that are spelled by several tokens
        text = self.tokenizer.decode(self.ids, skip_special_tokens=True).rstrip("\ufffd")
        piece, self.text = text[len(self.text) :], text
        return Token(piece, logprob, token_id)


def collector(tokenizer: Any, answers: Sequence[list[Token]]) -> Emit:
    """Puts each step's tokens, one for each answer, behind the answers."""
    decoders = [Decoder(tokenizer) for _ in answers]

    def emit(ids: list[int], logprobs: list[float]) -> None:
        for answer, decoder, token_id, logprob in zip(answers, decoders, ids, logprobs, strict=True):
            token = decoder.push(token_id, logprob)
            if token is not None:
                answer.append(token)

    return emit


class Recorder(LogitsProcessor):
    """Keeps the log-probabilities of the current step, before anything else touches them."""

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores (batch, vocabulary) as they are."""
        self.logprobs = torch.log_softmax(scores.float(), dim=-1)
        return scores


class Emitter(StoppingCriteria):
    """Hands each step's tokens on as they come, and stops the whole batch when asked to."""

    def __init__(self, recorder: Recorder, emit: Emit, stop: threading.Event):
        self._recorder, self._emit, self._stop = recorder, emit, stop

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        """(batch,) bool: whether each answer is to end here."""
        last = input_ids[:, -1]
        logprobs = self._recorder.logprobs.gather(-1, last.unsqueeze(-1)).squeeze(-1)
        self._emit(last.tolist(), logprobs.tolist())
        return torch.full((len(last),), self._stop.is_set(), dtype=torch.bool, device=last.device)
