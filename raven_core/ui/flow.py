"""What happens when Run or Compare is pressed, as views to show one after another. No gradio: tests read the views."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from raven_core.errors import InputError, RavenError
from raven_core.images import load_image
from raven_core.types import Generation
from raven_core.ui import cards, present
from raven_core.ui.context import Context
from raven_core.ui.markup import callout
from raven_core.ui.sitting import Form, Sitting
from raven_core.ui.words import say

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """HTML for the parts of the page; None leaves a part as it is. ``running`` is False in the last view."""

    notice: str | None = None
    answer: str | None = None
    neighbours: str | None = None
    given: str | None = None
    made: str | None = None
    compare: str | None = None
    running: bool = True
    record: dict[str, Any] | None = None


def ask(context: Context, sitting: Sitting, form: Form, store: bool) -> Iterator[View]:
    """Answer the form. A refusal is a last view with the reason: nothing typed is lost, nor the answer before."""
    begun: Generation | None = None
    try:
        image = _read(context, form)
        yield from _loading(context)
        for generation in _stream(context, image, form, sitting):
            if begun is None:
                yield _found(context, sitting, generation, form, image)
            begun = sitting.generation = generation
            if not generation.finished:
                yield View(answer=present.answer(generation, form.question))
        if begun is not None:
            yield _finish(context, sitting, begun, form, image, store)
    except Exception as problem:  # the page must survive whatever a model throws
        if not isinstance(problem, RavenError):
            log.exception("a run failed")
        broken_off = None if begun is None else present.answer(begun, form.question, stopped=True)
        yield View(notice=present.error(problem), answer=broken_off, running=False)


def _read(context: Context, form: Form) -> Image.Image:
    if form.image is None:
        raise InputError(say("error_no_image"))
    return load_image(form.image, context.settings.max_pixels)


def _loading(context: Context) -> Iterator[View]:
    """Views while the models load, one a second."""
    while context.loader.wait(0 if context.loader.state != "loading" else 1.0) == "loading":
        yield View(notice=callout("hint", say("loading", seconds=context.loader.seconds), say("loading_hint")))


def _stream(context: Context, image: Image.Image, form: Form, sitting: Sitting) -> Iterator[Generation]:
    return context.raven.stream(
        image,
        form.question,
        k=form.k,
        modalities=form.modalities,
        adapter=form.adapter,
        order=form.order,
        question_weight=form.question_weight,
        exclude_ids=tuple(sitting.excluded),
        drop_duplicates=form.drop_duplicates,
        seed=context.settings.seed,
    )


def _found(context: Context, sitting: Sitting, generation: Generation, form: Form, image: Image.Image) -> View:
    """The first view of an answer: its neighbours, before any word of it."""
    sitting.clear_answer()
    sitting.question = form.question
    asked = form.k if form.modalities else 0
    return View(
        notice=_far(context, generation),
        answer=present.answer(generation, form.question),
        neighbours=cards.neighbours(generation.neighbours, generation.modalities, sitting.excluded, asked),
        given=present.given(generation, image, form.order),
        made="",
        compare="",
    )


def _far(context: Context, generation: Generation) -> str:
    profile = context.profile
    if profile.far_threshold is None or not context.raven.is_far(generation.neighbours):
        return ""
    return present.far_warning(generation.neighbours, profile.far_threshold, profile.far_false_alarm)


def _finish(
    context: Context, sitting: Sitting, generation: Generation, form: Form, image: Image.Image, store: bool
) -> View:
    """The last view of an answer, stored first so that it can be judged."""
    sitting.generation = generation
    notice = _far(context, generation)
    if store and context.keeper.is_on:
        try:
            sitting.trial_id = context.keeper.keep(context.raven, generation, image, form.question, sitting.owner)
        except (RavenError, OSError) as problem:
            log.exception("a trial could not be stored")
            notice += present.error(say("storing_failed", reason=problem))
    return View(
        notice=notice,
        answer=present.answer(generation, form.question),
        given=present.given(generation, image, form.order),
        made=present.made(generation),
        running=False,
        record=record(generation),
    )


def record(generation: Generation) -> dict[str, Any]:
    """The answer as plain values, with the keys of ``python -m raven_core ask --json``."""
    return {
        "text": generation.text,
        "confidence": generation.confidence,
        "neighbours": [
            {"id": one.id, "caption": one.caption, "similarity": one.similarity, "rank": one.rank}
            for one in generation.neighbours
        ],
        "modalities": sorted(generation.modalities),
        "model": generation.model,
        "adapter": generation.adapter,
        "seconds": generation.timings.get("total"),
    }


def compare(context: Context, sitting: Sitting, form: Form) -> Iterator[View]:
    """The same query as set, without retrieval, and with the adapter that never saw retrieval, side by side."""
    done: list[present.Cell] = []
    cells = comparison_cells(context, form)
    try:
        image = _read(context, form)
        yield from _loading(context)
        for name, cell in cells:
            yield View(compare=present.comparison(done + [present.Cell(rest, None) for rest, _ in cells[len(done) :]]))
            last = None
            for last in _stream(context, image, cell, sitting):
                pass
            done.append(present.Cell(name, last))
        yield View(notice="", compare=present.comparison(done), running=False)
    except Exception as problem:  # as in ask
        if not isinstance(problem, RavenError):
            log.exception("a comparison failed")
        yield View(notice=present.error(problem), running=False)


def comparison_cells(context: Context, form: Form) -> list[tuple[str, Form]]:
    """The columns of a comparison: (name, form)."""
    bare = replace(form, modalities=frozenset(), k=0)
    cells = [(say("compare_set"), form), (say("compare_none"), bare)]
    baseline = context.baseline_adapter
    if baseline is not None and baseline != form.adapter:
        cells.append((say("compare_baseline", name=baseline), replace(bare, adapter=baseline)))
    return cells
