"""The figures of a run as pictures (PNG), drawn without a screen.

Words in Chinese are drawn where matplotlib knows a font that has them, else the pictures are in English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from matplotlib import font_manager, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from raven_core.evaluation.figures import OVERALL
from raven_core.evaluation.words import Words, filled, named

INK, GRID, GAIN, LOSS = "#22313f", "#d5dbe1", "#0b7a75", "#b3413a"
CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC", "Microsoft YaHei",
    "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Noto Serif CJK SC", "Noto Serif CJK JP",
)  # fmt: skip
"""Families with Chinese characters, best first; of a collection, matplotlib knows the first face alone."""

_MOST = 25  # question types in one picture

Axes = Any
Paint: TypeAlias = Callable[[Axes, Any, Words], None]


def draw(data: Mapping[str, Any], folder: Path, words: Words | None = None) -> list[Path]:
    """Draw every plot that the figures have something for; plots of an earlier report go first.

    Params:
        words: replace entries of ``WORDS``, where there is a font for them.
    Returns:
        The files, named by task and plot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    say, families = _words_and_fonts(words)
    written = []
    with rc_context({"font.family": families}):
        for task, figures in data["tasks"].items():
            for name, (has, paint, size) in _PLOTS.items():
                if has(figures):
                    path = folder / f"{task}-{name}.png"
                    _save(paint, figures, say, size(figures), path)
                    written.append(path)
    return written


def chinese_font() -> str | None:
    """The best family with Chinese characters that is installed; None where there is none."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in known), None)


def _words_and_fonts(words: Words | None) -> tuple[Words, list[str]]:
    """The words that can be drawn, and the fonts for them, each for what the one before lacks."""
    say, usual = filled(words), ["DejaVu Sans"]
    if not say["language"].startswith("zh"):
        return say, usual
    font = chinese_font()
    return (filled(None), usual) if font is None else (say, [*usual, font])


def _save(paint: Paint, figures: Mapping[str, Any], say: Words, size: tuple[float, float], path: Path) -> None:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    paint(axes, figures, say)
    FigureCanvasAgg(figure).print_png(str(path))


# ---------------------------------------------------------------------- one function a plot


def gain_by_cell(axes: Axes, figures: Mapping[str, Any], say: Words) -> None:
    """The gain of every cell with its interval."""
    _bars(axes, {named(say, "cell", cell): gain["gain"] for cell, gain in figures["gains"].items()})
    _title(axes, figures, say["plot_cells"], say)


def gain_by_domain(axes: Axes, figures: Mapping[str, Any], say: Words) -> None:
    """The main cell's gain in every domain, and over all images."""
    _groups(axes, figures, "domains", say)


def gain_by_question_type(axes: Axes, figures: Mapping[str, Any], say: Words) -> None:
    """The main cell's gain for the question types asked most; stars where Holm's corrected p is below 0.05."""
    _groups(axes, figures, "question_types", say)


def gain_by_similarity(axes: Axes, figures: Mapping[str, Any], say: Words) -> None:
    """The main cell's gain against the cosine of the nearest neighbour."""
    bins = figures["similarity"]
    _line(axes, [entry["mean"] for entry in bins], [entry["gain"] for entry in bins], GAIN)
    axes.set_xlabel(say["plot_similarity_x"], color=INK)
    axes.set_ylabel(say["plot_similarity_y"].format(unit=_unit(figures, say)), color=INK)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_title(say["plot_similarity"].format(cell=_main(figures, say)), color=INK)


def leak_curve(axes: Axes, figures: Mapping[str, Any], say: Words) -> None:
    """The main cell's score as ever more of the memory that is like the query is left out."""
    points = figures["leak"]
    places = list(range(len(points)))
    _line(axes, places, [point["score"] for point in points], GAIN)
    base = figures["cells"].get(figures["reference_cell"] or "", {}).get("interval")
    if base:
        axes.axhline(base[0], color=LOSS, linestyle="--", label=_reference(figures, say))
        axes.axhspan(base[1], base[2], color=LOSS, alpha=0.12)
        axes.legend(frameon=False)
    axes.set_xticks(places, [say["plot_no_cap"] if point["cap"] is None else f"{point['cap']:g}" for point in points])
    axes.set_xlabel(say["plot_leak_x"], color=INK)
    axes.set_ylabel(_unit(figures, say), color=INK)
    axes.set_title(say["plot_leak"].format(cell=_main(figures, say)), color=INK)


def calibration(axes: Axes, figures: Mapping[str, Any], say: Words) -> None:
    """What came of answers by how sure the model said it was."""
    for cell, told in figures["calibration"].items():
        axes.plot(
            [entry["confidence"] for entry in told["bins"]],
            [entry["score"] for entry in told["bins"]],
            marker="o", markersize=4, label=f"{named(say, 'cell', cell)} ({told['error']:.1f})",
        )  # fmt: skip
    axes.plot([0, 100], [0, 100], color=INK, linewidth=0.8, linestyle=":")
    against = next(iter(figures["calibration"].values()))["against"]
    axes.set_xlabel(say["plot_calibration_x"], color=INK)
    axes.set_ylabel(say["plot_calibration_y"].format(against=against), color=INK)
    axes.set_title(say["plot_calibration"], color=INK)
    axes.legend(frameon=False, fontsize=8)


def _groups(axes: Axes, figures: Mapping[str, Any], key: str, say: Words) -> None:
    main = figures["main_cell"]
    groups = {name: group for name, group in figures[key].items() if main in group["gains"]}
    overall = {name: groups.pop(name) for name in (OVERALL,) if name in groups}
    largest = sorted(groups, key=lambda name: -groups[name]["samples"])[:_MOST]
    shown = {name: groups[name] for name in groups if name in largest} | overall
    labels = {
        name: f"{named(say, 'group', name)} ({group['images']}){_star(group['gains'][main])}"
        for name, group in shown.items()
    }
    _bars(axes, {labels[name]: group["gains"][main]["gain"] for name, group in shown.items()})
    _title(axes, figures, say[f"plot_{key}"].format(cell=named(say, "cell", main)), say)


def _star(gain: Mapping[str, Any]) -> str:
    return " *" if gain.get("p_holm", 1.0) < 0.05 else ""


def _bars(axes: Axes, gains: Mapping[str, Sequence[float]]) -> None:
    places = range(len(gains))
    means = [gain[0] for gain in gains.values()]
    ends = [[gain[0] - gain[1] for gain in gains.values()], [gain[2] - gain[0] for gain in gains.values()]]
    colours = [GAIN if mean >= 0 else LOSS for mean in means]
    axes.barh(places, means, xerr=ends, color=colours, height=0.62, capsize=3, ecolor=INK)
    axes.set_yticks(places, list(gains))
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.8)


def _line(axes: Axes, places: Sequence[float], intervals: Sequence[Sequence[float]], colour: str) -> None:
    axes.plot(places, [value[0] for value in intervals], color=colour, marker="o")
    axes.fill_between(places, [v[1] for v in intervals], [v[2] for v in intervals], color=colour, alpha=0.18)


def _title(axes: Axes, figures: Mapping[str, Any], title: str, say: Words) -> None:
    axes.set_title(title, color=INK)
    about = say["plot_gain"].format(unit=_unit(figures, say), reference=_reference(figures, say))
    axes.set_xlabel(about, color=INK)


def _unit(figures: Mapping[str, Any], say: Words) -> str:
    return say[f"unit_{figures['metric']}"]


def _main(figures: Mapping[str, Any], say: Words) -> str:
    return named(say, "cell", str(figures["main_cell"]))


def _reference(figures: Mapping[str, Any], say: Words) -> str:
    return named(say, "cell", str(figures["reference_cell"]))


def _plain_size(figures: Mapping[str, Any]) -> tuple[float, float]:
    return 7.0, 4.2


def _tall(count: int) -> tuple[float, float]:
    return 7.0, 1.4 + 0.32 * max(3, count)


def _gains_in(figures: Mapping[str, Any], key: str) -> int:
    return min(_MOST + 1, sum(figures["main_cell"] in group["gains"] for group in figures[key].values()))


_PLOTS: dict[str, tuple[Callable[[Any], Any], Paint, Callable[[Any], tuple[float, float]]]] = {
    "gain-by-cell": (lambda f: f["gains"], gain_by_cell, lambda f: _tall(len(f["gains"]))),
    "gain-by-domain": (lambda f: _gains_in(f, "domains"), gain_by_domain, lambda f: _tall(_gains_in(f, "domains"))),
    "gain-by-question-type": (
        lambda f: _gains_in(f, "question_types"),
        gain_by_question_type,
        lambda f: _tall(_gains_in(f, "question_types")),
    ),
    "gain-by-similarity": (lambda f: f["similarity"], gain_by_similarity, _plain_size),
    "leak-curve": (lambda f: f["leak"], leak_curve, _plain_size),
    "calibration": (lambda f: f["calibration"], calibration, _plain_size),
}
"""Plot → whether there is something to draw, how, and its size in inches."""
