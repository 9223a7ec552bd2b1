"""Image and question → neighbours → prompt → answer, timed stage by stage."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from raven_core import prompting
from raven_core.clock import Clock
from raven_core.edits import plain, restore
from raven_core.encoder import Encoder
from raven_core.errors import ImageError, MemoryStoreError
from raven_core.generator import Generator, text_of
from raven_core.images import ImageSource, content_hash, load_image
from raven_core.memory import Memory
from raven_core.request import REPLAYED, Request
from raven_core.retriever import Retriever
from raven_core.settings import Profile, Settings
from raven_core.study import Studies
from raven_core.trials import trial_of
from raven_core.types import BASE, Generation, Neighbour, Order, Query, Token, Trial


class _Stop(threading.Event):
    """Tells the model to stop, by itself or because the caller's event says so; the caller's stays the caller's."""

    def __init__(self, cancel: threading.Event | None) -> None:
        super().__init__()
        self._cancel = cancel or threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._cancel.is_set()

    def is_set(self) -> bool:
        return super().is_set() or self.cancelled


class Raven(Studies):
    """A loaded profile that answers. Options left at ``None`` are as the settings, and then the profile, say."""

    def __init__(self, profile: Profile, settings: Settings, retriever: Retriever, generator: Generator) -> None:
        self.profile = profile
        self.settings = settings
        self.retriever = retriever
        self.generator = generator
        self._fingerprint = functools.cache(generator.fingerprint)  # it reads whole weight files

    @classmethod
    def load(cls, profile: str | Path | None = None, settings: Settings | None = None) -> Raven:
        """Load a profile's encoder, memory, model and adapters.

        Params:
            profile: name or folder; None for the one in the settings.
            settings: by default those of the profile's file and of the environment.
        Raises:
            ProfileError, ConfigError: the profile cannot be found or understood.
            MemoryStoreError: its memory is missing, damaged or made by another encoder.
            AdapterError: an adapter is missing.
            HubError: it names a hub model that cannot be fetched.
        """
        settings = settings or Settings.load(flags={"profile": None if profile is None else str(profile)})
        found = Profile.load(profile if profile is not None else settings.profile)
        encoder = Encoder.load(found.source(found.encoder), settings.device)
        memory = Memory.open(found.source(found.memory), encoder, write_cache=not found.bundled)
        retriever = Retriever(encoder, memory, found.question_weight, found.leak_threshold)
        adapters = {name: found.source(path) for name, path in found.adapters.items()}
        generator = Generator.load(found.source(found.model), adapters, settings.device)
        return cls(found, settings, retriever, generator)

    @property
    def memory(self) -> Memory:
        """The external memory that is asked."""
        return self.retriever.memory

    @property
    def encoder(self) -> Encoder:
        """The encoder of the memory and of the queries."""
        return self.retriever.encoder

    # ------------------------------------------------------------------ asking

    def answer(
        self,
        image: ImageSource,
        question: str | None = None,
        k: int | None = None,
        modalities: Collection[str] | None = None,
        adapter: str | None = None,
        order: Order | None = None,
        question_weight: float | None = None,
        exclude_ids: Collection[str] = (),
        drop_duplicates: bool | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
        given: Sequence[Neighbour] | None = None,
    ) -> Generation:
        """Caption an image, or answer a question about it, with the help of the memory.

        Params:
            image: encoded bytes, a path, or a pillow image.
            question: None asks for a caption.
            k: how many neighbours, 0 to 10; 0 answers without the memory.
            modalities: what of the neighbours the model is given: "image", "text", both, or none.
            adapter: a name from the profile, or "base" for the model without one.
            order: where in the prompt the most similar neighbour stands.
            question_weight: share of the question in the search, 0 to 1.
            exclude_ids: pairs that must not come back.
            drop_duplicates: leave out pairs whose image is this image again.
            seed: kept with the answer; decoding is greedy.
            max_new_tokens: limit on the answer's length, in tokens.
            given: neighbours to use as they are, instead of asking the memory; ``gather`` alters them.
        Returns:
            The finished answer; its ``settings`` are everything ``replay`` needs.
        Raises:
            ImageError, QuestionError, OptionError, AdapterError: what was given cannot be used.
        """
        generation = None
        for generation in self.stream(
            image,
            question,
            k=k,
            modalities=modalities,
            adapter=adapter,
            order=order,
            question_weight=question_weight,
            exclude_ids=exclude_ids,
            drop_duplicates=drop_duplicates,
            seed=seed,
            max_new_tokens=max_new_tokens,
            given=given,
        ):
            pass
        assert generation is not None  # a stream that nobody cancels ends with a finished answer
        return generation

    def stream(
        self,
        image: ImageSource,
        question: str | None = None,
        *,
        cancel: threading.Event | None = None,
        given: Sequence[Neighbour] | None = None,
        **options: Any,
    ) -> Iterator[Generation]:
        """The answer as it grows, with the options of ``answer``.

        The first item has the neighbours and no text; the last one is ``finished``. Closing the iterator or
        setting ``cancel`` stops the model; a cancelled stream ends without a finished item.

        Raises:
            OptionError, QuestionError, AdapterError: at once; ImageError: with the first item.
        """
        return self._stream(image, self.request(question, **options), _Stop(cancel), given)

    def replay(
        self,
        trial: Trial | Generation,
        image: ImageSource,
        question: str | None = None,
        pictures: Sequence[ImageSource] = (),
    ) -> Generation:
        """Ask again with the settings that an answer or a stored trial was made with.

        Params:
            question: for a Generation, which does not hold it; a Trial's own is used.
            pictures: images of neighbours that were added or edited, in any order; a Generation holds its own.
        Raises:
            OptionError: such an image is needed and missing.
        """
        options = {name: trial.settings[name] for name in REPLAYED if name in trial.settings}
        if (rows := trial.settings.get("given")) is not None:
            options["given"] = restore(rows, self._pictures(trial, pictures), "image" in options["modalities"])
        return self.answer(image, trial.question if isinstance(trial, Trial) else question, **options)

    def neighbours(
        self,
        image: ImageSource,
        question: str | None = None,
        k: int | None = None,
        question_weight: float | None = None,
        exclude_ids: Collection[str] = (),
        drop_duplicates: bool | None = None,
    ) -> tuple[Neighbour, ...]:
        """What the memory holds that is most like an image (and question), best first; options as in ``answer``."""
        request = self.request(
            question,
            k=k,
            question_weight=question_weight,
            exclude_ids=exclude_ids,
            drop_duplicates=drop_duplicates,
            modalities=("image", "text"),
        )
        return self._retrieve(self.query(image, request), request, Clock())

    def is_far(self, neighbours: Sequence[Neighbour]) -> bool:
        """Whether even the most similar image is so unlike that the query may lie outside this memory.

        For the share ``profile.far_false_alarm`` of images that the memory does know, this is True wrongly.
        """
        known = [entry.image_similarity for entry in neighbours if entry.image_similarity is not None]
        return bool(known) and self.profile.far_threshold is not None and max(known) < self.profile.far_threshold

    def fingerprints(self, adapter: str | None = None) -> dict[str, str]:
        """What answered, by content: model, encoder, memory, and the adapter where an answer had one."""
        prints = {
            "model": self._fingerprint(None),
            "encoder": self.encoder.fingerprint,
            "memory": self.memory.fingerprint,
        }
        return prints if adapter in (None, BASE) else {**prints, "adapter": self._fingerprint(adapter)}

    def trial(self, generation: Generation, question: str | None = None, session: str = "") -> Trial:
        """An answer as it is stored; ``session`` says whom it belongs to."""
        return trial_of(generation, question, session, self.fingerprints(generation.adapter))

    # ------------------------------------------------------------------ the steps of an answer

    def request(self, question: str | None, **options: Any) -> Request:
        """The options of ``answer``, complete and checked."""
        request = Request.complete(self.settings, self.profile, question, **options)
        self.generator.check_adapter(request.adapter)
        return request

    def query(self, image: ImageSource, request: Request) -> Query:
        """The image, decoded, with the question.

        Raises:
            ImageError: it cannot be read, or there is none.
        """
        if image is None:
            raise ImageError("There is no image to look at: choose one first.")
        return Query(load_image(image, self.settings.max_pixels), request.question)

    def _retrieve(self, query: Query, request: Request, clock: Clock) -> tuple[Neighbour, ...]:
        if not request.retrieves:
            return ()
        with clock.stage("encode"):
            vectors = self.retriever.embed([query], request.question_weight)
        with clock.stage("search"):
            return tuple(
                self.retriever.search(
                    query,
                    request.k,
                    exclude_ids=request.exclude_ids,
                    drop_duplicates=request.drop_duplicates,
                    vectors=vectors,
                )
            )

    def _stream(
        self, image: ImageSource, request: Request, stop: _Stop, given: Sequence[Neighbour] | None
    ) -> Iterator[Generation]:
        clock = Clock()
        with clock.stage("decode"):
            query = self.query(image, request)
        altered = given is not None and bool(request.modalities)
        neighbours = tuple(given or ()) if altered else self._retrieve(query, request, clock)
        with clock.stage("prompt"):
            prompt = prompting.build(query, neighbours, request.modalities, request.order)
            rendered = self.generator.render(prompt)
        tokens: list[Token] = []
        make = functools.partial(self.generation, request, neighbours, rendered, altered=altered)
        yield make(tokens, clock.read(), finished=False)
        started = time.perf_counter()
        tokens_of: Any = self.generator.stream(prompt, request.adapter, request.max_new_tokens, request.seed, stop)
        with closing(tokens_of) as stream:  # a caller who walks away ends the model's work
            for token in stream:
                tokens.append(token)
                yield make(tokens, clock.read(generate=time.perf_counter() - started), finished=False)
        if not stop.cancelled:
            yield make(tokens, clock.read(generate=time.perf_counter() - started), finished=True)

    def generation(
        self,
        request: Request,
        neighbours: tuple[Neighbour, ...],
        rendered: str,
        tokens: Sequence[Token],
        timings: Mapping[str, float],
        finished: bool,
        altered: bool = False,
    ) -> Generation:
        """An answer with all about it; altered neighbours are kept in its settings, for they cannot be found again."""
        made_with = {**request.plain(), "profile": self.profile.name, "leak_threshold": self.retriever.leak_threshold}
        return Generation(
            text=text_of(tokens),
            tokens=tuple(tokens),
            neighbours=neighbours,
            prompt=rendered,
            model=self.generator.model_name,
            adapter=request.adapter,
            seed=request.seed,
            modalities=request.modalities,
            k=request.k,
            timings=timings,
            settings={**made_with, "given": plain(neighbours)} if altered else made_with,
            finished=finished,
        )

    def _pictures(self, trial: Trial | Generation, pictures: Sequence[ImageSource]) -> Callable[[str], Any]:
        """Images by content hash: those given, those that a Generation holds, those of the memory."""
        known = {content_hash(image): image for image in (load_image(p, self.settings.max_pixels) for p in pictures)}
        if isinstance(trial, Generation):
            known |= {one.image_hash: one.image for one in trial.neighbours if one.image_hash and one.image}

        def picture(image_hash: str) -> Image.Image | None:
            try:
                return known.get(image_hash) or self.memory.image(image_hash)
            except MemoryStoreError:
                return None

        return picture
