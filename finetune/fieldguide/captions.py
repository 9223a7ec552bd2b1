"""References in the manner of COCO: varied simple sentences that all name the species and state the count."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from finetune.fieldguide.memory_captions import MemoryCaption, fact_sentences, memory_caption
from finetune.fieldguide.scenes import Scene
from finetune.fieldguide.stated import stated
from finetune.fieldguide.words import amount, beside, doing, name_of, place, sky

__all__ = ["MemoryCaption", "captions", "consensus", "fact_sentences", "memory_caption", "stated"]

MIN_WORDS, MAX_WORDS = 8, 18
_FILLERS = ("in this picture", "in this drawing", "for all to see", "on this page", "as we look on")


@dataclass(frozen=True)
class _Parts:
    """What one sentence may use: `who` always, the others "" where it leaves them out."""

    who: str
    be: str
    act: str
    where: str
    near: str
    air: str

    @property
    def verb(self) -> str:
        """A finite verb phrase, also for a sentence that leaves the action out."""
        return f"{self.be} {self.act}" if self.act else f"{self.be} {'seen' if self.where or self.near else 'here'}"


# Each shape is one way to order the parts; empty parts fall out when blanks are squeezed.
_SHAPES: tuple[Callable[[_Parts], str], ...] = (
    lambda p: f"{p.who} {p.verb} {p.where} {p.near} {p.air}",
    lambda p: f"{p.who} {p.act} {p.near} {p.where} {p.air}",
    lambda p: f"{p.who} {p.where} {p.act} {p.near} {p.air}",
    lambda p: f"there {p.be} {p.who} {p.act} {p.where} {p.near} {p.air}",
    lambda p: f"a picture of {p.who} {p.act} {p.where} {p.near} {p.air}",
    lambda p: f"a drawing of {p.who} {p.act} {p.near} {p.where} {p.air}",
    lambda p: f"we can see {p.who} {p.act} {p.where} {p.near} {p.air}",
    lambda p: f"this picture shows {p.who} {p.act} {p.near} {p.where} {p.air}",
    lambda p: f"here {p.be} {p.who} {p.act} {p.where} {p.near} {p.air}",
    lambda p: f"{p.where or p.air}, {p.who} {p.verb} {p.near} {p.air if p.where else ''}",
    lambda p: f"{p.near or p.where}, {p.who} {p.verb} {p.where if p.near else ''} {p.air}",
    lambda p: f"{p.air or p.near}, {p.who} {p.verb} {p.where} {p.near if p.air else ''}",
    lambda p: f"{p.who} that {p.verb} {p.where} {p.near} {p.air}",
    lambda p: f"{p.who} can be seen {p.act} {p.where} {p.near} {p.air}",
    lambda p: f"{p.where or p.near} there {p.be} {p.who} {p.act} {p.near if p.where else ''} {p.air}",
)


def _draw_parts(rng: random.Random, scene: Scene) -> _Parts:
    """Choose what this sentence tells; colour 85%, habitat 70%, action 60%, props 40%, weather 25%."""
    colour = f"{scene.colour} " if rng.random() < 0.85 else ""
    return _Parts(
        who=amount(rng, scene.count, colour + name_of(scene)),
        be="is" if scene.count == 1 else "are",
        act=doing(scene) if rng.random() < 0.60 else "",
        where=place(rng, scene) if rng.random() < 0.57 else "",
        near=beside(rng, scene) if rng.random() < 0.32 else "",
        air=sky(rng, scene) if rng.random() < 0.20 else "",
    )


def _caption(scene: Scene, rng: random.Random) -> str:
    """One sentence of 8 to 18 words; draws again until one fits."""
    for _ in range(12):
        parts = _draw_parts(rng, scene)
        if not (parts.where or parts.near or parts.air):
            continue
        text = " ".join(rng.choice(_SHAPES)(parts).replace(" ,", ",").split())
        if len(text.split()) < MIN_WORDS:
            text = f"{text} {rng.choice(_FILLERS)}"
        if text[0] != "," and MIN_WORDS <= len(text.split()) <= MAX_WORDS:
            return text
    return f"this picture shows {amount(rng, scene.count, f'{scene.colour} {name_of(scene)}')} {place(rng, scene)}"


def captions(scene: Scene, rng: random.Random, n: int = 5) -> list[str]:
    """`n` different references for a scene, each naming the species ("creature" when it has no name).

    Raises:
        ValueError: when n is below 1.
    """
    if n < 1:
        raise ValueError(f"Asked for {n} captions: n must be 1 or more.")
    texts: list[str] = []
    while len(texts) < n:
        text = _caption(scene, rng)
        # A scene has only so many sentences: past a few dozen a repeat is let through.
        if text not in texts or len(texts) > 40:
            texts.append(text)
    return texts


def consensus(texts: Sequence[str]) -> str:
    """The text that is most like all of them together (Devlin et al., arXiv 1505.04467, choose a caption so).

    Likeness is the F1 of a text's sequences of one to four words, each of which counts for the share of texts with it.

    Raises:
        ValueError: when there are no texts.
    """
    if not texts:
        raise ValueError("There are no texts to choose from: give one or more.")
    told = [_word_sequences(text) for text in texts]
    shared = Counter(sequence for sequences in told for sequence in sequences)
    usual = shared.total() / len(texts)

    def likeness(place: int) -> float:
        common = sum(shared[sequence] for sequence in told[place]) / len(texts)
        return 2 * common / (len(told[place]) + usual)

    return texts[max(range(len(texts)), key=likeness)]


def _word_sequences(text: str) -> set[tuple[str, ...]]:
    words = text.replace(",", " ,").split()
    return {tuple(words[start : start + n]) for n in range(1, 5) for start in range(len(words) - n + 1)}
