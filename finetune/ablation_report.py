"""The section of docs/results.md on the ablation, out of the figures that ``finetune.ablation`` left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.fieldguide.species import DOMAINS
from raven_core.evaluation.tables import interval, table

OVERALL = "overall"
COMMAND = "python -m finetune.ablation"
TASKS = {"caption": "CIDEr, times 100", "vqa": "VQA accuracy, %"}
WORDS = {
    "baseline": "`no-retrieval` adapter",
    "none": "none",
    "text": "text",
    "image": "image",
    "both": "both",
    "nearest-caption": "nearest caption copied",
    "text-only": "base model, captions, no image",
}
BARS = (("out-domain", "gain", 0, 20.0), (OVERALL, "gain", 0, 4.0), ("in-domain", "lower end", 1, -3.0))
"""Domain, what of the gain of ``both`` over the baseline in CIDEr, its place in the interval, and its least value."""

Figures = Mapping[str, Any]


def section(figures: Figures) -> str:
    """All tables of one training seed."""
    seed, main = figures["training_seed"], figures["main"]
    gained = {domain: group["gains"]["both"]["gain"] for domain, group in main["caption"]["domains"].items()}
    parts = [f"### Training seed {seed}: test seed {figures['seed']}", _size(figures), bar_table(gained)]
    for task, metric in TASKS.items():
        told = main[task]
        parts += [f"#### {metric}", cells(told), f"Gain over the `no-retrieval` adapter in {metric}:", gains(told)]
    parts += ["#### Accuracy by question type", types(main["vqa"])]
    parts += ["#### Other neighbours, and none that are too alike", controls(figures["controls"]), ORACLE, CAPS]
    parts += [leak(main)]
    return "\n\n".join(parts)


def mean_section(figures: Figures) -> str:
    """The bars of the mean over training seeds."""
    seeds = " and ".join(map(str, figures["training_seeds"]))
    told = "An image's gain is the mean of its gains under each training seed; the interval is over images."
    return "\n\n".join([f"### Mean over training seeds {seeds}", told, bar_table(figures["gains"])])


ORACLE = (
    "Oracle neighbours are chosen one by one, each for the share of the references' words that its caption says. For "
    "questions that is better evidence; for captions it is no upper bound: with training seed 1 a third of these sets "
    "name another species too (retrieved: 6%), and the creature is named right in 86% of the captions (retrieved: 96%)."
)
CAPS = (
    "Leak curve: `both` again, without the memory items whose image is more similar to the query's than that quantile "
    "of the similarity between queries and their nearest neighbours."
)


def _size(figures: Figures) -> str:
    asked, answered = figures["main"]["caption"]["samples"], figures["main"]["vqa"]["samples"]
    return (
        f"{figures['n']} pictures and {figures['questions']} questions a split: {asked} captions and {answered} "
        f"answers in each cell; {figures['failed_samples']} failed."
    )


def bars(gained: Mapping[str, Sequence[float]]) -> list[tuple[str, str, str, bool]]:
    """What is asked of the gain in CIDEr, what was measured by domain, and whether it holds.

    Gains must be surely above zero.
    """
    found = []
    for domain, what, place, least in BARS:
        gain = gained[domain]
        sure = gain[1] > 0 if least > 0 else True
        holds = gain[place] >= least and sure
        found.append((f"CIDEr of `both` over the baseline, {domain}: {what}", interval(gain), f"{least:+g}", holds))
    return found


def bar_table(gained: Mapping[str, Sequence[float]]) -> str:
    """The bars as a table."""
    rows = [[what, told, least, "holds" if holds else "**falls short**"] for what, told, least, holds in bars(gained)]
    return table(["bar", "measured", "at least", ""], rows)


def cells(task: Figures) -> str:
    """The score of every cell by domain and overall."""
    return _by_domain(task, list(task["domains"][OVERALL]["cells"]), lambda group, cell: group["cells"].get(cell))


def gains(task: Figures) -> str:
    """The paired difference of every cell to the baseline by domain and overall."""
    names = list(task["domains"][OVERALL]["gains"])
    return _by_domain(task, names, lambda group, cell: group["gains"].get(cell, {}).get("gain"))


def _by_domain(task: Figures, names: Sequence[str], figure: Any) -> str:
    domains = [*DOMAINS, OVERALL]
    rows = [[WORDS[name], *(interval(figure(task["domains"][domain], name)) for domain in domains)] for name in names]
    return table(["cell", *domains], rows)


def types(task: Figures) -> str:
    """Accuracy by type of question, all splits together; p of the gain of ``both``, corrected for their number."""
    names = ["baseline", "none", "text", "image", "both"]
    rows = []
    for kind, group in task["question_types"].items():
        gain = group["gains"]["both"]
        p = gain.get("p_holm")
        rows.append(
            [
                kind,
                str(group["samples"]),
                *(interval(group["cells"].get(name)) for name in names),
                interval(gain["gain"]),
                "" if p is None else f"{p:.4f}",
            ]
        )
    return table(["type", "n", *names, "both − baseline", "p (Holm)"], rows)


def controls(found: Figures) -> str:
    """The cell ``both`` with other neighbours than the retrieved ones."""
    rows = []
    for kind, tasks in found.items():
        told = [interval(tasks[task][what]) for task in TASKS for what in ("second", "gain")]
        rows.append([kind, *told])
    first = next(iter(found.values()))
    retrieved = [text for task in TASKS for text in (interval(first[task]["first"]), "")]
    head = [text for task in TASKS.values() for text in (task, "difference")]
    return table(["neighbours of `both`", *head], [["retrieved", *retrieved], *rows])


def leak(main: Figures) -> str:
    """The leak curve of both tasks."""
    points = zip(*(main[task]["leak"] for task in TASKS), strict=True)
    rows = []
    for pair in points:
        cap, threshold = pair[0]["cap"], pair[0]["threshold"]
        kept = "no cap" if cap is None else f"{cap:g} (cosine {threshold:.3f})"
        rows.append([kept, *(text for point in pair for text in (interval(point["score"]), interval(point["gain"])))])
    return table(["cap", *(text for task in TASKS.values() for text in (task, "gain"))], rows)
