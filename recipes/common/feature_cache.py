"""Cached features as one stock: what a training step or a trial draws from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.ensemble import AssociationEnsembleSettings, PCAProjections, build_input, prior_corrected
from seac.associate.zero_shot import ZeroShot
from seac.core.types import AudioFeatures
from seac.encoders.labels.conse import ConSEMapping, IdentityMapping

IMAGE_COMPONENTS, AUDIO_COMPONENTS, TEXT_COMPONENTS = 192, 128, 128
WHITENING = 0.5
"""Exponent of a component's eigenvalue, which divides it: .5 is full whitening."""
MIN_IMAGE_PROBABILITY, MIN_AUDIO_PROBABILITY = 1e-4, 1e-3
"""Added to the mean probability of a tag, so that one that is never said does not weigh without bound."""
GROUND = "_ground"


@dataclass(frozen=True)
class FrozenClassifiers:
    """Class probabilities of embeddings, and the bridge that places them among words."""

    sight: Callable[[Tensor], Tensor]
    audio: Callable[[Tensor], Tensor]
    words: ZeroShot


@dataclass(frozen=True)
class MaskSamples:
    """Masks (M, ...) of all cached scenes.

    Attributes:
        mixed: (M, d_m) embeddings, Eq. 3. local: (M, d_m), of the local view. tags: (M, C).
        labels: of the thing each mask shows, GROUND for none. scene: (M,) which scene it is from.
    """

    mixed: Tensor
    local: Tensor
    class_probabilities: Tensor
    labels: tuple[str, ...]
    scene: Tensor


@dataclass(frozen=True)
class AudioSamples:
    """Clips: windows (K, W, d_a), their tags (K, W, D), and the kinds that each clip is the sum of."""

    windows: Tensor
    class_probabilities: Tensor
    kinds: tuple[tuple[str, ...], ...]

    def concatenate(self, other: AudioSamples) -> AudioSamples:
        """These clips, then the others."""
        return AudioSamples(
            torch.cat([self.windows, other.windows]),
            torch.cat([self.class_probabilities, other.class_probabilities]),
            self.kinds + other.kinds,
        )


def shards(folder: Path) -> list[dict[str, Any]]:
    """All finished shards of a folder."""
    found = []
    for path in sorted(folder.glob("?????.npz")):
        with np.load(path) as opened:
            found.append({name: opened[name] for name in opened.files})
    return found


def load_mask_samples(folder: Path, classifiers: FrozenClassifiers, lam: float) -> MaskSamples:
    """The masks of cached scenes."""
    parts = shards(folder)
    local = torch.from_numpy(np.concatenate([part["local"] for part in parts])).float()
    context = torch.from_numpy(np.concatenate([part["context"] for part in parts])).float()
    labels: list[str] = []
    scene, offset = [], 0
    for part in parts:
        labels += [GROUND if name is None else name for name in read_mask_names(part, "kinds")]
        scene.append(torch.from_numpy(part["scene"]).long() + offset)
        offset += len(json.loads(str(part["kinds"])))
    class_probabilities = torch.lerp(classifiers.sight(context), classifiers.sight(local), lam)
    return MaskSamples(
        torch.lerp(context, local, lam), local, class_probabilities, tuple(labels), torch.cat(scene)
    )


def read_mask_names(part: Mapping[str, Any], what: str) -> list[str | None]:
    """Of each mask in a shard of scenes the kind ("kinds") or cut-out ("files"); None of no thing."""
    named = json.loads(str(part[what]))
    return [
        named[scene][owner] if owner >= 0 else None
        for scene, owner in zip(part["scene"].tolist(), part["owner"].tolist(), strict=True)
    ]


def audio_clips(folder: Path, classifiers: FrozenClassifiers) -> AudioSamples:
    """The clips of cached sounds."""
    windows, kinds = clips(folder)
    windows = windows.float()
    return AudioSamples(windows, classifiers.audio(windows), kinds)


def clips(*folders: Path) -> tuple[Tensor, tuple[tuple[str, ...], ...]]:
    """Windows (K, W, d_a) float16 of all cached clips, and the kinds that each is the sum of."""
    parts = [part for folder in folders for part in shards(folder)]
    kinds = tuple(tuple(names) for part in parts for names in json.loads(str(part["kinds"])))
    return torch.from_numpy(np.concatenate([part["windows"] for part in parts])), kinds


def compute_pca(vectors: Tensor, count: int, whitening: float) -> tuple[Tensor, Tensor]:
    """Mean (d,) and the ``count`` strongest directions (d, count), the strong ones damped."""
    mean = vectors.mean(0)
    centred = vectors - mean
    values, directions = principal_axes(centred)
    strongest = directions[:, -count:].flip(1)
    return mean, (strongest / values[-count:].flip(0).clamp_min(1e-6) ** whitening).float()


def principal_axes(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squares along the principal axes of (n, d), rising, and the axes as columns, in double precision.

    In single precision the solver answered NaN for the features of some ears.
    """
    values, directions = torch.linalg.eigh((vectors.T @ vectors / len(vectors)).double())
    return values, directions


def compute_reductions(
    mask_samples: MaskSamples,
    audio_features: AudioSamples,
    words: ZeroShot,
    settings: AssociationEnsembleSettings,
) -> PCAProjections:
    """Means, principal directions and usual tags of the training features; no pair is looked at."""
    image_class_prior = mask_samples.class_probabilities.mean(0) + MIN_IMAGE_PROBABILITY
    mean_probabilities = audio_features.class_probabilities.mean(1)
    audio_class_prior = mean_probabilities.mean(0) + MIN_AUDIO_PROBABILITY
    sight = compute_pca(functional.normalize(mask_samples.mixed, dim=1), IMAGE_COMPONENTS, WHITENING)
    windows = functional.normalize(audio_features.windows, dim=-1).flatten(0, 1)[::3]
    audio = compute_pca(windows, AUDIO_COMPONENTS, WHITENING)
    text_embeddings = torch.cat(
        [
            project_probabilities(
                words.image_mapping, mask_samples.class_probabilities, image_class_prior, settings
            )[::3],
            project_probabilities(words.audio_mapping, mean_probabilities, audio_class_prior, settings),
        ]
    )
    scorers_for = principal_axes(text_embeddings)[1][:, -TEXT_COMPONENTS:].float()
    return PCAProjections(*sight, *audio, scorers_for, image_class_prior, audio_class_prior)


def project_probabilities(
    bridge: ConSEMapping | IdentityMapping,
    class_probabilities: Tensor,
    usual: Tensor,
    settings: AssociationEnsembleSettings,
) -> Tensor:
    """Tags among words, weighed: (n, t)."""
    return torch.cat(
        [
            bridge.to_text_space(part)
            for part in torch.split(
                prior_corrected(class_probabilities, usual, settings.prior_exponent), 2048
            )
        ]
    )


@dataclass(frozen=True)
class FeatureCache:
    """All that training sees, ready for the module.

    Attributes:
        masks: (M, p + r). mask_places: (M, t). clips: (K, W, q + r). window_places: (K, W, t).
        clip_text_embeddings: (K, t), of their mean tags.
        local: (M, d_m) float16. heard: what the audio network said of the clips, float16, (K, W, ...).
        mask_class: of each mask. clip_kinds: of each clip.
        scene: (M,). of_scene: masks of each scene.
    """

    masks: Tensor
    mask_text_embeddings: Tensor
    clips: Tensor
    window_text_embeddings: Tensor
    clip_text_embeddings: Tensor
    local: Tensor
    audio_features: AudioFeatures
    mask_class: tuple[str, ...]
    clip_classes: tuple[tuple[str, ...], ...]
    scene: Tensor
    of_scene: tuple[tuple[int, ...], ...]

    @classmethod
    def of(
        cls,
        mask_samples: MaskSamples,
        audio_features: AudioSamples,
        words: ZeroShot,
        made: PCAProjections,
        settings: AssociationEnsembleSettings,
    ) -> FeatureCache:
        """Everything through the frozen part of the association."""
        mask_text_embeddings = project_probabilities(
            words.image_mapping, mask_samples.class_probabilities, made.image_class_prior, settings
        )
        clip_text_embeddings = project_probabilities(
            words.audio_mapping, audio_features.class_probabilities.mean(1), made.audio_class_prior, settings
        )
        flat = project_probabilities(
            words.audio_mapping,
            audio_features.class_probabilities.flatten(0, 1),
            made.audio_class_prior,
            settings,
        )
        window_text_embeddings = flat.view(*audio_features.class_probabilities.shape[:2], -1)
        members: list[list[int]] = [[] for _ in range(int(mask_samples.scene.max()) + 1)]
        for index, scene in enumerate(mask_samples.scene.tolist()):
            members[scene].append(index)
        return cls(
            build_input(mask_samples.mixed, mask_text_embeddings, made, settings, "image"),
            mask_text_embeddings,
            build_input(audio_features.windows, window_text_embeddings, made, settings, "audio"),
            window_text_embeddings,
            clip_text_embeddings,
            mask_samples.local.half(),
            AudioFeatures(audio_features.windows.half(), audio_features.class_probabilities.half()),
            mask_samples.labels,
            audio_features.kinds,
            mask_samples.scene,
            tuple(tuple(member) for member in members),
        )

    def audio(self, clip: int) -> AudioFeatures:
        """What the audio network said of one clip."""
        class_probabilities = (
            None
            if self.audio_features.class_probabilities is None
            else self.audio_features.class_probabilities[clip].float()
        )
        return AudioFeatures(self.audio_features.embeddings[clip].float(), class_probabilities)

    def kinds(self) -> list[str]:
        """Kinds that are seen and heard alone."""
        audio_features = {names[0] for names in self.clip_classes if len(names) == 1}
        return sorted(audio_features & set(self.mask_class))


def single_class_clips(clip_classes: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Of each kind the clips of it alone."""
    return group_indices([names[0] if len(names) == 1 else "" for names in clip_classes])


def group_indices(names: Sequence[str]) -> dict[str, np.ndarray]:
    """Where each name stands."""
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        found.setdefault(name, []).append(index)
    return {name: np.array(where) for name, where in found.items()}
