"""One frame of a benchmark with its audio and truth; encodings are cached."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from seac.core.result import FrameResult
from seac.core.types import EncodedAudio, EncodedImage
from seac.datasets.clip import Clip, Reader, TruthKind
from seac.evaluation.cached_model import EncodingCache
from seac.pipeline import SeAC


class SceneImage:
    """A frame, read once for all methods and all audio.

    Attributes:
        path: file of the frame, the cache key of its encodings.
        pixels: (H, W, 3) uint8 RGB.
    """

    def __init__(self, reader: Reader, clip: Clip, frame: int) -> None:
        self.path = clip.frames[frame]
        self.pixels = reader.image(clip, frame)

    @cached_property
    def saliency(self) -> Tensor:
        """Saliency by U2-Net-P: (320, 320) float32 in [0, 1], of the frame resized to a square."""
        from seac.segment.baselines.saliency import shared_saliency

        return shared_saliency()(torch.from_numpy(self.pixels).permute(2, 0, 1))


class SceneAudio:
    """A clip's audio, read once for all of its frames.

    Attributes:
        id: of the clip, the cache key of its encodings.
        waveform: (S,).
        sample_rate: Hz.
    """

    def __init__(self, reader: Reader, clip: Clip) -> None:
        self.id = clip.id
        self.waveform, self.sample_rate = reader.waveform(clip)

    def crop(self, start: float, end: float) -> Tensor:
        """The samples from ``start`` to ``end`` (seconds)."""
        length = len(self.waveform)
        first = min(length, max(0, round(start * self.sample_rate)))
        last = length if end == float("inf") else min(length, round(end * self.sample_rate))
        return self.waveform[first : max(first, last)]


class Scene:
    """A frame with its audio and its truth.

    Attributes:
        image: the frame.
        audio: the clip's audio.
        audio_window: (start, end) seconds of the audio that belong to the frame.
        kind: type of the truth.
        truth: (h, w) ground truth of the frame, of type ``kind``.
        generator: random generator for random methods.
        cache: cache of encodings; its owner controls its lifetime.
    """

    def __init__(
        self,
        image: SceneImage,
        audio: SceneAudio,
        audio_window: tuple[float, float],
        kind: TruthKind,
        truth: Tensor,
        generator: torch.Generator,
        cache: EncodingCache,
    ) -> None:
        self.image, self.audio, self.audio_window = image, audio, audio_window
        self.kind, self.truth, self.generator, self.cache = kind, truth, generator, cache
        self._results: dict[int, FrameResult] = {}

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of predictions."""
        return int(self.truth.shape[-2]), int(self.truth.shape[-1])

    def predict(self, model: SeAC) -> FrameResult:
        """The model's result for this frame."""
        key = id(model)
        if key not in self._results:
            self._results[key] = model.predict(self.encoded_image(model), self.encoded_audio(model))
        return self._results[key]

    def logits(self, model: SeAC) -> Tensor:
        """Logits (N,) of the model's sounding head for this frame."""
        similarity = torch.from_numpy(self.predict(model).similarity)
        image, audio = self.encoded_image(model), self.encoded_audio(model)
        return model.stages.sounding_head(similarity, image, audio, model.settings.objectness)

    def encoded_image(self, model: SeAC) -> EncodedImage:
        """The model's encoding of the frame."""
        return self.cache.encode_image(model, self.image.pixels, self.image.path)

    def encoded_audio(self, model: SeAC) -> EncodedAudio:
        """The model's encoding of the audio that belongs to the frame."""
        key = self.audio.id, *self.audio_window
        waveform = self.audio.crop(*self.audio_window)
        return self.cache.encode_audio(model, waveform, self.audio.sample_rate, key)

    def masks(self, model: SeAC) -> Tensor:
        """Masks of the proposals at ``size``: (N, h, w) bool; filled boxes if the truth is boxes."""
        proposals = self.encoded_image(model).proposals
        if self.kind is not TruthKind.BOXES:
            return at_size(proposals.masks, self.size)
        painted = torch.zeros(len(proposals), *self.size, dtype=torch.bool)
        for row, (x1, y1, x2, y2) in enumerate(self.boxes(model).round().long().clamp(min=0).tolist()):
            painted[row, y1:y2, x1:x2] = True
        return painted

    def boxes(self, model: SeAC) -> Tensor:
        """Boxes of the proposals in pixels of ``size``: (N, 4) float32 xyxy."""
        encoded_image = self.encoded_image(model)
        height, width = encoded_image.image.shape[-2:]
        scale = torch.tensor([self.size[1] / width, self.size[0] / height]).repeat(2)
        return encoded_image.proposals.boxes * scale


def at_size(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize masks (N, H, W) bool: (N, h, w) bool, true where at least half of a pixel is covered."""
    if masks.shape[-2:] == size or len(masks) == 0:
        return masks if len(masks) else masks.new_zeros(0, *size)
    share = functional.interpolate(
        masks[None].float(), size, mode="bilinear", align_corners=False, antialias=True
    )
    return share[0] >= 0.5
