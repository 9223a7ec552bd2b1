"""What was said about items is deleted by whom it came from, whatever name it was given under."""

from __future__ import annotations

from pathlib import Path

import pytest

from raven_core import analysis
from raven_core.annotation import Queues
from raven_core.annotation_forget import forget
from raven_core.annotation_types import Queue
from raven_core.judgments import JudgmentStore
from tests.test_annotation import drafts


@pytest.fixture
def queues(tmp_path: Path) -> Queues:
    return Queues(JudgmentStore(tmp_path / "judgments.db"))


def judge(queues: Queues, queue: Queue, name: str, owner: str, **said: str) -> str:
    """The next item of somebody, judged; its id."""
    item = queues.next_item(queue.id, name, owner)
    assert item is not None
    queues.submit(item.item_id, name, "A", {"A": "success"}, owner=owner, **said)
    return item.item_id


def standing(queues: Queues, queue: Queue) -> list[tuple[str, str, str]]:
    return [(one.annotator, one.preference, one.note) for one in queues.judgments(queue.id)]


def test_a_stranger_who_types_a_name_deletes_only_what_the_stranger_gave(queues):
    queue = queues.create("q", drafts(3), wanted=2)
    judge(queues, queue, "Anna", "anna's browser", note="mine")
    judge(queues, queue, "Anna", "a stranger's", note="not mine")
    assert forget(queues.store.database, ["a stranger's"], "Anna") == 1
    assert standing(queues, queue) == [("Anna", "A", "mine")]
    assert forget(queues.store.database, ["a stranger's"], "Anna") == 0
    assert forget(queues.store.database, ["anna's browser"], "Ben") == 0  # another name of the same browser
    assert forget(queues.store.database, ["anna's browser"], "Anna") == 1 and standing(queues, queue) == []


def test_where_a_stranger_said_it_anew_the_version_before_stands_again(queues):
    queue = queues.create("q", drafts(1))
    item_id = judge(queues, queue, "Anna", "anna's", note="first")
    given = queues.submit(item_id, "Anna", "both-bad", note="spoilt", owner="stranger's")
    assert standing(queues, queue) == [("Anna", "both-bad", "spoilt")]
    assert forget(queues.store.database, ["stranger's"], "Anna") == 1
    assert standing(queues, queue) == [("Anna", "A", "first")]
    assert [one.note for one in queues.history(given.id)] == ["first"]


def test_an_own_edit_and_an_undone_judgment_go_with_all_their_versions(queues):
    queue = queues.create("q", drafts(2))
    item_id = judge(queues, queue, "Anna", "anna's", note="one")
    queues.submit(item_id, "Anna", "B", note="two", owner="anna's")
    judge(queues, queue, "Anna", "anna's", note="three")
    queues.undo(queue.id, "Anna", "anna's")
    assert forget(queues.store.database, ["anna's"]) == 2  # items, however often something was said about them
    assert queues.progress(queue.id, "Anna").judged == 0 and queues.progress(queue.id).judgments == 0
    item = queues.next_item(queue.id, "Anna")
    assert item is not None and item.number == 1 and item.given is None


def test_deleted_words_are_overwritten_on_the_disk(queues, tmp_path):
    queue = queues.create("q", drafts(2), wanted=2)
    judge(queues, queue, "Anna Secretname", "anna's", note="a very private note")
    judge(queues, queue, "Ben", "ben's", note="this one stays")
    assert forget(queues.store.database, ["anna's"], "Anna Secretname") == 1
    bytes_left = b"".join(path.read_bytes() for path in tmp_path.glob("judgments.db*"))
    assert b"this one stays" in bytes_left
    assert b"a very private note" not in bytes_left and b"Anna Secretname" not in bytes_left


def test_an_item_that_was_open_to_the_deleted_person_is_free_for_others(queues):
    queue = queues.create("q", drafts(1))
    assert queues.next_item(queue.id, "Anna", "anna's") and queues.next_item(queue.id, "Ben", "ben's") is None
    assert forget(queues.store.database, ["anna's"]) == 0
    assert queues.next_item(queue.id, "Ben", "ben's") is not None


def test_the_figures_follow_also_when_an_older_version_stands_again(queues):
    queue = queues.create("q", drafts(1))
    item_id = judge(queues, queue, "Anna", "anna's", note="first")
    queues.submit(item_id, "Anna", "B", {"B": "failure"}, note="spoilt", owner="stranger's")
    assert analysis.table(queues.store)["note"].tolist() == ["spoilt"]
    forget(queues.store.database, ["stranger's"])
    judge(queues, queues.create("other", drafts(1)), "Ben", "ben's", note="another")  # as many versions as before
    found = analysis.table(queues.store)
    assert found["note"].tolist() == ["first", "another"] and set(found["verdict"]) == {"success"}


def test_deleting_all_of_a_browser_takes_its_judgments_under_every_name(queues):
    queue = queues.create("q", drafts(3), wanted=3)
    for name in ("Anna", "Anna's other name"):
        judge(queues, queue, name, "a browser")
    judge(queues, queue, "Ben", "ben's")
    queues.store.delete_session("a browser")
    assert [name for name, _, _ in standing(queues, queue)] == ["Ben"]
