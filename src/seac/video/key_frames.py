"""Choice of the frames on which the networks run: at a rate, at cuts, and sooner where the image changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray
from torch import Tensor

from seac.media.decode import check_fps
from seac.media.pixels import fit_size, to_rgb
from seac.media.presentation import TimedFrame

AUTO = "auto"
Rate = float | Literal["auto"]
"""Key frames per second, or a rate that follows the image."""
SMALL = (18, 32)
"""(height, width) at which frames are compared."""
BLOCKS = 3
"""Parts of a frame per side whose colours are compared for cuts."""
CUT = 0.3
"""Least difference of the colours of two frames at a cut, from 0 to 1."""
LEAP = 3.0
"""Least ratio of the difference at a cut to that of the frames before."""
SHORTEST_SHOT = 0.25
"""Seconds after a key frame before a cut asks for another one."""


@dataclass(frozen=True)
class KeyFrameRate:
    """When a frame becomes a key frame; ``python -m benchmarks.key_frames`` measures the defaults.

    Attributes:
        shortest: seconds from one key frame to the next where the image changes.
        longest: seconds from one key frame to the next at most.
        change: mean absolute difference to the last key frame, from 0 to 1, from which the image has changed.
    """

    shortest: float = 0.5
    longest: float = 1.0
    change: float = 0.05

    @classmethod
    def of(cls, fps: Rate) -> KeyFrameRate:
        """The rate for a number of frames per second, or ``"auto"``.

        Raises:
            InputError: fps is too low, infinite or NaN.
        """
        if fps == AUTO:
            return cls()
        check_fps(float(fps))
        return cls(1 / float(fps), 1 / float(fps), 2.0)


@dataclass(frozen=True)
class ChosenFrame:
    """A key frame before the networks.

    Attributes:
        index: number of the frame in the source from 0.
        time: seconds of its presentation.
        end: seconds when the next frame is shown.
        cut: seconds at which the shot of this frame began, if it began after the last key frame; else None.
        image: (3, H, W) uint8 RGB, upright, with square pixels.
        original_size: (height, width) of the stored pixels of the source, upright.
    """

    index: int
    time: float
    end: float
    cut: float | None
    image: Tensor
    original_size: tuple[int, int]


class CutDetector:
    """Finds the first frame of each shot by the colours of its parts.

    A cut changes most of the frame at once, and more than motion changed the frames before it.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._usual = 0.0

    def __call__(self, small: NDArray[np.uint8]) -> bool:
        """Whether a shot begins with the next frame, (h, w, 3) uint8; False for the first frame."""
        colours = _block_histograms(small)
        last, self._last = self._last, colours
        if last is None:
            return False
        difference = float(np.abs(colours - last).sum(-1).mean() / 2)
        cut = difference > max(CUT, LEAP * self._usual)
        self._usual = 0.0 if cut else 0.7 * self._usual + 0.3 * difference
        return cut


def choose_key_frames(
    frames: Iterable[TimedFrame],
    rate: KeyFrameRate,
    max_side: int,
    latency: Callable[[float], float] | None = None,
) -> Iterator[ChosenFrame]:
    """Yield the key frames of a video: its first frame, the first frame of each shot, and others at a rate.

    Args:
        frames: every frame of the video.
        rate: when a frame becomes a key frame.
        max_side: longest side of the image of a key frame in pixels.
        latency: seconds since the arrival of the frame of a time; so many seconds after a key frame none is
            chosen, so that a stream is not left behind.
    """
    is_cut, scaler, small_scaler = CutDetector(), VideoReformatter(), VideoReformatter()
    shown: NDArray[np.uint8] | None = None
    last, due, cut, skipped = 0.0, 0.0, None, 0.0
    for frame in frames:
        small = to_rgb(frame.decoded, SMALL, small_scaler)
        if is_cut(small):
            cut = frame.time
        if frame.time < skipped:
            continue
        since, middle = frame.time - last, frame.time + frame.duration / 2
        if shown is not None and middle < due:
            begins = cut is not None and since >= SHORTEST_SHOT
            moved = since >= rate.shortest - frame.duration / 2 and difference(small, shown) >= rate.change
            if not begins and not moved:
                continue
        size, end = frame.stored_size, frame.time + frame.duration
        pixels = torch.from_numpy(to_rgb(frame.decoded, fit_size(frame.size, max_side), scaler))
        yield ChosenFrame(frame.index, frame.time, end, cut, pixels.permute(2, 0, 1).contiguous(), size)
        due = _next_due(due, middle, rate)
        shown, last, cut = small, frame.time, None
        skipped = frame.time + latency(frame.time) if latency is not None else 0.0


def difference(small: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two images (h, w, 3) uint8, from 0 to 1."""
    return float(np.abs(small.astype(np.int16) - other).mean() / 255)


def _next_due(due: float, middle: float, rate: KeyFrameRate) -> float:
    """Time at which the next key frame is due after one with this middle; a fixed rate stays on its grid."""
    if rate.shortest < rate.longest:
        return middle + rate.longest
    return due if middle < due else rate.longest * (int((middle + 1e-6) / rate.longest) + 1)


def _block_histograms(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Histograms of 64 colours in each part of an image (h, w, 3) uint8: (BLOCKS * BLOCKS, 64), sum 1."""
    codes = (small >> 6).astype(np.int64) @ np.array([16, 4, 1])
    rows = np.arange(codes.shape[0]) * BLOCKS // codes.shape[0]
    columns = np.arange(codes.shape[1]) * BLOCKS // codes.shape[1]
    part = rows[:, None] * BLOCKS + columns
    counts = np.bincount((part * 64 + codes).ravel(), minlength=64 * BLOCKS * BLOCKS)
    histograms = counts.reshape(BLOCKS * BLOCKS, 64).astype(np.float32)
    return np.asarray(histograms / histograms.sum(1, keepdims=True), np.float32)
