"""The association learnt on a stock that is made in a moment: kinds are directions, sounds come and go."""

from __future__ import annotations

import torch

from recipes.association.train import Recipe, learn
from recipes.common.feature_cache import FeatureCache
from seac.associate.ensemble import AssociationEnsembleSettings, cosines, log_sum_exp_pool
from seac.core.types import AudioFeatures

CLASSES, D, WINDOWS, EACH = ("bell", "drum", "horn"), 12, 4, 12


def feature_cache() -> FeatureCache:
    """Scenes of one mask; clips whose kind is heard in half of their windows, something else in the rest."""
    rng = torch.Generator().manual_seed(0)
    middles = {sense: 3 * torch.randn(len(CLASSES), D, generator=rng) for sense in ("sight", "sound")}
    names = [class_index for class_index in range(len(CLASSES)) for _ in range(EACH)]
    masks = middles["sight"][names] + 0.3 * torch.randn(len(names), D, generator=rng)
    clips = 3 * torch.randn(len(names), WINDOWS, D, generator=rng)
    clips[:, ::2] = middles["sound"][names][:, None] + 0.3 * torch.randn(len(names), 2, D, generator=rng)
    apart = torch.eye(len(names))
    return FeatureCache(
        masks, apart, clips, apart[:, None].expand(-1, WINDOWS, -1), apart, masks, AudioFeatures(clips, None),
        tuple(CLASSES[class_index] for class_index in names), tuple((CLASSES[class_index],) for class_index in names),
        torch.arange(len(names)), tuple((row,) for row in range(len(names))),
    )  # fmt: skip


def test_pairs_alone_train_which_mask_makes_which_audio() -> None:
    given = feature_cache()
    recipe = Recipe(steps=150, batch=12, width=16, d=8, off_screen_masks=0, mixing=0.0)
    module = learn(given, CLASSES, recipe, seed=0)
    right = 0
    with torch.no_grad():
        for row, (name,) in enumerate(given.clip_classes):
            similarity = log_sum_exp_pool(
                cosines([module], given.masks, given.clips[row]), AssociationEnsembleSettings().temperature
            )
            right += given.mask_class[int(similarity.argmax())] == name
    assert right >= 0.8 * len(given.clip_classes)


def test_training_is_a_function_of_its_seed() -> None:
    recipe = Recipe(steps=5, batch=6, width=8, d=4)
    one, same, other = (learn(feature_cache(), CLASSES, recipe, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
