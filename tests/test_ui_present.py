"""What the page shows, without a browser: HTML from pure functions, with hand-computed numbers."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from raven_core.errors import ImageError
from raven_core.types import Generation, Neighbour, Token
from raven_core.ui import cards, markup, present
from raven_core.wording import Word, words_of

EVIL = '<img src=x onerror="alert(1)">${1+1}{{value}}</p>'


def picture(colour: str = "red", size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, colour)


def neighbour(rank: int, similarity: float, caption: str | None = "a zumi", **more) -> Neighbour:
    return Neighbour(f"m{rank}", caption, more.pop("image", picture()), "00", similarity, rank, **more)


def generation(text: str = "a red zumi", logprobs: tuple[float, ...] = (0.0, 0.0, 0.0), **changes) -> Generation:
    tokens = tuple(Token(f" {word}", value) for word, value in zip(text.split(), logprobs, strict=False))
    made = Generation(
        text, tokens, (neighbour(1, 0.9), neighbour(2, 0.5)), "<image>Describe", "tiny", "raven", 0,
        frozenset({"image", "text"}), 2, {"encode": 0.01, "generate": 0.03, "total": 0.05},
    )  # fmt: skip
    return replace(made, **changes)


class Checker(HTMLParser):
    """Fails on tags that are closed in the wrong order, and lists tags and texts."""

    VOID = frozenset({"img", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.text += " "
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(text: str) -> str:
    return " ".join(Checker(text).text.split())


# ---------------------------------------------------------------- words and confidence


def test_the_probability_of_a_word_is_the_product_over_its_tokens():
    tokens = [Token("a", math.log(0.9)), Token(" zu", math.log(0.8)), Token("mi", math.log(0.5)), Token("", -3.0)]
    words = words_of(tokens, "a zumi")
    assert [word.text for word in words] == ["a", "zumi"]
    assert [round(word.probability, 6) for word in words] == [0.9, 0.4]


def test_a_token_of_bare_space_starts_a_word_and_belongs_to_none():
    words = words_of([Token("a", -1.0), Token(" ", -5.0), Token("b", -2.0)], "a b")
    assert [round(word.probability, 6) for word in words] == [round(math.exp(-1), 6), round(math.exp(-2), 6)]


def test_tokens_that_do_not_spell_the_text_leave_the_words_unmarked():
    assert words_of([Token("x", -9.0)], "a b") == [Word("a", 1.0), Word("b", 1.0)]
    assert words_of([], "") == []


def test_only_words_below_one_half_are_dotted():
    shown = present.answer(generation(logprobs=(math.log(0.49), math.log(0.51), 0.0)), None)
    assert re.findall(r'<span class="rv-unsure" title="probability (\d+) %">(\w+)</span>', shown) == [("49", "a")]


def test_confidence_is_the_geometric_mean_in_per_cent():
    shown = present.confidence(generation(logprobs=(math.log(0.25), 0.0, math.log(0.5))))
    assert "<b>50 %</b>" in shown  # (0.25 * 1 * 0.5) ** (1/3) = 0.5
    assert "width:50%" in shown


def test_an_answer_says_what_was_fed_and_by_which_adapter():
    assert read(present.answer(generation(), None)).startswith(
        "Description · images and captions fed · raven a red zumi"
    )
    only = generation(modalities=frozenset({"text"}), adapter=None)
    assert "Answer · neighbour captions fed · none (base model)" in read(present.answer(only, "what is it"))
    assert "no retrieval" in read(present.answer(generation(modalities=frozenset()), None))
    assert "no retrieval" in read(present.answer(generation(neighbours=()), None))


def test_while_it_streams_an_answer_is_busy_and_has_a_caret():
    busy = present.answer(generation(finished=False), None)
    done = present.answer(generation(), None)
    assert 'aria-busy="true"' in busy and "rv-caret" in busy
    assert 'aria-busy="false"' in done and "rv-caret" not in done
    assert "Looking up neighbours" in read(present.answer(generation("", (), finished=False), None))


def test_an_empty_answer_and_a_stopped_one_are_told():
    assert "empty answer" in read(present.answer(generation("", ()), None))
    assert "Stopped before the end" in read(present.answer(generation(finished=False), None, stopped=True))


# ---------------------------------------------------------------- untrusted text


def shown_everywhere() -> dict[str, str]:
    evil = generation(EVIL, neighbours=(neighbour(1, 0.9, EVIL, source=EVIL),), prompt=EVIL, model=EVIL, adapter=EVIL)
    return {
        "answer": present.answer(evil, EVIL),
        "given": present.given(evil, picture()),
        "made": present.made(evil),
        "cards": cards.neighbours(evil.neighbours, {"image", "text"}, {EVIL: EVIL}),
        "dimmed": cards.neighbours(evil.neighbours, set()),
        "error": present.error(ImageError(EVIL)),
        "previous": present.previous("failure", EVIL, 3),
        "examples": cards.examples([cards.Example(picture(), EVIL, EVIL, EVIL, EVIL, False)]),
        "welcome": present.welcome(EVIL),
    }


@pytest.mark.parametrize("place", list(shown_everywhere()))
def test_captions_answers_and_names_never_become_markup(place):
    parsed = Checker(shown_everywhere()[place])
    assert not [tag for tag, attributes in parsed.tags if "onerror" in attributes]
    assert not [attributes for tag, attributes in parsed.tags if tag == "img" and attributes.get("src") == "x"]
    in_attributes = [value or "" for _, attributes in parsed.tags for value in attributes.values()]
    assert "onerror" in parsed.text + " ".join(in_attributes), "the text itself must be shown, not dropped"


# ---------------------------------------------------------------- neighbours


def test_neighbours_come_by_rank_with_their_similarity_and_a_button_each():
    parsed = Checker(cards.neighbours([neighbour(2, 0.5), neighbour(1, 0.934)], {"image", "text"}))
    buttons = [attributes for tag, attributes in parsed.tags if tag == "button"]
    assert [(one["data-act"], one["data-id"]) for one in buttons] == [("leave-out", "m1"), ("leave-out", "m2")]
    assert "similarity 0.934" in parsed.text and "similarity 0.500" in parsed.text
    assert parsed.text.index("similarity 0.934") < parsed.text.index("similarity 0.500")
    assert [attributes["style"] for tag, attributes in parsed.tags if tag == "i"] == ["width:93%", "width:50%"]


def test_a_similarity_outside_zero_to_one_keeps_its_number_and_bounds_its_bar():
    shown = cards.neighbours([neighbour(1, -0.2)], {"text"})
    assert "width:0%" in shown and "similarity -0.200" in shown


@pytest.mark.parametrize(("fed", "marks"), [(("image", "text"), 0), (("text",), 1), (("image",), 1), ((), 2)])
def test_halves_that_were_not_fed_say_so(fed, marks):
    assert cards.neighbours([neighbour(1, 0.9)], fed).count("not fed") == marks


def test_missing_halves_are_named():
    assert "no image in the memory" in cards.neighbours([neighbour(1, 0.9, image=None)], {"image"})
    assert "no caption in the memory" in cards.neighbours([neighbour(1, 0.9, caption=" ")], {"text"})


def test_fewer_neighbours_than_asked_and_none_are_told():
    assert "1 of the 3 neighbours" in read(cards.neighbours([neighbour(1, 0.9)], {"text"}, asked=3))
    assert "of the" not in read(cards.neighbours([neighbour(1, 0.9)], {"text"}, asked=1))
    assert "answered from its weights alone" in read(cards.neighbours([], set(), asked=0))


def test_what_was_left_out_can_be_put_back_one_by_one_or_all():
    one, two = cards.left_out({"m7": "a zumi"}), cards.left_out({"m7": "a zumi", "m8": ""})
    assert 'data-act="put-back" data-id="m7"' in one and cards.PUT_ALL_BACK not in one
    assert cards.PUT_ALL_BACK in two and ">m8 " in two
    assert cards.left_out({}) == ""


def test_examples_name_their_split_and_the_known_failure():
    shown = [cards.Example(picture(), "One", "novel"), cards.Example(picture(), "Two", "novel", known_failure=True)]
    parsed = Checker(cards.examples(shown))
    assert [attributes["data-id"] for tag, attributes in parsed.tags if tag == "button"] == ["0", "1"]
    assert "novel" in parsed.text and "known failure" in parsed.text
    assert cards.examples([]) == ""


def test_the_far_warning_states_threshold_and_false_alarms():
    told = read(present.far_warning([neighbour(1, 0.8, image_similarity=0.412)], 0.55, 0.05))
    assert "only 0.412 similar; below 0.550 we warn" in told and "5 % get this warning by mistake" in told
    assert "only 0.800" in read(present.far_warning([neighbour(1, 0.8)], 0.9, 0.05))


# ---------------------------------------------------------------- what was given, how it was made


def test_given_lists_the_images_in_reading_order_and_the_prompt_verbatim():
    asked = generation(prompt="User:<image>Similar & image: a\nAssistant:")
    parsed = Checker(present.given(asked, picture("blue")))
    labels = [attributes["alt"] for tag, attributes in parsed.tags if tag == "img"]
    assert labels == ["neighbour 2", "neighbour 1", "your image"]
    assert "User:<image>Similar & image: a\nAssistant:" in parsed.text
    first = present.given(asked, picture(), order="nearest-first")
    assert next(attributes["alt"] for tag, attributes in Checker(first).tags if tag == "img") == "neighbour 1"


def test_images_that_were_not_fed_are_not_among_the_given():
    shown = present.given(generation(modalities=frozenset({"text"})), picture())
    assert "neighbour 1" not in shown and "The one image" in shown


def test_timings_show_stages_in_order_and_their_share():
    shown = present.timings({"generate": 0.03, "encode": 0.01, "total": 1.25})
    assert re.findall(r"flex:([\d.]+)", shown) == ["0.2500", "0.7500"]
    assert read(shown) == "encode 10 ms generate 30 ms 1.2 s in all"
    assert present.timings({}) == "" and present.timings({"encode": 0.0}) == ""


def test_made_names_model_adapter_and_seed():
    assert read(present.made(generation(adapter=None, seed=7))).startswith(
        "model tiny adapter none (base model) seed 7"
    )


# ---------------------------------------------------------------- lines and errors


def test_a_refusal_is_shown_and_an_accident_is_not():
    assert "no such thing" in read(present.error(ImageError("no such thing")))
    assert 'role="alert"' in present.error("plain words")
    accident = read(present.error(ValueError("secret path /tmp/x")))
    assert "secret" not in accident and "still here" in accident


def test_saved_counts_in_words():
    assert read(present.saved("failure", 1)) == "✓ Saved: Failure 1 judgment from you so far"
    assert read(present.saved("partly", 4, details=True)) == "✓ Saved: Partly, with details 4 judgments from you so far"
    assert "on “a long" in read(present.previous("success", "a long answer", 2))


# ---------------------------------------------------------------- pieces


def test_numbers_read_as_a_person_reads_them():
    assert [markup.percent(value) for value in (0.834, -1.0, 1.2)] == ["83", "0", "100"]
    assert [markup.seconds(value) for value in (0.0034, 0.64, 0.9996, 2.06)] == ["3 ms", "640 ms", "1.0 s", "2.1 s"]
    assert markup.shorten("a  b\nc") == "a b c" and markup.shorten("x" * 70, 10) == "x" * 9 + "…"


def test_a_picture_travels_inside_the_page_no_larger_than_needed():
    address = markup.data_uri(picture(size=(1000, 500)), side=100)
    assert address.startswith("data:image/webp;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).size == (100, 50)
