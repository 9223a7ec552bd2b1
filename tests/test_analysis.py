"""Flat tables, filters, rates and contrasts say what one counts by hand."""

from dataclasses import replace

import numpy as np
import pytest

from raven_core import analysis
from raven_core.analysis import flat, reading
from raven_core.analysis.rates import wilson
from raven_core.annotation import Queues
from raven_core.annotation_types import Candidate, Draft
from raven_core.errors import OptionError
from tests.judged import compared, save, store_in, verdicts
from tests.test_judgments import TRIAL


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return verdicts(store_in(tmp_path_factory.mktemp("judged")))


@pytest.fixture
def store(tmp_path):
    return store_in(tmp_path)


def rows_of(frame, *names):
    return [tuple(row) for row in frame[list(names)].itertuples(index=False)]


def test_the_table_has_a_row_for_every_judged_answer(judged):
    frame = analysis.table(judged)
    assert tuple(frame.columns) == flat.COLUMNS and len(frame) == 10
    row = frame[(frame["trial_id"] == "both-green")].iloc[0]
    assert (row["verdict"], row["score"], row["cell"], row["adapter"]) == ("partly", 1, "both", "raven")
    assert (row["task"], row["question_type"], row["domain"]) == ("vqa", "what is", "novel")
    assert (row["similarity"], row["annotator"], row["text"]) == (0.5, "ann", "both says green")
    assert np.isnan(frame[frame["cell"] == "none"]["similarity"]).all()
    tagged = frame[frame["trial_id"] == "none-red"]
    assert [flat.tags_of(bits) for bits in tagged["tag_bits"]] == [["majority-copy"], ["other"]]
    assert tagged["unit"].nunique() == 1 and tagged["query"].nunique() == 1


def test_cells_follow_from_what_the_model_was_given(store):
    for name, cell, about in (
        ("a", "both", {"settings": {"k": 0, "modalities": ["text"]}}), ("b", "image", {"adapter": None}),
        ("c", "none", {"adapter": "no-retrieval"}), ("d", "both", {"settings": {"cell": "oracle"}, "question": None}),
    ):  # fmt: skip
        save(store, name, cell, **about)
        store.judge(name, "success")
    frame = analysis.table(store)
    assert rows_of(frame, "cell", "adapter") == [
        ("none", "raven"), ("image", "base"), ("baseline", "no-retrieval"), ("oracle", "raven"),
    ]  # fmt: skip
    assert frame["task"].iloc[3] == "caption" and frame["question_type"].iloc[3] == "caption"


def test_an_empty_store_has_empty_tables_and_no_figures(store):
    frame, duels = analysis.table(store), analysis.pairs(store)
    assert len(frame) == 0 and tuple(frame.columns) == flat.COLUMNS and tuple(duels.columns) == flat.PAIR_COLUMNS
    assert analysis.overall(frame) == analysis.Rates(0, 0, 0, 0, 0, None, None, None)
    assert all(len(analysis.rates(frame, by)) == 0 for by in analysis.GROUPS)
    assert len(analysis.trend(frame)) == 0 and analysis.flow(frame).queries == 0
    assert analysis.win_rate(duels).rate is None and analysis.agreement(frame).alpha is None
    assert analysis.gallery(store, frame) == [] and analysis.Filters(text="x", cells=("both",)).apply(frame) is not None


def test_the_table_follows_every_change_without_being_read_again(store, monkeypatch):
    store = verdicts(store)
    assert len(analysis.table(store)) == 10
    part, asked = reading._kept(store)._trials, []
    read = part.read
    monkeypatch.setattr(part, "read", lambda connection, where: asked.append(str(where)) or read(connection, where))
    assert analysis.table(store) is analysis.table(store) and asked == []  # nothing new, nothing read
    changed = store.judge("both-blue", "failure", ["other"], annotator="ann")
    frame = analysis.table(store)
    assert len(frame) == 10 and len(asked) == 1 and "judgment_history" in asked[0]  # only what has changed
    assert frame[frame["judgment_id"] == changed.id]["verdict"].tolist() == ["failure"]
    save(store, "late", "text", "red")
    added = store.judge("late", "partly", annotator="eve")  # a cell and a person that were not there before
    frame = analysis.table(store)
    assert len(frame) == 11 and rows_of(frame[frame["trial_id"] == "late"], "cell", "annotator") == [("text", "eve")]
    store.withdraw(added.id)
    assert len(analysis.table(store)) == 10
    assert all("judgment_history" in where for where in asked)
    store.delete_session("bob")  # his two judgments: nothing tells which are gone
    assert len(analysis.table(store)) == 8 and asked[-1] == "true"
    compared(store, {"ann": ["g"]})
    assert len(analysis.table(store)) == 10 and len(analysis.pairs(store)) == 1
    pieces = analysis.table(store)
    reading._KEPT.clear()
    afresh = analysis.table(store)
    names = ["judgment_id", "candidate", "verdict", "cell", "annotator", "tag_bits", "unit"]
    assert sorted(rows_of(pieces, *names)) == sorted(rows_of(afresh, *names))


def test_items_give_a_row_for_each_verdict(store):
    queues = Queues(store)
    entries = (Candidate("bird", "none", "raven"), Candidate("zumi", "both", None, similarity=0.5))
    queue = queues.create(
        "q", [Draft(None, f"q{n}", entries, domain="novel", key=str(n)) for n in range(4)], blind=False
    )
    for said in (
        {"preference": "B", "verdicts": {"B": "partly"}, "tags": {"B": ["caption-noise"]}},
        {"preference": "both-good"}, {"preference": "both-bad", "verdicts": {"A": "partly"}}, {"preference": "skip"},
    ):  # fmt: skip
        queues.submit(queues.next_item(queue.id, "ann").item_id, "ann", **said)
    frame = analysis.table(store)
    assert rows_of(frame, "question", "candidate", "verdict", "cell", "adapter") == [
        ("q0", 1, "partly", "both", "base"),
        ("q1", 0, "success", "none", "raven"), ("q1", 1, "success", "both", "base"),
        ("q2", 0, "partly", "none", "raven"), ("q2", 1, "failure", "both", "base"),
    ]  # fmt: skip
    assert flat.tags_of(frame["tag_bits"].iloc[0]) == ["caption-noise"] and frame["queue"].iloc[0] == "q"
    assert rows_of(analysis.pairs(store), "question", "outcome", "first_cell", "second_cell") == [
        ("q0", "second", "none", "both"), ("q1", "both-good", "none", "both"), ("q2", "both-bad", "none", "both"),
    ]  # fmt: skip


def test_a_preferred_one_of_three_is_paired_with_every_other(store):
    queues = Queues(store)
    three = tuple(Candidate(cell, cell, "raven") for cell in ("none", "text", "both"))
    queue = queues.create("q", [Draft(None, "q0", three)], blind=False)
    queues.submit(queues.next_item(queue.id, "ann").item_id, "ann", "B")
    found = analysis.pairs(store)
    assert rows_of(found, "first_cell", "second_cell", "outcome") == [
        ("none", "text", "second"),
        ("text", "both", "first"),
    ]
    queues.submit(found["item_id"].iloc[0], "ann", "both-bad")
    assert len(analysis.pairs(store)) == 3


def test_the_same_answer_judged_on_the_page_and_in_a_queue_is_one_unit(store):
    save(store, "t", "both")
    store.judge("t", "success", annotator="ann")
    candidate = Candidate("x", "both", "raven", trial_id="t")
    queues = Queues(store)
    queue = queues.create("q", [Draft(None, "what", (candidate,))])
    queues.submit(queues.next_item(queue.id, "bob").item_id, "bob", verdicts={"A": "failure"})
    assert analysis.table(store)["unit"].nunique() == 1 and analysis.agreement(analysis.table(store)).units == 1


def test_filters_combine_and_survive_an_address(judged):
    frame = analysis.table(judged)
    filters = analysis.Filters(cells=("both", "text"), annotators=("ann",), verdicts=("partly", "failure"))
    assert rows_of(filters.apply(frame), "trial_id") == [("both-green",), ("both-white",)]
    assert analysis.Filters.from_query(filters.to_query()) == filters and filters.active
    tricky = analysis.Filters(
        question_types=("what & who=?",), tags=("other",), similarity=(0.25, None), since="2026-01-01", text="né 100%"
    )
    assert analysis.Filters.from_query("?" + tricky.to_query()) == tricky
    assert analysis.Filters.from_query(
        {"cell": ["both", "none"], "tag": "other", "__theme": "dark"}
    ) == analysis.Filters(cells=("none", "both"), tags=("other",))
    assert analysis.Filters().to_query() == "" and not analysis.Filters.from_query("").active


def test_each_filter_keeps_what_it_says(judged):
    frame = analysis.table(judged)
    count = {
        analysis.Filters(tags=("other",)): 1, analysis.Filters(tags=("other", "majority-copy")): 4,
        analysis.Filters(similarity=(0.5, None)): 5, analysis.Filters(similarity=(None, 0.49)): 0,
        analysis.Filters(text="SAYS GREEN"): 2, analysis.Filters(text="=note"): 1, analysis.Filters(domains=("x",)): 0,
        analysis.Filters(since="2999-01-01"): 0, analysis.Filters(until="2026-01-01"): 0, analysis.Filters(): 10,
        analysis.Filters(tasks=("vqa",), adapters=("raven",), kinds=("trial",), question_types=("what is",)): 10,
    }  # fmt: skip
    assert {filters: len(filters.apply(frame)) for filters in count} == count
    today = str(frame["judged"].iloc[0])[:10]
    assert len(analysis.Filters(since=today).apply(frame)) == 10
    last = str(frame["judged"].iloc[-1])[:10]
    assert len(analysis.Filters(until=last).apply(frame)) == 10  # a date means the whole day
    for wrong in ({"tags": ("bad",)}, {"verdicts": ("great",)}, {"since": "soon"}, {"cells": "both"}):
        with pytest.raises(OptionError):
            analysis.Filters(**wrong)
    with pytest.raises(OptionError, match="similarity"):
        analysis.Filters.from_query("from=near")


def test_menus_offer_what_stands_in_the_table(judged):
    found = analysis.choices(analysis.table(judged))
    assert found["cells"] == ["both", "none"] and found["annotators"] == ["ann", "bob"] and found["queues"] == [""]


def test_wilson_intervals_are_the_published_ones():
    low, high = wilson([0.1, 0.0], [10, 20])  # 1 of 10 and 0 of 20, as in Newcombe 1998's form of the formula
    assert low == pytest.approx([0.017876, 0.0], abs=1e-6) and high == pytest.approx([0.404150, 0.161125], abs=1e-6)


def test_success_rates_count_verdicts_and_their_intervals_count_answers(judged):
    frame = analysis.table(judged)
    found = analysis.overall(frame)
    assert (found.n, found.answers, found.success, found.partly, found.failure) == (10, 8, 4, 1, 5)
    assert found.rate == 0.4
    low, high = wilson(0.4, 8)
    assert (found.low, found.high) == (low[0], high[0])
    by_cell = analysis.rates(frame, "cell")
    assert rows_of(by_cell, "group", "n", "answers", "success", "partly", "failure") == [
        ("both", 5, 4, 2, 1, 2), ("none", 5, 4, 2, 0, 3),
    ]  # fmt: skip
    assert by_cell["rate"].tolist() == [0.4, 0.4] and by_cell["share"].tolist() == [0.5, 0.5]
    assert rows_of(analysis.rates(frame, "annotator"), "group", "n", "success") == [("ann", 8, 4), ("bob", 2, 0)]
    with pytest.raises(OptionError, match="Cannot group"):
        analysis.rates(frame, "mood")


def test_an_answer_with_two_tags_counts_under_both(store):
    save(store, "t", "both")
    store.judge("t", "failure", ["other", "caption-noise"])
    found = analysis.rates(analysis.table(store), "tag")
    assert rows_of(found, "group", "n", "rate", "share") == [("caption-noise", 1, 0.0, 1.0), ("other", 1, 0.0, 1.0)]


def test_bands_part_similarities_evenly_and_keep_what_has_none_apart(store):
    for number in range(8):
        near = [{"rank": 1, "similarity": number / 10}]
        save(store, f"t{number}", "both", neighbours=near)
        store.judge(f"t{number}", "success" if number > 3 else "failure")
    save(store, "none", "none")
    store.judge("none", "partly")
    frame = analysis.table(store)
    edges = analysis.bands(frame, count=2)
    assert edges == [0.0, 0.35, 0.7]
    assert rows_of(analysis.rates(frame, "band", edges), "group", "n", "success") == [
        ("0.00 to 0.35", 4, 0), ("0.35 to 0.70", 4, 4), ("", 1, 0),
    ]  # fmt: skip
    near = analysis.Filters(similarity=(0.5, None)).apply(frame)
    assert rows_of(analysis.rates(near, "band", edges), "group", "n") == [("0.35 to 0.70", 3)]


def test_trends_are_by_day_by_week_from_monday_and_by_month(judged):
    frame = analysis.table(judged).copy()
    days = ["2026-01-04", "2026-01-05", "2026-01-11", "2026-01-12", "2026-02-01"]  # Sunday, Monday, Sunday, Monday
    frame["judged"] = np.repeat(np.array(days, dtype="datetime64[ms]"), 2)
    assert analysis.trend(frame)["start"].tolist() == days
    assert rows_of(analysis.trend(frame, "week"), "start", "n") == [
        ("2025-12-29", 2), ("2026-01-05", 4), ("2026-01-12", 2), ("2026-01-26", 2),
    ]  # fmt: skip
    assert rows_of(analysis.trend(frame, "month"), "start", "n") == [("2026-01-01", 8), ("2026-02-01", 2)]
    with pytest.raises(OptionError, match="trend by 'year'"):
        analysis.trend(frame, "year")


def test_flow_counts_what_retrieval_helped_and_hurt(judged):
    # red: ann failure -> success, bob failure -> failure: 0 -> mean of 2 and 0 is partly. green: failure -> partly.
    # blue: success -> success. white: success -> failure.
    found = analysis.flow(analysis.table(judged))
    assert (found.queries, found.helped, found.hurt, found.same, found.net) == (4, 2, 1, 1, 1)
    assert found.counts == ((0, 2, 0), (0, 0, 0), (1, 0, 1)) and found.p_value == 1.0
    only_ann = analysis.Filters(annotators=("ann",)).apply(analysis.table(judged))
    assert analysis.flow(only_ann).counts == ((0, 1, 1), (0, 0, 0), (1, 0, 1))
    assert analysis.flow(analysis.table(judged), "none", "text").queries == 0


def test_the_sign_test_of_a_flow_is_exact(judged):
    frame = analysis.table(judged)
    part = frame[frame["annotator"] == "ann"]
    queries = np.arange(6, dtype=np.uint64)
    frame = part.iloc[[0] * 12].assign(query=np.tile(queries, 2), cell=["none"] * 6 + ["both"] * 6)
    frame["score"] = [0] * 6 + [2] * 6
    assert analysis.flow(frame).p_value == pytest.approx(2 * 0.5**6)  # six of six helped: 2 / 64


def test_the_win_rate_of_retrieval_leaves_ties_out_and_says_so(store):
    compared(store, {"ann": list("rrrngb")})
    found = analysis.win_rate(analysis.pairs(store))
    assert (found.judgments, found.pairs, found.wins, found.losses, found.ties) == (6, 6, 3, 1, 2)
    assert (found.both_good, found.both_bad, found.decided, found.rate) == (1, 1, 4, 0.75)
    assert (found.low, found.high) == (pytest.approx(0.300642, abs=1e-6), pytest.approx(0.954413, abs=1e-6))
    assert found.with_ties == pytest.approx(4 / 6)


def test_the_win_rate_counts_pairs_once_in_its_interval_and_only_blind_ones(store):
    compared(store, {"ann": list("rrn"), "bob": list("rrr")})
    compared(store, {"ann": list("nnnn")}, blind=False)
    duels = analysis.pairs(store)
    found = analysis.win_rate(duels)
    assert (found.wins, found.losses, found.pairs, found.decided) == (5, 1, 3, 3)
    assert found.high == pytest.approx(wilson(5 / 6, 3)[1][0])
    assert analysis.win_rate(duels, blind_only=False).losses == 5
    assert analysis.win_rate(duels, without=("both",)).wins == 1
    assert len(analysis.Filters(cells=("both",), annotators=("bob",)).apply(duels)) == 3
    assert len(analysis.Filters(cells=("text",)).apply(duels)) == 0


def test_cards_come_newest_first_with_their_neighbours(judged):
    frame = analysis.table(judged)
    cards = analysis.gallery(judged, frame, limit=3)
    assert [card.trial_id for card in cards] == frame["trial_id"].tolist()[:-4:-1]
    assert analysis.gallery(judged, frame, offset=8) == analysis.gallery(judged, frame)[8:]
    card = next(card for card in analysis.gallery(judged, frame) if card.trial_id == "both-white")
    assert (card.verdict, card.tags, card.similarity, card.correction) == ("failure", ("majority-copy",), 0.5, "zumi")
    assert card.neighbours[0]["caption"] == "a <b>red</b> one" and card.settings["k"] == 3
    assert judged.trial(card.trial_id).output == card.text and card.judged.endswith("+00:00")


def test_a_replay_says_what_has_changed_since():
    assert analysis.changes(TRIAL, {"memory": "abc"}, "0.1.0") == []
    trial = replace(TRIAL, fingerprints={"memory": "abc", "model": "m" * 64})
    assert analysis.changes(trial, {"memory": "xyz", "model": "m" * 64, "adapter": "a"}, "0.2.0") == [
        analysis.Change("adapter", "", "a"), analysis.Change("memory", "abc", "xyz"),
        analysis.Change("version", "0.1.0", "0.2.0"),
    ]  # fmt: skip
