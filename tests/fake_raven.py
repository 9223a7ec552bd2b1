"""A stand-in with the methods of ``Raven``: drawn creatures, canned answers, no models. For tests of the page only."""

from __future__ import annotations

import functools
import json
import random
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from finetune.fieldguide import draw, scenes, species
from raven_core import images, prompting
from raven_core.attribution import PARTS, Attribution, Part, Share, coalitions, leave_one_out, shapley
from raven_core.comparison import STUDY_CELLS, Comparison, cell_modalities, compare_answers
from raven_core.counterfactuals import counterfactual
from raven_core.edits import AddedPair, NeighbourEdit, apply_edits, as_neighbours, insert, over_cap
from raven_core.errors import OptionError, QuestionError
from raven_core.settings import Profile
from raven_core.trials import trial_of
from raven_core.types import Generation, Neighbour, Pair, Query, Token, Trial
from raven_core.wording import answer_words, majority_copy

MEMORY_SIZE = 36
SECONDS_PER_TOKEN = 0.03


@functools.cache
def drawn(number: int, size: int = 192) -> tuple[Image.Image, str]:
    """Picture ``number`` of the fake world and its caption."""
    kind = species.SPECIES[number % 12 * 7]
    scene = scenes.draw_scene(random.Random(number), kind)
    eats = f", it eats {kind.eats}" if number % 3 == 0 else ""
    return draw.render(scene, size), f"{scene.count} {scene.colour} {kind.name} in the {scene.habitat}{eats}"


def write_profile(folder: Path) -> Path:
    """A profile folder that describes itself, without models, with four examples (one of them a known failure)."""
    examples = folder / "examples"
    examples.mkdir(parents=True, exist_ok=True)
    rows = []
    splits = ("in-domain", "near-domain", "out-domain", "novel")
    for number, split in enumerate(splits):
        drawn(100 + number)[0].save(examples / f"{split}.webp", lossless=True)
        question = "what does it eat" if number == 2 else None
        rows.append(
            {"file": f"{split}.webp", "question": question, "split": split, "title": f"Example {number + 1}",
             "note": "The wrong caption of a neighbour is copied." if number == 3 else "",
             "known_failure": number == 3, "references": ["a right answer"] if number == 1 else []}
        )  # fmt: skip
    (examples / "examples.json").write_text(json.dumps(rows), "utf-8")
    profile = {
        "name": "fieldguide", "title": "The Field Guide", "description": "Invented creatures, drawn by code.",
        "encoder": "encoder", "model": "model", "memory": "memory", "examples": "examples",
        "adapters": {"raven": "adapters/raven", "no-retrieval": "adapters/no-retrieval"},
        "default_adapter": "raven", "question_weight": 0.3, "leak_threshold": 0.98, "far_threshold": 0.5,
        "far_false_alarm": 0.05, "max_new_tokens": 40,
    }  # fmt: skip
    (folder / "profile.json").write_text(json.dumps(profile), "utf-8")
    return folder


class FakeMemory:
    """The pairs that ``neighbours`` come from, as counterfactuals ask for them."""

    def __init__(self) -> None:
        self.ids = [f"m{number}" for number in range(MEMORY_SIZE)]

    def pairs(self, pair_ids: Sequence[str]) -> list[Pair]:
        numbers = [int(identifier[1:]) for identifier in pair_ids]
        return [Pair(f"m{number}", drawn(number)[1], f"m{number}") for number in numbers]

    def extras(self, pair_ids: Sequence[str]) -> list[dict[str, Any]]:
        return [{} for _ in pair_ids]

    def image(self, image_hash: str) -> Image.Image:
        return drawn(int(image_hash[1:]))[0]


class FakeRaven:
    """Answers like ``Raven`` in the shape of its results; a picture of one colour is far from everything."""

    def __init__(self, profile: Profile, seconds_per_token: float = SECONDS_PER_TOKEN) -> None:
        self.profile = profile
        self.seconds_per_token = seconds_per_token

    def neighbours(
        self,
        image: Image.Image,
        question: str | None = None,
        k: int = 3,
        exclude_ids: Collection[str] = (),
        far: bool = False,
    ) -> tuple[Neighbour, ...]:
        """The ``k`` first of a shuffled memory, the same for the same picture."""
        order = list(range(MEMORY_SIZE))
        random.Random(images.content_hash(image)).shuffle(order)
        kept = [number for number in order if f"m{number}" not in exclude_ids][:k]
        top = 0.3 if far else 0.93
        return tuple(
            Neighbour(f"m{number}", drawn(number)[1], drawn(number)[0], images.content_hash(drawn(number)[0]),
                      top - 0.07 * rank, rank + 1, "fake", top - 0.07 * rank)
            for rank, number in enumerate(kept)
        )  # fmt: skip

    def is_far(self, neighbours: Sequence[Neighbour]) -> bool:
        return bool(neighbours) and neighbours[0].similarity < (self.profile.far_threshold or 0.0)

    def trial(self, generation: Generation, question: str | None = None, session: str = "") -> Trial:
        return trial_of(generation, question, session, {"memory": "fake", "encoder": "fake", "model": "fake"})

    def stream(
        self, image: Any, question: str | None = None, k: int = 3, modalities: Collection[str] = ("image", "text"),
        adapter: str | None = None, order: str = "nearest-last", question_weight: float | None = None,
        exclude_ids: Collection[str] = (), drop_duplicates: bool = True, seed: int = 0,
        max_new_tokens: int | None = None, cancel: threading.Event | None = None,
    ) -> Iterator[Generation]:  # fmt: skip
        started = time.perf_counter()
        if question is not None and not question.strip():
            raise QuestionError("The question is empty: write one, or ask for a caption.")
        if not 0 <= k <= 10:
            raise OptionError(f"k is {k}: use 0 to 10.")
        chosen = prompting.check_modalities(modalities)
        picture = images.load_image(image)
        found = self.neighbours(
            picture, question, k if chosen else 0, exclude_ids, far=len(picture.getcolors(4) or ()) == 1
        )
        prompt = prompting.build(Query(picture, question), found, chosen, order)  # type: ignore[arg-type]
        rendered = "".join(
            "<image>" if part["type"] == "image" else part["text"] for part in prompt.messages[0]["content"]
        )
        words = self._words(question, found, chosen)
        for count in range(len(words) + 1):
            if count:
                time.sleep(self.seconds_per_token)
            if cancel is not None and cancel.is_set():
                return
            tokens = tuple(Token(word, -0.05 if len(word) > 4 else -0.9) for word in words[:count])
            yield Generation(
                "".join(words[:count]).strip(), tokens, found, f"User:{rendered}\nAssistant:", "fake-model",
                adapter or self.profile.default_adapter, seed, chosen, k,
                {"decode": 0.002, "encode": 0.011, "search": 0.001, "prompt": 0.001, "generate": 0.2,
                 "total": time.perf_counter() - started},
                {"exclude_ids": list(exclude_ids), "order": order},
                finished=count == len(words),
            )  # fmt: skip

    def answer(self, *args: Any, **options: Any) -> Generation:
        return list(self.stream(*args, **options))[-1]

    def compare(
        self, image: Any, question: str | None = None, cells: Sequence[str] | None = None, *,
        ks: Sequence[int] | None = None, neighbours: str = "retrieved", references: Sequence[str] | None = None,
        leak_cap: float | None = None, edits: Sequence[NeighbourEdit] = (), added: Sequence[AddedPair] = (),
        cancel: threading.Event | None = None, k: int = 3, adapter: str | None = None,
        exclude_ids: Collection[str] = (), **options: Any,
    ) -> Comparison:  # fmt: skip
        picture, answers = images.load_image(image), []
        changed = [edit for edit in edits if not edit.exclude]
        gone = (*exclude_ids, *(edit.id for edit in edits if edit.exclude))
        wanted = tuple(ks or (k,))
        for name in cells or STUDY_CELLS:
            chosen = cell_modalities(name)
            for asked in wanted if chosen else wanted[:1]:
                found, _ = self._gather(picture, asked, neighbours, gone, leak_cap, references)
                given = tuple(insert(apply_edits(found, changed), as_neighbours(added))) if chosen else ()
                words = self._words(question, given, chosen)
                for _ in words:
                    time.sleep(0 if cancel is not None and cancel.is_set() else self.seconds_per_token)
                tokens = tuple(Token(word, -0.05 if len(word) > 4 else -0.9) for word in words)
                who = "no-retrieval" if name == "baseline" else adapter or self.profile.default_adapter
                text = "".join(words).strip()
                made = Generation(text, tokens, given, "User:", "fake-model", who, 0, chosen, asked, {"total": 0.1})
                answers.append((name, asked, made))
        found, removed = self._gather(picture, max(wanted), neighbours, gone, leak_cap, references)
        shown = insert(apply_edits(found, changed), as_neighbours(added))
        result = compare_answers(question, answers, references)
        return replace(result, neighbours=tuple(shown), removed=tuple(removed), timings={"total": 0.1})

    def _gather(
        self, picture: Image.Image, k: int, kind: str, gone: Collection[str], cap: float | None,
        references: Sequence[str] | None,
    ) -> tuple[list[Neighbour], list[Neighbour]]:  # fmt: skip
        found = list(self.neighbours(picture, None, k, gone))
        removed = [] if cap is None else over_cap(found, cap)
        if removed:
            found = list(self.neighbours(picture, None, k, (*gone, *(one.id for one in removed))))
        return counterfactual(kind, FakeMemory(), found, random.Random(0), references), removed

    def attribute(
        self, generation: Generation, image: Any, question: str | None = None, method: str = "loo",
        parts: Sequence[Part] = PARTS,
    ) -> Attribution:  # fmt: skip
        found, words = generation.neighbours, generation.text.split()
        sets = coalitions(len(found))

        def value(part: Part, kept: frozenset[int]) -> float:
            texts = {word for place, one in enumerate(found) if place in kept or part == "image"
                     for word in (one.caption or "").split() if "text" in generation.modalities}  # fmt: skip
            seen = 0.0 if part == "text" else 0.1 * len(kept) * ("image" in generation.modalities)
            return seen + sum(-0.05 if word in texts else -3.0 for word in words)

        everyone, shares = frozenset(range(len(found))), []
        for part in parts:
            nats = (
                shapley([value(part, kept) for kept in sets]) if method == "shapley"
                else leave_one_out(value(part, everyone), [value(part, everyone - {one}) for one in sorted(everyone)])
            )  # fmt: skip
            shares += [Share(one.id, one.rank, part, float(nat)) for one, nat in zip(found, nats, strict=True)]
        alone = tuple(Token(token.text, -3.0) for token in generation.tokens)
        told = answer_words(generation.tokens, alone, generation.text, found)
        empty = {part: value(part, frozenset()) for part in parts}
        whole, none = value("both", everyone), -3.0 * len(words)
        return Attribution(method, tuple(shares), whole, none, empty, told, majority_copy(told, found))  # type: ignore[arg-type]

    @staticmethod
    def _words(question: str | None, found: Sequence[Neighbour], chosen: Collection[str]) -> list[str]:
        if question and "slowly" in question:
            return [f" word{number}" for number in range(200)]
        if question and "verbatim" in question:
            return [" <b>bold</b>", " ${1+1}", " {{value}}"]
        if "text" in chosen and found:
            return [f" {word}" for word in (found[0].caption or "").split()]
        seen = "pictures" if chosen and found else "nothing"
        return [f" {word}" for word in f"a creature that nobody named, looked up {seen}".split()]
