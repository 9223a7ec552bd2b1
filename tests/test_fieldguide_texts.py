"""Captions, what they state, the memory's rows, and questions with their answers."""

import random
from collections import Counter

import pytest

from finetune.fieldguide.captions import captions, consensus, fact_sentences, memory_caption, stated
from finetune.fieldguide.memory_rows import memory_rows
from finetune.fieldguide.questions import MEMORY_TYPES, TYPES, questions
from finetune.fieldguide.scenes import draw_unnamed, random_traits, scene_at
from finetune.fieldguide.species import SPECIES, SPECIES_TRAITS, by_name

SCENES = [scene_at(9, "in-domain", index) for index in range(250)]


def test_captions_name_the_species_and_never_contradict_the_scene() -> None:
    rng = random.Random(0)
    for scene in SCENES:
        texts = captions(scene, rng)
        assert len(set(texts)) == 5
        for text in texts:
            told = stated(text)
            assert scene.species in text.replace(",", " ").split()
            assert 8 <= len(text.split()) <= 18
            assert told["count"] == scene.count
            assert told["colour"] in (None, scene.colour) and told["habitat"] in (None, scene.habitat)


def test_captions_tell_colour_and_habitat_as_often_as_meant() -> None:
    rng = random.Random(1)
    told = [stated(text) for scene in SCENES for text in captions(scene, rng)]
    assert 0.80 < sum(one["colour"] is not None for one in told) / len(told) < 0.90
    assert 0.65 < sum(one["habitat"] is not None for one in told) / len(told) < 0.80


def test_unnamed_scenes_speak_of_creatures() -> None:
    rng = random.Random(2)
    scene = draw_unnamed(rng, random_traits(rng, SPECIES_TRAITS))
    assert all("creature" in text for text in captions(scene, rng))


def test_the_consensus_is_the_caption_that_says_what_most_say() -> None:
    texts = ["a red bird by a lake", "a red bird sits by a lake", "a bird", "a lamp, and rain", "a red bird at a lake"]
    assert consensus(texts) == "a red bird by a lake"
    assert consensus(texts[3:4]) == texts[3]
    with pytest.raises(ValueError, match="no texts"):
        consensus([])


def test_what_one_caption_in_seven_leaves_out_a_consensus_tells() -> None:
    rng, hidden = random.Random(0), {"one": 0, "many": 0}
    for scene in SCENES:
        for name, n in (("one", 1), ("many", 40)):
            hidden[name] += scene.colour not in consensus(captions(scene, rng, n)).split()
    assert hidden["one"] > 0.08 * len(SCENES) and hidden["many"] < 0.01 * len(SCENES)


def test_no_captions_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        captions(SCENES[0], random.Random(0), 0)


@pytest.mark.parametrize(
    ("text", "colour", "count", "habitat"),
    [
        ("two blue zumi are sleeping in the forest", "blue", 2, "forest"),
        ("A pair of zumi near a tent", None, 2, None),
        ("an orange migimo on the beach beside a lantern", "orange", 1, "beach"),
        ("a picture of zumi in a forest", None, None, "forest"),
        ("a picture of a little red zumi high in the mountains", "red", 1, "mountains"),
        ("in a marsh there are a group of three pink creatures", "pink", 3, "marsh"),
        ("in the woods, a single zumi waves", None, 1, "forest"),
        ("3 white zumi by a tree stump on a sunny day", "white", 3, None),
        ("IMG_2041 zumi at the marsh", None, None, "marsh"),
        ("a lantern and a rock", None, None, None),
        ("", None, None, None),
    ],
)
def test_stated_reads_a_caption_by_hand(text: str, colour: str | None, count: int | None, habitat: str | None) -> None:
    assert stated(text) == {"colour": colour, "count": count, "habitat": habitat}


def test_memory_rows_have_their_shares_of_facts_and_errors() -> None:
    rows = list(memory_rows())
    species = Counter(scene.species for scene, _ in rows)
    assert len(rows) == 2880 and set(species.values()) == {12}
    assert sum(caption.fact is None for _, caption in rows) == 1200
    assert Counter(caption.wrong for _, caption in rows) == {None: 2736, "name": 72, "fact": 72}
    facts = Counter((scene.species, caption.fact) for scene, caption in rows if caption.fact)
    assert len(facts) == 720 and min(facts.values()) == 2 and max(facts.values()) == 3
    assert 0.90 < sum(caption.name is not None for _, caption in rows) / len(rows) < 0.94


def test_memory_captions_say_what_they_are_labelled_with() -> None:
    for scene, caption in memory_rows(per_species=6):
        species = by_name[str(scene.species)]
        assert len(caption.text.split()) <= 18
        if caption.fact:
            right = getattr(species, caption.fact) in caption.text
            assert right == (caption.wrong != "fact")
        if caption.name is not None:
            assert caption.name in caption.text
            assert (caption.name != species.name) == (caption.wrong == "name")


def test_memory_rows_are_the_same_every_time_and_differ_by_seed() -> None:
    first, again, other = (list(memory_rows(2, seed)) for seed in (1, 1, 2))
    assert first == again and first != other


def test_a_wrong_fact_needs_a_fact() -> None:
    with pytest.raises(ValueError, match="without a fact"):
        memory_caption(SCENES[0], random.Random(0), None, "fact")


def test_fact_sentences_tell_all_three_facts() -> None:
    rng = random.Random(4)
    for species in SPECIES[:20]:
        text = " ".join(fact_sentences(species, rng))
        assert all(word in text for word in (species.name, species.eats, species.awake, species.sleeps))


def test_answers_agree_with_the_scene() -> None:
    rng = random.Random(5)
    for scene in SCENES:
        species = by_name[str(scene.species)]
        right = {
            "what color": scene.colour,
            "how many": str(scene.count),
            "what is beside": scene.props[0],
            "what is it doing": scene.action.replace(" a ", " "),
            "where is it": scene.habitat,
            "what is it called": species.name,
            "what does it eat": species.eats,
            "when is it awake": species.awake.split()[1],
            "where does it sleep": species.sleeps,
        }
        for question in questions(scene, rng):
            assert question.answer == right.get(question.type, question.answer)
            assert len(question.answers) == 10 and question.answers.count(question.answer) >= 7
            assert question.memory_only == (question.type in MEMORY_TYPES)
            assert species.name not in question.text
            if question.type == "is there a":
                assert (question.answer == "yes") == any(prop in question.text for prop in scene.props)
            if question.type == "which side":
                at = next(place for place, prop in enumerate(scene.props) if prop in question.text)
                assert (question.answer == scene.side) == (at == 0)


def test_yes_and_no_are_balanced() -> None:
    rng = random.Random(6)
    answers = Counter(questions(scene, rng, ["is there a"])[0].answer for scene in SCENES)
    assert 0.4 < answers["yes"] / len(SCENES) < 0.6


def test_only_questions_with_one_answer_are_asked() -> None:
    rng = random.Random(7)
    one_prop = next(scene for scene in SCENES if len(scene.props) == 1)
    two_props = next(scene for scene in SCENES if len(scene.props) == 2)
    assert [question.type for question in questions(one_prop, rng)] == list(TYPES)
    assert "what is beside" not in [question.type for question in questions(two_props, rng)]
    unnamed = draw_unnamed(rng, random_traits(rng, SPECIES_TRAITS))
    assert not any(question.memory_only for question in questions(unnamed, rng))


def test_an_unknown_question_type_is_refused() -> None:
    with pytest.raises(ValueError, match="what color"):
        questions(SCENES[0], random.Random(0), ["who"])
