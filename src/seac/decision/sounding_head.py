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

from torch import Tensor

from seac.core.checkpoint import load_shipped, save_with_metadata, to_half
from seac.core.context import PartContext
from seac.core.types import AudioFeatures, EncodedImage, version_of
from seac.decision.base import ObjectnessSum, SoundingHead
from seac.decision.network_head import NetworkHead, frame_geometry
from seac.decision.sounding_network import SoundingConfig, SoundingNetwork
from seac.encoders.class_heads import ClassHeads

ASSET = "assets/sounding_head.safetensors"
FORMAT = "seac sounding head 1"
NO_CLASSES = "the learned sounding head needs encoders with classes"
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


class LearnedSoundingHead(NetworkHead):
    """The shipped network.

    With parts other than those of its training, :meth:`from_context` gives an :class:`ObjectnessSum`.

    Args:
        weights: of the network.
        class_heads: classifiers of masks and audio.
        audio_labels: class names of the audio encoder.
    """

    def __init__(
        self, weights: SoundingHeadWeights, class_heads: ClassHeads, audio_labels: tuple[str, ...]
    ) -> None:
        super().__init__(weights.network)
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

    def mask_inputs(self, image: EncodedImage) -> dict[str, Tensor]:
        """Inputs of the network for the N masks of a frame: (N, ...) each.

        Raises:
            ValueError: the image encoder has no classes.
        """
        masks = image.embeddings
        if masks.local_probabilities is None:
            raise ValueError(NO_CLASSES)
        appearance = self.class_heads.probabilities("image", masks.local, masks.local_probabilities)
        return {
            "local": masks.local.cpu().float(),
            "context": masks.context.cpu().float(),
            "image_probabilities": appearance.float(),
            "geometry": frame_geometry(image.proposals),
        }

    def window_inputs(self, audio: AudioFeatures) -> dict[str, Tensor]:
        """Inputs of the network for S audio windows: (S, ...) each.

        Raises:
            ValueError: the audio encoder has no classes.
        """
        if audio.class_probabilities is None:
            raise ValueError(NO_CLASSES)
        return {
            "audio": audio.embeddings.float().cpu(),
            "audio_probabilities": self.class_heads.probabilities(
                "audio", audio.embeddings, audio.class_probabilities
            ),
            "cues": audio.class_probabilities.float().cpu()[:, self.cues],
        }


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
