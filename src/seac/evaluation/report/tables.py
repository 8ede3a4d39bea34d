"""The tables of a report as text cells, for Markdown and HTML."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seac.evaluation.report.published import published_rows
from seac.evaluation.summary import ERROR_TYPES, Evaluation

TITLES = {
    "miou": "mIoU",
    "fscore": "F",
    "ciou": "cIoU",
    "auc": "AUC",
    "ap": "AP",
    "max_f1": "max-F1",
    "loc_acc": "LocAcc",
    "fpr_pixels": "FPR pixels",
    "fpr_frames": "FPR frames",
    "auroc": "AUROC",
    "g_miou": "G-mIoU",
    "g_fscore": "G-F",
    "g_fpr": "G-FPR",
    "fpr_silence": "FPR silence",
    "fpr_noise": "FPR noise",
    "fpr_off_screen": "FPR off-screen",
}
PUBLISHED_MARK = "published"


@dataclass(frozen=True)
class Table:
    """Formatted cells; the first column is the name of the row."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def percent(value: float | None) -> str:
    """A share in percent; a dash for None."""
    return "–" if value is None or math.isnan(value) else f"{100 * value:.2f}"


def scores(evaluation: Evaluation, protocol: str | None) -> Table:
    """Metrics of every method by protocol, then published metrics."""
    shown: list[str] = []
    for method in evaluation.methods:
        shown += [name for name in method.protocols if name not in shown and protocol in (None, name)]
    columns = [
        (name, figure)
        for name in shown
        for figure in next(m.protocols[name] for m in evaluation.methods if name in m.protocols)
    ]
    rows = [
        (method.name, *(percent(method.protocols.get(p, {}).get(f)) for p, f in columns))
        for method in evaluation.methods
    ]
    for name, figures in published_rows(evaluation.benchmark):
        # Published metrics are of the first protocol only.
        cells = (f"{figures[f]:.2f}" if p == columns[0][0] and f in figures else "–" for p, f in columns)
        rows.append((f"{name} [{PUBLISHED_MARK}]", *cells))
    head = ("method", *(f"{TITLES.get(f, f)} ({p})" for p, f in columns))
    return Table(
        "Scores", head, tuple(rows), "In percent. Rows marked [published] are other data: not comparable."
    )


def attribution(evaluation: Evaluation) -> Table | None:
    """Shares of clips by error type; None if no row has them."""
    rows = []
    for method in evaluation.methods:
        counts = method.attribution()
        if counts:
            total = sum(counts.values())
            rows.append((method.name, *(percent(counts[name] / total) for name in ERROR_TYPES), str(total)))
    if not rows:
        return None
    note = (
        "No proposal: no union of proposals reaches IoU .5 with the truth. Lost: a union does, but other "
        "masks are active. Wrong name: correct pixels, wrong class. Wrong confidence: inactive although an "
        "object sounds, or active although none does. A clip has an error if half of its frames have one; "
        "its type is the most frequent."
    )
    return Table("Which stage lost the clips", ("method", *ERROR_TYPES, "clips"), tuple(rows), note)


def settings(evaluation: Evaluation) -> Table:
    """All settings that determine the metrics, flattened."""
    rows: list[tuple[str, str]] = []

    def walk(prefix: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}.{key}" if prefix else str(key), inner)
        elif value not in (None, [], ""):
            rows.append((prefix, str(value)))

    walk("", dict(evaluation.settings))
    rows += [(f"seconds.{step}", f"{spent:.1f}") for step, spent in evaluation.seconds.items()]
    return Table("Settings", ("setting", "value"), tuple(rows))


def leakage(evaluation: Evaluation) -> Table | None:
    """Overlap with the training list, if one is given."""
    found = evaluation.leakage
    if found is None:
        return None
    rows = (
        ("ids in the training list", str(found.listed)),
        ("clips whose id is in it", str(len(found.by_clip))),
        ("clips whose video is in it", str(len(found.by_video))),
        ("clips dropped for overlap", str(found.dropped)),
    )
    return Table("Overlap with training", ("item", "count"), rows, some(found.by_video))


def missing(evaluation: Evaluation) -> Table | None:
    """Clips without prediction, if allowed."""
    if not evaluation.missing:
        return None
    count = str(len(evaluation.missing))
    return Table(
        "Missing", ("item", "count"), (("clips without prediction", count),), some(evaluation.missing)
    )


def some(ids: tuple[str, ...], limit: int = 20) -> str:
    """The first few ids."""
    return ", ".join(ids[:limit]) + (f" and {len(ids) - limit} more" if len(ids) > limit else "")


def all_tables(evaluation: Evaluation, protocol: str | None) -> list[Table]:
    """All tables that apply, in the order of the report."""
    parts = (
        scores(evaluation, protocol),
        attribution(evaluation),
        leakage(evaluation),
        missing(evaluation),
        settings(evaluation),
    )
    return [part for part in parts if part is not None]
