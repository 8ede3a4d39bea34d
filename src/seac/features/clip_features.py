"""The stored features of a clip, and conversions to and from their stored precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco
from torch import Tensor

from seac.core.errors import InputError
from seac.core.run_length import checked_codes
from seac.core.types import AudioFeatures, MaskEmbeddings, Proposals


@dataclass(frozen=True)
class FrameFeatures:
    """Stored features of a frame.

    Attributes:
        time: seconds from the start of the clip.
        size: (height, width) of the frame and its masks in pixels.
        boxes: (N, 4) float32 xyxy in pixels.
        scores: (N,) float32 objectness, best first.
        codes: N masks in COCO's compressed run-length code.
        embeddings: float16 local and global views of the masks.
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
        """The decoded masks (N, H, W) bool with their boxes and scores."""
        return Proposals(decode_masks(self.codes, self.size), self.boxes, self.scores)


@dataclass(frozen=True)
class ClipFeatures:
    """Stored features of a clip.

    Attributes:
        id: unique in a store.
        video_id: id of the source video.
        label: class name, or None; not used in training.
        start: start of the clip in the source, in seconds.
        frames: features of the frames, in order of time.
        waveform: (S,) int16 mono, at the store's sample rate.
        windows: float16 audio features of the clip's windows.
    """

    id: str
    video_id: str
    label: str | None
    start: float
    frames: tuple[FrameFeatures, ...]
    waveform: Tensor
    windows: AudioFeatures


def encode_masks(masks: Tensor) -> tuple[bytes, ...]:
    """Encode masks (N, H, W) bool in COCO's compressed run-length code."""
    if len(masks) == 0:
        return ()
    columns = np.asfortranarray(masks.cpu().numpy().transpose(1, 2, 0).astype(np.uint8))
    return tuple(code["counts"] for code in coco.encode(columns))


def decode_masks(codes: tuple[bytes, ...], size: tuple[int, int]) -> Tensor:
    """Decode run-length codes to masks (N, H, W) bool.

    Raises:
        InputError: a code is no mask of this size.
    """
    if not codes:
        return torch.zeros(0, *size, dtype=torch.bool)
    try:
        columns: NDArray[np.uint8] = coco.decode(checked_codes(codes, size))
    except (ValueError, MemoryError) as error:
        raise InputError(f"{error or 'a mask takes more than the memory'}; extract again") from None
    return torch.from_numpy(np.ascontiguousarray(columns.transpose(2, 0, 1))) > 0


def mask_areas(codes: tuple[bytes, ...], size: tuple[int, int]) -> Tensor:
    """Share of the frame of every mask, from run-length codes: (N,) float32.

    Raises:
        ValueError: a code is no mask of this size.
    """
    if not codes:
        return torch.zeros(0)
    counted = coco.area(checked_codes(codes, size))
    return torch.from_numpy(np.asarray(counted, np.float32)) / (size[0] * size[1])


def to_float16(values: Tensor) -> Tensor:
    """Convert ``values`` to float16 on the CPU.

    Raises:
        InputError: a value is NaN, infinite or outside the range of float16.
    """
    converted = values.detach().to(device="cpu", dtype=torch.float16)
    if not torch.isfinite(converted).all():
        raise InputError("a model returned values that are not finite in float16; check its weights")
    return converted


def embeddings_to_float16(embeddings: MaskEmbeddings, *, class_probabilities: bool) -> MaskEmbeddings:
    """Convert mask embeddings to float16, with or without class probabilities.

    Raises:
        InputError: a value is not finite in float16.
    """
    local, context = to_float16(embeddings.local), to_float16(embeddings.context)
    if (
        not class_probabilities
        or embeddings.local_probabilities is None
        or embeddings.context_probabilities is None
    ):
        return MaskEmbeddings(local, context)
    return MaskEmbeddings(
        local,
        context,
        to_float16(embeddings.local_probabilities),
        to_float16(embeddings.context_probabilities),
    )


def windows_to_float16(features: AudioFeatures) -> AudioFeatures:
    """Convert window features to float16.

    Raises:
        InputError: a value is not finite in float16.
    """
    class_probabilities = features.class_probabilities
    return AudioFeatures(
        to_float16(features.embeddings),
        None if class_probabilities is None else to_float16(class_probabilities),
    )


def as_int16(waveform: Tensor) -> Tensor:
    """Convert (S,) float in [-1, 1] to int16; the audio encoder gets :func:`as_float` of the result."""
    return (waveform * 32768).round().clamp(-32768, 32767).to(torch.int16)


def as_float(waveform: Tensor) -> Tensor:
    """Convert (S,) int16 to float32 in [-1, 1)."""
    return waveform.float() / 32768
