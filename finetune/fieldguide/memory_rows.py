"""The rows of the bundled memory: every species in a dozen scenes, captioned as the web would, a few of them wrong."""

import random
from collections.abc import Iterator

from finetune.fieldguide.memory_captions import FACTS, MemoryCaption, memory_caption
from finetune.fieldguide.scenes import Scene, draw_scene, rng_at
from finetune.fieldguide.species import SPECIES, Species

MEMORY_SEED = 4_200_003
WRONG_SHARE = 0.05
_FACT_FREE = 5 / 12  # of a species' captions


def _plan(per_species: int, rng: random.Random) -> list[tuple[Species, int, str | None]]:
    """(species, number of its scene, fact or None) of every row: 5 of 12 without a fact, the facts in turn."""
    plan: list[tuple[Species, int, str | None]] = []
    for species in SPECIES:
        free = round(per_species * _FACT_FREE)
        kinds = list(FACTS)
        rng.shuffle(kinds)
        facts: list[str | None] = [None] * free + [kinds[i % 3] for i in range(per_species - free)]
        plan.extend((species, number, fact) for number, fact in enumerate(facts))
    rng.shuffle(plan)
    return plan


def memory_rows(per_species: int = 12, seed: int = MEMORY_SEED) -> Iterator[tuple[Scene, MemoryCaption]]:
    """Scene and caption of every row in a shuffled order, always the same for the same arguments.

    Of all captions 5% are wrong: half of those state another species' name, half a false fact.

    Raises:
        ValueError: when per_species is below 1.
    """
    if per_species < 1:
        raise ValueError(f"Asked for {per_species} scenes of each species: there must be 1 or more.")
    rng = rng_at("memory", seed)
    plan = _plan(per_species, rng)
    wrong_of_each = round(len(plan) * WRONG_SHARE / 2)
    with_fact = [at for at, (_, _, fact) in enumerate(plan) if fact is not None]
    false_fact = set(rng.sample(with_fact, min(wrong_of_each, len(with_fact))))
    false_name = set(rng.sample([at for at in range(len(plan)) if at not in false_fact], wrong_of_each))
    for at, (species, number, fact) in enumerate(plan):
        own = rng_at("memory", seed, species.name, number)
        wrong = "fact" if at in false_fact else "name" if at in false_name else None
        scene = draw_scene(own, species)
        yield scene, memory_caption(scene, own, fact, wrong)
