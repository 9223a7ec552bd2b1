"""Samples that the model answers for a queue: in batches, in both cells, with what is known of them."""

from __future__ import annotations

import math
import re
import threading
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.utils import get_upload_folder

from raven_core.annotation import Queues
from raven_core.annotation_types import Queue
from raven_core.datasets import load
from raven_core.errors import InputError, OptionError
from raven_core.evaluation import Options
from raven_core.evaluation.drafts import answered
from raven_core.judgments import JudgmentStore
from raven_core.types import Prompt
from raven_core.ui import annotate_answer, annotate_layout, evaluate_runs
from raven_core.ui import annotate_make as make
from raven_core.ui import annotate_making as making
from raven_core.ui.annotate_answer import Making, Sampled, shared
from raven_core.ui.annotate_bench import Bench
from raven_core.ui.context import Context
from raven_core.ui.evaluate_data import World
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader
from tests.evaluating import CAPTIONS, Writer, colour_raven, echo, write_captions, write_questions

BOTH = Options(cells=("none", "both"), baseline=False, floors=False, k=1, batch=2)


def draw(split: str, count: int, seed: int, folder: Path) -> None:
    """The world of colours: three pictures, whatever is asked."""
    write_captions(folder, dict.fromkeys(CAPTIONS, split))
    write_questions(folder)


@pytest.fixture
def page(tmp_path: Path) -> Any:
    """A context, its queues, and the stand-in for the generator."""
    writer = Writer()
    raven = colour_raven(tmp_path, writer)
    store = JudgmentStore(tmp_path / "judgments.db")
    loader: Any = Loader(lambda: raven)
    context = Context(raven.profile, raven.settings, loader, Keeper(store), World(("novel",), draw))
    return context, Queues(store), writer


def made(page: Any, **asked: Any) -> tuple[list[Making], Queue]:
    context, queues, _ = page
    *steps, queue = make.make(context, queues, make.Order(name="made", order="given", **asked), "me")
    return steps, queue


def judged(queues: Queues, queue: Queue) -> dict[str, Any]:
    """Every item by its key, after somebody judged it."""
    found = {}
    while (item := queues.next_item(queue.id, "Anna")) is not None:
        queues.submit(item.item_id, "Anna", "A")
        found[item.item_id] = queues.reveal(item.item_id, "Anna")
    return found


# ---------------------------------------------------------------- answers


def test_a_batch_asks_all_its_cells_in_one_call_and_keeps_what_is_known(tmp_path):
    writer = Writer()
    raven = colour_raven(tmp_path, writer)
    data = load(write_captions(tmp_path / "data", dict.fromkeys(CAPTIONS, "novel")))
    first, second = answered(raven, data.examples, BOTH)
    assert writer.calls == [(4, "raven"), (2, "raven")]  # two samples in two cells, then the third
    assert (len(first.drafts), len(second.drafts), first.failed) == (2, 1, 0)
    red = first.drafts[0]
    assert (red.domain, red.key, red.question) == ("novel", "1", None)
    assert red.references == ("a red rud sleeps here", "the rud is red and sleeps")
    none, both = red.candidates
    assert (none.cell, none.text, none.similarity, none.settings["modalities"]) == ("none", "a creature", None, [])
    assert (both.cell, both.text) == ("both", "a red rud sleeps here")
    assert both.similarity == pytest.approx(1.0) and both.settings["modalities"] == ["image", "text"]
    assert both.confidence == pytest.approx(0.5) and both.settings["k"] == 1  # every token has probability 0.5


def test_a_sample_that_a_cell_cannot_answer_is_left_out_and_counted(tmp_path):
    def refuse(prompt: Prompt) -> str:
        if "green" in echo(prompt):
            raise ValueError("no green")
        return echo(prompt)

    raven = colour_raven(tmp_path, Writer(refuse))
    found = list(answered(raven, load(write_captions(tmp_path / "data")).examples, BOTH))
    assert [one.failed for one in found] == [1, 0] and sum(len(one.drafts) for one in found) == 2


def test_a_cancelled_run_ends_with_the_batches_that_are_whole(tmp_path):
    cancel = threading.Event()

    def stop_at_blue(prompt: Prompt) -> str:
        if "blue" in echo(prompt):
            cancel.set()
        return echo(prompt)

    raven = colour_raven(tmp_path, Writer(stop_at_blue))
    found = list(answered(raven, load(write_captions(tmp_path / "data")).examples, BOTH, cancel))
    assert [len(one.drafts) for one in found] == [2]  # red and green; blue is the third


def test_informative_puts_the_sample_first_whose_cells_disagree(page):
    _, queues, writer = page
    writer.answer = lambda prompt: "same" if "green" not in echo(prompt) else "other"
    _, queue = made(page, source=make.WORLD, split="novel", tasks="caption", most=3)
    context, _, _ = page
    *_, again = make.make(context, queues, make.Order("again", make.WORLD, split="novel", tasks="caption", most=3,
                                                      order="informative"), "me")  # fmt: skip
    item = queues.next_item(again.id, "Ben")
    assert item is not None and "green" in item.references[0] and item.number == 1
    assert queue.size == again.size == 3


# ---------------------------------------------------------------- a split of the world


def test_a_split_of_the_world_becomes_a_queue_of_nobodys_pictures(page):
    steps, queue = made(page, source=make.WORLD, split="novel", most=6)
    assert steps == [Making(0, 6), Making(4, 6), Making(6, 6)]
    assert (queue.size, queue.session) == (6, "") and queue.source.startswith("novel of Colours, seed ")
    found = judged(page[1], queue).values()
    assert {one.showing.domain for one in found} == {"novel"} and all(one.showing.image_file for one in found)
    asked = [one.showing.question for one in found]
    assert asked.count(None) == 3 and {"what colour is it", "what does it eat"} >= set(filter(None, asked))
    assert all(one.showing.references for one in found)
    assert all([candidate.cell for candidate in one.candidates] == ["none", "both"] for one in found)


def test_a_split_or_a_number_that_does_not_exist_is_refused_before_the_model_is_asked(page):
    for wrong in ({"split": "mars"}, {"split": "novel", "most": 201}, {"split": "novel", "tasks": "sing"}):
        with pytest.raises(OptionError):
            made(page, source=make.WORLD, **wrong)
    with pytest.raises(InputError):
        context, queues, writer = page
        bare = Context(context.profile, context.settings, context.loader, context.keeper)
        list(make.make(bare, queues, make.Order("x", make.WORLD, split="novel"), "me"))
    assert writer.calls == [] and queues.all() == []


def test_the_seeds_of_the_worlds_own_pictures_are_never_drawn(page, monkeypatch):
    limits = []
    monkeypatch.setattr(make.secrets, "randbelow", lambda limit: limits.append(limit) or limit - 1)
    _, queue = made(page, source=make.WORLD, split="novel", most=2)
    assert limits == [1_000_000] and queue.seed == evaluate_runs.LARGEST_SEED


def test_stopping_leaves_neither_a_queue_nor_a_folder(page, tmp_path, monkeypatch):
    context, queues, writer = page
    monkeypatch.setattr(evaluate_runs.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(evaluate_runs.tempfile, "mkdtemp", lambda prefix: _folder(tmp_path / f"{prefix}1"))
    steps = make.make(context, queues, make.Order("x", make.WORLD, split="novel", most=6), "me")
    assert next(steps) == Making(0, 6) and (tmp_path / "raven-evaluate-1").is_dir()
    steps.close()
    assert not (tmp_path / "raven-evaluate-1").exists() and queues.all() == [] and writer.calls == []


def _folder(path: Path) -> str:
    path.mkdir()
    return str(path)


# ---------------------------------------------------------------- an upload


def test_an_upload_becomes_a_queue_that_belongs_to_whom_it_came_from(page, tmp_path):
    folder = Path(get_upload_folder()) / "raven-annotate-upload"
    write_captions(folder)
    files = tuple(map(str, [folder / "captions.json", *sorted((folder / "images").iterdir())]))
    _, queue = made(page, source=make.UPLOAD, files=files, most=2)
    assert (queue.size, queue.session, queue.source) == (2, "me", "data set captions")
    _, queues, _ = page
    queues.store.delete_session("me")
    assert queues.all() == []


def test_a_file_that_was_not_uploaded_is_refused(page, tmp_path):
    write_captions(tmp_path / "data")
    with pytest.raises(OptionError, match="upload"):
        made(page, source=make.UPLOAD, files=(str(tmp_path / "data" / "captions.json"),))
    with pytest.raises(OptionError, match="no files yet"):
        made(page, source=make.UPLOAD)


def test_where_nothing_can_be_answered_no_queue_is_made(page):
    _, queues, writer = page

    def fail(prompt: Prompt) -> str:
        raise ValueError("nothing works")

    writer.answer = fail
    with pytest.raises(OptionError, match="could not answer a single sample"):
        made(page, source=make.WORLD, split="novel", most=2)
    assert queues.all() == []


@pytest.mark.parametrize(("most", "captions", "questions"), [(4, 2, 2), (5, 3, 2), (8, 3, 5), (50, 3, 6), (1, 1, 0)])
def test_both_tasks_get_half_and_one_takes_what_the_other_lacks(tmp_path, most, captions, questions):
    # 3 captions and 6 questions are there
    write_captions(tmp_path)
    found = shared(load(write_questions(tmp_path)), most, seed=1)
    assert [sum(one.task == task for one in found) for task in ("caption", "vqa")] == [captions, questions]


def test_what_is_sampled_is_checked():
    assert Sampled(most=annotate_answer.MOST).seed == 0 and math.isfinite(annotate_answer.BATCH)
    with pytest.raises(OptionError, match="1 to 200"):
        Sampled(most=0)


# ---------------------------------------------------------------- what was evaluated on the page


def test_a_run_of_the_page_becomes_a_queue_with_its_pictures_and_a_page_without_one_says_so(page, tmp_path):
    from raven_core.evaluation import evaluate

    context, queues, _ = page
    with pytest.raises(OptionError, match="no run on the Evaluate tab"):
        made(page, source=make.EVALUATED)
    scratch = evaluate_runs.Scratch()
    data = load(write_captions(scratch.data))
    report = evaluate(context.raven, data, Options(cells=("none", "both"), plots=False, k=1), scratch.out)
    bench = evaluate_runs.Bench(scratch=scratch, report=report)
    *_, queue = make.make(context, queues, make.Order("run", make.EVALUATED), "me", bench)
    shown = [queues.next_item(queue.id, name) for name in ("Anna", "Ben", "Cleo")]
    assert queue.size == 3 and queue.session == "me" and all(item.image_file for item in shown if item)
    scratch.close()
    with pytest.raises(OptionError, match="no run on the Evaluate tab"):
        next(make.make(context, queues, make.Order("again", make.EVALUATED), "me", bench))


# ---------------------------------------------------------------- how it is shown


@pytest.fixture
def booth(page: Any) -> Any:
    with gr.Blocks():
        return annotate_layout.build(page[0])


def order(**asked: Any) -> make.Order:
    return make.Order(**{"name": "shown", "source": make.WORLD, "split": "novel", "most": 6, **asked})


def shown(booth: Any, updates: list[Any]) -> list[str]:
    """What stood in the notice, one after the other."""
    notices = [update[booth.maker.notice] for update in updates if isinstance(update, dict)
               and booth.maker.notice in update]  # fmt: skip
    return [re.sub("<[^>]+>", "", notice) for notice in notices]


def test_a_queue_in_the_making_tells_how_far_it_is_and_ends_with_the_menu(page, booth):
    context, queues, _ = page
    bench = Bench()
    ticket = making.pressed(booth, bench)[booth.maker.ticket]
    updates = list(making.steps(booth, context, queues, "me", bench, ticket, "Anna", order()))
    told = [f"Asking the model: {done} of 6 answered. Others can ask it in between." for done in (0, 4, 6)]
    assert shown(booth, updates) == [*told, "“shown” is ready: 6 items. Give your name and start judging."]
    [menu] = [update[booth.queue] for update in updates if isinstance(update, dict) and booth.queue in update]
    assert menu["value"] == queues.named("shown").id and not bench.turns.is_busy


def test_stop_makes_no_queue_and_is_the_last_word_whatever_was_on_its_way(page, booth):
    context, queues, writer = page
    bench = Bench()
    ticket = making.pressed(booth, bench)[booth.maker.ticket]
    run = making.steps(booth, context, queues, "me", bench, ticket, "Anna", order())
    assert "0 of 6" in shown(booth, [next(run)])[0]
    assert shown(booth, [making.stopped(booth, bench)]) == ["Stopped before the end"]
    assert shown(booth, list(run)) == ["Stopped before the end"]
    assert queues.all() == [] and writer.calls == []


def test_a_refusal_stays_and_a_second_press_ends_the_first_run(page, booth):
    context, queues, _ = page
    bench = Bench()
    first = making.pressed(booth, bench)[booth.maker.ticket]
    second = making.pressed(booth, bench)[booth.maker.ticket]
    old = making.steps(booth, context, queues, "me", bench, first, "Anna", order())
    assert [told for told in shown(booth, list(old)) if "Asking" in told] == [] and queues.all() == []
    new = list(making.steps(booth, context, queues, "me", bench, second, "Anna", order(split="mars")))
    assert "There is no split “mars”" in shown(booth, new)[-1] and "There is no split" in bench.made


def test_what_a_source_does_not_need_is_hidden():
    names = ("hint", "pictures", "split", "files", "upload_split", "tasks", "most")
    found = {
        source: {name for name, update in zip(names[1:], making.source_updates(source)[1:], strict=True)
                 if update["visible"] is True}
        for source in make.SOURCES
    }  # fmt: skip
    assert found == {
        "examples": {"pictures"}, "world": {"split", "tasks", "most"}, "trials": {"most"}, "evaluated": {"most"},
        "upload": {"files", "upload_split", "tasks", "most"}, "run": {"files", "most"},
    }  # fmt: skip
    assert making.source_updates("upload")[-1]["maximum"] == 200 and making.source_updates("run")[-1]["maximum"] == 1000
