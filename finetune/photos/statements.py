"""DAQUAR's questions: what kind each is, and the statement that a question and its answer make together.

Answers stay as DAQUAR writes them (``tape_dispenser``; several parted by commas): an answer that is copied out of a
statement is then right to the letter.
"""

from __future__ import annotations

import re

from raven_core.datasets.daquar import question_type as asked_for

KINDS = ("number", "colour", "on", "beside", "object")
"""What a question asks for: how many, which colour, what is on or in a thing, what is beside it (left, behind, above,
...), or which object is meant (the largest, the white one)."""

_IDENTITY = re.compile(r"(what|which) (is|are) the\b")
_RELATION = re.compile(
    r"\b(?:(?P<beside>(?:on|in|to|at) the (?:left|right|front|back|middle of)|in front|left|right|front|behind|beneath"
    r"|below|above|near|between|under|underneath|next|beside|besides|around|opposite|close)"
    r"|(?P<on>on|in|inside|at|over|hung|hanging|hanged|stuck|kept|placed|found))\b"
)
_MANY = re.compile(r"how (?:many|much) (?P<what>.+?) (?:is|are) there\b ?(?P<rest>.*)")
_MANY_ARE = re.compile(r"how (?:many|much) (?P<what>.+)")
_COLOUR_OF = re.compile(r"what (?:is |are )?(?:the )?colou?rs? (?:of|is|are) (?P<what>.+)")
_WHAT_THE = re.compile(r"(?:what|which) (?P<verb>is|are) (?P<what>the .+)")
_WHAT_IS = re.compile(r"(?:what|which) (?P<verb>is|are) (?P<rest>.+)")
_WHAT_NOUN = re.compile(r"(?:what|which) (?P<noun>\w+) (?P<verb>is|are) (?P<rest>.+)")
_WHERE = re.compile(r"where (?P<verb>is|are) (?P<what>.+)")


def tidy(text: str) -> str:
    """One line without the blank before a comma or full stop, and without the last full stop or question mark."""
    line = re.sub(r"\s+([.,;:!?])", r"\1", " ".join(text.split()))
    return line.rstrip(" .?")


def kind_of(question: str) -> str:
    """One of ``KINDS``."""
    text = " ".join(question.lower().split())
    known = asked_for(text)
    if known in ("number", "colour"):
        return known
    if _IDENTITY.match(text):
        return "object"
    found = _RELATION.search(text)
    return "object" if found is None else str(found.lastgroup)


def statement(question: str, answer: str) -> str:
    """What is true if that is the answer: "how many chairs are there" and 3 make "there are 3 chairs".

    A question that no rule fits is followed by its answer.
    """
    text, answer = tidy(question.lower()), tidy(answer)
    for rule in (_number, _colour, _place, _which):
        said = rule(text, answer)
        if said is not None:
            return said
    return f"{text}? {answer}"


def _number(text: str, answer: str) -> str | None:
    if there := _MANY.fullmatch(text):
        verb = "is" if answer == "1" else "are"
        return f"there {verb} {answer} {there['what']} {there['rest']}".strip()
    if many := _MANY_ARE.fullmatch(text):
        return f"{answer} {many['what']}"
    return None


def _colour(text: str, answer: str) -> str | None:
    match = _COLOUR_OF.fullmatch(text)
    return None if match is None else f"the colour of {match['what']} is {answer}"


def _place(text: str, answer: str) -> str | None:
    match = _WHERE.fullmatch(text)
    return None if match is None else f"{match['what']} {match['verb']} at {answer}"


def _which(text: str, answer: str) -> str | None:
    if the := _WHAT_THE.fullmatch(text):
        return f"{the['what']} {_verb(the['verb'], answer)} {answer}"
    if what := _WHAT_IS.fullmatch(text):
        return f"{answer} {_verb(what['verb'], answer)} {what['rest']}"
    if noun := _WHAT_NOUN.fullmatch(text):
        return f"the {noun['noun']} {noun['rest']} {_verb(noun['verb'], answer)} {answer}"
    return None


def _verb(verb: str, answer: str) -> str:
    return "are" if "," in answer else verb
