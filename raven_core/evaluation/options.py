"""What an evaluation is asked for, checked before anything loads."""

from __future__ import annotations

from dataclasses import dataclass

from raven_core.counterfactuals import Kind, check_kind
from raven_core.errors import OptionError
from raven_core.types import CELLS


@dataclass(frozen=True)
class Options:
    """What is to be measured; ``None`` means: as the settings and the profile say.

    Params:
        cells: cells of the ablation, of none, text, image, both.
        adapter: the adapter of these cells.
        baseline: also ask the profile's ``no-retrieval`` adapter, without neighbours.
        floors: also copy the nearest neighbour's caption, and ask the model without adapter for an answer from the
            captions alone.
        k: how many neighbours.
        neighbours: ``retrieved``, or counterfactual ones.
        leak_caps: quantiles, 0 to 1, of the similarity between queries and their neighbours; for each, the richest
            cell is asked again without the memory items that are more similar than that.
        seed: of everything that is drawn.
        batch: query images at a time, and prompts in one pass of the model; fewer for large models.
        max_new_tokens: limit on an answer's length, in tokens.
        plots: draw the plots.
    """

    cells: tuple[str, ...] = ("none", "text", "image", "both")
    adapter: str | None = None
    baseline: bool = True
    floors: bool = True
    k: int | None = None
    neighbours: Kind = "retrieved"
    leak_caps: tuple[float, ...] = ()
    seed: int = 0
    batch: int = 64
    max_new_tokens: int | None = None
    plots: bool = True

    def __post_init__(self) -> None:
        """Raises OptionError naming the first option that is unknown or out of range."""
        unknown = [cell for cell in self.cells if cell not in CELLS]
        if unknown or not self.cells:
            raise OptionError(f"Unknown cell {(unknown or [''])[0]!r}: use one or more of {', '.join(CELLS)}.")
        check_kind(self.neighbours)
        wrong = [cap for cap in self.leak_caps if not 0 <= cap <= 1]
        if wrong:
            raise OptionError(f"The leak cap {wrong[0]} is no quantile: use numbers from 0 to 1.")
        if self.batch < 1:
            raise OptionError(f"The batch is {self.batch}: use 1 or more images.")
        object.__setattr__(self, "cells", tuple(dict.fromkeys(self.cells)))
        object.__setattr__(self, "leak_caps", tuple(sorted(set(self.leak_caps), reverse=True)))


def parse_cells(text: str) -> tuple[str, ...]:
    """``none,text,both`` as names of cells, blanks and case aside."""
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def parse_caps(text: str) -> tuple[float, ...]:
    """``0.9,0.5`` as quantiles.

    Raises:
        OptionError: one of them is not a number.
    """
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise OptionError(f"The leak caps {text!r} are not numbers: write them as 0.99,0.9,0.5.") from None
