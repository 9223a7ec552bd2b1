"""What an attribution says, in plain words: bars, coloured words, warnings, and the one sentence that sums it up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from raven_core.attribution import PARTS, Attribution, Part
from raven_core.comparison import ComparedCell, Comparison
from raven_core.types import Generation
from raven_core.ui.markup import callout, esc, percent, shorten
from raven_core.ui.words import say
from raven_core.wording import UNLIKELY, AnswerWord

SLIGHT = 0.1
"""Nats: a factor below 1.11 is not worth a word."""

COLOURS = 6
"""Colours of neighbours in the style sheet; later ranks use them again."""


@dataclass(frozen=True)
class Cause:
    """The neighbour that spoke most for an answer: its rank, the part of it, its nats, and the phrases it gave."""

    rank: int
    part: Part
    nats: float
    phrases: tuple[str, ...] = ()


def factor(nats: float) -> str:
    """e to the |nats| as people read it: 2.3 → ``10``, 0.5 → ``1.6``, 9 → ``more than 1000``."""
    times = math.exp(min(abs(nats), 20.0))
    return f"{times:.1f}" if times < 9.95 else f"{times:.0f}" if times < 1000 else say("factor_huge")


def told(nats: float) -> str:
    """A share in plain words."""
    if abs(nats) < SLIGHT:
        return say("share_slight")
    return say("share_more" if nats > 0 else "share_less", factor=factor(nats))


def scale_of(attribution: Attribution) -> float:
    """The nats of a full bar: the largest share, and one nat at least, so that noise does not look like a cause."""
    return max([1.0, *(abs(share.nats) for share in attribution.shares)])


def shares_of(attribution: Attribution, rank: int) -> dict[Part, float]:
    """The shares of one neighbour, in the order text, image, both."""
    known = {share.part: share.nats for share in attribution.shares if share.rank == rank}
    return {part: known[part] for part in PARTS if part in known}


def bars(attribution: Attribution, rank: int, modalities: frozenset[str]) -> str:
    """One neighbour's shares as bars to the right (spoke for the answer) or left (spoke against it)."""
    fed = [part for part in PARTS if part in modalities or (part == "both" and len(modalities) > 1)]
    found, scale = shares_of(attribution, rank), scale_of(attribution)
    rows = "".join(_bar(part, found[part], scale) for part in fed if part in found)
    return f'<dl class="rv-shares">{rows}</dl>' if rows else ""


def _bar(part: Part, nats: float, scale: float) -> str:
    width = f"{50 * min(abs(nats) / scale, 1.0):.1f}"
    side = "for" if nats > 0 else "against"
    tip = say("share_nats", nats=f"{nats:+.2f}")
    return (
        f'<div title="{esc(tip)}"><dt>{esc(say(f"part_{part}"))}</dt>'
        f'<dd><span class="rv-signed" aria-hidden="true"><i class="rv-{side}" style="width:{width}%"></i></span>'
        f"<span>{esc(told(nats))}</span></dd></div>"
    )


def coloured(words: Sequence[AnswerWord], shares: Mapping[int, float]) -> str:
    """The answer, its words in the colour of the neighbour whose caption holds them.

    Params:
        shares: nats of each neighbour's caption by rank; of several holders the one with most colours the word.
    """
    ranks = [max(word.holders, key=lambda one: (shares.get(one, 0.0), -one), default=None) for word in words]
    # the number stands once, behind the last word of a run
    ends = [rank != after for rank, after in zip(ranks, [*ranks[1:], None], strict=True)]
    return " ".join(_coloured(*one) for one in zip(words, ranks, ends, strict=True))


def _coloured(word: AnswerWord, rank: int | None, is_end: bool) -> str:
    tip = say("word_both", percent=percent(word.probability), without=percent(word.probability_without))
    if rank is None:
        return f'<span title="{esc(tip)}">{esc(word.text)}</span>'
    tip = f"{say('word_holders', ranks=say('list_join').join(map(str, word.holders)))} · {tip}"
    copied = " rv-copied" if is_copied(word) else ""
    return (
        f'<span class="rv-from rv-from-{(rank - 1) % COLOURS + 1}{copied}" title="{esc(tip)}">{esc(word.text)}'
        f"{f'<sup>{rank}</sup>' if is_end else ''}</span>"
    )


def is_copied(word: AnswerWord) -> bool:
    """Whether the model would hardly have said the word by itself, though a caption does."""
    return bool(word.holders) and word.probability_without < UNLIKELY


def majority(attribution: Attribution) -> str:
    """The warning about words that most captions say; nothing where there are none."""
    if not attribution.majority:
        return ""
    lines = [
        say(
            "majority_word",
            word=word.text,
            holders=len(word.holders),
            captions=word.captions,
            without=percent(word.probability_without),
        )
        for word in attribution.majority
    ]
    return callout("warning", say("majority"), say("sentence_join").join([*lines, say("majority_body")]))


def cause_of(attribution: Attribution, modalities: frozenset[str]) -> Cause | None:
    """The neighbour that made the answer most likely, and through what; None where none of them mattered."""
    part: Part = "both" if len(modalities) > 1 else "text" if "text" in modalities else "image"
    own = {share.rank: share.nats for share in attribution.shares if share.part == part}
    # two neighbours that say the same each matter little alone: their captions still hold the words
    rank = max(own, key=lambda one: (own[one], -one), default=None)
    if rank is None or own[rank] < SLIGHT:
        return None
    shares = shares_of(attribution, rank)
    through: Part = part
    if len(modalities) > 1 and {"text", "image"} <= shares.keys():
        through = "text" if shares["text"] >= shares["image"] else "image"
    return Cause(rank, through, own[rank], phrases(attribution.words, rank) if through == "text" else ())


def phrases(words: Sequence[AnswerWord], rank: int) -> tuple[str, ...]:
    """The runs of words that were copied from one neighbour's caption, longest first, each once."""
    runs = groupby(words, lambda word: is_copied(word) and rank in word.holders)
    found = (" ".join(word.text for word in run).strip(".,;:!?") for is_from, run in runs if is_from)
    return tuple(sorted(dict.fromkeys(found), key=len, reverse=True))


def finding(comparison: Comparison, cell: ComparedCell, attribution: Attribution | None) -> str:
    """What retrieval did here, and why as far as it is known: one sentence or two."""
    effect = _effect(comparison, cell)
    if attribution is None:
        return effect
    cause = cause_of(attribution, frozenset(cell.generation.modalities))
    return effect + say("sentence_join") + (say("finding_nobody") if cause is None else _because(cause))


def _effect(comparison: Comparison, cell: ComparedCell) -> str:
    same = cell.generation.text.split() == _base(comparison).text.split()
    if cell.effect == "no change" and same:
        return say("finding_same")
    kind = cell.effect.replace(" ", "-")
    return say(f"finding_{kind}")


def _base(comparison: Comparison) -> Generation:
    return comparison.cell(*comparison.base).generation


def _because(cause: Cause) -> str:
    if cause.phrases:
        words = say("list_join").join(f"“{shorten(phrase, 70)}”" for phrase in cause.phrases[:2])
        return say("finding_copied", rank=cause.rank, words=words, factor=factor(cause.nats))
    return say(f"finding_through_{cause.part}", rank=cause.rank, factor=factor(cause.nats))
