"""The Errors tab without a browser: whose judgments are seen, filters and address, figures as HTML, replays, files."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from raven_core import analysis
from raven_core.errors import OptionError, StoreError
from raven_core.judgments import JudgmentStore
from raven_core.ui import about, errors_cards, errors_events, errors_findings, errors_flow, errors_layout, errors_view
from raven_core.ui.context import Context
from raven_core.ui.errors_findings import Filters, Point, Seen, masked
from raven_core.ui.errors_flow import Asked
from raven_core.ui.keeper import Keeper
from raven_core.ui.markup import esc
from raven_core.ui.words import say
from tests.judged import compared, store_in, verdicts
from tests.serve_errors import ReplayingRaven, asked_and_judged, context_in

ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture
def judged(tmp_path: Path) -> JudgmentStore:
    """Ten verdicts on eight answers by ann and bob, and four blind pairs in a shared queue (``tests.judged``); one of
    the pairs bob found both good, which is a success of each."""
    store = verdicts(store_in(tmp_path))
    compared(store, {"ann": list("rrnr"), "bob": list("rgnr")})
    return store


def everything(**filters: object) -> Seen:
    return Seen(everything=True).under(Filters(**filters))  # type: ignore[arg-type]


# ---------------------------------------------------------------- whose judgments


def test_a_visitor_sees_their_own_judgments_and_nobody_elses(tmp_path):
    context = context_in(tmp_path)
    asked_and_judged(context, ANN, 1, "success")
    asked_and_judged(context, BOB, 2, "failure")
    found = errors_flow.look(context, ANN, Asked())
    assert (found.total, found.overall.success) == (1, 1)
    assert errors_flow.look(context, "c" * 32, Asked()).total == 0
    assert errors_flow.look(context, "", Asked()).total == 0, "nobody has no judgments"


def test_shared_queues_are_seen_by_all_and_an_uploaded_one_by_its_owner_only(judged):
    seen = Seen.by(judged, BOB, "own")
    assert len(seen.visible(analysis.pairs(judged))) == 8
    shared = seen.open_queues
    assert len(replace(seen, open_queues=()).visible(analysis.pairs(judged))) == 0
    with judged.database.write() as connection:
        connection.exec_driver_sql("UPDATE queues SET session = ?", (ANN,))
    assert Seen.by(judged, BOB, "own").open_queues == ()
    assert Seen.by(judged, ANN, "own").open_queues == shared


def test_the_dashboard_of_all_shows_everybody_but_never_their_secret_names(tmp_path):
    context = context_in(tmp_path, "all")
    asked_and_judged(context, ANN, 1, "success")
    asked_and_judged(context, BOB, 2, "failure")
    found = errors_flow.look(context, "", Asked(by="annotator"))
    assert found.total == 2 and {bar.group for bar in found.bars} == {masked(ANN), masked(BOB)}
    assert ANN not in json.dumps(errors_findings.plain(found)) and masked("ann") == "ann"
    assert errors_flow.look(context, "", Asked(values={"annotators": [masked(ANN)]})).overall.n == 1


def test_what_is_not_seen_can_be_neither_replayed_nor_exported(tmp_path):
    context = context_in(tmp_path)
    asked_and_judged(context, BOB, 2, "failure")
    store = errors_flow.store_of(context)
    name = f"{store.judgments()[0].id}:0"
    with pytest.raises(StoreError, match="to replay"):
        errors_findings.card_named(store, Seen.by(store, ANN, "own"), name)
    assert errors_findings.card_named(store, Seen.by(store, BOB, "own"), name).verdict == "failure"
    for format_ in analysis.FORMATS:
        assert errors_findings.export(store, Seen.by(store, ANN, "own"), format_, tmp_path)[1] == 0


def test_the_page_promises_only_what_it_keeps(tmp_path):
    own, shared = context_in(tmp_path / "own"), context_in(tmp_path / "all", "all")
    assert "Other visitors cannot see it" in about.privacy(own)
    assert "Other visitors cannot see it" not in about.privacy(shared)
    assert "your own judgments" in errors_view.scope(False) and "every judgment" in errors_view.scope(True)


# ---------------------------------------------------------------- filters and the address


def test_the_form_and_the_address_mean_the_same():
    values = dict.fromkeys(errors_layout.FILTERS) | {
        "cells": ["both"], "tags": ["majority-copy"], "low": 0.5, "text": " zumi ",
    }  # fmt: skip
    filters = errors_flow.filters_of(Asked(values=values))
    address = errors_flow.address(filters, "tag", "week")
    assert address == "tab=errors&by=tag&every=week&cell=both&tag=majority-copy&from=0.5&text=zumi"
    again = errors_flow.asked_in(address)
    assert (again.by, again.every, errors_flow.filters_of(again)) == ("tag", "week", filters)
    assert errors_flow.values_of(filters)["low"] == 0.5 and errors_flow.values_of(filters)["cells"] == ["both"]
    assert errors_flow.address(Filters(), "cell", "day") == "tab=errors"


def test_an_address_with_nonsense_in_it_is_refused_or_ignored():
    assert errors_flow.asked_in("tab=errors&by=colour&every=hour").by == "cell"
    with pytest.raises(OptionError, match="Unknown tag"):
        errors_flow.filters_of(errors_flow.asked_in("tag=nonsense"))


def test_a_second_press_takes_a_filter_off_again():
    one = errors_findings.toggled(Filters(cells=("both",)), "cell=none")
    assert one.cells == ("both", "none")
    assert errors_findings.toggled(one, "cell=none").cells == ("both",)
    band = errors_findings.toggled(one, "from=0.25&to=0.5")
    assert band.similarity == (0.25, 0.5) and errors_findings.toggled(band, "from=0.25&to=0.5") == one
    assert errors_flow.filters_of(Asked(query="cell=both&text=x", change="")) == Filters()


def test_every_filter_that_is_on_is_a_chip_that_takes_it_off():
    filters = Filters(cells=("both",), question_types=("what is",), similarity=(0.5, None), since="2026-01-02")
    chips = errors_findings.parts(filters)
    assert [chip[0] for chip in chips] == ["cell", "question_type", "band", "since"]
    for _, _, change in chips:
        filters = errors_findings.toggled(filters, change)
    assert filters == Filters()


def test_the_menus_are_those_of_the_analysis(judged):
    assert errors_layout.GROUPS == analysis.GROUPS and errors_layout.EVERY == analysis.EVERY
    assert errors_layout.FORMATS == analysis.FORMATS
    assert set(errors_flow.values_of(Filters())) == set(errors_layout.FILTERS)
    assert set(errors_findings.find(judged, everything()).choices) == set(errors_layout.MENUS)


# ---------------------------------------------------------------- figures


def test_the_figures_are_those_one_counts_by_hand(judged):
    found = errors_findings.find(judged, everything())
    assert (found.total, found.overall.success, found.overall.partly) == (12, 6, 1)
    assert [(bar.group, bar.n, bar.value) for bar in found.bars] == [("both", 6, 0.5), ("none", 6, 0.5)]
    shown = errors_view.headline(found, analysis.METHOD)
    assert "n = 12 verdicts on 10 answers: 6 success, 1 partly, 5 failure" in shown
    assert "5 times with retrieval, 2 times without; 1 both good, 0 both bad" in shown and "71.4 %" in shown
    # red: none was failure twice (agreed), both was success and failure (not agreed): half of two
    assert found.agreement.percent == 0.5 and "2 people, 2 answers judged by at least two" in shown


def test_agreement_in_large_is_of_what_more_items_were_judged_for():
    verdicts = analysis.Agreement(2, 2, 4, 1.0, "Cohen's kappa", None, 2, None, None, None)
    pairs = replace(verdicts, units=50, judgments=100, percent=0.72, alpha=0.55, low=0.4, high=0.7)
    shown = errors_view._agreement(verdicts, pairs)
    assert '<p class="rv-err-big">72.0 %</p>' in shown and "72.0 % equal, alpha 0.55 (0.40 to 0.70), 50 pairs" in shown
    assert '<p class="rv-err-big">100.0 %</p>' in errors_view._agreement(verdicts, replace(pairs, units=1))


def test_filters_change_every_figure(judged):
    found = errors_findings.find(judged, everything(cells=("none",)))
    assert (found.total, found.overall.n, found.flow.queries) == (12, 6, 0)
    assert [bar.chosen for bar in found.bars] == [True]
    assert "No question was judged both" in errors_view.flow(found.flow)
    assert "6 of 12 judged answers" in errors_view.active(found, errors_findings.parts(found.filters))
    nothing = errors_findings.find(judged, everything(text="no such text"))
    assert "Nothing matches" in errors_view.headline(nothing, "") and nothing.pages == 1


def test_bars_say_their_numbers_and_filter_when_pressed(judged):
    shown = errors_view.chart(errors_findings.find(judged, everything()))
    assert 'data-id="cell=both" aria-pressed="false"' in shown and "images and captions" in shown
    assert 'style="width:50.00%"' in shown and "<b>50.0 %</b>" in shown
    tags = errors_findings.find(judged, everything(), by="tag")
    assert [(bar.group, bar.n) for bar in tags.bars] == [("majority-copy", 3), ("other", 1)]
    assert tags.bars[0].value == 3 / 12, "a tag's bar is how often it is named"
    assert "How often each error is named" in errors_view.chart(tags)


def test_groups_without_a_name_are_told_in_words_and_cannot_be_pressed(judged):
    shown = errors_view.chart(errors_findings.find(judged, everything(), by="band"))
    [row] = [row for row in shown.split("<li") if "no neighbour" in row]
    assert "data-id" not in row and "<button" not in row


def test_the_flow_shows_what_was_helped_and_hurt(judged):
    # red: failure to (success + failure) / 2 = partly; green: failure to partly; blue and the pair that was both good:
    # the same; white: success to failure
    shown = errors_view.flow(errors_findings.find(judged, everything()).flow)
    assert "helped 2" in shown and "no change 2" in shown and "hurt 1" in shown
    assert 'class="rv-err-helped" style="flex:2"' in shown


def test_the_trend_stands_where_its_days_are():
    points = [Point(f"2026-01-{day}", 4, value, 0.0, 1.0) for day, value in (("01", 0.0), ("02", 0.5), ("05", 1.0))]
    shown = errors_view.trend(points, "day")
    assert '<polyline points="0.00,100.00 25.00,50.00 100.00,0.00"/>' in shown
    assert 'style="left:25.00%;bottom:50.00%"' in shown and "3 points from 2026-01-01 to 2026-01-05" in shown
    assert "left:50.00%" in errors_view.trend(points[:1], "day") and errors_view.trend([], "day") == ""


def test_nothing_judged_yet_says_what_to_do_next():
    assert "press Success, Partly or Failure" in errors_view.nothing(stores=True)
    assert "stores no judgments" in errors_view.nothing(stores=False)


# ---------------------------------------------------------------- answers


def test_cards_are_escaped_paged_and_say_everything(judged):
    found = errors_findings.find(judged, everything(verdicts=("failure",)))
    shown = errors_cards.gallery(found, errors_cards.pictures_of(judged), errors_findings.can_replay)
    assert shown.count('<li class="rv-err-card') == 5 and shown.count("<img") == 5
    assert "a &lt;b&gt;red&lt;/b&gt; one" in shown and "<b>red" not in shown
    assert "zumi" in shown and "=note" in shown and esc(say("tag_majority-copy")) in shown
    assert "1 to 5 of 5" in errors_cards.place(found, errors_findings.ON_A_PAGE)
    gone = errors_cards.gallery(found, lambda file: None, lambda card: False)
    assert "The picture is gone." in gone and "cannot be replayed" in gone


def test_a_page_too_far_is_the_last_one(tmp_path):
    context = context_in(tmp_path, "all")
    for number in range(13):
        asked_and_judged(context, ANN, number, "success")
    found = errors_flow.look(context, ANN, Asked(page=9))
    assert (found.page, found.pages, len(found.cards)) == (1, 2, 1)
    assert "13 to 13 of 13" in errors_cards.place(found, errors_findings.ON_A_PAGE)


# ---------------------------------------------------------------- replay


def replayed(context: Context, person: str = ANN) -> tuple[errors_findings.Replay, str]:
    store = errors_flow.store_of(context)
    card = errors_flow.look(context, person, Asked()).cards[0]
    found = errors_findings.replay(context.raven, store, card)
    return found, errors_cards.replayed(found)


def test_a_replay_gives_the_same_answer_or_says_what_has_changed(tmp_path, monkeypatch):
    context = context_in(tmp_path)
    asked_and_judged(context, ANN, 5, "failure")
    found, shown = replayed(context)
    assert found.is_same and found.same_neighbours and found.changes == ()
    assert "The same answer" in shown and "changed since" not in shown
    monkeypatch.setattr(ReplayingRaven, "prints", {**ReplayingRaven.prints, "memory": "another"})
    _, shown = replayed(context)
    assert "though something has changed" in shown and "memory fake → another" in shown
    monkeypatch.setattr(ReplayingRaven, "_words", staticmethod(lambda *asked: [" something", " else"]))
    found, shown = replayed(context)
    assert not found.is_same and "Another answer" in shown and "something else" in shown
    assert errors_findings.plain_replay(found)["changes"] == [{"what": "memory", "then": "fake", "now": "another"}]


def test_an_answer_of_a_queue_without_settings_cannot_be_replayed(judged):
    found = errors_findings.find(judged, everything())
    bare = replace(found.cards[0], trial_id=None, settings={})
    assert not errors_findings.can_replay(bare)
    with pytest.raises(OptionError, match="cannot be replayed"):
        errors_findings.replay(None, judged, bare)


def test_a_replay_that_is_refused_says_why(tmp_path):
    context = context_in(tmp_path)
    assert "rv-error" in errors_flow.replay(context, ANN, "nothing:0")
    off = replace(context, keeper=Keeper(None))
    assert "Start it without --no-store" in errors_flow.replay(off, ANN, "nothing:0")


# ---------------------------------------------------------------- files


def test_an_export_holds_what_is_filtered_under_masked_names(tmp_path):
    context = context_in(tmp_path, "all")
    asked_and_judged(context, ANN, 1, "success")
    asked_and_judged(context, BOB, 2, "failure")
    store = errors_flow.store_of(context)
    path, count = errors_findings.export(store, everything(verdicts=("failure",)), "csv", tmp_path)
    [row] = csv.DictReader(path.open(encoding="utf-8", newline=""))
    assert (count, path.name, row["annotator"]) == (1, "raven-judgments.csv", masked(BOB))
    path, _ = errors_findings.export(store, everything(), "html", tmp_path)
    assert BOB not in path.read_text("utf-8") and masked(BOB) in path.read_text("utf-8")
    path, _ = errors_findings.export(store, everything(), "coco", tmp_path)
    assert zipfile.ZipFile(path).namelist() and path.name == "raven-coco.zip"
    with pytest.raises(OptionError, match="Unknown export format"):
        errors_findings.export(store, everything(), "docx", tmp_path)


# ---------------------------------------------------------------- drawing


def test_a_look_draws_every_part_and_fills_the_form(tmp_path):
    context = context_in(tmp_path)
    asked_and_judged(context, ANN, 1, "success")
    with gr.Blocks():
        desk = errors_layout.build(context)
    drawn = errors_events.shown(desk, context, ANN, errors_flow.asked_in("tab=errors&cell=both"), with_form=True)
    assert set(drawn) == set(desk.parts)
    assert drawn[desk.address] == "tab=errors&cell=both" and drawn[desk.figures]["visible"] is True
    menus = dict(zip(errors_layout.FILTERS, desk.filters, strict=True))
    assert drawn[menus["cells"]]["value"] == ["both"]
    assert drawn[menus["annotators"]]["choices"] == [(f"{masked(ANN)} (you)", masked(ANN))]
    refused = errors_events.shown(desk, context, ANN, Asked(query="tag=nonsense"))
    assert set(refused) == {desk.notice} and "Unknown tag" in refused[desk.notice]
    empty = errors_events.shown(desk, context, BOB, Asked())
    assert "No judgments to count yet" in empty[desk.headline] and empty[desk.figures]["visible"] is False


def test_a_file_is_made_with_a_sign_of_progress_and_then_offered(tmp_path):
    context = context_in(tmp_path)
    asked_and_judged(context, ANN, 1, "success")
    with gr.Blocks():
        desk = errors_layout.build(context)
    steps = errors_events.export_steps(desk, context, ANN, "jsonl", Asked())
    assert "rv-progress" in next(steps)[desk.made]
    ready = next(steps)
    assert json.loads(Path(ready[desk.download]["value"]).read_text("utf-8"))["verdict"] == "success"
    assert "1 entries" in ready[desk.made] and list(steps) == []
