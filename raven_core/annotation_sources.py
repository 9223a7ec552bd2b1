"""Answers from anywhere → drafts of queue items: comparisons, stored trials, samples of an evaluation run. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from raven_core.annotation_types import LETTERS, Candidate, Draft
from raven_core.comparison import BASELINE, BASELINE_ADAPTER, Comparison
from raven_core.errors import OptionError
from raven_core.metrics.vqa import normalise_answer
from raven_core.trials import plain_neighbour
from raven_core.types import CELLS, Generation, Trial

_CELL_BY_MODALITIES = {modalities: name for name, modalities in CELLS.items()}


def cell_of(modalities: Collection[str], k: int, adapter: str | None = None) -> str:
    """The name of the cell that an answer stands in; with ``k`` 0 nothing was retrieved whatever was switched on."""
    name = _CELL_BY_MODALITIES.get(frozenset(modalities) if k else frozenset(), "")  # type: ignore[arg-type]
    return BASELINE if name == "none" and adapter == BASELINE_ADAPTER else name


def nearest(neighbours: Sequence[Mapping[str, Any]]) -> float | None:
    """Similarity of the first neighbour: of its image where that is known, else what ranked it; -1 to 1."""
    if not neighbours:
        return None
    first = min(neighbours, key=lambda entry: entry.get("rank", 1))
    known = [first.get(name) for name in ("image_similarity", "similarity")]
    return next((float(value) for value in known if value is not None), None)


def informativeness(candidates: Sequence[Candidate]) -> float:
    """How much a judgment of these answers would tell, 0 to 1: the mean of three parts.

    Disagreement, (different answers - 1) / (answers - 1), answers compared as VQA compares them; doubt, 1 - the lowest
    confidence; distance, 1 - the similarity of the nearest neighbour. A part that is unknown counts as 0.
    """
    texts = {normalise_answer(candidate.text) for candidate in candidates}
    disagreement = (len(texts) - 1) / (len(candidates) - 1) if len(candidates) > 1 else 0.0
    confidences = [entry.confidence for entry in candidates if entry.confidence is not None]
    similarities = [entry.similarity for entry in candidates if entry.similarity is not None]
    doubt = 1 - min(confidences) if confidences else 0.0
    distance = 1 - max(similarities) if similarities else 0.0
    return (disagreement + _unit(doubt) + _unit(distance)) / 3


def draft(
    image: Image.Image | Path | str | None,
    question: str | None,
    generations: Mapping[str, Generation] | Iterable[Generation],
    references: Sequence[str] = (),
    domain: str = "",
    question_type: str = "",
    key: str = "",
) -> Draft:
    """An item whose candidates are answers just given: by name of their cell, or named by what they were fed.

    Raises:
        OptionError: there are none, or more than 8.
    """
    if isinstance(generations, Mapping):
        candidates = [_from_generation(generation, name) for name, generation in generations.items()]
    else:
        candidates = [_from_generation(generation) for generation in generations]
    return Draft(image, question, checked(candidates), tuple(references), domain, question_type, key)


def from_comparison(image: Image.Image | Path | str | None, comparison: Comparison, **about: Any) -> Draft:
    """An item whose candidates are the cells of a comparison; ``about`` as in ``draft``.

    Raises:
        OptionError: it has more than 8 cells.
    """
    candidates = [_from_generation(cell.generation, cell.name) for cell in comparison.cells]
    return Draft(image, comparison.question, checked(candidates), **about)


def from_trials(trials: Iterable[Trial], least: int = 2) -> list[Draft]:
    """One item for each image and question that was asked in at least ``least`` ways, in the order first seen.

    Answers of one cell and adapter count once, the first one given; hand the newest in first. Images stay the
    files that the store has.
    """
    groups: dict[tuple[Any, Any], dict[tuple[str, str | None], Trial]] = {}
    for trial in trials:
        way = (_cell_of_trial(trial), trial.adapter)
        groups.setdefault((trial.image_file, trial.question), {}).setdefault(way, trial)
    return [_draft_of_trials(list(ways.values())) for ways in groups.values() if len(ways) >= max(least, 1)]


def from_samples(
    samples: Path | str | Iterable[Mapping[str, Any]],
    images: Path | str | Callable[[Mapping[str, Any]], Image.Image | Path | None] | None = None,
) -> list[Draft]:
    """The samples of an evaluation run, one item a sample with a candidate for each cell.

    Rows are read leniently: ``prediction`` (or ``text``), ``image`` (a file), ``question``, ``task``, ``cell``,
    ``adapter``, ``truths`` (or ``references``), ``domain``, ``question_type``, ``similarity``, ``confidence``,
    ``neighbours``, ``settings``, ``number`` and ``id``. Samples that failed (an ``error``, or no prediction) are left
    out.

    Params:
        samples: the file ``samples.jsonl``, or its rows.
        images: the folder that image files are relative to (by default that of the file), or what finds the picture
            of a row, as is needed where pictures are drawn and not files.
    Raises:
        OptionError: the file cannot be read.
    """
    rows: Iterable[Any] = _rows(Path(samples)) if isinstance(samples, Path | str) else samples
    folder = Path(samples).parent if isinstance(samples, Path | str) else Path()
    find = images if callable(images) else _finder(folder if images is None else Path(images))
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if isinstance(row, Mapping) and not row.get("error") and _prediction(row) is not None:
            name = str(_first(row, "id", "image", "image_id", default=""))
            groups.setdefault((str(row.get("task")), name, str(row.get("question"))), []).append(row)
    return [_draft_of_samples(group, find(group[0])) for group in groups.values()]


def checked(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates.

    Raises:
        OptionError: there are none, or more than can be shown.
    """
    if not 1 <= len(candidates) <= len(LETTERS):
        raise OptionError(f"An item needs 1 to {len(LETTERS)} candidates: this one has {len(candidates)}.")
    return tuple(candidates)


def _from_generation(generation: Generation, cell: str | None = None) -> Candidate:
    neighbours = [plain_neighbour(neighbour) for neighbour in generation.neighbours]
    return Candidate(
        text=generation.text,
        cell=cell_of(generation.modalities, generation.k, generation.adapter) if cell is None else cell,
        adapter=generation.adapter,
        confidence=generation.confidence,
        similarity=nearest(neighbours),
        neighbours=neighbours,
        settings=dict(generation.settings),
    )


def _cell_of_trial(trial: Trial) -> str:
    settings = trial.settings
    named = settings.get("cell")
    return str(named) if named else cell_of(settings.get("modalities", ()), settings.get("k", 1), trial.adapter)


def _draft_of_trials(trials: Sequence[Trial]) -> Draft:
    first = trials[0]
    candidates = [
        Candidate(
            text=trial.output,
            cell=_cell_of_trial(trial),
            adapter=trial.adapter,
            trial_id=trial.id,
            confidence=_confidence(trial.logprobs),
            similarity=nearest(trial.neighbours),
            neighbours=trial.neighbours,
            settings=trial.settings,
        )
        for trial in trials[: len(LETTERS)]
    ]
    about: dict[str, Any] = {name: str(first.settings.get(name) or "") for name in ("domain", "question_type")}
    return Draft(first.image_file, first.question, checked(candidates), key=first.id, **about)


def _finder(folder: Path) -> Callable[[Mapping[str, Any]], Path | None]:
    def find(row: Mapping[str, Any]) -> Path | None:
        name = _first(row, "image", "image_path", "image_file")
        return None if name is None else folder / str(name)

    return find


def _draft_of_samples(rows: Sequence[Mapping[str, Any]], image: Image.Image | Path | None) -> Draft:
    first = rows[0]
    question = first.get("question")
    return Draft(
        image=image,
        question=None if not question else str(question),
        candidates=checked([_from_sample(row) for row in rows[: len(LETTERS)]]),
        references=tuple(str(text) for text in _first(first, "truths", "references", "answers", default=())),
        domain=str(first.get("domain") or ""),
        question_type=str(first.get("question_type") or ""),
        key=str(_first(first, "number", "id", default="")),
    )


def _from_sample(row: Mapping[str, Any]) -> Candidate:
    neighbours = [entry for entry in row.get("neighbours") or () if isinstance(entry, Mapping)]
    similarity = row.get("similarity")
    adapter = row.get("adapter")
    return Candidate(
        text=str(_prediction(row)),
        cell=str(row.get("cell") or ""),
        adapter=None if adapter is None else str(adapter),
        confidence=_number(row.get("confidence")),
        similarity=nearest(neighbours) if similarity is None else _number(similarity),
        neighbours=neighbours,
        settings=dict(row.get("settings") or {}),
    )


def _prediction(row: Mapping[str, Any]) -> Any:
    return _first(row, "prediction", "text", "output")


def _rows(path: Path) -> Iterator[Any]:
    """The rows of a run; a last line that an interruption tore is left out."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise OptionError(f"The samples {str(path)!r} cannot be read ({error}): give a run's samples.jsonl.") from error
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            if number < len(lines):
                raise OptionError(f"Line {number} of {str(path)!r} is not valid JSON: mend it.") from error


def _first(row: Mapping[str, Any], *names: str, default: Any = None) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), default)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _confidence(logprobs: Sequence[float]) -> float:
    """As ``Generation.confidence``."""
    return math.exp(sum(logprobs) / len(logprobs)) if logprobs else 0.0


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
