"""A profile one can compute by hand for evaluations: colours for a memory, and a generator that repeats captions."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from raven_core.errors import AdapterError
from raven_core.memory import Memory
from raven_core.retriever import Retriever
from raven_core.settings import Profile, Settings
from raven_core.topics import Topic
from raven_core.types import BASE, Prompt, Token
from tests.tiny import ColourEncoder, block

PAIRS = {
    "r0": ((255, 0, 0), "a red rud sleeps here", "rud"),
    "r1": ((255, 60, 0), "two red rud eat moss", "rud"),
    "r2": ((255, 120, 0), "three rud in the red sun", "rud"),
    "g0": ((0, 255, 0), "one green gro by the sea", "gro"),
    "g1": ((0, 255, 60), "a gro that is green eats seeds", "gro"),
    "b0": ((0, 0, 255), "some blue blim on a hill", "blim"),
    "b1": ((60, 0, 255), "five blim are blue at night", "blim"),
}
"""Memory pair → colour, caption, species. Cosines with pure red: 1, .97, .90 for the reds, about 0 for the others."""


def said(prompt: Prompt) -> list[str]:
    """The captions of a prompt, in reading order."""
    texts = [part["text"] for part in prompt.messages[0]["content"] if part["type"] == "text"]
    return [text.removeprefix("Similar image: ").strip() for text in texts if text.startswith("Similar image: ")]


def echo(prompt: Prompt) -> str:
    """The last caption of the prompt, which is the nearest neighbour's; without captions always the same."""
    return said(prompt)[-1] if said(prompt) else "a creature"


class Writer:
    """Stands in for the generator; every token has probability 0.5.

    ``calls`` are (prompts, adapter); ``topics`` what each prompt is about.
    """

    adapters = ("raven", "no-retrieval")

    def __init__(self, answer: Callable[[Prompt], str] = echo) -> None:
        self.answer = answer
        self.calls: list[tuple[int, str | None]] = []
        self.asked: list[Prompt] = []
        self.topics: list[Topic] = []

    def check_adapter(self, adapter: str | None) -> None:
        if adapter not in (None, BASE, *self.adapters):
            raise AdapterError(f"No adapter {adapter!r}")

    def fingerprint(self, adapter: str | None = None) -> str:
        return f"print of {adapter}"

    def generate(
        self,
        prompts: Sequence[Prompt],
        adapters: Any = None,
        max_new_tokens: int = 40,
        batch_size: int = 32,
        cancel: threading.Event | None = None,
        topics: Sequence[Topic] = (),
    ) -> list[list[Token]]:
        self.calls.append((len(prompts), adapters))
        self.asked += prompts
        self.topics += topics
        return [[Token(f" {self.answer(prompt)}", math.log(0.5))] for prompt in prompts]


def colour_raven(folder: Path, writer: Writer | None = None) -> Any:
    """A loaded profile with the pairs above."""
    encoder: Any = ColourEncoder()
    rows = [
        (name, block(colour, seed), caption, "drawn", {"species": species})
        for seed, (name, (colour, caption, species)) in enumerate(PAIRS.items())
    ]
    memory = Memory.create(folder / "memory", encoder, rows)
    profile = Profile(
        folder, "colours", "Colours", "encoder", "model", "memory",
        adapters={"raven": "a", "no-retrieval": "b"}, default_adapter="raven", question_weight=0.25, max_new_tokens=6,
    )  # fmt: skip
    retriever = Retriever(encoder, memory, 0.25, None)
    return SimpleNamespace(
        profile=profile, settings=Settings(), encoder=encoder, memory=memory, retriever=retriever,
        generator=writer or Writer(),
    )  # fmt: skip


CAPTIONS = {
    "red.png": ((255, 0, 0), "rud", ["a red rud sleeps here", "the rud is red and sleeps"]),
    "green.png": ((0, 255, 0), "gro", ["one green gro by the sea", "a green gro near some water"]),
    "blue.png": ((0, 0, 255), "blim", ["some blue blim on a hill", "blue blim stand on top of a hill"]),
}


def write_captions(folder: Path, domains: dict[str, str] | None = None) -> Path:
    """Three pictures with two captions each, as COCO lays them out; ids 1, 2, 3."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, notes = [], []
    for number, (name, (colour, species, captions)) in enumerate(CAPTIONS.items(), start=1):
        block(colour, 100 + number).save(folder / "images" / name)
        domain = {"domain": domains[name]} if domains else {}
        images.append({"id": number, "file_name": name, "species": species, **domain})
        notes += [{"id": 10 * number + n, "image_id": number, "caption": text} for n, text in enumerate(captions)]
    (folder / "captions.json").write_text(json.dumps({"images": images, "annotations": notes}), encoding="utf-8")
    return folder


def vqa_answers(*answers: str) -> list[dict[str, Any]]:
    """Answers as VQA v2 lays them out."""
    return [{"answer": text, "answer_id": n, "answer_confidence": "yes"} for n, text in enumerate(answers, start=1)]


def write_questions(folder: Path) -> Path:
    """Two questions about each of the three pictures, as VQA v2 lays them out; ids 10, 11, 20, 21, 30, 31."""
    questions, notes = [], []
    truths = {1: ("red", "moss"), 2: ("green", "seeds"), 3: ("blue", "berries")}
    for image_id, (colour, food) in truths.items():
        for place, (text, kind, answer) in enumerate(
            [("what colour is it", "what colour", colour), ("what does it eat", "what does", food)]
        ):
            ids = {"question_id": 10 * image_id + place, "image_id": image_id}
            questions.append({**ids, "question": text})
            told = {"question_type": kind, "answer_type": "other", "multiple_choice_answer": answer}
            notes.append({**ids, **told, "answers": vqa_answers(*[answer] * 10)})
    (folder / "questions.json").write_text(json.dumps({"questions": questions}), encoding="utf-8")
    (folder / "annotations.json").write_text(json.dumps({"annotations": notes}), encoding="utf-8")
    return folder
