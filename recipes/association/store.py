"""Cached composites as a :class:`~seac.features.batch.TrainingStore` of random scene-recording pairs.

A clip of the store is a recording; its frames are :data:`FRAMES` random scenes in which its class is visible.
Training samples one frame of each clip per epoch, so a recording is paired with another scene in each epoch.
The class is used only for pairing; the loss takes image-audio pairs without labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from recipes.common.feature_cache import GROUND, FeatureCache, Rows, group_indices
from recipes.common.media_bank import SILENT
from recipes.common.waveforms import RATE
from seac.features.batch import FrameBatch, pad_rows

FRAMES = 64
MAX_OWN_MASKS, MAX_OFF_SCREEN = 6, 2


@dataclass(frozen=True)
class CompositeStore:
    """A training store of some classes of a feature cache.

    Attributes:
        cache: scenes and recordings.
        classes: classes whose recordings are clips; masks of other classes are left out.
        provenance: see :class:`~seac.features.batch.TrainingStore`.
        seed: seed of the pairs.
        preset: preset whose encoders computed the features.
        sample_rate: of the waveforms, in Hz.
    """

    cache: FeatureCache
    classes: tuple[str, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    preset: str = "tiny"
    sample_rate: int = RATE

    @cached_property
    def rows(self) -> list[int]:
        """Indices of the recordings of the cache that are clips."""
        kept = set(self.classes)
        return [row for row, name in enumerate(self.cache.clip_classes) if name in kept]

    @cached_property
    def _visible(self) -> dict[str, Rows]:
        return group_indices(self.cache.mask_classes)

    @cached_property
    def _scenes(self) -> list[list[int]]:
        return self.cache.masks_by_scene()

    @cached_property
    def _is_allowed(self) -> list[bool]:
        allowed = {*self.classes, SILENT, GROUND}
        return [name in allowed for name in self.cache.mask_classes]

    @cached_property
    def _allowed(self) -> Rows:
        return np.flatnonzero(self._is_allowed)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def mask_dim(self) -> int:
        """Dimension of the mask embeddings, d_m."""
        return self.cache.masks.local.shape[1]

    @property
    def audio_dim(self) -> int:
        """Dimension of the audio embeddings, d_a."""
        return self.cache.windows.shape[2]

    @property
    def proposals(self) -> Tensor:
        """Number of masks of each frame, (clips, FRAMES) int64; 1 is a lower bound."""
        return torch.ones(len(self), FRAMES, dtype=torch.int64)

    def frame(self, clip: int, number: int) -> list[int]:
        """Indices of the masks of frame ``number`` of a clip, a function of clip, number and seed.

        The first mask shows the class of the clip. Up to MAX_OWN_MASKS - 1 masks of the same scene and up to
        MAX_OFF_SCREEN masks of other scenes follow.
        """
        rng = np.random.default_rng((self.seed, clip, number))
        mask = int(rng.choice(self._visible[self.cache.clip_classes[self.rows[clip]]]))
        scene = self._scenes[int(self.cache.scene[mask])]
        others = [other for other in scene if other != mask and self._is_allowed[other]]
        rng.shuffle(others)
        off_screen = rng.choice(self._allowed, int(rng.integers(MAX_OFF_SCREEN + 1)))
        return [mask, *others[: MAX_OWN_MASKS - 1], *off_screen.tolist()]

    def read(
        self,
        clips: Sequence[int],
        frames: Sequence[int],
        *,
        masks: int,
        waveforms: bool,
        probabilities: bool = False,
    ) -> FrameBatch:
        """See :class:`~seac.features.batch.TrainingStore`."""
        chosen = [self.frame(clip, number)[:masks] for clip, number in zip(clips, frames, strict=True)]
        rows = [self.rows[clip] for clip in clips]
        found, cache = self.cache.masks, self.cache

        def of_masks(values: Tensor | None) -> Tensor | None:
            return None if values is None else pad_rows([values[each] for each in chosen])[0]

        local, mask_counts = pad_rows([found.local[each] for each in chosen])
        context, _ = pad_rows([found.context[each] for each in chosen])
        return FrameBatch(
            local,
            context,
            mask_counts,
            cache.windows[rows],
            torch.full((len(rows),), cache.windows.shape[1]),
            tuple(cache.waveforms[row] for row in rows) if waveforms else None,
            of_masks(found.local_probabilities) if probabilities else None,
            of_masks(found.context_probabilities) if probabilities else None,
            cache.window_probabilities[rows] if probabilities else None,
        )
