"""When a stream of events ends: later than gradio would end a page's, at once for a single call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import gradio as gr
import httpx
import pytest

from raven_core.ui import streams
from raven_core.ui.page import Page

QUIET = 1.0  # seconds that a stream stays open here


@pytest.fixture
def page(monkeypatch) -> Iterator[Page]:
    monkeypatch.setattr(streams, "SECONDS", QUIET)
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "0")
    with Page() as page:
        box = gr.Textbox()
        box.submit(lambda text: f"{text}!", [box], [box], api_name="shout")
    page.queue().launch(prevent_thread_lock=True, quiet=True, server_port=None)
    yield page
    page.close()


@pytest.fixture
def address(page) -> str:
    return page.local_url.rstrip("/") + "/gradio_api"


@pytest.fixture
def kept(page) -> Callable[[], bool]:
    """Whether anything of any session is kept for its stream."""
    mine = page._queue.push.__self__
    return lambda: bool(mine._busy or mine._ending)


def press(address: str, session: str | None, text: str) -> str:
    asked = {"data": [text], "fn_index": 0, "session_hash": session}
    return str(httpx.post(f"{address}/queue/join", json=asked).raise_for_status().json()["event_id"])


def told(lines: Iterator[str]) -> Iterator[dict]:
    for line in lines:
        if line.startswith("data:"):
            yield json.loads(line[5:])


def test_a_page_hears_of_a_second_press_in_the_stream_of_the_first(address):
    first = press(address, "somebody", "one")
    heard, started = [], 0.0
    with httpx.stream("GET", f"{address}/queue/data", params={"session_hash": "somebody"}, timeout=20) as answer:
        for message in told(answer.iter_lines()):
            if message["msg"] == "process_completed" and message["event_id"] != streams.STAYS:
                heard.append((message["event_id"], message["output"]["data"]))
                started = time.monotonic()
                if len(heard) == 1:  # all was told, and gradio would have ended the stream by now
                    time.sleep(QUIET / 3)
                    second = press(address, "somebody", "two")
    assert heard == [(first, ["one!"]), (second, ["two!"])]
    assert message["msg"] == "close_stream", "a stream ends in the end"
    assert 0.5 * QUIET < time.monotonic() - started < 10 * QUIET


def test_a_call_without_a_session_ends_with_its_answer(address):
    event = httpx.post(f"{address}/call/shout", json={"data": ["one"]}).raise_for_status().json()["event_id"]
    started = time.monotonic()
    text = httpx.get(f"{address}/call/shout/{event}", timeout=20).text
    assert "one!" in text and time.monotonic() - started < QUIET


def test_who_left_may_come_back_and_nothing_of_them_is_kept_until_then(address, kept):
    for text in ("one", "two"):
        press(address, "somebody", text)
        with httpx.stream("GET", f"{address}/queue/data", params={"session_hash": "somebody"}, timeout=20) as answer:
            answers = (m["output"]["data"] for m in told(answer.iter_lines()) if m["msg"] == "process_completed")
            assert next(answers) == [f"{text}!"]
        assert kept()
        time.sleep(3 * QUIET)
        assert not kept()
