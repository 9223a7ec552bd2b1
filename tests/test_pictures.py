"""Pools of training pictures: what stands at an address, and what is drawn only once."""

from __future__ import annotations

import json
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from finetune import pictures
from finetune.fieldguide.species import SPECIES_TRAITS, by_name
from finetune.fieldguide_data import TRAIN_SEED, Sizes, language_rows, sight_rows, training_places
from finetune.pictures import UNNAMED, UNNAMED_KINDS, Address, Pool, addresses, picture, unnamed_scene

PLACES = (*addresses(5, "in-domain", 2), *addresses(5, UNNAMED, 1))


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """Addresses that were drawn; threads stand in for processes, which take seconds to start."""
    seen: list[Address] = []
    draw = pictures._draw
    monkeypatch.setattr(pictures, "_draw", lambda address: seen.append(address) or draw(address))
    monkeypatch.setattr(pictures.multiprocessing, "get_context", lambda method: SimpleNamespace(Pool=ThreadPool))
    return seen


def test_a_pool_holds_the_pictures_of_its_scenes_in_order(tmp_path: Path) -> None:
    pool = Pool.build(tmp_path, "some", PLACES)
    assert len(pool) == 3 and pool.places == PLACES and pool.pixels.shape == (3, 96, 96, 3)
    for place, scene, pixels in zip(PLACES, pool.scenes, pool.pixels, strict=True):
        assert scene == place.scene()
        assert np.array_equal(pixels, picture(scene))


def test_a_batch_is_what_the_models_see(tmp_path: Path) -> None:
    pool = Pool.build(tmp_path, "some", PLACES)
    batch = pool.batch([2, 0]).numpy()
    assert batch.shape == (2, 3, 96, 96) and batch.dtype == np.float32
    for row, values in zip((2, 0), batch, strict=True):
        assert np.allclose(values, pool.pixels[row].transpose(2, 0, 1) / 127.5 - 1, atol=1e-6)
    assert -1 <= batch.min() < batch.max() <= 1


def test_a_pool_is_drawn_once(tmp_path: Path, drawn: list[Address]) -> None:
    first = Pool.build(tmp_path, "some", PLACES)
    assert sorted(drawn, key=repr) == sorted(PLACES, key=repr)
    drawn.clear()
    again = Pool.build(tmp_path, "some", PLACES)
    assert drawn == [] and np.array_equal(first.pixels, again.pixels)


def test_other_places_are_drawn_anew(tmp_path: Path, drawn: list[Address]) -> None:
    Pool.build(tmp_path, "some", PLACES)
    drawn.clear()
    assert len(Pool.build(tmp_path, "some", PLACES[1:])) == 2 and len(drawn) == 2


def test_a_pool_whose_drawing_was_interrupted_is_drawn_again(tmp_path: Path, drawn: list[Address]) -> None:
    Pool.build(tmp_path, "some", PLACES)
    (tmp_path / "some.json").unlink()  # it is written last
    drawn.clear()
    Pool.build(tmp_path, "some", PLACES)
    assert len(drawn) == 3
    assert json.loads((tmp_path / "some.json").read_text())[2] == [5, UNNAMED, 0]


def test_an_address_always_has_the_same_scene() -> None:
    assert Address(5, "in-domain", 3).scene() == Address(5, "in-domain", 3).scene()
    assert Address(5, "in-domain", 3).scene() != Address(6, "in-domain", 3).scene()
    assert by_name[str(Address(5, "novel", 3).scene().species)].domain == "novel"


def test_unnamed_creatures_are_no_species_and_return_in_other_scenes() -> None:
    first, again, other = (unnamed_scene(1, index) for index in (7, 7 + UNNAMED_KINDS, 8))
    assert first.species is None and first.traits not in SPECIES_TRAITS
    assert again.traits == first.traits != other.traits
    assert again != first


def test_addresses_can_start_anywhere() -> None:
    assert addresses(1, "novel", 2, start=5) == [Address(1, "novel", 5), Address(1, "novel", 6)]


# ---------------------------------------------------------------- who may see which part


def test_the_training_pool_knows_no_novel_species_and_no_test_seed() -> None:
    places = training_places(Sizes(in_domain=3, near=2, out=2, unnamed=4))
    splits = ["in-domain"] * 3 + ["near-domain"] * 2 + ["out-domain"] * 2 + [UNNAMED] * 4
    assert [place.split for place in places] == splits
    assert {place.seed for place in places} == {TRAIN_SEED}


def test_every_unnamed_kind_comes_before_one_returns() -> None:
    unnamed = training_places(Sizes(in_domain=0, near=0, out=0, unnamed=2 * UNNAMED_KINDS))
    assert [place.index for place in unnamed] == list(range(2 * UNNAMED_KINDS))


def test_a_small_pool_can_have_few_kinds_in_several_pictures() -> None:
    places = training_places(Sizes(in_domain=0, near=0, out=0, unnamed=6, unnamed_kinds=3))
    kinds = [place.scene().traits for place in places]
    assert kinds[:3] == kinds[3:] and len(set(kinds)) == 3
    assert len(set(places)) == 6


def test_language_sees_in_domain_and_a_few_near_domain_pictures_sight_the_unnamed_too() -> None:
    sizes = Sizes(in_domain=3, near=3, near_few=2, out=2, unnamed=4)
    pool = Pool(tuple(training_places(sizes)), (), np.zeros((12, 1, 1, 3), dtype=np.uint8))
    assert language_rows(pool, sizes) == [0, 1, 2, 3, 4]
    assert sight_rows(pool, sizes) == [0, 1, 2, 3, 4, 8, 9, 10, 11]
