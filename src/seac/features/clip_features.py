"""What is kept of a clip: everything frozen that training and evaluation can ask for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco
from torch import Tensor

from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings, Proposals


@dataclass(frozen=True)
class FrameFeatures:
    """A picture of a clip, as it is stored.

    Attributes:
        time: seconds from the clip's start.
        size: (height, width) of the picture, and so of its masks, in pixels.
        boxes: (N, 4) float32 xyxy in pixels.
        scores: (N,) float32 objectness, best first.
        codes: of the N masks, in COCO's compressed run-length code.
        embeddings: float16, local and global views apart.
    """

    time: float
    size: tuple[int, int]
    boxes: Tensor
    scores: Tensor
    codes: tuple[bytes, ...]
    embeddings: MaskEmbeddings

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def proposals(self) -> Proposals:
        """The masks, decoded: (N, H, W) bool with boxes and scores."""
        return Proposals(decode_masks(self.codes, self.size), self.boxes, self.scores)


@dataclass(frozen=True)
class ClipFeatures:
    """A clip, as it is stored.

    Attributes:
        id: unique in a store.
        video_id: of the source video.
        label: its class where the source has one; never used in training.
        start: seconds into the source at which the clip begins.
        frames: in order of time.
        waveform: (S,) int16 mono, at the store's rate.
        windows: what the audio network says of the clip's windows, float16.
    """

    id: str
    video_id: str
    label: str | None
    start: float
    frames: tuple[FrameFeatures, ...]
    waveform: Tensor
    windows: AudioFeatures


def encode_masks(masks: Tensor) -> tuple[bytes, ...]:
    """Masks (N, H, W) bool in COCO's compressed run-length code."""
    if len(masks) == 0:
        return ()
    columns = np.asfortranarray(masks.cpu().numpy().transpose(1, 2, 0).astype(np.uint8))
    return tuple(code["counts"] for code in coco.encode(columns))


def decode_masks(codes: tuple[bytes, ...], size: tuple[int, int]) -> Tensor:
    """The masks of run-length codes: (N, H, W) bool."""
    if not codes:
        return torch.zeros(0, *size, dtype=torch.bool)
    columns: NDArray[np.uint8] = coco.decode([{"size": list(size), "counts": code} for code in codes])
    return torch.from_numpy(np.ascontiguousarray(columns.transpose(2, 0, 1))) > 0


def half(values: Tensor) -> Tensor:
    """``values`` in float16, on the CPU.

    Raises:
        InputError: a value is NaN, infinite or beyond float16, and so a feature is none.
    """
    small = values.detach().to(device="cpu", dtype=torch.float16)
    if not torch.isfinite(small).all():
        raise InputError("a network answered with values that are not finite in float16")
    return small


def half_embeddings(embeddings: MaskEmbeddings, *, class_probabilities: bool) -> MaskEmbeddings:
    """Mask embeddings in float16, with or without class probabilities.

    Raises:
        InputError: a value is not finite in float16.
    """
    local, context = half(embeddings.local), half(embeddings.context)
    if (
        not class_probabilities
        or embeddings.local_probabilities is None
        or embeddings.context_probabilities is None
    ):
        return MaskEmbeddings(local, context)
    return MaskEmbeddings(
        local, context, half(embeddings.local_probabilities), half(embeddings.context_probabilities)
    )


def half_windows(features: AudioFeatures) -> AudioFeatures:
    """Window features in float16.

    Raises:
        InputError: a value is not finite in float16.
    """
    class_probabilities = features.class_probabilities
    return AudioFeatures(
        half(features.embeddings), None if class_probabilities is None else half(class_probabilities)
    )


def as_int16(waveform: Tensor) -> Tensor:
    """(S,) float in [-1, 1] as int16; :func:`as_float` of it is what the audio network hears."""
    return (waveform * 32768).round().clamp(-32768, 32767).to(torch.int16)


def as_float(waveform: Tensor) -> Tensor:
    """(S,) int16 as float32 in [-1, 1)."""
    return waveform.float() / 32768
