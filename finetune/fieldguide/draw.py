"""A scene as a picture: backdrop, props and creatures from back to front, smoothed by supersampling."""

from PIL import Image, ImageDraw

from finetune.fieldguide.backdrops import WEATHER_LOOKS, paint_backdrop, paint_rain, shadow_colour
from finetune.fieldguide.creatures import draw_creature
from finetune.fieldguide.props import draw_prop
from finetune.fieldguide.scenes import Scene


def render(scene: Scene, size: int = 256, supersample: int = 2) -> Image.Image:
    """Paint a scene, always the same for the same scene and arguments.

    Args:
        scene: what to paint.
        size: width and height of the picture, in pixels.
        supersample: it is painted this many times as large and then averaged down; 1 leaves edges jagged.

    Returns:
        An RGB picture of (size, size) pixels.
    """
    image = Image.new("RGB", (size * supersample, size * supersample))
    draw = ImageDraw.Draw(image)
    paint_backdrop(image, draw, scene.habitat, scene.weather, scene.seed)
    if scene.weather == "rainy":
        paint_rain(draw, image.width, scene.seed)
    _paint_cast(image, draw, scene)
    return image.reduce(supersample) if supersample > 1 else image


def _paint_cast(image: Image.Image, draw: ImageDraw.ImageDraw, scene: Scene) -> None:
    """Props and creatures, those further up the page (further away) first."""
    look = WEATHER_LOOKS[scene.weather]
    shadow = shadow_colour(scene.habitat, scene.weather)
    for name, spot in zip(scene.props, scene.spots, strict=True):
        draw_prop(draw, image.width, name, spot, shadow)
    for one in sorted(scene.individuals, key=lambda individual: individual.y):
        draw_creature(image, draw, scene, one, (look.tint, look.on_creatures, shadow))
