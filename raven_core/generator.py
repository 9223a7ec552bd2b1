"""The vision-language model: prompts in, tokens with log-probabilities out.

Any transformers image-text-to-text model with a chat template works; LoRA adapters are switched by name. For
models that show an image as one tile (the bundled one does), the visual tokens of an image are computed once and
kept, whatever prompt, cell or adapter it appears in: LoRA touches the text model only.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers.modeling_outputs import BaseModelOutputWithPooling

from raven_core.decoding import Decoder, Emitter, Recorder
from raven_core.errors import AdapterError
from raven_core.hub import folder_fingerprint
from raven_core.model_files import attach, load_base, model_folder
from raven_core.settings import HUB_PREFIX
from raven_core.types import Prompt, Token

BASE = "base"
"""Name of the model without any adapter."""

_PEFT_BASE = "__base__"
_DONE = object()


def text_of(tokens: Iterable[Token]) -> str:
    """The answer that the tokens spell."""
    return "".join(token.text for token in tokens).strip()


def render_prompt(processor: Any, prompt: Prompt) -> str:
    """The prompt as the processor's chat template writes it, images as its placeholder."""
    controls = control_tokens(processor.tokenizer)

    def clean(part: Mapping[str, Any]) -> dict[str, Any]:
        # a caption that spells one of the model's control tokens must stay text
        text = part.get("text", "")
        for token in controls:
            text = text.replace(token, _defused(token))
        return {**part, "text": text} if part["type"] == "text" else dict(part)

    messages = [{**message, "content": [clean(part) for part in message["content"]]} for message in prompt.messages]
    return str(processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def control_tokens(tokenizer: Any) -> list[str]:
    """The tokens that mean something other than their letters, longest first."""
    # not all of them are among `all_special_tokens`: the marks around an image's tiles are not
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    return sorted({*tokenizer.all_special_tokens, *added}, key=lambda token: (-len(token), token))


def _defused(token: str) -> str:
    """The token as text that reads alike: other brackets, or else a joiner of no width behind the first letter."""
    other = token.replace("<", "‹").replace(">", "›")
    return other if other != token else f"{token[0]}\u2060{token[1:]}"


def expand_images(processor: Any, text: str) -> str:
    """A rendered prompt with each image placeholder replaced by the tokens of an image shown as one tile."""
    tile = processor.replace_image_token({"rows": [[0]], "cols": [[0]]}, 0)
    return text.replace(processor.image_token, tile)


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
        self._lock = threading.Lock()
        self._visual = VisualCache(self)

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
    ) -> list[list[Token]]:
        """Greedy answers of many prompts, batched; one adapter for all, or one for each prompt.

        Raises:
            AdapterError: an adapter is not loaded.
        """
        names = [adapters] * len(prompts) if adapters is None or isinstance(adapters, str) else list(adapters)
        for name in set(names):
            self.check_adapter(name)
        stop = cancel or threading.Event()
        # prompts of like length share a batch, so little is spent on padding
        order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i].images), len(str(prompts[i].messages))))
        answers: list[list[Token]] = [[] for _ in prompts]
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            decoders = [Decoder(self.processor.tokenizer) for _ in rows]

            def emit(ids: list[int], logprobs: list[float], rows: Any = rows, decoders: Any = decoders) -> None:
                for row, decoder, token_id, logprob in zip(rows, decoders, ids, logprobs, strict=True):
                    token = decoder.push(token_id, logprob)
                    if token is not None:
                        answers[row].append(token)

            self._run([prompts[i] for i in rows], [names[i] for i in rows], max_new_tokens, emit, stop)
            if stop.is_set():
                break
        return answers

    def check_adapter(self, adapter: str | None) -> None:
        """Raises AdapterError when the adapter is not loaded; None and ``base`` mean none."""
        if adapter not in (None, BASE, *self.adapters):
            known = ", ".join((BASE, *self.adapters))
            raise AdapterError(f"No adapter {adapter!r} in this profile: choose one of {known}.")

    @torch.inference_mode()
    def _run(
        self,
        prompts: Sequence[Prompt],
        adapters: Sequence[str | None] | str | None,
        max_new_tokens: int,
        emit: Callable[[list[int], list[float]], None],
        stop: threading.Event,
    ) -> None:
        with self._lock, self._adapter(adapters) as extra:
            inputs = self._inputs(prompts)
            recorder = Recorder()
            self.model.generate(
                **inputs,
                **extra,
                do_sample=False,
                max_new_tokens=max_new_tokens,
                logits_processor=[recorder],
                stopping_criteria=[Emitter(recorder, emit, stop)],
            )

    def _inputs(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        texts = [self.render(prompt) for prompt in prompts]
        images = [list(prompt.images) for prompt in prompts]
        if self._visual.usable:
            return self._visual.inputs(texts, images)
        given = images if any(images) else None
        return dict(self.processor(text=texts, images=given, padding=True, return_tensors="pt").to(self.device))

    @contextmanager
    def _adapter(self, adapters: Sequence[str | None] | str | None) -> Iterator[dict[str, Any]]:
        names = [adapters] if adapters is None or isinstance(adapters, str) else list(adapters)
        names = [_PEFT_BASE if name in (None, BASE) else name for name in names]
        if not self.adapters:
            yield {}
        elif len(set(names)) > 1:  # peft mixes adapters within one batch
            yield {"adapter_names": names}
        elif names[0] == _PEFT_BASE:
            with self.model.disable_adapter():
                yield {}
        else:
            self.model.set_adapter(names[0])
            yield {}


class VisualCache:
    """Visual tokens by image content, for models that show an image as one tile; least recently used leave first."""

    def __init__(self, generator: Generator, size: int = 8192) -> None:
        self._generator = generator
        self._size = size
        self._kept: OrderedDict[bytes, torch.Tensor] = OrderedDict()
        processor = generator.processor
        splits = getattr(getattr(processor, "image_processor", None), "do_image_splitting", True)
        self.usable = hasattr(processor, "replace_image_token") and splits is False

    def features(self, images: Sequence[Image.Image]) -> list[torch.Tensor]:
        """(tokens, hidden) features of each image, through vision tower and connector."""
        keys = [_image_key(image) for image in images]
        missing = {key: image for key, image in zip(keys, images, strict=True) if key not in self._kept}
        if missing:
            for key, value in zip(missing, self._compute(list(missing.values())), strict=True):
                self._kept[key] = value
        found = []
        for key in keys:
            self._kept.move_to_end(key)
            found.append(self._kept[key])
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return found

    def _compute(self, images: Sequence[Image.Image]) -> list[torch.Tensor]:
        model, processor = self._generator.model, self._generator.processor
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        features: list[torch.Tensor] = []
        for start in range(0, len(images), 64):
            batch = [[image] for image in images[start : start + 64]]
            values = processor.image_processor(batch, return_tensors="pt")
            features += base.get_image_features(
                values["pixel_values"].to(self._generator.device),
                values["pixel_attention_mask"].to(self._generator.device),
                return_dict=True,
            ).pooler_output
        return features

    def inputs(self, texts: Sequence[str], images: Sequence[Sequence[Image.Image]]) -> dict[str, Any]:
        """Model inputs for a batch, left-padded, with the visual features in place of pixels."""
        flat = [image for row in images for image in row]
        tokenizer = self._generator.processor.tokenizer
        encoded = tokenizer(
            [expand_images(self._generator.processor, text) for text in texts],
            padding=True,
            padding_side="left",
            add_special_tokens=False,
            return_tensors="pt",
            return_token_type_ids=False,
        ).to(self._generator.device)
        inputs = dict(encoded)
        if flat:
            features: Any = self.features(flat)
            inputs["mm_encoder_outputs"] = {"image": BaseModelOutputWithPooling(pooler_output=features)}
        return inputs


def _image_key(image: Image.Image) -> bytes:
    return hashlib.sha256(image.mode.encode() + str(image.size).encode() + image.tobytes()).digest()
