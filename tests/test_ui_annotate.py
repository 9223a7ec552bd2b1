"""The Annotate tab without a browser: what is shown, what presses do, how queues are made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio.utils import get_upload_folder

from raven_core.annotation import Queues
from raven_core.annotation_types import Candidate, Draft, ItemJudgment, Progress, Queue
from raven_core.errors import OptionError
from raven_core.judgments import JudgmentStore
from raven_core.settings import Profile
from raven_core.ui import annotate_api as api
from raven_core.ui import annotate_bench as bench_of
from raven_core.ui import annotate_events as events
from raven_core.ui import annotate_layout, people
from raven_core.ui import annotate_make as make
from raven_core.ui import annotate_view as view
from raven_core.ui.annotate_answer import Making
from raven_core.ui.annotate_bench import Bench
from raven_core.ui.cards import Example
from raven_core.ui.sitting import Sitting
from tests.fake_raven import FakeRaven, drawn, write_profile


def drafts(count: int, cells: tuple[str, ...] = ("none", "both")) -> list[Draft]:
    """Items with one answer a cell; their texts do not tell the cell."""
    return [
        Draft(
            drawn(200 + number)[0],
            None if number % 2 else "what is it?",
            tuple(
                Candidate(f"answer {place} to item {number}", cell, "raven", similarity=0.5,
                          neighbours=[{"caption": "a <b>zumi</b>", "rank": 1}] if cell == "both" else [])
                for place, cell in enumerate(cells)
            ),
            references=("a zumi",),
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.fixture
def queues(tmp_path: Path) -> Queues:
    return Queues(JudgmentStore(tmp_path / "judgments.db"))


def said(preference: str = "", **more: Any) -> str:
    """What the form sends."""
    return json.dumps({"preference": preference, "verdicts": {}, "tags": {}, "correction": "", "note": "", **more})


def opened(queues: Queues, count: int = 3, name: str = "Anna", **options: Any) -> tuple[Bench, Queue]:
    queue = queues.create("q", drafts(count), **{"wanted": 2, **options})
    bench = Bench()
    bench_of.begin(queues, bench, name, queue.id)
    return bench, queue


def page_of(queues: Queues, bench: Bench) -> str:
    return bench_of.told(queues, bench) + bench_of.stage(queues, bench)


def judged(**values: Any) -> ItemJudgment:
    return ItemJudgment(**{
        "id": "j", "item_id": "i", "annotator": "Ben", "preference": "", "preferred": None,
        "verdicts": (None, None), "tags": ((), ()), "correction": "", "note": "", "seconds": None, "shown": (0, 1),
        "created": "", "updated": "", **values,
    })  # fmt: skip


# ---------------------------------------------------------------- what is shown


def test_a_blind_item_says_nothing_of_retrieval_and_an_open_one_does(queues):
    bench, _ = opened(queues)
    shown = page_of(queues, bench)
    for secret in ("Images and captions", "No retrieval", "raven", "zumi</b>", "0.500"):
        assert secret not in shown
    other = queues.create("open", drafts(1), blind=False)
    bench_of.begin(queues, bench, "Anna", other.id)
    assert "Images and captions" in page_of(queues, bench)


def test_keys_stand_on_the_buttons_that_they_press(queues):
    bench, _ = opened(queues)
    shown = page_of(queues, bench)
    for key, value in (("1", "A"), ("2", "B"), ("3", "both-good"), ("4", "both-bad")):
        assert f'name="preference" value="{value}"  data-key="{key}"' in shown
        assert f"<kbd>{key}</kbd>" in shown
    assert 'data-act="skip" data-key="s"' in shown and 'data-act="undo" data-key="u" disabled' in shown


def test_one_answer_alone_is_judged_by_verdict_and_three_by_the_best(queues):
    alone = queues.create("alone", drafts(1, ("both",)))
    bench = Bench()
    bench_of.begin(queues, bench, "Anna", alone.id)
    shown = page_of(queues, bench)
    assert 'name="preference"' not in shown and 'value="failure" data-verdict="A" data-key="3"' in shown
    three = queues.create("three", drafts(1, ("none", "text", "both")))
    bench_of.begin(queues, bench, "Anna", three.id)
    shown = page_of(queues, bench)
    assert "C better<kbd>3</kbd>" in shown and "All bad<kbd>5</kbd>" in shown


def test_what_people_wrote_is_escaped(queues):
    bad = "<script>alert(1)</script>"
    queue = queues.create("bad", [Draft(None, bad, (Candidate(bad, "none"), Candidate(bad, bad)), (bad,))], wanted=2)
    for name in ("Ben", bad):
        bench = Bench()
        bench_of.begin(queues, bench, name, queue.id)
        assert "<script" not in page_of(queues, bench)
        bench_of.press(queues, bench, view.SAVE, bench.token, said("A", correction=bad, note=bad))
        bench_of.press(queues, bench, view.REVEAL, "")
        assert "<script" not in page_of(queues, bench)
        assert "&lt;script" in page_of(queues, bench)


def test_a_right_answer_that_many_people_gave_is_listed_once(queues):
    entry = replace(drafts(1)[0], references=("moss", "moss", "leaves"))
    bench = Bench()
    bench_of.begin(queues, bench, "Anna", queues.create("q", [entry]).id)
    assert page_of(queues, bench).count("<li>moss</li>") == 1


def test_progress_is_a_share_of_all_items_and_skips_count_as_done():
    shown = view.progress_bar(Progress(items=8, complete=1, judgments=4, annotators=2, judged=3, skipped=1, left=4))
    assert "width:50%" in shown and "4 of 8 done by you · 1 skipped · 1 of 8 have all their judgments" in shown


def test_what_others_said_is_told_in_ones_own_letters():
    # this person saw candidate 1 as A; Ben, to whom it was B, preferred it
    ben = judged(preference="B", preferred=1, verdicts=("failure", "success"), tags=(("majority-copy",), ()))
    assert view.said_words(ben, (1, 0)) == "A better · A Success · B Failure (Copied what most captions say)"
    assert view.said_words(judged(preference="both-bad"), (1, 0)) == "Both bad"


# ---------------------------------------------------------------- what presses do


def test_judging_goes_on_to_the_next_item_and_undo_brings_the_last_one_back_filled_in(queues):
    bench, queue = opened(queues)
    first = bench.showing
    bench_of.press(queues, bench, view.SAVE, bench.token, said("A", note="clear", verdicts={"B": "failure"}))
    assert bench.showing.item_id != first.item_id and "A better" in bench.line
    bench_of.press(queues, bench, view.UNDO, bench.token)
    assert bench.showing.item_id == first.item_id and queues.judgments(queue.id) == []
    shown = page_of(queues, bench)
    assert 'value="clear"' in shown and 'value="A"  data-key="1" checked' in shown
    assert 'value="failure" data-verdict="B" checked' in shown


def test_a_second_press_of_the_same_item_does_nothing(queues):
    bench, queue = opened(queues)
    old = bench.token
    bench_of.press(queues, bench, view.SAVE, old, said("A"))
    second = bench.showing
    bench_of.press(queues, bench, view.SAVE, old, said("B"))
    bench_of.press(queues, bench, view.SAVE, old, said("B"))
    assert bench.showing is second
    assert [one.preference for one in queues.judgments(queue.id)] == ["A"]


def test_a_refused_judgment_leaves_the_item_where_it_is(queues):
    bench, queue = opened(queues)
    shown = bench.showing
    for value in (said(), "", "[]", '{"preference": 1}', said("C"), said(verdicts={"A": "maybe"})):
        with pytest.raises(OptionError):
            bench_of.press(queues, bench, view.SAVE, bench.token, value)
    assert bench.showing is shown and queues.judgments(queue.id) == []


def test_skipping_everything_ends_the_queue_and_undo_opens_it_again(queues):
    bench, _ = opened(queues, count=2)
    for _ in range(2):
        bench_of.press(queues, bench, "skip", bench.token)
    assert bench.showing is None and "Nothing is left for you" in page_of(queues, bench)
    bench_of.press(queues, bench, view.UNDO, bench.token)
    assert bench.showing is not None


def test_revealing_shows_cells_and_others_only_of_the_item_judged(queues):
    bench, queue = opened(queues, count=1)
    bench_of.press(queues, bench, view.REVEAL, "")
    assert not bench.is_revealed
    ben = Bench()
    bench_of.begin(queues, ben, "Ben", queue.id)
    bench_of.press(queues, ben, view.SAVE, ben.token, said("both-bad", note="both are wrong"))
    bench_of.press(queues, bench, view.SAVE, bench.token, said("A"))
    assert "both are wrong" not in page_of(queues, bench)
    bench_of.press(queues, bench, view.REVEAL, "")
    shown = page_of(queues, bench)
    assert "<b>Ben</b> Both bad" in shown and "both are wrong" in shown and "Images and captions" in shown


def test_a_name_is_needed_and_kept_in_one_line(queues):
    queue = queues.create("q", drafts(1))
    with pytest.raises(OptionError, match="Give your name first"):
        bench_of.begin(queues, Bench(), "  ", queue.id)
    with pytest.raises(OptionError, match="Choose a queue"):
        bench_of.begin(queues, Bench(), "Anna", "")
    assert bench_of.checked_name("  Anna \n Berg ") == "Anna Berg"
    assert len(bench_of.checked_name("x" * 200)) == 60


# ---------------------------------------------------------------- how queues are made


@pytest.fixture
def context(tmp_path: Path) -> Any:
    """What making a queue needs of a page."""
    profile = Profile.load(str(write_profile(tmp_path / "profile")))
    examples = [Example(drawn(100 + n)[0], f"Example {n}", "novel", references=("right",)) for n in range(3)]
    return SimpleNamespace(profile=profile, examples=examples, raven=FakeRaven(profile, 0), world=None)


def made(context: Any, queues: Queues, owner: str = "me", **asked: Any) -> tuple[list[Making], Queue]:
    *steps, queue = make.make(context, queues, make.Order(name="made", **asked), owner)
    return steps, queue


def test_a_queue_of_examples_sets_an_answer_without_neighbours_against_one_with(context, queues):
    steps, queue = made(context, queues, source=make.EXAMPLES, pictures=(0, 2), wanted=3)
    assert steps == [Making(1, 2), Making(2, 2)] and (queue.size, queue.wanted, queue.blind, queue.session) == (
        2,
        3,
        True,
        "",
    )
    item = queues.next_item(queue.id, "Anna")
    queues.submit(item.item_id, "Anna", "A")
    assert {one.cell for one in queues.reveal(item.item_id, "Anna").candidates} == {"none", "both"}


def test_a_queue_of_ones_own_answers_holds_no_one_elses(context, queues):
    image = drawn(1)[0]
    for person, modalities in (("me", []), ("me", ["image", "text"]), ("you", []), ("you", ["text"])):
        question = None if person == "me" else "what?"
        trial = context.raven.trial(context.raven.answer(image, question, modalities=modalities), question, person)
        queues.store.save_trial(replace(trial, settings={"modalities": modalities, "k": 3}), image)
    _, queue = made(context, queues, source=make.TRIALS)
    item = queues.next_item(queue.id, "Anna")
    assert queue.size == 1 and queue.session == "me" and item.question is None and item.image_file
    with pytest.raises(OptionError, match="nothing to compare"):
        made(context, queues, owner="nobody", source=make.TRIALS)


def upload(name: str, content: bytes) -> str:
    folder = Path(get_upload_folder()) / "raven-annotate-test"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return str(folder / name)


def test_a_run_brings_its_own_pictures_and_names_no_other_file_of_the_server(context, queues, tmp_path):
    private = tmp_path / "private.png"
    drawn(5)[0].save(private)
    drawn(6)[0].save(tmp_path / "a.png")
    rows = [
        {"id": image, "image": image, "cell": cell, "prediction": f"it is {cell}", "task": "caption"}
        for image in ("pictures/a.png", str(private))
        for cell in ("none", "both")
    ]
    samples = upload("samples.jsonl", "\n".join(map(json.dumps, rows)).encode())
    files = (samples, upload("a.png", (tmp_path / "a.png").read_bytes()))
    _, queue = made(context, queues, source=make.RUN, files=files, order="given")
    shown = [queues.next_item(queue.id, name) for name in ("Anna", "Ben", "Cleo")]
    assert queue.size == 2 and shown[0].image_file
    queues.skip(shown[0].item_id, "Anna")
    assert queues.next_item(queue.id, "Anna").image_file is None
    with pytest.raises(OptionError, match=r"samples\.jsonl"):
        made(context, queues, source=make.RUN, files=(str(private),))
    for content in (b"[1, 2]", b'"text"', b"\xff", b'{"prediction": "x", "similarity": "near"}'):
        with pytest.raises(OptionError):
            made(context, queues, source=make.RUN, files=(upload("samples.jsonl", content),))


def test_at_most_so_many_items_and_the_most_informative_of_them():
    # informativeness is (disagreement + doubt + distance) / 3: alike 0, unlike 1/3
    alike = Draft(None, "alike", (Candidate("yes"), Candidate("yes")))
    unlike = Draft(None, "unlike", (Candidate("yes"), Candidate("no")))
    assert make.chosen([alike, unlike, alike], "informative", 1, 0) == [unlike]
    assert make.chosen([alike, unlike, alike], "given", 2, 0) == [alike, unlike]
    assert len(make.chosen([alike, unlike, alike], "random", 2, 7)) == 2


# ---------------------------------------------------------------- for programs


def test_a_program_sees_a_blind_item_without_its_cells_and_judges_it_once(queues):
    queue = queues.create("q", drafts(1))
    item = api.next_record(queues, queue.id, "bot")
    assert [sorted(one) for one in item["candidates"]] == [["letter", "text"]] * 2
    for _ in range(2):
        said_of_it = {"preference": "A", "token": item["token"]}
        assert api.submitted(queues, item["item_id"], "bot", said_of_it)["preference"] == "A"
    assert api.queue_record(queues, queue)["judgments"] == 1 and api.next_record(queues, queue.id, "bot") == {}
    assert api.undone(queues, queue.id, "bot")["item_id"] == item["item_id"]


# ---------------------------------------------------------------- what the page does with it


@pytest.fixture
def booth(context: Any) -> Any:
    with gr.Blocks():
        return annotate_layout.build(context)


def test_a_browser_that_comes_back_finds_its_item_and_a_new_one_an_empty_page(booth, queues):
    _, queue = opened(queues)
    kept = {"name": "Anna", "queue": queue.id}
    back = events.resumed(booth, queues, Bench(), kept, "")
    assert "Item 1 of 3" in back[booth.stage] and back[booth.name]["value"] == "Anna"
    assert back[booth.queue]["choices"] == [("q · 3 items", queue.id)]
    for strange in (None, "x", {"name": "Anna", "queue": "gone"}, {"queue": queue.id}):
        assert booth.stage not in events.resumed(booth, queues, Bench(), strange, "")


def test_who_is_logged_in_judges_under_that_name(booth, queues):
    queue = queues.create("q", drafts(1))
    mine = Bench()
    shown = events.resumed(booth, queues, mine, {"name": "Anna", "queue": queue.id}, "hf-user")
    assert mine.name == "hf-user" and shown[booth.name]["interactive"] is False
    assert people.login(SimpleNamespace(username="user"), None) == "user"
    assert people.login(None, None) == ""


def test_revealing_and_refusals_leave_the_form_alone_and_a_deleted_queue_is_told(booth, queues):
    bench, queue = opened(queues)
    events.pressed(booth, queues, bench, view.SAVE, bench.token, said("A"))
    revealed = events.pressed(booth, queues, bench, view.REVEAL, bench.token, "")
    assert booth.stage not in revealed and "rv-revealed" in revealed[booth.told]
    refused = events.pressed(booth, queues, bench, view.SAVE, bench.token, said())
    assert set(refused) == {booth.notice} and "Nothing was said" in refused[booth.notice]
    queues.delete(queue.id)
    gone = events.pressed(booth, queues, bench, view.SAVE, bench.token, said("A"))
    assert "may have been deleted" in gone[booth.notice] and "Give your name" in gone[booth.stage]


# ---------------------------------------------------------------- deleting what one gave


def test_one_is_asked_before_ones_judgments_are_deleted_and_told_how_many_they_were(booth, queues):
    drawer, queue = booth.forget, queues.create("q", drafts(2), wanted=2)
    mine = Bench()
    events.begun(booth, queues, mine, "Anna", queue.id, "anna's")
    events.pressed(booth, queues, mine, view.SAVE, mine.token, said("A"), "anna's")
    assert "Give your name first" in events.asked_to_forget(booth, " ")[drawer.told]
    asked = events.asked_to_forget(booth, " Anna ")
    assert (
        "“Anna”" in asked[drawer.question] and asked[drawer.name] == "Anna" and asked[drawer.asking]["visible"] is True
    )
    strange = events.forgotten(booth, queues, Bench(), "Anna", ["stranger's"])
    assert "Nothing was given under" in strange[drawer.told] and len(queues.judgments(queue.id)) == 1
    gone = events.forgotten(booth, queues, mine, "Anna", ["anna's"])
    assert "Items it was about: 1." in gone[drawer.told] and queues.judgments(queue.id) == []
    assert "Item 1 of 2" in gone[booth.stage] and gone[booth.told].count("Saved") == 0


def test_what_one_gives_is_given_by_the_surest_of_what_tells_who_one_is():
    sitting, request = Sitting("ab" * 16), SimpleNamespace(session_hash="s", username=None)
    user = SimpleNamespace(session_hash="s", username="user")
    session = "session:043a718774c572bd8a25adbeb1bfcd5c"  # of sha256 of "s"
    assert people.owners(sitting, request, None) == ["ab" * 16, session]
    assert people.owners(sitting, user, None) == ["login:user", "ab" * 16, session]
    assert people.owners(None, request, None) == [session]
