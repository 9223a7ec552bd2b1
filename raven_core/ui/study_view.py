"""A comparison as HTML: the finding, the cells side by side, which of them is right. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from PIL import Image

from raven_core.comparison import STUDY_CELLS, CellKey, ComparedCell, Comparison, word_changes
from raven_core.ui import cards, evidence
from raven_core.ui.markup import callout, esc, percent, picture
from raven_core.ui.study import NO_CAP, Setup, Study, explainable, plain_text
from raven_core.ui.words import say
from raven_core.wording import Word, words_of

RIGHT, EXPLAIN = "right", "explain"


def key_of(cell: CellKey) -> str:
    """A cell as it travels in ``data-id``: ``both:3``."""
    return f"{cell[0]}:{cell[1]}"


def cell_of(identifier: str) -> CellKey:
    """The cell that travelled; one that no comparison has when it is not such a name."""
    name, _, k = identifier.rpartition(":")
    return (name, int(k)) if k.isdecimal() else ("", -1)


def asked(image: Image.Image | None, question: str | None) -> str:
    """The query that is compared, or what to do when there is none."""
    if image is None:
        return f'<div class="rv-query rv-muted"><p>{esc(say("study_no_image"))}</p></div>'
    words = say("study_caption") if question is None else question
    return f'<div class="rv-query">{picture(image, say("image"), 160)}<p>{esc(words)}</p></div>'


def empty(examples: Sequence[cards.Example]) -> str:
    """What stands here before the first comparison: what it is for, and how to begin."""
    steps = "".join(f"<li>{esc(say(f'study_step_{number}'))}</li>" for number in (1, 2, 3))
    return (
        f'<section class="rv-study-empty"><h2>{esc(say("study_empty"))}</h2><p>{esc(say("study_empty_body"))}</p>'
        f"<ol>{steps}</ol>{cards.examples(examples)}</section>"
    )


def waiting(cells: Sequence[str] = STUDY_CELLS) -> str:
    """The cells while the model is asked."""
    columns = "".join(
        f'<li class="rv-cell rv-waiting-cell"><h4>{esc(name_of(name))}</h4><p>{esc(say("study_waiting"))}</p></li>'
        for name in cells
    )
    return f'<section class="rv-study" aria-busy="true"><ol class="rv-cells">{columns}</ol></section>'


def name_of(cell: str) -> str:
    """A cell's name in words."""
    return say(f"cell_{cell}")


def compared(study: Study) -> str:
    """The cells, those with other numbers of neighbours in rows of their own."""
    comparison = study.judged
    if comparison is None:
        return ""
    can_explain = {cell.key for cell in explainable(comparison)}
    ordered = sorted(comparison.cells, key=lambda cell: cell.k if cell.generation.modalities else 0)
    rows = [(title, list(cells)) for title, cells in groupby(ordered, lambda cell: _row(cell, comparison))]
    parts = []
    for heading, cells in rows:
        title = f'<h4 class="rv-row">{esc(heading)}</h4>' if len(rows) > 1 else ""
        columns = "".join(_cell(cell, comparison, study, cell.key in can_explain) for cell in cells)
        parts.append(f'{title}<ol class="rv-cells">{columns}</ol>')
    return (
        f'<section class="rv-study" aria-live="polite" aria-busy="false"><h3>{esc(say("study_cells"))}</h3>'
        f'<p class="rv-small">{esc(_how_judged(study))}</p>{"".join(parts)}</section>'
    )


def _row(cell: ComparedCell, comparison: Comparison) -> str:
    ks = {one.k for one in comparison.cells if one.generation.modalities}
    if len(ks) < 2:
        return ""
    return say("study_row", k=cell.k) if cell.generation.modalities else say("study_row_none")


def _how_judged(study: Study) -> str:
    """Whose word "helped" and "hurt" are."""
    if study.right:
        return say("judged_pick")
    comparison = study.comparison
    if comparison is not None and comparison.metric is not None:
        return say("judged_references", metric=comparison.metric, noise=_points(comparison, comparison.noise or 0.0))
    return say("judged_nobody")


def _points(comparison: Comparison, score: float) -> str:
    """A score as it is usually printed: CIDEr in percent."""
    return f"{100 * score:.0f}" if comparison.metric == "CIDEr" else f"{score:.2f}"


def _cell(cell: ComparedCell, comparison: Comparison, study: Study, can_explain: bool) -> str:
    is_base = cell.key == comparison.base
    shown = say("effect_base") if is_base else say(f"effect_{cell.effect}")
    kind = "base" if is_base else cell.effect.replace(" ", "-")
    known = (
        ""
        if cell.score is None
        else say("study_score", metric=comparison.metric, score=_points(comparison, cell.score))
    )
    score = f" · {esc(known)}" if known else ""
    chosen = ' aria-current="true"' if cell.key == study.explained and can_explain else ""
    return (
        f'<li class="rv-cell rv-cell-{kind}"{chosen}><h4>{esc(name_of(cell.name))}'
        f'<span class="rv-badge rv-effect-{kind}">{esc(shown)}</span></h4>'
        f'<p class="rv-cell-text">{answer(cell, is_base)}</p>{_was(cell, study)}'
        f'<p class="rv-small">{esc(say("confidence"))} {percent(cell.generation.confidence)} %{score}</p>'
        f"{_buttons(cell, study, can_explain)}</li>"
    )


def _buttons(cell: ComparedCell, study: Study, can_explain: bool) -> str:
    is_right, is_explained = plain_text(cell) in study.right, cell.key == study.explained
    name, key = name_of(cell.name), key_of(cell.key)
    right = _toggle(RIGHT, key, say("right_on" if is_right else "right_off"), say("right_label", cell=name), is_right)
    explain = _toggle(EXPLAIN, key, say("explain"), say("explain_label", cell=name), is_explained)
    return f'<div class="rv-cell-buttons">{right}{explain if can_explain else ""}</div>'


def _toggle(act: str, identifier: str, words: str, label: str, is_on: bool) -> str:
    return (
        f'<button type="button" class="rv-chip" data-act="{act}" data-id="{esc(identifier)}" '
        f'aria-pressed="{str(is_on).lower()}" aria-label="{esc(label)}">{esc(words)}</button>'
    )


def answer(cell: ComparedCell, is_base: bool = False) -> str:
    """A cell's answer: words that the first cell has not are marked, dropped ones struck; confidence on hover."""
    words = iter(words_of(cell.generation.tokens, cell.generation.text))
    if not cell.generation.text.strip():
        return f'<span class="rv-muted">{esc(say("empty_answer"))}</span>'
    if is_base:
        return " ".join(map(_word, words))
    parts = []
    for change in cell.changes:
        if change.kind in ("delete", "replace") and change.before:
            parts.append(f"<del>{esc(' '.join(change.before))}</del>")
        after = " ".join(_word(word) for _, word in zip(change.after, words, strict=False))
        if after:
            parts.append(after if change.kind == "equal" else f"<mark>{after}</mark>")
    return " ".join(parts)


def _word(word: Word) -> str:
    return f'<span title="{esc(say("word_probability", percent=percent(word.probability)))}">{esc(word.text)}</span>'


def _was(cell: ComparedCell, study: Study) -> str:
    """What this cell said before the person changed the neighbours, where that was something else."""
    if not study.is_changed or study.before is None:
        return ""
    old = next((one for one in study.before.cells if one.key == cell.key), None)
    if old is None or plain_text(old) == plain_text(cell):
        return ""
    changes = word_changes(cell.generation.text, old.generation.text)
    shown = " ".join(
        esc(" ".join(change.after)) if change.kind == "equal" else f"<s>{esc(' '.join(change.after))}</s>"
        for change in changes
        if change.after
    )
    return f'<p class="rv-was"><b>{esc(say("study_was"))}</b> {shown}</p>'


def found(study: Study) -> str:
    """The sentence at the top: what retrieval did to the explained answer, and why as far as it is known."""
    comparison = study.judged
    if comparison is None or study.cell is None:
        return ""
    cell = comparison.cell(*study.cell.key)
    kind = cell.effect.replace(" ", "-")
    text = evidence.finding(comparison, cell, study.attribution)
    hint = "" if study.attribution is not None else f'<p class="rv-small">{esc(say("finding_next"))}</p>'
    decide = f'<p class="rv-small">{esc(say("finding_decide"))}</p>' if cell.effect == "changed" else ""
    name = say("finding_about", cell=name_of(cell.name), k=len(cell.generation.neighbours))
    return (
        f'<section class="rv-finding rv-finding-{kind}" role="status"><p class="rv-eyebrow">{esc(name)}</p>'
        f"<p>{esc(text)}</p>{decide}{hint}</section>"
    )


def explained(study: Study) -> str:
    """The explained answer, its words in the colours of the neighbours that hold them, and the majority warning."""
    cell, attribution = study.cell, study.attribution
    if cell is None or attribution is None:
        return ""
    # where captions were not fed there are no caption shares, and no word is held by one
    own = {share.rank: share.nats for share in attribution.shares if share.part == "text"}
    share_note = say("shapley_note" if attribution.method == "shapley" else "loo_note")
    notes = say("sentence_join").join([say("nats_note"), share_note])
    return (
        f'<section class="rv-explained"><h3>{esc(say("explained", cell=name_of(cell.name)))}</h3>'
        f'<p class="rv-text">{evidence.coloured(attribution.words, own) or esc(cell.generation.text)}</p>'
        f'<p class="rv-small">{esc(say("explained_words"))}</p>{evidence.majority(attribution)}'
        f'<p class="rv-small">{esc(notes)}</p>{_sums(attribution.whole, attribution.none)}'
        "</section>"
    )


def _sums(whole: float, none: float) -> str:
    """What all neighbours together did."""
    return f'<p class="rv-small">{esc(say("share_all", told=evidence.told(whole - none)))}</p>'


def switched(setup: Setup | None) -> str:
    """A note that the neighbours are not the retrieved ones."""
    if setup is None or (setup.kind == "retrieved" and setup.leak_cap >= NO_CAP):
        return ""
    notes = [say(f"kind_note_{setup.kind}")] if setup.kind != "retrieved" else []
    if setup.leak_cap < NO_CAP:
        notes.append(say("cap_note", cap=f"{setup.leak_cap:.3f}"))
    return callout("hint", say("switched"), say("sentence_join").join(notes))
