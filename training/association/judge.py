"""Object picking: on dev composites, and on kinds that were left out of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.module import AssociationModule
from training.association.library import SILENT
from training.association.stock import Stock, index_of


@dataclass(frozen=True)
class Trial:
    """Masks of a scene, the first of which sounds, and the sound, as the module is given them and among words."""

    masks: Tensor
    clip: Tensor
    mask_places: Tensor
    clip_place: Tensor
    name: str


def left_out(stock: Stock, kinds: Sequence[str], count: int, seed: int) -> list[Trial]:
    """Trials like ``benchmarks.picking``'s among kinds that were not trained: one or two rivals, some mute."""
    draw = np.random.default_rng(seed)
    shown = index_of(stock.mask_kind)
    alone = index_of([names[0] if len(names) == 1 else "" for names in stock.clip_kinds])
    trials = []
    for number in range(count):
        name = kinds[number % len(kinds)]
        masks = [draw.choice(shown[name])]
        for _ in range(1 + number % 2):
            others = [other for other in kinds if other != name]
            rival = SILENT if draw.random() < 0.35 else others[draw.integers(len(others))]
            masks.append(draw.choice(shown[rival]))
        clip = draw.choice(alone[name])
        trials.append(
            Trial(
                stock.masks[masks],
                stock.clips[clip],
                stock.mask_places[masks],
                stock.clip_places[clip],
                name,
            )
        )
    return trials


@torch.no_grad()
def cosines(module: AssociationModule, trial: Trial) -> tuple[Tensor, Tensor]:
    """The learnt cosine and the one among words: (N,) both."""
    masks, clip = trial.masks[None], trial.clip[None]
    placed = module.embed_masks(masks, torch.zeros(masks.shape[:2], dtype=torch.bool))[0]
    sound = module.embed_audio(clip, torch.zeros(clip.shape[:2], dtype=torch.bool))
    return functional.cosine_similarity(placed, sound, dim=1), trial.mask_places @ trial.clip_place


def accuracies(module: AssociationModule, trials: Sequence[Trial], shares: Sequence[float]) -> list[float]:
    """Share of trials won, for every share of words (1 is zero-shot alone)."""
    pairs = [cosines(module, trial) for trial in trials]
    return [
        float(np.mean([int(torch.lerp(learnt, said, share).argmax()) == 0 for learnt, said in pairs]))
        for share in shares
    ]
