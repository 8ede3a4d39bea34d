"""The sounding head of ``seac train``: trained on the pairs of a store, without labels.

It belongs to one trained association and lies beside it. The shipped head
(:mod:`seac.decision.sounding_head`) is trained where it is known what sounds; this one has no class evidence,
so encoders without classes suffice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seac.core.checkpoint import load_trained, save_with_metadata
from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, EncodedImage
from seac.decision.calibration import Calibration
from seac.decision.network_head import NetworkHead, frame_geometry
from seac.decision.sounding_network import SoundingConfig, SoundingInputs, SoundingNetwork

FILE = "sounding_head.safetensors"
FORMAT = "seac trained sounding head 1"
OBJECTNESS = 0.5
"""Weight of objectness beside the similarity, as in the preset ``tiny``."""
SIMILARITY_SCALE = 1 / 3
"""Spread of the similarity that the network takes; the network multiplies it by 3."""

IDENTITY = Calibration(slope=1.0, offset=0.0, threshold=0.5, margin=100.0, noise_gate=False)
"""The calibration that takes the log-odds of the network as they are; noise is left to the network."""


@dataclass(frozen=True)
class SimilarityScale:
    """Mean and standard deviation of the sum of similarity and weighted objectness on a store.

    No pair says which masks are objects, so the network starts from objectness as well.
    """

    mean: float = 0.0
    std: float = 1.0
    objectness: float = OBJECTNESS

    def apply(self, similarity: Tensor, geometry: Tensor) -> Tensor:
        """The similarity (..., N) as the network takes it, with objectness from geometry (..., N, 8)."""
        return (self.total(similarity, geometry) - self.mean) * (SIMILARITY_SCALE / self.std)

    def total(self, similarity: Tensor, geometry: Tensor) -> Tensor:
        """The similarity (...) with weighted objectness, from geometry (..., 8)."""
        return similarity + self.objectness * (geometry[..., 0] + 1) / 2


@dataclass(frozen=True)
class TrainedHeadWeights:
    """Contents of a file.

    Attributes:
        network: the network without class evidence, in evaluation mode.
        association: SHA-256 of the association on whose similarity it was trained.
        scale: of that similarity.
        calibration: constants fitted to pairs that were held out of training.
        provenance: versions of the parts that computed the store.
        sha256: digest of the file.
    """

    network: SoundingNetwork
    association: str
    scale: SimilarityScale = SimilarityScale()
    calibration: Calibration = IDENTITY
    provenance: Mapping[str, str] | None = None
    sha256: str = ""


class TrainedSoundingHead(NetworkHead):
    """The network of a training.

    Args:
        weights: of the network.
    """

    def __init__(self, weights: TrainedHeadWeights) -> None:
        super().__init__(weights.network)
        self.scale = weights.scale
        self.version = f"trained sounding head sha256:{weights.sha256[:12] or 'none'}"

    @classmethod
    def from_context(cls, context: PartContext) -> TrainedSoundingHead:
        """Refuse: the weights lie beside an association, see :meth:`from_weights`.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"sounding_head {context.name!r} is the one of your own training: give --association-weights RUN"
        )

    @classmethod
    def from_weights(cls, weights: TrainedHeadWeights, association: str) -> TrainedSoundingHead:
        """Build for a model with the association of this digest.

        Raises:
            InputError: the head was trained with another association.
        """
        if weights.association != association:
            raise InputError(
                f"{FILE} was trained with association sha256:{weights.association[:12]}, this is "
                f"sha256:{association[:12]}: train again, or pass --sounding-head objectness"
            )
        return cls(weights)

    def mask_inputs(self, image: EncodedImage) -> dict[str, Tensor]:
        """Inputs of the network for the N masks of a frame: (N, ...) each."""
        masks = image.embeddings
        return {
            "local": masks.local.cpu().float(),
            "context": masks.context.cpu().float(),
            "image_probabilities": torch.zeros(len(masks), 0),
            "geometry": frame_geometry(image.proposals),
        }

    def window_inputs(self, audio: AudioFeatures) -> dict[str, Tensor]:
        """Inputs of the network for S audio windows: (S, ...) each."""
        embeddings = audio.embeddings.float().cpu()
        none = torch.zeros(len(embeddings), 0)
        return {"audio": embeddings, "audio_probabilities": none, "cues": none}

    def scale_similarity(self, similarity: Tensor, geometry: Tensor) -> Tensor:
        """The similarity (S, N) with objectness, as :class:`SimilarityScale` says."""
        return self.scale.apply(similarity, geometry)


def classless_inputs(**tensors: Tensor) -> SoundingInputs:
    """Inputs of a network without class evidence.

    Args:
        tensors: the fields of :class:`SoundingInputs` without those of classes.
    """
    rows, masks = tensors["similarity"].shape
    none = tensors["similarity"].new_zeros
    return SoundingInputs(
        **tensors,
        image_probabilities=none(rows, masks, 0),
        audio_probabilities=none(rows, 0),
        cues=none(rows, 0),
    )


def beside(association: str | os.PathLike[str]) -> Path | None:
    """The file of the head in the folder of an association, if there is one."""
    folder = Path(association)
    path = (folder if folder.is_dir() else folder.parent) / FILE
    return path if path.is_file() else None


def write(weights: TrainedHeadWeights, path: Path) -> str:
    """Write the file atomically and return its SHA-256."""
    state = {
        name: value.detach().cpu().float().contiguous()
        for name, value in weights.network.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "config": asdict(weights.network.config),
        "association": weights.association,
        "scale": asdict(weights.scale),
        "calibration": asdict(weights.calibration),
        "provenance": dict(weights.provenance or {}),
    }
    return save_with_metadata(state, metadata, path)


def read(path: str | os.PathLike[str]) -> TrainedHeadWeights:
    """Read a file written by :func:`write`.

    Raises:
        InputError: the file is missing, damaged, or holds other weights.
    """
    return load_trained(path, FORMAT, _weights_of)


def _weights_of(state: Mapping[str, Tensor], metadata: Mapping[str, Any], sha256: str) -> TrainedHeadWeights:
    network = SoundingNetwork(SoundingConfig(**metadata["config"]))
    network.load_state_dict(dict(state))
    return TrainedHeadWeights(
        network.eval().requires_grad_(False),
        metadata["association"],
        SimilarityScale(**metadata["scale"]),
        Calibration(**metadata["calibration"]),
        metadata["provenance"],
        sha256,
    )
