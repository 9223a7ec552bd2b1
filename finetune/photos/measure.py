"""Asks a finished profile about the data's report part: every column of the tables, and how sure each figure is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from finetune.photos.corpus import Corpus, Split
from finetune.photos.sight_token import NAME as SIGHT
from finetune.photos.sight_token import SightGenerator
from finetune.photos.statements import KINDS
from raven_core.evaluation.statistics import difference, holm, mean_interval, p_value
from raven_core.generator import Generator, text_of
from raven_core.images import load_image
from raven_core.metrics.captioning import METRICS, score_captions
from raven_core.metrics.daquar import daquar_match
from raven_core.prompting import build
from raven_core.retriever import Retriever
from raven_core.types import CELLS, Neighbour, Query

BASELINE, RAVEN, COPIED = "no-retrieval", "raven", "copied"
COLUMNS = (BASELINE, SIGHT, *CELLS)
"""Both baselines, then ``raven`` in each cell; captions have a last column, the nearest neighbour's, copied."""

BATCH = 64
Figure = list[float]


@dataclass(frozen=True, eq=False)
class Asking:
    """What is asked, of which picture (its id), and the neighbours found for it."""

    queries: Sequence[Query]
    images: Sequence[str]
    neighbours: Sequence[Sequence[Neighbour]]


def asking(corpus: Corpus, retriever: Retriever, split: Split, numbers: Sequence[int] | None, k: int) -> Asking:
    """The photos of a split, to be captioned; or, given numbers, those questions."""
    if numbers is None:
        rows = corpus.rows("photo", split)
        texts: list[str | None] = [None] * len(rows)
    else:
        rows = [corpus.asked[number].picture for number in numbers]
        texts = [corpus.asked[number].question for number in numbers]
    opened = {row: load_image(corpus.pictures[row].file) for row in sorted(set(rows))}
    queries = [Query(opened[row], text) for row, text in zip(rows, texts, strict=True)]
    found = []
    for start in tqdm(range(0, len(queries), 4 * BATCH), desc="retrieving", unit="batch"):
        found += retriever.search_many(queries[start : start + 4 * BATCH], k)
    return Asking(queries, [corpus.pictures[row].id for row in rows], found)


def answers(generator: Generator, asked: Asking, column: str, tokens: int, k: int | None = None) -> list[str]:
    """Greedy answers in one column; with ``k`` only the k nearest neighbours are shown."""
    if column == COPIED:
        return [(near[0].caption or "") if near else "" for near in asked.neighbours]
    adapter = column if column in (BASELINE, SIGHT) else RAVEN
    cell = CELLS.get(column, CELLS["none"])
    prompts = [build(q, list(near)[:k], cell) for q, near in zip(asked.queries, asked.neighbours, strict=True)]
    return [text_of(row) for row in generator.generate(prompts, adapter, max_new_tokens=tokens, batch_size=BATCH)]


def kept(path: Path, make: Callable[[], list[str]]) -> list[str]:
    """Answers out of a file, or made now and put there: what was asked once is not asked again."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = make()
        path.write_text(json.dumps(made, ensure_ascii=False), encoding="utf8")
    found: list[str] = json.loads(path.read_text(encoding="utf8"))
    return found


def all_answers(
    generator: Generator, sight: SightGenerator, asked: Asking, columns: Sequence[str], tokens: int, folder: Path
) -> dict[str, list[str]]:
    """The answers in every column, kept in the folder as they come."""

    def make(column: str) -> list[str]:
        return answers(sight if column == SIGHT else generator, asked, column, tokens)

    return {
        column: kept(folder / f"{column}.json", lambda column=column: make(column))  # type: ignore[misc]
        for column in tqdm(columns, desc=folder.name, unit="column")
    }


def choose_k(corpus: Corpus, asked: Asking, generator: Generator, ks: Sequence[int], tokens: int) -> dict[str, float]:
    """CIDEr times 100 of held-out photos, mean of the cells ``text`` and ``both``, for each number of neighbours."""
    references = references_of(corpus, asked)
    return {
        str(k): round(
            50 * sum(_cider(references, asked, answers(generator, asked, c, tokens, k)) for c in ("text", "both")), 2
        )
        for k in tqdm(ks, desc="choosing k")
    }


def references_of(corpus: Corpus, asked: Asking) -> dict[str, Sequence[str]]:
    """The captions of the photos that are asked about."""
    captions = {picture.id: picture.captions for picture in corpus.pictures if picture.source == "photo"}
    return {image: captions[image] for image in asked.images}


def _cider(references: Mapping[str, Sequence[str]], asked: Asking, said: Sequence[str]) -> float:
    return score_captions(references, dict(zip(asked.images, said, strict=True))).corpus["CIDEr"]


def caption_report(corpus: Corpus, asked: Asking, said: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Scores of every column times 100, and CIDEr and ROUGE-L compared with both baselines, photo by photo."""
    references = references_of(corpus, asked)
    scores = {c: score_captions(references, dict(zip(asked.images, s, strict=True))) for c, s in said.items()}
    one = {
        metric: {c: [100 * s.per_image[image][metric] for image in asked.images] for c, s in scores.items()}
        for metric in ("CIDEr", "ROUGE_L")
    }
    return {
        "photos": len(asked.images),
        "scores": {c: {m: round(100 * s.corpus[m], 2) for m in METRICS} for c, s in scores.items()},
        "against": {
            baseline: {
                metric: {c: rounded(difference(v, of[baseline], asked.images)) for c, v in of.items() if c != baseline}
                for metric, of in one.items()
            }
            for baseline in (BASELINE, SIGHT)
        },
    }


def question_report(
    corpus: Corpus, numbers: Sequence[int], said: Mapping[str, Sequence[str]], large: int
) -> dict[str, Any]:
    """Exact matches in percent by kind of question, compared with ``no-retrieval``; intervals are over rooms.

    The p-values of one column are corrected for the number of its kinds.
    """
    asked = [corpus.asked[number] for number in numbers]
    images = [corpus.pictures[a.picture].id for a in asked]
    right = {
        c: [100.0 * daquar_match(text, a.answer) for text, a in zip(s, asked, strict=True)] for c, s in said.items()
    }
    kinds = {kind: [place for place, a in enumerate(asked) if a.kind == kind] for kind in KINDS}
    parts = {"all": list(range(len(asked)))} | {kind: places for kind, places in kinds.items() if places}
    report: dict[str, Any] = {}
    for part, places in parts.items():
        where = [images[place] for place in places]
        of = {c: [values[place] for place in places] for c, values in right.items()}
        report[part] = {
            "questions": len(places),
            "rooms": len(set(where)),
            "large": len(places) >= large,
            "right": {c: rounded(mean_interval(values, where)) for c, values in of.items()},
            "against": {c: rounded(difference(v, of[BASELINE], where)) for c, v in of.items() if c != BASELINE},
            "p": {c: p_value(v, of[BASELINE], where) for c, v in of.items() if c != BASELINE},
        }
    for column in (c for c in said if c != BASELINE):
        corrected = holm({kind: report[kind]["p"][column] for kind in kinds if kind in report})
        for kind, value in corrected.items():
            report[kind].setdefault("p_holm", {})[column] = round(value, 4)
    return report


def rounded(values: Sequence[float]) -> Figure:
    """``[mean, low, high]`` with two digits."""
    return [round(float(np.float64(value)), 2) for value in values]
