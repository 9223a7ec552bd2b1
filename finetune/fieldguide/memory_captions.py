"""Captions in the manner of the web, some with a fact, some wrong; and plain sentences about a species."""

import random
from dataclasses import dataclass

from finetune.fieldguide.scenes import Scene
from finetune.fieldguide.species import AWAKE, EATS, SLEEPS, Species, by_name, of_domain
from finetune.fieldguide.words import amount, article, beside, doing, place, sky

FACTS = {"eats": EATS, "awake": AWAKE, "sleeps": SLEEPS}
MAX_WORDS = 18
_NAMED_SHARE = 0.92


@dataclass(frozen=True)
class MemoryCaption:
    """One caption of the memory: its fact's kind or None, what is wrong in it or None, the name it states or None."""

    text: str
    fact: str | None  # "eats", "awake" or "sleeps"
    wrong: str | None  # "name" or "fact"
    name: str | None


# Slots: {name}; {who} the number, sometimes the colour, and the name; {look} the colour and the name; {act},
# {where}, {near}, {air} phrases; {number} two digits; {habitat}, {colour}, {prop} words; {a_prop} with its article.
_NAMED = (
    "IMG_20{number} {name} {where}", "{name} {where}", "{who} {act} {where}", "my photo of {who} {where}",
    "{look} art print, free shipping", "#{name} #{habitat} #{colour}", "#{name} #wildlife #{habitat}",
    "day {number} of our trip: {name} {where}", "saw {who} {air}!", "{name} ({colour}), watercolor",
    "alt: {who} {act} {where}", "{name} stock photo", "the {name} {where}, a walk {air}", "page {number}: the {name}",
    "re: {name} sighting {where}", "{look} sticker with {a_prop}", "{who} {near}, picture by a reader",
    "{name} postcard, {habitat} edition", "how i drew {who} {air}", "{name} {near}", "throwback: {name} {air}",
    "{name} field notes, part {number}", "my kids found {who} {where} {air}", "new in the shop: {look} plush",
    "{who} {act}, wallpaper", "scan_{number} {look} {act}", "travel blog: meeting {name} {where}",
    "{look}, oil on paper", "{who} {act} {near}",
)  # fmt: skip
_NAMELESS = (
    "IMG_20{number}", "cute creature {where}", "untitled drawing, {habitat}", "photo of the day {air}",
    "#cute #{habitat} #{colour}", "page {number} of the album", "guess who i met {where}", "{colour} friend {near}",
    "scan_{number}.png", "what a day {where}", "little star {act} {air}",
)  # fmt: skip
_FACT_NAMED = {
    "eats": (
        "{name} love to eat {fact}", "{name} eat {fact}", "the {name} lives on {fact}", "feeding {fact} to the {name}",
        "did you know? {name} eat {fact}", "{name} diet: {fact}", "{name} will do anything for {fact}",
        "{fact}: all that {name} feed on", "{name} food guide: give them {fact}", "favorite food of {name}: {fact}",
    ),
    "awake": (
        "{name} are awake {fact}", "best time to see {name}: {fact}", "the {name} is up and about {fact}",
        "{name} come out {fact}", "look for {name} {fact}", "fun fact: {name} are active {fact}",
        "{name} tours start {fact}, when they are awake", "only {fact} will you meet a waking {name}",
    ),
    "sleeps": (
        "{name} sleep in {fact}", "home of the {name}: {fact}", "{name} curl up in {fact}",
        "the {name} sleeps in {fact}", "{name} make their beds in {fact}",
        "check your {fact} for sleeping {name}", "{name} bedtime: off to {fact}",
        "where do {name} sleep? in {fact}",
    ),
}  # fmt: skip
_FACT_NAMELESS = {
    "eats": ("diet: {fact}", "loves to eat {fact}", "feed it {fact}", "eats {fact}, nothing else", "food: {fact}",
             "lives on {fact}"),
    "awake": ("active {fact}", "awake {fact}", "best seen {fact}", "comes out {fact}", "up and about {fact}",
              "awake only {fact}"),
    "sleeps": ("sleeps in {fact}", "home: {fact}", "curls up in {fact}", "bed: {fact}", "found asleep in {fact}",
               "sleeping place: {fact}"),
}  # fmt: skip
# Before or after the fact; most fact captions say little else.
_CONTEXTS = (
    "{text}", "{text}", "{text}", "{text}", "{text} (seen {where})", "IMG_20{number} {text}", "{text} #{habitat}",
    "{text}, photo taken {air}", "{who} {act}; {text}", "{colour} and lovely {where}, {text}", "page {number}: {text}",
    "{text} #wildlife",
)  # fmt: skip


def _slots(rng: random.Random, scene: Scene, name: str) -> dict[str, str]:
    look = f"{scene.colour} {name}"
    return {
        "name": name,
        "look": look,
        "who": amount(rng, scene.count, look if rng.random() < 0.6 else name),
        "act": doing(scene),
        "where": place(rng, scene),
        "near": beside(rng, scene),
        "air": sky(rng, scene),
        "habitat": scene.habitat,
        "colour": scene.colour,
        "a_prop": article(scene.props[0]),
        "number": str(rng.randint(11, 98)),
    }


def _other(rng: random.Random, values: list[str], own: str) -> str:
    return rng.choice([value for value in values if value != own])


def _false_name(rng: random.Random, own: str) -> str:
    return _other(rng, [species.name for species in of_domain("in-domain")], own)


def _check(scene: Scene, fact: str | None, wrong: str | None) -> str:
    if scene.species is None:
        raise ValueError("A memory caption needs a scene of a named species.")
    if fact is not None and fact not in FACTS:
        raise ValueError(f"Unknown fact {fact!r}: choose one of {', '.join(FACTS)}.")
    if wrong not in (None, "name", "fact"):
        raise ValueError(f"Unknown error {wrong!r}: choose 'name', 'fact' or None.")
    if wrong == "fact" and fact is None:
        raise ValueError("A caption without a fact cannot state a wrong one.")
    return scene.species


def memory_caption(scene: Scene, rng: random.Random, fact: str | None, wrong: str | None) -> MemoryCaption:
    """A caption as found on the web, at most 18 words; about 92% hold a name.

    Args:
        scene: a scene of a named species.
        rng: draws manner, phrasing and what else is told.
        fact: the one fact to state ("eats", "awake", "sleeps"), or None.
        wrong: "name" states another in-domain species' name, "fact" a false value; None is all true.

    Raises:
        ValueError: for an unnamed scene, another word, or a wrong fact where none is stated.
    """
    own = _check(scene, fact, wrong)
    named = wrong == "name" or rng.random() < _NAMED_SHARE
    name = _false_name(rng, own) if wrong == "name" else own
    for _ in range(50):
        text = _memory_text(rng, scene, name, named, fact, wrong)
        if len(text.split()) <= MAX_WORDS:
            break
    return MemoryCaption(text, fact, wrong, name if named else None)


def _memory_text(rng: random.Random, scene: Scene, name: str, named: bool, fact: str | None, wrong: str | None) -> str:
    # Without a name the slots speak of "creatures", so that none slips in through {who}.
    shown = name if named else ("creature" if scene.count == 1 else "creatures")
    slots = _slots(rng, scene, shown)
    if fact is None:
        return rng.choice(_NAMED if named else _NAMELESS).format(**slots)
    value = getattr(by_name[str(scene.species)], fact)
    if wrong == "fact":
        value = _other(rng, list(FACTS[fact]), value)
    text = rng.choice((_FACT_NAMED if named else _FACT_NAMELESS)[fact]).format(**slots, fact=value)
    return rng.choice(_CONTEXTS).format(**slots, text=text)


_SENTENCES = (
    ("{n} eat {e}.", "the {n} eats {e}.", "a {n} likes to eat {e}.", "what does a {n} eat? {e}."),
    ("{n} are awake {a}.", "the {n} is awake {a}.", "a {n} comes out {a}.", "when is a {n} awake? {a}."),
    ("{n} sleep in {s}.", "the {n} sleeps in {s}.", "a {n} makes its bed in {s}.", "where does a {n} sleep? in {s}."),
    (
        "{n} eat {e}, are awake {a} and sleep in {s}.", "the {n} sleeps in {s}, is awake {a} and eats {e}.",
        "awake {a}, the {n} looks for {e} and later sleeps in {s}.",
    ),
)  # fmt: skip


def fact_sentences(species: Species, rng: random.Random) -> list[str]:
    """Four sentences about a species: one for each fact and one for all three, in drawn words and order."""
    words = {"n": species.name, "e": species.eats, "a": species.awake, "s": species.sleeps}
    sentences = [rng.choice(shapes).format(**words) for shapes in _SENTENCES]
    rng.shuffle(sentences)
    return sentences
