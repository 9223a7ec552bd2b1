"""Greedy answers that begin from drafts: one pass checks many tokens, instead of a pass for each.

Speculative decoding (Leviathan et al., arXiv 2211.17192) with earlier answers about the same image in the place of a
small model: a token of a draft stands where it is the one that greedy decoding would have written, so drafts save time
and change nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from raven_core.decoding import Emit
from raven_core.topics import Draft

AHEAD = 4
"""Tokens checked at a time of a draft that answered another prompt or went wrong: the more, the more are in vain."""
ALIKE = 2
"""A draft goes on where it says the same as the last so many tokens."""

MOST_SCORES = 32_000_000
"""Scores of tokens that one pass may give: a large vocabulary leaves room for fewer tokens ahead."""

OWN = ("input_ids", "attention_mask", "past_key_values")

HARMLESS = {
    "bos_token_id",
    "eos_token_id",
    "output_attentions",
    "output_hidden_states",
    "pad_token_id",
    "transformers_version",
    "use_cache",
    "_from_model_config",
    *("do_sample", "temperature", "top_k", "top_p"),  # say nothing where nothing is sampled
    *("max_length", "max_new_tokens"),
}


def is_plain(settings: Any) -> bool:
    """Whether greedy decoding with a model's generation settings takes the most probable token and nothing else."""
    return set(settings.to_diff_dict()) <= HARMLESS


def ends_of(settings: Any, tokenizer: Any) -> set[int]:
    """The tokens that end an answer."""
    named = settings.eos_token_id
    return {*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id, tokenizer.pad_token_id} - {None}


@dataclass
class Answer:
    """Token ids with their log-probabilities, in nats; the end token is among them.

    What ``prompt`` says goes on with a draft that went wrong, as in a name that captions tell; without any draft it
    would cost more passes than it saves.
    """

    drafts: Sequence[Draft]
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    done: bool = False
    prompt: Sequence[int] = ()

    def proposal(self) -> Sequence[int]:
        """What may come next."""
        if self.done or not self.drafts:
            return ()
        first = self.drafts[0]
        if not self.ids:
            return first.ids if first.whole else first.ids[:AHEAD]
        for size in range(min(ALIKE, len(self.ids)), 0, -1):
            for said in (*(draft.ids for draft in self.drafts), self.prompt):
                if after := _after(said, self.ids[-size:]):
                    return after[:AHEAD]
        return first.ids[len(self.ids) :][:AHEAD]

    def take(self, ids: Sequence[int], logprobs: Sequence[float], ends: Collection[int], most: int) -> None:
        """Go on with tokens, up to the end of the answer."""
        for token, logprob in zip(ids, logprobs, strict=True):
            if self.done:
                return
            self.ids.append(token)
            self.logprobs.append(logprob)
            self.done = token in ends or len(self.ids) == most


def _after(text: Sequence[int], said: Sequence[int]) -> Sequence[int]:
    """What a text says behind the first place where it says the same; nothing where that is its end or nowhere."""
    size, place = len(said), -1
    while True:
        try:
            place = text.index(said[0], place + 1)
        except ValueError:
            return ()
        if text[place : place + size] == said and place + size < len(text):
            return text[place + size :]


class Writer:
    """One batch that is being answered."""

    def __init__(self, model: Any, inputs: dict[str, Any], drafts: Sequence[Sequence[Draft]]) -> None:
        """A batch as ``generate`` takes it.

        Params:
            inputs: ``input_ids`` and ``attention_mask`` (n, length), left-padded; a cache, which may hold all tokens
                but the last; what the first pass needs besides.
            drafts: for each prompt, answers that its own may be like, the likeliest first.
        """
        self._model = model
        self._mask = inputs["attention_mask"]
        self._cache = inputs["past_key_values"]
        self._next = inputs["input_ids"][:, self._cache.get_seq_length() :]
        self._seen = {name: value for name, value in inputs.items() if name not in OWN}
        self._vocabulary = int(model.config.get_text_config().vocab_size)
        prompts = [ids[seen.bool()].tolist() for ids, seen in zip(inputs["input_ids"], self._mask, strict=True)]
        self.answers = [Answer(given, prompt=said) for given, said in zip(drafts, prompts, strict=True)]
        self._rows = list(self.answers)

    def write(self, ends: Collection[int], most: int, stop: threading.Event) -> None:
        """Write all answers to their ends, or until ``stop`` is set."""
        while not stop.is_set() and not all(answer.done for answer in self._rows):
            self._leave_out()
            self._step(ends, most)

    def steps(self, filler: int) -> Iterator[tuple[list[int], list[float]]]:
        """The answers a step at a time: a token of each, ``filler`` behind those that are shorter."""
        longest = max((len(answer.ids) for answer in self.answers), default=0)
        for step in range(longest):
            there = [step < len(answer.ids) for answer in self.answers]
            yield (
                [a.ids[step] if known else filler for a, known in zip(self.answers, there, strict=True)],
                [a.logprobs[step] if known else 0.0 for a, known in zip(self.answers, there, strict=True)],
            )

    def _leave_out(self) -> None:
        """Drop the rows that are done once they are half of all; moving what is kept costs as much as some steps."""
        keep = [row for row, answer in enumerate(self._rows) if not answer.done]
        if 2 * len(keep) > len(self._rows):
            return
        places = torch.tensor(keep, device=self._mask.device)
        self._cache.batch_select_indices(places)
        self._mask, self._next = self._mask[places], self._next[places]
        self._rows = [self._rows[row] for row in keep]

    def _step(self, ends: Collection[int], most: int) -> None:
        room = max(0, MOST_SCORES // (len(self._rows) * self._vocabulary) - 1)
        proposed = [list(answer.proposal())[: min(room, most - len(answer.ids) - 1)] for answer in self._rows]
        ahead = max(map(len, proposed))
        padded = self._mask.new_tensor([[*ids, *[0] * (ahead - len(ids))] for ids in proposed])
        ids, logprobs = self._read(padded)
        fits = [_alike(own, given) for own, given in zip(ids.tolist(), proposed, strict=True)]
        for answer, own, values, count in zip(self._rows, ids.tolist(), logprobs.tolist(), fits, strict=True):
            answer.take(own[: count + 1], values[: count + 1], ends, most)
        right = torch.tensor(fits, device=ids.device).unsqueeze(1)
        # what was refused stays in the cache, and nobody looks at it
        known = (torch.arange(ahead, device=ids.device) < right).to(self._mask.dtype)
        self._next = ids.gather(1, right)
        self._mask = torch.cat([self._mask, known, torch.ones_like(self._next)], dim=1)

    def _read(self, proposed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The most probable token and its log-probability behind the last known token and each one that is proposed."""
        ids = torch.cat([self._next, proposed], dim=1)
        mask = torch.cat([self._mask, torch.ones_like(proposed)], dim=1)
        out = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :],
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1 + proposed.shape[1],
            **self._seen,
        )
        self._seen = {}  # the images are read with the prompts
        scores = out.logits.float()
        best, places = scores.max(-1)
        return places, best - scores.logsumexp(-1)


def write(
    model: Any,
    processor: Any,
    inputs: dict[str, Any],
    drafts: Sequence[Sequence[Draft]],
    most: int,
    emit: Emit,
    stop: threading.Event,
) -> None:
    """Answer a batch as ``model.generate`` does, from drafts; ``inputs`` as ``Writer`` takes them.

    Params:
        most: tokens of an answer at the most.
        emit: is given the answers a step at a time, once all are there.
    """
    tokenizer, image = processor.tokenizer, getattr(processor, "image_token_id", None)
    # beside the features of images a token that stands for one would ask for more of them
    writer = Writer(model, inputs, [[draft for draft in of if image not in draft.ids] for of in drafts])
    writer.write(ends_of(model.generation_config, tokenizer), most, stop)
    for ids, logprobs in writer.steps(tokenizer.eos_token_id):
        emit(ids, logprobs)


def _alike(own: Sequence[int], given: Sequence[int]) -> int:
    """How many tokens two answers share from their start on."""
    return next((place for place, (one, two) in enumerate(zip(own, given, strict=False)) if one != two), len(given))
