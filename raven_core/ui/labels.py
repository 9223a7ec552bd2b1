"""Words that the browser puts into its own language: labels, infos, choices and buttons, as gradio's ``I18n`` does it.

What a page is built of is the same for all visitors, so a label is a mark that stands for its words in every language.
Words that handlers send while they serve somebody come from ``say`` instead.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.i18n import I18nData

from raven_core.ui.language import DEFAULT, LANGUAGES, LOCALES, speaking
from raven_core.ui.words import say

_MARK = re.compile(r'__i18n__\{[^{}]*"key": "(raven-[0-9a-f]+)"\}')
_WORDS: dict[str, dict[str, str]] = {}
"""Name of a mark → language → words. The name is a hash of them, so pages built in one process may share this."""


def label(key: str, **values: object) -> str:
    """The mark for the words of ``key`` with ``values`` filled in."""
    return mark(lambda: say(key, None, **values))


def mark(words: Callable[[], str]) -> str:
    """The mark for words that are put together, in each language anew."""
    found = {}
    for language in LANGUAGES:
        with speaking(language):
            found[language] = words()
    # a name of its own kind: the browser would take "label" or "common" for gradio's own words
    name = "raven-" + hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]
    _WORDS[name] = found
    return str(I18nData(name))


def translations() -> gr.I18n:
    """The words of all marks, for ``launch``."""
    by_locale = {DEFAULT: DEFAULT} | {_written(locale): language for locale, language in LOCALES.items()}
    return gr.I18n(
        **{locale: {name: words[language] for name, words in _WORDS.items()} for locale, language in by_locale.items()}
    )


def _written(locale: str) -> str:
    """A locale as gradio spells it: ``zh-CN``."""
    language, _, region = locale.partition("-")
    return f"{language}-{region.upper()}" if region else language


def in_words(value: Any, language: str = DEFAULT) -> Any:
    """A plain value with every mark in it put into words, for those who read without a browser."""
    if isinstance(value, str):
        return _MARK.sub(lambda found: _WORDS[found[1]][language], value)
    if isinstance(value, dict):
        return {key: in_words(entry, language) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(in_words(entry, language) for entry in value)
    return value
