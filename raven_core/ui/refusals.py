"""Refusals of the library, whose messages are English, in the language of whoever is served."""

from __future__ import annotations

import re
from functools import cache

from raven_core.ui import words_zh_refusals
from raven_core.ui.language import CHINESE, spoken

TABLE = {CHINESE: words_zh_refusals.WORDS}


def refused(message: str) -> str:
    """The message in the language that is spoken; as it is where nobody has translated it."""
    for pattern, words in _patterns(spoken()):
        found = pattern.fullmatch(message)
        if found:
            return words.format(*found.groups())
    return message


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """What each message looks like, and its words; messages with more fixed text come first."""
    table = sorted(TABLE.get(language, {}).items(), key=lambda entry: -len(entry[0]))
    return [
        (re.compile("(.*?)".join(map(re.escape, english.split("{}"))), re.DOTALL), words) for english, words in table
    ]
