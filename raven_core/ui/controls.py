"""Gradio components that behave a little differently here."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import gradio as gr


class Picture(gr.Image):
    """An image whose bytes are decoded by ``raven_core.images`` alone, which knows how to refuse the bad ones.

    ``gr.Image`` opens the upload itself and fails with pillow's words on a broken file.
    """

    def get_block_name(self) -> str:
        """The browser shows it as an ordinary image component."""
        return "image"

    def preprocess(self, payload: Any) -> Any:
        """The path of the upload; or the bytes themselves where the browser sent them inside an address."""
        if payload is None:
            return None
        if payload.url and payload.url.startswith("data:"):
            try:
                return base64.b64decode(payload.url.partition(",")[2], validate=True)
            except (binascii.Error, ValueError):
                return b""
        return payload.path


def html(value: str = "", **options: Any) -> gr.HTML:
    """A piece of the page that ``present`` or ``cards`` rendered, in our style instead of gradio's prose."""
    return gr.HTML(value, apply_default_css=False, **options)
