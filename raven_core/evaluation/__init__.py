"""Measures what retrieval does: ablation, controls and floors on a data set, with intervals.

>>> from raven_core.datasets import load
>>> from raven_core.evaluation import Options, evaluate
>>> report = evaluate(raven, load("export"), Options(k=3), "out")  # doctest: +SKIP
"""

from __future__ import annotations

from raven_core.evaluation.options import Options
from raven_core.evaluation.report import Report
from raven_core.evaluation.run import evaluate

__all__ = ["Options", "Report", "evaluate"]
