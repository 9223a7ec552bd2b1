"""The report of a run: figures, rows, and the files they go to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raven_core.datasets.examples import TASKS
from raven_core.errors import OptionError
from raven_core.evaluation import results, tables
from raven_core.evaluation.figures import task_figures
from raven_core.evaluation.records import Row, RunFolder, replace_text
from raven_core.evaluation.scoring import of_task
from raven_core.evaluation.words import Words

JSON, MARKDOWN = "report.json", "report.md"
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Report:
    """A run's figures (``data``, plain values) and its rows, one a sample and cell."""

    folder: Path
    data: dict[str, Any]
    rows: list[Row]

    @classmethod
    def of(cls, folder: Path, about: Mapping[str, Any], rows: list[Row], complete: bool) -> Report:
        """Score the rows and make the figures.

        Params:
            about: what ``run.json`` says.
            complete: whether every sample was asked.
        """
        tasks = {}
        for task in TASKS:
            by_cell = of_task(rows, task)
            if by_cell:
                ordered = {cell: by_cell[cell] for cell in about["cells"] if cell in by_cell}
                tasks[task] = task_figures(ordered, about["metrics"][task], about.get("thresholds", {}))
        failed = [row for row in rows if row["error"] is not None]
        data = {
            "format": FORMAT,
            "unit": "percent; CIDEr times 100; intervals are [mean, low, high], 95%, bootstrap over images",
            "run": dict(about),
            "complete": complete,
            "samples": len({(row["task"], row["id"]) for row in rows}),
            "failed_samples": len({(row["task"], row["id"]) for row in failed}),
            "errors": dict(Counter(row["error"] for row in failed).most_common()),
            "tasks": tasks,
        }
        return cls(folder, data, rows)

    @classmethod
    def load(cls, folder: str | Path) -> Report:
        """The report that a run left.

        Raises:
            OptionError: there is none.
        """
        path = Path(folder) / JSON
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OptionError(f"There is no report in {str(folder)!r} ({error}): give the folder of a run.") from error
        return cls(Path(folder), data, RunFolder(folder).rows())

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, as ``report.json`` has them."""
        return self.data

    def markdown(self, words: Words | None = None) -> str:
        """The figures as tables; ``words`` replace entries of ``evaluation.words.WORDS``."""
        return tables.markdown(self.data, words)

    def samples(self, task: str, cell: str | None = None, failed: bool = False) -> list[Row]:
        """The rows of a task, or of one cell of it; ``failed`` for those with an error alone."""
        return [
            row
            for row in self.rows
            if row["task"] == task and cell in (None, row["cell"]) and (row["error"] is not None or not failed)
        ]

    def plots(self) -> list[Path]:
        """The plots that were drawn."""
        return sorted((self.folder / "plots").glob("*.png"))

    def save(self, plots: bool = True, words: Words | None = None) -> None:
        """Write rows with their scores, report, result files and plots into the run's folder.

        Params:
            words: of the tables and plots, in another language; see ``evaluation.words.WORDS``.
        """
        RunFolder(self.folder).replace_rows(self.rows)
        replace_text(self.folder / JSON, json.dumps(self.data, indent=2, ensure_ascii=False) + "\n")
        replace_text(self.folder / MARKDOWN, self.markdown(words))
        results.write(self.folder / "results", self.rows)
        if plots:
            from raven_core.evaluation.plots import draw

            draw(self.data, self.folder / "plots", words)


def sample_groups(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Row]]:
    """Rows by sample, (task, id), and then by cell: what a browser of samples shows side by side."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row["task"], row["id"]), {})[row["cell"]] = row
    return found
