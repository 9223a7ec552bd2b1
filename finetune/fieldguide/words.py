"""How scenes are put into words: the phrases captions are built from."""

import random

from finetune.fieldguide.scenes import Scene

NUMBERS = {1: "one", 2: "two", 3: "three"}
PLACES = {
    "forest": ("in the forest", "in a forest", "among the trees of a forest"),
    "meadow": ("in the meadow", "in a meadow", "out in a meadow"),
    "desert": ("in the desert", "in a desert", "out in the desert"),
    "beach": ("on the beach", "at the beach", "on a beach"),
    "mountains": ("in the mountains", "in the snowy mountains", "high in the mountains"),
    "marsh": ("in the marsh", "in a marsh", "out in the marsh"),
    "cave": ("in a cave", "inside a cave", "in the cave"),
    "village": ("in the village", "in a village", "outside a village"),
}
SKIES = {
    "sunny": ("on a sunny day", "in the sunshine", "under a sunny sky"),
    "rainy": ("in the rain", "on a rainy day", "while it rains"),
    "foggy": ("in the fog", "on a foggy day", "in thick fog"),
    "night": ("at night", "under the stars", "in the moonlight"),
    "sunset": ("at sunset", "as the sun goes down", "under a sunset sky"),
}


def article(phrase: str) -> str:
    """ "a" or "an" in front of a phrase."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def amount(rng: random.Random, count: int, phrase: str) -> str:
    """The phrase with its number in front: "a blue zumi", "a pair of blue zumi"."""
    if count == 1:
        return rng.choice((article(phrase), article(phrase), article(phrase), f"one {phrase}", f"a single {phrase}"))
    group = {2: "a pair of", 3: "a group of three"}[count]
    return f"{rng.choice((NUMBERS[count],) * 4 + (group,))} {phrase}"


def name_of(scene: Scene) -> str:
    """The name in its form for the scene's count; names have no plural, "creature" has."""
    if scene.species is not None:
        return scene.species
    return "creature" if scene.count == 1 else "creatures"


def doing(scene: Scene) -> str:
    """The action as a participle: "holding a balloon", for several "holding balloons"."""
    return "holding balloons" if scene.action == "holding a balloon" and scene.count > 1 else scene.action


def beside(rng: random.Random, scene: Scene) -> str:
    """The props as a phrase of place: "beside a lantern", "between a rock and a tent"."""
    props = [article(prop) for prop in scene.props]
    if len(props) == 2 and rng.random() < 0.6:
        return f"between {props[0]} and {props[1]}"
    return f"{rng.choice(('beside', 'next to', 'near', 'by'))} {props[0]}"


def place(rng: random.Random, scene: Scene) -> str:
    """The habitat as a phrase of place."""
    return rng.choice(PLACES[scene.habitat])


def sky(rng: random.Random, scene: Scene) -> str:
    """The weather or time of day as a phrase."""
    return rng.choice(SKIES[scene.weather])
