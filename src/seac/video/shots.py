"""Scene cuts: with which frame a new shot begins.

At a cut most colours change at once, more than motion changed them before, and edges are elsewhere. A flash,
a light that is switched and a fade of the exposure change the colours and leave the edges where they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = 3
"""Parts of a frame per side whose colours are compared."""
CUT = 0.3
"""Least difference of the colours of two frames at a cut, from 0 to 1."""
LEAP = 3.0
"""Least ratio of the difference at a cut to that of the frames before."""
SAME_EDGES = 0.3
"""Correlation of the edges of two frames from which they show the same scene; ``python -m benchmarks.shots``
measures it."""
EPSILON = 1e-6


class CutDetector:
    """Finds the first frame of each shot in a stream of small frames."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._usual = 0.0

    def __call__(self, small: NDArray[np.uint8]) -> bool:
        """Whether a shot begins with the next frame, (h, w, 3) uint8; False for the first frame."""
        last, self._last = self._last, small
        if last is None:
            return False
        difference = colour_difference(last, small)
        changed = difference > max(CUT, LEAP * self._usual)
        self._usual = 0.0 if changed else 0.7 * self._usual + 0.3 * difference
        return changed and edge_correlation(last, small) < SAME_EDGES


def colour_difference(small: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean difference of the colours of the parts of two frames (h, w, 3) uint8: from 0 to 1."""
    return float(np.abs(_block_histograms(small) - _block_histograms(other)).sum(-1).mean() / 2)


def edge_correlation(small: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Correlation of the brightness steps between neighbouring pixels of two frames, from -1 to 1.

    1 for the same frame at any brightness and contrast, about 0 for different scenes and without edges.
    """
    one, two = _steps(small), _steps(other)
    norm = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / max(norm, EPSILON)


def _steps(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    brightness = small.mean(-1, dtype=np.float32)
    return np.concatenate([np.diff(brightness, axis=axis).ravel() for axis in (0, 1)])


def _block_histograms(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Histograms of 64 colours in each part of an image (h, w, 3) uint8: (BLOCKS * BLOCKS, 64), sum 1."""
    codes = (small >> 6).astype(np.int64) @ np.array([16, 4, 1])
    rows = np.arange(codes.shape[0]) * BLOCKS // codes.shape[0]
    columns = np.arange(codes.shape[1]) * BLOCKS // codes.shape[1]
    part = rows[:, None] * BLOCKS + columns
    counts = np.bincount((part * 64 + codes).ravel(), minlength=64 * BLOCKS * BLOCKS)
    histograms = counts.reshape(BLOCKS * BLOCKS, 64).astype(np.float32)
    return np.asarray(histograms / histograms.sum(1, keepdims=True), np.float32)
