"""Measures the Field Guide's bars on pictures that nothing was trained on.

    python -m finetune.measure_fieldguide --seed S --n N --json

Every figure is a percentage ``[mean, low, high]`` with its 95% bootstrap interval over images. Without ``--seed``
the published one is used: the first eight hex digits of the species table's SHA-256, so nobody picks it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from finetune.fieldguide.draw import render
from finetune.fieldguide.export import example_at
from finetune.fieldguide.questions import Question
from finetune.fieldguide.scenes import Scene
from finetune.fieldguide.species import DOMAINS, by_name, published_seed
from finetune.fieldguide.stated import stated
from finetune.naming import swap_word
from finetune.train_base import FACT_TYPES
from raven_core.generator import Generator, text_of
from raven_core.metrics.intervals import bootstrap_mean, paired_difference
from raven_core.metrics.vqa import vqa_accuracy
from raven_core.pipeline import Raven
from raven_core.prompting import build
from raven_core.types import CELLS, Neighbour, Prompt, Query

K, BATCH = 3, 64
BASELINE = "no-retrieval"
COLUMNS = ("baseline", *CELLS)
Figure = list[float]


@dataclass(frozen=True, eq=False)
class Case:
    """One test picture: its scene, one memory-only and one seen question, and what was retrieved for each."""

    scene: Scene
    image: Image.Image
    memory_only: Question
    seen: Question
    neighbours: dict[str, list[Neighbour]]


def percent(values: Sequence[float]) -> Figure:
    """``[mean, low, high]`` in percent."""
    return [round(100 * value, 2) for value in bootstrap_mean(values)]


def percent_difference(first: Sequence[float], second: Sequence[float]) -> Figure:
    """Paired difference ``[mean, low, high]`` in points."""
    return [round(100 * value, 2) for value in paired_difference(first, second)]


def cases(raven: Raven, split: str, n: int, seed: int) -> list[Case]:
    """The test pictures of a split with their neighbours; question types come in turn, so each is asked as often."""
    drawn = []
    for index in range(n):
        example = example_at(seed, split, index)
        memory_only = [q for q in example.questions if q.memory_only]
        seen = [q for q in example.questions if not q.memory_only]
        drawn.append(
            Case(
                example.scene, render(example.scene), memory_only[index % len(memory_only)], seen[index % len(seen)], {}
            )
        )
    vectors = raven.encoder.encode_images([case.image for case in drawn], batch_size=128)
    asked: dict[str, Callable[[Case], str | None]] = {
        "caption": lambda case: None,
        "memory_only": lambda case: case.memory_only.text,
        "seen": lambda case: case.seen.text,
    }
    for task, question in asked.items():
        queries = [Query(case.image, question(case)) for case in drawn]
        found = raven.retriever.search_many(queries, K, image_vectors=vectors)
        for case, neighbours in zip(drawn, found, strict=True):
            case.neighbours[task] = neighbours
    return drawn


def prompts(drawn: Sequence[Case], task: str, column: str) -> list[Prompt]:
    """The prompts of one task in one column of the table."""
    cell = CELLS["none" if column == "baseline" else column]
    return [build(Query(case.image, _question(case, task)), case.neighbours[task], cell) for case in drawn]


def _question(case: Case, task: str) -> str | None:
    return {"caption": None, "memory_only": case.memory_only.text, "seen": case.seen.text}[task]


def answers(generator: Generator, asked: Sequence[Prompt], column: str, tokens: int, adapter: str) -> list[str]:
    """Greedy answers in one column of the table."""
    chosen = BASELINE if column == "baseline" else adapter
    return [text_of(row) for row in generator.generate(asked, chosen, max_new_tokens=tokens, batch_size=BATCH)]


def has_word(text: str, word: str) -> bool:
    """Whether the text holds the word or phrase whole."""
    return swap_word(text.lower(), word, "") != text.lower()


def in_prompt(drawn: Sequence[Case]) -> dict[str, Figure]:
    """Share of prompts that hold the right name (caption prompts) and the asked fact (memory-only questions)."""
    names = [any(has_word(n.caption or "", str(c.scene.species)) for n in c.neighbours["caption"]) for c in drawn]
    facts = []
    for case in drawn:
        kind = next((kind for kind, asked in FACT_TYPES.items() if asked == case.memory_only.type), None)
        fact = str(case.scene.species) if kind is None else getattr(by_name[str(case.scene.species)], kind)
        facts.append(any(has_word(n.caption or "", fact) for n in case.neighbours["memory_only"]))
    return {"name": percent([float(x) for x in names]), "fact": percent([float(x) for x in facts])}


def retrieval_top1(raven: Raven, drawn: Sequence[Case]) -> Figure:
    """Share of pictures whose nearest neighbour shows the same species."""
    nearest = [case.neighbours["caption"][0].id for case in drawn]
    extras = raven.memory.extras(nearest)
    return percent([float(e["species"] == c.scene.species) for e, c in zip(extras, drawn, strict=True)])


def random_neighbours(raven: Raven, drawn: Sequence[Case], seed: int) -> list[list[Neighbour]]:
    """For each picture as many neighbours as before, drawn at random among other species."""
    rng = random.Random(seed)
    ids = list(raven.memory.ids)
    species = {pair_id: extra["species"] for pair_id, extra in zip(ids, raven.memory.extras(ids), strict=True)}
    out = []
    for case in drawn:
        others: list[str] = []
        while len(others) < K:
            pick = rng.choice(ids)
            if species[pick] != case.scene.species and pick not in others:
                others.append(pick)
        pairs = raven.memory.pairs(others)
        out.append(
            [
                replace(n, id=pair.id, caption=pair.caption, image=raven.memory.image(str(pair.image_hash)))
                for n, pair in zip(case.neighbours["caption"], pairs, strict=True)
            ]
        )
    return out


def truthful(captions: Sequence[str], drawn: Sequence[Case]) -> dict[str, list[float]]:
    """For colour, count and habitat: of the captions that state one, whether it is what was drawn."""
    told = [stated(caption) for caption in captions]
    return {
        what: [
            float(s[what] == getattr(c.scene, what)) for s, c in zip(told, drawn, strict=True) if s[what] is not None
        ]
        for what in ("colour", "count", "habitat")
    }


def measure(raven: Raven, seed: int, n: int, adapter: str) -> dict[str, Any]:
    """All figures of the bars, as the module describes them; ``differences`` are paired, in points."""
    tokens = raven.profile.max_new_tokens
    report: dict[str, Any] = {name: {} for name in ("retrieval_top1", "in_prompt", "naming", "vqa", "differences")}
    for split in tqdm(DOMAINS, desc="splits"):
        drawn = cases(raven, split, n, seed)
        report["retrieval_top1"][split] = retrieval_top1(raven, drawn)
        report["in_prompt"][split] = in_prompt(drawn)
        named, scores, captions = {}, {}, {}
        for column in tqdm(COLUMNS, desc=split, leave=False):
            captions[column] = answers(raven.generator, prompts(drawn, "caption", column), column, tokens, adapter)
            named[column] = [
                float(has_word(t, str(c.scene.species))) for t, c in zip(captions[column], drawn, strict=True)
            ]
            scores[column] = {
                task: [
                    vqa_accuracy(text, getattr(case, task).answers)
                    for text, case in zip(
                        answers(raven.generator, prompts(drawn, task, column), column, tokens, adapter),
                        drawn,
                        strict=True,
                    )
                ]
                for task in ("memory_only", "seen")
            }
        report["naming"][split] = {column: percent(values) for column, values in named.items()}
        report["vqa"][split] = {
            task: {column: percent(scores[column][task]) for column in COLUMNS} for task in ("memory_only", "seen")
        }
        report["differences"][split] = {
            "naming_both_minus_text": percent_difference(named["both"], named["text"]),
            **{
                f"vqa_{task}_both_minus_baseline": percent_difference(scores["both"][task], scores["baseline"][task])
                for task in ("memory_only", "seen")
            },
        }
        if split == "in-domain":
            report["random_neighbours"] = misled(raven, drawn, captions["none"], seed, tokens, adapter)
    return {"seed": seed, "n": n, "adapter": adapter, "profile": raven.profile.name, **report}


def misled(
    raven: Raven, drawn: Sequence[Case], without: Sequence[str], seed: int, tokens: int, adapter: str
) -> dict[str, dict[str, Figure]]:
    """Truth of colour, count and habitat without neighbours and with random ones of other species.

    A figure is empty where no caption states such a thing.
    """
    strangers = random_neighbours(raven, drawn, seed)
    asked = [build(Query(c.image), ns, CELLS["both"]) for c, ns in zip(drawn, strangers, strict=True)]
    given = answers(raven.generator, asked, "both", tokens, adapter)
    none, rand = truthful(without, drawn), truthful(given, drawn)
    columns = {"none": none, "random": rand}
    return {what: {name: percent(told[what]) if told[what] else [] for name, told in columns.items()} for what in none}


def main(argv: list[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=published_seed(), help="seed of the test pictures")
    parser.add_argument("--n", type=int, default=500, help="pictures a split")
    parser.add_argument("--profile", default="fieldguide", help="profile name or folder")
    parser.add_argument("--adapters", type=Path, help="folder with other adapters (raven, no-retrieval) to measure")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args(argv)
    if options.n < 1:
        parser.error(f"--n is {options.n}: measure at least one picture a split")
    raven = Raven.load(options.profile)
    if options.adapters is not None:
        folders = {name: options.adapters / name for name in ("raven", BASELINE)}
        raven.generator = Generator.load(raven.profile.source(raven.profile.model), folders)
    report = measure(raven, options.seed, options.n, "raven")
    print(json.dumps(report, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
