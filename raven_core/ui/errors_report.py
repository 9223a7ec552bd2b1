"""The words of the HTML report in the language of whoever makes it; the report itself is below the page."""

from __future__ import annotations

from raven_core.types import CELLS, ERROR_TAGS
from raven_core.ui import words_zh_report
from raven_core.ui.language import CHINESE, spoken
from raven_core.ui.words import say

TABLE = {CHINESE: words_zh_report.WORDS}
BASELINE = "baseline"


def report_words() -> dict[str, str] | None:
    """What replaces entries of ``analysis.report.WORDS``, with names for cells, tasks and tags; None in English."""
    words = TABLE.get(spoken())
    if words is None:
        return None
    cells = {f"cell={cell}": say(f"errors_cell_{cell}") for cell in (*CELLS, BASELINE)}
    tasks = {f"task={task}": say(f"errors_task_{task}") for task in ("caption", "vqa")}
    return words | cells | tasks | {f"tag={tag}": say(f"tag_{tag}") for tag in ERROR_TAGS}
