"""Names and facts re-drawn within one sample, the same in neighbours and target, so that copying must be learned."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z]){re.escape(word)}(?![a-z])")


def swap_word(text: str, old: str, new: str) -> str:
    """The text with every whole word (or phrase) ``old`` replaced by ``new``; letters next to it keep it whole."""
    return _whole(old).sub(lambda _: new, text)  # a plain string would be read as a template


def swap_words(text: str, swaps: dict[str, str]) -> str:
    """All swaps at once, so that a word put in is never swapped again."""
    if not swaps:
        return text
    union = "|".join(re.escape(word) for word in sorted(swaps, key=len, reverse=True))
    return re.sub(rf"(?<![a-z])({union})(?![a-z])", lambda match: swaps[match.group(1)], text)
