"""Safe decoding of images, and the hashes that tell them apart. Opens bytes and local files, never an address."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageCms, ImageOps

from raven_core.errors import ImageError

ImageSource: TypeAlias = bytes | bytearray | str | Path | Image.Image
"""Encoded bytes, a path to a local file, or an image already opened by pillow."""

MAX_PIXELS = 50_000_000
"""Width times height above which an image is refused, before it is decoded."""

MAX_ASPECT = 100
"""Longest over shortest side: processors that scale the short side would blow a thinner strip up without bound."""

Image.init()  # registers the plugins; else opening by format knows only the most common ones
FORMATS = tuple(
    name
    for name in ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
    if name in Image.OPEN
)
"""What is decoded; other pillow plugins (EPS, PDF, FITS ...) run code or tools that a photo never needs."""

HASH_BITS = 64
_COSINES = np.cos(np.pi / 32 * (np.arange(32)[None] + 0.5) * np.arange(8)[:, None])  # (8, 32)

_FOREIGN = (
    (0, b"%PDF", "a PDF"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML or SVG file"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\x00\x00\x01\x00", "a Windows icon"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (4, b"JXL ", "a JPEG XL image"),
    (4, b"ftyphei", "a HEIC photo"),
    (4, b"ftyphev", "a HEIC photo"),
    (4, b"ftypmif1", "a HEIC photo"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"PK\x03\x04", "a ZIP archive or document"),
)


def load_image(source: ImageSource, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The image as a person sees it: upright, first frame, on white where it is transparent.

    Params:
        source: encoded bytes, a local path, or a pillow image.
        max_pixels: limit on width times height, in pixels.
    Returns:
        A new RGB image (8 bits a channel) without metadata.
    Raises:
        ImageError: no such file, zero bytes, not an image, unsupported format, truncated, or over the limit.
    """
    if isinstance(source, Image.Image):
        return _as_seen(source, max_pixels)
    with _open(_read(source)) as image:
        return _as_seen(image, max_pixels)


def content_hash(image: Image.Image) -> str:
    """64 hex digits that name the pixels: sha256 over mode, size and bytes of the RGB image."""
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return hashlib.sha256(f"RGB {rgb.width}x{rgb.height} ".encode() + rgb.tobytes()).hexdigest()


def perceptual_hash(image: Image.Image) -> str:
    """16 hex digits (64 bits) that hardly change when an image is scaled or recompressed.

    The "pHash": of the 32 x 32 grey image, which of the 8 x 8 lowest cosine frequencies lie above their median. The
    same bits as ``imagehash.phash``, in a sixth of its time and without its dependencies.
    """
    grey = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    low = _COSINES @ np.asarray(grey, dtype=np.float64) @ _COSINES.T
    bits = np.packbits((low > np.median(low)).ravel())
    return bits.tobytes().hex()


def hash_distance(first: str, second: str) -> int:
    """Number of bits, 0 to 64, in which two perceptual hashes differ."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def _read(source: bytes | bytearray | str | Path) -> bytes:
    data = bytes(source) if isinstance(source, bytes | bytearray) else _read_file(source)
    if not data:
        raise ImageError("The image is empty (zero bytes): save or upload it again.")
    return data


def _read_file(source: str | Path) -> bytes:
    text = str(source)
    if text.lower().startswith(("http://", "https://", "ftp://", "data:", "file://")):
        raise ImageError(f"{text[:80]!r} is an address, and RAVEN opens none: save the image and give its file.")
    try:
        return Path(source).read_bytes()
    except FileNotFoundError:
        raise ImageError(f"There is no image file {text!r}: check the path.") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"The image file {text[:200]!r} cannot be read ({error}): check that it is a file.") from error


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(f"The image has too many pixels ({error}): make it smaller.") from error
    except Exception as error:  # plugins raise anything on broken headers
        raise ImageError(_why_unreadable(data)) from error


def _why_unreadable(data: bytes) -> str:
    head = data[:64].lstrip()
    for offset, magic, name in _FOREIGN:
        if head[offset:].startswith(magic):
            return f"This is {name}, an unsupported format: save it as JPEG or PNG."
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")):
        return "The image is truncated or damaged: save or upload it again."
    return "This is not an image that RAVEN can read: use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF."


def _as_seen(image: Image.Image, max_pixels: int) -> Image.Image:
    _check_size(image.size, max_pixels)
    try:
        image.load()
        plain = _to_rgb(_upright(image))
    except Exception as error:  # decoders raise OSError, SyntaxError, EOFError, struct.error ... on broken data
        raise ImageError("The image is truncated or damaged: save or upload it again.") from error
    _check_size(plain.size, max_pixels)  # a GIF's first frame may be larger than its announced screen
    return Image.fromarray(np.array(plain))  # a fresh image leaves EXIF, with its place and time, behind


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError("The image has no pixels: save or upload it again.")
    if width * height > max_pixels:
        raise ImageError(
            f"The image has {width} x {height} = {width * height:,} pixels, over the limit of {max_pixels:,}: "
            "make it smaller, or raise max_pixels."
        )
    if max(size) > MAX_ASPECT * min(size):
        raise ImageError(f"The image is {width} x {height}, thinner than 1 to {MAX_ASPECT}: crop it.")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - broken EXIF says nothing about the pixels
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _scale_to_8_bits(image).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return _managed(image) or image.convert("RGB")


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    """A grey image of 16 or 32 bits a pixel, scaled to 8 (pillow's own ``convert`` clips at 255)."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and 0 <= low and high <= 1:
        scaled = values * 255
    elif image.mode.startswith("I;16") or (0 <= low and 255 < high <= 65535):
        scaled = values / 257  # 65535 / 255
    elif 0 <= low and high <= 255:
        scaled = values
    else:
        scaled = (values - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(np.rint(scaled).clip(0, 255).astype(np.uint8))


def _managed(image: Image.Image) -> Image.Image | None:
    """The image in sRGB where its own colour profile (or CIELAB) says what its numbers mean, else None."""
    profile = image.info.get("icc_profile")
    if image.mode != "LAB" and not profile:
        return None
    try:
        source = (
            ImageCms.createProfile("LAB")
            if image.mode == "LAB"
            else ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        )
        if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except Exception:  # noqa: BLE001 - a profile for another mode, or a broken one: the plain numbers must do
        return None
