"""Presses, runs, Stop and new images in every order: what the page shows at the end is never an older answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from raven_core.settings import Profile, Settings
from raven_core.ui import explore_events, explore_layout
from raven_core.ui.context import Context
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader
from raven_core.ui.sitting import Sitting
from raven_core.ui.turns import Turns, settled
from tests.fake_raven import FakeRaven, drawn, write_profile

# ---------------------------------------------------------------- tickets


def test_only_the_newest_press_runs_and_only_once():
    turns = Turns()
    first, second = turns.press(), turns.press()
    assert turns.begin(first) is None
    turn = turns.begin(second)
    assert turn.ticket == second and not turn.is_cancelled and turns.begin(second) is None


def test_a_later_press_cancels_the_run_that_goes_on():
    turns = Turns()
    running = turns.begin(turns.press())
    waiting = turns.press()
    assert running.is_cancelled and turns.is_busy and turns.begin(waiting) is not None


def test_stop_ends_what_waits_and_what_runs_and_nothing_that_comes_later():
    turns = Turns()
    waiting = turns.press()
    turns.cancel()
    assert not turns.is_busy and turns.begin(waiting) is None
    running = turns.begin(turns.press())
    turns.cancel()
    assert running.is_cancelled and not turns.is_busy
    turns.cancel()
    assert not turns.begin().is_cancelled


def test_nothing_is_held_by_a_turn_that_is_over_or_not_the_newest():
    turns = Turns()
    turn = turns.begin()
    with turns.holding(turn) as is_mine:
        assert is_mine
    turns.press()
    with turns.holding(turn) as is_mine:
        assert not is_mine


# ---------------------------------------------------------------- views of a run, with presses between them


def play(turns: Turns, ticket: str, between: dict[int, Any], page: list[str]) -> list[str]:
    """The views of a run of three words; ``between`` says what is pressed when that many views have come."""

    def views(turn: Any) -> Iterator[str]:
        for word in ("one", "two", "three"):
            if turn.is_cancelled:
                return
            yield word

    seen = []
    for view in settled(turns, ticket, views, lambda: f"now:{page[-1]}", "-"):
        seen.append(view)
        between.get(len(seen), lambda: None)()
    return seen


def test_an_undisturbed_run_ends_with_a_view_that_changes_nothing():
    turns = Turns()
    assert play(turns, turns.press(), {}, [""]) == ["one", "two", "three", "-"]


@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_a_change_at_any_moment_of_a_run_is_drawn_after_its_words(when):
    turns, page = Turns(), ["answer"]

    def new_image() -> None:
        page.append("cleared")
        turns.change()

    seen = play(turns, turns.press(), {when: new_image}, page)
    assert seen[-2:] == ["now:cleared", "-"]
    words = [view for view in seen if view in ("one", "two", "three")]
    assert words == ["one", "two", "three"][:when]


def test_a_change_while_the_page_is_drawn_again_is_drawn_too():
    turns, page = Turns(), ["stopped"]

    def new_image() -> None:
        page.append("cleared")
        turns.change()

    seen = play(turns, turns.press(), {2: turns.cancel, 3: new_image}, page)
    assert seen == ["one", "two", "now:stopped", "-", "now:cleared", "-"]


def test_what_a_person_marks_meanwhile_is_drawn_again_behind_the_run_that_goes_on():
    turns = Turns()
    assert play(turns, turns.press(), {2: turns.touch}, ["marked"]) == ["one", "two", "three", "now:marked", "-"]


def test_a_run_stopped_before_its_turn_says_nothing_but_what_the_page_is():
    turns = Turns()
    ticket = turns.press()
    turns.cancel()
    assert play(turns, ticket, {}, ["cleared"]) == ["now:cleared", "-"]


# ---------------------------------------------------------------- the Explore tab


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return Profile.load(str(write_profile(tmp_path_factory.mktemp("profile"))))


@pytest.fixture
def context(profile: Profile, tmp_path: Path) -> Context:
    settings = Settings(profile=str(profile.folder), data_dir=tmp_path / "data")
    return Context(profile, settings, Loader(lambda: FakeRaven(profile, 0)), Keeper.from_settings(settings))


@pytest.fixture
def tab(context: Context) -> explore_layout.Tab:
    with gr.Blocks(analytics_enabled=False):
        return explore_layout.build(context)


class Browser:
    """What a browser shows: the changes of every event, in the order in which they arrive."""

    def __init__(self, tab: explore_layout.Tab, context: Context, sitting: Sitting) -> None:
        self.tab, self.context, self.sitting = tab, context, sitting
        self.shows: dict[Any, Any] = {}

    def arrive(self, changes: Any) -> None:
        if changes == gr.skip():
            return
        for part, value in changes.items():
            if isinstance(value, dict) and value.get("__type__") == "update":
                self.shows.setdefault(part, {})
                self.shows[part] = {**(self.shows[part] if isinstance(self.shows[part], dict) else {}), **value}
            else:
                self.shows[part] = value

    def press(self) -> str:
        self.arrive(explore_events.pressed(self.tab, self.context, self.sitting))
        return str(self.shows[self.tab.ask.ticket])

    def run(self, ticket: str, picture: int = 50, question: str | None = None) -> Iterator[Any]:
        task = "caption" if question is None else "question"
        fields = [drawn(picture)[0], task, question, True, True, 3, "raven", 0.3, "nearest-last", True, True]
        return explore_events.run_steps(self.tab, self.context, self.sitting, ticket, fields)

    def stop(self) -> Any:
        return explore_events.stop(self.tab, self.context, self.sitting)

    def new_image(self) -> Any:
        return explore_events.clear(self.tab, self.context, self.sitting)

    @property
    def answer(self) -> str:
        return str(self.shows[self.tab.shown.answer])

    @property
    def can_run(self) -> bool:
        return (
            bool(self.shows[self.tab.ask.run]["visible"] is True) and self.shows[self.tab.ask.stop]["visible"] is False
        )


@pytest.fixture
def browser(tab: explore_layout.Tab, context: Context) -> Browser:
    return Browser(tab, context, Sitting())


def test_a_stopped_answer_stays_stopped_though_its_last_word_arrives_late(browser):
    steps = browser.run(browser.press(), question="slowly please")
    for _ in range(4):
        browser.arrive(next(steps))
    late = next(steps)
    browser.arrive(browser.stop())
    assert "Stopped before the end" in browser.answer and browser.can_run
    browser.arrive(late)
    for changes in steps:
        browser.arrive(changes)
    assert "Stopped before the end" in browser.answer and browser.can_run
    assert browser.context.keeper.store.trials() == []


def test_stop_before_the_run_begins_clears_the_page_and_the_run_does_nothing(browser):
    ticket = browser.press()
    assert not browser.can_run
    browser.arrive(browser.stop())
    assert browser.can_run and "Nothing asked yet" in browser.answer
    for changes in browser.run(ticket):
        browser.arrive(changes)
    assert browser.can_run and "Nothing asked yet" in browser.answer and browser.sitting.generation is None


def test_a_run_that_was_stopped_in_the_queue_does_not_take_the_turn_of_the_next_one(browser):
    first = browser.press()
    browser.arrive(browser.stop())
    second = browser.press()
    for changes in browser.run(first, 50):
        browser.arrive(changes)
    assert not browser.can_run, "the second still waits"
    for changes in browser.run(second, 51):
        browser.arrive(changes)
    assert browser.can_run and browser.sitting.generation.finished
    expected = browser.context.raven.answer(drawn(51)[0]).text
    assert browser.sitting.generation.text == expected


def test_stop_after_the_end_leaves_the_answer_and_its_judge_panel(browser):
    for changes in browser.run(browser.press()):
        browser.arrive(changes)
    trial = browser.sitting.trial_id
    browser.arrive(browser.stop())
    assert "Stopped" not in browser.answer and browser.sitting.trial_id == trial is not None
    assert browser.shows[browser.tab.panel.group]["visible"] is True and browser.can_run


@pytest.mark.parametrize("views", [1, 2, 5, 60])
def test_a_new_image_during_a_run_clears_its_answer_for_good(browser, views):
    steps = browser.run(browser.press())
    seen = [changes for _, changes in zip(range(views), steps, strict=False)]
    for changes in seen[:-1]:
        browser.arrive(changes)
    browser.arrive(browser.new_image())
    browser.arrive(seen[-1])  # it was on its way
    for changes in steps:
        browser.arrive(changes)
    if views < 60:  # a run that has ended sent everything before the image came
        assert "Nothing asked yet" in browser.answer and browser.shows[browser.tab.shown.neighbours] == ""
    assert browser.can_run and browser.sitting.generation is None and browser.sitting.trial_id is None


def test_an_example_takes_over_from_a_running_answer(browser):
    steps = browser.run(browser.press(), question="slowly please")
    for _ in range(5):
        browser.arrive(next(steps))
    browser.arrive(explore_events.pick_example(browser.tab, browser.context, browser.sitting, "0"))
    ticket = browser.shows[browser.tab.ask.ticket]
    for changes in steps:
        browser.arrive(changes)
    assert not browser.can_run and "word" not in browser.answer
    for changes in browser.run(ticket):
        browser.arrive(changes)
    assert browser.can_run and browser.sitting.generation.finished and "slowly" not in browser.answer


def test_stopping_with_nothing_under_way_does_not_stop_what_a_program_asks_next(browser):
    browser.stop()
    for changes in browser.run(""):
        browser.arrive(changes)
    assert browser.sitting.generation.finished and browser.sitting.trial_id


def test_gradio_hands_the_same_sitting_to_every_event_of_a_page(context):
    from gradio.state_holder import SessionState

    with gr.Blocks(analytics_enabled=False) as page:
        kept = gr.State(Sitting())
        gr.Button().click(lambda state: None, [kept], None)
    session, other = SessionState(page), SessionState(page)
    assert session[kept._id] is session[kept._id] and session[kept._id].turns is not other[kept._id].turns
