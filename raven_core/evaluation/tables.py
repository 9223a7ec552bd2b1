"""The figures of a run as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from raven_core.evaluation.words import Words, filled, named


def interval(figure: Sequence[float] | None) -> str:
    """``12.3 [10.1, 14.5]``, or a dash."""
    return "-" if not figure else f"{figure[0]:.1f} [{figure[1]:.1f}, {figure[2]:.1f}]"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def markdown(data: Mapping[str, Any], words: Words | None = None) -> str:
    """The whole report; ``words`` replace entries of ``WORDS``."""
    say, run = filled(words), data["run"]
    neighbours = named(say, "neighbours", run["neighbours"])
    title = "# " + say["title"].format(data=run["data"], profile=run["profile"], neighbours=neighbours)
    parts = [title, _about(data, say), _errors(data, say)]
    for task, figures in data["tasks"].items():
        parts += ["## " + say[f"task_{task}"], *_task(figures, say)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(data: Mapping[str, Any], say: Words) -> str:
    run = data["run"]
    names = ("source", "split", "limit", "seed", "adapter", "k", "order", "question_weight", "drop_duplicates")
    rows = [(name, f"{run[name]}") for name in names if run.get(name) is not None]
    return table([say["asked"], ""], [*rows, (say["samples"], f"{data['samples']}")])


def _errors(data: Mapping[str, Any], say: Words) -> str:
    told = [] if data["complete"] else [f"**{say['stopped']}**"]
    if data["failed_samples"]:
        failed = say["failed"].format(failed=data["failed_samples"], samples=data["samples"])
        told.append(f"**{failed}** {say['failed_body']}")
        head = [say["head_error"], say["head_answers"]]
        told.append(table(head, [(error, str(n)) for error, n in data["errors"].items()]))
    return "\n\n".join(told)


def _task(figures: Mapping[str, Any], say: Words) -> list[str]:
    reference = figures["reference_cell"]
    parts = [say["note"].format(reference=named(say, "cell", reference))] if reference else []
    parts.append(_cells(figures, say))
    if "not_computed" in figures:
        told = [say["not_computed_one"].format(name=name, why=why) for name, why in figures["not_computed"].items()]
        parts.append(say["not_computed"].format(reasons="; ".join(told)))
    for kind in ("domain", "answer_type", "question_type"):
        if figures[f"{kind}s"]:
            title = say[f"by_{kind}"]
            parts += [f"### {title}", _groups(figures[f"{kind}s"], title.lower(), reference, say)]
    if figures["question_types"]:
        parts.append(say["holm"])
    for kind, tell in (("similarity", _similarity), ("leak", _leak), ("calibration", _calibration)):
        if figures[kind]:
            parts += [f"### {say[kind]}", tell(figures, say)]
    return parts


def _cells(figures: Mapping[str, Any], say: Words) -> str:
    metric = say[f"metric_{figures['metric']}"]
    others = [name for name in _score_names(figures) if name not in ("CIDEr", "accuracy")]
    rows = []
    for name, cell in figures["cells"].items():
        gain = figures["gains"].get(name, {})
        score = (
            interval(cell.get("interval")) if not cell.get("reason") else say["no_score"].format(reason=cell["reason"])
        )
        told = [f"{cell['scores'][other]:.1f}" if cell["scores"] else "-" for other in others]
        rows.append(
            [
                named(say, "cell", name),
                str(cell["samples"]),
                str(cell["errors"]),
                score,
                interval(gain.get("gain")),
                *told,
            ]
        )
    head = [say["head_cell"], say["head_scored"], say["head_failed"], metric, say["head_gain"]]
    return table([*head, *others], rows)


def _score_names(figures: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(name for cell in figures["cells"].values() for name in cell["scores"]))


def _groups(groups: Mapping[str, Any], title: str, reference: str | None, say: Words) -> str:
    names = list(dict.fromkeys(name for group in groups.values() for name in group["cells"]))
    gains = [name for name in names if name != reference and any(name in g["gains"] for g in groups.values())]
    cells = {name: named(say, "cell", name) for name in names}
    told = [say["cell_gain"].format(cell=cells[name]) for name in gains]
    head = [title, say["head_images"], say["samples"], *cells.values(), *told]
    rows = [
        [
            named(say, "group", group),
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


def _similarity(figures: Mapping[str, Any], say: Words) -> str:
    rows = [
        [
            say["from_to"].format(low=f"{entry['low']:.3f}", high=f"{entry['high']:.3f}"),
            str(entry["samples"]),
            interval(entry["gain"]),
        ]
        for entry in figures["similarity"]
    ]
    gain = say["cell_gain"].format(cell=named(say, "cell", figures["main_cell"]))
    return table([say["head_cosine"], say["samples"], gain], rows)


def _leak(figures: Mapping[str, Any], say: Words) -> str:
    rows = [
        [
            say["none"] if point["cap"] is None else f"{point['cap']:g}",
            "-" if point["threshold"] is None else f"{point['threshold']:.4f}",
            interval(point["score"]),
            interval(point.get("gain")),
        ]
        for point in figures["leak"]
    ]
    metric = say[f"metric_{figures['metric']}"]
    return table([say["head_cap"], say["head_cosine"], metric, say["head_gain"]], rows)


def _calibration(figures: Mapping[str, Any], say: Words) -> str:
    rows = []
    for name, entry in figures["calibration"].items():
        told = (entry["error"], _mean(entry, "confidence"), _mean(entry, "score"))
        rows.append([named(say, "cell", name), entry["against"], *(f"{value:.1f}" for value in told)])
    head = [say[f"head_{name}"] for name in ("cell", "against", "distance", "stated", "true")]
    return table(head, rows)


def _mean(entry: Mapping[str, Any], name: str) -> float:
    samples = sum(part["samples"] for part in entry["bins"])
    return float(sum(part[name] * part["samples"] for part in entry["bins"]) / samples)
