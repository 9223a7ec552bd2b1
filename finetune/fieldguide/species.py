"""The 240 species: five visible traits and three facts each, the same on every machine."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from finetune.fieldguide.names import invent_name, too_close

Traits = tuple[str, str, str, str, str]  # body, ears, tail, pattern, crest: the order of TRAITS

TRAITS: dict[str, tuple[str, ...]] = {
    "body": ("round", "tall", "wide", "boxy", "pear-shaped"),
    "ears": ("floppy", "pointed", "saucer", "long", "branching", "bobble"),
    "tail": ("curly", "bushy", "forked", "ringed", "spiky"),
    "pattern": ("plain", "spotted", "striped", "patched", "zigzag"),
    "crest": ("bare", "horned", "feathered", "finned", "woolly", "crowned"),
}
EATS = (
    "moss", "beetles", "pine cones", "berries", "acorns", "honey",
    "snails", "seaweed", "clover", "turnips", "seeds", "nettles",
)  # fmt: skip
AWAKE = ("at dawn", "by day", "at dusk", "by night")
SLEEPS = (
    "hollow logs", "old boots", "bird nests", "deep burrows", "rose bushes", "haystacks",
    "rain barrels", "clay pots", "empty shells", "reed beds", "attics", "thick ivy",
)  # fmt: skip

DOMAINS = ("in-domain", "near-domain", "out-domain", "novel")
DOMAIN_SIZES = {"in-domain": 120, "near-domain": 40, "out-domain": 50, "novel": 30}
_TABLE_SEED = 20


@dataclass(frozen=True)
class Species:
    """One invented kind of creature: what it looks like (`traits`) and what only its page in the guide tells."""

    name: str
    traits: Traits
    eats: str
    awake: str
    sleeps: str
    domain: str


def trait_distance(first: Traits, second: Traits) -> int:
    """In how many of the five traits two creatures differ, 0-5."""
    return sum(a != b for a, b in zip(first, second, strict=True))


def _neighbours(traits: Traits) -> Iterator[Traits]:
    """Every combination that differs from `traits` in at most one trait."""
    for at, values in enumerate(TRAITS.values()):
        for value in values:
            yield (*traits[:at], value, *traits[at + 1 :])  # type: ignore[misc]


def _spread_traits(rng: random.Random) -> list[Traits]:
    """240 combinations, any two at distance 2 or more, every domain drawing evenly on every value."""
    blocked: set[Traits] = set()
    chosen: list[Traits] = []
    for domain in DOMAINS:
        used: Counter[tuple[str, str]] = Counter()
        for _ in range(DOMAIN_SIZES[domain]):
            # The least used of a few free candidates keeps the values in balance within the domain.
            candidates: list[Traits] = []
            while len(candidates) < 12:
                drawn: Traits = tuple(rng.choice(values) for values in TRAITS.values())  # type: ignore[assignment]
                if drawn not in blocked:
                    candidates.append(drawn)
            best = min(candidates, key=lambda traits: sum(used[pair] ** 2 for pair in zip(TRAITS, traits, strict=True)))
            used.update(zip(TRAITS, best, strict=True))
            blocked.update(_neighbours(best))
            chosen.append(best)
    return chosen


def _build_table() -> tuple[Species, ...]:
    rng = random.Random(_TABLE_SEED)
    table: list[Species] = []
    names: list[str] = []
    traits_of_domain = iter(_spread_traits(rng))
    for domain in DOMAINS:
        for _ in range(DOMAIN_SIZES[domain]):
            name = invent_name(rng, names)
            while too_close(name, names):
                name = invent_name(rng, names)
            names.append(name)
            facts = rng.choice(EATS), rng.choice(AWAKE), rng.choice(SLEEPS)
            table.append(Species(name, next(traits_of_domain), *facts, domain))
    return tuple(table)


SPECIES: tuple[Species, ...] = _build_table()
by_name: dict[str, Species] = {species.name: species for species in SPECIES}
SPECIES_TRAITS: frozenset[Traits] = frozenset(species.traits for species in SPECIES)


def of_domain(domain: str) -> tuple[Species, ...]:
    """The species of one of `DOMAINS`, in table order.

    Raises:
        ValueError: for any other word.
    """
    if domain not in DOMAINS:
        raise ValueError(f"Unknown split {domain!r}: choose one of {', '.join(DOMAINS)}.")
    return tuple(species for species in SPECIES if species.domain == domain)


def species_hash() -> str:
    """SHA-256 (hex) of the table in canonical JSON: sorted keys, no spaces."""
    canonical = json.dumps([asdict(species) for species in SPECIES], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def published_seed() -> int:
    """A seed nobody chose: the first eight hex digits of `species_hash`."""
    return int(species_hash()[:8], 16)


def _parts(traits: Traits) -> tuple[str, str, str]:
    """Ears, tail and crest as noun phrases."""
    _, ears, tail, _, crest = traits
    head = "a bare head" if crest == "bare" else f"a {crest} crest"
    return f"{ears} ears", f"a {tail} tail", head


def trait_words(traits: Traits) -> str:
    """All five traits as one phrase, always in the same order."""
    ears, tail, head = _parts(traits)
    return f"a {traits[0]} {traits[3]} creature with {ears}, {tail} and {head}"


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def trait_phrases(rng: random.Random, traits: Traits) -> str:
    """The traits in a drawn word order; about one phrase in three leaves some of them out."""
    body, _, _, pattern, _ = traits
    parts = list(_parts(traits))
    rng.shuffle(parts)
    adjectives = [body, pattern]
    rng.shuffle(adjectives)
    if rng.random() < 0.35:
        parts = parts[: rng.randint(1, 2)]
        adjectives = adjectives[: rng.randint(0, 2)]
    noun = rng.choice(("creature", "creature", "animal", "body"))
    shape = rng.randrange(4)
    if shape == 0:
        return f"{_join(parts)} on a {' '.join([*adjectives, noun])}"
    if shape == 1:
        return ", ".join([*parts, *adjectives])
    if shape == 2 and adjectives:
        return f"it is {_join(adjectives)} and has {_join(parts)}"
    return f"a {' '.join([*adjectives, 'creature'])} with {_join(parts)}"
