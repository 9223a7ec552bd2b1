"""Sky, weather and the eight habitats, painted in flat layers whose colours already hold the weather."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from finetune.fieldguide.canvas import Colour, Pen, Point, gradient, mix, oval

HORIZON = 0.46  # where the ground begins, from the top of the picture


@dataclass(frozen=True)
class Weather:
    """The sky from top to horizon, and the tint all scenery takes on; shares are 0-1."""

    sky: tuple[Colour, ...]
    tint: Colour
    share: float
    on_creatures: float


WEATHER_LOOKS = {
    "sunny": Weather(((104, 182, 240), (170, 216, 248), (226, 240, 250)), (255, 250, 220), 0.04, 0.0),
    "rainy": Weather(((120, 134, 154), (152, 166, 182), (188, 198, 208)), (112, 126, 148), 0.34, 0.08),
    "foggy": Weather(((206, 212, 216), (222, 226, 228), (234, 236, 236)), (224, 228, 230), 0.46, 0.12),
    "night": Weather(((20, 26, 66), (34, 44, 96), (66, 76, 134)), (24, 30, 78), 0.50, 0.12),
    "sunset": Weather(((128, 92, 156), (240, 140, 110), (254, 206, 120)), (246, 130, 84), 0.28, 0.06),
}

Layer = Callable[["Stage"], None]


@dataclass(frozen=True)
class Stage:
    """What backdrop painters get: a pen in picture coordinates (y downwards is negative), rng and weather."""

    pen: Pen
    rng: random.Random
    weather: Weather
    night: bool

    def tint(self, colour: Colour, extra: float = 0.0) -> Colour:
        """A scenery colour in this weather; `extra` fades what lies further away."""
        return mix(colour, self.weather.tint, min(0.9, self.weather.share + extra))

    def shape(self, points: list[Point], colour: Colour, extra: float = 0.0) -> None:
        """A polygon in fractions of the picture, y from the top."""
        self.pen.polygon([(x, -y) for x, y in points], self.tint(colour, extra))

    def blob(self, x: float, y: float, rx: float, ry: float, colour: Colour, extra: float = 0.0) -> None:
        """An ellipse in fractions of the picture, y from the top."""
        self.pen.disc(x, -y, rx, ry, self.tint(colour, extra))

    def stroke(self, points: list[Point], colour: Colour, width: float, extra: float = 0.0) -> None:
        """A line in fractions of the picture, y from the top."""
        self.pen.line([(x, -y) for x, y in points], self.tint(colour, extra), width, caps=False)

    def hills(self, level: float, height: float, colour: Colour, extra: float = 0.0, waves: float = 1.5) -> None:
        """A rolling band from its edge near `level` down to the foot of the picture."""
        phase = self.rng.uniform(0, 6.28)
        edge = [(i / 16, level - height * math.sin(phase + waves * 6.28 * i / 16)) for i in range(17)]
        self.shape([*edge, (1, 1), (0, 1)], colour, extra)


def _sky(image: Image.Image, stage: Stage, weather: str) -> None:
    size = image.width
    image.paste(gradient((size, int(size * 0.62)), stage.weather.sky), (0, 0))
    pen, rng = stage.pen, stage.rng
    sun_x = rng.choice((0.15, 0.32, 0.68, 0.85))
    if weather == "sunny":
        for radius, colour in ((0.13, (250, 244, 206)), (0.095, (255, 226, 110))):
            pen.disc(sun_x, -0.13, radius, None, colour)
        for _ in range(3):
            _cloud(pen, rng.uniform(0, 1), -rng.uniform(0.06, 0.24), rng.uniform(0.05, 0.08), (255, 255, 255))
    elif weather == "night":
        for _ in range(26):
            pen.disc(rng.random(), -rng.uniform(0.0, 0.40), rng.uniform(0.004, 0.008), None, (255, 250, 214))
        pen.disc(sun_x, -0.13, 0.085, None, (255, 246, 200))
        pen.disc(sun_x + 0.04, -0.115, 0.072, None, (28, 36, 82))
    elif weather == "sunset":
        pen.disc(sun_x, -0.38, 0.18, None, (255, 190, 104))
        pen.disc(sun_x, -0.38, 0.14, None, (255, 236, 150))
        for _ in range(3):
            pen.polygon(oval(rng.random(), -rng.uniform(0.08, 0.3), 0.2, 0.014, count=16), (250, 170, 150))
    elif weather == "rainy":
        for i in range(5):
            _cloud(pen, i * 0.25 + rng.uniform(-0.05, 0.05), -rng.uniform(0.02, 0.09), 0.10, (98, 110, 132))
    else:
        for level in (0.1, 0.22, 0.34):
            _fog_bank(stage, level + rng.uniform(-0.02, 0.02), (244, 246, 246))


def _cloud(pen: Pen, x: float, y: float, size: float, colour: Colour) -> None:
    for dx, dy, r in ((-0.9, -0.15, 0.6), (0.0, 0.15, 0.85), (0.9, -0.1, 0.65), (0.3, -0.3, 0.7)):
        pen.disc(x + dx * size, y + dy * size, r * size * 1.15, r * size * 0.8, colour)


def _fog_bank(stage: Stage, level: float, colour: Colour) -> None:
    x = stage.rng.uniform(-0.2, 0.5)
    stage.pen.polygon(oval(x + 0.3, -level, 0.42, 0.028, count=20), colour)
    stage.pen.polygon(oval(x + 0.7, -level - 0.03, 0.3, 0.022, count=20), colour)


def _forest(stage: Stage) -> None:
    stage.hills(HORIZON - 0.14, 0.02, (70, 118, 84), 0.25)
    for x, fade, wide in [(i * 0.125, 0.12, 0.10) for i in range(9)] + [(i * 0.2 - 0.02, 0.0, 0.12) for i in range(6)]:
        x += stage.rng.uniform(-0.03, 0.03)
        foot = HORIZON + 0.02 + (0.03 if not fade else 0.0)
        stage.shape(
            [(x - 0.014, foot), (x - 0.014, foot - 0.2), (x + 0.014, foot - 0.2), (x + 0.014, foot)], (98, 70, 52), fade
        )
        for k in range(3):
            y = foot - 0.07 - k * 0.095
            half = wide * (1 - 0.24 * k)
            stage.shape([(x - half, y), (x, y - 0.17), (x + half, y)], (38 + 10 * k, 96 + 10 * k, 64 + 4 * k), fade)
    stage.hills(HORIZON + 0.03, 0.008, (118, 140, 84))
    for _ in range(16):
        x, y = stage.rng.random(), stage.rng.uniform(0.55, 1.0)
        stage.blob(x, y, 0.03, 0.008, (142, 116, 72))


def _meadow(stage: Stage) -> None:
    stage.hills(HORIZON - 0.06, 0.03, (160, 204, 120), 0.15)
    stage.hills(HORIZON, 0.02, (146, 204, 104))
    stage.hills(HORIZON + 0.22, 0.02, (132, 194, 92))
    for _ in range(34):
        x, y = stage.rng.random(), stage.rng.uniform(0.5, 1.0)
        colour = stage.rng.choice(((255, 255, 255), (255, 226, 92), (240, 130, 170), (150, 120, 220)))
        stage.stroke([(x, y), (x, y + 0.02)], (86, 150, 70), 0.006)
        stage.blob(x, y, 0.011, 0.009, colour)


def _desert(stage: Stage) -> None:
    stage.hills(HORIZON - 0.05, 0.04, (236, 186, 120), 0.1, 1.0)
    stage.hills(HORIZON + 0.02, 0.025, (244, 208, 140), 0.0, 1.3)
    for x in (0.08, 0.42, 0.92):
        x += stage.rng.uniform(-0.05, 0.05)
        foot, high = HORIZON + 0.03, stage.rng.uniform(0.16, 0.24)
        stage.stroke([(x, foot), (x, foot - high)], (66, 138, 88), 0.042)
        stage.stroke([(x, foot - 0.07), (x + 0.06, foot - 0.07), (x + 0.06, foot - 0.14)], (66, 138, 88), 0.026)
        stage.stroke([(x, foot - 0.10), (x - 0.055, foot - 0.10), (x - 0.055, foot - 0.15)], (66, 138, 88), 0.026)
    for _ in range(9):
        x, y = stage.rng.random(), stage.rng.uniform(0.56, 0.98)
        stage.stroke([(x - 0.07, y), (x, y - 0.012), (x + 0.07, y)], (226, 178, 108), 0.008)


def _beach(stage: Stage) -> None:
    stage.shape([(0, 0.33), (1, 0.33), (1, 0.56), (0, 0.56)], (52, 150, 196))
    for _ in range(14):
        x, y = stage.rng.random(), stage.rng.uniform(0.35, 0.47)
        stage.stroke([(x - 0.04, y), (x + 0.04, y)], (150, 212, 232), 0.007)
    stage.hills(HORIZON + 0.01, 0.010, (238, 248, 250), 0.0, 2.5)
    stage.hills(HORIZON + 0.035, 0.010, (250, 226, 168), 0.0, 2.5)
    for _ in range(12):
        stage.blob(
            stage.rng.random(),
            stage.rng.uniform(0.58, 1.0),
            0.012,
            0.006,
            stage.rng.choice(((230, 190, 140), (244, 172, 150))),
        )
    side = stage.rng.choice((0.03, 0.97))
    lean = 0.1 if side < 0.5 else -0.1
    stage.stroke([(side, 0.56), (side + lean * 0.3, 0.34), (side + lean, 0.16)], (150, 108, 72), 0.028)
    for angle in (-2.7, -2.0, -1.2, -0.4, 0.2):
        tip = (side + lean + 0.17 * math.cos(angle), 0.17 + 0.12 * math.sin(angle) + 0.05)
        stage.shape([(side + lean, 0.145), tip, (side + lean, 0.19)], (70, 150, 88))


def _mountains(stage: Stage) -> None:
    for x, high, half, fade in ((0.12, 0.34, 0.30, 0.1), (0.55, 0.40, 0.34, 0.05), (0.92, 0.30, 0.28, 0.1)):
        x += stage.rng.uniform(-0.06, 0.06)
        top = HORIZON + 0.04 - high
        stage.shape([(x - half, HORIZON + 0.05), (x, top), (x + half, HORIZON + 0.05)], (112, 122, 150), fade)
        cap = 0.42
        zig = [(x - half * cap, top + high * cap), (x - half * 0.18, top + high * 0.30), (x, top + high * 0.44),
               (x + half * 0.18, top + high * 0.30), (x + half * cap, top + high * cap)]  # fmt: skip
        stage.shape([(x, top), *zig[::-1]], (250, 252, 255), fade)
    stage.hills(HORIZON + 0.03, 0.012, (232, 240, 250))
    stage.hills(HORIZON + 0.25, 0.015, (218, 230, 246))
    for _ in range(5):
        x, y = stage.rng.random(), stage.rng.uniform(0.5, 0.55)
        for k in range(2):
            stage.shape(
                [(x - 0.035, y - k * 0.035), (x, y - 0.08 - k * 0.035), (x + 0.035, y - k * 0.035)], (64, 106, 96)
            )


def _marsh(stage: Stage) -> None:
    stage.hills(HORIZON - 0.04, 0.02, (112, 136, 96), 0.2)
    stage.hills(HORIZON + 0.01, 0.008, (132, 146, 84))
    for y, x in ((0.54, 0.25), (0.63, 0.78), (0.76, 0.10), (0.84, 0.55), (0.96, 0.85), (0.98, 0.22)):
        x += stage.rng.uniform(-0.08, 0.08)
        stage.pen.polygon(oval(x, -y, 0.21, 0.034, count=24), stage.tint((84, 128, 132)))
        stage.pen.polygon(oval(x, -y - 0.004, 0.15, 0.018, count=20), stage.tint((122, 168, 168)))
        stage.blob(x + 0.1, y, 0.03, 0.011, (96, 160, 88))
    for _ in range(22):
        x, foot = stage.rng.random(), stage.rng.uniform(HORIZON, HORIZON + 0.06)
        high = stage.rng.uniform(0.12, 0.22)
        stage.stroke([(x, foot), (x + 0.008, foot - high)], (92, 118, 60), 0.010)
        stage.stroke([(x + 0.005, foot - high + 0.055), (x + 0.008, foot - high)], (112, 72, 46), 0.022)


def _cave(stage: Stage) -> None:
    stage.hills(HORIZON - 0.06, 0.03, (140, 170, 130), 0.2)
    stage.shape([(0, HORIZON), (1, HORIZON), (1, 1), (0, 1)], (128, 112, 108))
    for _ in range(14):
        stage.blob(stage.rng.random(), stage.rng.uniform(0.52, 1.0), 0.04, 0.012, (108, 94, 94))
    # The roof and walls frame the way out, through which the weather shows.
    arch = [
        (0.5 + 0.40 * math.cos(a), 0.50 - 0.36 * math.sin(a) + stage.rng.uniform(-0.012, 0.012))
        for a in [i * math.pi / 14 for i in range(15)]
    ]
    stage.shape([(1, 0.56), *[(min(x, 0.93), y) for x, y in arch], (0, 0.56), (0, 0), (1, 0)], (86, 72, 78))
    for i in range(7):
        x = 0.08 + i * 0.14 + stage.rng.uniform(-0.03, 0.03)
        stage.shape([(x - 0.035, 0), (x, stage.rng.uniform(0.12, 0.24)), (x + 0.035, 0)], (62, 50, 58))
    for x, colour in ((0.04, (120, 210, 220)), (0.96, (190, 140, 230))):
        stage.shape([(x - 0.035, 0.57), (x - 0.01, 0.44), (x + 0.01, 0.46), (x + 0.04, 0.57)], colour)


def _village(stage: Stage) -> None:
    stage.hills(HORIZON - 0.03, 0.015, (150, 190, 120), 0.15)
    roofs = ((196, 84, 66), (106, 122, 172), (170, 104, 74), (120, 92, 130))
    for i, x in enumerate((0.02, 0.23, 0.44, 0.65, 0.86)):
        x += stage.rng.uniform(-0.01, 0.01)
        high = stage.rng.uniform(0.13, 0.2)
        foot = HORIZON + 0.03
        wall = stage.rng.choice(((244, 226, 196), (236, 208, 180), (246, 238, 222)))
        stage.shape([(x, foot), (x, foot - high), (x + 0.16, foot - high), (x + 0.16, foot)], wall)
        stage.shape([(x - 0.025, foot - high), (x + 0.08, foot - high - 0.12), (x + 0.185, foot - high)], roofs[i % 4])
        window = (255, 226, 120) if stage.night else (132, 178, 206)
        for wx in (x + 0.025, x + 0.105):
            y = foot - high + 0.03
            stage.pen.polygon([(wx, -y), (wx + 0.03, -y), (wx + 0.03, -y - 0.04), (wx, -y - 0.04)], window)
        stage.shape(
            [(x + 0.065, foot), (x + 0.065, foot - 0.07), (x + 0.1, foot - 0.07), (x + 0.1, foot)], (122, 82, 62)
        )
    stage.hills(HORIZON + 0.03, 0.004, (196, 180, 156))
    for row in range(7):
        y = 0.55 + row * 0.07
        for k in range(7):
            x = k * 0.16 + (row % 2) * 0.08 + stage.rng.uniform(-0.015, 0.015)
            stage.blob(x, y, 0.055, 0.016, (178, 162, 142))


_HABITATS: dict[str, Layer] = {
    "forest": _forest,
    "meadow": _meadow,
    "desert": _desert,
    "beach": _beach,
    "mountains": _mountains,
    "marsh": _marsh,
    "cave": _cave,
    "village": _village,
}
_GROUNDS: dict[str, Colour] = {
    "forest": (118, 140, 84),
    "meadow": (132, 194, 92),
    "desert": (244, 208, 140),
    "beach": (250, 226, 168),
    "mountains": (218, 230, 246),
    "marsh": (120, 138, 96),
    "cave": (128, 112, 108),
    "village": (196, 180, 156),
}


def shadow_colour(habitat: str, weather: str) -> Colour:
    """The colour of a shadow on that ground in that weather."""
    look = WEATHER_LOOKS[weather]
    return mix(mix(_GROUNDS[habitat], look.tint, look.share), (20, 20, 50), 0.28)


def paint_backdrop(image: Image.Image, draw: ImageDraw.ImageDraw, habitat: str, weather: str, seed: int) -> None:
    """Fill a square picture with sky and habitat; `seed` decides what is mere decoration."""
    rng = random.Random(seed)
    pen = Pen(draw, 0, 0, image.width)
    stage = Stage(pen, rng, WEATHER_LOOKS[weather], weather == "night")
    _sky(image, stage, weather)
    _HABITATS[habitat](stage)
    if weather == "foggy":
        for level in (0.42, 0.5, 0.6, 0.8):
            _fog_bank(stage, level, (236, 239, 240))


def paint_rain(draw: ImageDraw.ImageDraw, size: int, seed: int) -> None:
    """Thin slanting strokes over the whole picture, sparse enough to leave the creatures readable."""
    rng = random.Random(seed ^ 0x5A17)
    pen = Pen(draw, 0, 0, size)
    for _ in range(46):
        x, y = rng.uniform(0, 1.1), -rng.uniform(-0.02, 1.0)
        pen.line([(x, y), (x - 0.02, y - 0.05)], (206, 222, 240), 0.005, caps=False)
