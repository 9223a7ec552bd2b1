"""What happens on the Compare tab, as views to show one after another. No gradio: tests read the views."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from raven_core.attribution import Method
from raven_core.comparison import Comparison
from raven_core.errors import InputError, RavenError
from raven_core.ui import flow, present, records, study_cards, study_view
from raven_core.ui.context import Context
from raven_core.ui.study import NO_CAP, Setup, Study
from raven_core.ui.turns import Turn
from raven_core.ui.words import say

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudyView:
    """HTML for the parts of the tab; None leaves a part as it is. ``running`` is False in the last view."""

    notice: str | None = None
    query: str | None = None
    finding: str | None = None
    cells: str | None = None
    explained: str | None = None
    neighbours: str | None = None
    running: bool = True
    record: dict[str, Any] | None = None
    problem: BaseException | None = None


def shown(study: Study) -> StudyView:
    """Everything as it stands: what the tab shows when nothing runs."""
    if study.comparison is None:
        return StudyView("", None, "", "", "", "", running=False)
    question = study.setup.form.question if study.setup else None
    return StudyView(
        notice=study_view.switched(study.setup),
        query=study_view.asked(study.image, question),
        finding=study_view.found(study),
        cells=study_view.compared(study),
        explained=study_view.explained(study),
        neighbours=study_cards.neighbours(study),
        running=False,
    )


def compare(context: Context, study: Study, setup: Setup, excluded: Collection[str], turn: Turn) -> Iterator[StudyView]:
    """Ask the query of the setup in all its cells. A refusal is a last view with the reason."""
    try:
        image = flow.read(context, setup.form)
        for told in flow.loading(context, turn):
            yield StudyView(notice=told)
        if study.comparison is None:
            yield StudyView(query=study_view.asked(image, setup.form.question), cells=study_view.waiting())
        if turn.is_cancelled:
            return
        comparison = _ask(context, study, setup, image, excluded, turn)
        if study.keep(turn, setup, image, comparison):
            yield replace(shown(study), record=records.comparison(comparison))
    except Exception as problem:  # the page must survive whatever a model throws
        yield _refused(study, problem)


def _ask(
    context: Context, study: Study, setup: Setup, image: Image.Image, excluded: Collection[str], turn: Turn
) -> Comparison:
    form = setup.form
    comparison: Comparison = context.raven.compare(
        image,
        form.question,
        ks=setup.ks or None,
        neighbours=setup.kind,
        references=setup.references or None,
        leak_cap=setup.leak_cap if setup.leak_cap < NO_CAP else None,
        edits=tuple(study.edits.values()),
        added=tuple(study.added),
        cancel=turn.cancel,
        k=form.k,
        adapter=form.adapter,
        order=form.order,
        question_weight=form.question_weight,
        exclude_ids=tuple(excluded),
        drop_duplicates=form.drop_duplicates,
        seed=context.settings.seed,
    )
    return comparison


def attribute(context: Context, study: Study, method: Method, turn: Turn) -> Iterator[StudyView]:
    """Find out which neighbour did what to the explained answer."""
    try:
        cell, setup, image = study.cell, study.setup, study.image
        if setup is None or image is None:
            raise InputError(say("error_not_compared"))
        if cell is None:
            raise InputError(say("error_not_explainable"))
        found = context.raven.attribute(cell.generation, image, setup.form.question, method=method)
        if study.cell is not cell:  # another cell was chosen meanwhile
            yield shown(study)
        elif study.explain(turn, found):
            yield replace(shown(study), record=records.attribution(found, cell))
    except Exception as problem:  # as in compare
        yield _refused(study, problem)


def _refused(study: Study, problem: Exception) -> StudyView:
    """The reason, over everything as it stood before."""
    if not isinstance(problem, RavenError):
        log.exception("a comparison failed")
    return replace(shown(study), notice=present.error(problem), problem=problem)
