"""The words of the reports in the language of whoever makes them; the reports themselves are below the page."""

from __future__ import annotations

from raven_core.comparison import STUDY_CELLS
from raven_core.counterfactuals import KINDS
from raven_core.types import ERROR_TAGS
from raven_core.ui import words_zh_report
from raven_core.ui.evaluate_view import FLOORS, name_of
from raven_core.ui.language import CHINESE, spoken
from raven_core.ui.words import say

JUDGED = {CHINESE: words_zh_report.JUDGED}
RUNS = {CHINESE: words_zh_report.RUN}


def report_words() -> dict[str, str] | None:
    """What replaces entries of ``analysis.report.WORDS``, with names for cells, tasks and tags; None in English."""
    words = JUDGED.get(spoken())
    if words is None:
        return None
    cells = {f"cell={cell}": say(f"errors_cell_{cell}") for cell in STUDY_CELLS}
    tasks = {f"task={task}": say(f"errors_task_{task}") for task in ("caption", "vqa")}
    return words | cells | tasks | {f"tag={tag}": say(f"tag_{tag}") for tag in ERROR_TAGS}


def run_words() -> dict[str, str] | None:
    """What replaces entries of ``evaluation.words.WORDS``, with names for cells and neighbours; None in English."""
    words = RUNS.get(spoken())
    if words is None:
        return None
    cells = {f"cell={cell}": name_of(cell) for cell in (*STUDY_CELLS, *FLOORS)}
    return words | cells | {f"neighbours={kind}": say(f"kind_{kind}") for kind in KINDS}
