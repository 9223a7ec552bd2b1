"""Invented names: lower case, two or three syllables out of a fixed inventory, the plural like the singular."""

import random
from collections.abc import Container, Iterable, Sequence

# Two or three letters each, all beginning with a consonant so that "a" is always the article.
SYLLABLES: tuple[str, ...] = tuple(
    """
    ba bi bo bu da di do du fa fi fo fu ga gi go gu ka ki ko ku la li lo lu ma mi mo mu na ni no nu
    pa pi po pu ra ri ro ru ta ti to tu va vi vo vu za zi zo zu
    bor dal fen gor kel lum mar nel pol rin sel tal tor ven vil wim yon zel zor dra gri klo plu sni tro
    que wob yap zan fim gub dov
    """.split()
)

# Words, brands and slips that syllables would otherwise spell.
REAL_WORDS = frozenset(
    """
    bingo mango banana mama papa tuna lava lulu nana polka tapas koala kiwi robot total vital
    dodo gogo logo lotto mimi momo nina nino pico pita pizza solo taco toga tofu yoga yoyo zebra panda
    marlin coral dingo fogo gaga coma data drama gala kilo mafia memo motto photo piano polo potato tomato
    bikini bonito casino dolo kimono kudu lima mali mini nova puma rota salami sumo tiki toro veto video
    villa visa vita volta tulip gorilla kappa lama manna mono mora nato papaya pupu tutu zulu dada
    doll fiddle mortal portal pulp rinse vendor rumba samba zumba tango cargo largo fargo margo
    bible baby body booby bobo cocoa data dildo dodge gigi goto gulag kaka kiki lido lolita lottery male mara
    razor golum kala selva kupo baga biro rudra maga marlo lumpa vento nara mita muto latal kabi doka poko fano kula
    maryon tator dalba gadi klaus mario maria nazi negro nude pole pope popo ragu rama rabbi regal roma rome rover sofa
    solar soda taboo tata toto tuba
    """.split()
)
_UGLY = ("kak", "poo", "pup", "puk", "nig", "fag", "fuk", "tit", "tut", "pipi", "popo", "kuku", "dik", "nazi", "gag",
         "fat", "dum", "bum", "rap", "sex", "god", "die", "kil", "gun", "pus")  # fmt: skip


def edit_distance_within_one(first: str, second: str) -> bool:
    """Whether one insertion, deletion or substitution (or none) turns `first` into `second`."""
    if len(first) > len(second):
        first, second = second, first
    if len(second) - len(first) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    return first[at:] == second[at + 1 :] or (len(first) == len(second) and first[at + 1 :] == second[at + 1 :])


def is_fit(name: str) -> bool:
    """Whether a name may stand in a children's book: no real word, nothing that reads badly."""
    return len(name) <= 8 and name not in REAL_WORDS and not any(part in name for part in _UGLY)


def too_close(name: str, others: Iterable[str]) -> bool:
    """Whether `name` lies within edit distance 1 of any of `others`."""
    return any(edit_distance_within_one(name, other) for other in others)


def invent_name(rng: random.Random, taken: Container[str], lengths: Sequence[int] = (2, 2, 3)) -> str:
    """A fit name that `taken` does not hold; its number of syllables is drawn from `lengths`.

    Raises:
        RuntimeError: after 10,000 fruitless draws.
    """
    for _ in range(10_000):
        parts = rng.sample(SYLLABLES, rng.choice(lengths))
        name = "".join(parts)
        if is_fit(name) and name not in taken:
            return name
    raise RuntimeError("No free name left to invent.")
