"""The tokens that the COCO caption scorer counts, without Java.

The scorer (pycocoevalcap) gives all captions, one a line, to the Penn Treebank tokeniser of CoreNLP 3.4.1 in lower case
and drops the punctuation. This answers the same, token for token, oddities included: brackets become ``-lrb-``, a
caption's last point may depend on the next caption's first word, a telephone number is one token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from raven_core.metrics.ptb_rules import LAST, NUMBERED, RULES, STATES, TITLES, Rule

PUNCTUATION = frozenset("'' ' `` ` -LRB- -RRB- -LCB- -RCB- . ? ! , : - -- ... ;".split())
"""What the scorer drops. The tokens are in lower case by then, so that its four brackets are never met."""

_ENOUGH = 200_000  # words remembered
_LONGEST_NUMBERED = 1 + max(map(len, NUMBERED.split()))  # a letter's lower case may be two
_PLAIN = re.compile(r"([A-Za-z]{2,})[.,;:!?]?")
_NOT_PLAIN = frozenset(f"{TITLES} {LAST} {STATES} {NUMBERED} cannot gonna wanna gotta gimme lemme".split())
# what may make a token of several words, or blanks other than the plain one
_ACROSS_WORDS = re.compile(r"[<\t\n\r\x0b\x0c\x85\u00a0\u2000-\u200a\u2028\u2029\u3000]|[\d)] \d")


_JOINS = re.compile(r"(?<=[^\W\d_])[-_\u2010](?=[^\W\d_])|\d")
_PARTS = re.compile(r"(?<=\d)\.(?!\d)|(?<!\d)\.(?=\d)")


def _lower(token: str) -> str:
    """Lower case as the Java program has it: a sigma is final by its word, which hyphens and digits go on with."""
    if "\u03a3" not in token:
        return token.lower()
    # to Python's rule for sigmas a soft hyphen is nothing, and so is a point, but not a stroke
    joined = _JOINS.sub("\u00ad", _PARTS.sub("|", token)).lower()
    return "".join(two if two in "\u03c2\u03c3" else one for one, two in zip(token.lower(), joined, strict=True))


def _furthest(text: str, place: int) -> tuple[Rule, re.Match[str]] | None:
    """The rule that sees furthest from a place of the text."""
    best, reach = None, place
    for rule in RULES:
        match = rule.pattern.match(text, place)
        if match is not None and match.end() > reach:
            best, reach = (rule, match), match.end()
    return best


def _tokens(text: str, start: int, end: int) -> list[str]:
    """The tokens that begin in a part of the text, punctuation included; what no rule knows is dropped."""
    place, tokens = start, []
    while place < end:
        found = _furthest(text, place)
        if found is None:
            place += 1
            continue
        rule, match = found
        if token := rule.read(match):
            tokens.append(_lower(token))
        place = match.end(1)
    return tokens


def _without_punctuation(tokens: list[str]) -> str:
    return " ".join(token for token in tokens if token not in PUNCTUATION)


class _Words(dict[str, str | None]):
    """What a word between blanks becomes, worked out once; None where its neighbours matter."""

    def __missing__(self, word: str) -> str | None:
        if len(self) >= _ENOUGH:
            self.clear()
        result = self[word] = _word(word)
        return result


def _word(word: str) -> str | None:
    plain = _PLAIN.fullmatch(word)
    if plain and (lower := plain[1].lower()) not in _NOT_PLAIN:
        return lower
    tokens = _tokens(word + " ", 0, len(word))
    last = [token for token in tokens[-2:] if token != "."]
    if word.endswith(".") and last and len(last[-1]) <= _LONGEST_NUMBERED:
        return None  # "a." or "no.": the next word decides
    return _without_punctuation(tokens)


_WORDS = _Words()


def forget_words() -> None:
    """Forget what words become, to measure as if for the first time."""
    _WORDS.clear()


def _caption(text: str, start: int, end: int) -> str:
    caption = text[start:end]
    # the last caption ends without a line break, which some rules want to see
    if end < len(text) and _ACROSS_WORDS.search(caption) is None:
        words = [_WORDS[word] for word in caption.split(" ")]
        if None not in words:
            return " ".join(word for word in words if word)
    return _without_punctuation(_tokens(text, start, end))


def tokenise(captions: Sequence[str]) -> list[str]:
    """Captions as the COCO scorer compares them: tokens in lower case, parted by one blank, no punctuation.

    Line breaks in a caption count as blanks. (The Java program takes those it knows beyond "\\n" for the end of a
    caption and gives every later caption the wrong image; that is not imitated.)

    Args:
        captions: in the scorer's order, since the end of a caption is read in sight of the next.

    Returns:
        One string a caption; "" where nothing is left.
    """
    lines = [caption.replace("\n", " ") for caption in captions]
    text = "\n".join(lines)
    result, start = [], 0
    for line in lines:
        end = start + len(line)
        result.append(_caption(text, start, end))
        start = end + 1
    return result
