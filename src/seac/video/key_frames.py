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
from seac.video.key_motion import KeyMotion
from seac.video.shots import CutDetector

AUTO = "auto"
Rate = float | Literal["auto"]
"""Key frames per second, or a rate that follows the image."""
SMALL = (18, 32)
"""(height, width) at which frames are compared."""
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
        flow: (h, w, 2) motion to the key frame before, see :mod:`seac.video.flow`; None for the first frame,
            after a cut, and of a still image.
    """

    index: int
    time: float
    end: float
    cut: float | None
    image: Tensor
    original_size: tuple[int, int]
    flow: Tensor | None = None


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
    is_cut, motion = CutDetector(), None
    scaler, small_scaler, motion_scaler = VideoReformatter(), VideoReformatter(), VideoReformatter()
    shown: NDArray[np.uint8] | None = None
    last, due, cut, skipped = 0.0, 0.0, None, 0.0
    for frame in frames:
        small = to_rgb(frame.decoded, SMALL, small_scaler)
        if is_cut(small):
            cut = frame.time
        motion = motion or KeyMotion(frame.size)
        motion.add(to_rgb(frame.decoded, motion.size, motion_scaler))
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
        flow, known = torch.from_numpy(motion.take()), shown is not None and cut is None
        yield ChosenFrame(
            frame.index,
            frame.time,
            end,
            cut,
            pixels.permute(2, 0, 1).contiguous(),
            size,
            flow if known else None,
        )
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
