"""The species table, their names and the scenes they appear in."""

import itertools
import random
from collections import Counter

import pytest

from finetune.fieldguide.draw import render
from finetune.fieldguide.names import edit_distance_within_one
from finetune.fieldguide.scenes import draw_unnamed, random_traits, scene_at
from finetune.fieldguide.species import (
    DOMAINS,
    SPECIES,
    SPECIES_TRAITS,
    TRAITS,
    by_name,
    of_domain,
    published_seed,
    species_hash,
    trait_distance,
    trait_words,
)


def test_the_table_has_the_species_that_models_were_trained_on() -> None:
    assert species_hash() == "a0cba1b4bead9420075e20eeecc406ed4abc8cd24693013df575c182653125c1"
    assert published_seed() == 0xA0CBA1B4


def test_domains_have_their_sizes() -> None:
    assert [len(of_domain(domain)) for domain in DOMAINS] == [120, 40, 50, 30]
    assert len(by_name) == len(SPECIES) == 240


def test_any_two_species_differ_in_two_traits_at_least() -> None:
    assert min(trait_distance(a.traits, b.traits) for a, b in itertools.combinations(SPECIES, 2)) == 2


def test_every_trait_value_occurs_evenly_in_every_domain() -> None:
    for domain in DOMAINS:
        species = of_domain(domain)
        for at, values in enumerate(TRAITS.values()):
            used = Counter(one.traits[at] for one in species)
            assert set(used) == set(values)
            assert max(used.values()) <= 1.5 * len(species) / len(values)


def test_edit_distance_within_one_by_hand() -> None:
    assert edit_distance_within_one("zumi", "zumi")
    assert edit_distance_within_one("zumi", "zuma")
    assert edit_distance_within_one("zumi", "zumin")
    assert edit_distance_within_one("umi", "zumi")
    assert not edit_distance_within_one("zumi", "muzi")
    assert not edit_distance_within_one("zumi", "zuminu")


def test_no_two_names_are_one_letter_apart() -> None:
    assert not any(edit_distance_within_one(a, b) for a, b in itertools.combinations(by_name, 2))


def test_trait_words_tell_all_five_in_order() -> None:
    traits = ("round", "floppy", "forked", "spotted", "feathered")
    assert trait_words(traits) == "a round spotted creature with floppy ears, a forked tail and a feathered crest"
    assert trait_words((*traits[:4], "bare")).endswith("a forked tail and a bare head")


def test_an_unknown_domain_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="in-domain, near-domain"):
        of_domain("test")
    with pytest.raises(ValueError, match="in-domain, near-domain"):
        scene_at(1, "test", 0)


def test_a_scene_has_as_many_individuals_and_spots_as_it_tells() -> None:
    for index in range(200):
        scene = scene_at(5, "near-domain", index)
        assert len(scene.individuals) == scene.count and len(scene.spots) == len(scene.props)
        assert len(set(scene.props)) == len(scene.props)
        middle = sum(one.x for one in scene.individuals) / scene.count
        assert (scene.spots[0].x < middle) == (scene.side == "left")
        if len(scene.spots) == 2:
            assert (scene.spots[1].x < middle) == (scene.side == "right")


def test_creatures_keep_clear_of_each_other() -> None:
    for index in range(300):
        for one, other in itertools.combinations(scene_at(6, "novel", index).individuals, 2):
            apart = abs(one.x - other.x) > 0.40 or abs(one.y - other.y) > 0.95 * max(one.height, other.height) - 0.06
            assert apart


def test_the_same_address_gives_the_same_picture_and_others_do_not() -> None:
    pictures = {
        (seed, split, index): render(scene_at(seed, split, index), 64, 2).tobytes()
        for seed in (1, 2)
        for split in DOMAINS
        for index in range(15)
    }
    assert len(set(pictures.values())) == len(pictures)
    assert render(scene_at(2, "novel", 3), 64, 2).tobytes() == pictures[2, "novel", 3]


def test_every_trait_value_changes_the_picture() -> None:
    rng = random.Random(3)
    scene = draw_unnamed(rng, random_traits(rng, SPECIES_TRAITS))
    assert scene.species is None and scene.traits not in SPECIES_TRAITS
    seen = set()
    for at, values in enumerate(TRAITS.values()):
        for value in values:
            traits = (*scene.traits[:at], value, *scene.traits[at + 1 :])
            seen.add(render(type(scene)(**{**scene.__dict__, "traits": traits}), 96, 3).tobytes())
    assert len(seen) == sum(map(len, TRAITS.values())) - len(TRAITS) + 1


def test_a_picture_has_the_size_asked_for() -> None:
    for size, supersample in ((96, 3), (256, 2), (50, 1)):
        picture = render(scene_at(1, "in-domain", 0), size, supersample)
        assert picture.size == (size, size) and picture.mode == "RGB"
