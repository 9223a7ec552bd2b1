"""``gr.Blocks`` with what gradio lacks: words for programs, and views of a run that a slow browser gets whole."""

from __future__ import annotations

from typing import Any

import gradio as gr

from raven_core.ui.labels import in_words


class Page(gr.Blocks):
    """The page."""

    def get_api_info(self, *arguments: Any, **options: Any) -> Any:
        """What programs may call: in English words, not in the marks that stand for them in every language."""
        return in_words(super().get_api_info(*arguments, **options))

    def handle_streaming_diffs(self, block_fn: Any, data: list[Any], *arguments: Any, **options: Any) -> list[Any]:
        """What is sent of a run's next view: updates of components always whole, texts as what was added to them.

        gradio sends what is different, and the browser writes the differences into the object that it got with the view
        before. A browser that is busy has not drawn that one yet, and what the next view takes out of it is never
        drawn: a page would stay at Stop after a run that ended with an update and then with none.
        """
        whole = list(data)
        sent = super().handle_streaming_diffs(block_fn, data, *arguments, **options)
        return [replaced(new, told) for new, told in zip(whole, sent, strict=False)] + sent[len(whole) :]


def replaced(new: Any, told: Any) -> Any:
    """Differences of an update, a list of edits, as one edit: the new update in place of the old one."""
    is_edit = isinstance(new, dict) and isinstance(told, list) and bool(told)
    return [["replace", [], new]] if is_edit else told
