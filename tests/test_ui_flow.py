"""What happens when Run, Compare or a verdict is pressed, read off views and database: no browser, no models."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from raven_core.errors import ProfileError
from raven_core.judgments import JudgmentStore
from raven_core.settings import Profile, Settings
from raven_core.ui import (
    about,
    annotate_events,
    annotate_making,
    evaluate_events,
    explore_events,
    flow,
    interface,
    judge,
)
from raven_core.ui.context import Context
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader
from raven_core.ui.sitting import Form, Sitting, known_person
from tests.fake_raven import FakeRaven, drawn, write_profile


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return Profile.load(str(write_profile(tmp_path_factory.mktemp("profile"))))


@pytest.fixture
def context(profile: Profile, tmp_path: Path) -> Context:
    settings = Settings(profile=str(profile.folder), data_dir=tmp_path / "data")
    raven = FakeRaven(profile, seconds_per_token=0)
    return Context(profile, settings, Loader(lambda: raven), Keeper.from_settings(settings))


def a_form(**changes) -> Form:
    return replace(Form(image=drawn(50)[0]), **changes)


def run(context: Context, sitting: Sitting | None = None, form: Form | None = None, store: bool = True):
    mine = sitting if sitting is not None else Sitting()
    return list(flow.ask(context, mine, form or a_form(), store, mine.turns.begin()))


# ---------------------------------------------------------------- asking


def test_neighbours_come_before_the_first_word_and_the_record_last(context):
    views = run(context)
    first, last = views[0], views[-1]
    assert "leave-out" in first.neighbours and "Looking up" in first.answer and first.running
    assert not last.running and last.record["text"] and all(view.record is None for view in views[:-1])
    assert [one["rank"] for one in last.record["neighbours"]] == [1, 2, 3]
    assert all(view.neighbours is None for view in views[1:]), "cards are sent once, not with every word"


def test_an_answer_is_stored_with_its_image_and_settings(context):
    sitting = Sitting()
    run(context, sitting, a_form(question="what is it called", k=2))
    [trial] = context.keeper.store.trials()
    assert (trial.id, trial.session, trial.question) == (sitting.trial_id, sitting.owner, "what is it called")
    assert len(trial.neighbours) == 2 and trial.output == sitting.generation.text
    assert context.keeper.store.image(trial).tobytes() == drawn(50)[0].tobytes()


@pytest.mark.parametrize("off", ["switch", "server"])
def test_nothing_is_stored_when_storing_is_off(context, off):
    if off == "server":
        context = replace(context, keeper=Keeper(None))
    sitting = Sitting()
    assert run(context, sitting, store=off != "switch")[-1].record
    assert sitting.trial_id is None and sitting.target is None
    assert context.keeper.store is None or context.keeper.store.trials() == []


def test_an_answer_that_cannot_be_stored_is_still_shown(context, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(JudgmentStore, "save_trial", full)
    sitting = Sitting()
    last = run(context, sitting)[-1]
    assert "could not be stored" in last.notice and last.record and sitting.trial_id is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image": None}, "There is no image yet"),
        ({"image": b""}, ""),
        ({"image": b"not an image"}, ""),
        ({"question": "  "}, "The question is empty"),
        ({"k": 99}, "k is 99"),
        ({"modalities": frozenset({"smell"})}, "Unknown modality"),
    ],
)
def test_a_refusal_is_told_in_place_and_ends_the_run(context, changes, reason):
    sitting = Sitting()
    [only] = run(context, sitting, a_form(**changes))
    assert 'role="alert"' in only.notice and reason in only.notice and not only.running
    assert sitting.generation is None and context.keeper.store.trials() == []


def test_an_accident_is_told_without_its_insides(context):
    class Broken(FakeRaven):
        def stream(self, *args, **options):
            yield from list(super().stream(*args, **options))[:2]
            raise ZeroDivisionError("secret detail")

    last = run(replace(context, loader=Loader(lambda: Broken(context.profile))))[-1]
    assert "secret" not in last.notice and "still here" in last.notice and not last.running
    assert "Stopped before the end" in last.answer


def test_a_strange_image_is_warned_about(context):
    views = run(context, form=a_form(image=Image.new("RGB", (64, 64), "navy")))
    assert all("may lie outside" in view.notice for view in (views[0], views[-1]))
    assert "may lie outside" not in run(context)[-1].notice
    mine = Sitting(excluded={"m1": "left out by the person"})
    assert "may lie outside" not in run(context, mine, a_form(image=Image.new("RGB", (64, 64), "navy")))[-1].notice


def test_a_refusal_leaves_the_answer_before_it_and_its_judgment_alone(context):
    sitting = Sitting()
    run(context, sitting)
    answered, trial = sitting.generation, sitting.trial_id
    [refused] = run(context, sitting, a_form(question=""))
    assert refused.answer is None and refused.neighbours is None
    assert (sitting.generation, sitting.target) == (answered, trial)


def test_what_is_not_fed_is_not_given(context):
    [*_, text_only] = run(context, form=a_form(modalities=frozenset({"text"})))
    assert text_only.given.count("<img") == 1 and "Similar image" in text_only.given
    [*_, nothing] = run(context, form=a_form(modalities=frozenset()))
    assert "Similar image" not in nothing.given and nothing.record["neighbours"] == []


# ---------------------------------------------------------------- leaving out


def test_a_neighbour_that_is_left_out_stays_out_until_it_is_put_back(context):
    sitting = Sitting()
    before = [one["id"] for one in run(context, sitting)[-1].record["neighbours"]]
    explore_events.choose_neighbour(sitting, "leave-out", before[0])
    after = [one["id"] for one in run(context, sitting)[-1].record["neighbours"]]
    assert before[0] not in after and after[:2] == before[1:]
    explore_events.choose_neighbour(sitting, "put-back", before[0])
    assert [one["id"] for one in run(context, sitting)[-1].record["neighbours"]] == before


def test_only_what_is_on_the_page_can_be_left_out_and_a_new_image_forgets_it(context):
    sitting = Sitting()
    run(context, sitting)
    explore_events.choose_neighbour(sitting, "leave-out", "somebody else's")
    assert sitting.excluded == {}
    explore_events.choose_neighbour(sitting, "leave-out", sitting.generation.neighbours[1].id)
    assert list(sitting.excluded.values()) == [sitting.generation.neighbours[1].caption]
    sitting.new_image()
    assert sitting.excluded == {} and sitting.generation is None


# ---------------------------------------------------------------- loading


def test_a_run_waits_for_the_models_and_says_so(context):
    release = threading.Event()

    def load():
        release.wait(10)
        return FakeRaven(context.profile, 0)

    loader = Loader(load).start()
    sitting = Sitting()
    steps = flow.ask(replace(context, loader=loader), sitting, a_form(), True, sitting.turns.begin())
    assert "Loading models" in next(steps).notice and loader.state == "loading"
    release.set()
    assert list(steps)[-1].record and loader.state == "ready"


def test_models_that_do_not_load_are_a_refusal_and_a_red_light(context):
    def load():
        raise ProfileError("the model folder is gone")

    broken = replace(context, loader=Loader(load))
    assert "the model folder is gone" in run(broken)[-1].notice
    assert broken.loader.state == "failed" and "the model folder is gone" in interface.header(broken)


def test_models_load_once_however_many_wait(context):
    calls = []
    loader = Loader(lambda: calls.append(1) or "loaded")
    threads = [threading.Thread(target=loader.get) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (calls, loader.get()) == ([1], "loaded")


# ---------------------------------------------------------------- judging


@pytest.fixture
def panel() -> judge.Panel:
    with gr.Blocks(analytics_enabled=False):
        return judge.build()


def give(panel, context, sitting, verdict, tags=(), correction="", note=""):
    return judge.give(panel, context, sitting, verdict, tags, correction, note)


def test_one_press_saves_and_details_change_the_same_judgment(context, panel):
    sitting = Sitting()
    run(context, sitting)
    shown = give(panel, context, sitting, "failure")
    assert "Saved: Failure" in shown[panel.line] and "1 judgment from you" in shown[panel.line]
    assert shown[panel.details]["visible"] is True
    shown = give(panel, context, sitting, "partly", ["majority-copy"], "a zumi", "hm")
    assert "Saved: Partly, with details" in shown[panel.line] and "1 judgment from you" in shown[panel.line]
    [stored] = context.keeper.store.judgments()
    assert (stored.verdict, stored.tags, stored.correction, stored.note) == (
        "partly",
        ("majority-copy",),
        "a zumi",
        "hm",
    )
    assert len(context.keeper.store.history(stored.id)) == 2


def test_success_drops_the_details_of_a_failure(context, panel):
    sitting = Sitting()
    run(context, sitting)
    give(panel, context, sitting, "failure", ["other"], "x", "y")
    shown = give(panel, context, sitting, "success", ["other"], "x", "y")
    assert shown[panel.details]["visible"] is False and shown[panel.tags] == []
    [stored] = context.keeper.store.judgments()
    assert (stored.verdict, stored.tags, stored.correction) == ("success", (), "")


def test_a_judgment_can_be_withdrawn_and_given_again(context, panel):
    sitting = Sitting()
    run(context, sitting)
    give(panel, context, sitting, "success")
    shown = judge.take_back(panel, context, sitting)
    assert "Withdrawn" in shown[panel.line] and shown[panel.verdict]["value"] is None
    assert context.keeper.store.judgments() == []
    give(panel, context, sitting, "failure")
    assert [one.verdict for one in context.keeper.store.judgments()] == ["failure"]


def test_the_last_judgment_can_be_changed_from_the_next_answer(context, panel):
    sitting = Sitting()
    run(context, sitting)
    first = sitting.trial_id
    give(panel, context, sitting, "success")
    run(context, sitting, a_form(image=drawn(51)[0]))
    shown = judge.updates(panel, context, sitting)
    assert shown[panel.verdict]["value"] is None and shown[panel.change]["visible"] is True
    assert "Your last judgment: Success" in shown[panel.line]
    shown = judge.point_back(panel, context, sitting)
    assert "Changing your judgment" in shown[panel.heading]["value"] and shown[panel.verdict]["value"] == "success"
    give(panel, context, sitting, "failure")
    assert [(one.trial_id, one.verdict) for one in context.keeper.store.judgments()] == [(first, "failure")]


def test_without_a_stored_answer_there_is_nothing_to_judge(context, panel):
    sitting = Sitting()
    assert "nothing" not in give(panel, context, sitting, "success")[panel.line]
    run(context, sitting, store=False)
    shown = judge.updates(panel, context, sitting)
    assert not shown[panel.verdict]["interactive"] and "was not stored" in shown[panel.line]
    give(panel, context, sitting, "success")
    assert context.keeper.store.judgments() == []


def test_nothing_to_withdraw_is_told(context, panel):
    assert "no judgment" in judge.take_back(panel, context, Sitting())[panel.line]


# ---------------------------------------------------------------- whose it is


def test_after_a_reload_the_person_finds_the_last_judgment_and_can_take_it_back(context, panel):
    sitting = Sitting(person=known_person(None))
    run(context, sitting)
    give(panel, context, sitting, "partly")
    again = Sitting()
    stores = interface.greet(context, again, {"person": sitting.person, "store": False})
    assert again.last.verdict == "partly" and again.judged_output == sitting.generation.text and not stores
    assert "Your last judgment: Partly" in judge.updates(panel, context, again)[panel.line]
    judge.take_back(panel, context, again)
    assert context.keeper.store.judgments() == []


def test_deleting_takes_what_this_person_gave_and_nothing_else(context, panel):
    mine, other = Sitting(), Sitting()
    for sitting in (mine, other):
        run(context, sitting)
        give(panel, context, sitting, "failure")
    assert "Deleted: 1 stored answer" in about.forget_all(context, mine)
    assert [trial.session for trial in context.keeper.store.trials()] == [other.owner]
    assert context.keeper.count(mine.owner) == 0 and context.keeper.count(other.owner) == 1
    assert mine.target is None and "nothing stored" in about.forget_all(context, mine)


@pytest.mark.parametrize("kept", [None, "", "x" * 32, "a" * 31, 7, {"a": 1}])
def test_a_name_that_the_browser_made_up_is_not_taken(kept):
    assert known_person(kept) != kept and len(known_person(kept)) == 32


def test_sittings_that_no_browser_named_do_not_share_an_owner():
    first, second = Sitting(), Sitting()
    assert first.owner == first.owner != second.owner


def test_old_answers_go_when_their_time_is_over(context):
    run(context)
    assert replace(context.keeper, retention_days=0).purge() == 0
    assert replace(context.keeper, retention_days=-1).purge() == 1


# ---------------------------------------------------------------- endpoints


def test_every_public_endpoint_has_a_name_and_a_description(context):
    page = interface.build(context)
    public = [fn for fn in page.fns.values() if fn.api_visibility == "public"]
    names = {
        "answer", "leave_out", "stop", "judge", "judge_details", "withdraw_judgment", "change_judgment",
        "compare", "attribute", "mark_right", "change_neighbour", "add_neighbour", "undo_changes", "stop_comparing",
        "make_queue", "annotation_queues", "annotate_next", "annotate_picture", "annotate", "annotate_undo",
        "annotate_reveal", "annotate_delete",
        "findings", "replay", "export_findings",
        "evaluate", "evaluation_samples", "evaluation_file", "stop_evaluating", "delete_mine",
    }  # fmt: skip
    assert {fn.api_name for fn in public} == names
    assert all(fn.api_description for fn in public)
    one_at_a_time = {fn.concurrency_id for fn in page.fns.values() if fn.concurrency_limit == 1}
    # an evaluation and a queue in the making do not stand in the line for the model
    lines = {explore_events.MODEL, evaluate_events.EVALUATING_QUEUE, annotate_making.MAKING_QUEUE}
    assert one_at_a_time == {*lines, annotate_events.JUDGING_QUEUE} and len(lines) == 3


def test_the_page_serves_no_folder_and_keeps_no_history():
    options = interface.launch_options()
    assert options["allowed_paths"] == [] and options["run_history"] is False and options["max_file_size"]
