"""MICL and MSA-MICL on a stock of features: scenes and sounds are paired anew at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recipes.common.feature_cache import GROUND, FeatureCache, group_indices, single_class_clips
from recipes.common.media_bank import SILENT
from recipes.common.optimiser import build_optimiser
from seac.associate.losses import msa_micl, similarity_matrix
from seac.associate.mixing import mixing_probability
from seac.associate.model import AssociationConfig, AssociationModule


@dataclass(frozen=True)
class Recipe:
    """How the module is learnt.

    Attributes:
        steps: of ``batch`` frames and their sounds.
        rate: of AdamW, after a short rise, falling to 0. decay: its weight decay.
        depth, width, d: of the module.
        dropped: share of the inputs' values that is hidden at each step.
        masks: of its own scene that a frame shows at most. strangers: masks of other scenes beside them.
        mixing: probability that a batch is mixed at the end (MSA-MICL); 0 is MICL.
        similar: cosine among words from which two sounds of a batch are not each other's negatives.
        windows: of a clip that are heard at a step, at least and at most.
    """

    steps: int = 700
    batch: int = 96
    rate: float = 1e-3
    decay: float = 0.05
    depth: int = 0
    width: int = 192
    d: int = 128
    dropped: float = 0.3
    masks: int = 6
    off_screen_masks: int = 2
    mixing: float = 0.5
    similar: float = 0.8
    windows: tuple[int, int] = (1, 3)


@dataclass(frozen=True)
class Step:
    """A batch: masks (B, N, p) and padding, clips (K, W, q), groups (B,), and ``similar`` (B, K)."""

    masks: Tensor
    padding: Tensor
    clips: Tensor
    groups: Tensor
    similar: Tensor


class Sampler:
    """Draws batches from the kinds that may be seen in training."""

    def __init__(self, cache: FeatureCache, kinds: Sequence[str], recipe: Recipe, seed: int) -> None:
        self.cache, self.recipe = cache, recipe
        self.rng = np.random.default_rng(seed)
        self.kinds = list(kinds)
        allowed = {*kinds, SILENT, GROUND}
        masks_by_class = group_indices(cache.mask_class)
        clips_by_class = single_class_clips(cache.clip_classes)
        self.masks_by_class = {name: masks_by_class[name] for name in kinds}
        self.clips_by_class = {name: clips_by_class[name] for name in kinds}
        self.mixed = [
            index
            for index, names in enumerate(cache.clip_classes)
            if len(names) == 2 and set(names) <= set(kinds)
        ]
        self.allowed = np.array([name in allowed for name in cache.mask_class])
        self.any = np.flatnonzero(self.allowed)

    def __call__(self, mixed: bool) -> Step:
        """One batch; mixed if there are mixtures."""
        if mixed and self.mixed:
            clips = self.rng.choice(self.mixed, self.recipe.batch // 2)
            names = [name for clip in clips for name in self.cache.clip_classes[clip]]
            groups = np.repeat(np.arange(len(clips)), 2)
        else:
            names = [
                self.kinds[index] for index in self.rng.integers(len(self.kinds), size=self.recipe.batch)
            ]
            clips = np.array([self.rng.choice(self.clips_by_class[name]) for name in names])
            groups = np.arange(len(clips))
        rows = [self.frame(name) for name in names]
        width = max(len(row) for row in rows)
        index = np.array([row + [0] * (width - len(row)) for row in rows])
        padding = np.array([[False] * len(row) + [True] * (width - len(row)) for row in rows])
        minimum, maximum = self.recipe.windows
        count = int(self.rng.integers(minimum, maximum + 1))
        windows = self.rng.permutation(self.cache.clips.shape[1])[:count].copy()
        text_embeddings = self.cache.clip_text_embeddings[clips]
        near = text_embeddings @ text_embeddings.T > self.recipe.similar
        return Step(
            self.cache.masks[index],
            torch.from_numpy(padding),
            self.cache.clips[clips][:, torch.from_numpy(windows)],
            torch.from_numpy(groups),
            near[torch.from_numpy(groups)],
        )

    def frame(self, name: str) -> list[int]:
        """Masks of a frame in which a kind is seen."""
        mask = int(self.rng.choice(self.masks_by_class[name]))
        rest = [
            other
            for other in self.cache.of_scene[int(self.cache.scene[mask])]
            if other != mask and self.allowed[other]
        ]
        self.rng.shuffle(rest)
        off_screen_masks = self.rng.choice(self.any, int(self.rng.integers(self.recipe.off_screen_masks + 1)))
        return [mask, *rest[: self.recipe.masks - 1], *off_screen_masks.tolist()]


def learn(cache: FeatureCache, kinds: Sequence[str], recipe: Recipe, seed: int) -> AssociationModule:
    """The module after all steps; deterministic by the seed.

    Args:
        cache: features.
        kinds: that are rendered; the loss never sees them.
        recipe: how.
        seed: of initial weights, batches and dropout.
    """
    torch.manual_seed(seed)
    config = AssociationConfig(
        d_m=cache.masks.shape[-1], d_a=cache.clips.shape[-1], d=recipe.d, width=recipe.width,
        depth=recipe.depth, heads=4, dropout=0.1,
    )  # fmt: skip
    module = AssociationModule(config).train()
    optimiser, schedule = build_optimiser(module, recipe.steps, recipe.rate, recipe.decay)
    sampler = Sampler(cache, kinds, recipe, seed)
    for number in range(recipe.steps):
        chance = mixing_probability(number, recipe.steps, recipe.mixing)
        step = sampler(bool(sampler.rng.random() < chance))
        masks, audio_embeddings, temperature = module(
            functional.dropout(step.masks, recipe.dropped),
            step.padding,
            functional.dropout(step.clips, recipe.dropped),
            torch.zeros(step.clips.shape[:2], dtype=torch.bool),
        )
        similarity = similarity_matrix(masks, step.padding, audio_embeddings)
        loss = msa_micl(similarity, step.groups, temperature, step.similar)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        module.clamp()
    return module.eval()
