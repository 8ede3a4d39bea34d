"""Metrics that are means over clips, from the columns of ``per_clip.csv``: what can be tested clip by clip.

A maximum over thresholds or an area under a curve over all clips is no such mean, and is not here: the F of
``official`` and ``dataset``, the figures of ``avss``, AP, max-F1 and AUROC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seac.evaluation.robustness import AVSBENCH_ROBUST, UNCHANGED, VARIANTS, variant_id
from seac.evaluation.summary import ClipScore
from seac.metrics.functional.vggss import SUCCESS, clip_auc

Column = NDArray[np.float64]


def identity(column: Column) -> Column:
    """The column unchanged."""
    return column


def reaches(ciou: Column) -> Column:
    """1 where the ciou counts as found, else 0; NaN stays."""
    return np.where(np.isnan(ciou), np.nan, ciou >= SUCCESS)


def area(ciou: Column) -> Column:
    """Area under each clip's own success curve, of which AUC is the mean; NaN stays."""
    return np.where(np.isnan(ciou), np.nan, clip_auc(torch.from_numpy(np.nan_to_num(ciou))).numpy())


def complement(column: Column) -> Column:
    """One minus the column."""
    return 1 - column


@dataclass(frozen=True)
class ClipMetric:
    """A metric that is a mean over clips.

    Attributes:
        title: heading of its column.
        column: of ``per_clip.csv``.
        change: from the column to the values whose mean is the metric.
        variant: of a robustness test, the only rows that count; None for all rows.
    """

    title: str
    column: str
    change: Callable[[Column], Column] = identity
    variant: str | None = None

    def values(self, clips: Sequence[ClipScore]) -> Column:
        """(N,) float64 for N clips, NaN where the metric is undefined."""
        chosen = [
            clip.scores.get(self.column, math.nan)
            if self.variant in (None, variant_id(clip.id))
            else math.nan
            for clip in clips
        ]
        return self.change(np.array(chosen, np.float64))


MASKS = (
    ClipMetric("mIoU", "iou"),
    ClipMetric("mIoU (fixed)", "iou_fixed"),
    ClipMetric("F (fixed)", "fscore"),
)
BOXES = (
    ClipMetric("cIoU (fixed)", "ciou", reaches),
    ClipMetric("AUC (fixed)", "ciou", area),
    ClipMetric("cIoU (median)", "ciou_median", reaches),
    ClipMetric("AUC (median)", "ciou_median", area),
)
CLIP_METRICS: dict[str, tuple[ClipMetric, ...]] = {
    "s4": MASKS,
    "ms3": MASKS,
    "avss": (
        ClipMetric("mIoU of the clip's classes", "iou"),
        ClipMetric("IoU of all classes", "iou_any_class"),
    ),
    "vggss": BOXES,
    "flickr-soundnet": BOXES,
    "vggss-extended": (
        ClipMetric("LocAcc (fixed)", "ciou", reaches),
        ClipMetric("LocAcc (median)", "ciou_median", reaches),
    ),
    "robustness": (
        ClipMetric("IoU (own audio)", "iou", variant=UNCHANGED),
        *(ClipMetric(f"FPR pixels ({name})", "iou", complement, name) for name in VARIANTS[1:]),
    ),
    "avsbench-robust": (
        ClipMetric("mIoU (own audio)", "iou", variant=UNCHANGED),
        *(ClipMetric(f"FPR ({name})", "iou", complement, name) for name in AVSBENCH_ROBUST[1:]),
    ),
}
"""Benchmark -> its metrics. Pixels under other than the own audio are inactive or false positives,
because nothing visible sounds."""
OTHER = MASKS + BOXES
"""Of a benchmark that is no row: its reader is of a package of its own."""


def clip_metrics(benchmark: str, clips: Sequence[ClipScore]) -> tuple[ClipMetric, ...]:
    """The metrics of a benchmark that any of the clips has."""
    rows = CLIP_METRICS.get(benchmark, OTHER)
    return tuple(row for row in rows if not np.isnan(row.values(clips)).all())
