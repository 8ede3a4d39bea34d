"""The parts of a model, each behind a protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from seac.associate.base import Association
from seac.classify.base import MaskClassifier
from seac.classify.prompts import MeanEncoder
from seac.core.types import MaskEmbeddings, version_of
from seac.decision.base import SoundingHead
from seac.decision.calibration import Calibration
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.segment.base import Segmenter


@dataclass(frozen=True)
class Stages:
    """The parts of a model; any of them may be replaced by another of the same protocol.

    Attributes:
        segmenter: stage 1, class-agnostic masks of an image.
        vision: image encoder, (N, d_m) embeddings of the views of masks.
        audio: audio encoder, (W, d_a) embeddings of the windows of a waveform.
        text: text encoder of class names.
        association: stage 2, similarity of masks with audio.
        to_text_space: mask embeddings in the space of class names, (N, d).
        classifier: stage 3, class scores of sounding masks.
        sounding_head: logits of sounding, from similarity, masks and audio.
        calibration: constants of the decision.
    """

    segmenter: Segmenter
    vision: VisionEncoder
    audio: AudioEncoder
    text: MeanEncoder
    association: Association
    to_text_space: Callable[[MaskEmbeddings], Tensor]
    classifier: MaskClassifier
    sounding_head: SoundingHead
    calibration: Calibration

    def versions(self) -> dict[str, str]:
        """Version of the weights of each part, for the record."""
        parts = ("segmenter", "vision", "audio", "text", "association", "classifier", "sounding_head")
        return {name: version_of(getattr(self, name)) for name in parts}
