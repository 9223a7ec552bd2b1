"""The figures of one task: cells, gains, domains, types, likeness of the nearest neighbour, leak caps, calibration.

Every figure is in percent (CIDEr times 100), an interval is ``[mean, low, high]``. A gain is the paired difference
from the reference cell over the samples that both answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from raven_core.datasets.examples import Metric
from raven_core.evaluation.plan import capped_name, main_cell, reference_cell
from raven_core.evaluation.records import Row
from raven_core.evaluation.scoring import DIGITS, PERCENT, CellRows, score_cell, score_name
from raven_core.evaluation.statistics import Interval, difference, holm, mean_interval, p_value, quantile_bins
from raven_core.metrics.captioning import NOT_COMPUTED

Figures = dict[str, Any]
OVERALL = "overall"
SIMILARITY_BINS, CONFIDENCE_BINS = 5, 10


def task_figures(by_cell: Mapping[str, Sequence[Row]], metric: Metric, caps: Mapping[str, float]) -> Figures:
    """Everything a report says of one task; writes the scores into the rows.

    Params:
        by_cell: the rows of each cell.
        caps: the image cosine of each leak cap, by the cap as text.
    """
    scored = {cell: score_cell(rows, metric) for cell, rows in by_cell.items()}
    capped = {capped_name(cell, float(cap)) for cell in scored for cap in caps}
    plain = {cell: found for cell, found in scored.items() if cell not in capped}
    reference, main = reference_cell(list(plain)), main_cell(list(plain))
    gain = _Gain(plain, metric, reference)
    figures = {
        "metric": metric,
        "reference_cell": reference,
        "main_cell": main,
        "samples": len({row["id"] for rows in by_cell.values() for row in rows}),
        "cells": {cell: _cell(found, metric) for cell, found in scored.items()},
        "gains": gain.of_cells(plain, p_values=True),
        "domains": gain.of_groups(lambda row: row["domain"]),
        "answer_types": gain.of_groups(lambda row: row["answer_type"]),
        "question_types": _corrected(gain.of_groups(lambda row: row["question_type"], p_values=True)),
        "similarity": gain.by_similarity(main),
        "leak": _leak(scored, metric, gain, main, caps),
        "calibration": {cell: found for cell, rows in plain.items() if (found := _calibration(rows, metric))},
    }
    return figures | ({"not_computed": NOT_COMPUTED} if metric == "CIDEr" else {})


def rounded(interval: Interval) -> list[float]:
    """``[mean, low, high]`` with a report's decimals."""
    return [round(value, DIGITS) for value in interval]


def _cell(found: CellRows, metric: Metric) -> Figures:
    ids = list(found.rows)
    figures: Figures = {"samples": len(ids), "errors": found.errors, "scores": dict(found.scores)}
    if ids:
        figures["interval"] = rounded(mean_interval(found.values(metric, ids), images_of(found, ids)))
    return figures | ({"reason": found.reason} if found.reason else {})


def images_of(found: CellRows, ids: Sequence[str]) -> list[str]:
    """The image of each sample."""
    return [str(found.rows[sample]["image_id"]) for sample in ids]


class _Gain:
    """Differences of cells from the reference cell."""

    def __init__(self, cells: Mapping[str, CellRows], metric: Metric, reference: str | None) -> None:
        self._cells, self._metric, self._reference = cells, metric, reference

    def of(self, cell: CellRows, ids: Sequence[str] | None = None, p: bool = False) -> Figures:
        """The gain of one cell over some samples; empty where it cannot be compared."""
        base = self._cells.get(self._reference or "")
        if base is None or base is cell:
            return {}
        shared = [sample for sample in (cell.rows if ids is None else ids) if sample in base.rows]
        if not shared:
            return {}
        pair = cell.values(self._metric, shared), base.values(self._metric, shared)
        images = images_of(cell, shared)
        figures: Figures = {"samples": len(shared), "gain": rounded(difference(*pair, images))}
        return figures | ({"p": round(p_value(*pair, images), 6)} if p else {})

    def of_cells(self, cells: Mapping[str, CellRows], p_values: bool = False) -> Figures:
        """The gain of each cell that can be compared."""
        gains = {name: self.of(cell, p=p_values) for name, cell in cells.items()}
        return {name: gain for name, gain in gains.items() if gain}

    def of_groups(self, group_of: Callable[[Row], str | None], p_values: bool = False) -> Figures:
        """Scores and gains by group, and overall, where every sample weighs the same; empty without groups."""
        groups: dict[str, set[str]] = {}
        for cell in self._cells.values():
            for sample, row in cell.rows.items():
                group = group_of(row)
                if group:
                    groups.setdefault(group, set()).add(sample)
        if not groups:
            return {}
        groups = dict(sorted(groups.items())) | {OVERALL: set().union(*groups.values())}
        return {group: self._group(samples, p_values) for group, samples in groups.items()}

    def _group(self, samples: set[str], p_values: bool) -> Figures:
        scores, gains, images = {}, {}, set()
        for name, cell in self._cells.items():
            ids = [sample for sample in cell.rows if sample in samples]
            if ids:
                own = images_of(cell, ids)
                images |= set(own)
                scores[name] = rounded(mean_interval(cell.values(self._metric, ids), own))
                gains[name] = self.of(cell, ids, p_values)
        told = {name: gain for name, gain in gains.items() if gain}
        return {"samples": len(samples), "images": len(images), "cells": scores, "gains": told}

    def by_similarity(self, main: str | None) -> list[Figures]:
        """The main cell's gain by how like the query its nearest neighbour is, in bins of like size."""
        cell = self._cells.get(main or "")
        if cell is None:
            return []
        likeness = {sample: nearest_similarity(row) for sample, row in cell.rows.items()}
        known = {sample: value for sample, value in likeness.items() if value is not None}
        if not known or self._reference is None:
            return []
        ids, values = list(known), list(known.values())
        bins = []
        for places in quantile_bins(values, SIMILARITY_BINS):
            inside = [values[place] for place in places]
            gain = self.of(cell, [ids[place] for place in places])
            if gain:
                bins.append({"low": min(inside), "high": max(inside), "mean": round(float(np.mean(inside)), 6), **gain})
        return bins


def nearest_similarity(row: Row) -> float | None:
    """Cosine of the query's image with the nearest neighbour's, else what ranked it; None without neighbours."""
    if not row["neighbours"]:
        return None
    nearest = row["neighbours"][0]
    likeness = nearest["image_similarity"]
    return float(nearest["similarity"] if likeness is None else likeness)


def _corrected(groups: Figures) -> Figures:
    """Holm's correction of each cell's p-values over the groups; overall is no further comparison."""
    cells = {cell for figures in groups.values() for cell in figures["gains"]}
    for cell in cells:
        told = {g: f["gains"][cell] for g, f in groups.items() if g != OVERALL and cell in f["gains"]}
        for group, p in holm({group: gain["p"] for group, gain in told.items()}).items():
            told[group]["p_holm"] = round(p, 6)
    return groups


def _leak(
    scored: Mapping[str, CellRows], metric: Metric, gain: _Gain, main: str | None, caps: Mapping[str, float]
) -> list[Figures]:
    """The main cell without a cap, then under every cap, the loosest first."""
    if main is None or not caps:
        return []
    points: list[Figures] = []
    order = sorted(caps, key=float, reverse=True)
    names: list[tuple[str | None, str]] = [(None, main), *((cap, capped_name(main, float(cap))) for cap in order)]
    for cap, name in names:
        cell = scored.get(name)
        if cell is not None and cell.rows:
            ids = list(cell.rows)
            score = rounded(mean_interval(cell.values(metric, ids), images_of(cell, ids)))
            limit = None if cap is None else caps[cap]
            told = {"cap": None if cap is None else float(cap), "threshold": limit, "cell": name, "score": score}
            points.append(told | gain.of(cell))
    return points


def _calibration(found: CellRows, metric: Metric) -> Figures:
    """Stated confidence against what came of it: accuracy, or ROUGE-L of a caption; ``error`` is the mean distance."""
    name = "ROUGE_L" if metric == "CIDEr" else score_name(metric)
    told = [(row["confidence"], row["scores"][name]) for row in found.rows.values() if row["confidence"] is not None]
    if not told:
        return {}
    stated, true = np.array(told).T * PERCENT
    bins = [
        {
            "confidence": round(float(stated[places].mean()), DIGITS),
            "score": round(float(true[places].mean()), DIGITS),
            "samples": len(places),
        }
        for places in quantile_bins(stated.tolist(), CONFIDENCE_BINS)
    ]
    error = sum(entry["samples"] * abs(entry["confidence"] - entry["score"]) for entry in bins) / len(told)
    return {"against": name, "bins": bins, "error": round(error, DIGITS)}
