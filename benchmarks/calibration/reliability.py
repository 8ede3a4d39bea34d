"""Reliability of probabilities: bins, expected calibration error, and intervals by bootstrap over clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.sounding.evaluate import BINS
from seac.decision.calibration import Calibration
from seac.decision.fit import Sample, curve

MIDDLE = (0.4, 0.6)
"""Probabilities around the threshold."""
INTERVAL = (0.025, 0.975)
COUNT, PROBABILITY, SOUNDS = range(3)
"""Columns of the sums of :func:`bin_sums`."""


@dataclass(frozen=True)
class MaskSet:
    """Masks of one set of media, each under one audio.

    Attributes:
        name: of the set.
        probabilities: (M,) float64, calibrated probability that each mask sounds.
        sounds: (M,) bool, whether it does.
        frames: (M,) int64, number of its frame under one audio.
        clips: (M,) int64, number of the clip or image from which it is; bootstrap samples draw these.
    """

    name: str
    probabilities: NDArray[np.float64]
    sounds: NDArray[np.bool_]
    frames: NDArray[np.int64]
    clips: NDArray[np.int64]

    def likeliest(self) -> MaskSet:
        """The likeliest mask of every frame."""
        order = np.lexsort((-self.probabilities, self.frames))
        first = order[np.unique(self.frames[order], return_index=True)[1]]
        return MaskSet(
            self.name,
            self.probabilities[first],
            self.sounds[first],
            self.frames[first],
            self.clips[first],
        )


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """With three digits, as in the tables."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Reliability:
    """Reliability of the probabilities of a set.

    Attributes:
        bins: (BINS, 3) float64 sums over the masks of each bin: number, probability, sounding masks.
        shares: (BINS, 2) float64 interval of the sounding share of each bin, NaN in an empty bin.
        error: expected calibration error.
        middle: sounding share of the masks whose probability is in :data:`MIDDLE`.
    """

    bins: NDArray[np.float64]
    shares: NDArray[np.float64]
    error: Interval
    middle: Interval


def bin_sums(masks: MaskSet) -> NDArray[np.float64]:
    """Number, sum of probabilities and number of sounding masks, by clip and bin: (C, BINS, 3) float64."""
    _, clips = np.unique(masks.clips, return_inverse=True)
    which = np.minimum((masks.probabilities * BINS).astype(int), BINS - 1)
    sums = np.zeros((clips.max(initial=-1) + 1, BINS, 3))
    values = np.stack([np.ones(len(which)), masks.probabilities, masks.sounds], 1)
    np.add.at(sums, (clips, which), values)
    return sums


def expected_error(bins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected calibration error (...) of sums (..., BINS, 3); 0 without masks."""
    gaps = np.abs(bins[..., PROBABILITY] - bins[..., SOUNDS]).sum(-1)
    error: NDArray[np.float64] = gaps / np.maximum(bins[..., COUNT].sum(-1), 1)
    return error


def measure(masks: MaskSet, draws: int, seed: int) -> Reliability:
    """Reliability of a set, with intervals from ``draws`` bootstrap samples of its clips.

    Raises:
        ValueError: the set has no masks.
    """
    if len(masks.probabilities) == 0:
        raise ValueError(f"{masks.name}: no masks")
    by_clip = bin_sums(masks)
    middle = middle_sums(masks)
    weights = np.random.default_rng(seed).multinomial(
        len(by_clip), np.full(len(by_clip), 1 / len(by_clip)), size=draws
    )
    bins, samples = by_clip.sum(0), np.tensordot(weights, by_clip, 1)
    drawn_share = share(samples[..., SOUNDS], samples[..., COUNT])
    return Reliability(
        bins,
        np.array([_quantiles(column) for column in drawn_share.T]),
        _interval(float(expected_error(bins)), expected_error(samples)),
        _interval(float(share(*middle.sum(0)[::-1])), share(*(weights @ middle).T[::-1])),
    )


def middle_sums(masks: MaskSet) -> NDArray[np.float64]:
    """Number of masks and of sounding masks with a probability in :data:`MIDDLE`, by clip: (C, 2) float64."""
    names, clips = np.unique(masks.clips, return_inverse=True)
    low, high = MIDDLE
    inside = (masks.probabilities >= low) & (masks.probabilities <= high)
    columns = [np.bincount(clips, inside & part, len(names)) for part in (True, masks.sounds)]
    return np.stack(columns, 1)


def share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """``part / whole``, NaN where ``whole`` is 0."""
    found: NDArray[np.float64] = np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
    return found


def _interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    return Interval(value, *_quantiles(drawn))


def _quantiles(drawn: NDArray[np.float64]) -> tuple[float, float]:
    known = drawn[~np.isnan(drawn)]
    if len(known) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, INTERVAL)
    return float(low), float(high)


def fitted_curve(masks: MaskSet, calibration: Calibration) -> tuple[float, float]:
    """Slope and offset that fit a set best, over the logits of the sounding head.

    Args:
        masks: of the set; those under inactive audio are left out.
        calibration: that gave the probabilities.
    """
    audible = torch.from_numpy(masks.probabilities > 0)
    logits = torch.logit(torch.from_numpy(masks.probabilities)[audible])
    logits = (logits - calibration.offset) / calibration.slope
    overlap = torch.from_numpy(masks.sounds)[audible].double()
    return curve([Sample(logits, overlap, overlap, 0.0, "visible")])
