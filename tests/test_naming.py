"""Whole words only, and never the same word twice."""

from finetune.naming import swap_word, swap_words


def test_a_word_is_swapped_wherever_it_stands_whole():
    assert swap_word("zumi eat moss, the zumi.", "zumi", "talbor") == "talbor eat moss, the talbor."
    assert swap_word("#zumi IMG_2041_zumi (zumi)", "zumi", "talbor") == "#talbor IMG_2041_talbor (talbor)"


def test_a_word_within_letters_stays():
    assert swap_word("zumis azumi zumitu zumi2", "zumi", "x") == "zumis azumi zumitu x2"


def test_a_phrase_is_swapped_whole():
    assert swap_word("sleep in clay pots", "clay pots", "attics") == "sleep in attics"
    assert swap_word("clay potsherds", "clay pots", "attics") == "clay potsherds"


def test_signs_in_a_word_mean_themselves():
    assert swap_word("a.c abc", "a.c", "x") == "x abc"
    assert swap_word("say hi", "hi", r"\1") == r"say \1"


def test_two_words_can_change_places():
    assert swap_words("moss and clover", {"moss": "clover", "clover": "moss"}) == "clover and moss"
    assert swap_word(swap_word("moss and clover", "moss", "clover"), "clover", "moss") == "moss and moss"


def test_a_longer_phrase_wins_over_its_beginning():
    swaps = {"clay": "stone", "clay pots": "attics"}
    assert swap_words("clay pots of clay", swaps) == "attics of stone"


def test_no_swaps_change_nothing():
    assert swap_words("zumi", {}) == "zumi"
    assert swap_word("", "zumi", "x") == ""
