"""The Annotate tab as HTML: items, progress, and what comes to light afterwards. Pure functions.

What a press means travels in ``data-act``, the showing's token in ``data-token``; the form's fields go with it as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raven_core.annotation_types import (
    BOTH_BAD,
    BOTH_GOOD,
    LETTERS,
    SKIP,
    Candidate,
    ItemJudgment,
    Progress,
    Revealed,
    Showing,
    ShownCandidate,
)
from raven_core.types import ERROR_TAGS, VERDICTS
from raven_core.ui.markup import esc, percent, shorten
from raven_core.ui.words import DEFAULT, TABLE, say

SAVE, UNDO, REVEAL = "save", "undo", "reveal"  # and SKIP
KEYS = "1234567890"

PRESS = """
const form = () => element.querySelector('form.rv-item');
const values = (name) => {
  const found = {};
  element.querySelectorAll(`[data-${name}]:checked`).forEach((field) => {
    if (field.closest('label').offsetParent) (found[field.dataset[name]] ??= []).push(field.value);
  });
  return found;
};
const said = () => {
  const verdicts = Object.fromEntries(Object.entries(values('verdict')).map(([letter, [one]]) => [letter, one]));
  const typed = (name) => element.querySelector(`[name=${name}]`)?.value || '';
  const chosen = element.querySelector('[name=preference]:checked');
  return {preference: chosen ? chosen.value : '', verdicts, tags: values('tag'), correction: typed('correction'),
          note: typed('note')};
};
const token = () => element.querySelector('[data-token]')?.dataset.token || '';
const send = (act) => trigger('press', {act, id: token(), value: form() ? JSON.stringify(said()) : ''});
element.addEventListener('submit', (event) => { event.preventDefault(); send('save'); });
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('button[data-act]');
  if (pressed && pressed.type !== 'submit') send(pressed.dataset.act);
});
const writes = (target) => target.isContentEditable || ['TEXTAREA', 'SELECT'].includes(target.tagName)
  || (target.tagName === 'INPUT' && !['radio', 'checkbox'].includes(target.type));
const onKey = (event) => {
  if (!element.isConnected) return document.removeEventListener('keydown', onKey);
  if (!element.offsetParent || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.isComposing || writes(event.target)) return;
  if (event.key === 'Enter') {  // on fields and buttons the browser itself does what Enter should
    if (form() && !event.target.closest('input, button, a, summary')) form().requestSubmit();
    return;
  }
  const wanted = element.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!wanted || wanted.disabled) return;
  event.preventDefault();
  wanted.click();
  if (wanted.tagName === 'INPUT') wanted.focus({preventScroll: true});
};
document.addEventListener('keydown', onKey);
let last = token();
new MutationObserver(() => {
  if (token() === last) return;
  last = token();
  form()?.reset();  // gradio keeps the fields of the item before, with what was chosen and typed in them
  if (!form() || !element.offsetParent) return;
  const focused = document.activeElement;
  if (focused === document.body || element.contains(focused)) form().focus({preventScroll: true});
  if (form().getBoundingClientRect().top < 0) form().scrollIntoView();
}).observe(element, {childList: true, subtree: true, attributes: true, attributeFilter: ['data-token']});
"""
"""Run once in the browser: presses, and keys wherever on the tab nobody is typing."""


def empty() -> str:
    """What stands there before anything is judged: what this is for, and the three steps."""
    steps = "".join(f"<li>{esc(say(f'annotate_empty_{number}'))}</li>" for number in (1, 2, 3))
    return (
        f'<section class="rv-study-empty"><h2>{esc(say("annotate_empty"))}</h2>'
        f"<p>{esc(say('annotate_empty_body'))}</p><ol>{steps}</ol></section>"
    )


def finished(progress: Progress) -> str:
    """When nothing is left for this person; ``undo`` still works."""
    body = say("annotate_finished_body", judged=progress.judged, items=progress.items)
    return (
        f'<section class="rv-study-empty" data-token=""><h2>{esc(say("annotate_finished"))}</h2><p>{esc(body)}</p>'
        f"<p>{esc(say('annotate_finished_next'))}</p>{_undo(progress)}</section>"
    )


def progress_bar(progress: Progress) -> str:
    """How far this person is, and how far everybody is."""
    done = progress.judged + progress.skipped
    parts = [say("annotate_progress", done=done, items=progress.items)]
    if progress.skipped:
        parts.append(say("annotate_progress_skipped", skipped=progress.skipped))
    parts.append(say("annotate_progress_all", complete=progress.complete, items=progress.items))
    share = percent(done / progress.items if progress.items else 0.0)
    return (
        f'<div class="rv-item-progress"><span class="rv-bar" role="progressbar" aria-valuenow="{share}" '
        f'aria-valuemin="0" aria-valuemax="100" aria-label="{esc(parts[0])}"><i style="width:{share}%"></i></span>'
        f"<span>{esc(' · '.join(parts))}</span></div>"
    )


def item(showing: Showing, progress: Progress, picture: str = "", given: ItemJudgment | None = None) -> str:
    """One item to judge. ``picture`` is HTML; ``given`` fills the form with what was said before."""
    number = say("annotate_item", number=showing.number, items=progress.items)
    kind = say("annotate_is_blind") if showing.blind else say("annotate_is_open")
    said = _said_by_letter(given)
    candidates = "".join(_candidate(one, said, len(showing.candidates) == 1) for one in showing.candidates)
    return (
        f'<form class="rv-item" data-token="{esc(showing.token)}" tabindex="-1" aria-label="{esc(number)}" '
        f'autocomplete="off"><div class="rv-item-top">{_figure(picture)}<div><p class="rv-eyebrow">'
        f"{esc(number)} · {esc(kind)}</p><h2>{esc(showing.question or say('annotate_describe'))}</h2>"
        f"{_references(showing.references)}</div></div>"
        f'<ol class="rv-candidates">{candidates}</ol>{_preference(showing, given)}'
        f'<div class="rv-item-words">{_text("correction", given)}{_text("note", given)}</div>'
        f'<div class="rv-item-buttons"><button type="submit" class="rv-act rv-act-main">{esc(say("annotate_save"))} '
        f"<kbd>{esc(say('annotate_enter'))}</kbd></button>{_button(SKIP, 'annotate_skip', 's')}{_undo(progress)}</div>"
        "</form>"
    )


def saved(words: str, can_reveal: bool, is_revealed: bool) -> str:
    """The line about the last press; with a button that brings to light what was judged."""
    key = "annotate_hide" if is_revealed else "annotate_reveal"
    button = _button(REVEAL, key, "r") if can_reveal else ""
    return f'<p class="rv-line rv-item-saved" role="status"><b>{esc(words)}</b>{button}</p>'


def revealed(found: Revealed) -> str:
    """What was judged, with how each answer came about, and what others said, in this person's letters."""
    order = found.own.shown if found.own else tuple(range(len(found.candidates)))
    candidates = "".join(_revealed(LETTERS[place], found.candidates[number]) for place, number in enumerate(order))
    voices = [(say("annotate_you"), found.own)] if found.own else []
    voices += [(other.annotator, other) for other in found.others]
    lines = "".join(
        f"<li><b>{esc(name)}</b> {esc(said_words(one, order))}"
        f"{''.join(f'<q>{esc(text)}</q>' for text in (one.correction, one.note) if text)}</li>"
        for name, one in voices
    )
    nobody = "" if found.others else f'<p class="rv-small">{esc(say("annotate_others_none"))}</p>'
    return (
        f'<section class="rv-explained rv-revealed"><h3>{esc(say("annotate_revealed"))}</h3>'
        f'<p class="rv-asked">{esc(found.showing.question or say("annotate_describe"))}</p>'
        f'<ol class="rv-candidates">{candidates}</ol><ul class="rv-voices">{lines}</ul>{nobody}</section>'
    )


def said_words(judgment: ItemJudgment, order: Sequence[int]) -> str:
    """What somebody said, in the letters of the order given: ``A better · A success · B failure (majority copy)``."""
    letters = {number: LETTERS[place] for place, number in enumerate(order)}
    parts = [_preference_words(judgment, letters)]
    for number in order:
        verdict, tags = judgment.verdicts[number], judgment.tags[number]
        if verdict or tags:
            about = " ".join([letters[number], say(f"verdict_{verdict}") if verdict else ""]).strip()
            parts.append(about + (f" ({say('list_join').join(say(f'tag_{tag}') for tag in tags)})" if tags else ""))
    return " · ".join(part for part in parts if part)


def cell_words(cell: str) -> str:
    """What a cell is called; a name that nobody knows stays as it is."""
    known = say(f"cell_{cell}") if f"cell_{cell}" in TABLE[DEFAULT] else cell
    return known or say("annotate_cell_unknown")


def _preference_words(judgment: ItemJudgment, letters: Mapping[int, str]) -> str:
    if judgment.preferred is not None:
        return say("annotate_better", letter=letters[judgment.preferred])
    if judgment.preference in (BOTH_GOOD, BOTH_BAD):
        return _tie(judgment.preference, len(judgment.verdicts))
    return say("annotate_skip") if judgment.preference == SKIP else ""


def _tie(preference: str, count: int) -> str:
    many = 2 if count == 2 else "more"
    return say(f"annotate_good_{many}") if preference == BOTH_GOOD else say(f"annotate_bad_{many}")


def _said_by_letter(given: ItemJudgment | None) -> dict[str, tuple[str | None, tuple[str, ...]]]:
    """Verdict and tags by the letter as shown."""
    if given is None:
        return {}
    return {LETTERS[place]: (given.verdicts[number], given.tags[number]) for place, number in enumerate(given.shown)}


def _figure(picture: str) -> str:
    missing = f"<span>{esc(say('annotate_no_picture'))}</span>"
    return f"<figure>{picture or missing}</figure>"


def _references(texts: Sequence[str]) -> str:
    """Right answers, each once: of ten people many say the same."""
    if not texts:
        return ""
    entries = "".join(f"<li>{esc(text)}</li>" for text in dict.fromkeys(texts))
    return f"<details><summary>{esc(say('annotate_references'))}</summary><ul>{entries}</ul></details>"


def _candidate(one: ShownCandidate, said: Mapping[str, tuple[str | None, tuple[str, ...]]], is_alone: bool) -> str:
    letter, text, details = one.letter, one.text, one.details
    verdict, tags = said.get(letter, (None, ()))
    told = f'<span class="rv-badge">{esc(cell_words(details.cell))}</span>' if details is not None else ""
    verdicts = "".join(
        _choice("radio", f"verdict-{letter}", name, say(f"verdict_{name}"), verdict == name,
                f'data-verdict="{letter}"', KEYS[number] if is_alone else "")
        for number, name in enumerate(VERDICTS)
    )  # fmt: skip
    wrong = "".join(
        _choice("checkbox", f"tag-{letter}", tag, say(f"tag_{tag}"), tag in tags, f'data-tag="{letter}"')
        for tag in ERROR_TAGS
    )
    return (
        f'<li class="rv-candidate"><h4><span>{esc(say("annotate_candidate", letter=letter))}</span>{told}</h4>'
        f'<p class="rv-cell-text">{esc(text) or esc(say("empty_answer"))}</p>'
        f'<fieldset class="rv-choices"><legend>{esc(say("annotate_verdict", letter=letter))}</legend>{verdicts}'
        f'</fieldset><fieldset class="rv-choices rv-wrong"><legend>{esc(say("annotate_wrong", letter=letter))}'
        f"</legend>{wrong}</fieldset></li>"
    )


def _preference(showing: Showing, given: ItemJudgment | None) -> str:
    """The choice between answers; nothing where there is only one."""
    count = len(showing.candidates)
    if count < 2:
        return ""
    chosen = given.preference if given is not None else ""
    options = [(one.letter, say("annotate_better", letter=one.letter)) for one in showing.candidates]
    options += [(tie, _tie(tie, count)) for tie in (BOTH_GOOD, BOTH_BAD)]
    entries = "".join(
        _choice("radio", "preference", value, label, chosen == value, key=KEYS[number])
        for number, (value, label) in enumerate(options)
    )
    return (
        f'<fieldset class="rv-choices rv-preference"><legend>{esc(say("annotate_which"))}</legend>{entries}</fieldset>'
    )


def _choice(kind: str, name: str, value: str, label: str, is_chosen: bool, data: str = "", key: str = "") -> str:
    shown = f"<kbd>{esc(key)}</kbd>" if key else ""
    bound = f' data-key="{esc(key)}"' if key else ""
    return (
        f'<label><input type="{kind}" name="{esc(name)}" value="{esc(value)}" {data}{bound}'
        f"{' checked' if is_chosen else ''}><span>{esc(label)}{shown}</span></label>"
    )


def _text(name: str, given: ItemJudgment | None) -> str:
    value = getattr(given, name) if given is not None else ""
    label = say("correction") if name == "correction" else say("note")
    limit = 500 if name == "correction" else 2000
    return (
        f'<label><span>{esc(label)}</span><input type="text" name="{name}" maxlength="{limit}" value="{esc(value)}">'
        "</label>"
    )


def _button(act: str, key: str, letter: str, is_on: bool = True) -> str:
    off = "" if is_on else " disabled"
    return (
        f'<button type="button" class="rv-act" data-act="{act}" data-key="{letter}"{off}>{esc(say(key))} '
        f"<kbd>{letter}</kbd></button>"
    )


def _undo(progress: Progress) -> str:
    return _button(UNDO, "annotate_undo", "u", progress.judged + progress.skipped > 0)


def _revealed(letter: str, candidate: Candidate) -> str:
    facts = [say("annotate_adapter", adapter=candidate.adapter)] if candidate.adapter else []
    if candidate.similarity is not None:
        facts.append(say("annotate_nearest", value=f"{candidate.similarity:.3f}"))
    captions = [str(one["caption"]) for one in candidate.neighbours if one.get("caption")]
    listed = "".join(f"<li>{esc(shorten(text, 200))}</li>" for text in captions)
    fold = f"<details><summary>{esc(say('annotate_captions'))}</summary><ul>{listed}</ul></details>" if listed else ""
    title = say("annotate_had", letter=letter, cell=cell_words(candidate.cell))
    return (
        f'<li class="rv-candidate"><h4><span>{esc(title)}</span></h4><p class="rv-cell-text">{esc(candidate.text)}</p>'
        f'<p class="rv-small">{esc(" · ".join(facts))}</p>{fold}</li>'
    )
