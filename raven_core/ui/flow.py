"""What happens when Run is pressed, as views to show one after another. No gradio: tests read the views."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from raven_core.errors import InputError, RavenError
from raven_core.images import load_image
from raven_core.types import Generation
from raven_core.ui import cards, present, records
from raven_core.ui.context import Context
from raven_core.ui.markup import callout
from raven_core.ui.refusals import refused
from raven_core.ui.sitting import Form, Sitting
from raven_core.ui.turns import Turn
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
    running: bool = True
    record: dict[str, Any] | None = None
    problem: BaseException | None = None


def ask(context: Context, sitting: Sitting, form: Form, store: bool, turn: Turn) -> Iterator[View]:
    """Answer the form while the turn lasts. A refusal is a last view with the reason: nothing typed is lost.

    A turn that is cancelled ends without a last view; the sitting holds what there is of its answer.
    """
    begun: Generation | None = None
    try:
        image = read(context, form)
        for told in loading(context, turn):
            yield View(notice=told)
        for generation in _stream(context, image, form, sitting, turn):
            is_first, begun = begun is None, generation
            fresh = {"question": form.question, "trial_id": None, "changing": False} if is_first else {}
            if not sitting.record(turn, generation=generation, **fresh):
                return
            if is_first:
                yield _found(context, sitting, generation, form, image)
            if not generation.finished:
                yield View(answer=present.answer(generation, form.question))
        if begun is not None and begun.finished:
            yield from _finish(context, sitting, begun, form, image, store)
    except Exception as problem:  # the page must survive whatever a model throws
        if not isinstance(problem, RavenError):
            log.exception("a run failed")
        broken_off = None if begun is None else present.answer(begun, form.question, stopped=True)
        yield View(notice=present.error(problem), answer=broken_off, running=False, problem=problem)


def read(context: Context, form: Form) -> Image.Image:
    """The form's image.

    Raises:
        InputError: there is none; ImageError: it cannot be read.
    """
    if form.image is None:
        raise InputError(say("error_no_image"))
    return load_image(form.image, context.settings.max_pixels)


def loading(context: Context, turn: Turn) -> Iterator[str]:
    """Notices while the models load, one a second."""
    while not turn.is_cancelled and context.loader.wait(0 if context.loader.state != "loading" else 1.0) == "loading":
        yield callout("hint", say("loading", seconds=context.loader.seconds), say("loading_hint"))


def _stream(context: Context, image: Image.Image, form: Form, sitting: Sitting, turn: Turn) -> Iterator[Generation]:
    if turn.is_cancelled:  # while the models loaded, perhaps
        return iter(())
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
        cancel=turn.cancel,
    )


def _found(context: Context, sitting: Sitting, generation: Generation, form: Form, image: Image.Image) -> View:
    """The first view of an answer: its neighbours, before any word of it."""
    asked = form.k if form.modalities else 0
    return View(
        notice=far(context, sitting, generation),
        answer=present.answer(generation, form.question),
        neighbours=cards.neighbours(generation.neighbours, generation.modalities, sitting.excluded, asked),
        given=present.given(generation, image, form.order),
        made="",
    )


def far(context: Context, sitting: Sitting, generation: Generation) -> str:
    """The warning about a strange image; none once the person left out what is near."""
    profile = context.profile
    if sitting.excluded or profile.far_threshold is None or not context.raven.is_far(generation.neighbours):
        return ""
    return present.far_warning(generation.neighbours, profile.far_threshold, profile.far_false_alarm)


def _finish(
    context: Context, sitting: Sitting, generation: Generation, form: Form, image: Image.Image, store: bool
) -> Iterator[View]:
    """The last view of an answer, stored first so that it can be judged."""
    notice, trial_id = far(context, sitting, generation), None
    if store and context.keeper.is_on:
        try:
            trial_id = context.keeper.keep(context.raven, generation, image, form.question, sitting.owner)
        except (RavenError, OSError) as problem:
            log.exception("a trial could not be stored")
            notice += present.error(say("storing_failed", reason=refused(str(problem))))
    if sitting.stored(generation, trial_id):
        yield View(
            notice=notice,
            answer=present.answer(generation, form.question),
            given=present.given(generation, image, form.order),
            made=present.made(generation),
            running=False,
            record=records.answer(generation),
        )
