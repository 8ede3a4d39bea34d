"""Kinds that were taught by name: which of them a mask looks like, and which a sound sounds like.

Taggers have seen photographs and heard films, and say little of a drawn owl. Two small networks on the frozen
embeddings tell common sounding kinds, with the choice of none of them. What both say of one kind associates a
mask with a sound (:func:`class_match`), and either has a say in a name (:mod:`seac.classify.experts`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.core.checkpoint import load_shipped, save_with_metadata, sub_state_dict, to_half
from seac.core.types import AudioFeatures
from seac.encoders.audio.hpss import blend_components
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.encoders.pca import SCALE, pca_project

FORMAT = "seac class heads 3"
MODALITIES = ("image", "audio")


class ClassHead(nn.Module):
    """Which of K kinds an embedding is of, or none: principal components, one hidden layer.

    Args:
        mean: (d,) of unit embeddings.
        basis: (d, p) principal directions, whitened.
        width: of the hidden layer.
        classes: K.
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
        """What the layers see of embeddings (n, d): (n, p)."""
        return pca_project(embeddings, self.mean, self.basis) * SCALE

    def forward(self, projected: Tensor) -> Tensor:
        """Logits (n, K + 1) of :meth:`pca_project` embeddings; the last column is none of them."""
        logits: Tensor = self.classify(functional.gelu(self.hidden(projected)))
        return logits

    @torch.inference_mode()
    def probabilities(self, embeddings: Tensor) -> Tensor:
        """Of each kind, given embeddings (n, d): (n, K) float32; what is missing to 1 is none of them."""
        logits: Tensor = self(self.project(embeddings.cpu()))
        return logits.softmax(1)[:, :-1]


@dataclass(frozen=True)
class ClassHeadsWeights:
    """All that a file of kinds holds.

    Attributes:
        networks: by sense, "sight" and "sound"; a sense without a network says nothing.
        names: of the kinds, in words, in the order of either network's answers.
        provenance: version of the encoder whose embeddings each was taught, by sense.
    """

    networks: Mapping[str, ClassHead]
    names: tuple[str, ...]
    provenance: Mapping[str, str]
    sha256: str = ""

    @property
    def version(self) -> str:
        """Which weights these are, for the record."""
        return f"class heads sha256:{self.sha256[:12] or 'none'}"

    def matching(self, vision: VisionEncoder, audio: AudioEncoder) -> ClassHeadsWeights:
        """What may be asked of these encoders' embeddings: what was taught with another has no say."""
        versions = dict(zip(MODALITIES, (embedding_version(vision), embedding_version(audio)), strict=True))
        matching_heads = {
            modality: network
            for modality, network in self.networks.items()
            if versions[modality] == self.provenance[modality]
        }
        return ClassHeadsWeights(matching_heads, self.names, self.provenance, self.sha256)


def embedding_version(encoder: VisionEncoder | AudioEncoder) -> str:
    """What makes an encoder's embeddings: all of its version, unless it says which part."""
    return str(getattr(encoder, "embedding_version", getattr(encoder, "version", "")))


@dataclass(frozen=True)
class ClassHeads:
    """Taught kinds, and where they are among words.

    Attributes:
        weights: what was taught.
        vectors: (K, t) text embeddings of the names, of unit length.
    """

    weights: ClassHeadsWeights
    vectors: Tensor

    def probabilities(self, modality: str, embeddings: Tensor) -> Tensor | None:
        """Probability of each kind, (n, K) of embeddings (n, d); None of a sense that says nothing."""
        network = self.weights.networks.get(modality)
        return None if network is None else network.probabilities(embeddings)

    def audio_probabilities(self, audio: AudioFeatures) -> Tensor | None:
        """Probability of each kind in each of W windows and its components: (W, K); None if none can tell."""
        full_mix = self.probabilities("audio", audio.embeddings)
        if full_mix is None or audio.components is None:
            return full_mix
        components = self.probabilities("audio", audio.components.flatten(0, 1))
        assert components is not None  # the whole could be told
        return blend_components(full_mix, components.view(*audio.components.shape[:2], -1))


def class_match(image_probabilities: Tensor, audio_probabilities: Tensor, log_floor: float) -> Tensor:
    """How likely masks and a sound are of one kind, as a similarity: (N,) float32 in [-1, 1].

    The logarithm of the probability that both are, ``sum_k p(k | mask) p(k | audio)``: 1 where it is 1, -1
    where it is 0, which counts as ``log_floor``.

    Args:
        image_probabilities: (N, K) probabilities of kinds.
        audio_probabilities: (K,) of the sound.
        log_floor: added to the probability.
    """
    joint = (image_probabilities.float() @ audio_probabilities.float()).clamp(0, 1)
    return 1 + 2 * torch.log((joint + log_floor) / (1 + log_floor)) / math.log((1 + log_floor) / log_floor)


def write(weights: ClassHeadsWeights, path: Path) -> str:
    """Write the file (float16), whole or not at all; the answer is its sha256.

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
    """What :func:`write` wrote.

    Raises:
        InputError: nothing there, damaged, or another kind of weights.
    """
    return load_shipped(path, "taught kinds", FORMAT, weights_of)


def weights_of(state: Mapping[str, Tensor], notes: Mapping[str, Any], sha256: str) -> ClassHeadsWeights:
    """The weights in a file's tensors and notes."""
    networks = {
        modality: network_of(sub_state_dict(state, modality), len(notes["names"])) for modality in MODALITIES
    }
    return ClassHeadsWeights(networks, tuple(notes["names"]), notes["provenance"], sha256)


def network_of(state: Mapping[str, Tensor], classes: int) -> ClassHead:
    """A network with these tensors, ready to be asked."""
    network = ClassHead(state["mean"], state["basis"], len(state["hidden.bias"]), classes)
    network.load_state_dict(state)
    return network.eval().requires_grad_(requires_grad=False)
