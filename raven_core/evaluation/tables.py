"""The figures of a run as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TITLES = {"caption": "Captions", "vqa": "Questions"}
_METRICS = {"CIDEr": "CIDEr", "vqa_accuracy": "VQA accuracy", "exact_match": "exact match"}
_NOTE = (
    "Figures are percentages, CIDEr times 100; in brackets the 95% bootstrap interval over images. A gain is the "
    "paired difference from `{reference}` over the same samples."
)


def interval(figure: Sequence[float] | None) -> str:
    """``12.3 [10.1, 14.5]``, or a dash."""
    return "-" if not figure else f"{figure[0]:.1f} [{figure[1]:.1f}, {figure[2]:.1f}]"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def markdown(data: Mapping[str, Any]) -> str:
    """The whole report."""
    run = data["run"]
    title = f"# {run['data']}: {run['profile']}, {run['neighbours']} neighbours"
    parts = [title, _about(data), _errors(data)]
    for task, figures in data["tasks"].items():
        parts += [f"## {_TITLES[task]}", *_task(figures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(data: Mapping[str, Any]) -> str:
    run = data["run"]
    names = ("source", "split", "limit", "seed", "adapter", "k", "order", "question_weight", "drop_duplicates")
    rows = [(name, f"{run[name]}") for name in names if run.get(name) is not None]
    return table(["asked for", ""], [*rows, ("samples", f"{data['samples']}")])


def _errors(data: Mapping[str, Any]) -> str:
    told = [] if data["complete"] else ["**The run was stopped before its end.**"]
    if data["failed_samples"]:
        told.append(f"**{data['failed_samples']} of {data['samples']} samples failed** and have no score:")
        told.append(table(["error", "answers"], [(error, str(n)) for error, n in data["errors"].items()]))
    return "\n\n".join(told)


def _task(figures: Mapping[str, Any]) -> list[str]:
    parts = [_NOTE.format(reference=figures["reference_cell"])] if figures["reference_cell"] else []
    parts.append(_cells(figures))
    if "not_computed" in figures:
        reasons = "; ".join(f"{name}, because {why}" for name, why in figures["not_computed"].items())
        parts.append(f"Not computed: {reasons}.")
    for key, title in (("domains", "Domain"), ("answer_types", "Answer type"), ("question_types", "Question type")):
        if figures[key]:
            parts += [f"### {title}", _groups(figures[key], title.lower(), figures["reference_cell"])]
    if figures["question_types"]:
        parts.append(
            "p is corrected over the question types of a cell (Holm); it comes from flipping the signs of the images' "
            "differences."
        )
    if figures["similarity"]:
        parts += ["### Gain by likeness of the nearest neighbour", _similarity(figures)]
    if figures["leak"]:
        parts += ["### Without the most similar memory items", _leak(figures)]
    if figures["calibration"]:
        parts += ["### Stated confidence", _calibration(figures)]
    return parts


def _cells(figures: Mapping[str, Any]) -> str:
    metric = _METRICS[figures["metric"]]
    others = [name for name in _score_names(figures) if name not in ("CIDEr", "accuracy")]
    rows = []
    for name, cell in figures["cells"].items():
        gain = figures["gains"].get(name, {})
        score = interval(cell.get("interval")) if not cell.get("reason") else f"none: {cell['reason']}"
        told = [f"{cell['scores'][other]:.1f}" if cell["scores"] else "-" for other in others]
        rows.append([name, str(cell["samples"]), str(cell["errors"]), score, interval(gain.get("gain")), *told])
    return table(["cell", "scored", "failed", metric, "gain", *others], rows)


def _score_names(figures: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(name for cell in figures["cells"].values() for name in cell["scores"]))


def _groups(groups: Mapping[str, Any], title: str, reference: str | None) -> str:
    names = list(dict.fromkeys(name for group in groups.values() for name in group["cells"]))
    gains = [name for name in names if name != reference and any(name in g["gains"] for g in groups.values())]
    head = [title, "images", "samples", *names, *(f"{name} gain" for name in gains)]
    rows = [
        [
            group,
            str(figures["images"]),
            str(figures["samples"]),
            *(interval(figures["cells"].get(name)) for name in names),
            *(_gain(figures["gains"].get(name)) for name in gains),
        ]
        for group, figures in groups.items()
    ]
    return table(head, rows)


def _gain(gain: Mapping[str, Any] | None) -> str:
    if not gain:
        return "-"
    p = gain.get("p_holm")
    return interval(gain["gain"]) + ("" if p is None else f", p {p:.3f}")


def _similarity(figures: Mapping[str, Any]) -> str:
    rows = [
        [f"{entry['low']:.3f} to {entry['high']:.3f}", str(entry["samples"]), interval(entry["gain"])]
        for entry in figures["similarity"]
    ]
    return table(["cosine", "samples", f"{figures['main_cell']} gain"], rows)


def _leak(figures: Mapping[str, Any]) -> str:
    rows = [
        [
            "none" if point["cap"] is None else f"{point['cap']:g}",
            "-" if point["threshold"] is None else f"{point['threshold']:.4f}",
            interval(point["score"]),
            interval(point.get("gain")),
        ]
        for point in figures["leak"]
    ]
    return table(["cap (quantile)", "cosine", _METRICS[figures["metric"]], "gain"], rows)


def _calibration(figures: Mapping[str, Any]) -> str:
    rows = []
    for name, entry in figures["calibration"].items():
        told = (entry["error"], _mean(entry, "confidence"), _mean(entry, "score"))
        rows.append([name, entry["against"], *(f"{value:.1f}" for value in told)])
    return table(["cell", "against", "mean distance", "stated", "true"], rows)


def _mean(entry: Mapping[str, Any], name: str) -> float:
    samples = sum(part["samples"] for part in entry["bins"])
    return float(sum(part[name] * part["samples"] for part in entry["bins"]) / samples)
