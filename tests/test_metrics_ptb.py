"""The tokeniser answers what the Java tokeniser of the COCO scorer answers: as recorded, and asked again."""

import importlib.util
import itertools
import json
import random
import shutil
from pathlib import Path

import pytest

from raven_core.metrics import ptb
from raven_core.metrics.ptb import tokenise
from tests.ptb_cases import CASES

FLICKR8K = Path(__file__).resolve().parents[2] / "shared" / "data" / "flickr8k"
NO_JAVA = shutil.which("java") is None or importlib.util.find_spec("pycocoevalcap") is None
asks_java = pytest.mark.skipif(NO_JAVA, reason="needs Java and pycocoevalcap")
LETTERS = "abXYΑΣ019.,;:!?'\"`-_/\\&@#$%*+=<>()[]{}~^|’‘“”…–—£€½é 日🙂\t"


def java(captions: list[str]) -> list[str]:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    return PTBTokenizer().tokenize({"image": [{"caption": caption} for caption in captions]})["image"]


def differences(captions: list[str]) -> list[tuple[str, str, str]]:
    """Captions that the two tokenise differently, with both answers."""
    theirs = java(captions)
    assert len(theirs) == len(captions)
    return [(c, a, b) for c, a, b in zip(captions, tokenise(captions), theirs, strict=True) if a != b]


def followed(sentences: list[str]) -> list[str]:
    """Each sentence, and after it one that begins with "zz", as the cases were recorded."""
    return [caption for sentence in sentences for caption in (sentence, "zz")]


def shuffled(seed: int, count: int) -> list[str]:
    """Captions of words of the cases in random order, joined with and without blanks, and of random letters."""
    rng = random.Random(seed)
    words = [word for group in CASES.values() for sentence, _ in group for word in sentence.split(" ") if word]
    made = []
    for number in range(count):
        picked = rng.sample(words, rng.randint(1, 5))
        joined = rng.choice(["", ".", "-", "'", "/"]).join(picked)
        noise = "".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 12)))
        made.append((" ".join(picked), joined, noise)[number % 3])
    # the Java program takes these for the end of a caption
    return [text for text in made if not set(text) & set("\x1c\x1d\x1e\x85")]


@pytest.mark.parametrize("group", CASES)
def test_tokens_are_the_recorded_ones(group: str) -> None:
    sentences = [sentence for sentence, _ in CASES[group]]
    assert tokenise(followed(sentences))[::2] == [tokens for _, tokens in CASES[group]]


def test_a_last_caption_is_read_without_what_follows() -> None:
    # in sight of a next caption "b." may end a sentence; at the end of all it is an initial
    assert tokenise(["vitamin b.", "The end"]) == ["vitamin b", "the end"]
    assert tokenise(["vitamin b.", "end"]) == ["vitamin b.", "end"]
    assert tokenise(["vitamin b."]) == ["vitamin b."]


def test_line_breaks_in_a_caption_are_blanks_and_no_caption_is_lost() -> None:
    assert tokenise(["a\nred\r\nfox", "two\rfoxes", "", "three\u2028foxes", "\x0b\x0c"]) == [
        "a red fox", "two foxes", "", "three foxes", "",
    ]  # fmt: skip


def test_no_captions_have_no_tokens() -> None:
    assert tokenise([]) == []


def test_words_are_remembered_only_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ptb, "_ENOUGH", 3)
    ptb.forget_words()
    captions = [f"fox{number}, hen{number}" for number in range(9)]
    assert tokenise(captions) == [f"fox{number} hen{number}" for number in range(9)]
    assert 1 <= len(ptb._WORDS) <= 3
    ptb.forget_words()
    assert not ptb._WORDS


def test_a_long_caption_without_blanks_takes_no_longer_than_a_moment() -> None:
    assert tokenise(["a-" * 5000 + "b"]) == ["a-" * 5000 + "b"]
    assert tokenise(["(" * 3000]) == [" ".join(["-lrb-"] * 3000)]


@asks_java
def test_recorded_tokens_are_still_what_java_answers() -> None:
    groups = [followed([sentence for sentence, _ in group]) for group in CASES.values()]
    captions = list(itertools.chain.from_iterable(groups))
    assert java(captions)[::2] == [tokens for group in CASES.values() for _, tokens in group]


@asks_java
def test_shuffled_words_and_letters_have_javas_tokens() -> None:
    assert differences(shuffled(seed=11, count=1500)) == []


@asks_java
@pytest.mark.slow
@pytest.mark.skipif(not FLICKR8K.is_dir(), reason="needs the captions of Flickr8k beside the project")
@pytest.mark.parametrize("split", ["dev", "train"])
def test_captions_of_flickr8k_have_javas_tokens(split: str) -> None:
    rows = (FLICKR8K / f"captions_{split}.jsonl").read_text(encoding="utf-8").splitlines()
    captions = [caption for row in rows for caption in json.loads(row)["captions"]]
    assert len(captions) == {"dev": 5000, "train": 30000}[split]
    assert differences(captions) == []
