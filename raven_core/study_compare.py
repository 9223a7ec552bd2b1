"""One query in several cells: one retrieval, one batch of answers."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from raven_core import prompting
from raven_core.clock import Clock
from raven_core.comparison import BASELINE, BASELINE_ADAPTER, STUDY_CELLS, Comparison, cell_modalities, compare_answers
from raven_core.counterfactuals import read_once
from raven_core.edits import Gathered
from raven_core.errors import AdapterError, OptionError
from raven_core.images import ImageSource
from raven_core.request import Request
from raven_core.settings import check_k
from raven_core.study_neighbours import Alteration, Gatherer
from raven_core.types import MODALITIES, Generation, Query

if TYPE_CHECKING:
    from raven_core.memory import Memory
    from raven_core.pipeline import Raven

MOST_KNOWN = 5000
"""Captions that tell how rare words are: enough for that, and scored against in a tenth of a second."""

_Asked: TypeAlias = tuple[str, Request]
"""A cell by name, and what is asked in it."""


def compare(
    raven: Raven,
    image: ImageSource,
    question: str | None,
    cells: Sequence[str] | None,
    ks: Sequence[int] | None,
    alteration: Alteration,
    cancel: threading.Event | None,
    options: dict[str, Any],
) -> Comparison:
    """One retrieval and one batch of answers; see ``Raven.compare``."""
    clock = Clock()
    request = alteration.complete(raven.request(question, modalities=MODALITIES, **options))
    wanted = _ks(request, ks)
    asked = _asked(request, _cells(raven, cells), wanted)
    with clock.stage("decode"):
        query = raven.query(image, request)
    searching = any(one.retrieves for _, one in asked)
    gatherer = Gatherer(raven, query, replace(request, k=max(wanted) if searching else 0), alteration, clock)
    gathered = {k: gatherer.take(k) for k in wanted}
    answers = _answer(raven, query, asked, gathered, clock, cancel)
    largest = gathered[max(wanted)]
    return replace(
        compare_answers(request.question, answers, alteration.references, _known(raven, request, alteration)),
        neighbours=largest.neighbours,
        removed=largest.removed,
        unused=largest.unused,
        timings=clock.read(),
    )


def _known(raven: Raven, request: Request, alteration: Alteration) -> Sequence[str]:
    """Captions that tell how rare words are, where captions are scored."""
    is_scored = request.question is None and bool(alteration.references)
    return captions_of(raven.memory) if is_scored else ()


@read_once
def captions_of(memory: Memory) -> Sequence[str]:
    """The memory's captions, or some of many, evenly taken."""
    step = 1 + len(memory) // MOST_KNOWN
    return tuple(pair.caption for pair in memory.pairs(memory.ids[::step]) if pair.caption)


def _ks(request: Request, ks: Sequence[int] | None) -> list[int]:
    """The ks, each once, in the order given."""
    if ks is not None and not ks:
        raise OptionError("ks is empty: give at least one number of neighbours, or leave it out.")
    return list(dict.fromkeys(check_k(k) for k in ks)) if ks is not None else [request.k]


def _cells(raven: Raven, cells: Sequence[str] | None) -> list[str]:
    """The cells, each once, in the order given."""
    known = BASELINE_ADAPTER in raven.profile.adapters
    if cells is None:
        return [name for name in STUDY_CELLS if name != BASELINE or known]
    for name in cells:
        cell_modalities(name)
    if BASELINE in cells and not known:
        raise AdapterError(f"This profile has no adapter {BASELINE_ADAPTER!r}: leave the cell {BASELINE!r} out.")
    if not cells:
        raise OptionError(f"There is nothing to compare: ask for one of {', '.join(STUDY_CELLS)}.")
    return list(dict.fromkeys(cells))


def _asked(request: Request, cells: Sequence[str], ks: Sequence[int]) -> list[_Asked]:
    """Each cell once for every k, but those without neighbours only once."""
    asked = []
    for name in cells:
        modalities = cell_modalities(name)
        adapter = BASELINE_ADAPTER if name == BASELINE else request.adapter
        for k in ks if modalities else ks[:1]:
            asked.append((name, replace(request, modalities=modalities, adapter=adapter, k=k)))
    return asked


def _answer(
    raven: Raven,
    query: Query,
    asked: Sequence[_Asked],
    gathered: Mapping[int, Gathered],
    clock: Clock,
    cancel: threading.Event | None,
) -> list[tuple[str, int, Generation]]:
    """All answers, in one batch over cells and adapters."""
    nobody = Gathered()
    given = [gathered[one.k] if one.modalities else nobody for _, one in asked]
    with clock.stage("prompt"):
        prompts = [
            prompting.build(query, found.neighbours, one.modalities, one.order)
            for (_, one), found in zip(asked, given, strict=True)
        ]
        rendered = [raven.generator.render(prompt) for prompt in prompts]
    with clock.stage("generate"):
        adapters, length = [one.adapter for _, one in asked], asked[0][1].max_new_tokens
        answers = raven.generator.generate(prompts, adapters, length, cancel=cancel)
    finished, timings = cancel is None or not cancel.is_set(), clock.read()
    return [
        (name, one.k, raven.generation(one, found.neighbours, text, tokens, timings, finished, found.altered))
        for (name, one), found, text, tokens in zip(asked, given, rendered, answers, strict=True)
    ]
