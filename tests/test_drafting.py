"""Drafts change nothing but the number of passes: on random tiny weights, whatever the drafts say."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from transformers import GenerationConfig

from raven_core.drafting import AHEAD, Answer, ends_of, is_plain
from raven_core.generator import Generator
from raven_core.prompting import build
from raven_core.topics import Draft, Topic
from raven_core.types import CELLS, Neighbour, Prompt, Query, Token
from tests import tiny

TOKENS = 12
FOUND = [
    Neighbour(f"n{n}", f"a {colour} creature", tiny.block(colour, n), "", 0.5, n + 1)
    for n, colour in enumerate(("red", "green"))
]
QUERIES = [Query(tiny.block("yellow", 9), question) for question in (None, "what is it", "why", "how many")]
PROMPTS = [build(query, FOUND) for query in QUERIES]


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> Generator:
    root = tmp_path_factory.mktemp("drafting")
    adapters = {name: root / name for name in ("raven", "no-retrieval")}
    loaded = Generator.load(tiny.write_tiny_vlm(root / "model", adapters), adapters, device="cpu")
    tiny.liven(loaded)
    return loaded


@pytest.fixture(scope="module")
def plain(generator) -> list[list[Token]]:
    """The answers without drafts."""
    answers = generator.generate(PROMPTS, "raven", TOKENS)
    assert all(len(answer) > 3 for answer in answers) and len({str(answer) for answer in answers}) > 1
    return answers


@contextmanager
def passes(generator: Generator) -> Iterator[list[int]]:
    """The number of rows of each pass of the model."""
    rows: list[int] = []
    head = generator.model.get_base_model().lm_head
    hook = head.register_forward_hook(lambda module, args, out: rows.append(len(out)))
    try:
        yield rows
    finally:
        hook.remove()


def topics(drafts: Sequence[Sequence[Token] | None]) -> list[Topic]:
    """A topic for each prompt, with one answer or none."""
    made = [Topic() for _ in drafts]
    for topic, prompt, draft in zip(made, PROMPTS, drafts, strict=True):
        if draft is not None:
            topic.add(prompt, draft)
    return made


def same(first: Sequence[Sequence[Token]], second: Sequence[Sequence[Token]]) -> bool:
    return all(
        [token.id for token in one] == [token.id for token in two]
        and [token.logprob for token in one] == pytest.approx([token.logprob for token in two], abs=1e-4)
        for one, two in zip(first, second, strict=True)
    )


def spoiled(answer: Sequence[Token], place: int) -> list[Token]:
    """The answer with another token at one place."""
    wrong = Token("?", 0.0, 3 if answer[place].id != 3 else 4)
    return [*answer[:place], wrong, *answer[place + 1 :]]


def test_a_draft_that_is_right_takes_one_pass(generator, plain):
    with passes(generator) as rows:
        drafted = generator.generate(PROMPTS, "raven", TOKENS, topics=topics(plain))
    assert same(drafted, plain)
    assert len(rows) <= 2  # the second where an answer ends behind its draft


@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_draft_with_an_error_still_saves_passes(generator, plain, place):
    drafts = [spoiled(answer, place) for answer in plain]
    with passes(generator) as rows:
        assert same(generator.generate(PROMPTS, "raven", TOKENS, topics=topics(drafts)), plain)
    longest = max(map(len, plain))
    assert len(rows) < longest


@pytest.mark.parametrize("kind", ["of another prompt", "too long", "too short", "nonsense"])
def test_a_draft_that_is_wrong_changes_nothing(generator, plain, kind):
    drafts = {
        "of another prompt": [*plain[1:], plain[0]],
        "too long": [answer * 3 for answer in plain],
        "too short": [answer[:2] for answer in plain],
        "nonsense": [[Token("", 0.0, number + 3) for _ in range(40)] for number in range(len(plain))],
    }[kind]
    assert same(generator.generate(PROMPTS, "raven", TOKENS, topics=topics(drafts)), plain)


def test_what_is_done_leaves_the_batch(generator, plain):
    with passes(generator) as rows:
        drafted = generator.generate(PROMPTS, "raven", TOKENS, topics=topics([*plain[:3], spoiled(plain[3], 0)]))
    assert same(drafted, plain)
    assert rows[0] == len(PROMPTS) and rows[-1] < len(PROMPTS)


def test_prompts_without_a_draft_share_a_batch_with_others(generator, plain):
    drafted = generator.generate(PROMPTS, "raven", TOKENS, topics=topics([plain[0], None, plain[2], None]))
    assert same(drafted, plain)


def test_prompts_of_unlike_length_are_read_packed_and_drafted_alike(generator):
    prompts = [PROMPTS[0], build(Query(None, "what")), build(Query(tiny.block("yellow", 9), "why"))]
    answers = generator.generate(prompts, "raven", TOKENS)
    made = [Topic() for _ in prompts]
    for topic, prompt, answer in zip(made, prompts, answers, strict=True):
        topic.add(prompt, spoiled(answer, 1))
    assert same(generator.generate(prompts, "raven", TOKENS, topics=made), answers)


def test_adapters_that_share_a_batch_are_answered_as_without_drafts(generator, plain):
    names = ["raven", None, "no-retrieval", "raven"]
    mixed = generator.generate(PROMPTS, names, TOKENS)
    assert same(generator.generate(PROMPTS, names, TOKENS, topics=topics(plain)), mixed)


def test_an_answer_is_no_longer_than_asked_for(generator, plain):
    short = generator.generate(PROMPTS, "raven", 2, topics=topics(plain))
    assert same(short, [answer[:2] for answer in plain])


def test_cancelling_ends_the_batch(generator, plain):
    stop = threading.Event()
    stop.set()
    with passes(generator) as rows:
        generator.generate(PROMPTS, "raven", TOKENS, cancel=stop, topics=topics(plain))
    assert len(rows) <= 1


def test_a_model_that_does_not_take_the_most_probable_token_is_left_to_itself(generator, plain, monkeypatch):
    monkeypatch.setattr(generator.model.generation_config, "repetition_penalty", 1.7)
    expected = generator.generate(PROMPTS, "raven", TOKENS)
    assert not same(expected, plain)
    assert same(generator.generate(PROMPTS, "raven", TOKENS, topics=topics(plain)), expected)


def test_what_is_said_of_a_topic_drafts_what_is_said_of_it_next(generator):
    prompts = [build(query, FOUND, cell) for cell in CELLS.values() for query in QUERIES]
    own = [Topic() for _ in QUERIES]
    expected = generator.generate(prompts, "raven", TOKENS)
    drafted = generator.generate(prompts, "raven", TOKENS, batch_size=4, topics=own * len(CELLS))
    assert same(drafted, expected)
    assert all(len(topic.drafts(PROMPTS[0])) == len(CELLS) for topic in own)


@pytest.mark.parametrize("settings", [{}, {"eos_token_id": [1, 2], "max_length": 99}, {"temperature": 0.6}])
def test_settings_that_greedy_decoding_passes_over_are_plain(settings):
    assert is_plain(GenerationConfig(**settings))


@pytest.mark.parametrize("settings", [{"repetition_penalty": 1.1}, {"no_repeat_ngram_size": 2}, {"num_beams": 3}])
def test_settings_that_change_what_is_chosen_are_not_plain(settings):
    assert not is_plain(GenerationConfig(**settings))


def test_the_ends_are_those_of_the_model_and_of_its_tokenizer(generator):
    tokenizer = generator.processor.tokenizer
    own = {tokenizer.eos_token_id, tokenizer.pad_token_id}
    assert ends_of(GenerationConfig(), tokenizer) == own
    assert ends_of(GenerationConfig(eos_token_id=[7, 8]), tokenizer) == own | {7, 8}
    assert ends_of(GenerationConfig(eos_token_id=7), tokenizer) == own | {7}


# ---------------------------------------------------------------------- what is proposed


def test_a_draft_is_proposed_whole_where_its_prompt_said_the_same():
    ids = [5, 6, 7, 8, 9, 10]
    assert Answer([Draft(ids, whole=True), Draft([1])]).proposal() == ids
    assert Answer([Draft(ids), Draft([1], whole=True)]).proposal() == ids[:AHEAD]
    assert Answer([]).proposal() == ()


def test_a_draft_goes_on_where_it_says_the_same():
    drafts = [Draft([1, 2, 3, 4, 5, 6, 7, 8, 9]), Draft([1, 20, 30, 40])]
    assert list(Answer(drafts, [1, 9, 3, 4]).proposal()) == [5, 6, 7, 8][:AHEAD]
    assert list(Answer(drafts, [1, 20]).proposal()) == [30, 40]  # the second draft agrees on two tokens
    assert list(Answer(drafts, [1, 77]).proposal()) == [3, 4, 5, 6][:AHEAD]  # nowhere: the same place of the first
    assert list(Answer(drafts, [9] * 20).proposal()) == []
    assert Answer(drafts, [1], done=True).proposal() == ()


def test_a_prompt_goes_on_with_what_no_draft_says():
    prompt = [50, 51, 52, 53, 54, 55, 2, 60]
    assert list(Answer([Draft([1, 2, 3])], [50, 51], prompt=prompt).proposal()) == [52, 53, 54, 55][:AHEAD]
    assert list(Answer([Draft([1, 2, 3])], [50, 2], prompt=prompt).proposal()) == [3]  # drafts come first
    assert Answer([], [50, 51], prompt=prompt).proposal() == ()


def test_an_answer_takes_tokens_up_to_its_end():
    answer = Answer([])
    answer.take([4, 5, 2, 6], [-1.0] * 4, ends={2}, most=9)
    assert (answer.ids, answer.done) == ([4, 5, 2], True)
    cut = Answer([])
    cut.take([4, 5, 6], [-1.0] * 3, ends={2}, most=2)
    assert (cut.ids, cut.done) == ([4, 5], True)


# ---------------------------------------------------------------------- topics


def test_answers_to_prompts_that_say_the_same_come_first():
    query = QUERIES[0]
    prompts = {cell: build(query, FOUND, shown) for cell, shown in CELLS.items()}
    topic = Topic()
    for number, cell in enumerate(("none", "text", "image")):
        topic.add(prompts[cell], [Token("", 0.0, number)])
    assert topic.drafts(prompts["both"])[0] == Draft([1], whole=True)
    last: Prompt = prompts["image"]
    assert topic.drafts(last)[0] == Draft([2], whole=True)
    asked = build(QUERIES[1], FOUND)
    assert [draft.ids for draft in topic.drafts(asked)] == [[1], [0], [2]]
    assert not any(draft.whole for draft in topic.drafts(asked))


def test_answers_whose_tokens_have_no_numbers_are_no_drafts():
    topic = Topic()
    topic.add(PROMPTS[0], [Token("a", 0.0)])
    topic.add(PROMPTS[0], [])
    assert topic.drafts(PROMPTS[0]) == []
