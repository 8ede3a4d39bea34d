"""The association that ships with tiny: learnt where it was taught, among words where it was not.

Frozen embeddings are reduced to their principal components and joined by the place of mask and sound among
words, so what is learnt (:class:`~seac.associate.model.AssociationModule`, MICL) starts from meaning and
not from 1,280 numbers. It is learnt a few times and the cosines are averaged: what one learns by chance is
not what the next one does. The zero-shot cosine has a share in that too; its classes are first weighed
against how often the taggers say them at all: a class that is always said says nothing. A sound is listened
to window by window, and a mask answers to those that fit it best: of two things that sound, one is louder now
and the other then. The third share is that of kinds that were taught by name (:mod:`seac.encoders.class_heads`):
how likely mask and sound are of one of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.model import AssociationConfig, AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.core.checkpoint import load_shipped, save_with_metadata, sub_state_dict, to_half
from seac.core.context import PartContext
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.base import AudioEncoder, VisionEncoder
from seac.encoders.class_heads import ClassHeads, class_match
from seac.encoders.labels.conse import text_similarity
from seac.encoders.pca import SCALE, pca_project

FORMAT = "seac association ensemble 6"
ASSET = "assets/association.safetensors"


@dataclass(frozen=True)
class AssociationEnsembleSettings:
    """Constants of a combined association, chosen with ``python -m recipes.association``.

    Attributes:
        zero_shot: share of the zero-shot similarity in the answer, 0 to 1.
        class_heads: share of taught kinds in it; what is learnt from pairs has the rest.
        to_text_space: weight of the place among words in the module's input; the embedding weighs 1.
        prior_exponent: exponent with which a tag's mean probability divides it; 0 leaves tags as they are.
        lam: weight of the local view (Eq. 3).
        temperature: of the soft maximum over a sound's windows, in units of a cosine; the more, the more it is
            their mean.
        tagger_share: share of the audio network's classes, told among words, in which kinds are heard; the network
            that was taught has the rest.
        width: of words about a kind, in cosine (:func:`seac.encoders.labels.conse.text_similarity`).
        log_floor: probability that mask and sound are of one kind under which there is no telling.
    """

    zero_shot_weight: float = 0.2
    class_match_weight: float = 0.4
    text_weight: float = 0.3
    prior_exponent: float = 0.7
    lam: float = 0.6
    temperature: float = 0.1
    tagger_share: float = 0.5
    width: float = 0.1
    log_floor: float = 0.002


@dataclass(frozen=True)
class PCAProjections:
    """What was measured on the training features, without learning.

    Attributes:
        image_mean: (d_m,) of unit embeddings. sight: (d_m, p) principal directions, scaled.
        audio_mean: (d_a,) the same of windows. sound: (d_a, q).
        text_basis: (t, r) principal directions of text space.
        image_class_prior: (C,) mean probability of the vision encoder's classes. sound_tags: (D,) of the audio
            network's.
    """

    image_mean: Tensor
    image_basis: Tensor
    audio_mean: Tensor
    audio_basis: Tensor
    text_basis: Tensor
    image_class_prior: Tensor
    audio_class_prior: Tensor


@dataclass(frozen=True)
class AssociationEnsembleWeights:
    """All that a file of this association holds; ``provenance`` says what made the features, by part.

    ``modules`` are all of one config and learnt with different seeds.
    """

    modules: tuple[AssociationModule, ...]
    projections: PCAProjections
    settings: AssociationEnsembleSettings
    provenance: Mapping[str, str]
    sha256: str = ""


class AssociationEnsemble:
    """Learnt, among words, and by kind; an :class:`~seac.associate.base.Association`.

    Args:
        weights: what was learnt from pairs.
        zero_shot: where masks and sounds are among words.
        class_heads: that were taught; of encoders that they were not taught for, pairs have their share.
        device: of the learnt modules.
    """

    def __init__(
        self,
        weights: AssociationEnsembleWeights,
        zero_shot: ZeroShot,
        class_heads: ClassHeads,
        device: str = "cpu",
    ) -> None:
        self.modules = tuple(
            module.eval().requires_grad_(requires_grad=False).to(device) for module in weights.modules
        )
        self.projections = weights.projections
        self.settings = weights.settings
        self.provenance = weights.provenance
        self.zero_shot = zero_shot
        self.class_heads = class_heads
        self.device = device
        pairs = f"association ensemble sha256:{weights.sha256[:12] or 'none'}"
        self.version = (
            f"{pairs}, {class_heads.weights.version}" if self.settings.class_match_weight else pairs
        )

    @classmethod
    def from_context(cls, context: PartContext) -> AssociationEnsemble:
        """The row of a table, as it ships; "pairs" does without class heads: nobody told it what is what.

        Raises:
            InputError: encoders that it was not made for.
        """
        changes = {"class_match_weight": 0.0} if context.name == "pairs" else {}
        shared = context.part("zero_shot"), context.part("class_heads")
        ensemble = cls(shipped(**changes), *shared, context.device)
        return ensemble.checked(context.part("vision"), context.part("audio"))

    def checked(self, vision: VisionEncoder, audio: AudioEncoder) -> AssociationEnsemble:
        """Itself, once it fits the sizes of the networks whose features it is given.

        Raises:
            InputError: it was made for other networks.
        """
        pca = self.projections
        for modality, part, dim, class_probabilities in (
            ("vision", vision, len(pca.image_mean), len(pca.image_class_prior)),
            ("audio", audio, len(pca.audio_mean), len(pca.audio_class_prior)),
        ):
            if (part.dim, len(part.labels)) != (dim, class_probabilities):
                raise InputError(
                    f"the shipped association takes {modality} features of size {dim} with {class_probabilities} classes, this "
                    f"{modality} encoder gives {part.dim} with {len(part.labels)}: say --association-method zero-shot"
                )
        return self

    def to_text_space(self, masks: MaskEmbeddings) -> Tensor:
        """Every mask among words, for names: (N, d) of unit length."""
        return self.zero_shot.to_text_space(masks)

    @torch.inference_mode()
    def __call__(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor:
        """Similarity of N masks of one frame with one sound: (N,) float32 in [-1, 1]."""
        if len(masks) == 0 or len(audio.embeddings) == 0:
            return torch.zeros(len(masks))
        learned, zero_shot = (
            log_sum_exp_pool(part, self.settings.temperature) for part in self.similarities(masks, audio)
        )
        return fuse(learned, zero_shot, self.class_match(masks, audio), self.settings)

    def similarities(self, masks: MaskEmbeddings, audio: AudioFeatures) -> tuple[Tensor, Tensor]:
        """The learnt cosine with each of the sound's W windows and the one among words, apart: (N, W) both.

        Raises:
            ValueError: an encoder without classes.
        """
        if audio.class_probabilities is None:
            raise ValueError("this association needs an audio network with sound classes, this one has none")
        pca, settings = self.projections, self.settings
        class_probabilities = prior_corrected(
            masks.mixed_probabilities(settings.lam).cpu(), pca.image_class_prior, settings.prior_exponent
        )
        text_embeddings = self.zero_shot.image_mapping.to_text_space(class_probabilities)
        audio_text_embeddings = self.zero_shot.audio_mapping.to_text_space(
            prior_corrected(audio.class_probabilities.cpu(), pca.audio_class_prior, settings.prior_exponent)
        )
        masks_input = build_input(masks.mixed(settings.lam).cpu(), text_embeddings, pca, settings, "image")
        windows = build_input(audio.embeddings.cpu(), audio_text_embeddings, pca, settings, "audio")
        learned = cosines(self.modules, masks_input.to(self.device), windows.to(self.device))
        return learned.cpu(), text_embeddings @ audio_text_embeddings.T

    def class_match(self, masks: MaskEmbeddings, audio: AudioFeatures) -> Tensor | None:
        """How likely each of N masks is of the sound's kind: (N,) in [-1, 1], or None if none can tell."""
        if not self.settings.class_match_weight:
            return None
        masks_input, head_probabilities = (
            self.class_heads.probabilities("image", masks.local),
            self.class_heads.audio_probabilities(audio),
        )
        if masks_input is None or head_probabilities is None or audio.class_probabilities is None:
            return None
        class_probabilities = prior_corrected(
            audio.class_probabilities.cpu(), self.projections.audio_class_prior, self.settings.prior_exponent
        )
        audio_text_embeddings = torch.lerp(
            head_probabilities,
            self.zero_shot.audio_mapping.class_likelihoods(class_probabilities, self._relevance),
            self.settings.tagger_share,
        )
        return class_match(masks_input, audio_text_embeddings.mean(0), self.settings.log_floor)

    @cached_property
    def _relevance(self) -> Tensor:
        """Which kind each sound class tells of, in shares: (D, K)."""
        relevance = text_similarity(
            self.zero_shot.audio_mapping.vectors, self.class_heads.vectors, self.settings.width
        )
        return relevance / relevance.sum(1, keepdim=True)


def fuse(
    learned: Tensor, zero_shot: Tensor, class_match: Tensor | None, settings: AssociationEnsembleSettings
) -> Tensor:
    """The three similarities at their shares, (N,) all; without kinds what is learnt has theirs."""
    similarity = torch.lerp(learned, zero_shot, settings.zero_shot_weight)
    return (
        similarity
        if class_match is None
        else similarity + settings.class_match_weight * (class_match - learned)
    )


def cosines(modules: Sequence[AssociationModule], masks_input: Tensor, windows: Tensor) -> Tensor:
    """Mean over modules of the cosine of masks (N, p) with each of W windows (W, q): (N, W) float32."""
    device = str(masks_input.device)
    mask_padding, window_padding = (
        no_padding(1, len(masks_input), device),
        no_padding(len(windows), 1, device),
    )
    each = [
        functional.normalize(module.embed_masks(masks_input[None], mask_padding)[0], dim=1)
        @ functional.normalize(module.embed_audio(windows[:, None], window_padding), dim=1).T
        for module in modules
    ]
    return torch.stack(each).mean(0).float()


def log_sum_exp_pool(cosine: Tensor, temperature: float) -> Tensor:
    """Of cosines (..., W) over windows: (...), between their mean and the greatest; equal ones stay."""
    mean = torch.logsumexp(cosine / temperature, dim=-1) - math.log(cosine.shape[-1])
    return temperature * mean


def prior_corrected(class_probabilities: Tensor, class_prior: Tensor, exponent: float) -> Tensor:
    """Tags (n, C) against how often they are said at all (C,): (n, C), no longer probabilities."""
    return class_probabilities.float() / class_prior.clamp_min(1e-6) ** exponent


def build_input(
    embeddings: Tensor,
    text_embeddings: Tensor,
    pca: PCAProjections,
    settings: AssociationEnsembleSettings,
    modality: str,
) -> Tensor:
    """What the module sees, (..., n, p + r), of embeddings (..., n, d) and places (..., n, t)."""
    mean, basis = (
        (pca.image_mean, pca.image_basis) if modality == "image" else (pca.audio_mean, pca.audio_basis)
    )
    text_basis = text_embeddings @ pca.text_basis * settings.text_weight
    return torch.cat([pca_project(embeddings, mean, basis), text_basis], dim=-1) * SCALE


def no_padding(count: int, length: int, device: str) -> Tensor:
    """Nothing is padded: (count, length) False."""
    return torch.zeros(count, length, dtype=torch.bool, device=device)


def write(weights: AssociationEnsembleWeights, path: Path) -> str:
    """Write the file (float16), whole or not at all; the answer is its sha256.

    Raises:
        ValueError: a value is not finite in half precision.
    """
    state = {
        f"module.{number}.{name}": value
        for number, module in enumerate(weights.modules)
        for name, value in module.state_dict().items()
    }
    state |= {
        f"projections.{item.name}": getattr(weights.projections, item.name) for item in fields(PCAProjections)
    }
    notes = {
        "format": FORMAT,
        "modules": len(weights.modules),
        "module": asdict(weights.modules[0].config),
        "settings": asdict(weights.settings),
        "provenance": dict(weights.provenance),
    }
    return save_with_metadata(to_half(state), notes, path)


def read(path: str | os.PathLike[str]) -> AssociationEnsembleWeights:
    """What :func:`write` wrote.

    Raises:
        InputError: nothing there, damaged, or another kind of weights.
    """
    return load_shipped(path, "a combined association", FORMAT, weights_of)


def shipped(**changes: float) -> AssociationEnsembleWeights:
    """The weights that ship, under other settings where some are given."""
    with as_file(files("seac").joinpath(ASSET)) as path:
        weights = read(path)
    return replace(weights, settings=replace(weights.settings, **changes))


def weights_of(
    state: Mapping[str, Tensor], notes: Mapping[str, Any], sha256: str
) -> AssociationEnsembleWeights:
    """The weights in a file's tensors and notes."""
    config = AssociationConfig(**notes["module"])
    return AssociationEnsembleWeights(
        tuple(
            module_of(sub_state_dict(state, f"module.{number}"), config) for number in range(notes["modules"])
        ),
        PCAProjections(**sub_state_dict(state, "projections")),
        AssociationEnsembleSettings(**notes["settings"]),
        notes["provenance"],
        sha256,
    )


def module_of(state: Mapping[str, Tensor], config: AssociationConfig) -> AssociationModule:
    """A module with these tensors."""
    module = AssociationModule(config)
    module.load_state_dict(state)
    return module
