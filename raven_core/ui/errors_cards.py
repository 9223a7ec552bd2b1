"""Judged answers as cards, and what came of asking one of them again, as HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from PIL import Image

from raven_core.errors import ImageError
from raven_core.images import load_image
from raven_core.judgments import JudgmentStore
from raven_core.ui.errors_view import told
from raven_core.ui.markup import callout, esc, picture, shorten
from raven_core.ui.words import say
from raven_core.ui.words_errors import WORDS

if TYPE_CHECKING:  # these import pandas, which takes a moment
    from raven_core.analysis import Card, Change
    from raven_core.ui.errors_findings import Findings, Replay

REPLAY = "replay"
SIDE = 320  # pixels of a card's picture

Pictures: TypeAlias = Callable[[str | None], Image.Image | None]
"""The picture of a stored file's name; None where it is gone."""


def pictures_of(store: JudgmentStore) -> Pictures:
    """The stored pictures of a store."""

    def read(file: str | None) -> Image.Image | None:
        try:
            return None if file is None else load_image(store.image_path(file), max_pixels=2**40)
        except ImageError:
            return None

    return read


def gallery(found: Findings, pictures: Pictures, can_replay: Callable[[Card], bool]) -> str:
    """One page of judged answers, the newest first."""
    from raven_core.ui.errors_findings import name_of

    cards = "".join(_card(card, pictures, name_of(card) if can_replay(card) else "") for card in found.cards)
    return f'<ol class="rv-err-cards">{cards}</ol>' if cards else ""


def place(found: Findings, on_a_page: int) -> str:
    """Which of how many answers are shown."""
    if not found.cards:
        return ""
    first = found.page * on_a_page + 1
    shown = say("errors_page", first=first, last=first + len(found.cards) - 1, count=found.overall.n)
    return f'<p class="rv-line" role="status">{esc(shown)}</p>'


def _card(card: Card, pictures: Pictures, replay: str) -> str:
    lines = [_line("errors_correction", card.correction), _line("errors_note", card.note)]
    about = [told("cell", card.cell), card.adapter, card.queue, card.annotator, card.judged[:10]]
    return (
        f'<li class="rv-err-card rv-err-{esc(card.verdict)}"><div class="rv-err-shot">{_shot(card, pictures)}</div>'
        f'<div class="rv-err-body"><p class="rv-err-tags">{_tags(card)}</p>'
        f'<p class="rv-asked">{esc(card.question or say("errors_caption_task"))}</p>'
        f'<p class="rv-err-text">{esc(card.text)}</p>{"".join(lines)}{_neighbours(card)}'
        f'<p class="rv-small">{esc(" · ".join(part for part in about if part))}</p>{_button(card, replay)}</div></li>'
    )


def _shot(card: Card, pictures: Pictures) -> str:
    image = pictures(card.image_file)
    if image is None:
        return f'<span class="rv-missing">{esc(say("errors_no_picture"))}</span>'
    return picture(image, card.question or say("errors_caption_task"), SIDE)


def _tags(card: Card) -> str:
    tags = "".join(f'<span class="rv-err-tag">{esc(told("tag", tag))}</span>' for tag in card.tags)
    return f'<b class="rv-err-verdict">{esc(told("verdict", card.verdict))}</b>{tags}'


def _line(name: str, text: str) -> str:
    return f'<p class="rv-err-line"><b>{esc(say(name))}</b> {esc(text)}</p>' if text else ""


def _neighbours(card: Card) -> str:
    if not card.neighbours:
        return _line("errors_neighbours", say("errors_no_neighbours"))
    items = "".join(f"<li>{_neighbour(entry)}</li>" for entry in card.neighbours)
    return f'<div class="rv-err-line"><b>{esc(say("errors_neighbours"))}</b><ol>{items}</ol></div>'


def _neighbour(entry: Mapping[str, Any]) -> str:
    similarity = entry.get("similarity")
    likeness = "" if similarity is None else f' <span class="rv-muted">{float(similarity):.2f}</span>'
    return f"{esc(entry.get('caption') or say('no_caption'))}{likeness}"


def _button(card: Card, replay: str) -> str:
    if not replay:
        return f'<p class="rv-small">{esc(say("errors_no_replay"))}</p>'
    label = say("errors_replay_label", text=shorten(card.text))
    return (
        f'<button type="button" class="rv-chip" data-act="{REPLAY}" data-id="{esc(replay)}" '
        f'aria-label="{esc(label)}">{esc(say("errors_replay"))}</button>'
    )


# ---------------------------------------------------------------- replay


def waiting(card: Card) -> str:
    """What stands in the replay's place until the model has answered."""
    return _replay_frame(_then(card) + f'<p class="rv-line">{esc(say("errors_replay_waiting"))}</p>', busy=True)


def replayed(found: Replay) -> str:
    """Then and now, whether they are the same, and what has changed since."""
    same = found.is_same
    now = f'<p class="rv-err-text"><b>{esc(say("errors_replay_now"))}</b> {esc(found.now.text)}</p>'
    images = "".join(_given(one.image, one.caption or "") for one in found.now.neighbours)
    strip = f'<div class="rv-strip">{images}</div>' if images else ""
    notice = callout("hint" if same else "warning", _outcome(found), _reason(found))
    return _replay_frame(notice + _then(found.card) + ("" if same else now) + strip)


def _given(image: Image.Image | None, caption: str) -> str:
    shown = "" if image is None else picture(image, caption, 120)
    return f"<figure>{shown}<figcaption>{esc(shorten(caption))}</figcaption></figure>"


def _outcome(found: Replay) -> str:
    if not found.is_same:
        return say("errors_replay_differs")
    return say("errors_replay_changed" if found.changes else "errors_replay_same")


def _reason(found: Replay) -> str:
    """What has changed since, as far as that is known."""
    told_of = [] if found.same_neighbours else [say("errors_replay_neighbours")]
    if found.changes:
        changed = "; ".join(_change(one) for one in found.changes)
        told_of.append(say("errors_replay_differs_body") + say("sentence_join") + changed + say("full_stop"))
    elif found.is_same:
        told_of.append(say("errors_replay_same_body"))
    else:
        told_of.append(say("errors_replay_noise" if found.known else "errors_replay_unknown"))
    return say("sentence_join").join(told_of)


def _change(one: Change) -> str:
    name = say(f"errors_what_{one.what}") if f"errors_what_{one.what}" in WORDS else one.what
    return f"{name} {one.then or say('errors_nothing')} → {one.now or say('errors_nothing')}"


def _then(card: Card) -> str:
    asked = card.question or say("errors_caption_task")
    return (
        f'<p class="rv-asked">{esc(asked)}</p>'
        f'<p class="rv-err-text"><b>{esc(say("errors_replay_then"))}</b> {esc(card.text)}</p>'
    )


def _replay_frame(inner: str, busy: bool = False) -> str:
    return (
        f'<section class="rv-err-replay" aria-live="polite" aria-busy="{str(busy).lower()}" tabindex="-1">'
        f"<h3>{esc(say('errors_replay_title'))}</h3>{inner}</section>"
    )


def exported(count: int) -> str:
    """The line about a file that is ready."""
    return f'<p class="rv-line" role="status">{esc(say("errors_made", count=count))}</p>'


def making() -> str:
    """The line about a file in the making."""
    return (
        '<div class="rv-progress" aria-hidden="true"></div>'
        f'<p class="rv-line" role="status" aria-busy="true">{esc(say("errors_making"))}</p>'
    )
