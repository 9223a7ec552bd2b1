"""The Compare tab without a browser: cells, findings, bars, changed neighbours, and runs over the fake pipeline."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from raven_core.attribution import Attribution, Share
from raven_core.comparison import Comparison, compare_answers
from raven_core.settings import Profile, Settings
from raven_core.types import CELLS, Generation, Neighbour, Token
from raven_core.ui import evidence, study_cards, study_events, study_flow, study_layout, study_view
from raven_core.ui.context import Context
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader
from raven_core.ui.sitting import Form
from raven_core.ui.study import Setup, Study
from raven_core.wording import AnswerWord, MajorityWord
from tests.fake_raven import FakeRaven, drawn, write_profile
from tests.test_ui_present import EVIL, Checker, neighbour, read


def said(text: str, cell: str = "both", captions: tuple[str, ...] = ("a red zumi", "a blue pako")) -> Generation:
    fed = CELLS.get(cell, frozenset())
    found = tuple(neighbour(rank, 1 - rank / 10, caption) for rank, caption in enumerate(captions, 1)) if fed else ()
    tokens = tuple(Token(f" {word}", math.log(0.5)) for word in text.split())
    return Generation(text, tokens, found, "User:", "tiny", "raven", 0, fed, len(found))


def comparison(none: str, both: str, references: list[str] | None = None, **more: str) -> Comparison:
    cells = {"none": none, "both": both, **more}
    return compare_answers(
        "what is it", [(name, 2, said(text, name)) for name, text in cells.items()], references
    )  # fmt: skip


def study_of(found: Comparison, **changes: Any) -> Study:
    study = Study(**changes)
    turn = study.turns.begin()
    setup = Setup(Form(image=None, question="what is it"))
    assert study.keep(turn, setup, Image.new("RGB", (8, 8)), found)
    study.turns.end(turn)
    return study


def shares(*rows: tuple[int, str, float], words: tuple[AnswerWord, ...] = (), **more: Any) -> Attribution:
    made = tuple(Share(f"m{rank}", rank, part, nats) for rank, part, nats in rows)  # type: ignore[arg-type]
    return Attribution("loo", made, -1.0, -5.0, {"both": -5.0}, words, **more)


# ---------------------------------------------------------------- cells


def test_cells_mark_what_is_new_and_strike_what_is_gone():
    shown = study_view.compared(study_of(comparison("a grey zumi", "a red zumi")))
    assert "<del>grey</del>" in shown and '<mark><span title="probability 50 %">red</span></mark>' in shown
    told = read(shown)
    assert "No retrieval compared with this" in told and "Images and captions changed" in told


def test_without_references_or_a_pick_a_cell_is_only_changed_or_the_same():
    told = read(study_view.compared(study_of(comparison("a zumi", "a  zumi", text="a pako"))))
    assert (
        "Captions only changed" in told and "Images and captions same" in told and "helped" not in told.split(".")[-1]
    )


def test_with_references_cells_helped_or_hurt_and_say_by_which_score():
    told = read(study_view.compared(study_of(comparison("moss", "nuts", ["moss"] * 10))))
    assert "Images and captions hurt" in told and "VQA accuracy 0.00" in told and "VQA accuracy 1.00" in told


def test_the_persons_pick_decides_and_cells_that_say_the_same_go_with_it():
    study = study_of(comparison("moss", "nuts", ["moss"] * 10, text=" nuts", image="moss"))
    study.toggle_right(("both", 2))
    effects = {cell.name: cell.effect for cell in study.judged.cells}
    assert effects == {"none": "no change", "both": "helped", "text": "helped", "image": "no change"}
    assert "Helped and hurt follow your own pick" in read(study_view.compared(study))
    study.toggle_right(("text", 2))
    assert study.right == set() and study.judged.cell("both").effect == "hurt"


def test_other_numbers_of_neighbours_stand_in_rows_of_their_own():
    cells = [("none", 1, said("a", "none")), ("both", 1, said("b")), ("both", 3, said("c"))]
    told = read(study_view.compared(study_of(compare_answers(None, cells))))
    places = [told.index(row) for row in ("Without neighbours", "k = 1", "k = 3")]
    assert places == sorted(places)


def test_only_an_answer_that_had_neighbours_can_be_explained():
    parsed = Checker(study_view.compared(study_of(comparison("moss", "nuts"))))
    explains = [tag["data-id"] for name, tag in parsed.tags if name == "button" and tag["data-act"] == "explain"]
    assert explains == ["both:2"]


def test_what_travels_names_a_cell_or_none():
    assert study_view.cell_of("both:3") == ("both", 3)
    assert study_view.cell_of("both") == study_view.cell_of("") == ("", -1)


# ---------------------------------------------------------------- bars and words


@pytest.mark.parametrize(
    ("nats", "words"),
    [
        (math.log(10), "10 times as likely"),
        (-math.log(2), "2.0 times less likely"),
        (0.05, "hardly any effect"),
        (12.0, "more than 1000 times as likely"),
    ],
)
def test_nats_are_told_as_factors(nats, words):
    assert evidence.told(nats) == words


def test_bars_go_right_for_and_left_against_and_the_largest_is_half_the_width():
    shown = evidence.bars(
        shares((1, "text", 4.0), (1, "image", -1.0), (1, "both", 2.0)), 1, frozenset({"image", "text"})
    )
    assert '<i class="rv-for" style="width:50.0%">' in shown
    assert '<i class="rv-against" style="width:12.5%">' in shown
    assert '<i class="rv-for" style="width:25.0%">' in shown and "+4.00 nats" in shown


def test_small_shares_have_small_bars_and_what_was_not_fed_has_none():
    shown = evidence.bars(shares((1, "text", 0.5), (1, "image", 0.0)), 1, frozenset({"text"}))
    assert "width:25.0%" in shown and shown.count("<dt>") == 1


def test_a_word_takes_the_colour_of_the_holder_that_mattered_most():
    words = (AnswerWord("zumi", 0.9, 0.01, (1, 2)), AnswerWord("a", 0.9, 0.8, (1,)), AnswerWord("sits", 0.4, 0.3, ()))
    shown = evidence.coloured(words, {1: 0.2, 2: 3.0})
    assert "rv-from-2 rv-copied" in shown and "rv-from-1&quot;" not in shown and 'rv-from-1"' in shown
    assert "in the caption of neighbour 1, 2 · probability 90 %, without neighbours 1 %" in shown
    assert '<span title="probability 40 %, without neighbours 30 %">sits</span>' in shown


def test_copied_words_that_stand_together_are_one_phrase_with_one_number():
    words = tuple(AnswerWord(text, 0.9, without, held) for text, without, held in [
        ("two", 0.01, (2,)), ("red", 0.01, (1, 2)), ("and", 0.9, ()), ("pako,", 0.01, (2,)), ("it", 0.9, (2,)),
    ])  # fmt: skip
    assert evidence.phrases(words, 2) == ("two red", "pako")
    assert evidence.phrases(words, 1) == ("red",)
    shown = evidence.coloured(words, {1: 0.0, 2: 1.0})
    assert read(shown).split() == ["two", "red", "2", "and", "pako,", "it", "2"]


def test_the_majority_warning_counts_captions():
    word = MajorityWord("zumi", (1, 2), 3, 0.9, 0.004)
    told = read(evidence.majority(shares((1, "text", 1.0), majority=(word,))))
    assert "“zumi” stands in 2 of 3 captions; the model alone gave it 0 %" in told
    assert evidence.majority(shares((1, "text", 1.0))) == ""


# ---------------------------------------------------------------- the finding


COPIED = (AnswerWord("a", 0.9, 0.9, (1, 2)), AnswerWord("pako.", 0.9, 0.01, (2,)))
BOTH = ((1, "text", 0.1), (1, "image", 0.0), (1, "both", 0.1), (2, "text", 3.0), (2, "image", 0.4), (2, "both", 3.7))


def test_it_says_that_retrieval_hurt_because_a_caption_was_copied():
    study = study_of(comparison("a zumi", "a pako", ["a zumi"]))
    study.attribution = shares(*BOTH, words=COPIED)
    told = read(study_view.found(study))
    assert "Retrieval hurt here. “pako” was copied from the caption of neighbour 2" in told
    assert "made this answer 40 times as likely" in told, "e to the 3.7 is 40.4"


def test_before_the_attribution_it_says_what_to_press():
    told = read(study_view.found(study_of(comparison("a zumi", "a pako"))))
    assert "Retrieval changed the answer here." in told and "Press “This is right”" in told and "Ask below" in told


def test_an_image_that_did_it_is_named_and_nobody_where_nobody_did():
    seen = (
        (1, "text", 0.1),
        (1, "image", 2.0),
        (1, "both", 2.2),
        (2, "text", 0.0),
        (2, "image", 0.0),
        (2, "both", 0.0),
    )
    cause = evidence.cause_of(shares(*seen), frozenset({"image", "text"}))
    assert (cause.rank, cause.part, cause.phrases) == (1, "image", ())
    study = study_of(comparison("a zumi", "a zumi"))
    study.attribution = shares((1, "both", 0.01), (2, "both", -4.0))
    assert "changed nothing here" in read(study_view.found(study)) and "No single neighbour" in read(
        study_view.found(study)
    )


def test_nothing_that_people_wrote_becomes_markup():
    found = compare_answers(EVIL, [("none", 1, said("b", "none")), ("both", 1, said(EVIL, captions=(EVIL, EVIL)))])
    study = study_of(found)
    study.attribution = shares((1, "text", 2.0), words=(AnswerWord(EVIL, 0.9, 0.01, (1,)),))
    study.edit("m1", caption=EVIL)
    pieces = [study_view.asked(Image.new("RGB", (4, 4)), EVIL), study_view.compared(study), study_view.found(study),
              study_view.explained(study), study_cards.neighbours(study)]  # fmt: skip
    for piece in pieces:
        parsed = Checker(piece)
        assert "onerror" not in {name for _, attributes in parsed.tags for name in attributes}


# ---------------------------------------------------------------- changing neighbours


def test_changes_are_for_the_neighbours_on_the_cards_and_can_be_undone():
    study = study_of(comparison("a", "b"))
    assert not study.edit("somebody else's", caption="x") and not study.is_changed
    assert study.edit("m1", caption="new words") and study.edit("m1", exclude=True)
    assert study.edits["m1"].caption == "new words" and study.edits["m1"].exclude
    told = read(study_cards.neighbours(study))
    assert "You changed: left out a red zumi" in told
    study.undo("m1")
    assert not study.is_changed


def test_an_added_pair_is_changed_itself_and_goes_when_nothing_is_left_of_it(context):
    study = study_of(comparison("a", "b"))
    assert study_events.change_neighbour(context, study, "add", "my own words", "")
    study.comparison.cells[1].generation.__dict__["neighbours"] = (replace(neighbour(1, 0.9), id="added-1"),)
    assert study.edit("added-1", caption="other words") and study.added[0].caption == "other words"
    assert study.edit("added-1", caption="") and study.added == []


def test_an_image_that_cannot_be_read_is_refused_and_nothing_is_changed(context):
    study = study_of(comparison("a", "b"))
    for address in ("data:image/png;base64,AAAA", "data:,", "nonsense"):
        with pytest.raises(gr.Error):
            study_events.change_neighbour(context, study, "image", "m1", address)
    with pytest.raises(gr.Error, match="needs a caption or an image"):
        study_events.change_neighbour(context, study, "add", "  ", "")
    assert not study.is_changed


def test_a_replaced_image_is_the_one_that_was_sent(context):
    buffer = io.BytesIO()
    Image.new("RGB", (5, 4), "teal").save(buffer, "PNG")
    address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    study = study_of(comparison("a", "b"))
    assert study_events.change_neighbour(context, study, "image", "m2", address)
    assert study.edits["m2"].image.size == (5, 4) and study.edits["m2"].image.getpixel((0, 0)) == (0, 128, 128)


def test_what_the_leak_cap_took_away_is_shown():
    gone = Neighbour("m9", "a twin", Image.new("RGB", (4, 4)), "x", 0.99, 1, image_similarity=0.9912)
    assert "1 neighbour was over the cap a twin image similarity 0.991" in read(study_cards.removed([gone]))


# ---------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return Profile.load(str(write_profile(tmp_path_factory.mktemp("profile"))))


@pytest.fixture
def context(profile: Profile, tmp_path: Path) -> Context:
    settings = Settings(profile=str(profile.folder), data_dir=tmp_path / "data")
    return Context(profile, settings, Loader(lambda: FakeRaven(profile, 0)), Keeper.from_settings(settings))


def run(context: Context, study: Study, **changes: Any) -> list[study_flow.StudyView]:
    setup = replace(Setup(Form(image=drawn(50)[0])), **changes)
    turn = study.turns.begin()
    views = list(study_flow.compare(context, study, setup, (), turn))
    study.turns.end(turn)
    return views


def ask_why(context: Context, study: Study, method: str = "loo") -> list[study_flow.StudyView]:
    turn = study.turns.begin()
    views = list(study_flow.attribute(context, study, method, turn))  # type: ignore[arg-type]
    study.turns.end(turn)
    return views


def test_one_press_asks_all_five_cells_and_shows_the_neighbours_to_change(context):
    study = Study()
    first, last = run(context, study)
    assert first.cells.count("asking …") == 5 and first.running
    assert [cell["cell"] for cell in last.record["cells"]] == ["none", "text", "image", "both", "baseline"]
    assert last.neighbours.count('data-change="caption"') == 3 and not last.running
    assert study.explained == ("both", 3)


def test_a_changed_caption_changes_the_answer_and_the_old_one_is_shown(context):
    study = Study()
    run(context, study)
    old = study.cell.generation.text
    study.edit(study.neighbours[0].id, caption="a purple walrus")
    last = run(context, study)[-1]
    assert study.cell.generation.text == "a purple walrus"
    assert "before your change:" in last.cells and old.split()[-1] in read(last.cells)
    assert "changed" in read(last.neighbours)


def test_leaving_out_and_adding_change_the_answer_too(context):
    study = Study()
    run(context, study)
    second = study.neighbours[1]
    study.edit(study.neighbours[0].id, exclude=True)
    run(context, study)
    assert study.cell.generation.text == second.caption
    study_events.change_neighbour(context, study, "add", "it is a narwhal", "")
    run(context, study)
    assert study.cell.generation.text == "it is a narwhal" and study.neighbours[0].id == "added-1"
    study.undo()
    run(context, study)
    assert study.before is study.comparison


def test_the_explanation_names_the_neighbour_whose_caption_was_copied(context):
    study = Study()
    run(context, study, references=("something else",))
    last = ask_why(context, study)[-1]
    assert "of neighbour 1" in last.finding and "rv-copied" in last.explained and last.record["method"] == "loo"
    assert last.neighbours.count('class="rv-shares"') == 3
    exact = ask_why(context, study, "shapley")[-1]
    assert "together they add up" in exact.explained


def test_another_cell_can_be_explained_and_its_bars_are_its_own(context):
    study = Study()
    run(context, study)
    ask_why(context, study)
    study.choose(("image", 3))
    assert study.attribution is None and study.cell.name == "image"
    study.choose(("none", 3))
    assert study.cell.name == "image", "an answer without neighbours has nobody to explain it"


@pytest.mark.parametrize("kind", ["random", "shuffled", "cross-paired"])
def test_other_neighbours_are_said_to_be_other(context, kind):
    study = Study()
    last = run(context, study, kind=kind)[-1]
    assert "These are not the neighbours that were retrieved" in last.notice


def test_the_best_possible_neighbours_need_right_answers(context):
    study = Study()
    refused = run(context, study, kind="oracle")[-1]
    assert "give references" in refused.notice and refused.cells == "", "no cell goes on waiting"
    assert run(context, study, kind="oracle", references=("zumi",))[-1].record


def test_a_leak_cap_takes_neighbours_away_and_shows_them(context, monkeypatch):
    plain = FakeRaven.neighbours

    def measured(self, *args, **options):
        return tuple(replace(one, image_similarity=one.similarity) for one in plain(self, *args, **options))

    monkeypatch.setattr(FakeRaven, "neighbours", measured)
    last = run(context, Study(), leak_cap=0.9)[-1]
    assert "1 neighbour was over the cap" in last.neighbours and "above 0.900 were taken away" in last.notice


def test_refusals_say_how_to_go_on(context):
    study = Study()
    assert "There is no image yet" in run(context, study, form=Form(image=None))[-1].notice
    assert "compare something first" in ask_why(context, study)[-1].notice
    run(context, study, form=Form(image=drawn(50)[0], k=0))
    assert "set k above 0" in ask_why(context, study)[-1].notice


def test_an_image_that_comes_during_a_comparison_is_not_overwritten_by_it(context):
    study = Study()
    turn = study.turns.begin()
    steps = study_flow.compare(context, study, Setup(Form(image=drawn(50)[0])), (), turn)
    next(steps)
    study.clear()
    assert list(steps) == [] and study.comparison is None


def test_an_attribution_that_was_stopped_is_not_shown(context, monkeypatch):
    study = Study()
    run(context, study)
    plain = FakeRaven.attribute

    def stopped(self, *args, **options):
        study.turns.cancel()
        return plain(self, *args, **options)

    monkeypatch.setattr(FakeRaven, "attribute", stopped)
    assert ask_why(context, study) == [] and study.attribution is None


def test_an_attribution_of_a_cell_that_is_no_longer_chosen_explains_nothing(context, monkeypatch):
    study = Study()
    run(context, study)
    plain = FakeRaven.attribute

    def chosen_another(self, *args, **options):
        study.choose(("text", 3))
        return plain(self, *args, **options)

    monkeypatch.setattr(FakeRaven, "attribute", chosen_another)
    [last] = ask_why(context, study)
    assert study.attribution is None and not last.running and "rv-shares" not in last.neighbours


def test_another_question_forgets_what_was_right_for_the_last_one(context):
    study = Study()
    run(context, study)
    study.toggle_right(("both", 3))
    run(context, study)
    assert study.right
    run(context, study, form=Form(image=drawn(50)[0], question="what is it"))
    assert study.right == set()


# ---------------------------------------------------------------- the tab


@pytest.fixture
def desk(context: Context) -> study_layout.Desk:
    with gr.Blocks(analytics_enabled=False):
        return study_layout.build(context)


def test_the_form_of_the_explore_tab_and_the_switches_make_a_setup():
    fields = (None, "question", "what", True, False, 4, "raven", 0.3, "nearest-last", True)
    setup = study_events.setup_of((*fields, "random", 0.9, [5, 1], "moss\n \n nuts "))
    assert (setup.ks, setup.references, setup.kind, setup.leak_cap) == ((1, 4, 5), ("moss", "nuts"), "random", 0.9)
    assert study_events.setup_of((*fields, "retrieved", 1, [], "")).ks == ()


def test_while_something_runs_there_is_stop_and_afterwards_the_question_why(context, desk):
    study = Study()
    waiting = study_events.pressed(desk, study)
    assert (
        waiting[desk.stop]["visible"] is True
        and waiting[desk.run]["visible"] is False
        and waiting[desk.empty]["visible"] is False
    )
    stopped = study_events.stop(desk, study)
    assert (
        stopped[desk.run]["visible"] is True
        and stopped[desk.empty]["visible"] is True
        and stopped[desk.why]["visible"] is False
    )
    run(context, study)
    after = study_events.page_now(desk, study)
    assert (
        after[desk.why]["visible"] is True
        and after[desk.empty]["visible"] is False
        and after[desk.shapley]["interactive"]
    )


def test_right_answers_come_with_an_example_that_has_them(context):
    assert study_events.references_of(context, "1") == "a right answer"
    assert study_events.references_of(context, "0") == study_events.references_of(context, "x") == ""
