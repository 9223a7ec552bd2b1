"""Answers to one query side by side: what differs, word by word, and whether retrieval helped. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from raven_core.answer_scores import Metric, scored
from raven_core.errors import OptionError
from raven_core.types import CELLS, Generation, Modality, Neighbour

BASELINE = "baseline"
"""The cell of the adapter that never saw a neighbour, which gets none."""

BASELINE_ADAPTER = "no-retrieval"
"""What that adapter is called in a profile that has one."""

STUDY_CELLS: tuple[str, ...] = (*CELLS, BASELINE)

Effect: TypeAlias = Literal["helped", "hurt", "no change", "changed", "same"]
"""What a cell did against the first: known (helped, hurt, no change), or only seen (changed, same)."""

CellKey: TypeAlias = tuple[str, int]
"""A cell by name and number of neighbours asked for."""


@dataclass(frozen=True)
class Change:
    """A stretch of words: ``before`` in the answer compared with, ``after`` in this one; alike where ``equal``."""

    kind: Literal["equal", "replace", "insert", "delete"]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ComparedCell:
    """One cell's answer against the first cell's. ``score`` is a fraction (CIDEr up to 10), None without references."""

    name: str
    k: int
    generation: Generation
    effect: Effect
    changes: tuple[Change, ...]
    score: float | None = None

    @property
    def key(self) -> CellKey:
        """Name and k."""
        return self.name, self.k


@dataclass(frozen=True, eq=False)
class Comparison:
    """One query in several cells, answered in one batch.

    ``base`` is the cell that the others are compared with: ``none`` where it is among them, else the first. ``metric``
    says what the scores are, ``noise`` the largest difference of scores that still counts as no change; None without
    references. ``neighbours`` are those of the largest k; ``removed`` those that the leak cap took away; ``unused`` the
    ids of edits that met no neighbour. ``timings`` are seconds per stage, of all cells together.
    """

    question: str | None
    cells: tuple[ComparedCell, ...]
    base: CellKey
    neighbours: tuple[Neighbour, ...] = ()
    removed: tuple[Neighbour, ...] = ()
    unused: tuple[str, ...] = ()
    metric: Metric | None = None
    noise: float | None = None
    timings: Mapping[str, float] = field(default_factory=dict)

    def cell(self, name: str, k: int | None = None) -> ComparedCell:
        """The cell with this name; of several k the one asked for, else the largest.

        Raises:
            OptionError: it was not asked.
        """
        found = [one for one in self.cells if one.name == name and k in (None, one.k)]
        if not found:
            raise OptionError(f"The comparison has no cell {name!r}{'' if k is None else f' with k = {k}'}.")
        return max(found, key=lambda one: one.k)

    def with_pick(self, good: Collection[CellKey]) -> Comparison:
        """The comparison judged by a person, who found these cells' answers good and the others not."""
        base = self.base in good

        def judged(cell: ComparedCell) -> ComparedCell:
            picked = cell.key in good
            return replace(cell, effect="no change" if picked == base else "helped" if picked else "hurt")

        return replace(self, cells=tuple(judged(cell) for cell in self.cells))


def cell_modalities(name: str) -> frozenset[Modality]:
    """What a cell feeds of the neighbours; nothing for ``none`` and ``baseline``.

    Raises:
        OptionError: there is no such cell.
    """
    if name not in STUDY_CELLS:
        raise OptionError(f"Unknown cell {name!r}: use one of {', '.join(map(repr, STUDY_CELLS))}.")
    return CELLS.get(name, frozenset())


def word_changes(before: str, after: str) -> tuple[Change, ...]:
    """What makes ``after`` out of ``before``, in stretches of words parted by blanks."""
    old, new = before.split(), after.split()
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple(Change(kind, tuple(old[a:b]), tuple(new[c:d])) for kind, a, b, c, d in codes)  # type: ignore[arg-type]


def compare_answers(
    question: str | None,
    answers: Sequence[tuple[str, int, Generation]],
    references: Sequence[str] | None = None,
    known: Sequence[str] = (),
) -> Comparison:
    """Answers (cell, k, generation), judged against the ``none`` cell or else the first.

    Params:
        known: captions of other images, which tell how rare words are.
    Raises:
        OptionError: there is no answer.
    """
    if not answers:
        raise OptionError("There is nothing to compare: ask for at least one cell.")
    name, k, base = next((one for one in answers if one[0] == "none"), answers[0])
    truths = _given(references)
    told = scored([one.text for _, _, one in answers], truths, question, known) if truths else None
    noise, metric = (None, None) if told is None else (told.noise, told.metric)
    scores: Sequence[float | None] = [None] * len(answers) if told is None else told.scores
    base_score = next(s for (n, m, _), s in zip(answers, scores, strict=True) if (n, m) == (name, k))
    cells = tuple(
        ComparedCell(
            name=n,
            k=m,
            generation=one,
            effect=effect_of(one.text, base.text, score, base_score, noise),
            changes=word_changes(base.text, one.text),
            score=score,
        )
        for (n, m, one), score in zip(answers, scores, strict=True)
    )
    return Comparison(question, cells, (name, k), metric=metric, noise=noise)


def effect_of(text: str, base: str, score: float | None, base_score: float | None, noise: float | None) -> Effect:
    """What a cell did: by scores that differ by more than their noise, or else by whether the words differ."""
    if score is None or base_score is None or noise is None:
        return "same" if text.split() == base.split() else "changed"
    if abs(score - base_score) <= noise + 1e-9:  # 1 - 0.9 is a little less than 0.1, 0.9 - 0.8 a little more
        return "no change"
    return "helped" if score > base_score else "hurt"


def _given(references: Sequence[str] | None) -> list[str]:
    """References that say something.

    Raises:
        OptionError: they are one text and not a list of texts.
    """
    if isinstance(references, str):
        raise OptionError("References are a list of texts, also where there is only one.")
    return [text for text in references or () if text.strip()]
