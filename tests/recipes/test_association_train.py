"""The association learnt on a stock that is made in a moment: kinds are directions, sounds come and go."""

from __future__ import annotations

import torch

from recipes.association.train import Recipe, learn
from recipes.common.feature_cache import Stock
from seac.associate.ensemble import CombinedSettings, cosines, soft_maximum
from seac.core.types import AudioFeatures

KINDS, D, WINDOWS, EACH = ("bell", "drum", "horn"), 12, 4, 12


def stock() -> Stock:
    """Scenes of one mask; clips whose kind is heard in half of their windows, something else in the rest."""
    draw = torch.Generator().manual_seed(0)
    middles = {sense: 3 * torch.randn(len(KINDS), D, generator=draw) for sense in ("sight", "sound")}
    names = [kind for kind in range(len(KINDS)) for _ in range(EACH)]
    masks = middles["sight"][names] + 0.3 * torch.randn(len(names), D, generator=draw)
    clips = 3 * torch.randn(len(names), WINDOWS, D, generator=draw)
    clips[:, ::2] = middles["sound"][names][:, None] + 0.3 * torch.randn(len(names), 2, D, generator=draw)
    apart = torch.eye(len(names))
    return Stock(
        masks, apart, clips, apart[:, None].expand(-1, WINDOWS, -1), apart, masks, AudioFeatures(clips, None),
        tuple(KINDS[kind] for kind in names), tuple((KINDS[kind],) for kind in names),
        torch.arange(len(names)), tuple((row,) for row in range(len(names))),
    )  # fmt: skip


def test_pairs_alone_teach_which_mask_makes_which_sound() -> None:
    given = stock()
    recipe = Recipe(steps=150, batch=12, width=16, d=8, strangers=0, mixing=0.0)
    module = learn(given, KINDS, recipe, seed=0)
    right = 0
    with torch.no_grad():
        for row, (name,) in enumerate(given.clip_kinds):
            similarity = soft_maximum(
                cosines([module], given.masks, given.clips[row]), CombinedSettings().softness
            )
            right += given.mask_kind[int(similarity.argmax())] == name
    assert right >= 0.8 * len(given.clip_kinds)


def test_a_seed_decides_what_is_learnt() -> None:
    recipe = Recipe(steps=5, batch=6, width=8, d=4)
    one, same, other = (learn(stock(), KINDS, recipe, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
