"""Class heads: two supervised classifiers on the frozen image and audio embeddings.

The classes of the encoders themselves generalise poorly to, for example, drawings. Each head is a small
network over K common sounding classes and "none". The agreement of both heads associates a mask with the
audio (:func:`class_match`), and each head is an expert in the classification of masks
(:mod:`seac.classify.experts`).
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

FORMAT = "seac class heads 3"
MODALITIES = ("image", "audio")


class ClassHead(nn.Module):
    """Classifies embeddings into K classes or none: PCA projection and one hidden layer.

    Args:
        mean: (d,) mean of the unit embeddings.
        basis: (d, p) whitened principal directions.
        width: width of the hidden layer.
        classes: number of classes K.
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, mean: Tensor, basis: Tensor, width: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)
        self.hidden = nn.Linear(basis.shape[1], width)
        self.classify = nn.Linear(width, classes + 1)

    def project(self, embeddings: Tensor) -> Tensor:
        """Return the PCA projection (n, p) of embeddings (n, d), the input of :meth:`forward`."""
        return pca_project(embeddings, self.mean, self.basis) * SCALE

    def forward(self, projected: Tensor) -> Tensor:
        """Return logits (n, K + 1) of the output of :meth:`project`; the last column is the class "none"."""
        logits: Tensor = self.classify(functional.gelu(self.hidden(projected)))
        return logits

    @torch.inference_mode()
    def probabilities(self, embeddings: Tensor) -> Tensor:
        """Return class probabilities (n, K) float32 of embeddings (n, d); the rest of each row is "none"."""
        logits: Tensor = self(self.project(embeddings.cpu()))
        return logits.softmax(1)[:, :-1]


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

    def probabilities(self, modality: str, embeddings: Tensor) -> Tensor | None:
        """Return class probabilities (n, K) of embeddings (n, d); None without a head for the modality.

        The last embeddings of a modality are remembered: association and classifier ask for the same ones.
        """
        network = self.weights.networks.get(modality)
        if network is None:
            return None
        last = self._last.get(modality)
        if last is None or last[0] is not embeddings:
            last = self._last[modality] = embeddings, network.probabilities(embeddings)
        return last[1]


def class_match(image_probabilities: Tensor, audio_probabilities: Tensor, log_floor: float) -> Tensor:
    """Return the class match of masks with the audio as a similarity: (N,) float32 in [-1, 1].

    The probability that mask and audio have the same class is ``p = sum_k p(k | mask) p(k | audio)``. The
    similarity is log(p + log_floor), scaled linearly so that p = 1 gives 1 and p = 0 gives -1.

    Args:
        image_probabilities: (N, K) class probabilities of the masks.
        audio_probabilities: (K,) class probabilities of the audio.
        log_floor: added to p before the logarithm.
    """
    joint = (image_probabilities.float() @ audio_probabilities.float()).clamp(0, 1)
    return 1 + 2 * torch.log((joint + log_floor) / (1 + log_floor)) / math.log((1 + log_floor) / log_floor)


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
        modality: network_of(sub_state_dict(state, modality), len(notes["names"])) for modality in MODALITIES
    }
    return ClassHeadsWeights(networks, tuple(notes["names"]), notes["provenance"], sha256)


def network_of(state: Mapping[str, Tensor], classes: int) -> ClassHead:
    """Build a head from its tensors, in evaluation mode."""
    network = ClassHead(state["mean"], state["basis"], len(state["hidden.bias"]), classes)
    network.load_state_dict(state)
    return network.eval().requires_grad_(requires_grad=False)
