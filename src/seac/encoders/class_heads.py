"""Kinds that were taught by name: which of them a mask looks like, and which a sound sounds like.

Taggers have seen photographs and heard films, and say little of a drawn owl. Two small networks on the frozen
embeddings tell common sounding kinds, with the choice of none of them. What both say of one kind associates a
mask with a sound (:func:`agreement`), and either has a say in a name (:mod:`seac.classify.experts`).
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

from seac.core.checkpoint import halved, part_of, read_shipped, write_noted
from seac.core.types import AudioFeatures
from seac.encoders.audio.hpss import blended
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.encoders.pca import SCALE, reduced

FORMAT = "seac kinds 2"
SENSES = ("sight", "sound")


class KindNetwork(nn.Module):
    """Which of K kinds an embedding is of, or none: principal components, one hidden layer.

    Args:
        mean: (d,) of unit embeddings.
        basis: (d, p) principal directions, whitened.
        width: of the hidden layer.
        kinds: K.
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, mean: Tensor, basis: Tensor, width: int, kinds: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)
        self.hidden = nn.Linear(basis.shape[1], width)
        self.kinds = nn.Linear(width, kinds + 1)

    def reduced(self, embeddings: Tensor) -> Tensor:
        """What the layers see of embeddings (n, d): (n, p)."""
        return reduced(embeddings, self.mean, self.basis) * SCALE

    def forward(self, reduced: Tensor) -> Tensor:
        """Logits (n, K + 1) of :meth:`reduced` embeddings; the last column is none of them."""
        logits: Tensor = self.kinds(functional.gelu(self.hidden(reduced)))
        return logits

    @torch.inference_mode()
    def probabilities(self, embeddings: Tensor) -> Tensor:
        """Of each kind, given embeddings (n, d): (n, K) float32; what is missing to 1 is none of them."""
        logits: Tensor = self(self.reduced(embeddings.cpu()))
        return logits.softmax(1)[:, :-1]


@dataclass(frozen=True)
class KindsWeights:
    """All that a file of kinds holds.

    Attributes:
        networks: by sense, "sight" and "sound"; a sense without a network says nothing.
        names: of the kinds, in words, in the order of either network's answers.
        made_by: version of the encoder whose embeddings each was taught, by sense.
    """

    networks: Mapping[str, KindNetwork]
    names: tuple[str, ...]
    made_by: Mapping[str, str]
    sha256: str = ""

    @property
    def version(self) -> str:
        """Which weights these are, for the record."""
        return f"taught kinds sha256:{self.sha256[:12] or 'none'}"

    def fitting(self, vision: VisionEncoder, audio: AudioEncoder) -> KindsWeights:
        """What may be asked of these encoders' embeddings: what was taught with another has no say."""
        asked = dict(zip(SENSES, (embeds(vision), embeds(audio)), strict=True))
        known = {
            sense: network for sense, network in self.networks.items() if asked[sense] == self.made_by[sense]
        }
        return KindsWeights(known, self.names, self.made_by, self.sha256)


def embeds(encoder: VisionEncoder | AudioEncoder) -> str:
    """What makes an encoder's embeddings: all of its version, unless it says which part."""
    return str(getattr(encoder, "embeds", getattr(encoder, "version", "")))


@dataclass(frozen=True)
class Kinds:
    """Taught kinds, and where they are among words.

    Attributes:
        weights: what was taught.
        vectors: (K, t) text embeddings of the names, of unit length.
    """

    weights: KindsWeights
    vectors: Tensor

    def of(self, sense: str, embeddings: Tensor) -> Tensor | None:
        """Probability of each kind, (n, K) of embeddings (n, d); None of a sense that says nothing."""
        network = self.weights.networks.get(sense)
        return None if network is None else network.probabilities(embeddings)

    def heard(self, audio: AudioFeatures) -> Tensor | None:
        """Probability of each kind in each of W windows and its components: (W, K); None if none can tell."""
        whole = self.of("sound", audio.embeddings)
        if whole is None or audio.apart is None:
            return whole
        apart = self.of("sound", audio.apart.flatten(0, 1))
        assert apart is not None  # the whole could be told
        return blended(whole, apart.view(*audio.apart.shape[:2], -1))


def agreement(seen: Tensor, heard: Tensor, floor: float) -> Tensor:
    """How likely masks and a sound are of one kind, as a similarity: (N,) float32 in [-1, 1].

    The logarithm of the probability that both are, ``sum_k p(k | mask) p(k | sound)``: 1 where it is 1, -1
    where it is 0, which counts as ``floor``.

    Args:
        seen: (N, K) probabilities of kinds.
        heard: (K,) of the sound.
        floor: added to the probability.
    """
    both = (seen.float() @ heard.float()).clamp(0, 1)
    return 1 + 2 * torch.log((both + floor) / (1 + floor)) / math.log((1 + floor) / floor)


def write(weights: KindsWeights, path: Path) -> str:
    """Write the file (float16), whole or not at all; the answer is its sha256.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    state = {
        f"{sense}.{name}": value
        for sense, network in weights.networks.items()
        for name, value in network.state_dict().items()
    }
    notes = {"format": FORMAT, "names": list(weights.names), "made_by": dict(weights.made_by)}
    return write_noted(halved(state), notes, path)


def read(path: str | os.PathLike[str]) -> KindsWeights:
    """What :func:`write` wrote.

    Raises:
        InputError: nothing there, damaged, or another kind of weights.
    """
    return read_shipped(path, "taught kinds", FORMAT, weights_of)


def weights_of(state: Mapping[str, Tensor], notes: Mapping[str, Any], sha256: str) -> KindsWeights:
    """The weights in a file's tensors and notes."""
    networks = {sense: network_of(part_of(state, sense), len(notes["names"])) for sense in SENSES}
    return KindsWeights(networks, tuple(notes["names"]), notes["made_by"], sha256)


def network_of(state: Mapping[str, Tensor], kinds: int) -> KindNetwork:
    """A network with these tensors, ready to be asked."""
    network = KindNetwork(state["mean"], state["basis"], len(state["hidden.bias"]), kinds)
    network.load_state_dict(state)
    return network.eval().requires_grad_(requires_grad=False)
