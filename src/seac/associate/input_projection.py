"""Input of an association module: frozen embeddings, or their PCA projections with text-space embeddings.

A module without a projection takes the mask and window embeddings of the encoders, as in the paper. A module
with a projection takes their PCA projections, concatenated with projected text-space embeddings (the ConSE
mapping of the encoders' class probabilities). The projection is fitted on training features before the
first training step. It stays fixed and is stored in the module's file.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.labels.conse import ConSEMapping
from seac.encoders.pca import SCALE, pca_project

CHUNK = 2048


@dataclass(frozen=True)
class ProjectionConfig:
    """Shapes and constants of an :class:`InputProjection`.

    Attributes:
        image: p, principal components of mask embeddings.
        audio: q, principal components of window embeddings.
        text: r, principal components of text-space embeddings; 0 leaves text space out.
        text_dim: t, size of text space; 0 without text.
        image_classes: C, classes of the image encoder; 0 without text.
        audio_classes: D, classes of the audio encoder; 0 without text.
        text_weight: factor on the text-space part of the input; the embedding part has factor 1.
        prior_exponent: exponent of the class prior that divides class probabilities; 0 leaves the
            probabilities unchanged.
    """

    image: int
    audio: int
    text: int = 0
    text_dim: int = 0
    image_classes: int = 0
    audio_classes: int = 0
    text_weight: float = 0.3
    prior_exponent: float = 0.7


class InputProjection(nn.Module):
    """PCA projection of mask and window embeddings, and of their text-space embeddings.

    Buffers (fitted by :mod:`seac.training.fit_projection`, never trained):
        image_mean (d_m,), image_basis (d_m, p), audio_mean (d_a,), audio_basis (d_a, q), text_basis (t, r),
        image_class_prior (C,), audio_class_prior (D,).
    """

    image_mean: Tensor
    image_basis: Tensor
    audio_mean: Tensor
    audio_basis: Tensor
    text_basis: Tensor
    image_class_prior: Tensor
    audio_class_prior: Tensor

    def __init__(self, config: ProjectionConfig, d_m: int, d_a: int) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("image_mean", torch.zeros(d_m))
        self.register_buffer("image_basis", torch.zeros(d_m, config.image))
        self.register_buffer("audio_mean", torch.zeros(d_a))
        self.register_buffer("audio_basis", torch.zeros(d_a, config.audio))
        self.register_buffer("text_basis", torch.zeros(config.text_dim, config.text))
        self.register_buffer("image_class_prior", torch.ones(config.image_classes))
        self.register_buffer("audio_class_prior", torch.ones(config.audio_classes))

    def project_image(self, inputs: Tensor) -> Tensor:
        """Module input (..., p + r) of mask embeddings and text-space embeddings (..., d_m + t)."""
        return self._project(inputs, self.image_mean, self.image_basis)

    def project_audio(self, inputs: Tensor) -> Tensor:
        """Module input (..., q + r) of window embeddings and text-space embeddings (..., d_a + t)."""
        return self._project(inputs, self.audio_mean, self.audio_basis)

    def _project(self, inputs: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
        inputs = inputs.float()
        parts = [pca_project(inputs[..., : len(mean)], mean, basis)]
        if self.config.text:
            parts.append(inputs[..., len(mean) :] @ self.text_basis * self.config.text_weight)
        return torch.cat(parts, dim=-1) * SCALE


@dataclass(frozen=True)
class InputFeatures:
    """Converts encoder outputs to inputs of :class:`~seac.associate.model.AssociationModule`.

    Attributes:
        projection: input projection of the module; None takes embeddings alone.
        zero_shot: maps class probabilities to text space; required if the projection has text.
        lam: weight of the local view (Eq. 3).
    """

    projection: InputProjection | None
    zero_shot: ZeroShot | None
    lam: float

    def __post_init__(self) -> None:
        """Check that a projection with text has a text space.

        Raises:
            InputError: the projection has text and there is no text space.
        """
        if self.needs_text and self.zero_shot is None:
            raise InputError(
                "this association takes text-space embeddings: use encoders that have classes, such as those "
                "of the preset of its training, or train with --set text_components=0"
            )

    @property
    def needs_text(self) -> bool:
        """Whether class probabilities are part of the input."""
        return self.projection is not None and self.projection.config.text > 0

    def masks(self, masks: MaskEmbeddings) -> Tensor:
        """Mask embeddings (n, d_m); with text-space embeddings (n, d_m + t) if the projection has text."""
        return self._joined(masks.mixed(self.lam), self.image_text(masks) if self.needs_text else None)

    def windows(self, audio: AudioFeatures) -> Tensor:
        """Window embeddings (w, d_a); with text-space embeddings (w, d_a + t) if the projection has text."""
        return self._joined(audio.embeddings, self.audio_text(audio) if self.needs_text else None)

    def image_text(self, masks: MaskEmbeddings) -> Tensor:
        """Text-space embeddings of masks, from prior-corrected class probabilities: (n, t).

        Raises:
            ValueError: the image encoder has no classes.
        """
        assert self.projection is not None
        assert self.zero_shot is not None
        return to_text_space(
            class_mapping(self.zero_shot, "image"),
            masks.mixed_probabilities(self.lam).float().cpu(),
            self.projection.image_class_prior.cpu(),
            self.projection.config.prior_exponent,
        )

    def audio_text(self, audio: AudioFeatures) -> Tensor:
        """Text-space embeddings of windows, from prior-corrected class probabilities: (w, t).

        Raises:
            ValueError: the audio encoder has no classes.
        """
        assert self.projection is not None
        assert self.zero_shot is not None
        if audio.class_probabilities is None:
            raise ValueError("this association needs an audio encoder with classes, this one has none")
        return to_text_space(
            class_mapping(self.zero_shot, "audio"),
            audio.class_probabilities.float().cpu(),
            self.projection.audio_class_prior.cpu(),
            self.projection.config.prior_exponent,
        )

    def _joined(self, embeddings: Tensor, text: Tensor | None) -> Tensor:
        embeddings = embeddings.float()
        return embeddings if text is None else torch.cat([embeddings, text.to(embeddings.device)], dim=1)


def prior_corrected(class_probabilities: Tensor, class_prior: Tensor, exponent: float) -> Tensor:
    """Class probabilities (n, C) divided by a power of the class prior (C,); the result is not normalised."""
    return class_probabilities.float() / class_prior.clamp_min(1e-6) ** exponent


def to_text_space(
    mapping: ConSEMapping, class_probabilities: Tensor, class_prior: Tensor, exponent: float
) -> Tensor:
    """Text-space embeddings (n, t) of prior-corrected class probabilities (n, C), computed in chunks."""
    chunks = torch.split(class_probabilities, CHUNK)
    return torch.cat([mapping.to_text_space(prior_corrected(part, class_prior, exponent)) for part in chunks])


def class_mapping(zero_shot: ZeroShot, modality: str) -> ConSEMapping:
    """The ConSE mapping of an encoder's classes.

    Raises:
        InputError: the encoder has no classes, so it needs no mapping into text space.
    """
    mapping = zero_shot.image_mapping if modality == "image" else zero_shot.audio_mapping
    if not isinstance(mapping, ConSEMapping) or len(mapping.weights) == 0:
        raise InputError(f"the {modality} encoder has no classes: --set text_components=0")
    return mapping
