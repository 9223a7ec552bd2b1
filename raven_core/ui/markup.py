"""Small pieces of HTML. Captions, questions and answers are untrusted: everything goes through :func:`esc`."""

from __future__ import annotations

import base64
import html
import io

from PIL import Image

THUMBNAIL = 320  # pixels: twice the width of a card, for dense screens


def esc(text: object) -> str:
    """``text`` as it may stand in HTML, in an attribute too."""
    return html.escape(str(text), quote=True)


def percent(share: float) -> str:
    """A share in [0, 1] as whole per cent, without the sign: 0.834 → ``83``."""
    return f"{100 * min(max(share, 0.0), 1.0):.0f}"


def seconds(value: float) -> str:
    """A duration as a person reads it: ``640 ms``, ``2.1 s``."""
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.1f} s"


def shorten(text: str, limit: int = 60) -> str:
    """``text`` in one line of at most ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def data_uri(image: Image.Image, side: int = THUMBNAIL) -> str:
    """The image, at most ``side`` pixels wide and high, as a ``data:`` address that needs no file access."""
    small = image.convert("RGB")
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=86, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def picture(image: Image.Image, alt: str, side: int = THUMBNAIL, classes: str = "") -> str:
    """An ``<img>`` with its picture inside."""
    shown = f' class="{esc(classes)}"' if classes else ""
    return f'<img{shown} src="{data_uri(image, side)}" alt="{esc(alt)}" width="{image.width}" height="{image.height}">'


def callout(kind: str, title: str, body: str, role: str = "status") -> str:
    """A framed message; ``kind`` is ``error``, ``warning`` or ``hint``."""
    return (
        f'<div class="rv-callout rv-{esc(kind)}" role="{esc(role)}">'
        f"<strong>{esc(title)}</strong><span>{esc(body)}</span></div>"
    )
