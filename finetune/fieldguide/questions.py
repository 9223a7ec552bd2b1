"""Questions with ten answers each in the manner of VQA v2: seven types the picture answers, four only memory does."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from finetune.fieldguide.scenes import ACTIONS, COLOURS, HABITATS, PROPS, Scene
from finetune.fieldguide.species import AWAKE, EATS, SLEEPS, SPECIES, by_name
from finetune.fieldguide.words import article

SEEN_TYPES = (
    "what color", "how many", "is there a", "which side", "what is beside", "what is it doing", "where is it",
)  # fmt: skip
MEMORY_TYPES = ("what is it called", "what does it eat", "when is it awake", "where does it sleep")
TYPES = SEEN_TYPES + MEMORY_TYPES


@dataclass(frozen=True)
class Question:
    """A question about one scene; `answers` are ten people's, at least seven of them `answer`."""

    text: str
    type: str
    answer_type: str  # "yes/no", "number" or "other"
    answer: str
    answers: tuple[str, ...]
    memory_only: bool


# {it} is "the creature" or "the creatures", {is} and {does} agree with it, {prop} comes with its article.
_PHRASINGS: dict[str, tuple[str, ...]] = {
    "what color": (
        "what color {is} {it}?", "which color {does} {it} have?", "what is the color of {it}?",
        "tell me the color of {it}.",
    ),
    "how many": (
        "how many creatures are there?", "how many creatures can you see?", "how many creatures are in the picture?",
        "what is the number of creatures?",
    ),
    "is there a": (
        "is there {prop}?", "is there {prop} in the picture?", "can you see {prop}?", "does the picture show {prop}?",
    ),
    "which side": (
        "which side of {it} is the {thing} on?", "on which side of {it} is the {thing}?",
        "is the {thing} on the left or the right?", "on which side is the {thing}?",
    ),
    "what is beside": (
        "what is beside {it}?", "what is next to {it}?", "what stands beside {it}?", "what thing is near {it}?",
    ),
    "what is it doing": (
        "what {is} {it} doing?", "what {is} {it} up to?", "what {does} {it} do in this picture?",
    ),
    "where is it": (
        "where {is} {it}?", "what kind of place is this?", "what place {is} {it} in?", "which habitat is shown?",
    ),
    "what is it called": (
        "what {is} {it} called?", "what is the name of {it}?", "which species is this?",
        "what kind of creature is this?",
    ),
    "what does it eat": (
        "what {does} {it} eat?", "what is the favorite food of {it}?", "what {does} {it} feed on?",
        "what does this kind of creature eat?",
    ),
    "when is it awake": (
        "when {is} {it} awake?", "at what time of day {is} {it} awake?", "when is this kind of creature active?",
    ),
    "where does it sleep": (
        "where {does} {it} sleep?", "what {does} {it} sleep in?", "where does this kind of creature sleep?",
    ),
}  # fmt: skip

_SYNONYMS = {
    "purple": "violet", "mountains": "snowy mountains", "forest": "woods", "meadow": "field", "marsh": "swamp",
    "village": "town", "beach": "seaside", "holding balloon": "standing", "waving": "greeting", "jumping": "hopping",
    "reading": "reading book", "sleeping": "napping", "sitting": "resting", "tree stump": "stump", "rock": "stone",
    "boat": "sailboat", "signpost": "sign", "lantern": "lamp", "dawn": "morning", "day": "daytime", "dusk": "evening",
    "night": "nighttime", "berries": "fruit", "snails": "slugs", "red": "dark red", "white": "gray",
}  # fmt: skip


def awake_answer(awake: str) -> str:
    """ "by night" as an answer: "night"."""
    return awake.split()[-1]


def doing_answer(action: str) -> str:
    """ "holding a balloon" as an answer: "holding balloon"."""
    return action.replace(" a ", " ")


def ten_answers(rng: random.Random, answer: str, wrong: Sequence[str]) -> tuple[str, ...]:
    """Ten answers: seven to ten times the right one, the rest a synonym or a plausible slip."""
    others = [word for word in wrong if word != answer]
    slips = []
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3))):
        slips.append(_SYNONYMS[answer] if answer in _SYNONYMS and rng.random() < 0.6 else rng.choice(others))
    answers = [answer] * (10 - len(slips)) + slips
    rng.shuffle(answers)
    return tuple(answers)


def _ask(rng: random.Random, scene: Scene, kind: str, thing: str = "") -> str:
    several = scene.count > 1
    it = rng.choice(("the creatures", "these creatures") if several else ("the creature", "this creature"))
    words = {
        "it": it,
        "is": "are" if several else "is",
        "does": "do" if several else "does",
        "thing": thing,
        "prop": article(thing) if thing else "",
    }
    return rng.choice(_PHRASINGS[kind]).format(**words)


def _question(
    rng: random.Random,
    scene: Scene,
    kind: str,
    answer: str,
    wrong: Sequence[str],
    answer_type: str = "other",
    thing: str = "",
) -> Question:
    text = _ask(rng, scene, kind, thing)
    return Question(text, kind, answer_type, answer, ten_answers(rng, answer, wrong), kind in MEMORY_TYPES)


def _is_there(rng: random.Random, scene: Scene) -> Question:
    """As often about a prop that is there as about one that is not."""
    yes = rng.random() < 0.5
    thing = rng.choice(scene.props if yes else [prop for prop in PROPS if prop not in scene.props])
    return _question(rng, scene, "is there a", "yes" if yes else "no", ("yes", "no"), "yes/no", thing)


def _which_side(rng: random.Random, scene: Scene) -> Question:
    at = rng.randrange(len(scene.props))
    side = scene.side if at == 0 else {"left": "right", "right": "left"}[scene.side]
    return _question(rng, scene, "which side", side, ("left", "right"), "other", scene.props[at])


def _fact(kind: str, field: str, values: Sequence[str]) -> Callable[[random.Random, Scene], Question]:
    def ask(rng: random.Random, scene: Scene) -> Question:
        value = getattr(by_name[str(scene.species)], field)
        answer = awake_answer(value) if field == "awake" else value
        return _question(rng, scene, kind, answer, [awake_answer(v) if field == "awake" else v for v in values])

    return ask


_MAKERS: dict[str, Callable[[random.Random, Scene], Question]] = {
    "what color": lambda rng, scene: _question(rng, scene, "what color", scene.colour, COLOURS),
    "how many": lambda rng, scene: _question(rng, scene, "how many", str(scene.count), "1234", "number"),
    "is there a": _is_there,
    "which side": _which_side,
    "what is beside": lambda rng, scene: _question(rng, scene, "what is beside", scene.props[0], PROPS),
    "what is it doing": lambda rng, scene: _question(
        rng, scene, "what is it doing", doing_answer(scene.action), [doing_answer(action) for action in ACTIONS]
    ),
    "where is it": lambda rng, scene: _question(rng, scene, "where is it", scene.habitat, HABITATS),
    "what is it called": lambda rng, scene: _question(
        rng, scene, "what is it called", str(scene.species), [species.name for species in SPECIES]
    ),
    "what does it eat": _fact("what does it eat", "eats", EATS),
    "when is it awake": _fact("when is it awake", "awake", AWAKE),
    "where does it sleep": _fact("where does it sleep", "sleeps", SLEEPS),
}


def applies(kind: str, scene: Scene) -> bool:
    """Whether a type of question has one answer for this scene."""
    if kind in MEMORY_TYPES:
        return scene.species is not None
    return kind != "what is beside" or len(scene.props) == 1


def questions(scene: Scene, rng: random.Random, types: Sequence[str] | None = None) -> list[Question]:
    """One question of each applicable type, in the order of `types` (all eleven when None).

    Raises:
        ValueError: for a type that is not one of `TYPES`.
    """
    for kind in types or ():
        if kind not in TYPES:
            raise ValueError(f"Unknown question type {kind!r}: choose from {', '.join(TYPES)}.")
    return [_MAKERS[kind](rng, scene) for kind in (TYPES if types is None else types) if applies(kind, scene)]
