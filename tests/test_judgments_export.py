"""Exports hold every judgment with its trial, and no cell that a spreadsheet would run."""

import csv
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from raven_core.errors import OptionError, StoreError
from raven_core.judgments import JudgmentStore
from raven_core.judgments_export import COLUMNS, guard_cell, unguard_cell
from tests.test_judgments import TRIAL

NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "'quoted",
    "＝1",
    "plain",
    "",
    'a "b", c\nd\r\ne',
    "né 🦊",
]


@pytest.fixture
def store(tmp_path) -> JudgmentStore:
    store = JudgmentStore(tmp_path / "judgments.db")
    for number, text in enumerate(NASTY):
        trial = replace(TRIAL, id=f"t{number}", question=text or None, output=text, logprobs=[-0.5] * (number % 2))
        store.save_trial(trial)
        store.judge(trial.id, "failure", ["retrieval-miss", "other"], correction=text, note=text, annotator=text)
    store.withdraw(store.judge("t0", "success", annotator="withdrawn").id)
    return store


def test_formulas_are_made_safe_and_can_be_read_back():
    for text in NASTY:
        assert unguard_cell(guard_cell(text)) == text
        assert not guard_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    assert guard_cell("plain") == "plain"


def test_csv_holds_every_text_safely(store, tmp_path):
    assert store.export("csv", tmp_path / "out.csv") == len(NASTY)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [unguard_cell(row["correction"]) for row in rows] == NASTY
    assert [unguard_cell(row["output"]) for row in rows] == NASTY
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in rows for cell in row.values())
    assert rows[0]["tags"] == "retrieval-miss;other" and json.loads(rows[0]["settings"])["k"] == 3
    assert [rows[0]["logprobs"], rows[1]["logprobs"]] == ["[]", "[-0.5]"]
    assert rows[0]["seed"] == str(2**40) and rows[0]["trial_id"] == "t0" and rows[0]["session"] == "ann"


def test_jsonl_holds_plain_values(store, tmp_path):
    assert store.export("jsonl", tmp_path / "out.jsonl") == len(NASTY)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").split("\n")[:-1]]
    assert [row["note"] for row in rows] == NASTY and tuple(rows[0]) == COLUMNS
    assert rows[0]["tags"] == ["retrieval-miss", "other"] and rows[0]["neighbours"] == TRIAL.neighbours
    assert rows[NASTY.index("")]["question"] is None


def test_parquet_holds_typed_columns(store, tmp_path):
    assert store.export("parquet", tmp_path / "out.parquet") == len(NASTY)
    table = pq.read_table(tmp_path / "out.parquet")
    assert tuple(table.column_names) == COLUMNS
    row = table.to_pylist()[1]
    assert (row["seed"], row["logprobs"], row["output"]) == (2**40, [-0.5], "+1")
    assert json.loads(row["neighbours"]) == TRIAL.neighbours


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_an_empty_store_exports_its_columns(tmp_path, format):
    assert JudgmentStore(tmp_path / "judgments.db").export(format, tmp_path / "out") == 0
    if format == "csv":
        assert (tmp_path / "out").read_text().strip() == ",".join(COLUMNS)
    if format == "parquet":
        assert tuple(pq.read_table(tmp_path / "out").column_names) == COLUMNS


def test_what_cannot_be_written_is_refused_and_leaves_nothing_behind(store, tmp_path):
    with pytest.raises(OptionError, match="xlsx"):
        store.export("xlsx", tmp_path / "out.xlsx")
    with pytest.raises(StoreError, match="cannot be written"):
        store.export("csv", tmp_path / "missing" / "out.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        store.export("parquet", tmp_path / "folder")
    assert not list(tmp_path.glob("*.tmp"))
