"""Report of an ablation: csv, plot with error bars, and Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seac.core.atomic import write_atomic
from seac.training.ablation.axes import Axis
from seac.training.config import TrainingConfig
from seac.training.history import write_csv

Rows = Sequence[tuple[Any, int, dict[str, float]]]


def write_report(axis: Axis, rows: Rows, out: Path, config: TrainingConfig) -> None:
    """Write ``AXIS.csv`` (a row per training), ``AXIS.png`` and ``AXIS.md``.

    Args:
        axis: the axis that was varied.
        rows: value, seed and metrics of each training.
        out: folder.
        config: base config.
    """
    names = figure_names(rows)
    write_csv(
        out / f"{axis.name}.csv",
        (axis.setting, "seed", *names),
        [[value, seed, *(figures[name] for name in names)] for value, seed, figures in rows],
    )
    plot(axis, rows, out / f"{axis.name}.png")
    write_atomic(out / f"{axis.name}.md", markdown(axis, rows, config))


def figure_names(rows: Rows) -> tuple[str, ...]:
    """Names of the metrics, in order."""
    return tuple(rows[0][2])


def over_seeds(rows: Rows, name: str) -> dict[Any, tuple[float, float]]:
    """Mean and standard deviation over the seeds, by value; 0 for a single seed."""
    values = list(dict.fromkeys(value for value, _, _ in rows))
    found = {}
    for value in values:
        figures = [row[2][name] for row in rows if row[0] == value]
        mean = sum(figures) / len(figures)
        spread = sum((figure - mean) ** 2 for figure in figures) / max(1, len(figures) - 1)
        found[value] = mean, math.sqrt(spread)
    return found


def panels(names: Sequence[str]) -> dict[str, list[str]]:
    """Metrics by benchmark, the name without its last word: {"s4": ["s4 miou", "s4 fscore"]}."""
    found: dict[str, list[str]] = {}
    for name in names:
        head, _, _ = name.rpartition(" ")
        found.setdefault(head or name, []).append(name)
    return found


def plot(axis: Axis, rows: Rows, path: Path) -> None:
    """Plot a panel for each benchmark: lines over the values, or bars if values have no order."""
    from matplotlib.figure import Figure

    groups = panels(figure_names(rows))
    figure = Figure(figsize=(4.2 * len(groups), 3.4), layout="constrained")
    axes = figure.subplots(1, len(groups), squeeze=False)[0]
    for panel, (title, names) in zip(axes, groups.items(), strict=True):
        for number, name in enumerate(names):
            points = over_seeds(rows, name)
            means = [100 * mean for mean, _ in points.values()]
            spreads = [100 * spread for _, spread in points.values()]
            if axis.shape == "curve":
                panel.errorbar(
                    list(points), means, spreads, marker="o", ms=4, capsize=3, label=name.split()[-1]
                )
            else:
                width = 0.8 / len(names)
                positions = [
                    position + width * (number - (len(names) - 1) / 2) for position in range(len(points))
                ]
                panel.bar(positions, means, width, yerr=spreads, capsize=3, label=name.split()[-1])
                panel.set_xticks(range(len(points)), [axis.shown(value) for value in points])
        panel.set(title=title, xlabel=axis.label)
        panel.margins(y=0.25)
        panel.legend(fontsize="small", frameon=False, loc="upper center", ncols=len(names))
    figure.suptitle(axis.title, fontsize="medium")
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, format="png", dpi=110)
    temporary.replace(path)


def markdown(axis: Axis, rows: Rows, config: TrainingConfig) -> str:
    """Markdown: the table, the expectation and the observed trend."""
    names = figure_names(rows)
    seeds = sorted({seed for _, seed, _ in rows})
    columns = {name: over_seeds(rows, name) for name in names}
    lines = [
        f"# {axis.title}",
        "",
        f"Means and standard deviations in percent over {len(seeds)} seeds.",
        "",
        "| " + " | ".join([axis.label, *names]) + " |",
        "| " + " | ".join(["---"] * (len(names) + 1)) + " |",
    ]
    for value in columns[names[0]]:
        cells = [
            f"{100 * columns[name][value][0]:.2f} ± {100 * columns[name][value][1]:.2f}" for name in names
        ]
        lines.append("| " + " | ".join([axis.shown(value), *cells]) + " |")
    numbers = ", ".join(f"{key} {value}" for key, value in changed(config).items())
    lines += ["", f"Expected: {axis.expected}.", ""]
    lines += [f"- {name}: {verdict(axis, columns[name])}" for name in names]
    lines += [
        "",
        f"![{axis.name}]({axis.name}.png)",
        "",
        f"Other numbers, where not the paper's: {numbers}.",
        "",
    ]
    return "\n".join(lines)


def changed(config: TrainingConfig) -> dict[str, Any]:
    """Settings that differ from the paper's."""
    ours, theirs = asdict(config), asdict(TrainingConfig())
    return {key: value for key, value in ours.items() if value != theirs[key]} or {"all": "as published"}


def verdict(axis: Axis, points: dict[Any, tuple[float, float]]) -> str:
    """Whether the expected trend exceeds the standard deviation over seeds."""
    values = list(points)
    best = max(values, key=lambda value: points[value][0])
    if len(values) < 2:
        return "one value shows no trend"
    if axis.trend == "inside":
        inner = values[1:-1]
        if not inner:
            return "no value between the ends"
        high = max(inner, key=lambda value: points[value][0])
        low = max((values[0], values[-1]), key=lambda value: points[value][0])
    else:
        high, low = values[-1], values[0]
    gain = 100 * (points[high][0] - points[low][0])
    noise = 100 * math.sqrt((points[high][1] ** 2 + points[low][1] ** 2) / 2)
    trend = "appears" if gain > noise else "does not appear" if gain < -noise else "is within the noise"
    return (
        f"the trend {trend}: {axis.shown(high)} against {axis.shown(low)} is {gain:+.2f} (seeds differ by "
        f"{noise:.2f}); best {axis.shown(best)}"
    )
