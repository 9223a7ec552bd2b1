"""The words of a run's report and plots; another language hands in its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Words: TypeAlias = Mapping[str, str]

WORDS: Words = {
    "language": "en",
    # the report
    "title": "{data}: {profile}, {neighbours} neighbours",
    "asked": "asked for",
    "samples": "samples",
    "stopped": "The run was stopped before its end.",
    "failed": "{failed} of {samples} samples failed",
    "failed_body": "and have no score:",
    "head_error": "error",
    "head_answers": "answers",
    "task_caption": "Captions",
    "task_vqa": "Questions",
    "note": "Figures are percentages, CIDEr times 100; in brackets the 95% bootstrap interval over images. A gain is "
    "the paired difference from `{reference}` over the same samples.",
    "metric_CIDEr": "CIDEr",
    "metric_vqa_accuracy": "VQA accuracy",
    "metric_exact_match": "exact match",
    "head_cell": "cell",
    "head_scored": "scored",
    "head_failed": "failed",
    "head_gain": "gain",
    "head_images": "images",
    "cell_gain": "{cell} gain",
    "none": "none",
    "no_score": "none: {reason}",
    "not_computed": "Not computed: {reasons}.",
    "not_computed_one": "{name}, because {why}",
    "by_domain": "Domain",
    "by_answer_type": "Answer type",
    "by_question_type": "Question type",
    "holm": "p is corrected over the question types of a cell (Holm); it comes from flipping the signs of the images' "
    "differences.",
    "similarity": "Gain by likeness of the nearest neighbour",
    "head_cosine": "cosine",
    "from_to": "{low} to {high}",
    "leak": "Without the most similar memory items",
    "head_cap": "cap (quantile)",
    "calibration": "Stated confidence",
    "head_against": "against",
    "head_distance": "mean distance",
    "head_stated": "stated",
    "head_true": "true",
    # the plots
    "unit_CIDEr": "CIDEr x 100",
    "unit_vqa_accuracy": "VQA accuracy, points",
    "unit_exact_match": "exact match, points",
    "plot_gain": "{unit}, above {reference}, 95% interval",
    "plot_cells": "Gain by cell",
    "plot_domains": "Gain of {cell} by domain",
    "plot_question_types": "Gain of {cell} by question type (* p < 0.05, corrected)",
    "plot_similarity": "Gain of {cell} by likeness of the nearest neighbour",
    "plot_similarity_x": "cosine of query and nearest neighbour",
    "plot_similarity_y": "gain, {unit}",
    "plot_leak": "{cell} without the most similar memory items",
    "plot_leak_x": "memory kept up to this quantile of the query-neighbour similarity",
    "plot_no_cap": "no cap",
    "plot_calibration": "Calibration (mean distance)",
    "plot_calibration_x": "stated confidence, %",
    "plot_calibration_y": "{against}, %",
}
"""Every word of them. A language may add names of values, as ``cell=none``; values without one stand as they are."""


def filled(words: Words | None) -> Words:
    """The words of a language, English where it lacks one."""
    return {**WORDS, **(words or {})}


def named(say: Words, kind: str, value: str) -> str:
    """A value in words, where the language has some."""
    return say.get(f"{kind}={value}", value)
