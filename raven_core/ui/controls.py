"""Gradio components that behave a little differently here."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from raven_core.ui.words import say

RENDERER = "raven_renderer"


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
            return decoded(payload.url)
        if not payload.path or not is_upload(payload.path):
            # gradio checks only payloads that say they are files; one that does not say so could name any file
            raise gr.Error(say("error_not_uploaded"))
        return payload.path


def is_upload(path: str) -> bool:
    """Whether a path is in the folder where gradio keeps uploads, links and ``..`` resolved."""
    return Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())


def decoded(address: str) -> bytes:
    """The bytes inside a ``data:`` address in base64; none where it is something else."""
    try:
        return base64.b64decode(address.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return b""


def html(value: str | Callable[[], str] = "", **options: Any) -> gr.HTML:
    """A piece of the page that ``present`` or ``cards`` rendered, in our style instead of gradio's prose.

    Params:
        value: HTML; or what renders it, where it holds words: then the page can have it rendered for each visitor.
    """
    if isinstance(value, str):
        return gr.HTML(value, apply_default_css=False, **options)
    piece = gr.HTML(value(), apply_default_css=False, **options)
    setattr(piece, RENDERER, value)
    return piece


def renderers(page: gr.Blocks) -> dict[Any, Callable[[], str]]:
    """The pieces of a page that hold words, and what renders them."""
    return {block: getattr(block, RENDERER) for block in page.blocks.values() if hasattr(block, RENDERER)}
