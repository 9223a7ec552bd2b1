"""A ``Generation`` → what the page shows, as HTML. Pure functions: no browser, no gradio, no models."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from raven_core import prompting
from raven_core.errors import RavenError
from raven_core.types import NEAREST_LAST, Generation, Neighbour, Token
from raven_core.ui.markup import callout, esc, percent, picture, seconds, shorten
from raven_core.ui.words import say

UNSURE = 0.5  # words less probable than this are dotted
STAGES = ("decode", "encode", "search", "prompt", "generate")


@dataclass(frozen=True)
class Word:
    """A word of an answer with its probability: the product over its tokens."""

    text: str
    probability: float


def words_of(tokens: Sequence[Token], text: str) -> list[Word]:
    """The words of ``text`` with their probabilities; probability 1 where the tokens do not spell the text."""
    if "".join(token.text for token in tokens).split() != text.split():
        return [Word(word, 1.0) for word in text.split()]
    words: list[Word] = []
    spelled, logprob = "", 0.0
    for token in tokens:
        if token.text[:1].isspace() and spelled.strip():
            words.append(Word(spelled.strip(), math.exp(logprob)))
            spelled, logprob = "", 0.0
        if token.text.strip():  # a bare space or an end mark belongs to no word
            logprob += token.logprob
        spelled += token.text
    if spelled.strip():
        words.append(Word(spelled.strip(), math.exp(logprob)))
    return words if [word.text for word in words] == text.split() else [Word(word, 1.0) for word in text.split()]


def fed(generation: Generation) -> str:
    """What of the neighbours the model was given, in words."""
    if not generation.neighbours or not generation.modalities:
        return say("fed_none")
    return say("fed_both" if len(generation.modalities) == 2 else f"fed_{next(iter(generation.modalities))}")


def answer(generation: Generation, question: str | None, stopped: bool = False) -> str:
    """The answer card; while it streams, a caret stands at its end and screen readers wait."""
    busy = not generation.finished and not stopped
    kind = say("answer_caption") if question is None else say("answer_question")
    eyebrow = " · ".join([kind, fed(generation), generation.adapter or say("made_base")])
    asked = f'<p class="rv-asked">{esc(question)}</p>' if question is not None else ""
    parts = [f'<p class="rv-eyebrow">{esc(eyebrow)}</p>', asked, _answer_text(generation, busy)]
    if stopped:
        parts.append(callout("hint", say("stopped"), say("stopped_hint")))
    elif generation.tokens:
        parts.append(confidence(generation, with_legend=not busy))
    return f'<section class="rv-answer" aria-live="polite" aria-busy="{str(busy).lower()}">{"".join(parts)}</section>'


def _answer_text(generation: Generation, busy: bool) -> str:
    caret = '<span class="rv-caret" aria-hidden="true"></span>' if busy else ""
    if not generation.text.strip():
        waiting = say("searching") if busy else say("empty_answer")
        return f'<p class="rv-text rv-muted">{esc(waiting)}{caret}</p>'
    return f'<p class="rv-text" id="rv-answer-text">{_marked_words(generation)}{caret}</p>'


def _marked_words(generation: Generation) -> str:
    shown = []
    for word in words_of(generation.tokens, generation.text):
        title = esc(say("word_probability", percent=percent(word.probability)))
        unsure = ' class="rv-unsure"' if word.probability < UNSURE else ""
        shown.append(f'<span{unsure} title="{title}">{esc(word.text)}</span>')
    return " ".join(shown)


def confidence(generation: Generation, with_legend: bool = True) -> str:
    """The model's confidence as a bar and a number, and what it means."""
    value = percent(generation.confidence)
    unsure = any(word.probability < UNSURE for word in words_of(generation.tokens, generation.text))
    legend = f'<span class="rv-legend">{esc(say("unsure_words", percent=percent(UNSURE)))}</span>' if unsure else ""
    return (
        f'<div class="rv-confidence" title="{esc(say("confidence_hint"))}"><span>{esc(say("confidence"))}</span>'
        f'<span class="rv-bar" role="img" aria-label="{value} %"><i style="width:{value}%"></i></span>'
        f"<b>{value} %</b>{legend if with_legend else ''}</div>"
    )


def welcome(memory_title: str = "") -> str:
    """What stands in the answer's place before the first question."""
    memory = memory_title or say("memory_fallback")
    steps = "".join(f"<li>{esc(say(f'welcome_step_{number}', memory=memory))}</li>" for number in (1, 2, 3))
    return f'<section class="rv-welcome"><h2>{esc(say("welcome"))}</h2><ol>{steps}</ol></section>'


def far_warning(neighbours: Sequence[Neighbour], threshold: float, false_alarm: float) -> str:
    """The warning that the image may lie outside the memory; ``false_alarm`` is a share in [0, 1]."""
    if not neighbours:
        return callout("warning", say("far"), say("far_body_empty"))
    nearest = max(one.similarity if one.image_similarity is None else one.image_similarity for one in neighbours)
    body = say(
        "far_body",
        similarity=f"{nearest:.2f}",
        threshold=f"{threshold:.2f}",
        alarm=percent(false_alarm),
    )
    return callout("warning", say("far"), body)


def error(problem: BaseException | str) -> str:
    """An inline message; anything but a ``RavenError`` or plain words is not shown to people."""
    known = isinstance(problem, (RavenError, str))
    return callout("error", say("error"), str(problem) if known else say("error_unexpected"), role="alert")


def progress() -> str:
    """A moving line at the top of the page, until something else stands in the notice's place."""
    return '<div class="rv-progress" aria-hidden="true"></div>'


def given(generation: Generation, query_image: Image.Image | None, order: str = NEAREST_LAST) -> str:
    """The prompt as the model got it: its images in reading order, and the rendered text verbatim."""
    shown: list[tuple[Image.Image, str]] = []
    if "image" in generation.modalities:
        for neighbour in prompting.order_neighbours(generation.neighbours, order):  # type: ignore[arg-type]
            if neighbour.image is not None:
                shown.append((neighbour.image, say("given_neighbour", rank=neighbour.rank)))
    if query_image is not None:
        shown.append((query_image, say("given_query")))
    figures = "".join(
        f"<figure>{picture(image, label, 120)}<figcaption>{esc(label)}</figcaption></figure>" for image, label in shown
    )
    return (
        f'<div class="rv-given"><h4>{esc(say("given_images", count=len(shown)))}</h4>'
        f'<div class="rv-strip">{figures}</div>'
        f'<h4>{esc(say("given_text"))}</h4><pre tabindex="0">{esc(generation.prompt)}</pre></div>'
    )


def made(generation: Generation, fingerprints: Mapping[str, str] | None = None) -> str:
    """How the answer came about: model, adapter, seed, and the time of each stage."""
    rows = [
        (say("made_model"), generation.model),
        (say("made_adapter"), generation.adapter or say("made_base")),
        (say("made_seed"), str(generation.seed)),
    ]
    if fingerprints and "memory" in fingerprints:
        rows.insert(2, (say("made_memory"), fingerprints["memory"][:12]))
    facts = "".join(f"<div><dt>{esc(name)}</dt><dd>{esc(value)}</dd></div>" for name, value in rows)
    return f'<div class="rv-made"><dl>{facts}</dl>{timings(generation.timings)}</div>'


def timings(spent: Mapping[str, float]) -> str:
    """A bar cut by stage and the seconds of each; nothing when nothing was timed."""
    stages = [(stage, spent[stage]) for stage in STAGES if stage in spent]
    whole = sum(value for _, value in stages)
    if not stages or whole <= 0:
        return ""
    cuts = "".join(f'<i class="rv-stage-{stage}" style="flex:{value / whole:.4f}"></i>' for stage, value in stages)
    keys = "".join(
        f'<li class="rv-stage-{stage}"><span>{esc(say(f"stage_{stage}"))}</span> {seconds(value)}</li>'
        for stage, value in stages
    )
    total = esc(say("made_total", seconds=seconds(spent.get("total", whole))))
    listed = f"<ul>{keys}<li><b>{total}</b></li></ul>"
    return f'<div class="rv-timings"><div class="rv-cut" aria-hidden="true">{cuts}</div>{listed}</div>'


@dataclass(frozen=True)
class Cell:
    """One column of a comparison: its name and its answer, or None while it is still waited for."""

    name: str
    generation: Generation | None


def comparison(cells: Sequence[Cell]) -> str:
    """Answers side by side; words that the first one does not have are marked."""
    first = cells[0].generation if cells else None
    columns = "".join(_cell(cell, None if number == 0 else first) for number, cell in enumerate(cells))
    return (
        f'<section class="rv-compare" aria-live="polite"><h3>{esc(say("compare_title"))}</h3>'
        f'<div class="rv-cells">{columns}</div><p class="rv-legend">{esc(say("compare_hint"))}</p></section>'
    )


def _cell(cell: Cell, against: Generation | None) -> str:
    if cell.generation is None:
        return f'<div class="rv-cell rv-muted"><h4>{esc(cell.name)}</h4><p>{esc(say("compare_waiting"))}</p></div>'
    text = cell.generation.text
    body = esc(text) if against is None else marked_difference(against.text, text)
    badge = ""
    if against is not None and cell.generation.finished:
        same = against.text.split() == text.split()
        word = say("compare_same") if same else say("compare_changed")
        badge = f'<span class="rv-badge rv-{"same" if same else "changed"}">{esc(word)}</span>'
    return (
        f'<div class="rv-cell"><h4>{esc(cell.name)}{badge}</h4><p>{body or esc(say("empty_answer"))}</p>'
        f'<p class="rv-small">{esc(say("confidence"))} {percent(cell.generation.confidence)} %</p></div>'
    )


def marked_difference(before: str, after: str) -> str:
    """``after`` as HTML, its words that ``before`` does not have at that place in ``<mark>``."""
    old, new = before.split(), after.split()
    parts: list[str] = []
    for kind, _, _, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        words = esc(" ".join(new[start:end]))
        if words:
            parts.append(words if kind == "equal" else f"<mark>{words}</mark>")
    return " ".join(parts)


def saved(verdict: str, count: int, details: bool = False) -> str:
    """The line that says a judgment is in the database."""
    what = say("saved", verdict=say(f"verdict_{verdict}"))
    more = f", {say('saved_details')}" if details else ""
    return _line("saved", f"<b>✓ {esc(what)}{esc(more)}</b> <span>{esc(running_count(count))}</span>")


def running_count(count: int) -> str:
    """How many judgments this person has given, in words."""
    return say("saved_count_one") if count == 1 else say("saved_count", count=count)


def previous(verdict: str, output: str, count: int) -> str:
    """The line about the last judgment, when another answer is on the screen."""
    words = say("previous", verdict=say(f"verdict_{verdict}"), output=shorten(output))
    return _line("previous", f"<span>{esc(words)}</span> <span>{esc(running_count(count))}</span>")


def withdrawn(count: int) -> str:
    """The line after a judgment was taken back."""
    return _line("previous", f"<b>{esc(say('withdrawn'))}</b> <span>{esc(running_count(count))}</span>")


def hint(text: str) -> str:
    """A quiet line."""
    return _line("hint", f"<span>{esc(text)}</span>") if text else ""


def _line(kind: str, inner: str) -> str:
    return f'<p class="rv-line rv-line-{kind}" role="status">{inner}</p>'
