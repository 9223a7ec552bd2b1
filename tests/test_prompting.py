"""What the model is told: layouts written out by hand."""

from __future__ import annotations

import pytest
from PIL import Image

from raven_core.errors import OptionError
from raven_core.prompting import DESCRIBE, MAX_CAPTION_CHARS, build, check_modalities, instruction, order_neighbours
from raven_core.types import CELLS, Neighbour, Query

QUERY_IMAGE = Image.new("RGB", (4, 4), "black")
IMAGES = {number: Image.new("RGB", (4, 4), (number, 0, 0)) for number in (1, 2, 3)}
PICTURE = {"type": "image"}


def neighbour(rank: int, caption: str | None = "", image: bool = True) -> Neighbour:
    """Rank 1 is the most similar; its caption is "caption 1" unless another is given."""
    text = f"caption {rank}" if caption == "" else caption
    return Neighbour(f"n{rank}", text, IMAGES[rank] if image else None, None, 1 / rank, rank)


def said(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def content(*args, **options):
    """The content of the one message that a prompt consists of."""
    prompt = build(*args, **options)
    (message,) = prompt.messages
    assert message["role"] == "user" and set(message) == {"role", "content"}
    return message["content"]


def test_without_neighbours_the_image_comes_before_the_instruction():
    prompt = build(Query(QUERY_IMAGE))
    assert prompt.messages == ({"role": "user", "content": [PICTURE, said("Describe this image.")]},)
    assert prompt.images == (QUERY_IMAGE,)


def test_a_question_replaces_the_instruction():
    assert content(Query(QUERY_IMAGE, " what does it eat? ")) == [PICTURE, said("Question: what does it eat?")]


def test_the_nearest_neighbour_stands_last_next_to_the_query():
    prompt = build(Query(QUERY_IMAGE), [neighbour(1), neighbour(2), neighbour(3)])
    assert prompt.messages[0]["content"] == [
        PICTURE, said("Similar image: caption 3\n"),
        PICTURE, said("Similar image: caption 2\n"),
        PICTURE, said("Similar image: caption 1\n"),
        PICTURE, said("Describe this image."),
    ]  # fmt: skip
    assert prompt.images == (IMAGES[3], IMAGES[2], IMAGES[1], QUERY_IMAGE)


def test_the_nearest_neighbour_stands_first_when_asked():
    prompt = build(Query(QUERY_IMAGE), [neighbour(2), neighbour(1)], order="nearest-first")
    assert prompt.messages[0]["content"] == [
        PICTURE, said("Similar image: caption 1\n"),
        PICTURE, said("Similar image: caption 2\n"),
        PICTURE, said("Describe this image."),
    ]  # fmt: skip
    assert prompt.images == (IMAGES[1], IMAGES[2], QUERY_IMAGE)


def test_order_follows_the_ranks_not_the_order_of_the_list():
    shuffled = [neighbour(2), neighbour(3), neighbour(1)]
    assert [n.rank for n in order_neighbours(shuffled, "nearest-last")] == [3, 2, 1]
    assert [n.rank for n in order_neighbours(shuffled, "nearest-first")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("cell", "shown", "pictures"),
    [
        ("none", [], 1),
        ("text", [said("Similar image: caption 1\n")], 1),
        ("image", [PICTURE, said("Similar image.\n")], 2),
        ("both", [PICTURE, said("Similar image: caption 1\n")], 2),
    ],
)
def test_a_cell_shows_what_it_says(cell, shown, pictures):
    prompt = build(Query(QUERY_IMAGE), [neighbour(1)], CELLS[cell])
    assert prompt.messages[0]["content"] == [*shown, PICTURE, said("Describe this image.")]
    assert len(prompt.images) == pictures


@pytest.mark.parametrize("caption", [None, " \n"])
def test_a_missing_caption_leaves_the_image(caption):
    assert content(Query(QUERY_IMAGE), [neighbour(1, caption)])[:2] == [PICTURE, said("Similar image.\n")]


def test_a_missing_image_leaves_the_caption():
    prompt = build(Query(QUERY_IMAGE), [neighbour(1, image=False)])
    assert prompt.messages[0]["content"][:1] == [said("Similar image: caption 1\n")]
    assert prompt.images == (QUERY_IMAGE,)


def test_a_neighbour_with_nothing_to_show_is_skipped():
    alone = content(Query(QUERY_IMAGE))
    assert content(Query(QUERY_IMAGE), [neighbour(1, None, image=False)]) == alone
    assert content(Query(QUERY_IMAGE), [neighbour(1, None)], {"text"}) == alone
    assert content(Query(QUERY_IMAGE), [neighbour(1, image=False)], {"image"}) == alone


def test_a_query_without_an_image_is_its_question_alone():
    prompt = build(Query(None, "why"), [neighbour(1)], {"text"})
    assert prompt.messages[0]["content"] == [said("Similar image: caption 1\n"), said("Question: why")]
    assert prompt.images == ()


def test_a_long_caption_is_cut():
    shown = content(Query(QUERY_IMAGE), [neighbour(1, "a" * (MAX_CAPTION_CHARS + 5))], {"text"})[0]
    assert shown == said(f"Similar image: {'a' * MAX_CAPTION_CHARS}\n")


def test_images_and_placeholders_always_match():
    mixed = [neighbour(1, image=False), neighbour(2, None), neighbour(3)]
    for cell in CELLS.values():
        prompt = build(Query(QUERY_IMAGE, "q"), mixed, cell)
        assert len(prompt.images) == sum(part == PICTURE for part in prompt.messages[0]["content"])


def test_modalities_are_checked():
    assert check_modalities(["text", "image", "text"]) == {"image", "text"}
    assert check_modalities(()) == frozenset()
    with pytest.raises(OptionError, match="'audio'"):
        build(Query(QUERY_IMAGE), [], {"audio", "text"})


def test_an_unknown_order_is_refused():
    with pytest.raises(OptionError, match="nearest-last"):
        build(Query(QUERY_IMAGE), [neighbour(1)], order="random")  # type: ignore[arg-type]


def test_an_unknown_order_is_refused_even_where_nothing_is_shown():
    with pytest.raises(OptionError):
        build(Query(QUERY_IMAGE), (), (), order="random")  # type: ignore[arg-type]


def test_no_question_asks_for_a_description():
    assert instruction(None) == DESCRIBE == "Describe this image."
