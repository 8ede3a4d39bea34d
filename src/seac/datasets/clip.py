"""The clip of a benchmark as paths, and the protocol of benchmark readers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class TruthKind(Enum):
    """Type of a benchmark's ground truth, which decides the metrics."""

    MASKS = "masks"
    """(F, H, W) bool: sounding pixels (S4, MS3)."""
    LABELS = "labels"
    """(F, H, W) int64: class of the sounding pixels, 0 = background (AVSBench-semantic)."""
    BOXES = "boxes"
    """(1, H, W) float32 in [0, 1]: rasterised boxes, a consensus of annotators may lie between (VGG-SS)."""


@dataclass(frozen=True)
class Clip:
    """One clip of a benchmark.

    Attributes:
        id: unique within the benchmark and split.
        video_id: id of the source video, without the start time; leakage is counted by it.
        split: "train", "val" or "test".
        category: class name, or None if the benchmark has no classes.
        frames: image files in order of time.
        audio: the audio file.
        truth: ground-truth files, one per frame, None for frames without annotation; empty for boxes.
        boxes: (x1, y1, x2, y2) as annotated, before clipping; empty for masks and labels.
        audio_windows: (start, end) in seconds of the audio that a frame is evaluated with, one per frame.
        visible: whether the sound source is in the frame (False for negatives of the extended VGG-SS).
    """

    id: str
    video_id: str
    split: str
    category: str | None
    frames: tuple[Path, ...]
    audio: Path
    truth: tuple[Path | None, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    audio_windows: tuple[tuple[float, float], ...] = ()
    visible: bool = True

    def annotated(self) -> Clip:
        """The clip reduced to its annotated frames: the train split of S4 annotates only the first frame."""
        kept = [frame for frame, path in enumerate(self.truth) if path is not None]
        if len(kept) == len(self.truth):
            return self
        return replace(
            self,
            frames=tuple(self.frames[frame] for frame in kept),
            truth=tuple(self.truth[frame] for frame in kept),
            audio_windows=tuple(self.audio_windows[frame] for frame in kept),
        )


class Reader(Protocol):
    """A benchmark on disk: the index of its clips, and readers of their files.

    ``name`` is the name on the command line (``s4``), ``kind`` the type of the ground truth, ``classes`` the
    names of the labels with "background" first (empty for other types), ``size`` the (height, width) at which
    predictions are scored.
    """

    name: str
    kind: TruthKind
    classes: tuple[str, ...]
    size: tuple[int, int]
    folder: Path

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The clips of the split, in the order of the metadata file."""
        ...

    def image(self, clip: Clip, frame: int) -> NDArray[np.uint8]:
        """The image of a frame at its stored size: (H, W, 3) uint8 RGB.

        Raises:
            InputError: the file is missing or not an image.
        """
        ...

    def waveform(self, clip: Clip) -> tuple[Tensor, int]:
        """The waveform of a clip, (S,) float32 mono in [-1, 1], and its sample rate in Hz.

        Raises:
            InputError: the file is missing or has no audio.
        """
        ...

    def truth(self, clip: Clip) -> Tensor:
        """Ground truth at ``size``, of the type ``kind``.

        Raises:
            InputError: a file is missing, malformed or of another size than its image.
        """
        ...
