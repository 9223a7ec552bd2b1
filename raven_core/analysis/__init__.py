"""Judgments → findings: rates with intervals, what retrieval did, agreement, cards, exports. All over flat tables.

>>> from raven_core import analysis
>>> seen = analysis.Filters(cells=("both",)).apply(analysis.table(store))  # doctest: +SKIP
>>> analysis.rates(seen, "question_type")  # doctest: +SKIP
"""

from __future__ import annotations

from raven_core.analysis.agreement import Agreement, agreement
from raven_core.analysis.contrasts import LEVELS, Flow, WinRate, flow, win_rate
from raven_core.analysis.exports import FORMATS, export
from raven_core.analysis.filters import Filters, choices
from raven_core.analysis.gallery import Card, Change, changes, gallery
from raven_core.analysis.rates import EVERY, GROUPS, METHOD, Rates, bands, overall, rates, trend
from raven_core.analysis.reading import pairs, table
from raven_core.analysis.report import html_report

__all__ = [
    "EVERY",
    "FORMATS",
    "GROUPS",
    "LEVELS",
    "METHOD",
    "Agreement",
    "Card",
    "Change",
    "Filters",
    "Flow",
    "Rates",
    "WinRate",
    "agreement",
    "bands",
    "changes",
    "choices",
    "export",
    "flow",
    "gallery",
    "html_report",
    "overall",
    "pairs",
    "rates",
    "table",
    "trend",
    "win_rate",
]
