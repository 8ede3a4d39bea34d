"""The learned sounding head: the probability that a mask sounds, trained where it is known what sounds.

``python -m recipes.sounding`` trains it on photographs with recordings and on composites, with silence,
noise and the audio of absent classes as negatives.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.core.checkpoint import load_shipped, save_with_metadata, to_half
from seac.core.context import PartContext
from seac.core.covering import covering_pairs, suppress
from seac.core.types import AudioFeatures, EncodedAudio, EncodedImage, Proposals, version_of
from seac.decision.base import ObjectnessSum, SoundingHead
from seac.decision.sounding_network import (
    SoundingConfig,
    SoundingInputs,
    SoundingNetwork,
    SoundingOutputs,
    mask_geometry,
)
from seac.encoders.class_heads import ClassHeads

ASSET = "assets/sounding_head.safetensors"
FORMAT = "seac sounding head 1"
MAX_LOGIT = 6.0
"""Logits are clamped to this magnitude, so that a track follows a change within its smoothing time."""
CUES = ("Silence", "Music")
"""AudioSet classes whose probabilities are inputs of their own."""


@dataclass(frozen=True)
class SoundingHeadWeights:
    """Contents of a file.

    Attributes:
        network: the network, in evaluation mode.
        provenance: versions of the parts on whose outputs it was trained: "vision", "audio",
            "association_method", "class_heads".
        sha256: digest of the file.
    """

    network: SoundingNetwork
    provenance: Mapping[str, str]
    sha256: str = ""


class LearnedSoundingHead:
    """The network as a :class:`~seac.decision.base.SoundingHead`.

    With parts other than those of its training, :meth:`from_context` gives an :class:`ObjectnessSum`.

    Args:
        weights: of the network.
        class_heads: classifiers of masks and audio.
        audio_labels: class names of the audio encoder.
    """

    absolute = True

    def __init__(
        self, weights: SoundingHeadWeights, class_heads: ClassHeads, audio_labels: tuple[str, ...]
    ) -> None:
        self.network = weights.network
        self.class_heads = class_heads
        self.cues = [audio_labels.index(name) for name in CUES]
        self.version = f"sounding head sha256:{weights.sha256[:12] or 'none'}"

    @classmethod
    def from_context(cls, context: PartContext) -> SoundingHead:
        """Build with the shipped weights, if the model has the parts of their training."""
        weights, class_heads = shipped(), context.part("class_heads")
        names = ("vision", "audio", "association_method")
        parts = {name: version_of(context.part(name)) for name in names}
        if dict(weights.provenance) != {**parts, "class_heads": class_heads.weights.version}:
            return ObjectnessSum()
        return cls(weights, class_heads, context.part("audio").labels)

    @torch.inference_mode()
    def __call__(
        self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio, objectness_weight: float = 0.0
    ) -> Tensor:
        """Return log-odds (N,) that each mask sounds; objectness is an input of the network."""
        if len(similarity) == 0:
            return similarity
        return self.join(limited_logits(self.network, self.inputs(similarity, image, audio)), image)[0]

    @torch.inference_mode()
    def window_logits(
        self, similarity: Tensor, image: EncodedImage, audio: AudioFeatures, objectness_weight: float = 0.0
    ) -> Tensor:
        """Return log-odds (S, N) of every mask in each of S windows, before :meth:`join`.

        The inputs of the masks are computed once.

        Raises:
            ValueError: an encoder has no classes.
        """
        if similarity.numel() == 0:
            return similarity
        masks, count = self._mask_inputs(image), len(similarity)
        embeddings, probabilities, cues = self._window_inputs(audio)
        inputs = {name: value.expand(count, *value.shape) for name, value in masks.items()}
        return limited_logits(
            self.network,
            SoundingInputs(
                **inputs,
                similarity=similarity.cpu().float(),
                padding=torch.zeros(similarity.shape, dtype=torch.bool),
                audio=embeddings,
                audio_probabilities=probabilities,
                cues=cues,
            ),
        )

    def join(self, logits: Tensor, image: EncodedImage) -> Tensor:
        """Return log-odds (S, N) of which only the likeliest of masks that cover one another is high."""
        return keep_one(logits, image)

    def inputs(self, similarity: Tensor, image: EncodedImage, audio: EncodedAudio) -> SoundingInputs:
        """Return the inputs of the network for one frame.

        Raises:
            ValueError: an encoder has no classes.
        """
        masks = self._mask_inputs(image)
        embedding, probabilities, cues = self.summarise(audio.features)
        return SoundingInputs(
            **{name: value[None] for name, value in masks.items()},
            similarity=similarity.cpu().float()[None],
            padding=torch.zeros(1, len(similarity), dtype=torch.bool),
            audio=embedding[None],
            audio_probabilities=probabilities[None],
            cues=cues[None],
        )

    def summarise(self, audio: AudioFeatures) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean embedding (d_a,), class probabilities (K,) and cues (2,) of the windows of audio.

        Raises:
            ValueError: the encoder has no classes.
        """
        embeddings, probabilities, cues = self._window_inputs(audio)
        return embeddings.mean(0), probabilities.mean(0), cues.mean(0)

    def _mask_inputs(self, image: EncodedImage) -> dict[str, Tensor]:
        """Inputs of the network that are those of the masks, without the dimension of frames."""
        masks, proposals = image.embeddings, image.proposals
        if masks.local_probabilities is None:
            raise ValueError("the learned sounding head needs encoders with classes")
        appearance = self.class_heads.probabilities("image", masks.local, masks.local_probabilities)
        return {
            "local": masks.local.cpu().float(),
            "context": masks.context.cpu().float(),
            "image_probabilities": appearance.float(),
            "geometry": frame_geometry(proposals),
        }

    def _window_inputs(self, audio: AudioFeatures) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings (S, d_a), class probabilities (S, K) and cues (S, 2) of S windows."""
        if audio.class_probabilities is None:
            raise ValueError("the learned sounding head needs encoders with classes")
        probabilities = self.class_heads.probabilities("audio", audio.embeddings, audio.class_probabilities)
        return (
            audio.embeddings.float().cpu(),
            probabilities,
            audio.class_probabilities.float().cpu()[:, self.cues],
        )


def limited_logits(network: SoundingNetwork, inputs: SoundingInputs) -> Tensor:
    """Log-odds (B, N) of a network in evaluation mode, limited to :data:`MAX_LOGIT`."""
    outputs: SoundingOutputs = network(inputs)
    return outputs.log_odds().clamp(-MAX_LOGIT, MAX_LOGIT)


def keep_one(logits: Tensor, image: EncodedImage) -> Tensor:
    """Log-odds (S, N) of which only the likeliest of masks that cover one another is high."""
    return suppress(logits, covering_pairs(image.proposals.masks), -MAX_LOGIT)


def frame_geometry(proposals: Proposals) -> Tensor:
    """Geometry of the masks of one frame, see :func:`mask_geometry`: (N, 8) float32 on the CPU."""
    height, width = proposals.masks.shape[-2:]
    area = proposals.masks.flatten(1).sum(1) / (height * width)
    return mask_geometry(proposals.boxes, area, proposals.scores, height, width).cpu()


def write(weights: SoundingHeadWeights, path: Path) -> str:
    """Write the file atomically in float16 and return its SHA-256.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    notes = {
        "format": FORMAT,
        "config": asdict(weights.network.config),
        "provenance": dict(weights.provenance),
    }
    return save_with_metadata(to_half(weights.network.state_dict()), notes, path)


def read(path: str | os.PathLike[str]) -> SoundingHeadWeights:
    """Read a file written by :func:`write`.

    Raises:
        InputError: the file is missing, damaged, or holds other weights.
    """
    return load_shipped(path, "a sounding head", FORMAT, weights_of)


def weights_of(state: Mapping[str, Tensor], notes: Mapping[str, Any], sha256: str) -> SoundingHeadWeights:
    """Build the weights from a file's tensors and metadata."""
    network = SoundingNetwork(SoundingConfig(**notes["config"]))
    network.load_state_dict(dict(state))
    return SoundingHeadWeights(network.eval().requires_grad_(False), notes["provenance"], sha256)


def shipped() -> SoundingHeadWeights:
    """Return the weights that ship with seac."""
    with as_file(files("seac").joinpath(ASSET)) as path:
        return read(path)
