"""The eight things a creature may stand beside, each in a frame with its foot at the origin and height 1."""

from PIL import ImageDraw

from finetune.fieldguide.canvas import Colour, Pen, mix, oval, smooth
from finetune.fieldguide.parts import CREAM, INK
from finetune.fieldguide.scenes import Spot

_LINE = 0.03
_WOOD: Colour = (166, 116, 74)


def _lantern(pen: Pen) -> None:
    pen.disc(0, 0.46, 0.44, None, (255, 238, 170))
    pen.line([(-0.16, 0.82), (-0.1, 0.96), (0.1, 0.96), (0.16, 0.82)], INK, 0.05)
    pen.polygon([(-0.22, 0.14), (0.22, 0.14), (0.26, 0.0), (-0.26, 0.0)], (92, 88, 104), INK, _LINE)
    pen.polygon([(-0.2, 0.14), (-0.24, 0.68), (0.24, 0.68), (0.2, 0.14)], (255, 216, 92), INK, _LINE)
    pen.disc(0, 0.36, 0.09, 0.15, (255, 250, 214))
    pen.polygon([(-0.28, 0.68), (-0.12, 0.84), (0.12, 0.84), (0.28, 0.68)], (92, 88, 104), INK, _LINE)


def _stump(pen: Pen) -> None:
    sides = [
        (-0.36, 0.62),
        (-0.36, 0.2),
        (-0.5, 0.0),
        (-0.2, 0.06),
        (0.0, 0.0),
        (0.25, 0.06),
        (0.5, 0.0),
        (0.36, 0.2),
        (0.36, 0.62),
    ]
    pen.polygon(sides, (132, 88, 58), INK, _LINE)
    for x in (-0.18, 0.05, 0.22):
        pen.line([(x, 0.18), (x, 0.42)], (96, 62, 44), 0.03)
    for rx, ry, colour in ((0.37, 0.15, (226, 184, 128)), (0.24, 0.09, (196, 148, 98)), (0.12, 0.045, (226, 184, 128))):
        pen.disc(0, 0.64, rx, ry, colour, INK if rx > 0.3 else None, _LINE)


def _mushroom(pen: Pen) -> None:
    pen.polygon([(-0.14, 0.5), (-0.18, 0.02), (0.18, 0.02), (0.14, 0.5)], CREAM, INK, _LINE)
    pen.polygon(
        smooth([(-0.45, 0.46), (-0.36, 0.76), (0, 0.95), (0.36, 0.76), (0.45, 0.46), (0, 0.40)]),
        (204, 44, 50),
        INK,
        _LINE,
    )
    for x, y, r in ((-0.2, 0.62, 0.08), (0.05, 0.76, 0.09), (0.24, 0.56, 0.07), (0.0, 0.53, 0.06)):
        pen.disc(x, y, r, None, (255, 252, 244))


def _tent(pen: Pen) -> None:
    pen.polygon([(-0.55, 0.0), (0.0, 0.9), (0.55, 0.0)], (238, 140, 62), INK, _LINE)
    pen.polygon([(-0.36, 0.0), (0.0, 0.9), (-0.55, 0.0)], (250, 196, 110), INK, _LINE)
    pen.polygon([(0.36, 0.0), (0.0, 0.9), (0.55, 0.0)], (250, 196, 110), INK, _LINE)
    pen.polygon([(-0.16, 0.0), (0.0, 0.62), (0.16, 0.0)], (84, 60, 66), INK, _LINE)
    pen.line([(0, 0.88), (0, 1.0)], INK, 0.04)
    pen.polygon([(0, 1.02), (0.16, 0.97), (0, 0.92)], (212, 60, 66))


def _signpost(pen: Pen) -> None:
    pen.polygon([(-0.06, 0.0), (-0.06, 1.0), (0.06, 1.0), (0.06, 0.0)], (128, 88, 60), INK, _LINE)
    pen.polygon([(-0.3, 0.62), (-0.3, 0.9), (0.28, 0.9), (0.44, 0.76), (0.28, 0.62)], (222, 178, 122), INK, _LINE)
    pen.polygon([(0.26, 0.32), (0.26, 0.54), (-0.26, 0.54), (-0.4, 0.43), (-0.26, 0.32)], (206, 158, 102), INK, _LINE)
    for y in (0.71, 0.80, 0.43):
        pen.line([(-0.2, y), (0.16, y)], (112, 76, 56), 0.03)


def _rock(pen: Pen) -> None:
    shape = [(-0.5, 0.0), (-0.48, 0.3), (-0.24, 0.58), (0.1, 0.66), (0.4, 0.42), (0.52, 0.0)]
    pen.polygon(shape, (142, 144, 156), INK, _LINE)
    pen.polygon([(-0.44, 0.3), (-0.24, 0.54), (0.08, 0.61), (-0.08, 0.36)], (190, 192, 202))
    pen.line([(0.1, 0.3), (0.22, 0.16), (0.18, 0.05)], (96, 98, 112), 0.03)


def _boat(pen: Pen) -> None:
    pen.line([(0, 0.2), (0, 1.0)], INK, 0.06)
    pen.polygon([(0.05, 0.98), (0.05, 0.36), (0.46, 0.36)], (250, 248, 240), INK, _LINE)
    pen.polygon([(-0.05, 0.88), (-0.05, 0.36), (-0.32, 0.36)], (224, 232, 240), INK, _LINE)
    pen.polygon([(-0.55, 0.3), (-0.36, 0.0), (0.36, 0.0), (0.55, 0.3)], (58, 96, 152), INK, _LINE)
    pen.line([(-0.46, 0.22), (0.46, 0.22)], (246, 246, 240), 0.05, caps=False)


def _flower(pen: Pen) -> None:
    pen.line([(0, 0.0), (0.02, 0.3), (0, 0.6)], (44, 92, 52), 0.1)
    pen.line([(0, 0.0), (0.02, 0.3), (0, 0.6)], (92, 164, 84), 0.06)
    for side in (-1, 1):
        leaf = pen.at(0, 0.12, flip=side, tilt=0.5)
        leaf.polygon(oval(0.17, 0.0, 0.17, 0.07, count=16), (92, 164, 84), (44, 92, 52), _LINE)
    petals = [pen.at(0, 0.72, tilt=i * 6.2832 / 6) for i in range(6)]
    for petal in petals:
        petal.polygon(oval(0.19, 0, 0.13, 0.105, count=16), (250, 250, 255), INK, _LINE)
    pen.disc(0, 0.72, 0.13, None, (250, 200, 60), INK, _LINE)


_PROPS = {
    "lantern": _lantern,
    "tree stump": _stump,
    "mushroom": _mushroom,
    "tent": _tent,
    "signpost": _signpost,
    "rock": _rock,
    "boat": _boat,
    "flower": _flower,
}


def draw_prop(draw: ImageDraw.ImageDraw, size: int, name: str, spot: Spot, shadow: Colour) -> None:
    """Paint a prop on a canvas of `size` pixels, its foot at the spot."""
    pen = Pen(draw, spot.x * size, spot.y * size, spot.height * size)
    pen.disc(0, 0.01, 0.55, 0.09, mix(shadow, INK, 0.05))
    _PROPS[name](pen)
