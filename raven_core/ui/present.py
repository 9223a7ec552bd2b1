"""A ``Generation`` → what the page shows, as HTML. Pure functions: no browser, no gradio, no models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image

from raven_core import prompting
from raven_core.errors import RavenError
from raven_core.types import NEAREST_LAST, Generation, Neighbour
from raven_core.ui.markup import callout, esc, percent, picture, seconds, shorten
from raven_core.ui.refusals import refused
from raven_core.ui.words import say
from raven_core.wording import words_of

UNSURE = 0.5  # words less probable than this are dotted
STAGES = ("decode", "encode", "search", "prompt", "generate")


_ICON = '<svg viewBox="0 0 48 40" aria-hidden="true">{}</svg>'
_STEP_ICONS = (
    '<rect x="6" y="5" width="36" height="30" rx="4"/><circle cx="17" cy="15" r="3.5"/>'
    '<path d="M6 30l11-10 8 7 7-6 10 9"/>',
    '<rect x="4" y="4" width="17" height="14" rx="3"/><rect x="27" y="4" width="17" height="14" rx="3"/>'
    '<rect x="4" y="23" width="17" height="14" rx="3"/>'
    '<rect class="rv-lit" x="27" y="23" width="17" height="14" rx="3"/>',
    '<path d="M8 5h32a4 4 0 0 1 4 4v17a4 4 0 0 1-4 4H22l-9 7v-7H8a4 4 0 0 1-4-4V9a4 4 0 0 1 4-4z"/>'
    '<path d="M12 14h24M12 21h15"/>',
)


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
    steps = "".join(
        f"<li>{_ICON.format(icon)}<b>{esc(say(f'welcome_name_{number}'))}</b>"
        f"<span>{esc(say(f'welcome_step_{number}', memory=memory))}</span></li>"
        for number, icon in enumerate(_STEP_ICONS, 1)
    )
    return f'<section class="rv-welcome"><h2>{esc(say("welcome"))}</h2><ol>{steps}</ol></section>'


def far_warning(neighbours: Sequence[Neighbour], threshold: float, false_alarm: float) -> str:
    """The warning that the image may lie outside the memory; ``false_alarm`` is a share in [0, 1]."""
    if not neighbours:
        return callout("warning", say("far"), say("far_body_empty"))
    nearest = max(one.similarity if one.image_similarity is None else one.image_similarity for one in neighbours)
    body = say(
        "far_body",
        similarity=f"{nearest:.3f}",
        threshold=f"{threshold:.3f}",
        alarm=percent(false_alarm),
    )
    return callout("warning", say("far"), body)


def error(problem: BaseException | str) -> str:
    """An inline message; anything but a ``RavenError`` or plain words is not shown to people."""
    return callout("error", say("error"), reason(problem), role="alert")


def reason(problem: BaseException | str) -> str:
    """What may be told of a problem."""
    return refused(str(problem)) if isinstance(problem, (RavenError, str)) else say("error_unexpected")


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
    title = say("given_image") if len(shown) == 1 else say("given_images", count=len(shown))
    figures = "".join(
        f"<figure>{picture(image, label, 120)}<figcaption>{esc(label)}</figcaption></figure>" for image, label in shown
    )
    return (
        f'<div class="rv-given"><h4>{esc(title)}</h4>'
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


def saved(verdict: str, count: int, details: bool = False) -> str:
    """The line that says a judgment is in the database."""
    what = say("saved", verdict=say(f"verdict_{verdict}"))
    more = f"{say('list_join')}{say('saved_details')}" if details else ""
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
