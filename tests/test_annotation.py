"""Queues hand out items fairly, keep annotators blind and apart, and count every judgment once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from raven_core import annotation_hand_out
from raven_core.annotation import Queues
from raven_core.annotation_types import Candidate, Draft
from raven_core.errors import ImageError, OptionError, StoreError
from raven_core.judgments import JudgmentStore
from tests.test_judgments import TRIAL, images_of, store  # noqa: F401 - a fixture
from tests.tiny import block

ROOT = Path(__file__).resolve().parent.parent
NONE = Candidate("a bird", "none", "raven", confidence=0.5)
BOTH = Candidate("a zumi", "both", "raven", confidence=0.9, similarity=0.8, neighbours=({"id": "p0", "rank": 1},))


def drafts(count: int) -> list[Draft]:
    return [Draft(None, f"question {number}", (NONE, BOTH), key=f"k{number}") for number in range(count)]


@pytest.fixture
def queues(store):  # noqa: F811
    return Queues(store)


def letter_of(queues: Queues, showing, text: str) -> str:
    return next(candidate.letter for candidate in showing.candidates if candidate.text == text)


def judge_all(queues: Queues, queue_id: str, annotator: str) -> list[str]:
    """The questions that this person is asked, in order, until there are none."""
    asked = []
    while showing := queues.next_item(queue_id, annotator):
        asked.append(showing.question)
        queues.submit(showing.item_id, annotator, "A", token=showing.token)
    return asked


def test_a_queue_comes_back_as_it_was_made(queues):
    made = queues.create("first look", drafts(3), source="world", order="given", seed=5, wanted=2)
    assert (made.size, made.order, made.seed, made.blind, made.wanted) == (3, "given", 5, True, 2)
    assert queues.get(made.id) == made and queues.named("first look") == made and queues.all() == [made]
    with pytest.raises(StoreError, match="named 'first look' already"):
        queues.create("first look", drafts(1))
    with pytest.raises(StoreError, match="no queue 'x'"):
        queues.get("x")


def test_what_cannot_be_a_queue_is_refused_and_leaves_nothing(queues, tmp_path):
    for wrong in ({"order": "best"}, {"wanted": 0}):
        with pytest.raises(OptionError):
            queues.create("q", drafts(1), **wrong)
    with pytest.raises(OptionError, match="at least one item"):
        queues.create("q", [])
    with pytest.raises(OptionError, match="1 to 8 candidates"):
        queues.create("q", [replace(drafts(1)[0], candidates=())])
    with pytest.raises(OptionError, match="name"):
        queues.create("  ", drafts(1))
    with pytest.raises(ImageError, match="no image file"):
        queues.create("q", [*drafts(1), Draft(tmp_path / "gone.png", None, (NONE, BOTH))])
    assert queues.all() == []


def test_items_come_in_the_order_that_was_asked_for(queues):
    sure = [replace(entry, candidates=(NONE, replace(NONE, confidence=0.9))) for entry in drafts(3)]
    sure[1] = drafts(3)[1]  # its cells disagree: the most to learn
    informative = queues.create("i", sure, order="informative")
    assert judge_all(queues, informative.id, "ann") == ["question 1", "question 0", "question 2"]
    asked = [
        judge_all(queues, queues.create(str(seed), drafts(9), order="random", seed=seed).id, "ann") for seed in (1, 2)
    ]
    assert sorted(asked[0]) == sorted(asked[1]) and asked[0] != asked[1]
    assert annotation_hand_out.positions([0.0] * 9, "random", 1) == annotation_hand_out.positions(
        [0.0] * 9, "random", 1
    )


def test_a_blind_showing_tells_nothing_of_where_an_answer_came_from(queues):
    queue = queues.create("q", [Draft(block("red"), "what", (NONE, BOTH))])
    showing = queues.next_item(queue.id, "ann")
    assert [candidate.details for candidate in showing.candidates] == [None, None]
    assert not any(word in repr(showing) for word in ("both", "none'", "raven", "p0", "0.8"))
    assert queues.store.image_path(showing.image_file).is_file()
    with pytest.raises(OptionError, match="once you have judged"):
        queues.reveal(showing.item_id, "ann")
    queues.skip(showing.item_id, "ann")
    with pytest.raises(OptionError, match="once you have judged"):
        queues.reveal(showing.item_id, "ann")
    queues.submit(showing.item_id, "ann", "A")
    assert queues.reveal(showing.item_id, "ann").candidates == (NONE, BOTH)


def test_nobody_sees_what_another_said_before_their_own(queues):
    queue = queues.create("q", drafts(1), wanted=2)
    showing = queues.next_item(queue.id, "ann")
    given = queues.submit(showing.item_id, "ann", "both-bad", note="hopeless")
    other = queues.next_item(queue.id, "bob")
    assert other.item_id == showing.item_id and other.given is None and "hopeless" not in repr(other)
    with pytest.raises(OptionError):
        queues.reveal(other.item_id, "bob")
    queues.submit(other.item_id, "bob", "A")
    assert queues.reveal(other.item_id, "bob").others == (given,)


def test_candidates_are_shuffled_by_seed_item_and_annotator_and_stay_so(queues):
    queue = queues.create("q", drafts(40), seed=3, wanted=2)
    orders = [annotation_hand_out.order_shown(queue, number, "ann", 2) for number in range(40)]
    assert orders == [annotation_hand_out.order_shown(queue, number, "ann", 2) for number in range(40)]
    assert 8 < orders.count((0, 1)) < 32  # a fair coin leaves this range once in 20,000 times
    assert orders != [annotation_hand_out.order_shown(queue, number, "bob", 2) for number in range(40)]
    showing = queues.next_item(queue.id, "ann")
    again = queues.show(showing.item_id, "ann")
    assert [entry.text for entry in again.candidates] == [entry.text for entry in showing.candidates]
    judgment = queues.submit(showing.item_id, "ann", "A", token=showing.token)
    assert judgment.shown == orders[0] and judgment.preferred == orders[0][0]
    assert [(NONE, BOTH)[number].text for number in judgment.shown] == [entry.text for entry in showing.candidates]


def test_an_open_queue_shows_everything_in_the_order_given(queues):
    queue = queues.create("q", drafts(20), blind=False)
    for _ in range(20):
        showing = queues.next_item(queue.id, "ann")
        assert [candidate.details for candidate in showing.candidates] == [NONE, BOTH]
        queues.submit(showing.item_id, "ann", "B")


def test_what_is_said_by_letter_is_stored_by_candidate(queues):
    queue = queues.create("q", drafts(6))
    for _ in range(6):  # among six items both orders come up, or else the next test would be of one order alone
        showing = queues.next_item(queue.id, "ann")
        good, bad = letter_of(queues, showing, "a zumi"), letter_of(queues, showing, "a bird")
        judgment = queues.submit(
            showing.item_id,
            "ann",
            good,
            {good: "success", bad: "failure"},
            ["other", "majority-copy"],
            "zumi",
            "n",
            2.5,
        )
        assert judgment.preferred == 1 and judgment.verdicts == ("failure", "success")
        assert judgment.tags == (("majority-copy", "other"), ())  # only what was no success, in the order of the list
        assert (judgment.correction, judgment.note, judgment.seconds) == ("zumi", "n", 2.5)
        judgment = queues.submit(showing.item_id, "ann", tags={good: ["other"]}, verdicts={good: "partly"})
        assert (judgment.preferred, judgment.verdicts, judgment.tags) == (None, (None, "partly"), ((), ("other",)))


def test_what_cannot_be_said_is_refused(queues):
    queue = queues.create("q", drafts(1))
    item = queues.next_item(queue.id, "ann").item_id
    for wrong in (
        {"preference": "C"}, {"preference": ""}, {"preference": "A", "verdicts": {"C": "success"}},
        {"verdicts": {"A": "great"}}, {"preference": "A", "tags": ["bad"]}, {"preference": "A", "seconds": -1.0},
        {"preference": "A", "note": "x" * 10_001}, {"preference": "A", "tags": {"Z": []}},
    ):  # fmt: skip
        with pytest.raises(OptionError):
            queues.submit(item, "ann", **wrong)
    with pytest.raises(OptionError, match="name"):
        queues.submit(item, " ", "A")
    with pytest.raises(OptionError, match="name"):
        queues.next_item(queue.id, "")
    with pytest.raises(StoreError, match="no item"):
        queues.submit("gone", "ann", "A")
    assert queues.judgments(queue.id) == []


def test_a_single_answer_gets_a_verdict_and_no_preference(queues):
    queue = queues.create("q", [replace(drafts(1)[0], candidates=(BOTH,))])
    item = queues.next_item(queue.id, "ann").item_id
    for wrong in ("A", "both-good"):
        with pytest.raises(OptionError):
            queues.submit(item, "ann", wrong)
    assert queues.submit(item, "ann", verdicts={"A": "success"}).verdicts == ("success",)


def test_one_resumes_where_one_stopped(queues):
    queue = queues.create("q", drafts(3))
    first = queues.next_item(queue.id, "ann")
    assert queues.next_item(queue.id, "ann").item_id == first.item_id  # a reload, or a second tab
    queues.submit(first.item_id, "ann", "A", token=first.token)
    assert Queues(queues.store).next_item(queue.id, "ann").question == "question 1"


def test_different_people_get_different_items_first_and_then_each_others(queues):
    queue = queues.create("q", drafts(4), wanted=2)
    ann, bob = queues.next_item(queue.id, "ann"), queues.next_item(queue.id, "bob")
    assert (ann.question, bob.question) == ("question 0", "question 1")
    queues.submit(ann.item_id, "ann", "A")
    queues.submit(bob.item_id, "bob", "A")
    assert judge_all(queues, queue.id, "ann") == ["question 2", "question 3", "question 1"]
    assert sorted(judge_all(queues, queue.id, "bob")) == ["question 0", "question 2", "question 3"]
    assert queues.next_item(queue.id, "eve") is None  # everything has its two judgments


def test_what_enough_people_have_or_hold_open_is_not_handed_out(queues, monkeypatch):
    queue = queues.create("q", drafts(1), wanted=1)
    held = queues.next_item(queue.id, "ann")
    assert queues.next_item(queue.id, "bob") is None
    monkeypatch.setattr(annotation_hand_out, "OPEN_MINUTES", -1)  # half an hour later
    assert queues.next_item(queue.id, "bob").item_id == held.item_id
    queues.submit(held.item_id, "bob", "A")
    assert queues.next_item(queue.id, "ann") is None
    queues.submit(held.item_id, "ann", "B", token=held.token)  # who had it open is still heard
    assert len(queues.judgments(queue.id)) == 2


def test_a_submission_sent_twice_counts_once(queues):
    queue = queues.create("q", drafts(1))
    showing = queues.next_item(queue.id, "ann")
    first = queues.submit(showing.item_id, "ann", "A", token=showing.token)
    assert queues.submit(showing.item_id, "ann", "A", token=showing.token) == first
    assert queues.history(first.id) == [first] and queues.judgments(queue.id) == [first]


def test_a_second_tab_edits_what_the_first_said_and_keeps_it_in_the_history(queues):
    queue = queues.create("q", drafts(1))
    tabs = [queues.next_item(queue.id, "ann") for _ in range(2)]
    assert tabs[0].item_id == tabs[1].item_id and tabs[0].token != tabs[1].token
    first = queues.submit(tabs[0].item_id, "ann", "A", token=tabs[0].token)
    second = queues.submit(tabs[1].item_id, "ann", "both-bad", token=tabs[1].token)
    assert (second.id, second.created) == (first.id, first.created)
    assert queues.judgments(queue.id) == [second] and queues.history(first.id) == [first, second]
    assert queues.submit(tabs[0].item_id, "ann", "A", token=tabs[0].token) == second  # a late copy changes nothing


def test_undo_takes_back_one_after_the_other_and_opens_them_again(queues):
    queue = queues.create("q", drafts(3))
    items = []
    for said in ("A", "skip"):
        items.append(queues.next_item(queue.id, "ann").item_id)
        queues.submit(items[-1], "ann", said)
    queues.next_item(queue.id, "ann")
    back = queues.undo(queue.id, "ann")
    assert back.item_id == items[1] and back.given.preference == "skip" and back.given.withdrawn
    assert queues.next_item(queue.id, "ann").item_id == items[1]
    back = queues.undo(queue.id, "ann")
    assert back.item_id == items[0] and queues.judgments(queue.id) == []
    assert queues.undo(queue.id, "ann") is None and queues.undo(queue.id, "bob") is None
    again = queues.submit(items[0], "ann", "B", token=back.token)
    assert [version.withdrawn for version in queues.history(again.id)] == [False, True, False]
    assert judge_all(queues, queue.id, "ann") == ["question 1", "question 2"]


def test_progress_counts_what_stands(queues):
    queue = queues.create("q", drafts(4), wanted=2)
    for annotator, said in (("ann", ["A", "skip"]), ("bob", ["A"])):
        for preference in said:
            queues.submit(queues.next_item(queue.id, annotator).item_id, annotator, preference)
    found = queues.progress(queue.id, "ann")
    assert (found.items, found.judgments, found.annotators, found.complete) == (4, 2, 2, 0)
    assert (found.judged, found.skipped, found.left) == (1, 1, 2)
    judge_all(queues, queue.id, "bob")
    found = queues.progress(queue.id, "ann")
    assert (found.judgments, found.complete, found.left) == (5, 1, 2)
    assert queues.progress(queue.id, "bob").left == 0


def test_everybody_at_once_loses_nothing(queues):
    queue = queues.create("q", drafts(8), wanted=4)

    def work(annotator: str) -> int:
        count = 0
        while showing := queues.next_item(queue.id, annotator):
            pressed = [lambda: queues.submit(showing.item_id, annotator, "A", token=showing.token)] * 2
            with ThreadPoolExecutor(2) as twice:  # a double press, at the same moment
                list(twice.map(lambda press: press(), pressed))
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(work, ["ann", "bob", "cid", "dan"]))
    assert counts == [8] * 4
    stored = queues.judgments(queue.id)
    assert len(stored) == 32 and all(len(queues.history(judgment.id)) == 1 for judgment in stored)
    assert queues.progress(queue.id).complete == 8


def test_two_processes_at_once_lose_nothing(tmp_path):
    queues = Queues(JudgmentStore(tmp_path / "judgments.db"))
    queue = queues.create("q", drafts(6), wanted=2)
    code = (
        "import sys\n"
        "from raven_core.annotation import Queues\n"
        "from raven_core.judgments import JudgmentStore\n"
        "from tests.test_annotation import judge_all\n"
        f"queues = Queues(JudgmentStore({str(tmp_path / 'judgments.db')!r}))\n"
        f"assert len(judge_all(queues, {queue.id!r}, sys.argv[1])) == 6\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, name], cwd=ROOT) for name in ("ann", "bob")]
    assert [process.wait() for process in started] == [0, 0]
    assert len(queues.judgments(queue.id)) == 12 and queues.progress(queue.id).complete == 6


def test_deleting_a_person_takes_their_trials_items_queues_and_judgments(queues):
    store, red, blue, green = queues.store, block("red"), block("blue"), block("green")  # noqa: F811
    trial = store.save_trial(TRIAL, red)
    from_trial = replace(NONE, trial_id=trial.id)
    mixed = queues.create("q", [Draft(trial.image_file, "what", (from_trial, BOTH)), Draft(blue, None, (NONE, BOTH))])
    queues.create("mine", [Draft(green, None, (NONE, BOTH))], session="ann")
    last = _last_item(queues, mixed.id)
    for annotator in ("ann", "bob"):
        queues.submit(last, annotator, "A")
    assert len(images_of(store)) == 3
    assert store.delete_session("ann") == 1
    assert [queue.name for queue in queues.all()] == ["q"] and queues.get(mixed.id).size == 1
    left = [judgment.annotator for judgment in queues.judgments(mixed.id) if judgment.preference != "skip"]
    assert left == ["bob"]
    assert len(images_of(store)) == 1
    assert store.purge(-1) == 0 and queues.all() == [] and images_of(store) == []  # a moment ago is older than that


def _last_item(queues: Queues, queue_id: str) -> str:
    while showing := queues.next_item(queue_id, "somebody"):
        queues.skip(showing.item_id, "somebody")
        last = showing.item_id
    return last


def test_deleting_a_queue_keeps_pictures_that_a_trial_still_shows(queues):
    trial = queues.store.save_trial(TRIAL, block("red"))
    queue = queues.create("q", [Draft(block("red"), None, (NONE, BOTH)), Draft(block("blue"), None, (NONE, BOTH))])
    assert len(images_of(queues.store)) == 2
    queues.delete(queue.id)
    assert images_of(queues.store) == [trial.image_file]
    with pytest.raises(StoreError, match="no queue"):
        queues.delete(queue.id)
