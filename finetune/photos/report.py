"""The section of docs/results.md on real photos, out of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from raven_core.evaluation.tables import table

COMMAND = "python -m finetune.photos --data ../shared/data --out build/photos"
BASELINES = ("no-retrieval", "sight")
BAR = 4.0
"""CIDEr points that ``both`` or ``text`` must gain over ``no-retrieval``, the interval above zero."""

NEIGHBOURS = ("text", "image", "both")
CAPTION_METRICS = ("CIDEr", "Bleu_4", "ROUGE_L")


def page(report: Mapping[str, Any]) -> str:
    """The section: how it was made, the bars, captions, questions, where the gain comes from, and what was chosen."""
    captions, questions = report["captions"], report["questions"]
    parts = [
        "# Real photos",
        f"```console\n{report['command']}\n```",
        f"Flickr8k dev, {captions['photos']} photos, asked after everything was chosen on train photos held out; "
        f"DAQUAR, {questions['all']['questions']} questions about {questions['all']['rooms']} rooms held out of train. "
        f"Greedy decoding, k = {report['k']}. Figures in brackets are 95% paired-bootstrap intervals over images.",
        "## Bars",
        table(["bar", "measured", ""], [[*row[:2], "holds" if row[2] else "**falls short**"] for row in bars(report)]),
        "## Captions (times 100)",
        caption_table(captions),
        sources_of_gain(captions),
        "## Questions: exact match of the set of answers (%)",
        question_table(questions),
        f"Expected to gain most, named before the run: `{report['gainer']}`. p: difference of `raven`'s cell to "
        "`no-retrieval`, signs flipped at random by room, corrected for the number of kinds (Holm).",
        without_neighbours(questions),
        "## What was chosen, and on what",
        choices(report["stages"]) + f"\n- {minutes(report)} minutes until all was there to be measured.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def again(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """What a second build from nothing, with the same recipe and seeds, measured: how far one build can be trusted."""
    columns = [column for column in first["captions"]["scores"] if column != "no-retrieval"]

    def gains(baseline: str, column: str) -> list[str]:
        return [interval(one["captions"]["against"][baseline]["CIDEr"][column], True) for one in (first, second)]

    rows = [[column, *gains("no-retrieval", column)] for column in columns]
    held = "all" if all(row[2] for row in bars(second)) else "not all"
    return (
        "## Built again from nothing\n\n"
        "Same recipe, data and seeds: what differs is rounding, which training adds up. All was there to be measured "
        f"after {minutes(second)} minutes, and {held} bars hold. CIDEr over `no-retrieval`:\n\n"
        + table(["", "first build", "second build"], [*rows, ["both − sight", *gains("sight", "both")]])
    )


def minutes(report: Mapping[str, Any]) -> str:
    """How long the stages took."""
    return f"{sum(stage['seconds'] for stage in report['stages'].values()) / 60:.0f}"


def interval(figure: Sequence[float], signed: bool = False) -> str:
    """A mean with its interval."""
    mean, low, high = figure
    return f"{mean:{'+' if signed else ''}.1f} [{low:.1f}, {high:.1f}]"


def bars(report: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """What is asked, what was measured, and whether it holds."""
    gains = report["captions"]["against"]["no-retrieval"]["CIDEr"]
    best = max(("both", "text"), key=lambda cell: gains[cell][0])
    mean, low, _ = gains[best]
    lost = [f"{kind}, {cell}" for cell in NEIGHBOURS for kind in lower(report["questions"], cell)]
    return [
        (
            f"CIDEr of `{best}` over `no-retrieval` at least +{BAR:g}, interval above zero",
            interval(gains[best], signed=True),
            mean >= BAR and low > 0,
        ),
        (
            f"no large kind of question significantly lower with neighbours ({', '.join(NEIGHBOURS)})",
            ", ".join(lost) or "none is",
            not lost,
        ),
    ]


def lower(questions: Mapping[str, Any], cell: str) -> list[str]:
    """The large kinds of questions that a cell answers significantly worse than ``no-retrieval``."""
    return [
        kind
        for kind, part in questions.items()
        if kind != "all" and part["large"] and part["against"][cell][0] < 0 and part["p_holm"][cell] < 0.05
    ]


def without_neighbours(questions: Mapping[str, Any]) -> str:
    """What ``raven`` loses where it is shown no neighbours; empty where that is nothing."""
    kinds = lower(questions, "none")
    if not kinds:
        return ""
    told = ", ".join(f"`{kind}` {interval(questions[kind]['against']['none'], signed=True)}" for kind in kinds)
    return f"Without neighbours (`none`) `raven` is significantly lower than `no-retrieval` on {told}."


def caption_table(captions: Mapping[str, Any]) -> str:
    """Scores of every column, and CIDEr's difference to both baselines."""
    head = ["", *CAPTION_METRICS, *(f"CIDEr − {baseline}" for baseline in BASELINES)]
    rows = []
    for column, scores in captions["scores"].items():
        against = [captions["against"][baseline]["CIDEr"].get(column) for baseline in BASELINES]
        told = ["" if figure is None else interval(figure, signed=True) for figure in against]
        rows.append([column, *(f"{scores[metric]:.1f}" for metric in CAPTION_METRICS), *told])
    return table(head, rows)


def sources_of_gain(captions: Mapping[str, Any]) -> str:
    """How much of the gain is the retriever's sight, and how much what the neighbours say."""
    sight = captions["against"]["no-retrieval"]["CIDEr"]["sight"]
    known = captions["against"]["sight"]["CIDEr"]["both"]
    return (
        f"What the retriever sees of the query image, without neighbours (`sight`), is worth {interval(sight, True)} "
        f"CIDEr; what the neighbours add beyond that (`both` − `sight`) is {interval(known, True)}."
    )


def question_table(questions: Mapping[str, Any]) -> str:
    """Exact matches by kind in every column, and what cells with neighbours gain, with corrected p-values."""
    columns = list(questions["all"]["right"])
    rows = []
    for kind, part in questions.items():
        against = [_against(part, cell) for cell in NEIGHBOURS]
        rows.append([kind, str(part["questions"]), *(interval(part["right"][column]) for column in columns), *against])
    return table(["kind", "n", *columns, *(f"{cell} − no-retrieval" for cell in NEIGHBOURS)], rows)


def _against(part: Mapping[str, Any], cell: str) -> str:
    p = part.get("p_holm", {}).get(cell)
    return interval(part["against"][cell], signed=True) + ("" if p is None else f", p {p:.3f}")


def choices(stages: Mapping[str, Any]) -> str:
    """What the hold-out decided."""
    near, chosen = stages["neighbours"], stages["choose"]
    lines = [
        f"- Share of the question in a search: {near['question_weight']}; answers found among the neighbours of train "
        f"questions, in percent: {near['answers_found']}.",
        f"- Neighbours shown: {chosen['k']}; mean CIDEr of `text` and `both` on held-out photos: {chosen['cider']}.",
        f"- CIDEr of the nearest caption: {near['nearest_caption_cider']}.",
        f"- Recall of the retriever on held-out photos, in percent: {stages['encoder']['recall']}.",
    ]
    if "tune" in stages:
        lines.append(f"- Learning rate of the adapters: {stages['tune']['rate']}.")
    return "\n".join(lines)
