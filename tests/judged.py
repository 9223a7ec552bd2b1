"""A small store of judgments whose figures one can count by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from raven_core.annotation import Queues
from raven_core.annotation_types import Candidate, Draft, Queue
from raven_core.judgments import JudgmentStore
from tests.test_judgments import TRIAL
from tests.tiny import block

MODALITIES = {"none": [], "text": ["text"], "image": ["image"], "both": ["image", "text"]}
COLOURS = ("red", "green", "blue", "white")


def save(store: JudgmentStore, name: str, cell: str, colour: str = "red", **about: object) -> None:
    """A trial of one cell about one colour; similarity 0.5 for its image, no neighbours without retrieval."""
    neighbours = [{"id": "p0", "rank": 1, "similarity": 0.4, "image_similarity": 0.5, "caption": "a <b>red</b> one"}]
    values = {
        "question": "what is it", "settings": {"k": 3, "modalities": MODALITIES[cell], "domain": "novel"},
        "neighbours": neighbours if cell != "none" else [], "output": f"{cell} says {colour}", "adapter": "raven",
    }  # fmt: skip
    store.save_trial(replace(TRIAL, id=name, **{**values, **about}), block(colour))


def verdicts(store: JudgmentStore) -> JudgmentStore:
    """Four pictures asked about with and without retrieval; ann judges all eight answers, bob the two about red.

    none: failure, failure, success, success. both: success, partly, success, failure.
    """
    said = {"none": ("failure", "failure", "success", "success"), "both": ("success", "partly", "success", "failure")}
    for cell, all_said in said.items():
        for number, (colour, verdict) in enumerate(zip(COLOURS, all_said, strict=True)):
            name = f"{cell}-{colour}"
            save(store, name, cell, colour, created=f"2026-01-0{number + 1}T00:00:00.000+00:00")
            tags = ["majority-copy"] if verdict == "failure" else []
            store.judge(name, verdict, tags, "" if verdict == "success" else "zumi", "", "ann")
    store.judge("none-red", "failure", ["other"], "", "=note", "bob")
    store.judge("both-red", "failure", [], "miru", "", "bob")
    return store


def compared(store: JudgmentStore, preferences: dict[str, list[str]], blind: bool = True) -> Queue:
    """A queue of one item a letter; ``preferences`` says by annotator what they find: r (retrieval), n, g or b."""
    size = len(next(iter(preferences.values())))
    drafts = [
        Draft(
            block("red", seed=number), f"what is number {number}",
            (Candidate("bird", "none", "raven", similarity=None), Candidate("zumi", "both", "raven", similarity=0.75)),
            key=str(number), domain="novel", question_type="name",
        )
        for number in range(size)
    ]  # fmt: skip
    queues = Queues(store)
    queue = queues.create(f"queue {len(queues.all())}", drafts, blind=blind, wanted=len(preferences))
    for annotator, letters in preferences.items():
        while showing := queues.next_item(queue.id, annotator):
            said = letters[showing.number - 1]
            text = {"r": "zumi", "n": "bird"}.get(said)
            letter = next((entry.letter for entry in showing.candidates if entry.text == text), "")
            pressed = letter or {"g": "both-good", "b": "both-bad"}[said]
            queues.submit(showing.item_id, annotator, pressed, token=showing.token)
    return queue


def store_in(folder: Path) -> JudgmentStore:
    """An empty store."""
    return JudgmentStore(folder / "judgments.db", folder / "images")
