"""Motion from each key frame to the one before, through all frames between them, for the tracker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seac.media.pixels import fit_size
from seac.video.flow import DenseFlow, FlowSettings, Gray, Motion, follow

FLOW = FlowSettings("ultrafast", side=128)
"""Coarse: the tracker compares masks on a grid. docs/tracking.md measures what it brings."""


class KeyMotion:
    """Composes the motion of frames of one size.

    Args:
        size: (height, width) of the video.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._flow = DenseFlow(size, FLOW)
        self.size = fit_size(size, max(self._flow.size))
        self._last: Gray | None = None
        self._onward = self._still()

    def add(self, image: NDArray[np.uint8]) -> None:
        """Follow the motion into the next frame (H, W, 3) uint8 RGB, best of :attr:`size`."""
        gray, last = self._flow.to_gray(image), self._last
        if last is not None:
            self._onward = follow(self._flow.flow(gray, last), self._onward)
        self._last = gray

    def take(self) -> Motion:
        """Motion from the last frame to the key frame before, (h, w, 2) float32; it becomes the key frame."""
        found, self._onward = self._onward, self._still()
        return found

    def _still(self) -> Motion:
        return np.zeros((*self._flow.size, 2), np.float32)
