"""The association of the preset tiny: a trained module, text space and class heads, fused.

The similarity of a mask with the audio is a weighted sum of three terms:

- the cosine of a module trained on pairs (:class:`~seac.associate.model.AssociationModule`, MSA-MICL), whose
  input is the PCA projection of the frozen embeddings beside their text-space embeddings;
- the zero-shot cosine in text space, from class probabilities divided by the class prior, so that a class
  that is always probable has little weight;
- the class match: the probability that mask and audio belong to the same class of the class heads
  (:mod:`seac.encoders.class_heads`).

The first two terms are means over the audio windows. ``seac train`` writes the file of the module
(:mod:`seac.associate.trained`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.input_projection import InputFeatures, InputProjection, prior_corrected
from seac.associate.model import AssociationModule
from seac.associate.trained import TrainedAssociationWeights, shipped
from seac.associate.zero_shot import ZeroShot
from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.encoders.class_heads import ClassHeads, class_match
from seac.encoders.labels.conse import text_similarity


@dataclass(frozen=True)
class AssociationEnsembleSettings:
    """Constants of the fusion, chosen with ``python -m recipes.association``.

    Attributes:
        zero_shot_weight: weight of the zero-shot similarity, 0 to 1.
        class_match_weight: weight of the class match; the trained cosine has the remaining weight.
        tagger_share: weight of the audio encoder's own classes in the class probabilities of the audio; the
            class head has the remaining weight.
        width: width of the text similarity between an audio class and a class of the heads, in cosine
            (:func:`seac.encoders.labels.conse.text_similarity`).
        log_floor: constant added to the class match probability before its logarithm.
    """

    zero_shot_weight: float = 0.2
    class_match_weight: float = 0.4
    tagger_share: float = 0.5
    width: float = 0.1
    log_floor: float = 0.002


class AssociationEnsemble:
    """Trained cosine, zero-shot cosine and class match; an :class:`~seac.associate.base.Association`.

    Args:
        weights: a trained module whose input projection has text space.
        zero_shot: maps masks and audio to text space.
        class_heads: classifiers of masks and audio; if the heads do not match both encoders, the trained
            cosine takes the weight of the class match.
        device: device of the trained module.
        settings: weights of the fusion.

    Raises:
        InputError: the module has no text space in its input.
    """

    def __init__(
        self,
        weights: TrainedAssociationWeights,
        zero_shot: ZeroShot,
        class_heads: ClassHeads,
        device: str = "cpu",
        settings: AssociationEnsembleSettings | None = None,
    ) -> None:
        if not accepts(weights):
            raise InputError("this association has no text space in its input: load it without the ensemble")
        self.weights = weights
        self.config = weights.module.config
        self.module = weights.module.eval().requires_grad_(requires_grad=False).to(device)
        self.inputs = InputFeatures(self.module.input_projection, zero_shot, self.config.local_weight)
        self.settings = settings or AssociationEnsembleSettings()
        self.provenance = weights.provenance
        self.zero_shot = zero_shot
        self.class_heads = class_heads
        self.device = device
        pairs = f"association sha256:{weights.sha256[:12] or 'none'}"
        self.version = (
            f"{pairs}, {class_heads.weights.version}" if self.settings.class_match_weight else pairs
        )

    @property
    def projection(self) -> InputProjection:
        """The input projection of the module."""
        assert self.module.input_projection is not None
        return self.module.input_projection

    @classmethod
    def from_context(cls, context: PartContext) -> AssociationEnsemble:
        """Build with the shipped module; the row "pairs" has no class heads.

        Raises:
            InputError: the module was trained on features of other encoders.
        """
        return cls.from_weights(shipped(), context)

    @classmethod
    def from_weights(cls, weights: TrainedAssociationWeights, context: PartContext) -> AssociationEnsemble:
        """Build with another trained module.

        Raises:
            InputError: the module was trained on features of other encoders.
        """
        changes = {"class_match_weight": 0.0} if context.name == "pairs" else {}
        shared = context.part("zero_shot"), context.part("class_heads"), context.device
        ensemble = cls(weights, *shared, AssociationEnsembleSettings(**changes))
        return ensemble.checked(context.part("vision"), context.part("audio"))

    def with_module(self, module: AssociationModule) -> AssociationEnsemble:
        """The same ensemble with another module."""
        weights = TrainedAssociationWeights(module, self.provenance)
        return AssociationEnsemble(weights, self.zero_shot, self.class_heads, self.device, self.settings)

    def checked(self, vision: VisionEncoder, audio: AudioEncoder) -> AssociationEnsemble:
        """Check the feature sizes of the encoders and return this association.

        Raises:
            InputError: the association was trained on features of other encoders.
        """
        projection = self.projection.config
        for modality, part, dim, classes in (
            ("vision", vision, self.config.d_m, projection.image_classes),
            ("audio", audio, self.config.d_a, projection.audio_classes),
        ):
            if (part.dim, len(part.labels)) != (dim, classes):
                raise InputError(
                    f"this association takes {modality} features of size {dim} with {classes} classes, this "
                    f"{modality} encoder gives {part.dim} with {len(part.labels)}: "
                    "pass --association-method zero-shot"
                )
        return self

    def to_text_space(self, masks: MaskEmbeddings) -> Tensor:
        """Text-space embedding of every mask, for classification: (N, d) of unit length."""
        return self.zero_shot.to_text_space(masks)

    @torch.inference_mode()
    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Similarity of N masks of one frame with the audio: (N,) float32 in [-1, 1]."""
        if len(masks) == 0 or len(audio.embeddings) == 0:
            return torch.zeros(len(masks))
        trained, zero_shot = (part.mean(dim=-1) for part in self.similarities(masks, audio))
        return fuse(trained, zero_shot, self.class_match(masks, audio), self.settings)

    def similarities(self, masks: MaskEmbeddings, audio: AudioFeatures) -> tuple[Tensor, Tensor]:
        """The trained and the zero-shot cosine of N masks with each of W windows: (N, W) both.

        Raises:
            ValueError: an encoder has no classes.
        """
        mask_inputs, window_inputs = self.inputs.masks(masks).cpu(), self.inputs.windows(audio).cpu()
        trained = cosines(self.module, mask_inputs.to(self.device), window_inputs.to(self.device))
        image_text, audio_text = mask_inputs[:, self.config.d_m :], window_inputs[:, self.config.d_a :]
        return trained.cpu(), image_text @ audio_text.T

    def class_match(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor | None:
        """Match of mask and audio classes for each mask: (N,) in [-1, 1], or None without class heads."""
        if not self.settings.class_match_weight:
            return None
        image_probabilities = self.class_heads.probabilities("image", masks.local)
        head_probabilities = self.class_heads.probabilities("audio", audio.embeddings)
        if image_probabilities is None or head_probabilities is None or audio.class_probabilities is None:
            return None
        class_probabilities = prior_corrected(
            audio.class_probabilities.cpu(),
            self.projection.audio_class_prior.cpu(),
            self.projection.config.prior_exponent,
        )
        audio_probabilities = torch.lerp(
            head_probabilities,
            self.zero_shot.audio_mapping.class_likelihoods(class_probabilities, self._relevance),
            self.settings.tagger_share,
        )
        return class_match(image_probabilities, audio_probabilities.mean(0), self.settings.log_floor)

    @cached_property
    def _relevance(self) -> Tensor:
        """Text similarity of each audio class with each class of the heads, rows sum to 1: (D, K)."""
        relevance = text_similarity(
            self.zero_shot.audio_mapping.vectors, self.class_heads.vectors, self.settings.width
        )
        return relevance / relevance.sum(1, keepdim=True)


def accepts(weights: TrainedAssociationWeights) -> bool:
    """Whether the ensemble accepts a trained module: its input must have text space."""
    projection = weights.module.config.projection
    return projection is not None and projection.text > 0


def fuse(
    trained: Tensor, zero_shot: Tensor, class_match: Tensor | None, settings: AssociationEnsembleSettings
) -> Tensor:
    """Weighted sum of three similarities (N,); without a class match the trained cosine takes its weight."""
    similarity = torch.lerp(trained, zero_shot, settings.zero_shot_weight)
    if class_match is None:
        return similarity
    return similarity + settings.class_match_weight * (class_match - trained)


def cosines(module: AssociationModule, masks: Tensor, windows: Tensor) -> Tensor:
    """Cosine of N masks with each of W windows, each encoded alone, from module inputs: (N, W)."""
    device = masks.device
    mask_padding = torch.zeros(1, len(masks), dtype=torch.bool, device=device)
    window_padding = torch.zeros(len(windows), 1, dtype=torch.bool, device=device)
    embedded_masks = functional.normalize(module.embed_masks(masks[None], mask_padding)[0], dim=1)
    embedded_windows = functional.normalize(module.embed_audio(windows[:, None], window_padding), dim=1)
    return (embedded_masks @ embedded_windows.T).float()
