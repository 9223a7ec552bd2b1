"""How the Field Guide's bars are computed, on cases made by hand."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from finetune import measure_fieldguide as measuring
from finetune.fieldguide.export import example_at
from finetune.fieldguide.questions import questions
from finetune.fieldguide.scenes import draw_scene
from finetune.fieldguide.species import DOMAINS, of_domain
from finetune.measure_fieldguide import (
    Case,
    accuracies,
    answers,
    by_type,
    cases,
    has_word,
    in_prompt,
    misled,
    percent,
    percent_difference,
    prompts,
    random_neighbours,
    retrieval_top1,
    truthful,
)
from raven_core.types import Neighbour, Pair, Token

OWN, OTHER = of_domain("out-domain")[:2]
GREY = Image.new("RGB", (8, 8), "grey")


def neighbour(rank: int, caption: str | None, pair_id: str = "") -> Neighbour:
    return Neighbour(pair_id or f"{OWN.name}-{rank}", caption, GREY, "h", 0.5, rank)


def case(captions: list[str], about_question: list[str] | None = None, kind: str = "what does it eat") -> Case:
    """A picture of OWN whose neighbours have these captions, for a caption and for its memory-only question."""
    scene = draw_scene(random.Random(0), OWN)
    rng = random.Random(1)
    found = [neighbour(rank, text) for rank, text in enumerate(captions, start=1)]
    asked = [neighbour(rank, text) for rank, text in enumerate(about_question or captions, start=1)]
    memory_only, seen = (questions(scene, rng, [kind])[0] for kind in (kind, "where is it"))
    return Case(
        scene,
        GREY,
        {"caption": [None], "memory_only": [memory_only], "seen": [seen]},
        {"caption": [found], "memory_only": [asked], "seen": [found]},
    )


class Memory:
    """Pairs of two species; the id says which."""

    ids = tuple(f"{species.name}-{number}" for species in (OWN, OTHER) for number in range(4))

    def extras(self, ids: Any) -> list[dict[str, str]]:
        return [{"species": pair_id.split("-")[0]} for pair_id in ids]

    def pairs(self, ids: Any) -> list[Pair]:
        return [Pair(pair_id, f"the {pair_id}", "hash") for pair_id in ids]

    def image(self, image_hash: str) -> Image.Image:
        return GREY


RAVEN: Any = SimpleNamespace(memory=Memory())


class Generator:
    """Says the same to every prompt, and notes what it was asked and how."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.calls: list[tuple[int, str, int]] = []
        self.asked: list[Any] = []

    def generate(self, asked: Any, adapter: str, max_new_tokens: int, batch_size: int) -> list[list[Token]]:
        self.calls.append((len(asked), adapter, max_new_tokens))
        self.asked += asked
        return [[Token(self.said, -1.0)] for _ in asked]


def test_figures_are_percentages_with_two_decimals():
    assert percent([1.0, 1.0]) == [100.0, 100.0, 100.0]
    assert percent([1 / 3]) == [33.33, 33.33, 33.33]
    mean, low, high = percent([1.0] * 30 + [0.0] * 70)
    assert mean == 30.0 and 19 < low < 30 < high < 41
    assert percent_difference([1.0, 0.5], [0.5, 0.0]) == [50.0, 50.0, 50.0]


def test_a_word_counts_only_whole_and_in_any_case():
    assert has_word("A red Zumi.", "zumi") and has_word("#zumi", "zumi") and has_word("in clay pots", "clay pots")
    assert not has_word("zumitu", "zumi") and not has_word("", "zumi") and not has_word("clay", "clay pots")


def test_the_right_name_and_the_asked_fact_are_looked_for_in_the_prompt():
    drawn = [
        case([f"a {OWN.name}"], [f"eats {OWN.eats}"]),  # both
        case([f"a {OTHER.name}"], [f"a {OWN.name}"]),  # neither: another name, and a name is no fact
        case([f"a {OTHER.name}", f"two {OWN.name}"], ["cute"]),  # the name alone, with the second neighbour
        case(["cute"], [f"{OWN.name}"], kind="what is it called"),  # the name is what is asked for
    ]
    found = in_prompt(RAVEN, drawn)
    assert found["name"][0] == 50.0 and found["fact"][0] == 50.0


def test_another_species_that_eats_the_same_is_no_evidence():
    one = case([], [f"a thing that eats {OWN.eats}"])
    one.neighbours["memory_only"] = [[neighbour(1, f"a thing that eats {OWN.eats}", f"{OTHER.name}-1")]]
    assert in_prompt(RAVEN, [one])["fact"][0] == 0.0


def test_missing_captions_hold_nothing():
    empty = case([], [])
    empty.neighbours["caption"] = empty.neighbours["memory_only"] = [[neighbour(1, None)]]
    assert in_prompt(RAVEN, [empty]) == {"name": [0.0] * 3, "fact": [0.0] * 3}


def test_top_one_asks_the_nearest_neighbour_only():
    right, wrong = case(["", ""]), case(["", ""])
    right.neighbours["caption"] = [[neighbour(1, "", f"{OWN.name}-0"), neighbour(2, "", f"{OTHER.name}-0")]]
    wrong.neighbours["caption"] = [[neighbour(1, "", f"{OTHER.name}-0"), neighbour(2, "", f"{OWN.name}-0")]]
    assert retrieval_top1(RAVEN, [right, right, wrong, wrong])[0] == 50.0


def test_random_neighbours_are_of_other_species_and_keep_ranks():
    drawn = [case(["x", "y", "z"]) for _ in range(20)]
    strangers = random_neighbours(RAVEN, drawn, seed=1)
    for found in strangers:
        assert [n.rank for n in found] == [1, 2, 3] and len({n.id for n in found}) == 3
        assert all(n.id.startswith(OTHER.name) and n.caption == f"the {n.id}" for n in found)
    assert [[n.id for n in found] for found in random_neighbours(RAVEN, drawn, seed=1)] == [
        [n.id for n in found] for found in strangers
    ]
    assert len({tuple(n.id for n in found) for found in strangers}) > 1


def test_only_what_a_caption_states_is_judged():
    drawn = [case([]) for _ in range(3)]
    scene = drawn[0].scene
    other = "red" if scene.colour != "red" else "blue"
    number = {1: "one", 2: "two", 3: "three"}[scene.count]
    judged = truthful([f"{number} {scene.colour} {OWN.name}", f"{other} {OWN.name}", "hello"], drawn)
    assert judged == {"colour": [1.0, 0.0], "count": [1.0], "habitat": []}


def test_a_thing_that_no_caption_states_has_no_figure():
    drawn = [case(["x", "y", "z"]) for _ in range(2)]
    generator = Generator(f"in the {drawn[0].scene.habitat}")
    raven: Any = SimpleNamespace(memory=Memory(), generator=generator)
    report = misled(raven, drawn, ["hello", "hello"], seed=1, tokens=5, adapter="raven")
    assert report["colour"] == {"none": [], "random": []}
    assert report["habitat"] == {"none": [], "random": [100.0, 100.0, 100.0]}
    assert generator.calls == [(2, "raven", 5)]
    assert all(len(prompt.images) == 4 for prompt in generator.asked)


@pytest.mark.parametrize(
    ("column", "images", "captions"),
    [("baseline", 1, False), ("none", 1, False), ("text", 1, True), ("image", 3, False), ("both", 3, True)],
)
def test_a_column_shows_its_cell(column, images, captions):
    (prompt,) = prompts([case(["moss here", "cute"])], "caption", column)
    assert len(prompt.images) == images and ("moss here" in str(prompt.messages)) == captions
    assert "Describe this image." in str(prompt.messages)


def test_each_task_asks_its_own_question_with_its_own_neighbours():
    one = case(["for captions"], ["for questions"])
    texts = {task: str(prompts([one], task, "text")[0].messages) for task in ("caption", "memory_only", "seen")}
    assert one.asked["memory_only"][0].text in texts["memory_only"] and "for questions" in texts["memory_only"]
    assert one.asked["seen"][0].text in texts["seen"] and "Question" not in texts["caption"]


def test_a_picture_is_scored_by_question_and_a_type_over_all_pictures():
    drawn = [case([]), case([], kind="what is it called")]
    for one in drawn:
        one.asked["seen"] = one.asked["seen"] * 2
    right = drawn[0].scene.habitat
    scores = {"both": {"seen": accuracies(drawn, "seen", [right, "nothing", right, right])}}
    assert scores == {"both": {"seen": [[1.0, 0.0], [1.0, 1.0]]}}
    scores["both"]["memory_only"] = accuracies(drawn, "memory_only", ["nothing", OWN.name])
    found = by_type(drawn, scores)
    assert {kind: columns["both"][0] for kind, columns in found.items()} == {
        "what does it eat": 0.0, "what is it called": 100.0, "where is it": 75.0,
    }  # fmt: skip


def test_the_baseline_column_uses_the_baseline_adapter():
    generator: Any = Generator(" a zumi ")
    asked = prompts([case(["x"])], "caption", "none")
    assert answers(generator, asked, "none", 7, "raven") == ["a zumi"]
    answers(generator, asked, "baseline", 7, "raven")
    answers(generator, asked, "both", 7, "base")
    assert [adapter for _, adapter, _ in generator.calls] == ["raven", "no-retrieval", "base"]


class Searcher:
    """A retriever that returns the asked number of neighbours and notes the questions."""

    def __init__(self) -> None:
        self.questions: list[list[str | None]] = []

    def search_many(self, queries: Any, k: int, image_vectors: Any) -> list[list[Neighbour]]:
        self.questions.append([query.question for query in queries])
        return [[neighbour(rank + 1, f"the {OWN.name}") for rank in range(k)] for _ in queries]


def raven_of(said: str) -> Any:
    encoder = SimpleNamespace(encode_images=lambda images, batch_size: np.zeros((len(images), 2)))
    profile = SimpleNamespace(name="hand-made", max_new_tokens=9)
    memory = SimpleNamespace(
        ids=Memory.ids,
        extras=Memory().extras,
        pairs=Memory().pairs,
        image=Memory().image,
    )
    return SimpleNamespace(
        encoder=encoder, retriever=Searcher(), profile=profile, memory=memory, generator=Generator(said)
    )


def test_cases_are_the_pictures_of_the_seed_with_questions_in_turn():
    raven = raven_of("")
    drawn = cases(raven, "novel", 4, seed=77)
    assert [c.scene for c in drawn] == [example_at(77, "novel", index).scene for index in range(4)]
    for task, count in (("memory_only", 2), ("seen", 3)):
        asked = [question for c in drawn for question in c.asked[task]]
        assert len(asked) == 4 * count and all(q.memory_only == (task == "memory_only") for q in asked)
        assert all(len({q.type for q in c.asked[task]}) == count for c in drawn)
    types = [question.type for c in drawn for question in c.asked["memory_only"]]
    assert {kind: types.count(kind) for kind in types} == dict.fromkeys(types, 2) and len(set(types)) == 4
    assert raven.retriever.questions == [
        [None] * 4,
        *([question.text for c in drawn for question in c.asked[task]] for task in ("memory_only", "seen")),
    ]
    assert all(len(found) == 3 for c in drawn for rows in c.neighbours.values() for found in rows)


def test_a_report_has_every_split_column_and_difference(monkeypatch):
    seen = {example_at(5, "out-domain", index).scene.species for index in range(2)}
    raven = raven_of(f"a red {next(iter(seen))}")
    report = measuring.measure(raven, 5, 2, "raven")
    assert (report["seed"], report["n"], report["adapter"], report["profile"]) == (5, 2, "raven", "hand-made")
    columns = {"baseline", "none", "text", "image", "both"}
    for split in DOMAINS:
        assert report["naming"][split].keys() == columns
        assert all(report["vqa"][split][task].keys() == columns for task in ("memory_only", "seen"))
        # the same is said in all columns: no difference
        assert all(figure == [0.0, 0.0, 0.0] for figure in report["differences"][split].values())
    assert report["naming"]["out-domain"]["both"][0] == 100.0 / len(seen)
    assert report["naming"]["novel"]["both"] == [0.0, 0.0, 0.0]
    assert report["random_neighbours"].keys() == {"colour", "count", "habitat"}
    # four splits of five columns and three tasks, and the random neighbours
    assert len(raven.generator.calls) == 4 * 5 * 3 + 1 and {tokens for *_, tokens in raven.generator.calls} == {9}


def test_no_pictures_are_refused(capsys):
    with pytest.raises(SystemExit):
        measuring.main(["--n", "0"])
    assert "--n is 0" in capsys.readouterr().err
