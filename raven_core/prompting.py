"""Query + neighbours + modalities → prompt. Training and inference both come through here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from PIL import Image

from raven_core.errors import OptionError
from raven_core.types import MODALITIES, NEAREST_FIRST, NEAREST_LAST, Modality, Neighbour, Order, Prompt, Query

DESCRIBE = "Describe this image."
SIMILAR = "Similar image"
MAX_CAPTION_CHARS = 400


def check_modalities(modalities: Collection[str]) -> frozenset[Modality]:
    """The modalities as a set.

    Raises:
        OptionError: one of them is neither ``image`` nor ``text``.
    """
    unknown = sorted(set(modalities) - set(MODALITIES))
    if unknown:
        raise OptionError(f"Unknown modality {', '.join(map(repr, unknown))}: use 'image', 'text', both or none.")
    return frozenset(modality for modality in MODALITIES if modality in modalities)


def instruction(question: str | None) -> str:
    """What the model is asked to do with the query image."""
    return DESCRIBE if question is None else f"Question: {question.strip()}"


def order_neighbours(neighbours: Sequence[Neighbour], order: Order) -> list[Neighbour]:
    """Neighbours in prompt order, from their ranks (rank 1 is the most similar).

    Raises:
        OptionError: the order is unknown.
    """
    if order not in (NEAREST_LAST, NEAREST_FIRST):
        raise OptionError(f"Unknown neighbour order {order!r}: use '{NEAREST_LAST}' or '{NEAREST_FIRST}'.")
    return sorted(neighbours, key=lambda neighbour: neighbour.rank, reverse=order == NEAREST_LAST)


def build(
    query: Query,
    neighbours: Sequence[Neighbour] = (),
    modalities: Collection[str] = MODALITIES,
    order: Order = NEAREST_LAST,
) -> Prompt:
    """The prompt for one query, after RAVEN (arXiv 2406.19150): retrieved pairs first, then the query.

    Each neighbour contributes its image, its caption, or both, as ``modalities`` say; a missing half is left
    out, and a neighbour with nothing to show is skipped.

    Raises:
        OptionError: a modality or the order is unknown.
    """
    chosen = check_modalities(modalities)
    content: list[dict[str, Any]] = []
    images: list[Image.Image] = []
    for neighbour in order_neighbours(neighbours, order):
        _add_neighbour(content, images, neighbour, chosen)
    if query.image is not None:
        content.append({"type": "image"})
        images.append(query.image)
    content.append({"type": "text", "text": instruction(query.question)})
    return Prompt(messages=({"role": "user", "content": content},), images=tuple(images))


def _add_neighbour(
    content: list[dict[str, Any]], images: list[Image.Image], neighbour: Neighbour, modalities: frozenset[Modality]
) -> None:
    image = neighbour.image if "image" in modalities else None
    caption = (neighbour.caption or "").strip()[:MAX_CAPTION_CHARS] if "text" in modalities else ""
    if image is not None:
        content.append({"type": "image"})
        images.append(image)
    if caption:
        content.append({"type": "text", "text": f"{SIMILAR}: {caption}\n"})
    elif image is not None:
        content.append({"type": "text", "text": f"{SIMILAR}.\n"})
