"""Reads training samples: what stands in their prompts."""

from __future__ import annotations

import re
from typing import Any

from finetune.language import Sample
from finetune.train_base import NAMES


def words_of(text: str) -> set[str]:
    """The lower-case words of a text."""
    return set(re.findall("[a-z]+", text))


def names_in(text: str) -> set[str]:
    """The species that a text names."""
    return words_of(text) & NAMES


def captions_in(sample: Sample) -> list[str]:
    """The captions of a prompt, in reading order."""
    parts = [part["text"] for part in sample.prompt.messages[0]["content"] if part["type"] == "text"]
    return [text.removeprefix("Similar image: ").rstrip("\n") for text in parts if text.startswith("Similar image:")]


def text_of(sample: Sample) -> str:
    return " ".join(part.get("text", "") for part in sample.prompt.messages[0]["content"])


def images_of(sample: Sample) -> list[Any]:
    return list(sample.prompt.images)
