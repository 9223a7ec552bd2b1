"""What is looked at on the Errors tab, by whom: form or address → filters → findings. No gradio."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from raven_core.errors import RavenError, StoreError
from raven_core.judgments import JudgmentStore
from raven_core.ui import errors_cards, present
from raven_core.ui.context import Context
from raven_core.ui.errors_layout import EVERY, FILTERS, GROUPS, MENUS
from raven_core.ui.words import say

if TYPE_CHECKING:  # these import pandas, which takes a moment
    from raven_core.analysis import Filters
    from raven_core.ui.errors_findings import Findings, Seen

TAB = "errors"
KEYS = (
    "tab", "by", "every", "cell", "adapter", "task", "type", "domain", "tag", "verdict", "annotator", "queue", "kind",
    "from", "to", "since", "until", "text",
)  # fmt: skip
"""What the address of the page may hold of this tab."""


@dataclass(frozen=True)
class Asked:
    """A grouping, a span, a page of answers from 0, and the filters: by name, or as ``query`` where that is given.

    ``change`` is a press that puts a filter on or takes it off, in the words of an address; "" clears them all.
    """

    by: str = GROUPS[0]
    every: str = EVERY[0]
    page: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    query: str | None = None
    change: str | None = None


def asked_of(values: Sequence[Any]) -> Asked:
    """From the values of ``Desk.asked``, in their order."""
    by, every, page, *filters = values
    return Asked(by or GROUPS[0], every or EVERY[0], int(page or 0), dict(zip(FILTERS, filters, strict=True)))


def asked_in(query: str) -> Asked:
    """From the address of a page; groupings and spans that do not exist are ignored."""
    given = dict(parse_qsl(query.removeprefix("?")))
    by, every = given.get("by", ""), given.get("every", "")
    return Asked(by if by in GROUPS else GROUPS[0], every if every in EVERY else EVERY[0], query=query)


def filters_of(asked: Asked) -> Filters:
    """The filters that are asked for.

    Raises:
        OptionError: one cannot be understood.
    """
    from raven_core.analysis import Filters
    from raven_core.ui.errors_findings import toggled

    if asked.query is not None:
        filters = Filters.from_query(asked.query)
    else:
        lists: dict[str, Any] = {name: tuple(asked.values.get(name) or ()) for name in MENUS}
        texts: dict[str, Any] = {name: str(asked.values.get(name) or "").strip() for name in ("since", "until", "text")}
        filters = Filters(**lists, **texts, similarity=(asked.values.get("low"), asked.values.get("high")))
    if asked.change is None:
        return filters
    return toggled(filters, asked.change) if asked.change else Filters()


def address(filters: Filters, by: str, every: str) -> str:
    """What the address of the page says of this look, after the question mark; what is usual is left out."""
    usual = {"by": (by, GROUPS[0]), "every": (every, EVERY[0])}
    told = [("tab", TAB), *((key, value) for key, (value, common) in usual.items() if value != common)]
    query = filters.to_query()
    return urlencode(told) + (f"&{query}" if query else "")


def values_of(filters: Filters) -> dict[str, Any]:
    """The values of the form by the names in ``FILTERS``."""
    low, high = filters.similarity
    ends = {"low": low, "high": high}
    return {name: list(getattr(filters, name)) for name in MENUS} | ends | {
        name: getattr(filters, name) for name in ("since", "until", "text")
    }  # fmt: skip


def look(context: Context, person: str, asked: Asked) -> Findings:
    """The findings of what this person may see under what is asked.

    Raises:
        OptionError: a filter or grouping cannot be understood.
        StoreError: nothing is stored here, or the database refuses.
    """
    from raven_core.ui import errors_findings

    seen = seen_by(context, person).under(filters_of(asked))
    return errors_findings.find(store_of(context), seen, asked.by, asked.every, asked.page)


def store_of(context: Context) -> JudgmentStore:
    """The store.

    Raises:
        StoreError: this server keeps none.
    """
    if context.keeper.store is None:
        raise StoreError(say("errors_off_body"))
    return context.keeper.store


def seen_by(context: Context, person: str) -> Seen:
    """What this person may see, without filters.

    Raises:
        StoreError: as for ``look``.
    """
    from raven_core.ui.errors_findings import Seen

    return Seen.by(store_of(context), person, context.settings.dashboard)


def waiting(context: Context, person: str, name: str) -> str:
    """What the page shows of a replay until it is there.

    Raises:
        StoreError: there is no such judgment for this person.
    """
    from raven_core.ui.errors_findings import card_named

    return errors_cards.waiting(card_named(store_of(context), seen_by(context, person), name))


def replay(context: Context, person: str, name: str) -> str:
    """What came of asking a judged answer again, or why it cannot be asked."""
    from raven_core.ui import errors_findings

    try:
        store = store_of(context)
        card = errors_findings.card_named(store, seen_by(context, person), name)
        return errors_cards.replayed(errors_findings.replay(context.raven, store, card))
    except RavenError as problem:
        return present.error(problem)


_WARM = threading.Lock()
_WARMED: set[int] = set()


def warm(context: Context) -> None:
    """Read the judgments once, in the background and after the models, so that the first look is quick."""
    with _WARM:
        is_first = id(context) not in _WARMED
        _WARMED.add(id(context))
    if is_first and context.keeper.store is not None:
        threading.Thread(target=_read, args=(context,), name="judgments-reader", daemon=True).start()


def _read(context: Context) -> None:
    from raven_core import analysis

    context.loader.wait(600)
    try:
        analysis.table(store_of(context))
    except RavenError:  # whoever looks will be told
        return
