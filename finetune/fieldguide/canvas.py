"""A canvas in fractions of the picture, and a pen with a frame of its own: drawing code never sees pixels."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` (0-1) of `second` in it."""
    keep = 1 - share
    return (
        int(first[0] * keep + second[0] * share),
        int(first[1] * keep + second[1] * share),
        int(first[2] * keep + second[2] * share),
    )


class Pen:
    """Draws on an image in local coordinates: origin at (x, y) pixels, y upwards, `unit` pixels to 1.

    `flip` is +1 or -1 and mirrors x; `tilt` turns everything, radians counter-clockwise before mirroring.
    """

    def __init__(
        self, draw: ImageDraw.ImageDraw, x: float, y: float, unit: float, flip: int = 1, tilt: float = 0.0
    ) -> None:
        self.draw, self.x, self.y, self.unit, self.flip, self.tilt = draw, x, y, unit, flip, tilt
        self._a, self._b = math.cos(tilt) * unit, math.sin(tilt) * unit

    def at(self, x: float, y: float, unit: float = 1.0, flip: int = 1, tilt: float = 0.0) -> "Pen":
        """A pen whose origin is this pen's (x, y), `unit` times as large."""
        ((px, py),) = self.pixels([(x, y)])
        return Pen(self.draw, px, py, self.unit * unit, self.flip * flip, self.tilt * flip + tilt)

    def pixels(self, points: Sequence[Point]) -> list[Point]:
        """Local points as pixels of the image."""
        a, b, x0, y0, flip = self._a, self._b, self.x, self.y, self.flip
        return [(x0 + flip * (x * a - y * b), y0 - (x * b + y * a)) for x, y in points]

    def width(self, width: float) -> int:
        """A line width in local units as whole pixels, at least 1."""
        return max(1, round(width * self.unit))

    def polygon(
        self, points: Sequence[Point], fill: Colour | None, outline: Colour | None = None, width: float = 0.0
    ) -> None:
        """A filled polygon with an outline centred on its edge."""
        pixels = self.pixels(points)
        if fill is not None:
            self.draw.polygon(pixels, fill=fill)
        if outline is not None:
            self.draw.line([*pixels, pixels[0], pixels[1]], fill=outline, width=self.width(width), joint="curve")

    def line(self, points: Sequence[Point], fill: Colour, width: float, caps: bool = True) -> None:
        """A stroke with rounded joints and, unless `caps` is off, rounded ends."""
        pixels = self.pixels(points)
        wide = self.width(width)
        self.draw.line(pixels, fill=fill, width=wide, joint="curve" if len(pixels) > 2 else None)
        if caps and wide > 2:
            radius = wide / 2
            for px, py in (pixels[0], pixels[-1]):
                self.draw.ellipse((px - radius, py - radius, px + radius, py + radius), fill=fill)

    def disc(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float | None,
        fill: Colour,
        outline: Colour | None = None,
        width: float = 0,
    ) -> None:
        """An upright ellipse around (x, y), its outline inside its edge."""
        ((px, py),) = self.pixels([(x, y)])
        wide, high = rx * self.unit, (rx if ry is None else ry) * self.unit
        box = (px - wide, py - high, px + wide, py + high)
        if outline is None:
            self.draw.ellipse(box, fill=fill)
        else:
            self.draw.ellipse(box, fill=fill, outline=outline, width=self.width(width))


def gradient(size: tuple[int, int], stops: Sequence[Colour]) -> Image.Image:
    """A vertical gradient of (width, height) pixels through evenly spaced colours, top first."""
    strip = Image.new("RGB", (1, len(stops)))
    strip.putdata(list(stops))
    # Half a pixel is cut off at either end so that the first and last colours reach the edges.
    return strip.resize(size, Image.Resampling.BILINEAR, box=(0, 0.5, 1, len(stops) - 0.5))


def smooth(points: Sequence[Point], steps: int = 6) -> list[Point]:
    """A closed Catmull-Rom curve through the points, `steps` segments between neighbours."""
    curve: list[Point] = []
    count = len(points)
    for i in range(count):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            u, v = t * t, t * t * t
            wa, wb = -0.5 * t + u - 0.5 * v, 1 - 2.5 * u + 1.5 * v
            wc, wd = 0.5 * t + 2 * u - 1.5 * v, -0.5 * u + 0.5 * v
            curve.append((ax * wa + bx * wb + cx * wc + dx * wd, ay * wa + by * wb + cy * wc + dy * wd))
    return curve


def oval(x: float, y: float, rx: float, ry: float, power: float = 2.0, count: int = 40) -> list[Point]:
    """A closed superellipse: power 2 is an ellipse, larger is boxier."""
    points = []
    for i in range(count):
        c, s = math.cos(2 * math.pi * i / count), math.sin(2 * math.pi * i / count)
        points.append(
            (
                x + rx * math.copysign(abs(c) ** (2 / power), c),
                y + ry * math.copysign(abs(s) ** (2 / power), s),
            )
        )
    return points
