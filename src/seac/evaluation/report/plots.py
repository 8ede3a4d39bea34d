"""Plots of a report: curves, per-class bars, error attribution; matplotlib without a display."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from seac.evaluation.summary import ERROR_TYPES, Curve, Evaluation
from seac.export.fonts import plain_text

DPI = 110
COLOURS = ("#2f7d5b", "#b9c4c0", "#e0a33b", "#7a6ff0", "#d1495b")
"""Colours of :data:`ERROR_TYPES`, in order; "right" is green."""


def write_plots(evaluation: Evaluation, folder: Path) -> list[tuple[str, str]]:
    """Draw the plots for which the evaluation has data.

    Returns:
        (title, file name relative to the report) of each plot.
    """
    matplotlib.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    folder.mkdir()
    with plain_text(name for method in evaluation.methods for name in (method.name, *method.per_class)):
        return _write_plots(evaluation, folder)


def _write_plots(evaluation: Evaluation, folder: Path) -> list[tuple[str, str]]:
    """As :func:`write_plots`, into an existing folder."""
    written: list[tuple[str, str]] = []
    for name in sorted({name for method in evaluation.methods for name in method.curves}):
        rows = [(method.name, method.curves[name]) for method in evaluation.methods if name in method.curves]
        written.append((f"{name} curve", _save(curves(rows), folder, f"{name}-curve")))
    first = evaluation.methods[0]
    if first.per_class:
        written.append((f"{first.name} by class", _save(bars(first.per_class), folder, "by-class")))
    if any(method.attribution() for method in evaluation.methods):
        written.append(("error attribution by stage", _save(shares(evaluation), folder, "attribution")))
    return written


def curves(rows: list[tuple[str, Curve]]) -> Figure:
    """One line per method."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, curve) in enumerate(rows):
        axes.plot(curve.x, curve.y, label=name, linewidth=2.2 if number == 0 else 1.2)
    axes.set(xlabel=rows[0][1].x_label, ylabel=rows[0][1].y_label, xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7, frameon=False)
    return figure


def bars(per_class: Any) -> Figure:
    """A pair of bars per class, the best class on top."""
    figures = list(next(iter(per_class.values())))
    order = sorted(per_class, key=lambda name: per_class[name][figures[0]])
    figure = Figure(figsize=(6.4, 1 + 0.2 * len(order) * max(1, len(figures) / 2)), layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / len(figures)
    for number, name in enumerate(figures):
        positions = [row + number * height for row in range(len(order))]
        axes.barh(
            positions, [per_class[key][name] for key in order], height, label=name, color=COLOURS[number * 3]
        )
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(order))], order, fontsize=7)
    axes.set_xlim(0, 1)
    axes.grid(axis="x", alpha=0.25)
    axes.legend(fontsize=7, frameon=False)
    return figure


def shares(evaluation: Evaluation) -> Figure:
    """A stacked bar per method."""
    rows = [(method.name, method.attribution()) for method in evaluation.methods if method.attribution()][
        ::-1
    ]
    figure = Figure(figsize=(6.4, 1.1 + 0.35 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    left = [0.0] * len(rows)
    for name, colour in zip(ERROR_TYPES, COLOURS, strict=True):
        width = [counts[name] / sum(counts.values()) for _, counts in rows]
        axes.barh([name for name, _ in rows], width, left=left, color=colour, label=name)
        left = [a + b for a, b in zip(left, width, strict=True)]
    axes.set(xlim=(0, 1), xlabel="share of clips")
    axes.legend(fontsize=7, frameon=False, ncols=5, loc="lower center", bbox_to_anchor=(0.45, 1.0))
    return figure


def _save(figure: Figure, folder: Path, name: str) -> str:
    file = f"{name.replace(' ', '-')}.png"
    figure.savefig(folder / file, dpi=DPI)
    return f"{folder.name}/{file}"
