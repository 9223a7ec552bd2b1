"""Ears, tails and crests, each drawn outwards from where it grows: x away from the body, y upwards."""

import math
from dataclasses import dataclass

from finetune.fieldguide.canvas import Colour, Pen, mix, oval, smooth

INK: Colour = (52, 40, 48)
CREAM: Colour = (252, 240, 214)
LINE = 0.018  # width of an outline, as a share of the creature's height


@dataclass(frozen=True)
class Coat:
    """The colours of one creature: its own, a dark and a light shade of it, and what patterns are drawn in."""

    base: Colour
    dark: Colour
    light: Colour
    mark: Colour
    patch: Colour


_FLOPPY = smooth(
    [(-0.05, 0.07), (0.06, 0.11), (0.16, 0.03), (0.21, -0.13), (0.17, -0.29), (0.08, -0.27), (0.05, -0.10)]
)
_FLOPPY_IN = smooth([(0.10, 0.0), (0.165, -0.13), (0.14, -0.24), (0.10, -0.21)])
_PLUME = smooth(
    [(-0.02, -0.03), (0.10, -0.07), (0.20, -0.03), (0.30, 0.06), (0.31, 0.19), (0.25, 0.31), (0.20, 0.21), (0.13, 0.23),
     (0.12, 0.13), (0.05, 0.13), (-0.02, 0.05)]
)  # fmt: skip
_PLUME_TIP = smooth([(0.30, 0.08), (0.31, 0.19), (0.25, 0.31), (0.205, 0.21), (0.235, 0.17), (0.245, 0.12)])
_SPIRAL = [
    (0.19 + r * math.cos(a), 0.11 + r * math.sin(a))
    for a, r in ((-math.pi * 0.62 + i * 0.36, 0.125 - 0.0052 * i) for i in range(21))
]
_RING_ARC = [(0.0, 0.0), (0.08, -0.03), (0.16, -0.01), (0.225, 0.06), (0.255, 0.15), (0.25, 0.25), (0.22, 0.33)]


def draw_ears(pen: Pen, kind: str, coat: Coat) -> None:
    """One ear; `pen` stands at its root with x pointing away from the head."""
    _EARS[kind](pen, coat)


def _floppy(pen: Pen, coat: Coat) -> None:
    pen.polygon(_FLOPPY, coat.dark, INK, LINE)
    pen.polygon(_FLOPPY_IN, mix(coat.dark, (244, 160, 160), 0.6))


def _pointed(pen: Pen, coat: Coat) -> None:
    pen.polygon([(-0.08, 0.09), (0.21, 0.23), (0.04, -0.09)], coat.base, INK, LINE)
    pen.polygon([(0.0, 0.065), (0.15, 0.165), (0.045, -0.02)], (250, 178, 176))


def _saucer(pen: Pen, coat: Coat) -> None:
    pen.disc(0.08, 0.06, 0.145, None, coat.base, INK, LINE)
    pen.disc(0.09, 0.065, 0.09, None, (250, 178, 176))


def _long(pen: Pen, coat: Coat) -> None:
    ear = pen.at(0, 0, tilt=-0.42)
    ear.polygon(oval(0.0, 0.19, 0.062, 0.22, count=24), coat.base, INK, LINE)
    ear.polygon(oval(0.0, 0.20, 0.03, 0.155, count=16), (250, 178, 176))


def _branching(pen: Pen, coat: Coat) -> None:
    strokes = (
        [(-0.02, -0.02), (0.10, 0.09), (0.14, 0.30)],
        [(0.07, 0.06), (0.24, 0.07)],
        [(0.12, 0.19), (0.235, 0.23)],
        [(0.11, 0.15), (0.02, 0.22)],
    )
    for colour, width in ((INK, 0.072), ((206, 158, 102), 0.040)):
        for stroke in strokes:
            pen.line(stroke, colour, width)


def _bobble(pen: Pen, coat: Coat) -> None:
    pen.line([(-0.03, -0.01), (0.14, 0.05)], INK, 0.045)
    pen.disc(0.17, 0.07, 0.082, None, mix(coat.mark, (40, 30, 60), 0.35), INK, LINE)
    pen.disc(0.15, 0.095, 0.024, None, CREAM)


_EARS = {
    "floppy": _floppy,
    "pointed": _pointed,
    "saucer": _saucer,
    "long": _long,
    "branching": _branching,
    "bobble": _bobble,
}


def draw_tail(pen: Pen, kind: str, coat: Coat) -> None:
    """The tail; `pen` stands at its root with x pointing away from the body."""
    _TAILS[kind](pen, coat)


def _curly(pen: Pen, coat: Coat) -> None:
    curve = [(-0.05, 0.0), (0.06, -0.02), *_SPIRAL]
    pen.line(curve, INK, 0.082)
    pen.line(curve, coat.base, 0.046)


def _bushy(pen: Pen, coat: Coat) -> None:
    pen.polygon(_PLUME, coat.dark, INK, LINE)
    pen.polygon(_PLUME_TIP, CREAM, INK, LINE * 0.7)


def _forked(pen: Pen, coat: Coat) -> None:
    prongs = [(-0.05, 0.03), (0.12, 0.07), (0.29, 0.27), (0.33, 0.22), (0.22, 0.045), (0.35, -0.07), (0.31, -0.13),
              (0.13, -0.01), (-0.05, -0.05)]  # fmt: skip
    pen.polygon(prongs, coat.dark, INK, LINE)
    # Dark barbs keep it from passing for an arm.
    for x, y, lean in ((0.31, 0.25, -0.75), (0.335, -0.10, -2.25)):
        barb = pen.at(x, y, tilt=lean)
        barb.polygon([(-0.075, -0.03), (0.0, 0.10), (0.075, -0.03)], (74, 62, 84), INK, LINE)


def _ringed(pen: Pen, coat: Coat) -> None:
    pen.line(_RING_ARC, INK, 0.135)
    for i in range(len(_RING_ARC) - 1):
        colour = mix(coat.dark, INK, 0.55) if i % 2 else CREAM
        pen.line(_RING_ARC[i : i + 2], colour, 0.098, caps=False)


def _spiky(pen: Pen, coat: Coat) -> None:
    for x, y, lean in ((0.05, 0.06, -0.15), (0.13, 0.06, -0.35), (0.21, 0.06, -0.6)):
        spike = pen.at(x, y, tilt=lean)
        spike.polygon([(-0.04, -0.02), (0.0, 0.15), (0.04, -0.02)], (250, 222, 120), INK, LINE)
    pen.polygon([(-0.05, 0.09), (0.12, 0.08), (0.33, 0.03), (0.12, -0.05), (-0.05, -0.08)], coat.dark, INK, LINE)


_TAILS = {"curly": _curly, "bushy": _bushy, "forked": _forked, "ringed": _ringed, "spiky": _spiky}


def draw_crest(pen: Pen, kind: str, coat: Coat) -> None:
    """The crest; `pen` stands on the middle of the crown of the head. A bare head has none."""
    if kind != "bare":
        _CRESTS[kind](pen, coat)


def _horned(pen: Pen, coat: Coat) -> None:
    pen.polygon([(-0.075, -0.03), (0.0, 0.30), (0.075, -0.03)], CREAM, INK, LINE)
    for y, half in ((0.04, 0.053), (0.12, 0.034)):
        pen.line([(-half, y), (half, y + 0.03)], (206, 158, 102), 0.022, caps=False)


def _feathered(pen: Pen, coat: Coat) -> None:
    for lean, colour in ((0.62, (64, 160, 170)), (-0.62, (64, 160, 170)), (0.0, (226, 82, 92))):
        feather = pen.at(0, -0.03, tilt=lean)
        feather.polygon(oval(0, 0.17, 0.058, 0.155, count=20), colour, INK, LINE)
        feather.line([(0, 0.08), (0, 0.24)], CREAM, 0.018, caps=False)


_FIN = smooth([(-0.16, -0.05), (-0.13, 0.06), (-0.02, 0.17), (0.16, 0.22), (0.12, 0.10), (0.15, -0.05)])


def _finned(pen: Pen, coat: Coat) -> None:
    pen.polygon(_FIN, (82, 186, 178), INK, LINE)
    for x, y in ((-0.06, 0.09), (0.03, 0.14), (0.10, 0.16)):
        pen.line([(x * 0.7, -0.02), (x, y)], (38, 116, 122), 0.02, caps=False)


def _woolly(pen: Pen, coat: Coat) -> None:
    tufts = (
        (-0.14, 0.01, 0.075),
        (0.14, 0.01, 0.075),
        (-0.075, 0.085, 0.085),
        (0.075, 0.085, 0.085),
        (0.0, 0.05, 0.085),
    )
    for x, y, radius in tufts:
        pen.disc(x, y, radius + LINE, None, INK)
    for x, y, radius in tufts:
        pen.disc(x, y, radius, None, (128, 84, 60))
    for x, y in ((-0.075, 0.10), (0.07, 0.10), (0.0, 0.04)):
        pen.disc(x, y, 0.028, None, (170, 122, 90))


def _crowned(pen: Pen, coat: Coat) -> None:
    gold = [(-0.14, -0.04), (-0.19, 0.17), (-0.08, 0.08), (0.0, 0.22), (0.08, 0.08), (0.19, 0.17), (0.14, -0.04)]
    pen.polygon(gold, (250, 204, 60), INK, LINE)
    pen.disc(0, 0.03, 0.032, None, (214, 60, 80))


_CRESTS = {
    "horned": _horned,
    "feathered": _feathered,
    "finned": _finned,
    "woolly": _woolly,
    "crowned": _crowned,
}
