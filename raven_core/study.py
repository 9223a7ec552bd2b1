"""The studies of one query that ``Raven`` offers: neighbours altered, cells compared, an answer attributed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from raven_core import attribution, study_attribute, study_compare
from raven_core.clock import Clock
from raven_core.comparison import Comparison
from raven_core.edits import AddedPair, Gathered, NeighbourEdit
from raven_core.images import ImageSource
from raven_core.study_neighbours import Alteration, Gatherer
from raven_core.types import MODALITIES, Generation

if TYPE_CHECKING:
    from raven_core.pipeline import Raven


class Studies:
    """Methods of ``Raven``."""

    @property
    def _raven(self) -> Raven:
        return cast("Raven", self)  # nothing else has these methods

    def gather(
        self,
        image: ImageSource,
        question: str | None = None,
        *,
        neighbours: str = "retrieved",
        leak_cap: float | None = None,
        edits: Sequence[NeighbourEdit] = (),
        added: Sequence[AddedPair] = (),
        references: Sequence[str] | None = None,
        **options: Any,
    ) -> Gathered:
        """The neighbours of one query, altered as ``compare`` does it, without an answer: give them to ``answer``."""
        alteration = Alteration.checked(
            self._raven, neighbours=neighbours, leak_cap=leak_cap, edits=edits, added=added, references=references
        )
        raven = self._raven
        request = raven.request(question, modalities=MODALITIES, **options)
        return Gatherer(raven, raven.query(image, request), request, alteration, Clock()).take(request.k)

    def compare(
        self,
        image: ImageSource,
        question: str | None = None,
        cells: Sequence[str] | None = None,
        *,
        ks: Sequence[int] | None = None,
        neighbours: str = "retrieved",
        references: Sequence[str] | None = None,
        leak_cap: float | None = None,
        edits: Sequence[NeighbourEdit] = (),
        added: Sequence[AddedPair] = (),
        cancel: threading.Event | None = None,
        **options: Any,
    ) -> Comparison:
        """What each retrieved modality did: the same query in several cells, with one retrieval and one batch.

        Params:
            cells: of ``none``, ``text``, ``image``, ``both``, and ``baseline``: no neighbours, the adapter
                "no-retrieval"; None for all that the profile can answer.
            ks: numbers of neighbours as a second axis; None for ``k`` alone.
            neighbours: what the model is shown: ``retrieved``, or the counterfactual ``random``, ``shuffled``,
                ``cross-paired``, ``oracle`` (see ``raven_core.counterfactuals``); drawn with the seed.
            references: right captions or answers: they say which cells helped, and what an oracle looks for.
            leak_cap: image cosine above which neighbours are removed, and the next ones taken.
            edits: changes to neighbours for this query only; one left out makes room for the next.
            added: pairs that stand among the neighbours for this query only.
            cancel: once set, the answers end where they are and are not ``finished``.
            options: those of ``answer``, but for ``modalities``.
        Raises:
            ImageError, QuestionError, OptionError, AdapterError: what was given cannot be used.
        """
        alteration = Alteration.checked(
            self._raven, neighbours=neighbours, leak_cap=leak_cap, edits=edits, added=added, references=references
        )
        return study_compare.compare(self._raven, image, question, cells, ks, alteration, cancel, options)

    def attribute(
        self,
        generation: Generation,
        image: ImageSource,
        question: str | None = None,
        method: str = "loo",
        parts: Sequence[str] = attribution.PARTS,
    ) -> attribution.Attribution:
        """Which neighbour, and what of it, caused an answer: what leaving it out does to the answer's log-likelihood.

        After ContextCite (Cohen-Wang et al. 2024, arXiv 2409.00729), but exact: every prompt is scored.

        Params:
            generation: the answer; its image and question as they were asked.
            method: ``loo`` leaves one neighbour out at a time; ``shapley`` (at most 5 neighbours) weighs what
                each adds to every subset of the others, so that the shares of a part sum to its whole effect.
            parts: of "text", "image" and "both": what of a neighbour is left out.
        Raises:
            ImageError, QuestionError, OptionError, AdapterError: what was given cannot be used.
        """
        chosen = attribution.check_method(method), attribution.check_parts(parts)
        return study_attribute.attribute(self._raven, generation, image, question, *chosen)
