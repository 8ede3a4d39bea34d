"""History of a run: a row per step and per epoch, written as tables, a plot and TensorBoard events."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seac.core.atomic import write_atomic

STEP = ("step", "epoch", "loss", "lr", "temperature", "mixed")


@dataclass
class History:
    """Rows of a run; builtin types, so that a checkpoint can store them.

    Attributes:
        steps: rows of :data:`STEP`.
        epochs: values of each epoch by name: "epoch", "loss", "seconds", "waiting" (share of the time in
            which training waited for batches), and the metrics.
    """

    steps: list[list[float]] = field(default_factory=list)
    epochs: list[dict[str, float]] = field(default_factory=list)

    def losses(self) -> list[float]:
        """Loss of every step."""
        return [row[STEP.index("loss")] for row in self.steps]

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics of the epochs, in order."""
        kept = ("epoch", "loss", "seconds", "waiting", "samples")
        return tuple(name for name in (self.epochs[0] if self.epochs else {}) if name not in kept)

    def best_epoch(self) -> int | None:
        """First epoch with the maximum of the first metric; None without metrics."""
        names = self.measured()
        if not names:
            return None
        return int(max(self.epochs, key=lambda row: (row[names[0]], -row["epoch"]))["epoch"])

    def save(self, folder: Path) -> None:
        """Write ``steps.csv`` and ``epochs.csv`` atomically."""
        write_csv(folder / "steps.csv", STEP, self.steps)
        if self.epochs:
            names = tuple(self.epochs[-1])
            write_csv(folder / "epochs.csv", names, [[row[name] for name in names] for row in self.epochs])


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_atomic(path, text.getvalue())


def draw_curves(history: History, path: Path) -> None:
    """Plot loss, temperature and metrics over the epochs as png."""
    from matplotlib.figure import Figure

    names = history.measured()
    figure = Figure(figsize=(4.5 * (2 + bool(names)), 3.4), layout="constrained")
    axes = figure.subplots(1, 2 + bool(names))
    per_epoch = max(1, len(history.steps) / max(1, len(history.epochs)))
    time = [(row[0] + 1) / per_epoch for row in history.steps]
    losses = history.losses()
    mixed = [bool(row[STEP.index("mixed")]) for row in history.steps]
    for kind, label, colour in ((False, "single sources", "tab:blue"), (True, "mixtures", "tab:orange")):
        points = [
            (t, loss) for t, loss, is_mixed in zip(time, losses, mixed, strict=True) if is_mixed == kind
        ]
        if points:
            axes[0].plot(*zip(*points, strict=True), ".", ms=2, alpha=0.4, color=colour, label=label)
    axes[0].plot(*running_mean(time, losses), color="black", lw=1, label="mean")
    axes[0].set(xlabel="epoch", ylabel="loss")
    axes[0].legend(fontsize="small", frameon=False)
    axes[1].plot(time, [row[STEP.index("temperature")] for row in history.steps], color="tab:green")
    axes[1].set(xlabel="epoch", ylabel="temperature")
    axes[1].ticklabel_format(useOffset=False)
    for name in names:
        axes[2].plot(
            [row["epoch"] + 1 for row in history.epochs], [row[name] for row in history.epochs], label=name
        )
    if names:
        axes[2].set(xlabel="epoch")
        axes[2].legend(fontsize="small", frameon=False)
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, format="png", dpi=110)
    temporary.replace(path)


def running_mean(time: Sequence[float], values: Sequence[float], parts: int = 50) -> tuple[list[float], ...]:
    """Means over about ``parts`` segments of equal length: their times and values."""
    span = max(1, len(values) // parts)
    starts = range(0, len(values), span)
    means = [sum(values[start : start + span]) / len(values[start : start + span]) for start in starts]
    return [sum(time[s : s + span]) / len(time[s : s + span]) for s in starts], means


class Events:
    """Writes TensorBoard events of a run; without TensorBoard, nothing is written.

    Args:
        folder: folder of the events.
        steps: finished steps; later events, of an interrupted run, are purged.
    """

    def __init__(self, folder: Path, steps: int) -> None:
        self._written = steps
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self._writer: Any = None
        else:
            self._writer = SummaryWriter(str(folder), purge_step=steps)

    def add(self, history: History) -> None:
        """Write the new steps."""
        if self._writer is None:
            return
        for row in history.steps[self._written :]:
            for name, value in zip(STEP[2:], row[2:], strict=True):
                self._writer.add_scalar(f"step/{name}", value, int(row[0]))
        self._written = len(history.steps)

    def add_epoch(self, figures: Mapping[str, float], step: int) -> None:
        """Write the metrics of an epoch that ended after ``step`` steps."""
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(f"epoch/{name}", value, step - 1)
            self._writer.flush()

    def close(self) -> None:
        """Flush and close the writer."""
        if self._writer is not None:
            self._writer.close()
