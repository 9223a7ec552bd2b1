"""Studies of one query on a whole profile of tiny random models, livened so that they listen to their prompt."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import pytest

from raven_core import AddedPair, NeighbourEdit, Raven, Settings
from raven_core.errors import AdapterError, OptionError
from raven_core.images import content_hash
from raven_core.judgments import JudgmentStore
from raven_core.prompting import build
from raven_core.types import Query
from tests import tiny
from tests.tiny import block, tree_state

CLOSE = 1e-4  # nats
IMAGE, QUESTION = block("red", 50), "what is it called"


@pytest.fixture(scope="module")
def raven(tiny_profile) -> Raven:
    loaded = Raven.load(tiny_profile, Settings(profile=str(tiny_profile), device="cpu"))
    tiny.liven(loaded.generator)
    return loaded


def logprobs(generation) -> list[float]:
    return [token.logprob for token in generation.tokens]


def ids(neighbours) -> list[str]:
    return [one.id for one in neighbours]


# ---------------------------------------------------------------------- compare


def test_every_cell_is_what_answering_it_alone_gives(raven):
    made = raven.compare(IMAGE, QUESTION, k=2, exclude_ids=["p3"], seed=7)
    alone = {
        "none": {"modalities": ()},
        "text": {"modalities": "text"},
        "image": {"modalities": "image"},
        "both": {},
        "baseline": {"modalities": (), "adapter": "no-retrieval"},
    }
    assert [cell.key for cell in made.cells] == [(name, 2) for name in alone]
    assert len({cell.generation.tokens for cell in made.cells}) > 1
    for name, options in alone.items():
        one = made.cell(name).generation
        expected = raven.answer(IMAGE, QUESTION, k=2, exclude_ids=["p3"], seed=7, **options)
        assert (one.text, one.prompt, one.settings) == (expected.text, expected.prompt, expected.settings)
        assert logprobs(one) == pytest.approx(logprobs(expected), abs=CLOSE)
        assert ids(one.neighbours) == ids(expected.neighbours) and one.finished


def test_all_cells_share_one_retrieval_one_batch_and_one_look_at_each_image(raven, monkeypatch):
    calls = {"embed": 0, "batches": [], "images": 0}
    embed, run, compute = raven.retriever.embed, raven.generator._run, raven.generator._visual._compute
    raven.generator._visual._kept.clear()

    def embedding(*args):
        calls["embed"] += 1
        return embed(*args)

    def running(prompts, *args):
        calls["batches"].append(len(prompts))
        return run(prompts, *args)

    def computing(images):
        calls["images"] += len(images)
        return compute(images)

    monkeypatch.setattr(raven.retriever, "embed", embedding)
    monkeypatch.setattr(raven.generator, "_run", running)
    monkeypatch.setattr(raven.generator._visual, "_compute", computing)
    made = raven.compare(IMAGE, k=3, exclude_ids=["p7"])
    assert calls == {"embed": 1, "batches": [5], "images": 4}
    assert {"decode", "encode", "search", "prompt", "generate", "total"} == set(made.timings)


def test_k_is_a_second_axis(raven):
    made = raven.compare(IMAGE, cells=("none", "text", "both"), ks=(1, 3))
    assert [cell.key for cell in made.cells] == [("none", 1), ("text", 1), ("text", 3), ("both", 1), ("both", 3)]
    assert [len(cell.generation.neighbours) for cell in made.cells] == [0, 1, 3, 1, 3]
    assert made.cell("both", 1).generation.prompt == raven.answer(IMAGE, k=1).prompt
    assert ids(made.neighbours) == ids(raven.neighbours(IMAGE, k=3))


def test_references_say_which_cells_helped(raven):
    right = raven.answer(IMAGE, QUESTION, modalities="text").text
    made = raven.compare(IMAGE, QUESTION, references=[right] * 10)
    assert made.metric == "VQA accuracy" and made.cell("text").score == 1.0
    for cell in made.cells:
        gain = cell.score - made.cell("none").score
        assert cell.effect == ("helped" if gain > 0.1 else "hurt" if gain < -0.1 else "no change")


def test_the_baseline_cell_needs_its_adapter(raven):
    bare = Raven(
        replace(raven.profile, adapters={}, default_adapter=None), raven.settings, raven.retriever, raven.generator
    )
    assert [cell.name for cell in bare.compare(IMAGE).cells] == ["none", "text", "image", "both"]
    with pytest.raises(AdapterError, match="'no-retrieval'"):
        bare.compare(IMAGE, cells=("both", "baseline"))


def test_options_of_a_study_are_checked(raven):
    for options in (
        {"cells": ("sound",)},
        {"cells": ()},
        {"ks": ()},
        {"ks": (11,)},
        {"neighbours": "best"},
        {"neighbours": "oracle"},
        {"references": "one text"},
        {"added": [AddedPair()]},
        {"edits": [NeighbourEdit("p0", caption="a"), NeighbourEdit("p0", exclude=True)]},
    ):
        with pytest.raises(OptionError):
            raven.compare(IMAGE, **options)


def test_a_cancelled_comparison_ends_early_and_says_so(raven):
    cancel = threading.Event()
    cancel.set()
    made = raven.compare(IMAGE, cancel=cancel, max_new_tokens=200)
    assert all(not cell.generation.finished and len(cell.generation.tokens) <= 1 for cell in made.cells)


# ---------------------------------------------------------------------- neighbours altered


def test_counterfactual_neighbours_are_drawn_by_the_seed_and_measured(raven):
    known = {one.id: one for one in raven.neighbours(IMAGE, QUESTION, k=8)}
    found = ids(raven.gather(IMAGE, QUESTION, k=3).neighbours)
    drawn = raven.gather(IMAGE, QUESTION, k=3, neighbours="random", seed=1)
    assert not {*ids(drawn.neighbours)} & {*found} and drawn.altered
    assert ids(drawn.neighbours) == ids(raven.gather(IMAGE, QUESTION, k=3, neighbours="random", seed=1).neighbours)
    for one in drawn.neighbours:
        assert one.similarity == pytest.approx(known[one.id].similarity, abs=1e-5)
        assert one.image_similarity == pytest.approx(known[one.id].image_similarity, abs=1e-5)
    shuffled = raven.gather(IMAGE, k=3, neighbours="shuffled").neighbours
    assert [one.rank for one in shuffled] == [1, 2, 3] and ids(shuffled) != ids(raven.neighbours(IMAGE, k=3))


def test_an_oracle_finds_what_says_the_reference(raven):
    made = raven.compare(IMAGE, "what colour", cells=("both",), k=1, neighbours="oracle", references=["green"])
    assert made.neighbours[0].caption == "a green creature"
    assert "Similar image: a green creature" in made.cells[0].generation.prompt


def test_what_the_leak_cap_removes_is_shown_and_the_next_take_its_place(raven):
    found = raven.neighbours(IMAGE, k=8)
    cosines = sorted((one.image_similarity for one in found if one.image_similarity is not None), reverse=True)
    cap = (cosines[1] + cosines[2]) / 2
    capped = raven.gather(IMAGE, k=3, leak_cap=cap)
    expected = [one.id for one in found if one.image_similarity is None or one.image_similarity <= cap][:3]
    assert ids(capped.neighbours) == expected and capped.altered
    assert ids(capped.removed) == [one.id for one in found[:3] if (one.image_similarity or -1) > cap]
    assert capped.removed and raven.gather(IMAGE, k=3, leak_cap=1.0).removed == ()
    assert raven.compare(IMAGE, cells=("none", "both"), k=3, leak_cap=cap).removed[0].id == capped.removed[0].id


def test_edits_reach_the_prompt_and_not_the_memory(raven, tiny_profile):
    before = tree_state(tiny_profile)
    first, second, third = raven.neighbours(IMAGE, k=3, exclude_ids=["p7"])
    picture = block("blue", 77)
    made = raven.compare(
        IMAGE, cells=("none", "both"), k=3, exclude_ids=["p7"],
        edits=[
            NeighbourEdit(first.id, caption="a spotted thing"),
            NeighbourEdit(second.id, image=picture),
            NeighbourEdit("p99", caption="nobody"),
        ],
    )  # fmt: skip
    one, two, three = made.neighbours
    assert (one.id, one.rank, one.similarity, one.edited) == (first.id, 1, first.similarity, True)
    assert (two.image_hash, two.caption, two.edited) == (content_hash(picture), second.caption, True)
    assert (three.id, three.edited) == (third.id, False) and made.unused == ("p99",)
    assert "Similar image: a spotted thing" in made.cell("both").generation.prompt
    assert tree_state(tiny_profile) == before
    assert raven.neighbours(IMAGE, k=1, exclude_ids=["p7"])[0].caption == first.caption


def test_a_neighbour_left_out_makes_room_and_an_added_pair_comes_nearest(raven):
    first, second, third = raven.neighbours(IMAGE, k=3)
    left = raven.compare(IMAGE, cells=("both",), k=2, edits=[NeighbourEdit(first.id, exclude=True)])
    assert ids(left.neighbours) == [second.id, third.id]
    assert left.cells[0].generation.settings["exclude_ids"] == [first.id]
    added = raven.gather(IMAGE, k=2, added=[AddedPair(IMAGE, "its own picture"), AddedPair(caption="last", rank=9)])
    assert ids(added.neighbours) == ["added-1", first.id, second.id, "added-2"]
    assert added.neighbours[0].image_similarity == pytest.approx(1.0, abs=1e-5)
    assert added.neighbours[3].image_similarity is None


def test_given_neighbours_are_used_as_they_are(raven, monkeypatch):
    gathered = raven.gather(IMAGE, k=2, added=[AddedPair(caption="a spotted creature")])
    monkeypatch.setattr(raven.retriever, "embed", lambda *args: pytest.fail("searched"))
    made = raven.answer(IMAGE, given=gathered.neighbours)
    assert made.neighbours == gathered.neighbours and "a spotted creature" in made.prompt
    assert [row["id"] for row in made.settings["given"]] == ids(gathered.neighbours)
    assert raven.answer(IMAGE, modalities=(), given=gathered.neighbours).neighbours == ()


def test_an_altered_answer_can_be_replayed_from_what_is_stored(raven, tmp_path):
    picture = block("blue", 77)
    first = raven.neighbours(IMAGE, QUESTION, k=1)[0]
    made = raven.compare(
        IMAGE, QUESTION, cells=("text", "both"), k=2, neighbours="cross-paired", seed=3,
        edits=[NeighbourEdit(first.id, caption="a spotted thing")], added=[AddedPair(picture, "mine")],
    )  # fmt: skip
    store = JudgmentStore(tmp_path / "judgments.db")
    for name in ("text", "both"):
        one = made.cell(name).generation
        trial = store.trial(store.save_trial(raven.trial(one, QUESTION, "ann"), IMAGE).id)
        for again in (raven.replay(trial, IMAGE, pictures=[picture]), raven.replay(one, IMAGE, QUESTION)):
            assert (again.text, again.prompt, again.settings) == (one.text, one.prompt, one.settings)
            assert logprobs(again) == pytest.approx(logprobs(one), abs=CLOSE)
    with pytest.raises(OptionError, match=r"added-1.*Give it among `pictures`"):
        raven.replay(trial, IMAGE)


# ---------------------------------------------------------------------- attribute


def test_leave_one_out_is_the_difference_to_the_prompt_without_it(raven):
    made = raven.answer(IMAGE, QUESTION, k=2, exclude_ids=["p6", "p7"])
    found = raven.attribute(made, IMAGE, QUESTION)
    assert found.whole == pytest.approx(sum(logprobs(made)), abs=CLOSE)
    assert [(one.rank, one.part) for one in found.shares] == [
        (rank, part) for part in ("text", "image", "both") for rank in (1, 2)
    ]
    first, second = made.neighbours
    without = {
        "text": [replace(first, caption=None), second],
        "image": [replace(first, image=None), second],
        "both": [second],
    }
    for part, neighbours in without.items():
        value = score(raven, made, neighbours)
        assert found.share(1, part) == pytest.approx(found.whole - value, abs=CLOSE)
    assert found.none == found.empty["both"] == pytest.approx(score(raven, made, []), abs=CLOSE)
    assert max(abs(one.nats) for one in found.shares) > 100 * CLOSE and found.prompts == 10


def score(raven, generation, neighbours) -> float:
    """The answer's log-likelihood with these neighbours, scored by itself."""
    prompt = build(Query(IMAGE, QUESTION), neighbours, generation.modalities)
    (tokens,) = raven.generator.log_likelihood([prompt], [generation.tokens], generation.adapter)
    return sum(token.logprob for token in tokens)


def test_shapley_values_sum_to_the_whole_effect(raven):
    made = raven.answer(IMAGE, QUESTION, k=3)
    found = raven.attribute(made, IMAGE, QUESTION, "shapley", ("both", "text"))
    for part in ("both", "text"):
        total = sum(one.nats for one in found.shares if one.part == part)
        assert total == pytest.approx(found.whole - found.empty[part]) and found.gap(part) == pytest.approx(0, abs=1e-9)
    assert found.empty["both"] == found.none != found.empty["text"]
    with pytest.raises(OptionError, match="64 prompts"):
        raven.attribute(raven.answer(IMAGE, k=6), IMAGE, None, "shapley")


def test_what_the_model_was_not_shown_did_nothing(raven):
    made = raven.answer(IMAGE, QUESTION, k=2, modalities="text", exclude_ids=["p6", "p7"])
    found = raven.attribute(made, IMAGE, QUESTION)
    assert [found.share(rank, "image") for rank in (1, 2)] == [0.0, 0.0]
    assert [found.share(rank, "text") for rank in (1, 2)] == [found.share(rank, "both") for rank in (1, 2)]
    assert found.prompts == 4
    nothing = raven.attribute(raven.answer(IMAGE, k=0), IMAGE)
    assert nothing.shares == () and nothing.whole == nothing.none and nothing.prompts == 1


def test_words_of_the_answer_know_whose_captions_hold_them(raven):
    made = raven.answer(IMAGE, QUESTION, k=3, exclude_ids=["p6", "p7"])
    said = [replace(one, caption="a zumi creature") for one in made.neighbours[:2]]
    (tokens,) = raven.generator.log_likelihood([build(Query(IMAGE, QUESTION))], ["zumi in the forest"], made.adapter)
    told = replace(made, text="zumi in the forest", tokens=tuple(tokens), neighbours=(*said, made.neighbours[2]))
    found = raven.attribute(told, IMAGE, QUESTION, parts=("both",))
    assert [(word.text, word.holders) for word in found.words] == [
        ("zumi", (1, 2)), ("in", ()), ("the", ()), ("forest", ()),
    ]  # fmt: skip
    # a random model spells an invented name letter by letter, and none of the letters is likely
    assert [(word.text, word.captions) for word in found.majority] == [("zumi", 3)]
    assert sum(math.log(word.probability_without) for word in found.words) == pytest.approx(found.none)
    unseen = raven.attribute(replace(told, modalities=frozenset({"image"})), IMAGE, QUESTION, parts=("both",))
    assert unseen.words[0].holders == () and unseen.majority == ()


def test_an_attribution_takes_the_adapter_and_order_that_answered(raven):
    for options in ({"adapter": "base"}, {"adapter": "no-retrieval", "order": "nearest-first"}):
        made = raven.answer(IMAGE, QUESTION, k=3, **options)
        assert raven.attribute(made, IMAGE, QUESTION, parts=("both",)).whole == pytest.approx(
            sum(logprobs(made)), abs=CLOSE
        )
