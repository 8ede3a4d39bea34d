"""Fit the input projection of an association module to the features of a store, before the first step.

Only frozen features are used, no image-audio pair: the class priors are mean class probabilities, the bases
are principal components of unit embeddings and of text-space embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.input_projection import InputFeatures, InputProjection
from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError
from seac.core.types import AudioFeatures, MaskEmbeddings
from seac.encoders.pca import compute_pca, principal_axes
from seac.features.batch import TrainingStore, index_batches

MAX_MASKS, MAX_WINDOWS = 20_000, 20_000
MIN_IMAGE_PRIOR, MIN_AUDIO_PRIOR = 1e-4, 1e-3
"""Added to the mean probability of a class, so that the weight of a rare class is bounded."""
BATCH = 64


@dataclass(frozen=True)
class FeatureSample:
    """Features of masks and windows of a sample of a store's clips."""

    masks: MaskEmbeddings
    audio: AudioFeatures


def fit_projection(
    projection: InputProjection,
    store: TrainingStore,
    *,
    lam: float,
    n_masks: int,
    seed: int,
    zero_shot: ZeroShot | None = None,
) -> None:
    """Set the buffers of a projection, deterministic in store and seed.

    Args:
        projection: input projection of the module.
        store: training features.
        lam: weight of the local view (Eq. 3).
        n_masks: maximum masks of a frame.
        seed: seed of the sample of clips.
        zero_shot: maps class probabilities to text space.

    Raises:
        InputError: the store has no class probabilities, or fewer features than components.
    """
    config = projection.config
    features = InputFeatures(projection, zero_shot, lam)
    sample = sample_features(store, n_masks, seed, probabilities=features.needs_text)
    masks, windows = sample.masks.mixed(lam), sample.audio.embeddings
    for what, rows, count in (("image", masks, config.image), ("audio", windows, config.audio)):
        if min(rows.shape) < count:
            raise InputError(
                f"{what}_components={count}, but the store has {len(rows)} features of size {rows.shape[1]}: "
                f"--set {what}_components={min(rows.shape)}, or 0 for no projection"
            )
    fitted = dict(
        zip(
            ("image_mean", "image_basis", "audio_mean", "audio_basis"),
            (
                *compute_pca(functional.normalize(masks, dim=1), config.image),
                *compute_pca(functional.normalize(windows, dim=1), config.audio),
            ),
            strict=True,
        )
    )
    _set(projection, fitted)
    if not features.needs_text:
        return
    assert sample.audio.class_probabilities is not None
    image_prior = sample.masks.mixed_probabilities(lam).mean(0) + MIN_IMAGE_PRIOR
    audio_prior = sample.audio.class_probabilities.mean(0) + MIN_AUDIO_PRIOR
    _set(projection, {"image_class_prior": image_prior, "audio_class_prior": audio_prior})
    text = torch.cat([features.image_text(sample.masks), features.audio_text(sample.audio)])
    _set(projection, {"text_basis": principal_axes(text)[1][:, -config.text :].float()})


def sample_features(
    store: TrainingStore, n_masks: int, seed: int, *, probabilities: bool = False
) -> FeatureSample:
    """Read masks and windows of random clips, at most :data:`MAX_MASKS` and :data:`MAX_WINDOWS`.

    Raises:
        InputError: class probabilities are required and the store has none.
    """
    generator = torch.Generator().manual_seed(seed)
    parts: dict[str, list[Tensor]] = {
        name: [] for name in ("local", "context", "local_p", "context_p", "windows", "windows_p")
    }
    masks = windows = 0
    for indices in index_batches(store.proposals, min(BATCH, len(store)), generator):
        read = store.read(
            indices.clips, indices.frames, masks=n_masks, waveforms=False, probabilities=probabilities
        )
        mask_rows, window_rows = ~read.mask_padding().flatten(), ~read.window_padding().flatten()
        of_masks, of_windows = read.masks(), read.audio()
        values = {
            **{"local": of_masks.local, "context": of_masks.context, "windows": of_windows.embeddings},
            **(_probabilities(of_masks, of_windows) if probabilities else {}),
        }
        for name, value in values.items():
            parts[name].append(value[window_rows if name.startswith("windows") else mask_rows].half())
        masks, windows = masks + int(mask_rows.sum()), windows + int(window_rows.sum())
        if masks >= MAX_MASKS and windows >= MAX_WINDOWS:
            break
    rows = {name: torch.cat(part).float() for name, part in parts.items() if part}

    def kept(name: str, count: int) -> Tensor | None:
        return rows[name][:count] if name in rows else None

    return FeatureSample(
        MaskEmbeddings(
            rows["local"][:MAX_MASKS],
            rows["context"][:MAX_MASKS],
            kept("local_p", MAX_MASKS),
            kept("context_p", MAX_MASKS),
        ),
        AudioFeatures(rows["windows"][:MAX_WINDOWS], kept("windows_p", MAX_WINDOWS)),
    )


def _probabilities(masks: MaskEmbeddings, audio: AudioFeatures) -> dict[str, Tensor]:
    """Class probabilities by name.

    Raises:
        InputError: the store has no class probabilities.
    """
    found = {
        "local_p": masks.local_probabilities,
        "context_p": masks.context_probabilities,
        "windows_p": audio.class_probabilities,
    }
    there = {name: value for name, value in found.items() if value is not None}
    if len(there) < len(found):
        raise InputError(
            "the store has no class probabilities: extract with --class-probabilities and encoders that "
            "have classes, or --set text_components=0"
        )
    return there


@torch.no_grad()
def _set(projection: InputProjection, values: dict[str, Tensor]) -> None:
    for name, value in values.items():
        buffer: Tensor = getattr(projection, name)
        buffer.copy_(value)
