"""The bundled examples know what is right: as their pictures were drawn."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from finetune.assemble import EXAMPLE_SEED
from finetune.fieldguide.draw import render
from finetune.fieldguide.export import example_at
from raven_core.metrics.vqa import vqa_accuracy
from raven_core.settings import ASSETS, Profile
from raven_core.ui.context import Context

FOLDER = ASSETS / "fieldguide" / "examples"
ENTRIES = json.loads((FOLDER / "examples.json").read_text(encoding="utf8"))
KNOWN_FAILURE = 125  # the place of the picture that the search for a failure found


def place_of(entry: dict[str, Any]) -> int:
    return KNOWN_FAILURE if entry["known_failure"] else int(entry["file"].rsplit("-", 1)[1].removesuffix(".webp"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_an_example_is_the_picture_that_its_references_speak_of(entry):
    example = example_at(EXAMPLE_SEED, entry["split"], place_of(entry))
    drawn = np.asarray(render(example.scene, size=384).convert("RGB"), dtype=float)
    shipped = np.asarray(Image.open(FOLDER / entry["file"]).convert("RGB"), dtype=float)
    assert np.abs(drawn - shipped).mean() < 4  # of 255: what the compression changes; other scenes differ by over 20
    if entry["question"] is None:
        assert entry["references"] == example.captions and len(entry["references"]) == 5
    else:
        [asked] = [question for question in example.questions if question.text == entry["question"]]
        assert entry["references"] == list(asked.answers) and len(entry["references"]) == 10
        assert vqa_accuracy(asked.answer, entry["references"]) == 1


def test_the_manifest_has_the_hash_of_the_list():
    content = (FOLDER / "examples.json").read_bytes()
    listed = json.loads((FOLDER.parent / "manifest.json").read_text(encoding="utf8"))["files"]["examples/examples.json"]
    assert listed == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_the_page_takes_them_over():
    context: Any = Context(Profile.load("fieldguide"), None, None, None)  # type: ignore[arg-type]
    assert all(example.references for example in context.examples) and len(context.examples) == len(ENTRIES)
