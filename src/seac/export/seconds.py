"""One frame a second, in clips of a fixed number of seconds, as AVSBench has them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from seac.results.values import FrameMasks

NEGLIGIBLE = 0.25
"""Seconds at the end of a video that do not make a second of their own."""


@dataclass(frozen=True)
class Second:
    """A second of a clip.

    Attributes:
        clip: number of the clip from 0.
        second: number of the second in the clip from 0.
        frame: what is shown at its end.
    """

    clip: int
    second: int
    frame: FrameMasks


class SecondSampler:
    """Gives the frame that is shown at the end of each second; holds one frame.

    Before the first frame, its image is shown without masks. After the end of the video the last clip is
    filled up with the last image without masks.

    Args:
        duration: seconds of the video.
        length: seconds of a clip.
    """

    def __init__(self, duration: float, length: int) -> None:
        self._length = length
        self.seconds = max(1, math.ceil(duration - NEGLIGIBLE))
        """Number of seconds of the video, at least 1."""
        self._shown: FrameMasks | None = None
        self._due = 0

    def add(self, frame: FrameMasks) -> Iterator[Second]:
        """Take the next frame; the seconds that end before it."""
        before = self._shown if self._shown is not None else _without_masks(frame)
        while self._due < self.seconds and frame.time >= self._due + 1 - 1e-6:
            yield self._next(before)
        self._shown = frame

    def finish(self) -> Iterator[Second]:
        """The remaining seconds, up to the end of the last clip; nothing without a frame."""
        if self._shown is None:
            return
        while self._due < self.seconds:
            yield self._next(self._shown)
        while self._due % self._length:
            yield self._next(_without_masks(self._shown))

    def _next(self, frame: FrameMasks) -> Second:
        clip, second = divmod(self._due, self._length)
        self._due += 1
        return Second(clip, second, frame)


def _without_masks(frame: FrameMasks) -> FrameMasks:
    return replace(
        frame,
        tracks=frame.tracks[:0],
        masks=np.zeros((0, *frame.masks.shape[1:]), np.bool_),
        probability=frame.probability[:0],
    )
