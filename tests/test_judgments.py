"""What people said is kept, changed, taken back, deleted and counted as promised."""

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from raven_core import judgments_schema
from raven_core.errors import OptionError, StoreError
from raven_core.images import content_hash
from raven_core.judgments import JudgmentStore
from raven_core.settings import Settings
from raven_core.stamps import iso
from raven_core.types import Trial
from tests.tiny import block

TRIAL = Trial(
    id="t1",
    created="2026-01-02T03:04:05.678+00:00",
    session="ann",
    image_hash=None,
    image_file=None,
    question="what is it called",
    settings={"k": 3, "modalities": ["image", "text"]},
    neighbours=[{"id": "p0", "similarity": 0.5, "caption": "a red creature"}],
    prompt="User: <image> Question: what is it called\nAssistant:",
    output="zumi",
    logprobs=[-0.25, -1.5],
    model="tiny",
    adapter="raven",
    fingerprints={"memory": "abc"},
    seed=2**40,
    timings={"total": 0.5},
    app_version="0.1.0",
)


DATABASE_URL = "RAVEN_TEST_DATABASE_URL"
"""An empty database (``postgresql+psycopg://…``) in which to run the same tests again."""


@pytest.fixture(params=["sqlite", "url"])
def store(request, tmp_path):
    if request.param == "sqlite":
        yield JudgmentStore(tmp_path / "judgments.db")
        return
    if DATABASE_URL not in os.environ:
        pytest.skip(f"{DATABASE_URL} is not set")
    store = JudgmentStore(os.environ[DATABASE_URL], tmp_path / "images")
    yield store
    judgments_schema.metadata.drop_all(store.database.engine)
    store.close()


def images_of(store: JudgmentStore) -> list[str]:
    return sorted(path.name for path in store.images_dir.glob("*")) if store.images_dir.is_dir() else []


def test_a_trial_comes_back_as_it_was_saved(store):
    assert store.save_trial(TRIAL) == TRIAL
    assert store.trial("t1") == TRIAL and store.trials() == [TRIAL]
    with pytest.raises(StoreError, match="no trial 'x'"):
        store.trial("x")
    with pytest.raises(StoreError):
        store.save_trial(TRIAL)


def test_the_image_is_stored_once_and_read_back_pixel_by_pixel(store):
    image = block("red")
    saved = store.save_trial(TRIAL, image)
    store.save_trial(replace(TRIAL, id="t2"), image)
    assert saved.image_hash == content_hash(image)
    assert store.image(saved).tobytes() == image.tobytes()
    assert images_of(store) == [saved.image_file]
    store.image_path(saved.image_file).unlink()
    with pytest.raises(StoreError, match="gone"):
        store.image(saved)


def test_judging_again_changes_the_judgment_and_keeps_its_history(store):
    store.save_trial(TRIAL)
    first = store.judge("t1", "failure", ["other", "caption-noise"], "miru", "hm", "ann")
    second = store.judge("t1", "success", annotator="ann")
    other = store.judge("t1", "partly", annotator="bob")
    assert first.tags == ("caption-noise", "other")  # in the order of the list
    assert (second.id, second.created) == (first.id, first.created) and other.id != first.id
    assert store.judgments(trial_id="t1") == [second, other]
    assert [(version.verdict, version.correction) for version in store.history(first.id)] == [
        ("failure", "miru"), ("success", "")
    ]  # fmt: skip
    assert store.history(first.id) == [first, second]


def test_a_withdrawn_judgment_no_longer_counts_but_can_be_given_again(store):
    store.save_trial(TRIAL)
    given = store.judge("t1", "failure", ["other"], annotator="ann")
    assert (store.count("ann"), store.count(), store.count("bob")) == (1, 1, 0)
    assert store.withdraw(given.id).withdrawn
    assert store.count("ann") == 0 and store.judgments() == []
    assert [found.withdrawn for found in store.judgments(withdrawn=True)] == [True]
    again = store.judge("t1", "success", annotator="ann")
    assert again.id == given.id and store.count("ann") == 1
    assert [version.withdrawn for version in store.history(given.id)] == [False, True, False]


def test_unknown_things_are_refused(store):
    store.save_trial(TRIAL)
    with pytest.raises(OptionError, match="verdict 'great'"):
        store.judge("t1", "great")
    with pytest.raises(OptionError, match="tag 'bad'"):
        store.judge("t1", "failure", ["bad"])
    with pytest.raises(OptionError, match="10,000"):
        store.judge("t1", "failure", note="x" * 10_001)
    with pytest.raises(StoreError, match="no trial"):
        store.judge("t2", "success")
    with pytest.raises(StoreError, match="no judgment"):
        store.withdraw("nothing")
    with pytest.raises(StoreError, match="no judgment"):
        store.history("nothing")


def test_texts_that_databases_cannot_hold_are_cleaned(store):
    store.save_trial(replace(TRIAL, question="a\x00b\ud800", neighbours=[{"caption": "\x00x"}]))
    assert store.trial("t1").question == "ab?" and store.trial("t1").neighbours == [{"caption": "x"}]
    assert store.judge("t1", "partly", note="né\x00 🦊").note == "né 🦊"


def test_deleting_a_session_takes_what_it_gave_and_nothing_else(store):
    red, blue = block("red"), block("blue")
    mine = store.save_trial(TRIAL, red)
    shared = store.save_trial(replace(TRIAL, id="t2"), blue)
    store.save_trial(replace(TRIAL, id="t3", session="bob"), blue)
    judged = store.judge("t1", "failure", annotator="ann")
    store.judge("t3", "success", annotator="ann")
    kept = store.judge("t3", "partly", annotator="bob")
    assert store.delete_session("ann") == 2
    assert [trial.id for trial in store.trials()] == ["t3"] and store.judgments() == [kept]
    assert images_of(store) == [shared.image_file] and mine.image_file != shared.image_file
    with pytest.raises(StoreError):
        store.history(judged.id)
    assert store.delete_session("ann") == 0


def test_what_is_deleted_is_gone_from_the_file_too(tmp_path):
    store = JudgmentStore(tmp_path / "judgments.db")
    store.save_trial(replace(TRIAL, output="a very secret answer"))
    store.judge("t1", "partly", note="a very secret note", annotator="ann")
    store.delete_session("ann")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("judgments.db*"))
    assert b"very secret" not in kept


def test_purging_deletes_what_is_older_than_promised(store):
    now = datetime.now(UTC)
    store.save_trial(replace(TRIAL, id="old", created=iso(now - timedelta(days=91))), block("red"))
    store.save_trial(replace(TRIAL, id="new", created=iso(now - timedelta(days=89))))
    assert store.purge(90) == 1
    assert [trial.id for trial in store.trials()] == ["new"] and images_of(store) == []


def test_trials_are_listed_newest_first_by_session(store):
    for number in range(3):
        session = "ann" if number else "bob"
        store.save_trial(replace(TRIAL, id=f"t{number}", created=f"2026-01-0{number + 1}", session=session))
    assert [trial.id for trial in store.trials()] == ["t2", "t1", "t0"]
    assert [trial.id for trial in store.trials("ann", limit=1)] == ["t2"]


def test_a_saved_judgment_survives_kill_9(tmp_path):
    """Another process judges, says so, and is killed before it can close anything."""
    code = (
        "import sys, time\n"
        "from raven_core.judgments import JudgmentStore\n"
        "from tests.test_judgments import TRIAL\n"
        "from tests.tiny import block\n"
        f"store = JudgmentStore({str(tmp_path / 'judgments.db')!r})\n"
        "trial = store.save_trial(TRIAL, block('red'))\n"
        "store.judge('t1', 'failure', ['other'], 'miru', '', 'ann')\n"
        "print('saved', flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(__file__).resolve().parent.parent
    process = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "saved\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    store = JudgmentStore(tmp_path / "judgments.db")
    assert store.judgments()[0].correction == "miru"
    assert store.image(store.trial("t1")).tobytes() == block("red").tobytes()


def test_many_threads_judge_at_once(store):
    store.save_trial(TRIAL)

    def judge(name: str) -> None:
        for _ in range(5):
            store.judge("t1", "success", annotator=name)
            store.count(name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(judge, [f"a{number % 4}" for number in range(8)]))
    assert store.count() == 4
    assert len(store.history(store.judgments(annotator="a0")[0].id)) == 10


def test_the_database_is_write_ahead_and_knows_its_schema(tmp_path):
    JudgmentStore(tmp_path / "judgments.db").close()
    connection = sqlite3.connect(tmp_path / "judgments.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == ("3",)
    with connection:
        connection.execute("UPDATE meta SET value = '99'")
    connection.close()
    with pytest.raises(StoreError, match="newer"):
        JudgmentStore(tmp_path / "judgments.db")


def test_a_database_that_cannot_be_opened_says_so_without_its_password(tmp_path):
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        JudgmentStore(tmp_path / "folder.db")
    with pytest.raises(StoreError) as caught:
        JudgmentStore("nosuchdatabase://ann:hunter2@localhost/x")
    assert "hunter2" not in str(caught.value)


def test_settings_say_where_the_store_is(tmp_path):
    store = JudgmentStore.from_settings(Settings(data_dir=tmp_path / "data"))
    store.save_trial(TRIAL, block("red"))
    assert (tmp_path / "data" / "judgments.db").is_file() and len(images_of(store)) == 1
    url = f"sqlite:///{tmp_path / 'other.db'}"
    JudgmentStore.from_settings(Settings(data_dir=tmp_path / "data", database_url=url)).save_trial(TRIAL)
    assert (tmp_path / "other.db").is_file()
