"""One frame of a benchmark as methods see it: what is costly is made when first asked for, once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from seac.core.result import FrameResult
from seac.core.types import EncodedAudio, EncodedImage
from seac.datasets.clip import Clip, Reader, TruthKind
from seac.pipeline import SeAC


class CachedImage:
    """A frame's picture and what models see in it; shared by all methods and all sounds."""

    def __init__(self, reader: Reader, clip: Clip, frame: int) -> None:
        self.path = clip.frames[frame]
        self.image = reader.image(clip, frame)
        self._encoded: dict[tuple[Hashable, ...], EncodedImage] = {}

    @cached_property
    def saliency(self) -> Tensor:
        """What stands out, by U2-Net-P: (320, 320) float32 in [0, 1], stretched to the square."""
        from seac.segment.baselines.saliency import shared_saliency

        return shared_saliency()(torch.from_numpy(self.image).permute(2, 0, 1))

    def encoded_image(self, model: SeAC) -> EncodedImage:
        """The picture through stage 1 and the frozen half of stage 2; models with the same eyes share it."""
        key = image_key(model)
        if key not in self._encoded:
            self._encoded[key] = model.encode_image(self.image)
        return self._encoded[key]


class CachedAudio:
    """A clip's sound and what models hear in stretches of it."""

    def __init__(self, reader: Reader, clip: Clip) -> None:
        self.waveform, self.sample_rate = reader.waveform(clip)
        self._encoded: dict[tuple[Hashable, ...], EncodedAudio] = {}

    def encoded_audio(self, model: SeAC, start: float, end: float) -> EncodedAudio:
        """The sound from ``start`` to ``end`` (seconds) through the audio network."""
        key = (*audio_key(model), start, end)
        if key not in self._encoded:
            length = len(self.waveform)
            first = min(length, max(0, round(start * self.sample_rate)))
            last = length if end == float("inf") else min(length, round(end * self.sample_rate))
            self._encoded[key] = model.encode_audio(self.waveform[first : max(first, last)], self.sample_rate)
        return self._encoded[key]


class Scene:
    """A frame with its sound and its truth.

    Attributes:
        cached_image: the frame.
        cached_audio: the clip's sound.
        audio_window: (start, end) seconds of the sound that the frame is judged with.
        kind: what the truth is.
        truth: (h, w) ground truth of the frame, as ``kind`` says.
        generator: for methods that draw.
    """

    def __init__(
        self,
        cached_image: CachedImage,
        cached_audio: CachedAudio,
        audio_window: tuple[float, float],
        kind: TruthKind,
        truth: Tensor,
        generator: torch.Generator,
    ) -> None:
        self.cached_image, self.cached_audio, self.audio_window = cached_image, cached_audio, audio_window
        self.kind, self.truth, self.generator = kind, truth, generator
        self._results: dict[int, FrameResult] = {}

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) that answers have."""
        return int(self.truth.shape[-2]), int(self.truth.shape[-1])

    def predict(self, model: SeAC) -> FrameResult:
        """The model's result for this frame."""
        key = id(model)
        if key not in self._results:
            self._results[key] = model.predict(
                self.cached_image.encoded_image(model), self.encoded_audio(model)
            )
        return self._results[key]

    def encoded_audio(self, model: SeAC) -> EncodedAudio:
        """The sound that the frame is judged with, as the model hears it."""
        return self.cached_audio.encoded_audio(model, *self.audio_window)

    def masks(self, model: SeAC) -> Tensor:
        """Proposals as they are painted, at ``size``: (N, h, w) bool; boxes where the truth is boxes."""
        proposals = self.cached_image.encoded_image(model).proposals
        if self.kind is not TruthKind.BOXES:
            return at_size(proposals.masks, self.size)
        painted = torch.zeros(len(proposals), *self.size, dtype=torch.bool)
        for row, (x1, y1, x2, y2) in enumerate(self.boxes(model).round().long().clamp(min=0).tolist()):
            painted[row, y1:y2, x1:x2] = True
        return painted

    def boxes(self, model: SeAC) -> Tensor:
        """Boxes of the proposals in pixels of ``size``: (N, 4) float32 xyxy."""
        encoded_image = self.cached_image.encoded_image(model)
        height, width = encoded_image.image.shape[-2:]
        scale = torch.tensor([self.size[1] / width, self.size[0] / height]).repeat(2)
        return encoded_image.proposals.boxes * scale


def image_key(model: SeAC) -> tuple[Hashable, ...]:
    """All that decides what a model sees in a picture, names aside."""
    stages, settings = model.stages, model.settings
    return (
        id(stages.segmenter),
        id(stages.vision),
        settings.top_n,
        settings.exact,
        settings.views,
        settings.max_side,
    )


def audio_key(model: SeAC) -> tuple[Hashable, ...]:
    """All that decides what a model hears in a sound, and whether there is anything to hear."""
    calibration = model.stages.calibration
    return id(model.stages.audio), calibration.floor


def at_size(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks (N, H, W) bool at another size: a cell is in where half of it is; (N, h, w) bool."""
    if masks.shape[-2:] == size or len(masks) == 0:
        return masks if len(masks) else masks.new_zeros(0, *size)
    share = functional.interpolate(
        masks[None].float(), size, mode="bilinear", align_corners=False, antialias=True
    )
    return share[0] >= 0.5
