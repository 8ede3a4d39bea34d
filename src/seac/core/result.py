"""The result of one frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.core.covering import covering_pairs, keep_likeliest
from seac.core.types import AudioSummary, Decision, EncodedAudio, EncodedImage

EQUAL = 1e-6
"""Spread of scores below which min-max would only magnify rounding."""


PER_MASK = (
    *("masks", "boxes", "scores", "embeddings", "similarity", "probability", "sounding", "classes", "ids"),
)
"""Fields of :class:`FrameResult` with a row per mask."""

Rows = slice | list[int] | NDArray[np.bool_] | NDArray[np.integer[Any]]


@dataclass(frozen=True)
class MaskResult:
    """One mask of a frame: what iterating over a :class:`FrameResult` gives.

    Attributes:
        mask: (H, W) bool.
        box: (4,) float32 xyxy in pixels, x2 and y2 exclusive.
        score: objectness in [0, 1].
        similarity: with the audio, in [-1, 1].
        probability: calibrated, that the mask sounds.
        sounding: the decision.
        name: class name.
        id: track.
    """

    mask: NDArray[np.bool_]
    box: NDArray[np.float32]
    score: float
    similarity: float
    probability: float
    sounding: bool
    name: str
    id: int


@dataclass(frozen=True)
class FrameResult:
    """The result for one frame. Arrays are numpy, on the CPU; N masks, best proposal first.

    ``len(result)`` is N; ``result[rows]`` keeps some masks (bool (N,), indices, a slice), as does
    ``result[result.sounding]``; iterating gives a :class:`MaskResult` per mask.

    Attributes:
        image: (H, W, 3) uint8 RGB, the frame as it was segmented.
        masks: (N, H, W) bool, everything in the frame.
        boxes: (N, 4) float32 xyxy in pixels, x2 and y2 exclusive.
        scores: (N,) float32 objectness in [0, 1].
        embeddings: (N, d) float32 of unit length, each mask in the space of class names.
        similarity: (N,) float32 in [-1, 1], of each mask with the audio: a cosine, see the association.
        probability: (N,) float32 calibrated probability that the mask sounds; 0 for inactive audio.
        sounding: (N,) bool, the decision; no mask sounds in silence and noise.
        confidence: greatest similarity before min-max, or greatest probability of a learned head; -1 for
            inactive audio or without masks.
        heatmap: (H, W) float32 in [0, 1], Eq. 4; all 0 for inactive audio.
        semantic: (H, W) int64, Eq. 5: 0 is background, ``k`` is ``labels[k]``.
        labels: background, then the vocabulary.
        classes: (N,) int64, each mask's class in ``labels``.
        audio_summary: activity, level and likeliest classes of the audio.
        time: seconds in the video; 0 for a single frame.
        ids: (N,) int64, tracks, stable over a video; ``0..N-1`` for a single frame.
        original_size: (height, width) of the frame before it was scaled down.
        notes: what the user should know about this result, one sentence each.
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

    def __getitem__(self, rows: Rows) -> FrameResult:
        """The result with some of its masks; heatmap and semantic mask stay those of the whole frame.

        Args:
            rows: bool (N,), integer indices, or a slice.

        Raises:
            TypeError: one index; ``list(result)[0]`` is one mask.
            IndexError: rows that do not fit.
        """
        if not isinstance(rows, slice) and np.ndim(rows) == 0:
            raise TypeError(f"result[{rows}] is one mask: take list(result)[{rows}], or result[[{rows}]]")
        where = rows if isinstance(rows, slice) else np.asarray(rows, dtype=None if len(rows) else np.intp)
        return replace(self, **{name: getattr(self, name)[where] for name in PER_MASK})

    def __iter__(self) -> Iterator[MaskResult]:
        """Every mask by itself."""
        names = self.names
        for row in range(len(self)):
            yield MaskResult(
                self.masks[row],
                self.boxes[row],
                float(self.scores[row]),
                float(self.similarity[row]),
                float(self.probability[row]),
                bool(self.sounding[row]),
                names[row],
                int(self.ids[row]),
            )

    def top(self, k: int) -> FrameResult:
        """The result with its ``k`` likeliest masks, likeliest first."""
        return self[np.lexsort((-self.similarity, -self.probability))[: max(0, k)]]

    def empty(self) -> FrameResult:
        """The result without masks: nothing sounds, heatmap and semantic mask are 0."""
        heatmap, semantic = np.zeros_like(self.heatmap), np.zeros_like(self.semantic)
        return replace(self[:0], confidence=-1.0, heatmap=heatmap, semantic=semantic)

    def display_rows(self) -> list[int]:
        """Rows of :meth:`display_masks`, likeliest first."""
        likeliest = np.argsort(-self.probability, kind="stable")
        shown = likeliest[self.sounding[likeliest] & self.masks[likeliest].any(axis=(1, 2))]
        pairs = covering_pairs(torch.from_numpy(self.masks[shown]), stride=1)
        return [int(shown[row]) for row in keep_likeliest(range(len(shown)), pairs)]

    def display_masks(self) -> FrameResult:
        """The sounding masks worth showing: of masks within one another, the likeliest.

        Proposals contain an object, its parts and its surroundings, and all of them match its audio.
        """
        return self[self.display_rows()]

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


def build_result(
    image: EncodedImage,
    audio: EncodedAudio,
    similarity: Tensor,
    decision: Decision,
    heatmap: Tensor,
    semantic: Tensor,
    labels: Tensor,
    names: tuple[str, ...],
    ids: Tensor,
    time: float,
) -> FrameResult:
    """The result as arrays of its own: an encoded image is shared, a result is its user's to change.

    Args:
        image: the frame.
        audio: its audio.
        similarity: (N,) of each mask with the audio.
        decision: probability, decision and score of each mask.
        heatmap: (H, W) of Eq. 4.
        semantic: (H, W) of Eq. 5.
        labels: (N,) class of each mask, from 0.
        names: background, then the vocabulary.
        ids: (N,) track of each mask.
        time: seconds in the video.
    """
    evidence = decision.probability if decision.absolute else similarity
    confident = not audio.summary.inactive and len(similarity) > 0
    return FrameResult(
        image=_own(image.image.permute(1, 2, 0)),
        masks=_own(image.proposals.masks),
        boxes=_own(image.proposals.boxes),
        scores=_own(image.proposals.scores),
        embeddings=_own(image.text_embeddings),
        similarity=similarity.numpy(),
        probability=decision.probability.numpy(),
        sounding=decision.sounding.numpy(),
        confidence=float(evidence.max()) if confident else -1.0,
        heatmap=heatmap.numpy(),
        semantic=semantic.numpy(),
        labels=names,
        classes=(labels + 1).numpy(),
        audio_summary=audio.summary,
        time=time,
        ids=ids.numpy(),
        original_size=image.original_size,
        notes=notes_for(image, audio.summary, decision),
    )


def notes_for(image: EncodedImage, audio: AudioSummary, decision: Decision) -> tuple[str, ...]:
    """What a user should know about a result, one sentence each.

    Args:
        image: the frame.
        audio: activity of its audio.
        decision: its scores are those that the heatmap is aggregated from.
    """
    scores = decision.scores
    height, width = image.image.shape[-2:]
    notes = []
    if image.original_size != (height, width):
        was = f"{image.original_size[1]} x {image.original_size[0]}"
        notes.append(f"the image was scaled from {was} to {width} x {height} pixels")
    if (
        len(scores)
        and not audio.inactive
        and not decision.absolute
        and float(scores.max() - scores.min()) < EQUAL
    ):
        which = "all masks are equally likely" if len(scores) > 1 else "there is one mask only"
        notes.append(f"{which}, so the heat is 1 whatever the similarity")
    if audio.silent:
        notes.append("the audio is silent, so nothing sounds")
    elif audio.noise:
        notes.append("the audio is noise without a source, so nothing sounds")
    return tuple(notes)


def _own(values: Tensor) -> NDArray[Any]:
    return np.array(values.numpy(), order="C")
