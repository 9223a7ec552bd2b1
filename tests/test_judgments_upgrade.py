"""A database that an older version made is brought up to date in place, and loses nothing."""

import sqlite3

from raven_core import judgments_schema
from raven_core.annotation import Queues
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
    assert connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchall() == [("2",)]
    found = connection.execute("SELECT name FROM sqlite_master WHERE name = 'ix_judgments_updated'").fetchall()
    assert len(found) == 1 and judgments_schema.SCHEMA_VERSION == 2
    connection.close()
