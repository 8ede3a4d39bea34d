"""Class heads: two supervised classifiers on the frozen image and audio embeddings.

The classes of the encoders themselves generalise poorly to, for example, drawings. Each head is a small
network over the K sound sources of :mod:`seac.encoders.labels.sound_sources`. Their agreement is evidence of
the sounding head (:mod:`seac.decision.sounding_head`), and each head is an expert in the classification of
masks (:mod:`seac.classify.experts`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.core.checkpoint import load_shipped, save_with_metadata, sub_state_dict, to_half
from seac.core.types import version_of
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.encoders.pca import SCALE, pca_project

FORMAT = "seac class heads 4"
MODALITIES = ("image", "audio")
IMAGE_FLOOR = 1e-3
"""Added to the summed probability of exclusive encoder classes before its logarithm."""
AUDIO_FLOOR = 1e-5
ROWS = 64
"""Rows at a time; each takes a value per encoder class and class."""
ABSENT = -8.0
"""Evidence of a class to which no encoder class belongs, as a logit."""


class ClassHead(nn.Module):
    """Classifies embeddings into K classes: a small network, and the encoder's own classes.

    The logit of a class is the network's plus the weighted log-probability of the encoder's classes that
    belong to it (:func:`seac.encoders.labels.sound_sources.membership`). A class without training samples has
    the encoder's classes only.

    Args:
        mean: (d,) mean of the unit embeddings.
        basis: (d, p) whitened principal directions.
        width: width of the hidden layer.
        membership: (C, K) float32, 1 where an encoder class belongs to a class.

    Attributes:
        exclusive: whether one class at most is right: then the output has a column "none", and probabilities
            are a softmax. Otherwise probabilities are independent of one another.
    """

    mean: Tensor
    basis: Tensor
    membership: Tensor
    exclusive: bool

    def __init__(
        self, mean: Tensor, basis: Tensor, width: int, membership: Tensor, *, exclusive: bool
    ) -> None:
        super().__init__()
        self.exclusive = exclusive
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)
        self.register_buffer("membership", membership)
        self.hidden = nn.Linear(basis.shape[1], width)
        self.classify = nn.Linear(width, membership.shape[1] + exclusive)
        self.encoder_weight = nn.Parameter(torch.tensor(0.5))

    def project(self, embeddings: Tensor) -> Tensor:
        """Return the PCA projection (n, p) of embeddings (n, d), an input of :meth:`forward`."""
        return pca_project(embeddings, self.mean, self.basis) * SCALE

    def encoder_evidence(self, class_probabilities: Tensor) -> Tensor:
        """Return the evidence (n, K) of encoder class probabilities (n, C), an input of :meth:`forward`.

        Exclusive encoder classes are summed over the classes of a source, independent ones give the maximum.
        """
        if self.exclusive:
            return torch.log(class_probabilities.float() @ self.membership + IMAGE_FLOOR)
        probabilities = class_probabilities.float().clamp(AUDIO_FLOOR, 1 - AUDIO_FLOOR)
        logits = torch.logit(probabilities)
        foreign = self.membership == 0
        parts = [
            part[:, :, None].masked_fill(foreign, -math.inf).amax(1) for part in torch.split(logits, ROWS)
        ]
        return torch.cat(parts).masked_fill(foreign.all(0), ABSENT)

    def forward(self, projected: Tensor, evidence: Tensor) -> Tensor:
        """Return logits (n, K), or (n, K + 1) with the class "none" in the last column."""
        logits: Tensor = self.classify(functional.gelu(self.hidden(projected)))
        padding = (0, 1) if self.exclusive else (0, 0)
        return logits + self.encoder_weight * functional.pad(evidence, padding)

    @torch.inference_mode()
    def probabilities(self, embeddings: Tensor, class_probabilities: Tensor) -> Tensor:
        """Return class probabilities (n, K), or (n, K + 1) with "none", of encoder outputs."""
        evidence = self.encoder_evidence(class_probabilities.cpu())
        logits: Tensor = self(self.project(embeddings.cpu()), evidence)
        return logits.softmax(1) if self.exclusive else logits.sigmoid()


@dataclass(frozen=True)
class ClassHeadsWeights:
    """Contents of a class-heads file.

    Attributes:
        networks: head by modality, "image" and "audio"; a modality may have none.
        names: class names, in the order of both heads' outputs.
        provenance: version of the encoder on whose embeddings the head was trained, by modality.
        sha256: digest of the file.
    """

    networks: Mapping[str, ClassHead]
    names: tuple[str, ...]
    provenance: Mapping[str, str]
    sha256: str = ""

    @property
    def version(self) -> str:
        """Identifies the weights."""
        return f"class heads sha256:{self.sha256[:12] or 'none'}"

    def matching(self, vision: VisionEncoder, audio: AudioEncoder) -> ClassHeadsWeights:
        """Return the weights without the heads that were trained on the embeddings of other encoders."""
        versions = dict(zip(MODALITIES, (version_of(vision), version_of(audio)), strict=True))
        matching_heads = {
            modality: network
            for modality, network in self.networks.items()
            if versions[modality] == self.provenance[modality]
        }
        return ClassHeadsWeights(matching_heads, self.names, self.provenance, self.sha256)


@dataclass(frozen=True)
class ClassHeads:
    """Class heads and the text embeddings of their class names.

    Attributes:
        weights: weights of the heads.
        vectors: (K, t) text embeddings of the class names, of unit length.
    """

    weights: ClassHeadsWeights
    vectors: Tensor
    _last: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict, init=False, compare=False)

    def probabilities(self, modality: str, embeddings: Tensor, class_probabilities: Tensor) -> Tensor:
        """Return class probabilities of encoder outputs, (n, K + 1) of masks and (n, K) of audio.

        The last outputs of a modality are remembered: sounding head and classifier ask for the same ones.

        Args:
            modality: "image" or "audio".
            embeddings: (n, d) embeddings of the encoder.
            class_probabilities: (n, C) class probabilities of the encoder.

        Raises:
            KeyError: there is no head for the modality.
        """
        last = self._last.get(modality)
        if last is None or last[0] is not embeddings:
            probabilities = self.weights.networks[modality].probabilities(embeddings, class_probabilities)
            last = self._last[modality] = embeddings, probabilities
        return last[1]

    def has(self, modality: str) -> bool:
        """Whether there is a head for a modality."""
        return modality in self.weights.networks


def write(weights: ClassHeadsWeights, path: Path) -> str:
    """Write the file atomically in float16 and return its SHA-256.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    state = {
        f"{modality}.{name}": value
        for modality, network in weights.networks.items()
        for name, value in network.state_dict().items()
    }
    notes = {"format": FORMAT, "names": list(weights.names), "provenance": dict(weights.provenance)}
    return save_with_metadata(to_half(state), notes, path)


def read(path: str | os.PathLike[str]) -> ClassHeadsWeights:
    """Read a file written by :func:`write`.

    Raises:
        InputError: the file is missing, damaged, or holds other weights.
    """
    return load_shipped(path, "class heads", FORMAT, weights_of)


def weights_of(state: Mapping[str, Tensor], notes: Mapping[str, Any], sha256: str) -> ClassHeadsWeights:
    """Build the weights from a file's tensors and metadata."""
    networks = {
        modality: network_of(sub_state_dict(state, modality), exclusive=modality == "image")
        for modality in MODALITIES
    }
    return ClassHeadsWeights(networks, tuple(notes["names"]), notes["provenance"], sha256)


def network_of(state: Mapping[str, Tensor], *, exclusive: bool) -> ClassHead:
    """Build a head from its tensors, in evaluation mode."""
    shapes = state["mean"], state["basis"], len(state["hidden.bias"]), state["membership"]
    network = ClassHead(*shapes, exclusive=exclusive)
    network.load_state_dict(state)
    return network.eval().requires_grad_(requires_grad=False)
