"""Which language is spoken: that of the browser whose request is being served, or one that a block of code names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from gradio.context import LocalContext

DEFAULT, CHINESE = "en", "zh-CN"
LANGUAGES = (DEFAULT, CHINESE)

LOCALES = {"zh-cn": CHINESE, "zh-tw": CHINESE}
"""The browsers' languages, in small letters, that gradio's own words exist in and that are served in another language
than English here. Others, such as a bare ``zh``, get gradio's labels in English, and so the rest in English, too."""

_NAMED: ContextVar[str | None] = ContextVar("language", default=None)


def spoken() -> str:
    """The language of the block around, else of the visitor who is being served, else English.

    gradio names the request to handlers, generators and queued events; a thread that a handler starts knows it only
    when it runs in a copy of the handler's context.
    """
    named = _NAMED.get()
    if named is not None:
        return named
    request = LocalContext.request.get(None)
    headers = getattr(request, "headers", None)  # programs' requests may have none
    return preferred(headers.get("accept-language") or "") if headers is not None else DEFAULT


def preferred(header: str) -> str:
    """The language for an ``Accept-Language`` header; as in the browser, only the first one counts."""
    first = header.partition(",")[0].partition(";")[0].strip().lower()
    return LOCALES.get(first, DEFAULT)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language while the block runs, whoever is being served."""
    token = _NAMED.set(language)
    try:
        yield
    finally:
        _NAMED.reset(token)
