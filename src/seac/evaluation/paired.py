"""Statistics over clips: bootstrap intervals, paired permutation tests and their correction.

Clips are drawn, and not frames or variants, because those of one clip are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from seac.metrics.functional.swap import LEVEL

RESAMPLES = 2000
"""Resamples of a bootstrap interval."""
PERMUTATIONS = 9999
"""Random changes of sign of a permutation test; all changes are enumerated where these are not more."""
BATCH_NUMBERS = 1 << 20
"""Numbers that are drawn at once, which bounds the memory."""


@dataclass(frozen=True)
class Interval:
    """A mean over clips with its bootstrap interval; NaN where undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class ClipSums:
    """Sums of a metric by clip.

    Attributes:
        totals: (C,) float64, sum of the metric over the rows of a clip, such as variants.
        counts: (C,) float64, number of rows summed; 0 where the clip has none.
    """

    totals: NDArray[np.float64]
    counts: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64], clips: NDArray[np.int64]) -> Self:
        """The sums of rows by clip; clips without a value are left out.

        Args:
            values: (N,) of the rows; NaN where the metric is undefined.
            clips: (N,) number of the clip of each row.
        """
        known = ~np.isnan(values)
        counts = np.bincount(clips[known])
        totals = np.bincount(clips[known], values[known]).astype(np.float64)
        return cls(totals[counts > 0], counts[counts > 0].astype(np.float64))

    def __len__(self) -> int:
        return len(self.counts)

    def mean(self) -> float:
        """The mean over rows; NaN without rows."""
        return float(self.totals.sum() / self.counts.sum()) if len(self) else math.nan


def interval(sums: ClipSums, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean with its percentile bootstrap interval over clips.

    Args:
        sums: of C clips; with fewer than two the interval is NaN.
        resamples: number of resamples.
        seed: of the draws.
    """
    value = sums.mean()
    if len(sums) < 2:
        return Interval(value, math.nan, math.nan)
    found = stats.bootstrap(
        (sums.totals, sums.counts),
        lambda totals, counts, axis: totals.sum(axis) / counts.sum(axis),
        n_resamples=resamples,
        batch=_batch(len(sums)),
        vectorized=True,
        paired=True,
        confidence_level=LEVEL,
        method="percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(value, float(found.low), float(found.high))


def paired_test(differences: ClipSums, *, permutations: int = PERMUTATIONS, seed: int = 0) -> float:
    """Two-sided p of a mean difference of 0: a permutation test that changes signs clip by clip.

    Without an effect a clip's difference has either sign with equal probability. All 2**C changes are
    enumerated if these are at most ``permutations``; else the observed one counts as one of the random ones,
    so that p is never 0.

    Args:
        differences: of C clips between two methods; with fewer than two p is 1.
        permutations: number of random changes of sign.
        seed: of the draws.
    """
    if len(differences) < 2:
        return 1.0
    found = stats.permutation_test(
        (differences.totals,),
        lambda totals, axis: totals.sum(axis),
        permutation_type="samples",
        n_resamples=permutations,
        batch=_batch(len(differences)),
        vectorized=True,
        random_state=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def correct_holm(p: Sequence[float]) -> list[float]:
    """P-values corrected for their number by Holm's step-down procedure (1979), in the order given.

    Example:
        >>> correct_holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p)), key=lambda row: p[row])
    corrected, largest = [0.0] * len(p), 0.0
    for rank, row in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[row]))
        corrected[row] = largest
    return corrected


def _batch(clips: int) -> int:
    return max(1, BATCH_NUMBERS // clips)
