"""A trained association: the module, and its file with config and provenance."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from seac.associate.base import Association
from seac.associate.input_projection import InputFeatures
from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.core.checkpoint import load_trained, save_with_metadata
from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder

FILE = "association.safetensors"
FORMAT = "seac association 1"


class ZeroShotAssociation(Association, Protocol):
    """An association in text space that also maps masks to text space."""

    def to_text_space(self, masks: MaskEmbeddings) -> Tensor:
        """Text-space embedding of every mask: (N, d) of unit length."""
        ...


@dataclass(frozen=True)
class TrainedAssociationWeights:
    """Content of the file of a trained association.

    Attributes:
        module: the trained module, on the CPU.
        provenance: version of each part that computed the training features.
        sha256: SHA-256 of the file.
    """

    module: AssociationModule
    provenance: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""


class Trained:
    """Cosine of masks and audio in the trained space; an :class:`~seac.associate.base.Association`.

    Args:
        weights: the module and its provenance.
        device: device of the module.
        zero_shot: maps masks to text space; the config's ``zero_shot_weight`` is the share of the zero-shot
            cosine. Required if the input projection of the module has text.

    Raises:
        InputError: text space is required and there is none.
    """

    def __init__(
        self,
        weights: TrainedAssociationWeights,
        device: str = "cpu",
        zero_shot: ZeroShotAssociation | None = None,
    ) -> None:
        self.config = weights.module.config
        if self.config.zero_shot_weight and zero_shot is None:
            raise InputError(
                "this association adds the zero-shot similarity, and there is none here: "
                "use encoders that have classes, or train with --set zero_shot_weight=0"
            )
        self.module = weights.module.eval().requires_grad_(requires_grad=False).to(device)
        self.inputs = InputFeatures(
            self.module.input_projection,
            zero_shot if isinstance(zero_shot, ZeroShot) else None,
            self.config.local_weight,
        )
        self.device = device
        self.zero_shot = zero_shot
        self.provenance = weights.provenance
        self.version = f"trained association sha256:{weights.sha256[:12] or 'none'}"

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], device: str = "cpu", zero_shot: ZeroShotAssociation | None = None
    ) -> Trained:
        """Load the association from the folder of a run or from a file.

        Raises:
            InputError: the file does not exist or is not an association.
        """
        return cls(read(path), device, zero_shot)

    @classmethod
    def from_context(cls, context: PartContext) -> Trained:
        """Build with user-trained weights, which are stored under the name of the table row.

        Raises:
            InputError: the weights are missing or were trained on features of other encoders.
        """
        return cls.from_weights(read(context.weights(context.name)), context)

    @classmethod
    def from_weights(cls, weights: TrainedAssociationWeights, context: PartContext) -> Trained:
        """Build from a trained module and the other parts of a model.

        Raises:
            InputError: the module was trained on features of other encoders.
        """
        trained = cls(weights, context.device, context.part("zero_shot"))
        return trained.checked(context.part("vision"), context.part("audio"))

    def checked(self, vision: VisionEncoder, audio: AudioEncoder) -> Trained:
        """Check the encoders of the model and return this association.

        Raises:
            InputError: the association was trained on features of other encoders.
        """
        for modality, part, dim in (("vision", vision, self.config.d_m), ("audio", audio, self.config.d_a)):
            if part.dim != dim:
                raise InputError(
                    f"the association takes {modality} features of size {dim}, this {modality} encoder gives "
                    f"{part.dim}: choose the preset of its training"
                )
            trained_on, here = self.provenance.get(modality), getattr(part, "version", None)
            if trained_on and here and trained_on != here:
                raise InputError(
                    f"the association was trained on features of {trained_on}, this is {here}: "
                    "extract and train again, or choose the preset of its training"
                )
        return self

    @torch.inference_mode()
    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Cosine similarity of N masks of one frame with the audio: (N,) float32 in [-1, 1]."""
        if len(masks) == 0:
            return torch.zeros(0)
        windows = self.inputs.windows(audio)[None]
        trained = self._cosine(masks, windows)[0]
        return trained if self._added is None else self._blend(trained, self._added(masks, audio))

    @torch.inference_mode()
    def of_windows(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Cosine similarity of N masks of one frame with each of S windows by itself: (S, N) float32.

        The masks are embedded once.
        """
        windows = self.inputs.windows(audio)[:, None]
        if len(masks) == 0 or len(windows) == 0:
            return torch.zeros(len(windows), len(masks))
        trained = self._cosine(masks, windows)
        return trained if self._added is None else self._blend(trained, self._added.of_windows(masks, audio))

    def to_text_space(self, masks: MaskEmbeddings) -> Tensor:
        """Text-space embedding of every mask: (N, d) of unit length.

        Raises:
            InputError: there is no text space.
        """
        if self.zero_shot is None:
            raise InputError(
                "this association was loaded without a zero-shot association: "
                "pass Trained.load(path, zero_shot=...)"
            )
        return self.zero_shot.to_text_space(masks)

    @property
    def _added(self) -> ZeroShotAssociation | None:
        """The association whose cosine is added."""
        return self.zero_shot if self.config.zero_shot_weight else None

    def _blend(self, trained: Tensor, zero_shot: Tensor) -> Tensor:
        """The trained cosine with the config's share of the zero-shot cosine, both of one shape."""
        scaled = zero_shot.float().cpu() * self.config.zero_shot_scale
        return torch.lerp(trained, scaled, self.config.zero_shot_weight).clamp(-1, 1)

    def _cosine(self, masks: MaskEmbeddings, windows: Tensor) -> Tensor:
        """Cosine of N masks with each of K pieces of audio, of W windows (K, W, d) each: (K, N)."""
        mask_input = self.inputs.masks(masks)[None].to(self.device)
        window_input = windows.to(self.device)
        mask_vectors = self.module.embed_masks(
            mask_input, torch.zeros(mask_input.shape[:2], dtype=torch.bool, device=self.device)
        )
        audio_vectors = self.module.embed_audio(
            window_input, torch.zeros(window_input.shape[:2], dtype=torch.bool, device=self.device)
        )
        return torch.cosine_similarity(mask_vectors, audio_vectors[:, None], dim=2).cpu()


def write(module: AssociationModule, path: Path, provenance: Mapping[str, str] | None = None) -> str:
    """Write a module with its config and provenance, atomically.

    Args:
        module: the trained module.
        path: a ``.safetensors`` file.
        provenance: version of each part that computed the features.

    Returns:
        the SHA-256 of the file.
    """
    state = {name: value.detach().cpu().float().contiguous() for name, value in module.state_dict().items()}
    metadata = {"format": FORMAT, "config": asdict(module.config), "provenance": dict(provenance or {})}
    return save_with_metadata(state, metadata, path)


def read(path: str | os.PathLike[str]) -> TrainedAssociationWeights:
    """Read the module from the folder of a run or from a file.

    Raises:
        InputError: the file does not exist, is damaged, or holds other weights.
    """
    return load_trained(located(Path(path)), FORMAT, _weights_of)


def _weights_of(
    state: Mapping[str, Tensor], metadata: Mapping[str, Any], sha256: str
) -> TrainedAssociationWeights:
    module = AssociationModule(AssociationConfig.from_metadata(metadata["config"]))
    module.load_state_dict(dict(state))
    return TrainedAssociationWeights(module, metadata.get("provenance", {}), sha256)


def located(path: Path) -> Path:
    """Path of the weights file, from the folder of a run or from a file path.

    Raises:
        InputError: the file does not exist.
    """
    file = path / FILE if path.is_dir() else path
    if file.is_file():
        return file
    if path.is_dir():
        raise InputError(f"{path} holds no {FILE}: finish it with `seac train STORE --out {path}`")
    raise InputError(f"{path}: no such file; give a folder or file that `seac train` wrote")
