"""A sounding head that is a network: what the shipped head and the heads of a training have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from seac.core.covering import suppress
from seac.core.types import AudioFeatures, EncodedAudio, EncodedImage, Proposals
from seac.decision.sounding_network import SoundingInputs, SoundingNetwork, SoundingOutputs, mask_geometry

MAX_LOGIT = 6.0
"""Logits are clamped to this magnitude, so that a track follows a change within its smoothing time."""


class NetworkHead(ABC):
    """A network as a :class:`~seac.decision.base.SoundingHead`; its logits mean the same in every frame.

    Args:
        network: in evaluation mode.
    """

    absolute = True

    def __init__(self, network: SoundingNetwork) -> None:
        self.network = network

    @abstractmethod
    def mask_inputs(self, image: EncodedImage) -> Mapping[str, Tensor]:
        """Inputs of the network for the N masks of a frame: (N, ...) each, with "geometry"."""

    @abstractmethod
    def window_inputs(self, audio: AudioFeatures) -> Mapping[str, Tensor]:
        """Inputs of the network for S audio windows: (S, ...) each."""

    def scale_similarity(self, similarity: Tensor, geometry: Tensor) -> Tensor:
        """The similarity (S, N) as the network takes it; ``geometry`` (N, 8) is that of the masks."""
        return similarity

    @torch.inference_mode()
    def __call__(
        self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio, objectness_weight: float = 0.0
    ) -> Tensor:
        """Return log-odds (N,) that each mask sounds; objectness is an input of the network."""
        return self.join(self.logits(similarity, image, audio)[None], image)[0]

    @torch.inference_mode()
    def logits(
        self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio, objectness_weight: float = 0.0
    ) -> Tensor:
        """Return log-odds (N,) of every mask, before :meth:`join`."""
        if len(similarity) == 0:
            return similarity
        return self._logits(self.inputs(similarity, image, audio))[0]

    @torch.inference_mode()
    def window_logits(
        self, similarity: Tensor, image: EncodedImage, audio: AudioFeatures, objectness_weight: float = 0.0
    ) -> Tensor:
        """Return log-odds (S, N) of every mask in each of S windows, before :meth:`join`.

        The inputs of the masks are computed once.
        """
        if similarity.numel() == 0:
            return similarity
        return self._logits(self._inputs(similarity, image, self.window_inputs(audio)))

    def join(self, logits: Tensor, image: EncodedImage) -> Tensor:
        """Return log-odds (S, N) of which only the likeliest of masks that cover one another is high."""
        return suppress(logits, image.covering, -MAX_LOGIT)

    def inputs(self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio) -> SoundingInputs:
        """Return the inputs of the network for one frame under the mean of its audio windows."""
        windows = self.window_inputs(audio.features)
        mean = {name: value.mean(0, keepdim=True) for name, value in windows.items()}
        return self._inputs(similarity[None], image, mean)

    def _inputs(
        self, similarity: Tensor, image: EncodedImage, windows: Mapping[str, Tensor]
    ) -> SoundingInputs:
        masks = self.mask_inputs(image)
        repeated = {name: value.expand(len(similarity), *value.shape) for name, value in masks.items()}
        return SoundingInputs.of(
            {
                **repeated,
                **windows,
                "similarity": self.scale_similarity(similarity.cpu().float(), masks["geometry"]),
                "padding": torch.zeros(similarity.shape, dtype=torch.bool),
            }
        )

    def _logits(self, inputs: SoundingInputs) -> Tensor:
        return limited_log_odds(self.network(inputs))


def limited_log_odds(outputs: SoundingOutputs) -> Tensor:
    """Log-odds (B, N) of a network's outputs, limited to :data:`MAX_LOGIT`."""
    return outputs.log_odds().clamp(-MAX_LOGIT, MAX_LOGIT)


def frame_geometry(proposals: Proposals) -> Tensor:
    """Geometry of the masks of one frame, see :func:`mask_geometry`: (N, 8) float32 on the CPU."""
    height, width = proposals.masks.shape[-2:]
    area = proposals.masks.flatten(1).sum(1) / (height * width)
    return mask_geometry(proposals.boxes, area, proposals.scores, height, width).cpu()
