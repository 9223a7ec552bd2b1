"""Measures the Field Guide's bars on pictures that nothing was trained on.

    python -m finetune.measure_fieldguide --seed S --n N --json

Every figure is a percentage ``[mean, low, high]`` with its 95% bootstrap interval over images. Without ``--seed``
the published one is used: the first eight hex digits of the species table's SHA-256, so nobody picks it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
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
TASKS = ("caption", "memory_only", "seen")
ASKED = {"memory_only": 2, "seen": 3}
"""Questions a picture of each kind: their mean is the picture's score, so intervals are over pictures."""

REPORTED = ("retrieval_top1", "in_prompt", "naming", "vqa", "vqa_by_type", "differences")
Figure = list[float]
Scores = dict[str, dict[str, list[list[float]]]]
"""Column → task → for each picture the accuracy of its answers."""


@dataclass(frozen=True, eq=False)
class Case:
    """One test picture: its scene, what is asked of it in each task, and what was retrieved for each question.

    The task ``caption`` has one entry, None; ``memory_only`` and ``seen`` have as many questions as ``ASKED`` says.
    """

    scene: Scene
    image: Image.Image
    asked: dict[str, list[Question | None]]
    neighbours: dict[str, list[list[Neighbour]]]

    @property
    def species(self) -> str:
        """The name that only memory tells."""
        return str(self.scene.species)


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
        asked: dict[str, list[Question | None]] = {"caption": [None]}
        for task, count in ASKED.items():
            fit = [q for q in example.questions if q.memory_only == (task == "memory_only")]
            asked[task] = [fit[(index * count + turn) % len(fit)] for turn in range(count)]
        drawn.append(Case(example.scene, render(example.scene), asked, {}))
    vectors = raven.encoder.encode_images([case.image for case in drawn], batch_size=128)
    for task in TASKS:
        rows = [(row, question) for row, case in enumerate(drawn) for question in case.asked[task]]
        queries = [Query(drawn[row].image, _text(question)) for row, question in rows]
        found = raven.retriever.search_many(queries, K, image_vectors=vectors[[row for row, _ in rows]])
        for (row, _), neighbours in zip(rows, found, strict=True):
            drawn[row].neighbours.setdefault(task, []).append(neighbours)
    return drawn


def prompts(drawn: Sequence[Case], task: str, column: str) -> list[Prompt]:
    """The prompts of one task in one column of the table: picture by picture, each with its questions in turn."""
    cell = CELLS["none" if column == "baseline" else column]
    return [
        build(Query(case.image, _text(question)), neighbours, cell)
        for case in drawn
        for question, neighbours in zip(case.asked[task], case.neighbours[task], strict=True)
    ]


def _text(question: Question | None) -> str | None:
    return None if question is None else question.text


def answers(generator: Generator, asked: Sequence[Prompt], column: str, tokens: int, adapter: str) -> list[str]:
    """Greedy answers in one column of the table."""
    chosen = BASELINE if column == "baseline" else adapter
    return [text_of(row) for row in generator.generate(asked, chosen, max_new_tokens=tokens, batch_size=BATCH)]


def has_word(text: str, word: str) -> bool:
    """Whether the text holds the word or phrase whole."""
    return swap_word(text.lower(), word, "") != text.lower()


def in_prompt(raven: Raven, drawn: Sequence[Case]) -> dict[str, Figure]:
    """Share of prompts where a caption holds the right name (to describe), or the asked fact (memory-only questions).

    A fact counts only in the caption of a pair that shows the same species: others may eat the same.
    """
    names, facts = [], []
    for case in drawn:
        names.append(any(has_word(n.caption or "", case.species) for n in case.neighbours["caption"][0]))
        for question, neighbours in zip(case.asked["memory_only"], case.neighbours["memory_only"], strict=True):
            kind = next((kind for kind, asked in FACT_TYPES.items() if question and asked == question.type), None)
            fact = case.species if kind is None else getattr(by_name[case.species], kind)
            extras = raven.memory.extras([n.id for n in neighbours])
            own = [n for n, extra in zip(neighbours, extras, strict=True) if extra["species"] == case.species]
            facts.append(any(has_word(n.caption or "", fact) for n in own))
    return {"name": percent([float(x) for x in names]), "fact": percent([float(x) for x in facts])}


def retrieval_top1(raven: Raven, drawn: Sequence[Case]) -> Figure:
    """Share of pictures whose nearest neighbour shows the same species."""
    extras = raven.memory.extras([case.neighbours["caption"][0][0].id for case in drawn])
    return percent([float(e["species"] == c.species) for e, c in zip(extras, drawn, strict=True)])


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
                for n, pair in zip(case.neighbours["caption"][0], pairs, strict=True)
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


def accuracies(drawn: Sequence[Case], task: str, said: Sequence[str]) -> list[list[float]]:
    """VQA accuracy of the answers, for each picture in the order of its questions."""
    left = iter(said)
    return [[vqa_accuracy(next(left), q.answers) for q in case.asked[task] if q is not None] for case in drawn]


def by_type(drawn: Sequence[Case], scores: Scores) -> dict[str, dict[str, Figure]]:
    """VQA accuracy of each question type in each column."""
    types: dict[str, dict[str, list[float]]] = {}
    for column, tasks in scores.items():
        for task, rows in tasks.items():
            for case, row in zip(drawn, rows, strict=True):
                for question, score in zip(case.asked[task], row, strict=True):
                    kind = question.type if question else ""
                    types.setdefault(kind, {}).setdefault(column, []).append(score)
    return {kind: {c: percent(values) for c, values in columns.items()} for kind, columns in sorted(types.items())}


def measure(raven: Raven, seed: int, n: int, adapter: str) -> dict[str, Any]:
    """All figures of the bars, as the module describes them; ``differences`` are paired, in points."""
    tokens = raven.profile.max_new_tokens
    report: dict[str, Any] = {name: {} for name in REPORTED}
    for split in tqdm(DOMAINS, desc="splits"):
        drawn = cases(raven, split, n, seed)
        report["retrieval_top1"][split] = retrieval_top1(raven, drawn)
        report["in_prompt"][split] = in_prompt(raven, drawn)
        named, scores, captions = {}, {}, {}
        for column in tqdm(COLUMNS, desc=split, leave=False):
            said = {
                task: answers(raven.generator, prompts(drawn, task, column), column, tokens, adapter) for task in TASKS
            }
            captions[column] = said["caption"]
            named[column] = [float(has_word(t, c.species)) for t, c in zip(said["caption"], drawn, strict=True)]
            scores[column] = {task: accuracies(drawn, task, said[task]) for task in ASKED}
        report["naming"][split] = {column: percent(values) for column, values in named.items()}
        report["vqa"][split] = {
            task: {column: percent([fmean(row) for row in scores[column][task]]) for column in COLUMNS}
            for task in ASKED
        }
        report["differences"][split] = {
            "naming_both_minus_text": percent_difference(named["both"], named["text"]),
            **{
                f"vqa_{task}_both_minus_baseline": percent_difference(
                    *([fmean(row) for row in scores[column][task]] for column in ("both", "baseline"))
                )
                for task in ASKED
            },
        }
        report["vqa_by_type"][split] = by_type(drawn, scores)
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


def with_adapters(raven: Raven, folder: Path) -> Raven:
    """The pipeline with the adapters of another training seed, ``raven`` and ``no-retrieval`` in a folder."""
    folders = {name: folder / name for name in ("raven", BASELINE)}
    raven.generator = Generator.load(raven.profile.source(raven.profile.model), folders)
    return raven


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
        raven = with_adapters(raven, options.adapters)
    report = measure(raven, options.seed, options.n, "raven")
    print(json.dumps(report, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
