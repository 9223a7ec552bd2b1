"""Neighbours and examples as cards, as HTML. What a press means travels in ``data-act`` and ``data-id``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from raven_core.types import Neighbour
from raven_core.ui.markup import esc, picture, shorten
from raven_core.ui.words import say

LEAVE_OUT, PUT_BACK, PUT_ALL_BACK, PICK = "leave-out", "put-back", "put-all-back", "pick"

PRESS = """
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-act]');
  if (pressed) trigger('press', {act: pressed.dataset.act, id: pressed.dataset.id || ''});
});
"""
"""Run once in the browser for each list of cards: one listener, so that new cards need no wiring."""


@dataclass(frozen=True)
class Example:
    """One example of a profile: its picture, what is asked of it, what it shows, and right answers where known."""

    image: Image.Image
    title: str
    split: str
    question: str | None = None
    note: str = ""
    known_failure: bool = False
    references: tuple[str, ...] = ()


def neighbours(
    found: Sequence[Neighbour],
    modalities: Collection[str],
    excluded: Mapping[str, str] | None = None,
    asked: int | None = None,
) -> str:
    """The neighbours, most similar first; halves that were not fed to the model are dimmed and say so.

    ``excluded`` maps the ids that were left out to their captions; ``asked`` is the k that was asked for.
    """
    parts = [f"<h3>{esc(say('neighbours'))}</h3>", left_out(excluded or {})]
    if not found:
        parts.append(f'<p class="rv-line">{esc(say("neighbours_none"))}</p>')
    elif asked is not None and len(found) < asked:
        parts.append(f'<p class="rv-line">{esc(say("neighbours_short", found=len(found), asked=asked))}</p>')
    ordered = sorted(found, key=lambda neighbour: neighbour.rank)
    parts.append(f'<ol class="rv-cards">{"".join(_card(neighbour, modalities) for neighbour in ordered)}</ol>')
    return f'<section class="rv-neighbours">{"".join(parts)}</section>'


def neighbours_waiting(excluded: Mapping[str, str]) -> str:
    """What stands in the neighbours' place between a press and the next answer."""
    return (
        f'<section class="rv-neighbours rv-waiting"><h3>{esc(say("neighbours"))}</h3>{left_out(excluded)}'
        f'<p class="rv-line">{esc(say("searching"))}</p></section>'
    )


def left_out(excluded: Mapping[str, str]) -> str:
    """The pairs a person left out, each a button that puts it back."""
    if not excluded:
        return ""
    chips = "".join(
        f'<button type="button" class="rv-chip" data-act="{PUT_BACK}" data-id="{esc(identifier)}" '
        f'aria-label="{esc(say("put_back_label", caption=caption or identifier))}">'
        f'{esc(shorten(caption or identifier, 32))} <span aria-hidden="true">↺</span></button>'
        for identifier, caption in excluded.items()
    )
    everything = (
        f'<button type="button" class="rv-chip" data-act="{PUT_ALL_BACK}">{esc(say("put_all_back"))}</button>'
        if len(excluded) > 1
        else ""
    )
    return f'<p class="rv-left-out"><span>{esc(say("left_out"))}</span>{chips}{everything}</p>'


def _card(neighbour: Neighbour, modalities: Collection[str]) -> str:
    nearest = f'<span class="rv-badge">{esc(say("nearest"))}</span>' if neighbour.rank == 1 else ""
    width = f"{100 * min(max(neighbour.similarity, 0.0), 1.0):.0f}"
    return (
        f'<li class="rv-card"><div class="rv-shot">{_image(neighbour, "image" in modalities)}'
        f'<span class="rv-rank" aria-hidden="true">{neighbour.rank}</span>{nearest}</div>'
        f"{_caption(neighbour, 'text' in modalities)}"
        f'<div class="rv-similarity"><span class="rv-bar" aria-hidden="true"><i style="width:{width}%"></i></span>'
        f"<span>{esc(say('similarity', value=f'{neighbour.similarity:.3f}'))}</span></div>"
        f'<button type="button" class="rv-leave" data-act="{LEAVE_OUT}" data-id="{esc(neighbour.id)}" '
        f'aria-label="{esc(say("leave_out_label", rank=neighbour.rank))}">{esc(say("leave_out"))}</button></li>'
    )


def _image(neighbour: Neighbour, is_fed: bool) -> str:
    if neighbour.image is None:
        return f'<span class="rv-missing">{esc(say("no_image"))}</span>'
    alt = neighbour.caption or say("given_neighbour", rank=neighbour.rank)
    tag = "" if is_fed else f'<span class="rv-not-fed">{esc(say("not_fed"))}</span>'
    return picture(neighbour.image, alt, classes="" if is_fed else "rv-dim") + tag


def _caption(neighbour: Neighbour, is_fed: bool) -> str:
    if not (neighbour.caption or "").strip():
        return f'<p class="rv-caption rv-muted">{esc(say("no_caption"))}</p>'
    tag = "" if is_fed else f' <span class="rv-not-fed">{esc(say("not_fed"))}</span>'
    return f'<p class="rv-caption{"" if is_fed else " rv-dim-text"}">{esc(neighbour.caption)}{tag}</p>'


def examples(shown: Sequence[Example]) -> str:
    """The examples as a row of pictures; each is a button."""
    if not shown:
        return ""
    items = "".join(_example(number, example) for number, example in enumerate(shown))
    title = f'<h4 id="rv-examples-title">{esc(say("examples"))}</h4>'
    return f'<div class="rv-examples">{title}<ul aria-labelledby="rv-examples-title">{items}</ul></div>'


def _example(number: int, example: Example) -> str:
    label = say("example_try", title=example.title)
    tip = " · ".join(part for part in (example.title, example.question or "", example.note) if part)
    badge = say("known_failure") if example.known_failure else example.split
    kind = "failure" if example.known_failure else "split"
    asks = '<span class="rv-asks" aria-hidden="true">?</span>' if example.question else ""
    return (
        f'<li><button type="button" class="rv-example" data-act="{PICK}" data-id="{number}" title="{esc(tip)}" '
        f'aria-label="{esc(label)}, {esc(badge)}">{picture(example.image, "", 160)}{asks}'
        f'<span class="rv-tag rv-tag-{kind}">{esc(badge)}</span></button></li>'
    )
