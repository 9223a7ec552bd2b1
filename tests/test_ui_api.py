"""The page's endpoints as a program calls them, over HTTP, with the fake pipeline behind them."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from raven_core.annotation import Queues
from raven_core.settings import Profile, Settings
from raven_core.ui import evaluate_runs, interface
from raven_core.ui.context import Context
from raven_core.ui.evaluate_data import World
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader
from tests.evaluating import colour_raven, write_captions
from tests.fake_raven import FakeRaven, drawn, write_profile

SETTINGS = ("caption", "", True, True, 2, "raven", 0.3, "nearest-last", True, True)  # fields after the image


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Context]]:
    folder = tmp_path_factory.mktemp("api")
    profile = Profile.load(str(write_profile(folder / "profile")))
    settings = Settings(profile=str(profile.folder), data_dir=folder / "data")
    raven: Any = FakeRaven(profile, 0)
    colours = colour_raven(folder)  # what a batch is answered by
    raven.settings, raven.encoder, raven.memory = colours.settings, colours.encoder, colours.memory
    raven.retriever, raven.generator = colours.retriever, colours.generator
    world = World(("novel",), lambda split, count, seed, place: write_captions(place) and None)
    context = Context(profile, settings, Loader(lambda: raven), Keeper.from_settings(settings), world)
    patch = pytest.MonkeyPatch()  # runs leave their folder here, not in the system's
    here = SimpleNamespace(
        gettempdir=lambda: str(folder), mkdtemp=lambda prefix: tempfile.mkdtemp(prefix=prefix, dir=folder)
    )
    patch.setattr(evaluate_runs, "tempfile", here)
    page = interface.build(context)
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **interface.launch_options())
    yield address, context
    page.close()
    patch.undo()


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api-picture") / "one.png"
    drawn(70)[0].save(path)
    return path


def ask(client: Client, picture: Path, *settings: Any) -> dict[str, Any]:
    """The record of an answer."""
    record: dict[str, Any] = client.predict(handle_file(str(picture)), *(settings or SETTINGS), api_name="/answer")
    return record


def test_an_answer_comes_with_a_record_and_can_be_judged(served, picture):
    address, context = served
    client = Client(address, verbose=False)
    record = ask(client, picture)
    assert len(record["neighbours"]) == 2 and record["text"] == record["neighbours"][0]["caption"]
    client.predict("failure", ["other"], "a zumi", "", api_name="/judge_details")
    [stored] = context.keeper.store.judgments()
    assert (stored.verdict, stored.correction) == ("failure", "a zumi")
    client.predict(api_name="/withdraw_judgment")
    assert context.keeper.store.judgments() == []


def test_what_is_not_said_is_as_the_page_has_it(served, picture):
    client = Client(served[0], verbose=False)
    assert len(client.predict(handle_file(str(picture)), api_name="/answer")["neighbours"]) == 3
    queue = client.predict("short", "world", split="novel", tasks="caption", most=2, api_name="/make_queue")
    assert (queue["items"], queue["order"], queue["wanted"]) == (2, "random", 2)


def test_clients_do_not_share_what_they_gave(served, picture):
    address, context = served
    one, two = Client(address, verbose=False), Client(address, verbose=False)
    ask(one, picture)
    ask(two, picture)
    two.predict("success", [], "", "", api_name="/judge")
    one.predict(api_name="/delete_mine")
    assert [judgment.verdict for judgment in context.keeper.store.judgments()] == ["success"]


def test_stopping_when_nothing_runs_does_not_stop_the_next_answer(served, picture):
    client = Client(served[0], verbose=False)
    client.predict(api_name="/stop")
    assert ask(client, picture)["text"]


def test_a_comparison_and_its_explanation_come_as_plain_values(served, picture):
    client = Client(served[0], verbose=False)
    asked = (handle_file(str(picture)), *SETTINGS[:-1])  # whether to store is no question here
    found = client.predict(*asked, "retrieved", 1, [1], "nobody knows", api_name="/compare")
    assert [(cell["cell"], cell["k"]) for cell in found["cells"]] == [
        ("none", 1), ("text", 1), ("text", 2), ("image", 1), ("image", 2), ("both", 1), ("both", 2), ("baseline", 1),
    ]  # fmt: skip
    assert found["metric"] == "ROUGE-L" and len(found["neighbours"]) == 2
    why = client.predict("text", "shapley", api_name="/attribute")
    assert (why["cell"], why["k"], why["method"]) == ("text", 2, "shapley")
    own = [share["nats"] for share in why["shares"] if share["part"] == "text"]
    assert sum(own) == pytest.approx(why["log_likelihood"] - why["log_likelihood_without_neighbours"])


def test_an_explanation_without_a_comparison_is_refused_with_what_to_do(served):
    with pytest.raises(AppError, match="compare something first"):
        Client(served[0], verbose=False).predict("both", "loo", api_name="/attribute")


def test_neighbours_are_left_out_by_their_ids_until_they_are_let_back(served, picture):
    client = Client(served[0], verbose=False)
    first = ask(client, picture)["neighbours"]
    left_out = client.predict([first[0]["id"]], api_name="/leave_out")
    assert left_out == {"left_out": [first[0]["id"]]}
    assert first[0]["id"] not in {one["id"] for one in ask(client, picture)["neighbours"]}
    client.predict([], api_name="/leave_out")
    assert ask(client, picture)["neighbours"] == first
    with pytest.raises(AppError, match="list of their ids"):
        client.predict({"id": 1}, api_name="/leave_out")


def test_neighbours_are_changed_added_and_put_back_for_the_next_comparison(served, picture):
    client = Client(served[0], verbose=False)
    asked = (handle_file(str(picture)), *SETTINGS[:-1], "retrieved", 1, [], "")
    with pytest.raises(AppError, match="nothing of that name"):
        client.predict("m1", True, "", None, api_name="/change_neighbour")
    before = client.predict(*asked, api_name="/compare")
    one, two = (neighbour["id"] for neighbour in before["neighbours"])
    client.predict(one, False, "a purple zumi", None, api_name="/change_neighbour")
    client.predict(two, True, "", None, api_name="/change_neighbour")
    changes = client.predict("one of mine", handle_file(str(picture)), api_name="/add_neighbour")
    assert changes == {
        "edited": [
            {"id": one, "leave_out": False, "caption": "a purple zumi", "image": False},
            {"id": two, "leave_out": True, "caption": None, "image": False},
        ],
        "added": [{"caption": "one of mine", "image": True}],
    }
    captions = [neighbour["caption"] for neighbour in client.predict(*asked, api_name="/compare")["neighbours"]]
    assert {"a purple zumi", "one of mine"} <= set(captions)
    with pytest.raises(AppError, match="caption or an image"):
        client.predict(" ", None, api_name="/add_neighbour")
    assert client.predict("", api_name="/undo_changes") == {"edited": [], "added": []}
    assert client.predict(*asked, api_name="/compare")["neighbours"] == before["neighbours"]


def test_a_cell_that_is_marked_right_decides_what_helped(served, picture):
    client = Client(served[0], verbose=False)
    client.predict(handle_file(str(picture)), *SETTINGS[:-1], "retrieved", 1, [], "", api_name="/compare")
    marked = client.predict("both", 0, api_name="/mark_right")
    effects = {cell["cell"]: cell["effect"] for cell in marked["cells"]}
    assert effects["both"] == "helped" and effects["none"] == "no change"
    undone = client.predict("both", 2, api_name="/mark_right")
    assert {cell["cell"]: cell["effect"] for cell in undone["cells"]}["both"] != "helped"
    with pytest.raises(AppError, match="nothing of that name"):
        client.predict("both", 7, api_name="/mark_right")


def test_an_evaluation_comes_with_its_samples_and_as_a_zip(served):
    client = Client(served[0], verbose=False)
    with pytest.raises(AppError, match="was deleted"):
        client.predict(api_name="/evaluation_file")
    asked = ("world", "novel", [], "", "caption", ["none", "both"], 3, 1, "retrieved", 0)
    report = client.predict(*asked, api_name="/evaluate")
    found = client.predict("caption", "both", "all", 0, api_name="/evaluation_samples")
    assert report["samples"] == found["total"] == 3 and (found["page"], found["pages"]) == (0, 1)
    red = found["samples"][0]
    assert red["truths"] == ["a red rud sleeps here", "the rud is red and sleeps"] and list(red["answers"]) == ["both"]
    assert red["answers"]["both"]["prediction"] == "a red rud sleeps here" and "image" not in red
    with zipfile.ZipFile(client.predict(api_name="/evaluation_file")) as zipped:
        assert "raven-evaluation/samples.jsonl" in zipped.namelist()
    with pytest.raises(AppError):
        client.predict("caption", "both", "some", 0, api_name="/evaluation_samples")


QUEUE = ("caption", "given", 1, 2, True)  # the last fields of a queue: what is asked for, order, wanted, most, blind


def test_a_queue_is_made_of_examples_or_of_new_pictures_and_tells_how_far_it_is(served):
    client = Client(served[0], verbose=False)
    made = client.predict("pictures", "examples", [0, 1], None, [], "", *QUEUE, api_name="/make_queue")
    assert (made["name"], made["items"], made["left_out"]) == ("pictures", 2, 0)
    job = client.submit("world", "world", [], "novel", [], "", *QUEUE, api_name="/make_queue")
    drawn_for_it = job.result(timeout=60)
    assert drawn_for_it["source"].startswith("novel of The Field Guide") and drawn_for_it["items"] == 2
    assert job.outputs()[0] == {"done": 0, "total": 2, "left_out": 0}
    listed = {queue["name"]: queue["id"] for queue in client.predict(api_name="/annotation_queues")}
    assert listed["world"] == drawn_for_it["id"]
    item = client.predict(made["id"], "Anna", api_name="/annotate_next")
    assert [sorted(one) for one in item["candidates"]] == [["letter", "text"]] * 2


def test_a_program_deletes_what_it_judged_and_no_other_programs_judgments_of_that_name(served):
    address, context = served
    one, two = Client(address, verbose=False), Client(address, verbose=False)
    queue = one.predict("to delete", "examples", [0, 1], None, [], "", "both", "given", 2, 2, True,
                        api_name="/make_queue")  # fmt: skip
    for client in (one, two):
        item = client.predict(queue["id"], "Anna", api_name="/annotate_next")
        client.predict(item["item_id"], "Anna", "A", api_name="/annotate")
    assert two.predict("Anna", api_name="/annotate_delete") == {"annotator": "Anna", "deleted": 1}
    assert two.predict("Anna", api_name="/annotate_delete") == {"annotator": "Anna", "deleted": 0}
    queues = Queues(context.keeper.store)
    assert len(queues.judgments(queue["id"])) == 1
    assert "Items on the Annotate tab" in str(one.predict(api_name="/delete_mine"))
    assert queues.judgments(queue["id"]) == []


def test_a_program_sees_an_items_picture_and_once_it_is_judged_how_it_came_about(served):
    client = Client(served[0], verbose=False)
    queue = client.predict("to reveal", "examples", [1], None, [], "", *QUEUE, api_name="/make_queue")
    item = client.predict(queue["id"], "Anna", api_name="/annotate_next")
    assert Image.open(client.predict(item["item_id"], api_name="/annotate_picture")).size == (192, 192)
    with pytest.raises(AppError, match="once you have judged"):
        client.predict(item["item_id"], "Anna", api_name="/annotate_reveal")
    said = {"A": "success"}, {"B": ["other"]}
    client.predict(item["item_id"], "Anna", "A", *said, "", "clear", api_name="/annotate")
    found = client.predict(item["item_id"], "Anna", api_name="/annotate_reveal")
    assert [one["letter"] for one in found["candidates"]] == ["A", "B"]
    assert {one["cell"] for one in found["candidates"]} == {"none", "both"}
    assert [one["text"] for one in found["candidates"]] == [one["text"] for one in item["candidates"]]
    assert found["references"] == ["a right answer"] and found["judgments"] == [
        {"annotator": "Anna", "preference": "A", "verdicts": {"A": "success"}, "tags": {"B": ["other"]},
         "correction": "", "note": "clear"}
    ]  # fmt: skip


def test_a_queue_that_cannot_be_made_says_why(served):
    client = Client(served[0], verbose=False)
    for asked, told in ((("", "trials"), "name"), (("q", "evaluated"), "no run on the Evaluate tab")):
        with pytest.raises(AppError, match=told):
            client.predict(*asked, [], None, [], "", *QUEUE, api_name="/make_queue")


def test_a_refusal_reaches_the_program_with_its_reason(served, picture):
    with pytest.raises(AppError, match="The question is empty"):
        ask(Client(served[0], verbose=False), picture, "question", " ", *SETTINGS[2:])


@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_a_file_of_the_server_cannot_be_asked_about(served, tmp_path, meta):
    address, context = served
    drawn(71)[0].save(tmp_path / "somebody's.png")
    before = len(context.keeper.store.trials())
    direct = tmp_path / "somebody's.png"
    around = f"{get_upload_folder()}/{os.path.relpath(direct, get_upload_folder())}"
    for path in (str(direct), around):
        assert "error" in call_plainly(address, [{"path": path, **meta}, *SETTINGS])
    assert len(context.keeper.store.trials()) == before


def call_plainly(address: str, data: list[Any]) -> str:
    """What the server says to a hand-written call; gradio's client would upload the file first."""
    url = f"{address.rstrip('/')}/gradio_api/call/answer"
    body = json.dumps({"data": data}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    event = json.load(urllib.request.urlopen(request, timeout=60))["event_id"]
    return urllib.request.urlopen(f"{url}/{event}", timeout=60).read().decode().splitlines()[0]
