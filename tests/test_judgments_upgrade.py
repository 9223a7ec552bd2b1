"""A database that an older version made is brought up to date in place, and loses nothing."""

import sqlite3

from raven_core import judgments_schema
from raven_core.annotation import Queues
from raven_core.annotation_forget import forget
from raven_core.judgments import JudgmentStore
from tests.test_annotation import drafts, judge_all
from tests.test_judgments import TRIAL


def test_a_database_of_the_first_version_is_brought_up_to_date_in_place(tmp_path):
    path = tmp_path / "judgments.db"
    old = JudgmentStore(path)
    old.save_trial(TRIAL)
    given = old.judge("t1", "failure", ["other"], "miru", "", "ann")
    old.close()
    new_tables = ("item_judgment_history", "item_judgments", "assignments", "candidates", "items", "queues")
    connection = sqlite3.connect(path)
    with connection:  # what version 1 had not
        for table in new_tables:
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP INDEX ix_judgments_updated")
        connection.execute("UPDATE meta SET value = '1'")
    made_by_1 = connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'").fetchall()
    connection.close()
    assert not {name for (name,) in made_by_1} & {*new_tables, "ix_judgments_updated"}
    store = JudgmentStore(path)
    assert store.judgments() == [given] and store.history(given.id) == [given] and store.trials() == [TRIAL]
    queue = Queues(store).create("q", drafts(1))
    assert judge_all(Queues(store), queue.id, "ann") == ["question 0"]
    store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchall() == [("3",)]
    found = connection.execute("SELECT name FROM sqlite_master WHERE name = 'ix_judgments_updated'").fetchall()
    assert len(found) == 1 and judgments_schema.SCHEMA_VERSION == 3
    connection.close()


def test_judgments_of_items_get_an_owner_when_a_database_of_the_second_version_is_opened(tmp_path):
    path = tmp_path / "judgments.db"
    store = JudgmentStore(path)
    queues = Queues(store)
    queue = queues.create("q", drafts(1))
    item = queues.next_item(queue.id, "ann")
    given = queues.submit(item.item_id, "ann", "A", note="before")
    store.close()
    connection = sqlite3.connect(path)
    with connection:  # what version 2 had not
        connection.execute("DROP INDEX ix_item_judgment_history_owner")
        for table in ("item_judgment_history", "item_judgments", "assignments"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN owner")
        connection.execute("UPDATE meta SET value = '2'")
    connection.close()
    store = JudgmentStore(path)
    assert Queues(store).judgments(queue.id) == [given] and Queues(store).history(given.id) == [given]
    assert forget(store.database, ["", "somebody"]) == 0  # nobody owns what was said before
    again = Queues(store).submit(item.item_id, "ann", "B", owner="ann's browser")
    assert forget(store.database, ["ann's browser"]) == 1
    assert Queues(store).judgments(queue.id) == [given] and again.id == given.id
    store.close()
