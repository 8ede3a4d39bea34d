"""What a frame's answer is; nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class AudioSummary:
    """What the sound alone says.

    Attributes:
        silent: whether there is nothing to hear.
        noise: whether there is nothing but noise, which nothing in particular makes.
        level: dBFS (RMS of the loudest tenth of a second), -120 at the least.
        top_classes: the audio network's own words for it with their probabilities, likeliest first.
    """

    silent: bool
    level: float = -120.0
    top_classes: tuple[tuple[str, float], ...] = ()
    noise: bool = False

    @property
    def inactive(self) -> bool:
        """Whether nothing can be what sounds."""
        return self.silent or self.noise


@dataclass(frozen=True)
class FrameResult:
    """The answer for one frame. Arrays are numpy, on the CPU; N masks, best proposal first.

    Attributes:
        image: (H, W, 3) uint8 RGB, the frame as it was segmented.
        masks: (N, H, W) bool, everything in the frame.
        boxes: (N, 4) float32 xyxy in pixels, x2 and y2 exclusive.
        scores: (N,) float32 objectness in [0, 1].
        embeddings: (N, d) float32, each mask among words (unit length).
        similarity: (N,) float32 in [-1, 1], of each mask with the sound: a cosine, see the association.
        probability: (N,) float32 calibrated probability that the mask sounds; 0 in silence and noise.
        sounding: (N,) bool, the decision; nothing sounds in silence and noise.
        confidence: greatest similarity before min-max; -1 in silence, noise or without masks.
        heatmap: (H, W) float32 in [0, 1], Eq. 4; all 0 in silence and noise.
        semantic: (H, W) int64, Eq. 5: 0 is background, ``k`` is ``labels[k]``.
        labels: background, then the vocabulary.
        classes: (N,) int64, each mask's class in ``labels``.
        audio_summary: what the sound alone says.
        time: seconds in the video; 0 for a single frame.
        ids: (N,) int64 stable over a video; ``0..N-1`` for a single frame.
        original_size: (height, width) of the picture before it was scaled down.
        notes: what the user should know about this answer, one sentence each.
    """

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    similarity: NDArray[np.float32]
    probability: NDArray[np.float32]
    sounding: NDArray[np.bool_]
    confidence: float
    heatmap: NDArray[np.float32]
    semantic: NDArray[np.int64]
    labels: tuple[str, ...]
    classes: NDArray[np.int64]
    audio_summary: AudioSummary
    time: float
    ids: NDArray[np.int64]
    original_size: tuple[int, int]
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def names(self) -> tuple[str, ...]:
        """The class name of every mask."""
        return tuple(self.labels[k] for k in self.classes)

    def plot(self, path: str | Path | None = None) -> Any:
        """A matplotlib figure of frame, heatmap and sounding masks; written to ``path`` if given."""
        from seac.export.plot import plot_result

        return plot_result(self, path)

    def save(self, folder: str | Path) -> Path:
        """Write ``result.json``, ``overlay.png``, ``heatmap.png`` and ``masks/`` into a folder."""
        from seac.export.folder import save_result

        return save_result(self, Path(folder))

    def to_detections(self, *, only_sounding: bool = True) -> Any:
        """A ``supervision.Detections``; its confidence is the probability that the mask sounds.

        Raises:
            InputError: supervision is not installed.
        """
        from seac.export.detections import to_detections

        return to_detections(self, only_sounding=only_sounding)
