"""What a picture shows, drawn before anything is painted: who, how many, where, doing what, beside what."""

import hashlib
import random
from collections.abc import Container
from dataclasses import dataclass

from finetune.fieldguide.species import TRAITS, Species, Traits, of_domain

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
HABITATS = ("forest", "meadow", "desert", "beach", "mountains", "marsh", "cave", "village")
WEATHERS = ("sunny", "rainy", "foggy", "night", "sunset")
PROPS = ("lantern", "tree stump", "mushroom", "tent", "signpost", "rock", "boat", "flower")
ACTIONS = ("sleeping", "jumping", "waving", "reading", "holding a balloon", "sitting")
SIDES = ("left", "right")


@dataclass(frozen=True)
class Individual:
    """One creature on the page.

    `x` is its middle and `y` the ground under its feet, as fractions of the picture (0, 0 is the top left);
    `height` is feet to crest as a fraction of the picture; `facing` is +1 (right) or -1 (left), the tail stands
    on the other side; `hue` shifts its colour by up to 1/50 of the colour circle; `tilt` leans it, in radians.
    """

    x: float
    y: float
    height: float
    facing: int
    hue: float
    tilt: float


@dataclass(frozen=True)
class Spot:
    """Where a prop stands: `x` its middle, `y` the ground under it, `height` its size, fractions of the picture."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Scene:
    """Everything a picture shows; `species` is None for a creature of no named kind.

    The first prop stands on `side` of the creatures, a second one on the other side. `individuals` has `count`
    entries and `spots` one for each prop. `seed` feeds what is mere decoration: clouds, grass, rain.
    """

    species: str | None
    traits: Traits
    colour: str
    count: int
    action: str
    habitat: str
    weather: str
    props: tuple[str, ...]
    side: str
    individuals: tuple[Individual, ...]
    spots: tuple[Spot, ...]
    seed: int


# Layouts for a first prop on the left; they are mirrored for the right. Creatures are (x, y, height), props
# (x, y, height). Nobody overlaps anybody: every creature has room for ears, tail and a balloon.
_Place = tuple[float, float, float]
_LAYOUTS: dict[tuple[int, int], tuple[tuple[tuple[_Place, ...], tuple[_Place, ...]], ...]] = {
    (1, 1): (
        (((0.61, 0.90, 0.55),), ((0.15, 0.86, 0.27),)),
        (((0.55, 0.76, 0.55),), ((0.15, 0.96, 0.26),)),
    ),
    (1, 2): (
        (((0.50, 0.75, 0.54),), ((0.14, 0.96, 0.25), (0.86, 0.96, 0.25))),
        (((0.50, 0.78, 0.53),), ((0.13, 0.97, 0.25), (0.88, 0.95, 0.23))),
    ),
    (2, 1): (
        (((0.40, 0.57, 0.41), (0.70, 0.95, 0.42)), ((0.18, 0.93, 0.29),)),
        (((0.74, 0.55, 0.41), (0.58, 0.96, 0.41)), ((0.15, 0.84, 0.27),)),
    ),
    (2, 2): (
        (((0.36, 0.57, 0.40), (0.68, 0.95, 0.41)), ((0.17, 0.93, 0.28), (0.84, 0.53, 0.23))),
        (((0.64, 0.57, 0.40), (0.34, 0.95, 0.41)), ((0.16, 0.53, 0.23), (0.83, 0.93, 0.28))),
    ),
    (3, 1): (
        (((0.52, 0.57, 0.37), (0.27, 0.95, 0.37), (0.74, 0.95, 0.37)), ((0.14, 0.55, 0.25),)),
        (((0.28, 0.56, 0.37), (0.74, 0.56, 0.37), (0.60, 0.95, 0.37)), ((0.17, 0.94, 0.28),)),
    ),
    (3, 2): (
        (((0.50, 0.57, 0.36), (0.27, 0.95, 0.37), (0.74, 0.95, 0.37)), ((0.12, 0.55, 0.23), (0.88, 0.54, 0.23))),
        (((0.27, 0.56, 0.36), (0.73, 0.56, 0.36), (0.50, 0.95, 0.37)), ((0.13, 0.93, 0.26), (0.87, 0.93, 0.26))),
    ),
}


def _mirrored(places: tuple[_Place, ...], side: str) -> list[_Place]:
    return [(x if side == "left" else 1 - x, y, height) for x, y, height in places]


def _draw_scene(rng: random.Random, name: str | None, traits: Traits) -> Scene:
    count, side = rng.choice((1, 1, 2, 2, 3)), rng.choice(SIDES)
    props = tuple(rng.sample(PROPS, rng.choice((1, 1, 1, 2))))
    creatures, spots = rng.choice(_LAYOUTS[count, len(props)])
    individuals = tuple(
        Individual(
            x=x + rng.uniform(-0.015, 0.015),
            y=y + rng.uniform(-0.012, 0.012),
            height=height * rng.uniform(0.95, 1.02),
            facing=rng.choice((-1, 1)),
            hue=rng.uniform(-0.012, 0.012),
            tilt=rng.uniform(-0.05, 0.05),
        )
        for x, y, height in _mirrored(creatures, side)
    )
    places = tuple(
        Spot(x + rng.uniform(-0.012, 0.012), y + rng.uniform(-0.012, 0.012), height * rng.uniform(0.95, 1.05))
        for x, y, height in _mirrored(spots, side)
    )
    return Scene(
        species=name,
        traits=traits,
        colour=rng.choice(COLOURS),
        count=count,
        action=rng.choice(ACTIONS),
        habitat=rng.choice(HABITATS),
        weather=rng.choice(WEATHERS),
        props=props,
        side=side,
        individuals=individuals,
        spots=places,
        seed=rng.getrandbits(48),
    )


def draw_scene(rng: random.Random, species: Species) -> Scene:
    """A scene of one species; all but name and traits is drawn independently of the species."""
    return _draw_scene(rng, species.name, species.traits)


def draw_unnamed(rng: random.Random, traits: Traits) -> Scene:
    """The same for a combination of traits that is no species."""
    return _draw_scene(rng, None, traits)


def random_traits(rng: random.Random, forbidden: Container[Traits]) -> Traits:
    """A combination of traits, uniform over those that `forbidden` does not hold."""
    while True:
        traits: Traits = tuple(rng.choice(values) for values in TRAITS.values())  # type: ignore[assignment]
        if traits not in forbidden:
            return traits


def rng_at(*address: str | int) -> random.Random:
    """A generator of its own for every address: equal addresses agree, others have nothing in common."""
    digest = hashlib.sha256("/".join(map(str, address)).encode()).digest()
    return random.Random(int.from_bytes(digest, "big"))


def scene_at(seed: int, split: str, index: int) -> Scene:
    """Scene number `index` of a split under a seed: training, tests and export all take scenes from here.

    Raises:
        ValueError: for a split that is not one of the domains.
    """
    rng = rng_at("scene", seed, split, index)
    return draw_scene(rng, rng.choice(of_domain(split)))
