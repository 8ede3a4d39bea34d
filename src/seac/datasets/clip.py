"""What every benchmark reader yields: a test clip, as paths; nothing is opened until it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class TruthKind(Enum):
    """What a benchmark's ground truth is, and so which metric it is scored with."""

    MASKS = "masks"
    """(F, H, W) bool: the pixels that sound (S4, MS3)."""
    LABELS = "labels"
    """(F, H, W) int64: the class of the pixels that sound, 0 = background (AVSBench-semantic)."""
    BOXES = "boxes"
    """(1, H, W) float32 in [0, 1]: boxes painted on a grid; a consensus may lie between (VGG-SS and kin)."""


@dataclass(frozen=True)
class Clip:
    """One clip of a benchmark.

    Attributes:
        id: unique within the benchmark and split.
        video_id: of the source video, without the start time; what leakage is counted by.
        split: "train", "val" or "test".
        category: class name, or None where the benchmark has none.
        frames: picture files in order of time.
        audio: the wav file.
        truth: ground-truth files, one per frame, None where a frame has none; empty for boxes.
        boxes: (x1, y1, x2, y2) as annotated, before any clipping; empty for masks and labels.
        audio_windows: (start, end) in seconds of the sound that each frame is judged with, one per frame.
        visible: whether what sounds is in the frame (False for the negative pairs of the extended VGG-SS).
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
        """The clip with those of its frames that have a truth: S4 annotates only the first for training."""
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
    """A benchmark on disk: an index of clips and how to open one.

    ``name`` is that of the command line (``s4``), ``kind`` says what the truth is, ``classes`` names its
    labels with "background" first (empty for other kinds), ``size`` is the (height, width) that predictions
    are scored at.
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
        """A frame's picture: (H, W, 3) uint8 RGB, at its own size.

        Raises:
            InputError: the file is missing or is no picture; the line names it.
        """
        ...

    def waveform(self, clip: Clip) -> tuple[Tensor, int]:
        """The whole sound of a clip: (S,) float32 mono in [-1, 1], and its sample rate in Hz.

        Raises:
            InputError: the file is missing or holds no sound; the line names it.
        """
        ...

    def truth(self, clip: Clip) -> Tensor:
        """Ground truth at ``size``, as ``kind`` says.

        Raises:
            InputError: a file is missing, of another size than its picture, or malformed; the line names it.
        """
        ...
