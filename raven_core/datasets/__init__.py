"""Data sets in the field's formats, read as ``Example`` s: ``load(path)`` finds out which format it is."""

from __future__ import annotations

from raven_core.datasets.examples import Dataset, Example
from raven_core.datasets.loading import load

__all__ = ["Dataset", "Example", "load"]
