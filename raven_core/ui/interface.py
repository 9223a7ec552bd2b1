"""The page as a table of contents: a header, the tabs, and what happens when it opens."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from raven_core.ui import (
    about,
    annotate,
    annotate_events,
    compare,
    errors,
    evaluate,
    explore,
    judge,
    present,
    study_events,
    theme,
    tools,
)
from raven_core.ui.context import Context
from raven_core.ui.controls import html, renderers
from raven_core.ui.explore_events import LATEST, QUIET
from raven_core.ui.explore_layout import Tab
from raven_core.ui.labels import label, translations
from raven_core.ui.language import CHINESE, DEFAULT, LOCALES, spoken
from raven_core.ui.markup import esc
from raven_core.ui.page import Page
from raven_core.ui.sitting import Sitting, known_person
from raven_core.ui.words import say

UPLOAD_LIFE = 3600  # seconds that gradio keeps an upload, whether or not it is stored
MAX_UPLOAD = "25mb"
TITLE = f"""() => {{
  if (!{sorted(LOCALES)}.includes(navigator.language.toLowerCase())) return;
  document.documentElement.lang = '{CHINESE}';
  document.title = {json.dumps(say("page_title", CHINESE))};
}}"""
"""gradio translates labels, but not the title of the page."""

BROWSER_KEY, BROWSER_SECRET = "raven-person", "not a secret: it only keeps the value from being read by accident"


def build(context: Context) -> gr.Blocks:
    """The whole page, wired."""
    with Page(title=say("page_title"), analytics_enabled=False, delete_cache=(600, UPLOAD_LIFE)) as page:
        sitting = gr.State(Sitting())
        browser = gr.BrowserState(None, storage_key=BROWSER_KEY, secret=BROWSER_SECRET)
        annotator = annotate_events.remembered()
        evaluated = evaluate.bench_of_page()
        status = html(lambda: header(context), elem_id="rv-header")
        with gr.Tabs(elem_id="rv-tabs") as tabs:
            with gr.Tab(label("tab_explore"), id="explore"):
                tab = explore.build(context, sitting)
            with gr.Tab(label("tab_compare"), id=study_events.TAB) as second:
                compare.build(context, tab, sitting, tabs, second)
            with gr.Tab(label("annotate_tab"), id="annotate") as annotating:
                annotate.build(context, sitting, annotator, page, annotating, evaluated)
            with gr.Tab(label("errors_tab"), id="errors") as judged:
                errors.build(context, sitting, tabs, judged, browser)
            with gr.Tab(label("evaluate_tab"), id="evaluate"):
                evaluate.build(context, tab, sitting, tabs, evaluated)
            with gr.Tab(label("tab_about"), id="about"):
                about.build(context, sitting, tab)
        if context.settings.mcp:
            tools.wire(context)
        _wire_language(page, sitting, tab)
        _wire_opening(page, context, sitting, browser, status, tab)
    return page.queue(max_size=100)


def _wire_language(page: gr.Blocks, sitting: gr.State, tab: Tab) -> None:
    """What was rendered in English when the page was built is rendered again for those who read something else."""
    pieces = renderers(page)
    page.load(lambda state: in_their_words(pieces, tab, state), [sitting], list(pieces), **QUIET)
    page.load(None, None, None, js=TITLE)


def in_their_words(pieces: Mapping[Any, Callable[[], str]], tab: Tab, sitting: Sitting) -> Any:
    """The pieces in the language of whoever is served; nothing where that is English.

    Something may have been pressed before this comes: what its run wrote stays, and the run draws the page at its end.
    """
    if spoken() == DEFAULT:
        return gr.skip()
    is_asked = sitting.turns.is_busy or sitting.generation is not None
    sitting.turns.touch()
    return {piece: render() for piece, render in pieces.items() if not (is_asked and piece is tab.shown.answer)}


def _wire_opening(
    page: gr.Blocks, context: Context, sitting: gr.State, browser: gr.BrowserState, status: gr.HTML, tab: Tab
) -> None:
    store, panel = tab.ask.store, tab.panel

    def welcome(state: Sitting, kept: Any) -> dict[Any, Any]:
        keeps = greet(context, state, kept)
        return {
            browser: {"person": state.owner, "store": keeps},
            store: gr.update(value=keeps, interactive=True),  # until now a press would have been overwritten
            **judge.updates(panel, context, state),
        }  # fmt: skip

    def remember(kept: Any, keeps: bool) -> dict[str, Any]:
        return {**(kept if isinstance(kept, dict) else {}), "store": bool(keeps)}

    def watch() -> Iterator[str]:
        while context.loader.wait(1.0) == "loading":
            yield header(context)
        yield header(context)

    page.load(welcome, [sitting, browser], [browser, store, *panel.parts], **QUIET)
    page.load(watch, None, [status], **QUIET)
    store.input(remember, [browser, store], [browser], **LATEST)


def greet(context: Context, sitting: Sitting, kept: Any) -> bool:
    """Tell the sitting whom the browser remembers, else name it anew; whether to store.

    The sitting stays the same object: something may have been pressed before this comes, and its run looks there.
    """
    known = kept if isinstance(kept, dict) else {}
    sitting.person = known_person(known.get("person") or sitting.person)
    last = context.keeper.last(sitting.owner)
    if last is not None and sitting.last is None:
        sitting.last, sitting.judged_output = last
    return bool(known.get("store", True)) and context.keeper.is_on


def header(context: Context) -> str:
    """The name of the page and how far the models are."""
    loader = context.loader
    words = {
        "loading": say("loading", seconds=loader.seconds),
        "ready": say("ready"),
        "failed": say("load_failed"),
    }[loader.state]
    hint = say("ready_hint", title=context.profile.title, seconds=loader.seconds) if loader.state == "ready" else ""
    problem = present.error(loader.problem) if loader.problem is not None else ""
    return (
        f'<header class="rv-header"><span class="rv-logo">{theme.LOGO}</span><div><h1>{esc(say("title"))}</h1>'
        f'<p>{esc(say("tagline"))}</p></div><span class="rv-status rv-status-{loader.state}" role="status" '
        f'title="{esc(hint)}"><b>{esc(context.profile.title)}</b><span>{esc(words)}</span></span></header>{problem}'
    )


def launch(page: gr.Blocks, mcp: bool = False, **options: Any) -> None:
    """Serve the page until interrupted; with ``mcp``, also the tools.

    Raises:
        ConfigError: this version of gradio cannot be told which tools to offer.
    """
    options |= launch_options()
    if not mcp:  # said in so many words: a variable of gradio's would else offer every endpoint of the page
        page.launch(mcp_server=False, **options)
        return
    with warnings.catch_warnings():  # about endpoints that are taken away below
        warnings.filterwarnings("ignore", message="This MCP server includes a tool that has a gr.State")
        page.launch(mcp_server=True, prevent_thread_lock=True, **options)
    try:
        tools.offer_only_tools(page)
        page.block_thread()
    finally:
        page.close()


def launch_options() -> dict[str, Any]:
    """What ``launch`` is told: the look, and as little access as the page needs."""
    return {
        "theme": theme.theme(),
        "css_paths": [theme.STYLE, theme.STATIC / "annotate.css", theme.STATIC / "errors.css", theme.EVALUATE_STYLE],
        "head": theme.HEAD,
        "favicon_path": theme.FAVICON,
        "footer_links": ["api", "settings"],
        "i18n": translations(),
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "max_file_size": MAX_UPLOAD,
        "allowed_paths": [],
        "show_error": False,
    }
