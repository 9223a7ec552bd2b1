"""The words of RAVEN, named once. This module imports nothing of ours.

``Query`` → ``Neighbour`` s → ``Prompt`` → ``Generation`` → ``Trial`` → ``Judgment``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Vectors: TypeAlias = npt.NDArray[np.float32]
"""Shape (n, d), float32; rows are unit vectors unless said otherwise."""

Vector: TypeAlias = npt.NDArray[np.float32]
"""Shape (d,), float32."""

Modality: TypeAlias = Literal["image", "text"]
"""What of a retrieved pair is fed to the model: its image, its caption ("text"), or both."""

MODALITIES: tuple[Modality, ...] = ("image", "text")

CELLS: Mapping[str, frozenset[Modality]] = {
    "none": frozenset(),
    "text": frozenset({"text"}),
    "image": frozenset({"image"}),
    "both": frozenset({"image", "text"}),
}
"""The four cells of the modality ablation, by name."""

NEAREST_LAST: Final = "nearest-last"
NEAREST_FIRST: Final = "nearest-first"
BASE: Final = "base"
"""The adapter name that stands for the model without any adapter."""

Order: TypeAlias = Literal["nearest-last", "nearest-first"]
"""Where the most similar neighbour stands in the prompt; nearest-last puts it next to the query."""


@dataclass(frozen=True, eq=False)
class Query:
    """What a person asks: an image (RGB), a question about it, or no question for a caption."""

    image: Image.Image | None
    question: str | None = None


@dataclass(frozen=True)
class Pair:
    """One image-text pair of a memory. ``image_hash`` names its image file; either half may be missing."""

    id: str
    caption: str | None
    image_hash: str | None
    source: str = ""
    perceptual_hash: str | None = None


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A memory pair that the retriever returned. ``rank`` counts from 1.

    ``similarity``, in [-1, 1], is what ranked it (image and question fused); ``image_similarity`` is the cosine
    of the two images alone, None where either is missing. ``edited``: its caption or image was changed for this query
    alone, so it is not the pair that the memory holds.
    """

    id: str
    caption: str | None
    image: Image.Image | None
    image_hash: str | None
    similarity: float
    rank: int
    source: str = ""
    image_similarity: float | None = None
    edited: bool = False


@dataclass(frozen=True, eq=False)
class Prompt:
    """Interleaved chat messages and the images they refer to, in reading order.

    ``messages`` is the layout that chat templates read: ``[{"role", "content": [{"type": "image"} |
    {"type": "text", "text": str}]}]``; ``images`` holds one RGB image for each ``{"type": "image"}``.
    """

    messages: tuple[Mapping[str, Any], ...]
    images: tuple[Image.Image, ...]


@dataclass(frozen=True)
class Token:
    """One generated token: its text, its natural-log probability under the model, and its number where it is known."""

    text: str
    logprob: float
    id: int | None = field(default=None, compare=False)


def confidence_of(tokens: Sequence[Token]) -> float:
    """Geometric mean of the token probabilities, in (0, 1]; 0.0 where there are no tokens."""
    if not tokens:
        return 0.0
    return float(np.exp(sum(token.logprob for token in tokens) / len(tokens)))


@dataclass(frozen=True, eq=False)
class Generation:
    """An answer and everything needed to explain and replay it. ``timings`` are seconds per stage."""

    text: str
    tokens: tuple[Token, ...]
    neighbours: tuple[Neighbour, ...]
    prompt: str
    model: str
    adapter: str | None
    seed: int
    modalities: frozenset[Modality]
    k: int
    timings: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    finished: bool = True

    @property
    def confidence(self) -> float:
        """Geometric mean of the token probabilities, in (0, 1]; 0.0 for an empty answer."""
        return confidence_of(self.tokens)


Verdict: TypeAlias = Literal["success", "partly", "failure"]
VERDICTS: tuple[Verdict, ...] = ("success", "partly", "failure")

ERROR_TAGS: tuple[str, ...] = (
    "retrieval-miss",
    "near-duplicate-leak",
    "caption-noise",
    "majority-copy",
    "image-distraction",
    "ignored-good-evidence",
    "reference-wrong",
    "other",
)


@dataclass(frozen=True)
class Trial:
    """One answered query as stored: everything needed to replay it, in plain values."""

    id: str
    created: str
    session: str
    image_hash: str | None
    image_file: str | None
    question: str | None
    settings: Mapping[str, Any]
    neighbours: Sequence[Mapping[str, Any]]
    prompt: str
    output: str
    logprobs: Sequence[float]
    model: str
    adapter: str | None
    fingerprints: Mapping[str, str]
    seed: int
    timings: Mapping[str, float]
    app_version: str


@dataclass(frozen=True)
class Judgment:
    """A person's verdict on a trial. Times are ISO 8601 in UTC."""

    id: str
    trial_id: str
    verdict: Verdict
    tags: tuple[str, ...] = ()
    correction: str = ""
    note: str = ""
    annotator: str = ""
    created: str = ""
    updated: str = ""
    withdrawn: bool = False
