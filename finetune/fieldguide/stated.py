"""Reads back from a caption which colour, count and habitat it states; made for captions that models wrote."""

import re

from finetune.fieldguide.names import SYLLABLES
from finetune.fieldguide.scenes import COLOURS, HABITATS

_PLACE_WORDS = {
    **{habitat: habitat for habitat in HABITATS},
    "mountain": "mountains", "woods": "forest", "forests": "forest", "meadows": "meadow", "deserts": "desert",
    "beaches": "beach", "seaside": "beach", "swamp": "marsh", "marshes": "marsh", "caves": "cave", "town": "village",
    "villages": "village",
}  # fmt: skip
_NUMBER_WORDS = {"one": 1, "single": 1, "lone": 1, "two": 2, "pair": 2, "both": 2, "three": 3, "trio": 3}
_DIGITS = {"1": 1, "2": 2, "3": 3}
_ARTICLES = ("a", "an")
_ADJECTIVES = frozenset(COLOURS) | {
    "small", "little", "cute", "happy", "sleepy", "sleeping", "jumping", "waving", "reading", "sitting",
}  # fmt: skip
# A name that no species bears still reads as a name when it is made of the syllables names are made of.
_NAME_LIKE = re.compile(f"(?:{'|'.join(SYLLABLES)}){{2,4}}")


def is_name_like(word: str) -> bool:
    """Whether a word could be a creature's name, or is "creature" itself."""
    return word in ("creature", "creatures") or _NAME_LIKE.fullmatch(word) is not None


def _before_name(tokens: list[str], at: int) -> bool:
    """Whether a name follows the token at `at`, with at most two adjectives between."""
    for token in tokens[at + 1 : at + 4]:
        if is_name_like(token):
            return True
        if token not in _ADJECTIVES:
            return False
    return False


def _count(tokens: list[str]) -> int | None:
    for at, token in enumerate(tokens):
        if token in _NUMBER_WORDS:
            return _NUMBER_WORDS[token]
        if token in _DIGITS and _before_name(tokens, at):
            return _DIGITS[token]
        if token in _ARTICLES and _before_name(tokens, at):
            return 1
    return None


def stated(text: str) -> dict[str, str | int | None]:
    """What a caption states.

    Returns:
        {"colour": one of COLOURS, "count": 1-3, "habitat": one of HABITATS}, None for what it leaves open; of two
        colours or places the first counts.
    """
    tokens = re.findall(r"[a-z]+|\d+", text.lower())
    return {
        "colour": next((token for token in tokens if token in COLOURS), None),
        "count": _count(tokens),
        "habitat": next((_PLACE_WORDS[token] for token in tokens if token in _PLACE_WORDS), None),
    }
