"""All words of the interface are in one table, and every key in it is used."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from raven_core import analysis
from raven_core.types import ERROR_TAGS, VERDICTS
from raven_core.ui import words

UI = Path(words.__file__).parent
SAYERS = ("say", "label")
NAMES = {"RAVEN", " · k = ", "k = ", "n", "CIDEr × 100", "JSON Lines", "Parquet"}
"""What is the same in every language."""


def literal_keys() -> tuple[set[str], set[str]]:
    """Keys in calls of ``say``: whole ones, and the beginnings of those that are put together."""
    whole, beginnings = set(), set()
    for path in UI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYERS and node.args:
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.JoinedStr) and isinstance(part.values[0], ast.Constant):
                        beginnings.add(part.values[0].value)
                    elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                        whole.add(part.value)
    return whole, beginnings


def test_every_key_that_is_said_exists():
    whole, beginnings = literal_keys()
    keys = set(words.TABLE["en"])
    parts_of_joined = {key for key in whole if any(key == beginning for beginning in beginnings)}
    assert whole - keys - parts_of_joined == set()
    assert {beginning for beginning in beginnings if not any(key.startswith(beginning) for key in keys)} == set()


def test_every_key_is_said_somewhere():
    whole, beginnings = literal_keys()
    source = "".join(path.read_text("utf-8") for path in UI.glob("*.py") if not path.name.startswith("words"))
    unused = {
        key for key in words.TABLE["en"]
        if key not in whole and f'"{key}"' not in source and not any(key.startswith(start) for start in beginnings)
    }  # fmt: skip
    assert unused == set()


def test_verdicts_and_error_tags_have_words():
    assert all(words.say(f"verdict_{verdict}") for verdict in VERDICTS)
    assert all(words.say(f"tag_{tag}") for tag in ERROR_TAGS)


def test_values_are_filled_in_and_a_missing_translation_falls_back():
    assert words.say("saved_count", count=3) == "3 judgments from you so far"
    assert words.say("stop", language="zz") == "Stop"
    with pytest.raises(KeyError):
        words.say("no such key")


def values_in(text: str) -> list[tuple[str, str, str]]:
    """(name, format, conversion) of each value that is filled in, whatever their order."""
    return sorted((name, form or "", turn or "") for _, name, form, turn in string.Formatter().parse(text) if name)


def test_every_language_has_every_key_and_fills_in_the_same_values():
    english = words.TABLE["en"]
    for language, table in words.TABLE.items():
        assert table.keys() == english.keys(), language
        for key, text in table.items():
            assert values_in(text) == values_in(english[key]), (language, key)


def test_nothing_is_left_in_english():
    bare = {re.sub(r"\{[^}]*\}", "", text) for text in words.TABLE["zh-CN"].values()}
    chinese = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
    assert {text for text in bare if re.search("[A-Za-z]", text) and not chinese.search(text)} == NAMES


def test_the_page_names_the_intervals_as_the_analysis_does():
    assert words.say("errors_method_name") == analysis.METHOD


def test_chinese_is_punctuated_as_chinese():
    for key, text in words.TABLE["zh-CN"].items():
        assert not re.search(r"[\u4e00-\u9fff] ?[,;:!?](?!\S)|[\u4e00-\u9fff][,.;:!?()]", text), key
