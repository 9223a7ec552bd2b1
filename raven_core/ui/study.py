"""What one person studies on the Compare tab: a query in several cells, and what they changed about its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from raven_core.attribution import Attribution
from raven_core.comparison import CellKey, ComparedCell, Comparison
from raven_core.edits import ADDED, AddedPair, NeighbourEdit
from raven_core.types import Neighbour
from raven_core.ui.sitting import Form
from raven_core.ui.turns import Turn, Turns

NO_CAP = 1.0
"""The leak cap that takes no neighbour away: no cosine is above it."""


@dataclass(frozen=True)
class Setup:
    """What a comparison is asked with: the form of the Explore tab, and the switches of this one."""

    form: Form
    kind: str = "retrieved"
    ks: tuple[int, ...] = ()
    leak_cap: float = NO_CAP
    references: tuple[str, ...] = ()


@dataclass
class Study:
    """The state of the tab. ``right`` holds the answers that the person found right, as texts: cells may share one.

    ``before`` is the last comparison with unchanged neighbours; ``explained`` is the cell that ``attribution`` is
    about, or that the person wants explained; ``labels`` are the captions that edited neighbours had.
    """

    setup: Setup | None = None
    image: Image.Image | None = None
    comparison: Comparison | None = None
    before: Comparison | None = None
    attribution: Attribution | None = None
    explained: CellKey | None = None
    right: set[str] = field(default_factory=set)
    edits: dict[str, NeighbourEdit] = field(default_factory=dict)
    added: list[AddedPair] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)

    @property
    def is_changed(self) -> bool:
        """Whether the person changed anything about the neighbours."""
        return bool(self.edits or self.added)

    def clear(self) -> None:
        """Another image: nothing of the old one stays, and a run that is under way is over."""
        with self.turns.quiet():
            self.turns.change()
            self.setup = self.image = self.comparison = self.before = self.attribution = self.explained = None
            self.right.clear()
            self.undo()

    def keep(self, turn: Turn, setup: Setup, image: Image.Image, comparison: Comparison) -> bool:
        """Take a comparison over, unless its turn is over; whether it was taken."""
        with self.turns.holding(turn) as is_mine:
            if not is_mine:
                return False
            if self.setup is None or self.setup.form.question != setup.form.question:
                self.right.clear()  # another question: what was right for the last one says nothing
            self.setup, self.image, self.comparison, self.attribution = setup, image, comparison, None
            if not self.is_changed:
                self.before = comparison
            if self.explained not in {cell.key for cell in explainable(comparison)}:
                self.explained = preferred(comparison)
            return True

    def explain(self, turn: Turn, attribution: Attribution) -> bool:
        """Take an attribution of the ``explained`` cell over, unless its turn is over; whether it was taken."""
        with self.turns.holding(turn) as is_mine:
            if is_mine:
                self.attribution = attribution
            return is_mine

    @property
    def judged(self) -> Comparison | None:
        """The comparison, its effects decided by the person's own picks where there are any."""
        if self.comparison is None or not self.right:
            return self.comparison
        good = {cell.key for cell in self.comparison.cells if plain_text(cell) in self.right}
        return self.comparison.with_pick(good) if good else self.comparison

    def toggle_right(self, key: CellKey) -> None:
        """The person finds a cell's answer right, or no longer; cells that say the same go with it."""
        for cell in self.comparison.cells if self.comparison else ():
            if cell.key == key:
                self.right ^= {plain_text(cell)}

    def choose(self, key: CellKey) -> None:
        """Another cell is to be explained."""
        if self.comparison and key in {cell.key for cell in explainable(self.comparison)} and key != self.explained:
            self.explained, self.attribution = key, None

    @property
    def cell(self) -> ComparedCell | None:
        """The cell that is explained."""
        cells = self.comparison.cells if self.comparison else ()
        return next((cell for cell in cells if cell.key == self.explained), None)

    @property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """Those that the cards show: the explained cell's, or those of the comparison."""
        if self.cell is not None:
            return self.cell.generation.neighbours
        return self.comparison.neighbours if self.comparison else ()

    def edit(self, identifier: str, **changes: Any) -> bool:
        """Change a neighbour on the cards, for this query only; whether there was one to change.

        Params:
            changes: the fields of ``NeighbourEdit``. A pair that was added here is changed itself.
        """
        found = next((one for one in self.neighbours if one.id == identifier), None)
        if found is None:
            return False
        place = added_place(identifier)
        if place is not None and place < len(self.added):
            self._edit_added(place, **changes)
            return True
        self.labels.setdefault(identifier, found.caption or "")
        self.edits[identifier] = replace(self.edits.get(identifier, NeighbourEdit(identifier)), **changes)
        return True

    def _edit_added(self, place: int, exclude: bool = False, **changes: Any) -> None:
        pair = replace(self.added[place], **changes)
        if exclude or (pair.image is None and not (pair.caption or "").strip()):
            del self.added[place]
        else:
            self.added[place] = pair

    def undo(self, identifier: str = "") -> None:
        """Take back what was changed about one neighbour, or everything."""
        if identifier:
            self.edits.pop(identifier, None)
        else:
            self.edits.clear()
            self.added.clear()


def plain_text(cell: ComparedCell) -> str:
    """A cell's answer as two cells are compared by it: blanks do not count."""
    return " ".join(cell.generation.text.split())


def explainable(comparison: Comparison) -> list[ComparedCell]:
    """The cells whose answers had neighbours to come from."""
    return [cell for cell in comparison.cells if cell.generation.neighbours and cell.generation.modalities]


def preferred(comparison: Comparison) -> CellKey | None:
    """The cell to explain unasked: the one fed most, at the largest k."""
    cells: Sequence[ComparedCell] = explainable(comparison)
    if not cells:
        return None
    return max(cells, key=lambda cell: (len(cell.generation.modalities), cell.k)).key


def added_place(identifier: str) -> int | None:
    """The place, from 0, of a pair that was added, by the id that it has among the neighbours."""
    number = identifier.removeprefix(ADDED)
    return int(number) - 1 if identifier.startswith(ADDED) and number.isdecimal() else None
