"""One request from image to answer, on a whole profile of tiny random models."""

import json
import shutil
import socket
import threading

import pytest
from PIL import Image

from raven_core import Profile, Raven, Settings
from raven_core.errors import (
    AdapterError,
    EncoderMismatchError,
    ImageError,
    MemoryStoreError,
    OptionError,
    ProfileError,
    QuestionError,
)
from raven_core.judgments import JudgmentStore
from tests.tiny import block, tree_state

STAGES = {"decode", "encode", "search", "prompt", "generate", "total"}


def test_an_answer_holds_everything_about_itself(tiny_raven):
    generation = tiny_raven.answer(block("red", 50), "what is it called", k=2)
    assert generation.finished and generation.text == "".join(token.text for token in generation.tokens).strip()
    assert 0 < len(generation.tokens) <= 6 and all(token.logprob <= 0 for token in generation.tokens)
    assert [neighbour.rank for neighbour in generation.neighbours] == [1, 2]
    assert (generation.adapter, generation.k, generation.seed) == ("raven", 2, 0)
    assert generation.modalities == {"image", "text"}
    assert set(generation.timings) == STAGES and all(value >= 0 for value in generation.timings.values())
    assert sum(value for stage, value in generation.timings.items() if stage != "total") <= generation.timings["total"]
    assert "Question: what is it called" in generation.prompt
    assert 0 < generation.confidence <= 1


def test_bytes_paths_and_pillow_images_get_the_same_answer(tiny_raven, tmp_path):
    path = tmp_path / "red.png"
    block("red", 50).save(path)
    texts = {tiny_raven.answer(source).text for source in (path, str(path), path.read_bytes(), block("red", 50))}
    assert len(texts) == 1


def test_the_nearest_neighbour_stands_next_to_the_query_unless_asked_otherwise(tiny_raven):
    last = tiny_raven.answer(block("red", 50), k=3, modalities={"text"})
    first = tiny_raven.answer(block("red", 50), k=3, modalities={"text"}, order="nearest-first")
    captions = [neighbour.caption for neighbour in last.neighbours if neighbour.caption]
    assert len(captions) >= 2

    def places(generation):
        return [generation.prompt.index(caption) for caption in captions]

    assert places(last) == sorted(places(last), reverse=True)
    assert places(first) == sorted(places(first))


@pytest.mark.parametrize(
    ("modalities", "images", "has_captions"),
    [({"image", "text"}, 4, True), ({"image"}, 4, False), ({"text"}, 1, True), (set(), 1, False), ("none", 1, False)],
)
def test_the_prompt_holds_what_the_modalities_say(tiny_raven, modalities, images, has_captions):
    generation = tiny_raven.answer(block("red", 50), k=3, modalities=modalities, exclude_ids=["p7", "p6"])
    assert generation.prompt.count("<image>") == images
    assert (generation.neighbours[0].caption in generation.prompt if generation.neighbours else False) == has_captions


def test_without_neighbours_the_memory_is_not_asked(tiny_raven, monkeypatch):
    monkeypatch.setattr(tiny_raven.retriever, "embed", lambda *args: pytest.fail("searched"))
    for options in ({"k": 0}, {"modalities": ()}):
        generation = tiny_raven.answer(block("red"), **options)
        assert generation.neighbours == () and "search" not in generation.timings


def test_streaming_starts_with_the_neighbours_and_ends_with_the_answer(tiny_raven):
    items = list(tiny_raven.stream(block("red", 50), k=2))
    assert items[0].text == "" and len(items[0].neighbours) == 2 and "generate" not in items[0].timings
    assert [item.finished for item in items] == [False] * (len(items) - 1) + [True]
    assert [len(item.tokens) for item in items[:-1]] == list(range(len(items) - 1))
    assert items[-1].text == tiny_raven.answer(block("red", 50), k=2).text


def test_a_stream_can_be_cancelled_or_left(tiny_raven):
    cancel = threading.Event()
    stream = tiny_raven.stream(block("red", 50), max_new_tokens=200, cancel=cancel)
    next(stream)
    next(stream)
    cancel.set()
    rest = list(stream)
    assert len(rest) < 50 and not any(item.finished for item in rest)
    left = tiny_raven.stream(block("red", 50), max_new_tokens=200)
    next(left)
    next(left)
    left.close()
    assert tiny_raven.answer(block("red", 50)).finished  # the model is free again


def test_options_are_checked_before_anything_is_computed(tiny_raven):
    for options, error in [
        ({"question": ""}, QuestionError),
        ({"question": "  \n"}, QuestionError),
        ({"question": "x" * 301}, QuestionError),
        ({"k": 11}, OptionError),
        ({"k": -1}, OptionError),
        ({"k": 2.5}, OptionError),
        ({"modalities": {"sound"}}, OptionError),
        ({"modalities": "sound"}, OptionError),
        ({"order": "random"}, OptionError),
        ({"question_weight": 2}, OptionError),
        ({"max_new_tokens": 0}, OptionError),
        ({"adapter": "best"}, AdapterError),
    ]:
        with pytest.raises(error):
            tiny_raven.stream(block("red"), **options)  # not even iterated
    with pytest.raises(ImageError):
        tiny_raven.answer(b"no image")
    with pytest.raises(ImageError):
        tiny_raven.answer(None)
    assert tiny_raven.answer(block("red"), "x" * 300).finished


def test_adapters_are_chosen_by_name_and_base_means_none(tiny_raven):
    image = block("red", 50)
    answers = {name: tiny_raven.answer(image, adapter=name) for name in (None, "raven", "no-retrieval", "base")}
    assert [answers[name].adapter for name in answers] == ["raven", "raven", "no-retrieval", None]
    assert answers[None].tokens == answers["raven"].tokens
    logprobs = {name: [token.logprob for token in answers[name].tokens] for name in answers}
    assert logprobs["raven"] != logprobs["base"] and logprobs["raven"] != logprobs["no-retrieval"]


def test_excluded_and_duplicate_pairs_stay_away(tiny_raven):
    query = block("red", 0)  # the picture of p0
    first = tiny_raven.neighbours(query, k=8)
    assert "p0" not in {neighbour.id for neighbour in first}
    assert tiny_raven.neighbours(query, k=8, drop_duplicates=False)[0].id == "p0"
    second = tiny_raven.neighbours(query, k=8, exclude_ids=first[0].id)
    assert [neighbour.id for neighbour in second] == [neighbour.id for neighbour in first[1:]]
    generation = tiny_raven.answer(query, k=1, exclude_ids=[first[0].id])
    assert generation.neighbours[0].id == first[1].id


def test_a_generation_and_a_stored_trial_can_be_replayed(tiny_raven, tmp_path):
    image = block("blue", 51)
    made = tiny_raven.answer(
        image, "what does it eat", k=2, modalities={"text"}, adapter="base", question_weight=0.9,
        exclude_ids=["p1"], drop_duplicates=False, order="nearest-first", max_new_tokens=4, seed=5,
    )  # fmt: skip
    store = JudgmentStore(tmp_path / "judgments.db")
    trial = store.trial(store.save_trial(tiny_raven.trial(made, "what does it eat", "ann"), image).id)
    assert trial.logprobs == [token.logprob for token in made.tokens]
    assert [entry["id"] for entry in trial.neighbours] == [neighbour.id for neighbour in made.neighbours]
    assert set(trial.fingerprints) == {"model", "encoder", "memory"} and trial.app_version
    for again in (tiny_raven.replay(trial, store.image(trial)), tiny_raven.replay(made, image, "what does it eat")):
        assert (again.tokens, again.prompt, again.settings) == (made.tokens, made.prompt, made.settings)


def test_fingerprints_name_the_adapter_that_answered(tiny_raven):
    assert set(tiny_raven.fingerprints("raven")) == {"model", "encoder", "memory", "adapter"}
    assert tiny_raven.fingerprints("raven")["adapter"] != tiny_raven.fingerprints("no-retrieval")["adapter"]
    assert "adapter" not in tiny_raven.fingerprints(None)


def test_far_images_are_told_by_the_most_similar_image(tiny_raven, tiny_profile):
    neighbours = tiny_raven.neighbours(block("red", 50), "what is it called", k=3)
    best = max(neighbour.image_similarity for neighbour in neighbours if neighbour.image_similarity is not None)
    for threshold, far in ((best + 0.01, True), (best - 0.01, False), (None, False)):
        raven = Raven.__new__(Raven)
        raven.profile = Profile(**{**tiny_raven.profile.__dict__, "far_threshold": threshold})
        assert raven.is_far(neighbours) is far and not raven.is_far(())


def test_questions_that_look_like_addresses_or_control_tokens_are_text(tiny_raven, monkeypatch):
    block_image = block("red", 50)
    monkeypatch.setattr(socket, "socket", lambda *args, **kwargs: pytest.fail("a socket was opened"))
    monkeypatch.setattr(Image, "open", lambda *args, **kwargs: pytest.fail("an image was opened"))
    for question in ("https://example.org/a.png", "/etc/hostname", "<image><image>", "<end_of_utterance>"):
        generation = tiny_raven.answer(block_image, question, k=0)
        assert generation.finished and generation.prompt.count("<image>") == 1


def test_settings_are_the_defaults_of_an_answer(tiny_profile, tiny_raven):
    settings = Settings(
        profile=str(tiny_profile), k=1, modalities=("text",), adapter="base", max_new_tokens=2, max_pixels=2000
    )
    raven = Raven(tiny_raven.profile, settings, tiny_raven.retriever, tiny_raven.generator)
    generation = raven.answer(block("red"))
    assert (generation.k, generation.modalities, generation.adapter) == (1, {"text"}, None)
    assert len(generation.tokens) <= 2 and len(generation.neighbours) == 1
    assert raven.answer(block("red"), adapter="raven", k=2).adapter == "raven"
    with pytest.raises(ImageError, match="over the limit"):
        raven.answer(block("red", size=64))


def test_loading_by_name_writes_nothing_and_needs_no_network(tiny_profile, monkeypatch):
    monkeypatch.setenv("RAVEN_PROFILES", str(tiny_profile.parent))
    monkeypatch.setattr(socket.socket, "connect", lambda *args: pytest.fail("a connection was made"))
    before = tree_state(tiny_profile)
    raven = Raven.load("tiny")
    raven.answer(block("red"))
    assert raven.profile.name == "tiny" and tree_state(tiny_profile) == before


def test_what_is_wrong_with_a_profile_is_said_when_it_is_loaded(tmp_path, tiny_profile):
    with pytest.raises(ProfileError, match="no profile 'nothing'"):
        Raven.load("nothing")
    folder = shutil.copytree(tiny_profile, tmp_path / "tiny")
    about = json.loads((folder / "profile.json").read_text())

    def loading(**changes):
        (folder / "profile.json").write_text(json.dumps({**about, **changes}))
        return Raven.load(folder)

    with pytest.raises(AdapterError, match="best"):
        loading(adapters={"best": "adapters/missing"}, default_adapter="best")
    with pytest.raises(MemoryStoreError, match="no memory"):
        loading(memory="missing")
    shutil.rmtree(folder / "model")
    with pytest.raises(ProfileError):
        loading()
    vocabulary = folder / "encoder" / "tokenizer_config.json"
    vocabulary.write_text(vocabulary.read_text() + "\n")
    with pytest.raises(EncoderMismatchError, match="another encoder"):
        loading()
