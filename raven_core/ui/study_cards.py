"""Neighbours as cards that can be changed for one query: captions, images, left out, added; with bars of what each did.

What a press means travels in ``data-act`` and ``data-id``; a field that changed sends its value with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from raven_core.types import Neighbour
from raven_core.ui import evidence
from raven_core.ui.markup import esc, picture, shorten
from raven_core.ui.study import Study
from raven_core.ui.words import say

CAPTION, IMAGE, LEAVE_OUT, UNDO, UNDO_ALL, ADD = "caption", "image", "leave-out", "undo", "undo-all", "add"
LARGEST = 640  # pixels: a replaced image is made this small in the browser before it is sent

PRESS = f"""
const send = (act, id, value) => trigger('press', {{act, id: id || '', value: value || ''}});
const asAddress = (blob) => new Promise((done) => {{
  const reader = new FileReader();
  reader.onload = () => done(reader.result);
  reader.readAsDataURL(blob);
}});
const shrunk = async (file) => {{
  try {{
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, {LARGEST} / Math.max(picture.width, picture.height));
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL('image/png');
  }} catch (problem) {{
    return file.size < 8000000 ? asAddress(file) : 'data:,';  // the server says what is wrong with it
  }}
}};
element.addEventListener('click', async (event) => {{
  const pressed = event.target.closest('button[data-act]');
  if (!pressed) return;
  if (pressed.dataset.act !== '{ADD}') return send(pressed.dataset.act, pressed.dataset.id);
  const card = pressed.closest('.rv-add');
  const file = card.querySelector('input[type=file]').files[0];
  send('{ADD}', card.querySelector('textarea').value, file ? await shrunk(file) : '');
}});
element.addEventListener('change', async (event) => {{
  const field = event.target.closest('[data-change]');
  if (!field) {{
    const chosen = event.target.closest('.rv-add input[type=file]');
    if (chosen && chosen.files[0]) chosen.nextElementSibling.textContent = chosen.files[0].name;
    return;
  }}
  const value = field.type === 'file' ? (field.files[0] ? await shrunk(field.files[0]) : '') : field.value;
  if (field.type !== 'file' || value) send(field.dataset.change, field.dataset.id, value);
}});
element.addEventListener('keydown', (event) => {{
  const field = event.target.closest('textarea[data-change]');
  if (field && event.key === 'Enter' && !event.shiftKey) {{ event.preventDefault(); field.blur(); }}
}});
"""
"""Run once in the browser: presses, changed captions (Enter or leaving the field), chosen image files."""


def neighbours(study: Study) -> str:
    """The neighbours of the explained cell with everything that can be done to them; those the leak cap took away."""
    comparison = study.comparison
    if comparison is None:
        return ""
    found = sorted(study.neighbours, key=lambda neighbour: neighbour.rank)
    fed = study.cell.generation.modalities if study.cell else frozenset()
    shown = "".join(_card(one, fed, study) for one in found)
    nobody = "" if found else f'<p class="rv-line">{esc(say("study_no_neighbours"))}</p>'
    return (
        f'<section class="rv-neighbours"><h3>{esc(say("study_neighbours"))}</h3>'
        f'<p class="rv-small">{esc(say("study_neighbours_hint"))}</p>{_undo(study)}{nobody}'
        f'<ol class="rv-cards">{shown}{_add(len(found))}</ol>{removed(comparison.removed)}</section>'
    )


def _undo(study: Study) -> str:
    """What was changed, each a button that takes it back."""
    if not study.is_changed:
        return ""
    chips = "".join(
        f'<button type="button" class="rv-chip" data-act="{UNDO}" data-id="{esc(identifier)}" '
        f'aria-label="{esc(say("undo_label", caption=study.labels.get(identifier) or identifier))}">'
        f"{esc(say('undo_left_out' if edit.exclude else 'undo_edited'))} "
        f'{esc(shorten(study.labels.get(identifier) or identifier, 28))} <span aria-hidden="true">↺</span></button>'
        for identifier, edit in study.edits.items()
    )
    everything = f'<button type="button" class="rv-chip" data-act="{UNDO_ALL}">{esc(say("undo_all"))}</button>'
    return f'<p class="rv-left-out"><span>{esc(say("undo_title"))}</span>{chips}{everything}</p>'


def _card(neighbour: Neighbour, fed: frozenset[str], study: Study) -> str:
    edited = f'<span class="rv-badge rv-changed">{esc(say("edited"))}</span>' if neighbour.edited else ""
    bars = evidence.bars(study.attribution, neighbour.rank, fed) if study.attribution else ""
    colour = (neighbour.rank - 1) % evidence.COLOURS + 1
    similarity = say("similarity", value=f"{neighbour.similarity:.3f}")
    return (
        f'<li class="rv-card rv-study-card" data-rank="{neighbour.rank}"><div class="rv-shot">'
        f'{_image(neighbour, "image" in fed)}<span class="rv-rank rv-rank-{colour}" aria-hidden="true">'
        f"{neighbour.rank}</span>{edited}{_replace(neighbour)}</div>{_caption(neighbour, 'text' in fed)}"
        f'<p class="rv-small rv-card-similarity">{esc(similarity)}</p>{bars}'
        f'<button type="button" class="rv-leave" data-act="{LEAVE_OUT}" data-id="{esc(neighbour.id)}" '
        f'aria-label="{esc(say("leave_out_label", rank=neighbour.rank))}">{esc(say("leave_out"))}</button></li>'
    )


def _image(neighbour: Neighbour, is_fed: bool) -> str:
    if neighbour.image is None:
        return f'<span class="rv-missing">{esc(say("no_image"))}</span>'
    alt = say("given_neighbour", rank=neighbour.rank)
    tag = "" if is_fed else f'<span class="rv-not-fed">{esc(say("not_fed"))}</span>'
    return picture(neighbour.image, alt, classes="" if is_fed else "rv-dim") + tag


def _replace(neighbour: Neighbour) -> str:
    """The label that is pressed to put another image in this one's place."""
    label = say("replace_image_label", rank=neighbour.rank)
    return (
        f'<label class="rv-file" title="{esc(label)}"><input type="file" accept="image/*" data-change="{IMAGE}" '
        f'data-id="{esc(neighbour.id)}" aria-label="{esc(label)}"><span>{esc(say("replace_image"))}</span></label>'
    )


def _caption(neighbour: Neighbour, is_fed: bool) -> str:
    note = "" if is_fed else f'<span class="rv-not-fed">{esc(say("not_fed"))}</span>'
    return (
        f'<div class="rv-edit"><textarea rows="3" maxlength="500" data-change="{CAPTION}" '
        f'data-id="{esc(neighbour.id)}" aria-label="{esc(say("caption_label", rank=neighbour.rank))}" '
        f'placeholder="{esc(say("no_caption"))}">{esc(neighbour.caption or "")}</textarea>{note}</div>'
    )


def _add(count: int) -> str:
    """The last card: a pair of one's own, for this query only, at the place nearest to the query."""
    return (
        f'<li class="rv-card rv-add"><h4>{esc(say("add_title"))}</h4><p class="rv-small">{esc(say("add_hint"))}</p>'
        f'<textarea rows="3" maxlength="500" aria-label="{esc(say("add_caption"))}" '
        f'placeholder="{esc(say("add_caption"))}"></textarea>'
        f'<label class="rv-file"><input type="file" accept="image/*" aria-label="{esc(say("add_image"))}">'
        f"<span>{esc(say('add_image'))}</span></label>"
        f'<button type="button" class="rv-leave" data-act="{ADD}" data-id="{count}">{esc(say("add"))}</button></li>'
    )


def removed(gone: Sequence[Neighbour]) -> str:
    """The neighbours that the leak cap took away."""
    if not gone:
        return ""
    items = "".join(
        f"<li>{picture(one.image, '', 96) if one.image else ''}<span>{esc(shorten(one.caption or one.id, 60))}"
        f'</span><span class="rv-muted">{esc(say("removed_similarity", value=f"{one.image_similarity or 0.0:.3f}"))}'
        "</span></li>"
        for one in gone
    )
    title = say("removed_one") if len(gone) == 1 else say("removed", count=len(gone))
    return f'<div class="rv-removed"><h4>{esc(title)}</h4><ul>{items}</ul></div>'
