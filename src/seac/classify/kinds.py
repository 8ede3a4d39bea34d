"""Names of kinds that were taught: the naming that ships with tiny.

ImageNet's tagger has seen photographs, and says little of a drawn owl; AudioSet's says what it hears in words
of its own. Two small networks on the frozen embeddings tell common sounding kinds, each with the choice of
none of them; what they say is placed among words like any tagger's answer and joined with the taggers', so
words that were never taught can still be asked for. A mask that sounds is named by what is heard too: two
witnesses of one thing err apart.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.associate.audio.encoder import AudioEncoder, AudioFeatures
from seac.associate.embeddings import MaskEmbeddings
from seac.associate.noted import read_noted, write_noted
from seac.associate.vision.encoder import VisionEncoder
from seac.associate.zero_shot import ZeroShot
from seac.classify.templates import MeanEncoder, class_embeddings
from seac.errors import InputError

FORMAT = "seac kinds 1"
SCALE = 16.0
"""Of the networks' inputs: their values are then of the order of 1."""
SENSES = ("sight", "sound")


@dataclass(frozen=True)
class KindsSettings:
    """Shares of what was taught, chosen with ``python -m training.naming``.

    Attributes:
        sight: share of the taught kinds in what is seen, 0 to 1; the vision tagger's classes have the rest.
        sound: the same of what is heard.
        heard: share of what is heard in the name of a mask that sounds.
    """

    sight: float = 0.4
    sound: float = 0.5
    heard: float = 0.3


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
        unit = functional.normalize(embeddings.float(), dim=-1) - self.mean
        return functional.normalize(unit @ self.basis, dim=-1) * SCALE

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
        networks: of "sight" and "sound". names: their kinds, in words.
        settings: how they are joined with the taggers.
        made_by: version of the encoder whose embeddings each was taught.
    """

    networks: Mapping[str, KindNetwork]
    names: Mapping[str, Sequence[str]]
    settings: KindsSettings
    made_by: Mapping[str, str]
    sha256: str = ""


class Taught:
    """Taught kinds beside the taggers' classes; a :class:`~seac.classify.naming.Naming`."""

    def __init__(self, weights: KindsWeights, words: ZeroShot, text: MeanEncoder) -> None:
        self.networks = {
            sense: network.eval().requires_grad_(requires_grad=False)
            for sense, network in weights.networks.items()
        }
        self.vectors = {sense: class_embeddings(weights.names[sense], text).cpu() for sense in SENSES}
        self.settings = weights.settings
        self.words = words
        self.version = f"taught kinds sha256:{weights.sha256[:12] or 'none'}"

    def sight(self, masks: MaskEmbeddings) -> Tensor:
        """N masks among words, as they look: (N, d) float32."""
        settings = self.settings
        said = self.words.place_masks(masks).cpu()
        return (1 - settings.heard) * self._joined(said, masks.local.cpu(), "sight", settings.sight)

    def sound(self, audio: AudioFeatures) -> Tensor:
        """What is heard among words, at its share: (d,) float32."""
        settings = self.settings
        if not settings.heard or len(audio.embeddings) == 0:
            return torch.zeros(())
        said = self.words.place_sound(audio).cpu()
        mean = audio.embeddings.mean(0, keepdim=True).cpu()
        return settings.heard * self._joined(said[None], mean, "sound", settings.sound)[0]

    def _joined(self, said: Tensor, embeddings: Tensor, sense: str, share: float) -> Tensor:
        """The tagger's places (n, d) and the taught kinds' of the same embeddings (n, d_m)."""
        if not share:
            return said
        taught = self.networks[sense].probabilities(embeddings) @ self.vectors[sense]
        return torch.lerp(said, taught, share)


def fitting(weights: KindsWeights, vision: VisionEncoder, audio: AudioEncoder) -> KindsWeights:
    """The weights for these encoders: what was taught for another has no say, nor has a wordless ear."""
    made, settings = weights.made_by, weights.settings
    return replace(
        weights,
        settings=KindsSettings(
            sight=settings.sight * (getattr(vision, "version", "") == made["sight"]),
            sound=settings.sound * (getattr(audio, "version", "") == made["sound"]),
            heard=settings.heard * bool(audio.labels),
        ),
    )


def write(weights: KindsWeights, path: Path) -> str:
    """Write the file (float16), whole or not at all; the answer is its sha256.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    half = {
        f"{sense}.{name}": value.detach().cpu().half().contiguous()
        for sense, network in weights.networks.items()
        for name, value in network.state_dict().items()
    }
    broken = [name for name, value in half.items() if not value.isfinite().all()]
    if broken:
        raise ValueError(f"{', '.join(broken)}: not finite in half precision, so nothing is written")
    notes = {
        "format": FORMAT,
        "names": {sense: list(names) for sense, names in weights.names.items()},
        "settings": asdict(weights.settings),
        "made_by": dict(weights.made_by),
    }
    return write_noted(half, notes, path)


def read(path: str | os.PathLike[str]) -> KindsWeights:
    """What :func:`write` wrote.

    Raises:
        InputError: nothing there, damaged, or another kind of weights.
    """
    file = Path(path)
    state, notes, sha256 = read_noted(file)
    if notes.get("format") != FORMAT:
        raise InputError(f"{file} holds other weights than taught kinds: reinstall seac")
    try:
        names, made_by = notes["names"], notes["made_by"]
        networks = {sense: network_of(state, sense, len(names[sense])) for sense in SENSES}
        settings = KindsSettings(**notes["settings"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{file} is of another version of seac ({type(error).__name__}): reinstall"
        ) from None
    return KindsWeights(networks, names, settings, made_by, sha256)


def network_of(state: Mapping[str, Tensor], sense: str, kinds: int) -> KindNetwork:
    """One of the networks in a file."""
    own = {
        name.removeprefix(f"{sense}."): value for name, value in state.items() if name.startswith(f"{sense}.")
    }
    network = KindNetwork(own["mean"], own["basis"], len(own["hidden.bias"]), kinds)
    network.load_state_dict(own)
    return network
