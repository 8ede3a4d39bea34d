"""Reliability diagrams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.calibration.reliability import COUNT, PROBABILITY, SOUNDS, MaskSet, Reliability, share
from recipes.sounding.evaluate import BINS

DPI, PANEL = 110, 3.2
BAR, LINE = "#2f7d5b", "#b9c4c0"


def draw(rows: Sequence[tuple[MaskSet, Reliability]], path: Path) -> None:
    """Write a PNG file with a panel for each set: sounding share against probability, with counts."""
    figure = Figure(figsize=(PANEL * len(rows), PANEL * 1.15), layout="constrained")
    for number, (masks, found) in enumerate(rows):
        axes = figure.add_subplot(1, len(rows), number + 1)
        count, shares = found.bins[:, COUNT], share(found.bins[:, SOUNDS], found.bins[:, COUNT])
        probability = share(found.bins[:, PROBABILITY], count)
        filled = count > 0
        low, high = found.shares[filled].T
        middle = shares[filled]
        axes.plot([0, 1], [0, 1], color=LINE, linewidth=1)
        axes.bar([(each + 0.5) / BINS for each in range(BINS)], shares, 0.9 / BINS, color=BAR, alpha=0.35)
        errors = [(middle - low).clip(0), (high - middle).clip(0)]
        axes.errorbar(probability[filled], middle, errors, fmt="o", color=BAR, markersize=4, linewidth=1)
        for place, each in enumerate(count):
            axes.text((place + 0.5) / BINS, 1.04, f"{each:.0f}", ha="center", fontsize=5.5)
        axes.set(xlim=(0, 1), ylim=(0, 1.1), xlabel="probability", ylabel="share that sounds")
        axes.set_title(f"{masks.name}\ncalibration error {found.error.value:.3f}", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.savefig(path, dpi=DPI)
