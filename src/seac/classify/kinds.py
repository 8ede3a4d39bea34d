"""Names of kinds that were taught: the naming that ships with tiny.

ImageNet's tagger has seen photographs, and says little of a drawn owl. A small network on the frozen
embeddings tells common sounding kinds, with the choice of none of them; what it says is placed among words
like the tagger's answer and joined with it, so words that were never taught can still be asked for. A mask
that sounds is named by what is heard too: two witnesses of one thing err apart.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.associate.audio.encoder import AudioEncoder, AudioFeatures
from seac.associate.bridge import Bridge
from seac.associate.combined import SCALE, reduced
from seac.associate.embeddings import MaskEmbeddings
from seac.associate.noted import halved, read_shipped, write_noted
from seac.associate.vision.encoder import VisionEncoder
from seac.classify.templates import MeanEncoder, class_embeddings

FORMAT = "seac kinds 1"


@dataclass(frozen=True)
class KindsSettings:
    """Shares in a name, chosen with ``python -m training.naming``.

    Attributes:
        kinds: of the taught kinds in what is seen, 0 to 1; the vision tagger's classes have the rest.
        heard: of what is heard in the name of a mask that sounds, 0 to 1; what is seen has the rest.
    """

    kinds: float = 0.4
    heard: float = 0.35


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
        logits: Tensor = self(self.reduced(embeddings))
        return logits.softmax(1)[:, :-1]


@dataclass(frozen=True)
class KindsWeights:
    """All that a file of this naming holds.

    Attributes:
        network: tells the kinds. names: of them, in words.
        settings: how it is joined with the tagger.
        made_by: version of the vision encoder whose embeddings it was taught.
    """

    network: KindNetwork
    names: tuple[str, ...]
    settings: KindsSettings
    made_by: str
    sha256: str = ""


class Taught:
    """Taught kinds beside the tagger's classes; a :class:`~seac.classify.naming.Naming`.

    Args:
        weights: the kinds.
        place: masks in text space by the tagger's classes, (N, d) from their embeddings.
        hearing: places the audio network's classes there.
        text: encodes the names of the kinds.
    """

    def __init__(
        self,
        weights: KindsWeights,
        place: Callable[[MaskEmbeddings], Tensor],
        hearing: Bridge,
        text: MeanEncoder,
    ) -> None:
        self.network = weights.network.eval().requires_grad_(requires_grad=False)
        self.vectors = class_embeddings(weights.names, text).cpu()
        self.settings = weights.settings
        self.place = place
        self.hearing = hearing
        self.version = f"taught kinds sha256:{weights.sha256[:12] or 'none'}"

    def sight(self, masks: MaskEmbeddings) -> Tensor:
        """N masks among words, as they look: (N, d) float32."""
        said = self.place(masks).cpu()
        if self.settings.kinds:
            taught = self.network.probabilities(masks.local.cpu()) @ self.vectors
            said = torch.lerp(said, taught, self.settings.kinds)
        return (1 - self.settings.heard) * said

    def sound(self, audio: AudioFeatures) -> Tensor:
        """What is heard among words, window by window, at its share: (W, d) float32."""
        if not self.settings.heard or audio.tags is None:
            return torch.zeros(0, 0)
        return self.settings.heard * self.hearing.place(audio.tags).cpu()


def fitting(weights: KindsWeights, vision: VisionEncoder, audio: AudioEncoder) -> KindsWeights:
    """The weights for these encoders: what was taught for another has no say, nor has a wordless ear."""
    settings = weights.settings
    known = getattr(vision, "version", "") == weights.made_by
    return replace(
        weights,
        settings=KindsSettings(settings.kinds * known, settings.heard * bool(audio.labels)),
    )


def write(weights: KindsWeights, path: Path) -> str:
    """Write the file (float16), whole or not at all; the answer is its sha256.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    notes = {
        "format": FORMAT,
        "names": list(weights.names),
        "settings": asdict(weights.settings),
        "made_by": weights.made_by,
    }
    return write_noted(halved(weights.network.state_dict()), notes, path)


def read(path: str | os.PathLike[str]) -> KindsWeights:
    """What :func:`write` wrote.

    Raises:
        InputError: nothing there, damaged, or another kind of weights.
    """
    return read_shipped(path, "taught kinds", FORMAT, weights_of)


def weights_of(state: Mapping[str, Tensor], notes: Mapping[str, Any], sha256: str) -> KindsWeights:
    """The weights in a file's tensors and notes."""
    names = tuple(notes["names"])
    network = KindNetwork(state["mean"], state["basis"], len(state["hidden.bias"]), len(names))
    network.load_state_dict(state)
    return KindsWeights(network, names, KindsSettings(**notes["settings"]), notes["made_by"], sha256)
