"""Prompts as a model's chat template writes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raven_core.types import Prompt


def render_prompt(processor: Any, prompt: Prompt) -> str:
    """The prompt as the processor's chat template writes it, images as its placeholder."""
    controls = control_tokens(processor.tokenizer)

    def clean(part: Mapping[str, Any]) -> dict[str, Any]:
        # a caption that spells one of the model's control tokens must stay text
        text = part.get("text", "")
        for token in controls:
            text = text.replace(token, _defused(token))
        return {**part, "text": text} if part["type"] == "text" else dict(part)

    messages = [{**message, "content": [clean(part) for part in message["content"]]} for message in prompt.messages]
    return str(processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def control_tokens(tokenizer: Any) -> list[str]:
    """The tokens that mean something other than their letters, longest first."""
    # not all of them are among `all_special_tokens`: the marks around an image's tiles are not
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    return sorted({*tokenizer.all_special_tokens, *added}, key=lambda token: (-len(token), token))


def _defused(token: str) -> str:
    """The token as text that reads alike: other brackets, or else a joiner of no width behind the first letter."""
    other = token.replace("<", "‹").replace(">", "›")
    return other if other != token else f"{token[0]}\u2060{token[1:]}"


def expand_images(processor: Any, text: str) -> str:
    """A rendered prompt with each image placeholder replaced by the tokens of an image shown as one tile."""
    tile = processor.replace_image_token({"rows": [[0]], "cols": [[0]]}, 0)
    return text.replace(processor.image_token, tile)
