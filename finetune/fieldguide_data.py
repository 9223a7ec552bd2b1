"""What the Field Guide models are trained on: one pool of pictures, and who may see which part of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from finetune.fieldguide.captions import captions
from finetune.fieldguide.memory_captions import fact_sentences, memory_caption
from finetune.fieldguide.names import invent_name
from finetune.fieldguide.questions import questions
from finetune.fieldguide.species import by_name, trait_phrases
from finetune.naming import swap_word
from finetune.pictures import UNNAMED, UNNAMED_KINDS, Address, Pool, addresses

TRAIN_SEED = 7_100_021
"""Seed of every training picture; memory, development and test pictures have seeds of their own."""


@dataclass(frozen=True)
class Sizes:
    """How many pictures of each part are drawn; ``near_few`` of the near-domain ones may train the VLM.

    The ``unnamed`` ones show ``unnamed_kinds`` kinds in turn: the encoder needs pictures of one kind in pairs.
    """

    in_domain: int = 16_000
    near_few: int = 320
    near: int = 2_800
    out: int = 3_500
    unnamed: int = 16_000
    unnamed_kinds: int = UNNAMED_KINDS


def training_places(sizes: Sizes) -> list[Address]:
    """Addresses of the pool: in-domain, near-domain, out-domain, unnamed, in this order. No novel species."""
    return [
        *addresses(TRAIN_SEED, "in-domain", sizes.in_domain),
        *addresses(TRAIN_SEED, "near-domain", sizes.near),
        *addresses(TRAIN_SEED, "out-domain", sizes.out),
        *_unnamed_places(sizes),
    ]


def _unnamed_places(sizes: Sizes) -> list[Address]:
    rounds = [divmod(number, sizes.unnamed_kinds) for number in range(sizes.unnamed)]
    return [Address(TRAIN_SEED, UNNAMED, again * UNNAMED_KINDS + kind) for again, kind in rounds]


def training_pool(work: Path, sizes: Sizes) -> Pool:
    """The drawn pool."""
    return Pool.build(work / "pictures", "training", training_places(sizes))


def language_rows(pool: Pool, sizes: Sizes) -> list[int]:
    """Rows of the pool that the VLM may be trained on: in-domain and a few near-domain pictures."""
    rows = [i for i, place in enumerate(pool.places) if place.split == "in-domain"]
    near = [i for i, place in enumerate(pool.places) if place.split == "near-domain"]
    return rows + near[: sizes.near_few]


def sight_rows(pool: Pool, sizes: Sizes) -> list[int]:
    """Rows that the VLM's vision tower may be trained on: those of the language and creatures of no species."""
    return language_rows(pool, sizes) + [i for i, place in enumerate(pool.places) if place.split == UNNAMED]


def tokenizer_texts(pool: Pool, rows: list[int], seed: int = 0) -> Iterator[str]:
    """Texts the tokenizer is trained on: all kinds, every name an invented one so that names fall into syllables."""
    rng = random.Random(seed)
    for row in rows:
        scene = pool.scenes[row]
        texts = [
            *captions(scene, rng, 1),
            memory_caption(scene, rng, rng.choice(("eats", "awake", "sleeps", None)), None).text,
        ]
        texts += [trait_phrases(rng, scene.traits), *(q.text for q in rng.sample(questions(scene, rng), 3))]
        texts += fact_sentences(by_name[str(scene.species)], rng)[:1]
        for text in texts:
            yield f" {swap_word(text, str(scene.species), invent_name(rng, ()))}"
        yield "User: Similar image: Question: Describe this image. Similar image. Assistant: yes no left right"
        yield " " + " ".join(invent_name(rng, ()) for _ in range(4))
