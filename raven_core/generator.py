"""The vision-language model: prompts in, tokens with log-probabilities out.

Any transformers image-text-to-text model with a chat template works; LoRA adapters are switched by name. For
models that show an image as one tile (the bundled one does), the visual tokens of an image are computed once and
kept, whatever prompt, cell or adapter it appears in: LoRA touches the text model only.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from raven_core import drafting, prefill
from raven_core.decoding import Decoder, Emit, Emitter, Recorder, collector
from raven_core.errors import AdapterError
from raven_core.fair_lock import FairLock
from raven_core.hub import folder_fingerprint
from raven_core.kv_cache import roomy_cache
from raven_core.merging import Merger
from raven_core.mixing import PEFT_BASE, Mixer, activate
from raven_core.model_files import attach, load_base, model_folder
from raven_core.rendering import expand_images, render_prompt
from raven_core.settings import HUB_PREFIX
from raven_core.topics import Draft, Topic
from raven_core.types import Prompt, Token
from raven_core.visual import VisualCache

BASE = "base"
"""Name of the model without any adapter."""

_DONE = object()


def text_of(tokens: Iterable[Token]) -> str:
    """The answer that the tokens spell."""
    return "".join(token.text for token in tokens).strip()


class Generator:
    """One base model, its processor, and the adapters that can be switched on by name."""

    def __init__(
        self, model: Any, processor: Any, name: str, adapters: Sequence[str] = (), sources: Any = None
    ) -> None:
        self.model = model.eval()
        self.processor = processor
        self.model_name = name
        self.adapters = tuple(adapters)
        self._sources: Mapping[str, Path] = sources or {}
        self._lock = FairLock()  # between two batches, others get their turn
        self._mixer: Mixer | None = None
        self._merger: Merger | None = None
        self._visual = VisualCache(self.model, processor)

    @classmethod
    def load(
        cls, model: str | Path, adapters: Mapping[str, str | Path] | None = None, device: str | None = None
    ) -> Generator:
        """A model folder (or ``hub:owner/name``) with its adapters.

        Raises:
            ProfileError: the folder does not hold a loadable model.
            AdapterError: an adapter folder is missing or does not fit the model.
            HubError: a hub model is asked for and cannot be reached.
        """
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        folder = model_folder(str(model))
        base, processor = load_base(str(model), folder)
        base.to(device)
        hub = str(model).startswith(HUB_PREFIX)
        name = str(model).removeprefix(HUB_PREFIX) if hub else folder.name
        sources = {"": folder}
        peft_model = base
        for adapter, place in (adapters or {}).items():
            peft_model = attach(peft_model, adapter, Path(place))
            sources[adapter] = Path(place)
        return cls(peft_model, processor, name, tuple(adapters or ()), sources)

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return next(self.model.parameters()).device

    def fingerprint(self, adapter: str | None = None) -> str:
        """Sixteen hex digits over the bytes of the model, or of one adapter."""
        key = "" if adapter in (None, BASE) else str(adapter)
        if key not in self._sources:
            return self.model_name if not key else f"{self.model_name}/{key}"
        return folder_fingerprint(self._sources[key])

    def render(self, prompt: Prompt) -> str:
        """The prompt as the model's chat template writes it, images as the model's placeholder."""
        return render_prompt(self.processor, prompt)

    def stream(
        self,
        prompt: Prompt,
        adapter: str | None = None,
        max_new_tokens: int = 40,
        seed: int = 0,
        cancel: threading.Event | None = None,
    ) -> Iterator[Token]:
        """Tokens of the greedy answer as they are made; stops early once ``cancel`` is set.

        Raises:
            AdapterError: the adapter is not loaded.
        """
        self.check_adapter(adapter)
        stop = cancel or threading.Event()
        out: queue.Queue[Any] = queue.Queue()
        decoder = Decoder(self.processor.tokenizer)

        def emit(ids: list[int], logprobs: list[float]) -> None:
            token = decoder.push(ids[0], logprobs[0])
            if token is not None:
                out.put(token)

        def work() -> None:
            try:
                self._run([prompt], adapter, max_new_tokens, emit, stop)
                out.put(_DONE)
            except BaseException as error:  # handed over to the consumer's thread
                out.put(error)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            while (item := out.get()) is not _DONE:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()  # a consumer that walks away ends the work
            worker.join()

    def generate(
        self,
        prompts: Sequence[Prompt],
        adapters: Sequence[str | None] | str | None = None,
        max_new_tokens: int = 40,
        batch_size: int = 32,
        cancel: threading.Event | None = None,
        topics: Sequence[Topic] = (),
    ) -> list[list[Token]]:
        """Greedy answers of many prompts, batched; one adapter for all, or one for each prompt.

        Params:
            topics: for each prompt what it is about. What was answered about a topic, before or in this call, is a
                draft of what is answered next; that saves time and changes nothing.
        Raises:
            AdapterError: an adapter is not loaded.
        """
        names = self._names(adapters, len(prompts))
        stop = cancel or threading.Event()
        answers: list[list[Token]] = [[] for _ in prompts]
        with self._visual.same_images():
            for rows in _batches(prompts, batch_size):
                emit = collector(self.processor.tokenizer, [answers[row] for row in rows])
                drafts = [topics[row].drafts(prompts[row]) for row in rows] if topics else []
                self._run([prompts[i] for i in rows], [names[i] for i in rows], max_new_tokens, emit, stop, drafts)
                if stop.is_set():
                    break
                for row in rows if topics else ():
                    topics[row].add(prompts[row], answers[row])
        return answers

    def log_likelihood(
        self,
        prompts: Sequence[Prompt],
        answers: Sequence[str | Sequence[Token]],
        adapters: Sequence[str | None] | str | None = None,
        batch_size: int = 32,
    ) -> list[list[Token]]:
        """How probable given answers are: each answer's tokens with their log-probabilities under its prompt, in nats.

        For the answer that greedy decoding gave these are the values that it reported, up to rounding.

        Params:
            answers: one for each prompt. Tokens are scored as they are, where they know their numbers; a text is
                cut into tokens as answers are in training, behind a blank. The end of the answer is not scored.
            adapters: one for all, or one for each prompt.
        Raises:
            AdapterError: an adapter is not loaded.
        """
        names = self._names(adapters, len(prompts))
        told = [self._told(answer) for answer in answers]
        scored: list[list[Token]] = [[] for _ in prompts]
        for rows in _batches(prompts, batch_size):
            ids = [[int(token.id or 0) for token in told[row]] for row in rows]
            values = self._score([prompts[i] for i in rows], ids, [names[i] for i in rows])
            for row, logprobs in zip(rows, values, strict=True):
                scored[row] = [replace(t, logprob=value) for t, value in zip(told[row], logprobs, strict=True)]
        return scored

    def forget_images(self) -> None:
        """Give back the memory of the visual tokens that are kept."""
        self._visual.forget()

    def check_adapter(self, adapter: str | None) -> None:
        """Raises AdapterError when the adapter is not loaded; None and ``base`` mean none."""
        if adapter not in (None, BASE, *self.adapters):
            known = ", ".join((BASE, *self.adapters))
            raise AdapterError(f"No adapter {adapter!r} in this profile: choose one of {known}.")

    def _names(self, adapters: Sequence[str | None] | str | None, count: int) -> list[str | None]:
        """One checked adapter for each prompt."""
        names = [adapters] * count if adapters is None or isinstance(adapters, str) else list(adapters)
        for name in set(names):
            self.check_adapter(name)
        return names

    def _told(self, answer: str | Sequence[Token]) -> list[Token]:
        """The answer as numbered tokens, without log-probabilities."""
        tokens = None if isinstance(answer, str) else list(answer)
        if tokens is not None and all(token.id is not None for token in tokens):
            return tokens
        text = (answer if isinstance(answer, str) else text_of(answer)).strip()
        decoder = Decoder(self.processor.tokenizer)
        ids = self.processor.tokenizer(f" {text}", add_special_tokens=False)["input_ids"] if text else []
        return [token for number in ids if (token := decoder.push(number, 0.0)) is not None]

    @torch.inference_mode()
    def _score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], adapters: Sequence[str | None]
    ) -> list[list[float]]:
        """Log-probabilities of each answer's tokens: the prompts (left-padded) first, then all answers at once."""
        longest = max(map(len, answers))
        if longest == 0:
            return [[] for _ in answers]
        with self._lock, self._adapter(adapters) as extra:
            inputs = self._inputs(prompts)
            told = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in answers], device=self.device)
            seen = self.model(**inputs, **extra, use_cache=True, logits_to_keep=1)
            logits = [seen.logits[:, -1:]]
            if longest > 1:  # what stands behind a shorter answer is seen by none of its tokens, so it needs no mask
                mask = torch.cat([inputs["attention_mask"], torch.ones_like(told[:, :-1])], dim=1)
                kept = {"attention_mask": mask, "past_key_values": seen.past_key_values}
                logits.append(self.model(input_ids=told[:, :-1], **kept, **extra).logits)
            scores = torch.cat(logits, dim=1).float().log_softmax(-1).gather(-1, told.unsqueeze(-1)).squeeze(-1)
        return [row[: len(ids)].tolist() for row, ids in zip(scores, answers, strict=True)]

    @torch.inference_mode()
    def _run(
        self,
        prompts: Sequence[Prompt],
        adapters: Sequence[str | None] | str | None,
        max_new_tokens: int,
        emit: Emit,
        stop: threading.Event,
        drafts: Sequence[Sequence[Draft]] = (),
    ) -> None:
        with self._lock:
            inputs = self._inputs(prompts)
            if self._visual.usable and prefill.is_worth_it(inputs["attention_mask"]):
                names = _peft_names(adapters, len(prompts))
                counts = [len(prompt.images) for prompt in prompts]
                inputs = prefill.read(
                    self.model,
                    inputs,
                    counts,
                    [list(range(len(names)))] if len(set(names)) == 1 else self._mix().groups(names),
                    lambda rows, lengths: self._adapter([names[row] for row in rows], lengths),
                )
            inputs.setdefault("past_key_values", roomy_cache(self.model))
            with self._adapter(adapters) as extra:
                if any(drafts) and self._takes_drafts(adapters, inputs["past_key_values"]):
                    drafting.write(self.model, self.processor, inputs, drafts, max_new_tokens, emit, stop)
                else:
                    self._generate({**inputs, **extra}, max_new_tokens, emit, stop)

    def _generate(self, inputs: dict[str, Any], max_new_tokens: int, emit: Emit, stop: threading.Event) -> None:
        recorder = Recorder()
        self.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=max_new_tokens,
            logits_processor=[recorder],
            stopping_criteria=[Emitter(recorder, emit, stop)],
        )

    def _takes_drafts(self, adapters: Sequence[str | None] | str | None, cache: Any) -> bool:
        """Whether rows can leave a batch of this model, and may be read as ``Writer`` reads them."""
        alone = len(set(_peft_names(adapters, 1))) == 1
        return alone and self._visual.usable and cache is not None and drafting.is_plain(self.model.generation_config)

    def _inputs(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        texts = [self.render(prompt) for prompt in prompts]
        images = [list(prompt.images) for prompt in prompts]
        if self._visual.usable:
            return self._visual.inputs([expand_images(self.processor, text) for text in texts], images)
        given = images if any(images) else None
        return dict(self.processor(text=texts, images=given, padding=True, return_tensors="pt").to(self.device))

    @contextmanager
    def _adapter(
        self, adapters: Sequence[str | None] | str | None, lengths: Sequence[int] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Switches to adapters, one for each row of a batch, or for stretches of one row; see ``Mixer.rows``."""
        names = _peft_names(adapters, 1)
        if not self.adapters:
            yield {}
        elif len(set(names)) > 1:
            with self._mix().rows(names, lengths) as extra:
                yield extra
        elif names[0] == PEFT_BASE:
            with self.model.disable_adapter():
                yield {}
        elif self._merge().is_usable:
            with self._merge().active(names[0]):
                yield {}
        else:
            activate(self.model, names[0])
            yield {}

    def _merge(self) -> Merger:
        self._merger = self._merger or Merger(self.model)
        return self._merger

    def _mix(self) -> Mixer:
        self._mixer = self._mixer or Mixer(self.model, self.adapters)
        return self._mixer


def _peft_names(adapters: Sequence[str | None] | str | None, count: int) -> list[str]:
    """The adapters as peft calls them, one for each of ``count`` prompts."""
    names = [adapters] * count if adapters is None or isinstance(adapters, str) else adapters
    return [PEFT_BASE if name is None or name == BASE else name for name in names]


def _batches(prompts: Sequence[Prompt], size: int) -> Iterator[list[int]]:
    """The prompts' numbers in batches; those of like length share one, so little is spent on padding."""
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i].images), len(str(prompts[i].messages))))
    for start in range(0, len(order), size):
        yield order[start : start + size]
