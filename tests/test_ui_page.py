"""The views of a run as they are sent: what one of them says must not be undone by the next before it is drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from raven_core.ui.page import Page

RUN = {"session_hash": "somebody", "run": "one"}
BLOCK: Any = SimpleNamespace(outputs=["button", "text"])


def test_updates_are_sent_whole_and_texts_as_what_is_new():
    page = Page()
    shown, skipped = {"__type__": "update", "visible": True}, {"__type__": "update"}
    first = page.handle_streaming_diffs(BLOCK, [shown, "two purple"], **RUN, final=False)
    assert first == [shown, "two purple"]
    second = page.handle_streaming_diffs(BLOCK, [skipped, "two purple bimi"], **RUN, final=False)
    assert second == [[["replace", [], skipped]], [["append", [], " bimi"]]]
    third = page.handle_streaming_diffs(BLOCK, [skipped, "two purple bimi"], **RUN, final=False)
    assert third == [[], []]
    last = page.handle_streaming_diffs(BLOCK, [None, None], **RUN, final=True)
    assert last == [skipped, "two purple bimi"]


def test_a_call_without_a_session_gets_full_values():
    page = Page()
    assert page.handle_streaming_diffs(BLOCK, [{"a": 1}, "b"], session_hash=None, run=None, final=False) == [
        {"a": 1},
        "b",
    ]
