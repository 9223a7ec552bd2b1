"""The generator against the same model run by hand, on random tiny weights."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
import torch

from raven_core import prefill
from raven_core.decoding import Decoder
from raven_core.errors import AdapterError
from raven_core.generator import Generator, text_of
from raven_core.prompting import build
from raven_core.rendering import control_tokens, expand_images
from raven_core.types import Neighbour, Query, Token
from tests import tiny

TOKENS = 6
CLOSE = 1e-4  # nats


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """``model`` and two adapters of it."""
    root = tmp_path_factory.mktemp("generator")
    adapters = {name: root / name for name in ("raven", "no-retrieval")}
    return {"model": tiny.write_tiny_vlm(root / "model", adapters), **adapters}


@pytest.fixture(scope="module")
def generator(folders) -> Generator:
    loaded = load(folders)
    tiny.liven(loaded)
    return loaded


def load(folders: dict[str, Path]) -> Generator:
    adapters = {name: folder for name, folder in folders.items() if name != "model"}
    return Generator.load(folders["model"], adapters, device="cpu")


def prompt_of(neighbours: int, question: str | None = None, caption: str = "a red creature", image: bool = True):
    """A prompt with ``neighbours + 1`` images, or one less where the query has none."""
    found = [
        Neighbour(f"n{n}", caption, tiny.block(("red", "green", "blue")[n], n), "", 0.5, n + 1)
        for n in range(neighbours)
    ]
    return build(Query(tiny.block("yellow", 9) if image else None, question), found)


MIXED = [prompt_of(1), prompt_of(0, "what is it called"), prompt_of(3, "why"), prompt_of(0, "what", image=False)]


def logprobs(tokens: list[Token]) -> list[float]:
    return [token.logprob for token in tokens]


def same(first: list[Token], second: list[Token]) -> bool:
    """Whether two answers are equal up to rounding."""
    return [t.text for t in first] == [t.text for t in second] and logprobs(first) == pytest.approx(
        logprobs(second), abs=CLOSE
    )


@torch.inference_mode()
def by_hand(generator: Generator, prompt, steps: int = TOKENS) -> list[Token]:
    """Greedy decoding without cache, batch, hooks or visual cache: one plain forward pass a token."""
    processor, tokenizer = generator.processor, generator.processor.tokenizer
    images = [list(prompt.images)] if prompt.images else None
    inputs = dict(processor(text=[generator.render(prompt)], images=images, return_tensors="pt"))
    decoder, tokens = Decoder(tokenizer), []
    for _ in range(steps):
        scores = generator.model(**inputs).logits[0, -1].log_softmax(-1)
        chosen = int(scores.argmax())
        token = decoder.push(chosen, float(scores[chosen]))
        if token is None:
            break
        tokens.append(token)
        inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([[chosen]])], dim=1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    return tokens


def test_the_answers_are_worth_comparing(generator):
    answers = generator.generate(MIXED, "raven", TOKENS)
    assert all(answers) and len({text_of(answer) for answer in answers}) > 1
    assert any(len({t.text for t in answer}) > 1 for answer in answers)


@pytest.mark.parametrize("number", range(len(MIXED)))
def test_tokens_and_logprobs_are_those_of_plain_forward_passes(generator, number):
    with generator.model.disable_adapter():
        expected = by_hand(generator, MIXED[number])
    (answer,) = generator.generate([MIXED[number]], None, TOKENS)
    assert same(answer, expected)
    assert all(token.logprob < 0 for token in answer)


def test_adapters_too_give_what_a_plain_forward_pass_gives(generator):
    generator.model.set_adapter("raven")
    assert same(generator.generate([MIXED[0]], "raven", TOKENS)[0], by_hand(generator, MIXED[0]))


def test_a_stream_is_the_batch_token_by_token(generator):
    batch = generator.generate(MIXED, "raven", TOKENS)
    for prompt, answer in zip(MIXED, batch, strict=True):
        assert same(list(generator.stream(prompt, "raven", TOKENS)), answer)


def test_ragged_image_counts_share_a_batch_without_changing_an_answer(generator):
    assert [len(prompt.images) for prompt in MIXED] == [2, 1, 4, 0]
    together = generator.generate(MIXED, None, TOKENS)
    for prompt, answer in zip(MIXED, together, strict=True):
        assert same(generator.generate([prompt], None, TOKENS)[0], answer)


def test_answers_come_in_the_order_of_the_prompts_whatever_the_batch_size(generator):
    whole = generator.generate(MIXED, None, TOKENS)
    for size in (1, 3):
        parts = generator.generate(MIXED, None, TOKENS, batch_size=size)
        assert all(same(a, b) for a, b in zip(parts, whole, strict=True))


def test_no_prompts_give_no_answers(generator):
    assert generator.generate([], "raven") == []


def test_adapters_switch_and_differ(generator):
    answers = {name: generator.generate([MIXED[0]], name, TOKENS)[0] for name in ("raven", "no-retrieval", "base")}
    firsts = [answer[0].logprob for answer in answers.values()]
    assert min(abs(a - b) for i, a in enumerate(firsts) for b in firsts[:i]) > 100 * CLOSE
    for name, answer in answers.items():  # and back again
        assert same(generator.generate([MIXED[0]], name, TOKENS)[0], answer)


def test_one_batch_can_mix_adapters(generator):
    names = ["raven", None, "no-retrieval", "base"]
    mixed = generator.generate([MIXED[0]] * 4, names, TOKENS)
    for name, answer in zip(names, mixed, strict=True):
        assert same(generator.generate([MIXED[0]], name, TOKENS)[0], answer)
    assert same(mixed[1], mixed[3])


NAMES = ["raven", None, "no-retrieval", "base"]


def test_scoring_a_greedy_answer_gives_what_greedy_decoding_reported(generator):
    answers = generator.generate(MIXED, NAMES, TOKENS)
    assert len({len(prompt.images) for prompt in MIXED}) > 1 and all(answers)
    assert all(same(a, b) for a, b in zip(generator.log_likelihood(MIXED, answers, NAMES), answers, strict=True))
    for size in (1, 3):
        parts = generator.log_likelihood(MIXED, answers, NAMES, batch_size=size)
        assert all(same(a, b) for a, b in zip(parts, answers, strict=True))


@torch.inference_mode()
def scored_by_hand(generator: Generator, prompt, text: str) -> list[float]:
    """One plain forward pass over prompt and answer together, without cache, batch or padding."""
    processor = generator.processor
    images = [list(prompt.images)] if prompt.images else None
    inputs = dict(processor(text=[generator.render(prompt)], images=images, return_tensors="pt"))
    start = inputs["input_ids"].shape[1]
    told = processor.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
    inputs["input_ids"] = torch.cat([inputs["input_ids"], told], dim=1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    scores = generator.model(**inputs).logits[0, start - 1 : -1].log_softmax(-1)
    return [float(row[token]) for row, token in zip(scores, told[0], strict=True)]


def test_texts_of_any_length_are_scored_under_any_prompt_in_one_batch(generator):
    texts = ["a red creature in the forest", "a", "", "two blue zumi"]
    scored = generator.log_likelihood(MIXED, texts, "base")
    for prompt, text, tokens in zip(MIXED, texts, scored, strict=True):
        with generator.model.disable_adapter():
            expected = scored_by_hand(generator, prompt, f" {text}") if text else []
        assert logprobs(tokens) == pytest.approx(expected, abs=CLOSE) and text_of(tokens) == text
    assert len({len(tokens) for tokens in scored}) == 4


def test_tokens_that_do_not_know_their_numbers_are_scored_as_their_text(generator):
    bare = [Token(" a", 0.0), Token(" red", 0.0)]
    (scored,) = generator.log_likelihood(MIXED[:1], [bare], "raven")
    (expected,) = generator.log_likelihood(MIXED[:1], ["a red"], "raven")
    assert same(scored, expected) and scored[0].id is not None
    assert generator.log_likelihood([], []) == []


def test_prompts_of_unlike_length_are_read_packed_and_answered_alike(generator, monkeypatch):
    packed, read = [], prefill.read
    monkeypatch.setattr(prefill, "read", lambda *args: packed.append(args[3]) or read(*args))
    names = ["raven", "no-retrieval", "raven", "base"]
    together = generator.generate(MIXED, names, TOKENS)
    monkeypatch.setattr(generator._mixer, "is_made", False)
    apart = generator.generate(MIXED, names, TOKENS)
    assert [len(groups) for groups in packed] == [1, 3]
    monkeypatch.setattr(prefill, "is_worth_it", lambda mask: False)
    padded = generator.generate(MIXED, names, TOKENS)
    assert len(packed) == 2
    for first, second, third in zip(together, apart, padded, strict=True):
        assert same(first, second) and same(first, third)


def test_packing_is_for_batches_that_are_mostly_padding():
    ragged = torch.tensor([[0, 0, 0, 1], [1, 1, 1, 1]])  # 8 places for 5 tokens
    assert prefill.is_worth_it(ragged) and not prefill.is_worth_it(ragged[1:])
    assert not prefill.is_worth_it(torch.ones(3, 9)) and not prefill.is_worth_it(ragged.repeat(500, 1))


def test_scoring_computes_each_image_once(folders, monkeypatch):
    loaded, computed = load(folders), []
    compute = loaded._visual._compute
    monkeypatch.setattr(loaded._visual, "_compute", lambda images: computed.append(len(images)) or compute(images))
    loaded.log_likelihood([MIXED[2]] * 5, ["a"] * 5, "raven")
    loaded.generate([MIXED[2]], "raven", 1)
    assert computed == [4]


def test_adapters_side_by_side_answer_as_peft_mixes_them(generator, folders, monkeypatch):
    prompts = [MIXED[0]] * 4
    names = ["no-retrieval", "base", "raven", "raven"]
    ours = generator.generate(prompts, names, TOKENS)
    with monkeypatch.context() as patch:
        patch.setattr(generator._mixer, "is_made", False)
        seen, run = [], generator.model.generate
        patch.setattr(generator.model, "generate", lambda **given: seen.append(given["adapter_names"]) or run(**given))
        theirs = generator.generate(prompts, names, TOKENS)
    assert seen == [["no-retrieval", "__base__", "raven", "raven"]]
    assert all(same(a, b) for a, b in zip(ours, theirs, strict=True))


def test_adapters_of_unlike_rank_and_layers_stand_side_by_side(folders, tmp_path):
    from peft import LoraConfig, get_peft_model

    base = Generator.load(folders["model"], device="cpu").model
    torch.manual_seed(5)
    config = LoraConfig(r=3, lora_alpha=6, target_modules=r".*text_model.*\.(q_proj|up_proj)", init_lora_weights=False)
    get_peft_model(base, config).save_pretrained(str(tmp_path / "other"))
    loaded = Generator.load(folders["model"], {"raven": folders["raven"], "other": tmp_path / "other"}, device="cpu")
    mixed = loaded.generate([MIXED[0]] * 3, ["other", "raven", None], TOKENS)
    assert loaded._mixer.is_made
    for name, answer in zip(["other", "raven", None], mixed, strict=True):
        assert same(loaded.generate([MIXED[0]], name, TOKENS)[0], answer)
    assert len({answer[0].logprob for answer in mixed}) == 3


def test_base_is_the_model_that_never_had_adapters(folders):
    bare = Generator.load(folders["model"], device="cpu")
    loaded = load(folders)
    assert bare.adapters == () and loaded.adapters == ("raven", "no-retrieval")
    loaded.generate(MIXED[:1], "raven", 2)
    for name in (None, "base"):
        assert same(loaded.generate(MIXED[:1], name, TOKENS)[0], bare.generate(MIXED[:1], name, TOKENS)[0])


def test_kept_visual_tokens_give_what_the_processor_gives(folders):
    cached, plain = load(folders), load(folders)
    assert cached._visual.usable
    plain._visual.usable = False
    for _ in range(2):  # the second time nothing is computed anew
        for a, b in zip(cached.generate(MIXED, "raven", 3), plain.generate(MIXED, "raven", 3), strict=True):
            assert same(a, b)
    assert len(cached._visual._kept) == 4 and not plain._visual._kept


def test_visual_tokens_are_computed_once_and_the_oldest_leave(folders, monkeypatch):
    loaded = load(folders)
    computed = []
    compute = loaded._visual._compute
    monkeypatch.setattr(loaded._visual, "_compute", lambda images: computed.append(len(images)) or compute(images))
    monkeypatch.setattr(loaded._visual, "_size", 2)
    red, green, blue = (tiny.block(colour) for colour in ("red", "green", "blue"))
    with torch.inference_mode():
        first = loaded._visual.features([red, red.copy(), green])
        assert computed == [2] and torch.equal(first[0], first[1]) and not torch.equal(first[0], first[2])
        loaded._visual.features([red])  # used last, so green is the oldest
        loaded._visual.features([blue])
        loaded._visual.features([red, blue])
        assert computed == [2, 1]
        loaded._visual.features([green])
        assert computed == [2, 1, 1]


CONTROLS = ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", "<pad>")


def test_all_control_tokens_are_known(generator):
    assert set(control_tokens(generator.processor.tokenizer)) == set(CONTROLS)


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_token_in_a_caption_or_question_stays_text(generator, control):
    told = prompt_of(1, f"what is {control}?", f"a {control} creature")
    rendered = generator.render(told)
    plain = generator.render(prompt_of(1, "what is x?", "a x creature"))
    assert rendered.count(control) == plain.count(control)
    inside = control.strip("<>")
    assert f"a ‹{inside}› creature" in rendered and f"what is ‹{inside}›?" in rendered
    ids = generator.processor.tokenizer(rendered)["input_ids"]
    expected = generator.processor.tokenizer(plain)["input_ids"]
    special = generator.processor.tokenizer.convert_tokens_to_ids(control)
    assert ids.count(special) == expected.count(special)
    assert generator.generate([told], None, 2)[0] is not None


def test_control_tokens_nested_in_each_other_stay_text(generator):
    rendered = generator.render(prompt_of(0, "<ima<pad>ge> <im<image>age>"))
    assert rendered.count("<image>") == 1 and "<pad>" not in rendered


def test_a_control_token_without_brackets_is_broken_up():
    from raven_core.rendering import _defused

    assert _defused("<pad>") == "‹pad›"
    assert _defused("[IMG]") == "[\u2060IMG]"


def test_the_rendered_prompt_is_what_a_person_would_write(generator):
    assert generator.render(prompt_of(1, "why", "a red creature")) == (
        "User:<image> Similar image: a red creature\n<image> Question: why<end_of_utterance>\nAssistant:"
    )


def test_one_placeholder_becomes_the_tokens_of_one_tile(generator):
    expanded = expand_images(generator.processor, "<image> x")
    tile = "<fake_token_around_image><global-img>" + "<image>" * 4 + "<fake_token_around_image>"
    assert expanded == f"{tile} x"  # (32 pixels / 8 / 2) squared = 4


def test_cancelling_stops_the_model(generator):
    cancel = threading.Event()
    got = []
    for token in generator.stream(MIXED[0], None, 500, cancel=cancel):
        got.append(token)
        if len(got) == 2:
            cancel.set()
    assert 2 <= len(got) < 100
    assert same(got[:2], generator.generate([MIXED[0]], None, 2)[0])


def test_a_cancelled_batch_ends_early(generator):
    cancel = threading.Event()
    cancel.set()
    answers = generator.generate(MIXED, None, 50, batch_size=1, cancel=cancel)
    assert sum(map(len, answers)) <= 1


def test_walking_away_from_a_stream_ends_its_work(generator):
    before = threading.active_count()
    stream = generator.stream(MIXED[0], None, 500)
    next(stream)
    stream.close()
    assert threading.active_count() == before
    assert generator.generate([MIXED[0]], None, 1)[0]  # the lock is free again


def test_an_error_while_writing_reaches_the_reader(generator, monkeypatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(generator, "_inputs", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(generator.stream(MIXED[0]))


def test_an_unknown_adapter_is_refused_with_the_known_ones(generator):
    with pytest.raises(AdapterError, match=r"'rook'.*base, raven, no-retrieval"):
        generator.generate(MIXED, "rook")
    with pytest.raises(AdapterError, match="'rook'"):
        generator.generate(MIXED[:2], ["raven", "rook"])
    with pytest.raises(AdapterError, match="'rook'"):
        generator.log_likelihood(MIXED[:1], ["a"], "rook")
    with pytest.raises(AdapterError, match="'rook'"):
        next(generator.stream(MIXED[0], "rook"))


def test_fingerprints_follow_the_files(folders, generator, tmp_path):
    prints = {generator.fingerprint(name) for name in (None, "raven", "no-retrieval")}
    assert len(prints) == 3 and generator.fingerprint("base") == generator.fingerprint(None)
    copied = {name: Path(shutil.copytree(folder, tmp_path / name)) for name, folder in folders.items()}
    copy = load(copied)
    assert copy.fingerprint("raven") == generator.fingerprint("raven") and copy.model_name == "model"
    config = copied["model"] / "config.json"
    config.write_text(config.read_text() + "\n\n", encoding="utf8")
    assert copy.fingerprint() != generator.fingerprint()


def test_a_character_of_several_tokens_arrives_whole(generator):
    tokenizer = generator.processor.tokenizer
    decoder = Decoder(tokenizer)
    ids = tokenizer("é!")["input_ids"]
    assert len(ids) == 3
    assert [decoder.push(token, -1.0).text for token in ids] == ["", "é", "!"]


def test_nothing_is_said_after_the_end_token(generator):
    decoder = Decoder(generator.processor.tokenizer)
    letter = generator.processor.tokenizer("a")["input_ids"][0]
    assert decoder.push(letter, -0.5) == Token("a", -0.5)
    assert decoder.push(decoder.tokenizer.eos_token_id, -0.1) is None
    assert decoder.push(letter, -0.5) is None


def test_the_text_of_tokens_has_no_blanks_around_it():
    assert text_of([Token(" a", -1), Token(" red", -1), Token(" ", -1)]) == "a red"
    assert text_of([]) == ""
