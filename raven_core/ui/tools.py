"""Tools for language models, by the Model Context Protocol (MCP): four functions that remember nothing.

gradio would offer every endpoint of the page, and have all who call them share one session: one could judge, delete
or download what another gave. So only these are offered, and they keep neither an image nor an answer.
"""

from __future__ import annotations

import importlib.util
import re
from typing import Any, Literal
from urllib.parse import unquote

import gradio as gr
from PIL import Image

from raven_core.errors import ConfigError, InputError
from raven_core.images import load_image
from raven_core.types import CELLS
from raven_core.ui import records
from raven_core.ui.annotate_api import refused_in_words
from raven_core.ui.context import Context
from raven_core.ui.controls import decoded, is_upload
from raven_core.ui.explore_events import MODEL
from raven_core.ui.words import say

TOOLS = ("answer", "find_neighbours", "compare", "explain")
PREFIX = "tool_"
"""Their endpoints' names begin with it: ``answer`` is one of the page's already."""

EXTRA = 'pip install "gradio[mcp]>=6.31,<7"'
Shown = Literal["none", "text", "image", "both"]


def check() -> None:
    """Whether tools can be offered here.

    Raises:
        ConfigError: what that needs is not installed.
    """
    if importlib.util.find_spec("mcp") is None:
        raise ConfigError(f"The MCP server needs more packages: {EXTRA}, or start without --mcp and RAVEN_MCP.")


def wire(context: Context) -> None:
    """Give the page the endpoints of the tools; their docstrings are what a language model reads."""

    def answer(image: str, question: str = "", k: int = 3, shown: Shown = "both", adapter: str = "") -> dict[str, Any]:
        """Caption an image, or answer a question about it, with the help of similar captioned images from a memory.

        Args:
            image: a data: address with the image in base64, or the address of a file uploaded to this server.
            question: what to answer; empty for a caption.
            k: how many similar images to look up, 0 to 10.
            shown: what of them the model is shown: none, text (their captions), image, or both.
            adapter: one of the profile's adapters, or base; empty for the default.
        """
        return refused_in_words(lambda: answered(context, image, question, k, shown, adapter))

    def find_neighbours(image: str, question: str = "", k: int = 3) -> list[dict[str, Any]]:
        """The captioned images of the memory that are most like an image (and a question), best first.

        Args:
            image: a data: address with the image in base64, or the address of a file uploaded to this server.
            question: weighs in the search; may be empty.
            k: how many, 1 to 10.
        """
        return refused_in_words(lambda: found(context, image, question, k))

    def compare(image: str, question: str = "", references: list[str] | None = None, k: int = 3) -> dict[str, Any]:
        """Ask the same without neighbours, with their captions, their images, and both, and say what that changed.

        Args:
            image: a data: address with the image in base64, or the address of a file uploaded to this server.
            question: what to answer; empty for a caption.
            references: right answers or captions, if known: then it is said whether retrieval helped or hurt.
            k: how many similar images to look up, 0 to 10.
        """
        return refused_in_words(lambda: compared(context, image, question, references, k))

    def explain(
        image: str, question: str = "", shown: Literal["text", "image", "both"] = "both",
        method: Literal["loo", "shapley"] = "loo", k: int = 3,
    ) -> dict[str, Any]:  # fmt: skip
        """Which neighbour, and what of it, an answer owes its words to: shares of its log-likelihood in nats.

        Args:
            image: a data: address with the image in base64, or the address of a file uploaded to this server.
            question: what to answer; empty for a caption.
            shown: what of the neighbours the model is shown: text (their captions), image, or both.
            method: loo leaves one neighbour out at a time; shapley weighs every subset (at most 5 neighbours).
            k: how many similar images to look up, 1 to 10.
        """
        return refused_in_words(lambda: explained(context, image, question, shown, method, k))

    for tool in (answer, find_neighbours, compare, explain):
        gr.api(tool, api_name=f"{PREFIX}{tool.__name__}", concurrency_limit=1, concurrency_id=MODEL)


def offer_only_tools(page: gr.Blocks) -> None:
    """Leave nothing but the tools on the MCP server of a page that was launched with one.

    Raises:
        ConfigError: this version of gradio keeps its tools elsewhere; all endpoints would be offered.
    """
    server: Any = page.mcp_server_obj
    if not isinstance(getattr(server, "tool_to_endpoint", None), dict):
        raise ConfigError(f"This version of gradio cannot be told which tools to offer: {EXTRA}.")
    server.tool_to_endpoint = {f"{server.tool_prefix}{name}": f"/{PREFIX}{name}" for name in TOOLS}


def opened(context: Context, image: str) -> Image.Image:
    """The image that a text brings: inside a ``data:`` address, or uploaded to this server before; nothing is fetched.

    Raises:
        InputError: it is neither; ImageError: it cannot be read.
    """
    limit = context.settings.max_pixels
    if image.startswith("data:"):
        return load_image(decoded(image), limit)
    path = unquote(re.sub(r"^https?://[^?#]*/gradio_api/file=", "", image.strip()))
    if not path or not is_upload(path):
        raise InputError(say("error_no_tool_image"))
    return load_image(path, limit)


def answered(context: Context, image: str, question: str, k: int, shown: str, adapter: str) -> dict[str, Any]:
    """An answer as plain values."""
    if shown not in CELLS:
        raise InputError(say("error_no_shown", shown=shown))
    asked: dict[str, Any] = {"k": int(k), "modalities": CELLS[shown], "adapter": adapter or None}  # type: ignore[index]
    picture = opened(context, image)
    return records.answer(context.raven.answer(picture, question.strip() or None, seed=context.settings.seed, **asked))


def found(context: Context, image: str, question: str, k: int) -> list[dict[str, Any]]:
    """Neighbours as plain values."""
    picture = opened(context, image)
    return [records.neighbour(one) for one in context.raven.neighbours(picture, question.strip() or None, k=int(k))]


def compared(context: Context, image: str, question: str, references: list[str] | None, k: int) -> dict[str, Any]:
    """A comparison as plain values."""
    picture = opened(context, image)
    asked: dict[str, Any] = {"references": references or None, "k": int(k), "seed": context.settings.seed}
    return records.comparison(context.raven.compare(picture, question.strip() or None, **asked))


def explained(context: Context, image: str, question: str, shown: str, method: str, k: int) -> dict[str, Any]:
    """An attribution as plain values."""
    picture, asked = opened(context, image), question.strip() or None
    comparison = context.raven.compare(picture, asked, cells=(shown,), k=int(k), seed=context.settings.seed)
    cell = comparison.cells[0]
    if not cell.generation.neighbours:
        raise InputError(say("error_not_explainable"))
    return records.attribution(context.raven.attribute(cell.generation, picture, asked, method=method), cell)
