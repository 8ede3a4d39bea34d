"""A trained association: the module, in a file that says how it is built and on what it was trained."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from seac.associate.base import Association
from seac.associate.model import AssociationConfig, AssociationModule
from seac.core.checkpoint import read_noted, write_noted
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder

FILE = "association.safetensors"
FORMAT = "seac association 1"


class Words(Association, Protocol):
    """An association that works through words, and so can say where masks and sounds are among them."""

    def place_masks(self, masks: MaskEmbeddings) -> Tensor:
        """Every mask among words: (N, d) of unit length."""
        ...


@dataclass(frozen=True)
class Weights:
    """What the file of a trained association holds.

    Attributes:
        module: the trained module, on the CPU.
        made_by: what made the features it was trained on, by part.
        sha256: of the file.
    """

    module: AssociationModule
    made_by: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""


class Trained:
    """Cosine of masks and sound in the trained space; an :class:`~seac.associate.base.Association`.

    Args:
        weights: the module and where it comes from.
        device: where it runs.
        words: places masks among words; its cosine is what the config's ``words`` is the share of.

    Raises:
        InputError: the config asks for a share of words and there are none.
    """

    def __init__(self, weights: Weights, device: str = "cpu", words: Words | None = None) -> None:
        self.config = weights.module.config
        if self.config.words and words is None:
            raise InputError(
                "this association adds the zero-shot similarity, and there is none here: "
                "take encoders that have classes, or train with --set words=0"
            )
        self.module = weights.module.eval().requires_grad_(requires_grad=False).to(device)
        self.device = device
        self.words = words
        self.made_by = weights.made_by
        self.version = f"trained association sha256:{weights.sha256[:12] or 'none'}"

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str = "cpu", words: Words | None = None) -> Trained:
        """The association in a run's folder or in a file.

        Raises:
            InputError: nothing there, or no association.
        """
        return cls(read(path), device, words)

    def checked(self, vision: VisionEncoder, audio: AudioEncoder) -> Trained:
        """Itself, once it fits the networks whose features it is given.

        Raises:
            InputError: it was trained on features of other networks.
        """
        for kind, part, dim in (("vision", vision, self.config.d_m), ("audio", audio, self.config.d_a)):
            if part.dim != dim:
                raise InputError(
                    f"the association takes {kind} features of size {dim}, this {kind} encoder gives "
                    f"{part.dim}: choose the preset that it was trained for"
                )
            trained_on, here = self.made_by.get(kind), getattr(part, "version", None)
            if trained_on and here and trained_on != here:
                raise InputError(
                    f"the association was trained on features of {trained_on}, this is {here}: "
                    "extract and train again, or choose the preset that it was trained for"
                )
        return self

    @torch.inference_mode()
    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Cosine similarity of N masks of one frame with one sound: (N,) float32 in [-1, 1]."""
        if len(masks) == 0:
            return torch.zeros(0)
        trained = self._cosine(masks, audio)
        if self.words is None or not self.config.words:
            return trained
        said = self.words(masks, audio).float().cpu() * self.config.words_scale
        return torch.lerp(trained, said, self.config.words).clamp(-1, 1)

    def place_masks(self, masks: MaskEmbeddings) -> Tensor:
        """Every mask among words: (N, d) of unit length.

        Raises:
            InputError: there are no words.
        """
        if self.words is None:
            raise InputError("this association was loaded without words: pass Trained.load(path, words=...)")
        return self.words.place_masks(masks)

    def _cosine(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        seen = masks.mixed(self.config.local_weight)[None].to(self.device).float()
        heard = audio.embeddings[None].to(self.device).float()
        placed = self.module.embed_masks(
            seen, torch.zeros(seen.shape[:2], dtype=torch.bool, device=self.device)
        )
        sound = self.module.embed_audio(
            heard, torch.zeros(heard.shape[:2], dtype=torch.bool, device=self.device)
        )
        return torch.cosine_similarity(placed[0], sound, dim=1).cpu()


def write(
    module: AssociationModule, path: Path, made_by: Mapping[str, str] | None = None, *, half: bool = False
) -> str:
    """Write a module with its config and origin; whole or not at all.

    Args:
        module: what was trained.
        path: a ``.safetensors`` file.
        made_by: what made the features, by part.
        half: store float16, which is read back as float32.

    Returns:
        the file's sha256.
    """
    kind = torch.float16 if half else torch.float32
    state = {name: value.detach().cpu().to(kind).contiguous() for name, value in module.state_dict().items()}
    notes = {"format": FORMAT, "config": asdict(module.config), "made_by": dict(made_by or {})}
    return write_noted(state, notes, path)


def read(path: str | os.PathLike[str]) -> Weights:
    """The module in a run's folder or in a file, as it was written.

    Raises:
        InputError: nothing there, damaged, or another kind of weights.
    """
    file = located(Path(path))
    state, notes, sha256 = read_noted(file)
    if notes.get("format") != FORMAT:
        raise InputError(f"{file} holds other weights: give a folder or file that `seac train` wrote")
    try:
        module = AssociationModule(AssociationConfig(**notes["config"]))
        module.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{file} is of another version of seac ({type(error).__name__}): train again"
        ) from None
    return Weights(module, notes.get("made_by", {}), sha256)


def located(path: Path) -> Path:
    """The file of weights that a run's folder or a path means.

    Raises:
        InputError: there is none.
    """
    file = path / FILE if path.is_dir() else path
    if file.is_file():
        return file
    if path.is_dir():
        raise InputError(f"{path} holds no {FILE}: finish it with `seac train STORE --out {path}`")
    raise InputError(f"{path}: no such file; give a folder or file that `seac train` wrote")
