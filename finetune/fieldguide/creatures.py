"""A creature: body, pattern, face and pose, put together in a frame with its feet at the origin and height 1."""

import colorsys
import math
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from finetune.fieldguide.canvas import Colour, Pen, Point, gradient, mix, oval, smooth
from finetune.fieldguide.parts import CREAM, INK, LINE, Coat, draw_crest, draw_ears, draw_tail
from finetune.fieldguide.scenes import Individual, Scene

COLOUR_VALUES: dict[str, Colour] = {
    "red": (212, 58, 54),
    "orange": (242, 140, 44),
    "yellow": (248, 214, 70),
    "green": (96, 172, 80),
    "blue": (70, 128, 212),
    "purple": (136, 88, 188),
    "pink": (248, 152, 190),
    "white": (246, 244, 238),
}


@dataclass(frozen=True)
class Build:
    """A body: its outline, where ears (x, y), tail and arms grow, the crown of the head and the face."""

    outline: tuple[Point, ...]
    ear: Point
    tail: Point
    arm: Point
    top: float
    eyes: Point  # (half the distance between the eyes, their height)


BUILDS = {
    "round": Build(tuple(oval(0, 0.40, 0.29, 0.33)), (0.235, 0.56), (0.25, 0.22), (0.275, 0.33), 0.72, (0.095, 0.53)),
    "tall": Build(tuple(oval(0, 0.43, 0.18, 0.37, 3.2)), (0.15, 0.66), (0.165, 0.20), (0.175, 0.36), 0.79, (0.072, 0.63)),  # noqa: E501
    "wide": Build(tuple(oval(0, 0.30, 0.345, 0.24, 2.6)), (0.29, 0.44), (0.315, 0.20), (0.33, 0.25), 0.53, (0.11, 0.39)),  # noqa: E501
    "boxy": Build(tuple(oval(0, 0.36, 0.265, 0.30, 7.0)), (0.25, 0.55), (0.26, 0.20), (0.265, 0.31), 0.65, (0.1, 0.50)),
    "pear-shaped": Build(
        tuple(smooth([(0, 0.06), (0.24, 0.09), (0.33, 0.22), (0.27, 0.38), (0.145, 0.53), (0.12, 0.67), (0, 0.76),
                      (-0.12, 0.67), (-0.145, 0.53), (-0.27, 0.38), (-0.33, 0.22), (-0.24, 0.09)])),
        (0.125, 0.63), (0.31, 0.20), (0.28, 0.32), 0.75, (0.062, 0.61),
    ),
}  # fmt: skip


def coat_of(colour: str, hue: float, dusk: Colour, shade: float) -> Coat:
    """The colours of a creature of that colour, its hue moved by `hue` and `shade` (0-1) of the air mixed in."""
    red, green, blue = (value / 255 for value in COLOUR_VALUES[colour])
    h, s, v = colorsys.rgb_to_hsv(red, green, blue)
    shifted = colorsys.hsv_to_rgb((h + hue) % 1.0, s, v)
    base = mix((int(shifted[0] * 255), int(shifted[1] * 255), int(shifted[2] * 255)), dusk, shade)
    dark, light = mix(base, (60, 20, 60), 0.22), mix(base, (255, 255, 255), 0.35)
    pale = colour == "white"
    mark = (104, 100, 116) if pale else mix(base, (40, 14, 44), 0.66)
    patch = (150, 146, 160) if pale else CREAM
    return Coat(base, dark, light, mark, patch)


def _spots(pen: Pen, coat: Coat) -> None:
    for row in range(5):
        for column in range(-4, 5):
            x, y = column * 0.145 + (row % 2) * 0.072, 0.13 + row * 0.125
            pen.disc(x, y, 0.042, None, coat.mark)


def _stripes(pen: Pen, coat: Coat) -> None:
    for y in (0.12, 0.245, 0.37, 0.66, 0.785):
        pen.line([(-0.4, y + 0.02), (0.0, y - 0.015), (0.4, y + 0.02)], coat.mark, 0.056, caps=False)


def _patches(pen: Pen, coat: Coat) -> None:
    for x, y, rx, ry in (
        (-0.20, 0.20, 0.17, 0.13),
        (0.25, 0.36, 0.14, 0.10),
        (0.12, 0.09, 0.11, 0.07),
        (-0.16, 0.62, 0.12, 0.11),
    ):
        pen.polygon(oval(x, y, rx, ry, 2.6, 24), coat.patch, coat.dark, 0.012)


def _zigzags(pen: Pen, coat: Coat) -> None:
    points = [(-0.42 + i * 0.105, 0.19 + (0.13 if i % 2 else 0.0)) for i in range(9)]
    pen.line(points, coat.mark, 0.115)
    pen.line(points, (255, 250, 232) if coat.patch == CREAM else (170, 166, 180), 0.062)


_PATTERNS = {"spotted": _spots, "striped": _stripes, "patched": _patches, "zigzag": _zigzags}


def _body(image: Image.Image, pen: Pen, build: Build, pattern: str, coat: Coat) -> None:
    """The body with shading and pattern, clipped to its outline."""
    pixels = pen.pixels(build.outline)
    left, top = math.floor(min(x for x, _ in pixels)), math.floor(min(y for _, y in pixels))
    size = math.ceil(max(x for x, _ in pixels)) - left + 1, math.ceil(max(y for _, y in pixels)) - top + 1
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in pixels], fill=255)
    skin = gradient(size, (coat.base, mix(coat.base, coat.dark, 0.7), coat.dark))
    # The lit part is the outline moved towards the light, which leaves a soft crescent of shade below.
    lit = gradient(size, (mix(coat.base, coat.light, 0.7), coat.base, mix(coat.base, coat.dark, 0.35)))
    shift = max(1, round(0.035 * pen.unit))
    skin.paste(lit, (0, 0), ImageChops.offset(mask, -shift, -shift))
    inner = Pen(ImageDraw.Draw(skin), pen.x - left, pen.y - top, pen.unit, pen.flip, pen.tilt)
    if pattern == "plain":
        inner.disc(0.0, 0.24, 0.15, 0.15, mix(coat.base, coat.light, 0.45))
    else:
        _PATTERNS[pattern](inner, coat)
    image.paste(skin, (left, top), mask)
    pen.polygon(build.outline, None, INK, LINE * 1.15)


def _face(pen: Pen, build: Build, asleep: bool, coat: Coat) -> None:
    gap, level = build.eyes
    muzzle = mix(coat.base, (255, 255, 255), 0.30)
    pen.polygon(oval(0.0, level - 0.02, gap * 2.0, 0.105, 2.6, 32), muzzle)
    for side in (-1, 1):
        x = side * gap
        pen.disc(x * 1.45, level - 0.065, 0.03, 0.02, mix(muzzle, (244, 100, 110), 0.6))
        if asleep:
            pen.line([(x - 0.04, level + 0.01), (x, level - 0.018), (x + 0.04, level + 0.01)], INK, 0.02)
        else:
            pen.disc(x, level, 0.048, 0.056, (255, 255, 255), INK, 0.014)
            pen.disc(x + 0.012, level - 0.004, 0.029, 0.036, INK)
            pen.disc(x + 0.022, level + 0.014, 0.012, None, (255, 255, 255))
    pen.disc(0.008, level - 0.045, 0.02, 0.014, INK)
    pen.line([(-0.03, level - 0.075), (0.008, level - 0.093), (0.045, level - 0.075)], INK, 0.016)


def _feet(pen: Pen, coat: Coat, sitting: bool) -> None:
    for side in (-1, 1):
        if sitting:
            pen.disc(side * 0.15, 0.055, 0.075, 0.085, coat.light, INK, LINE)
            pen.disc(side * 0.15, 0.045, 0.038, 0.042, (250, 178, 176))
        else:
            pen.disc(side * 0.105, 0.035, 0.085, 0.045, coat.dark, INK, LINE)


def _arm(pen: Pen, build: Build, coat: Coat, reach: Point) -> None:
    x, y = build.arm
    stroke = [(x - 0.05, y), (x + reach[0] * 0.5, y + reach[1] * 0.3), (x + reach[0], y + reach[1])]
    pen.line(stroke, INK, 0.088)
    pen.line(stroke, coat.base, 0.052)


def _book(pen: Pen, x: float, y: float) -> None:
    book = pen.at(x, y, tilt=0.1)
    book.polygon(
        [(-0.15, -0.03), (0, -0.07), (0.15, -0.03), (0.15, 0.15), (0, 0.11), (-0.15, 0.15)], (190, 60, 66), INK, LINE
    )
    for side in (-1, 1):
        book.polygon(
            [(0, -0.04), (side * 0.13, 0.0), (side * 0.13, 0.165), (0, 0.13)], (255, 252, 240), INK, LINE * 0.7
        )
        for line in (0.03, 0.07, 0.11):
            book.line([(side * 0.035, line), (side * 0.105, line + 0.02)], (120, 120, 140), 0.012, caps=False)


def _balloon(pen: Pen, hand: Point, top: float) -> None:
    x, y = hand[0] + 0.10, top
    pen.line([hand, (x - 0.02, y - 0.2), (x, y - 0.13)], INK, 0.014, caps=False)
    pen.disc(x, y, 0.115, 0.135, (232, 66, 120), INK, LINE)
    pen.disc(x - 0.04, y + 0.05, 0.028, 0.038, (255, 206, 224))


def _sleep_marks(pen: Pen, x: float, y: float) -> None:
    for dx, dy, size in ((0.0, 0.0, 0.07), (0.10, 0.10, 0.10)):
        stroke = [(x + dx, y + dy + size), (x + dx + size, y + dy + size), (x + dx, y + dy), (x + dx + size, y + dy)]
        for colour, width in ((INK, 0.055), ((255, 255, 255), 0.026)):
            # Letters stay readable on a mirrored creature.
            middle = x + dx + size / 2
            pen.line([(middle + pen.flip * (px - middle), py) for px, py in stroke], colour, width)


def _wave_marks(pen: Pen, x: float, y: float) -> None:
    for radius in (0.075, 0.12):
        arc = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in (-0.5, 0.0, 0.5, 1.0)]
        pen.line(arc, (255, 255, 255), 0.026)


def _cushion(pen: Pen) -> None:
    pen.polygon(oval(0, 0.02, 0.37, 0.065, 3.0), (96, 92, 150), INK, LINE)
    pen.line([(-0.30, 0.035), (0.30, 0.035)], (150, 146, 204), 0.018)


def _action(pen: Pen, build: Build, action: str, coat: Coat) -> None:
    """What the creature does on the side it faces, low enough to leave its ears free."""
    x, y = build.arm
    if action == "waving":
        _arm(pen, build, coat, (0.20, 0.13))
        _wave_marks(pen, x + 0.21, y + 0.14)
    elif action == "reading":
        _arm(pen, build, coat, (0.12, -0.04))
        _book(pen, x + 0.17, max(0.1, y - 0.16))
    elif action == "holding a balloon":
        _balloon(pen, (x + 0.17, y + 0.02), max(y + 0.36, 0.66))
        _arm(pen, build, coat, (0.17, 0.02))
    elif action == "sleeping":
        _sleep_marks(pen, x + 0.16, y - 0.04)
    elif action == "jumping":
        _arm(pen, build, coat, (0.14, 0.10))
        for dx in (-0.2, 0.0, 0.2):
            pen.line([(dx, -0.035), (dx, -0.095)], (255, 255, 255), 0.024)
    else:
        _arm(pen, build, coat, (0.06, -0.13))


def draw_creature(
    image: Image.Image, draw: ImageDraw.ImageDraw, scene: Scene, one: Individual, air: tuple[Colour, float, Colour]
) -> None:
    """Paint one individual; `air` is the tint of the weather, its share (0-1), and the colour of shadows."""
    body, ears, tail, pattern, crest = scene.traits
    build, size = BUILDS[body], image.width
    ground = Pen(draw, one.x * size, one.y * size, one.height * size)
    ground.disc(0, 0.01, abs(build.tail[0]) + 0.1, 0.045, air[2])
    lift = 0.13 if scene.action == "jumping" else 0.0
    unit = 1.0 - lift * 0.6
    pen = Pen(draw, one.x * size, (one.y - lift * one.height) * size, one.height * size * unit, one.facing, one.tilt)
    coat = coat_of(scene.colour, one.hue, air[0], air[1])
    if scene.action == "sitting":
        _cushion(pen)
    draw_tail(pen.at(-build.tail[0] + 0.03, build.tail[1], flip=-1), tail, coat)
    draw_crest(pen.at(0, build.top), crest, coat)
    if scene.action != "sitting":
        _feet(pen, coat, sitting=False)
    if ears != "floppy":
        _both_ears(pen, build, ears, coat)
    _body(image, pen, build, pattern, coat)
    _face(pen, build, scene.action == "sleeping", coat)
    if scene.action == "sitting":
        _feet(pen, coat, sitting=True)
    _action(pen, build, scene.action, coat)
    if ears == "floppy":
        _both_ears(pen, build, ears, coat)


def _both_ears(pen: Pen, build: Build, ears: str, coat: Coat) -> None:
    x, y = build.ear
    draw_ears(pen.at(x, y), ears, coat)
    draw_ears(pen.at(-x, y, flip=-1), ears, coat)
