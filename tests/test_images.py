"""Images are read as a person sees them, refused with a reason, and told apart by their hashes."""

import io
import socket
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from raven_core import images
from raven_core.errors import ImageError
from raven_core.images import content_hash, hash_distance, load_image, perceptual_hash
from tests.tiny import block


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def near(found: object, expected: tuple[int, int, int], slack: int = 6) -> bool:
    return bool(np.abs(np.asarray(found, dtype=int) - np.asarray(expected)).max() <= slack)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header announces this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def test_bytes_paths_and_pillow_images_give_the_same_pixels(tmp_path):
    image = block("red")
    path = tmp_path / "red.png"
    image.save(path)
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), image):
        assert load_image(source).tobytes() == image.tobytes()


def test_exif_rotation_is_applied_and_metadata_left_behind():
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn a quarter clockwise
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}
    found = load_image(encoded(image, "JPEG", quality=95, exif=exif))
    assert found.size == (20, 40)
    assert near(found.getpixel((10, 5)), (0, 0, 255)) and near(found.getpixel((10, 35)), (255, 0, 0))
    assert not found.getexif() and not found.info


def test_broken_exif_does_not_hide_the_image():
    data = encoded(Image.new("RGB", (8, 8), "green"), "JPEG", exif=b"Exif\0\0nonsense")
    assert load_image(data).size == (8, 8)


def test_cmyk_is_read_in_its_colours():
    data = encoded(Image.new("RGB", (16, 16), (200, 30, 40)).convert("CMYK"), "JPEG", quality=95)
    assert near(load_image(data).getpixel((8, 8)), (200, 30, 40))


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (32896, 128), (65535, 255)])
def test_sixteen_bits_are_scaled_not_clipped(value, expected):
    grey = Image.fromarray(np.full((6, 6), value, dtype=np.uint16))
    assert load_image(encoded(grey)).getpixel((2, 2)) == (expected,) * 3
    assert load_image(encoded(grey, "TIFF")).getpixel((2, 2)) == (expected,) * 3


def test_float_images_are_scaled_by_their_range():
    unit = Image.fromarray(np.array([[0.0, 0.5], [1.0, 1.0]], dtype=np.float32))
    assert [load_image(encoded(unit, "TIFF")).getpixel((x, 0))[0] for x in (0, 1)] == [0, 128]
    wide = Image.fromarray(np.array([[-1000.0, 0.0], [1000.0, np.nan]], dtype=np.float32))
    assert [load_image(encoded(wide, "TIFF")).getpixel((x, 0))[0] for x in (0, 1)] == [0, 128]


def test_transparency_is_shown_on_white():
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 1), 1)
    found = load_image(encoded(palette, "PNG", transparency=0))
    assert found.getpixel((0, 0)) == (255, 255, 255) and found.getpixel((1, 1)) == (0, 0, 255)
    assert load_image(encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0)))).getpixel((0, 0)) == (255, 255, 255)
    assert near(load_image(encoded(Image.new("LA", (4, 4), (0, 128)))).getpixel((0, 0)), (127, 127, 127))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animated_files_show_their_first_frame(format):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert near(load_image(data).getpixel((4, 4)), (255, 0, 0))


def test_black_and_white_and_grey_become_rgb():
    assert load_image(encoded(Image.new("1", (4, 4), 1))).getpixel((0, 0)) == (255, 255, 255)
    assert load_image(encoded(Image.new("L", (4, 4), 77))).getpixel((0, 0)) == (77, 77, 77)


def test_colour_profiles_are_honoured():
    lab = Image.new("LAB", (4, 4), (0, 128, 128))  # black in CIELAB
    assert near(load_image(encoded(lab, "TIFF")).getpixel((0, 0)), (0, 0, 0))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = load_image(encoded(Image.new("RGB", (4, 4), (12, 200, 99)), icc_profile=srgb))
    assert same.getpixel((0, 0)) == (12, 200, 99)
    broken = load_image(encoded(Image.new("RGB", (4, 4), (12, 200, 99)), icc_profile=b"nonsense"))
    assert broken.getpixel((0, 0)) == (12, 200, 99)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "zero bytes"),
        (b"hello, this is no image", "not an image"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "SVG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", "HEIC"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00", "video"),
        (b"8BPS\x00\x01", "Photoshop"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"RIFF\x24\x08\x00\x00WEBPVP8 ", "truncated"),
    ],
)
def test_what_is_no_readable_image_is_refused_with_the_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        load_image(data)


def test_unsupported_formats_say_so():
    with pytest.raises(ImageError, match="unsupported format"):
        load_image(encoded(Image.new("RGB", (16, 16)), "ICO"))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated_files_are_refused(format):
    data = encoded(block("red", size=128), format)
    with pytest.raises(ImageError, match="truncated or damaged"):
        load_image(data[: len(data) // 2])


def test_the_pixel_limit_is_checked_before_decoding(monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="over the limit of 50,000,000"):
        load_image(png_claiming(9000, 9000))
    with warnings.catch_warnings(), pytest.raises(ImageError, match="too many pixels"):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        load_image(png_claiming(60_000, 60_000))
    with pytest.raises(ImageError, match="over the limit of 10"):
        load_image(Image.new("RGB", (4, 4)), max_pixels=10)


def test_images_thinner_than_processors_can_bear_are_refused():
    assert load_image(Image.new("RGB", (1000, 10))).size == (1000, 10)
    with pytest.raises(ImageError, match="thinner"):
        load_image(Image.new("RGB", (1001, 10)))


def test_addresses_are_never_opened(monkeypatch):
    monkeypatch.setattr(socket, "socket", lambda *args, **kwargs: pytest.fail("a socket was opened"))
    for address in ("https://example.org/a.png", "HTTP://example.org/a.png", "data:image/png;base64,AAAA", "file:///x"):
        with pytest.raises(ImageError, match="address"):
            load_image(address)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(ImageError, match="no image file"):
        load_image(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="cannot be read"):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        load_image("a\0b")


def test_content_hash_names_pixels_and_shape():
    image = Image.new("RGB", (2, 3), "red")
    assert content_hash(image) == content_hash(load_image(encoded(image)))
    assert content_hash(image) == content_hash(image.convert("RGBA"))
    assert content_hash(image) != content_hash(Image.new("RGB", (3, 2), "red"))
    assert content_hash(image) != content_hash(Image.new("RGB", (2, 3), (254, 0, 0)))


def test_hash_distance_counts_bits():
    assert hash_distance("0" * 16, "f" * 16) == 64
    assert hash_distance("0000000000000005", "0000000000000006") == 2


def test_perceptual_hash_survives_scaling_and_recompression_and_tells_pictures_apart():
    pictures = [block("red", seed, size=96) for seed in range(12)]
    for picture in pictures:
        again = load_image(encoded(picture.resize((180, 180)), "JPEG", quality=50))
        assert hash_distance(perceptual_hash(picture), perceptual_hash(again)) <= 4
    hashes = [perceptual_hash(picture) for picture in pictures]
    assert all(len(value) == 16 for value in hashes)
    assert min(hash_distance(first, second) for i, first in enumerate(hashes) for second in hashes[:i]) > 4


def test_perceptual_hash_is_the_pictures_cosine_transform():
    """Half the picture light: the first horizontal frequency, and no vertical one, carries it."""
    image = Image.new("L", (32, 32), 0)
    image.paste(255, (0, 0, 16, 32))
    grey = np.asarray(image, dtype=float)
    assert (images._COSINES @ grey @ images._COSINES.T)[1:, :] == pytest.approx(0, abs=1e-9)
    assert int(perceptual_hash(image), 16) >> 62 == 0b11  # mean and first frequency are above the median of zero
