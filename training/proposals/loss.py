"""Which cell answers for which thing, and how wrong it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.condinst import FINE_STRIDE, MASK_STRIDE, Cells, draw

LEVEL_SIZES = {8: (0.0, 64.0), 16: (32.0, 144.0), 32: (96.0, 1e9)}
MOST_POSITIVE = 24
FINE_POSITIVE = 7  # a fine mask has four times the pixels
RIM = 8.0  # how much more a pixel counts where half of what surrounds it is of the other side


@dataclass(frozen=True)
class Loss:
    """Sums over a batch, already divided by the number of positive cells."""

    score: Tensor
    dice: Tensor
    bce: Tensor
    iou: float

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return self.score + 2 * self.dice + self.bce


def true_masks(owner: Tensor, count: int, least: int = 48, stride: int = MASK_STRIDE) -> Tensor:
    """Instances of ``owner`` (S, S) of at least ``least`` pixels: (K, S / 4, S / 4) float32 coverage.

    With another ``stride``, at that.
    """
    full = owner[None] == torch.arange(count)[:, None, None]
    full = full[full.flatten(1).sum(1) >= least]
    if len(full) == 0:
        return torch.zeros(0, owner.shape[0] // stride, owner.shape[1] // stride)
    return F.avg_pool2d(full.float()[None], stride)[0]


def assign(masks: Tensor, centres: Tensor, strides: Tensor, stride: int = MASK_STRIDE) -> Tensor:
    """The thing that each cell answers for, (L,) int64 index into ``masks`` (K, h, w), -1 for none.

    A cell answers for a thing if it lies within a stride of its centre of mass, on a level made for its size;
    of several, for the smallest. ``stride`` is that of the masks.
    """
    _, h, w = masks.shape
    area = masks.sum((1, 2))
    x = (torch.arange(w) + 0.5) * stride
    y = (torch.arange(h) + 0.5) * stride
    mean_x, mean_y = (masks.sum(1) @ x) / area, (masks.sum(2) @ y) / area
    columns, rows = masks.sum(1) > 0.5, masks.sum(2) > 0.5
    size = (columns.sum(1) * rows.sum(1)).float().sqrt() * stride
    near = (centres[:, None] - torch.stack([mean_x, mean_y], 1)).abs().amax(-1) < strides[:, None]
    levels = torch.tensor(sorted(LEVEL_SIZES), dtype=strides.dtype)
    low, high = torch.tensor([LEVEL_SIZES[stride] for stride in sorted(LEVEL_SIZES)]).T
    level = torch.searchsorted(levels, strides)
    fits = (size[None] >= low[level][:, None]) & (size[None] <= high[level][:, None])
    cost = torch.where(near & fits, area[None], torch.tensor(torch.inf))
    least, which = cost.min(1)
    return torch.where(least < torch.inf, which, -1)


def loss_of(cells: Cells, masks: list[Tensor], generator: torch.Generator) -> Loss:
    """Loss of a batch against ``masks``, for each picture (K, h, w) coverage at stride 4."""
    quality = torch.zeros_like(cells.logits)
    dice: list[Tensor] = []
    bce: list[Tensor] = []
    ious: list[Tensor] = []
    for index, true in enumerate(masks):
        if len(true) == 0:
            continue
        thing = assign(true, cells.centres, cells.strides)
        positive = torch.nonzero(thing >= 0)[:, 0]
        chosen = positive[torch.randperm(len(positive), generator=generator)[:MOST_POSITIVE]]
        if len(chosen) == 0:
            continue
        drawn = draw(
            cells.features[index],
            cells.kernels[index, chosen],
            cells.centres[chosen],
            cells.strides[chosen],
        )
        target = true[thing[chosen]]
        dice.append(dice_of(drawn, target))
        bce.append(F.binary_cross_entropy_with_logits(drawn, target, reduction="none").mean((1, 2)))
        with torch.no_grad():
            hard, real = drawn > 0, target > 0.5
            iou = (hard & real).sum((1, 2)) / (hard | real).sum((1, 2)).clamp_min(1)
            quality[index, positive] = iou.mean()  # those not drawn this time
            quality[index, chosen] = iou
            ious.append(iou)
    positives = max(sum(len(i) for i in ious), 1)
    away = (cells.logits.sigmoid() - quality).abs().square()
    score = (away * F.binary_cross_entropy_with_logits(cells.logits, quality, reduction="none")).sum()
    zero = cells.logits.sum() * 0
    return Loss(
        score / positives,
        torch.cat(dice).mean() if dice else zero,
        torch.cat(bce).mean() if bce else zero,
        float(torch.cat(ious).mean()) if ious else 0.0,
    )


def fine_loss_of(cells: Cells, fine: Tensor, masks: list[Tensor], generator: torch.Generator) -> Tensor:
    """Dice and cross-entropy, heavier at outlines, of masks drawn from ``fine`` (B, MASK_CHANNELS, h, w).

    Against ``masks``, for each picture (K, h, w) coverage at stride 2; the score is left alone.
    """
    dice: list[Tensor] = []
    bce: list[Tensor] = []
    for index, true in enumerate(masks):
        if len(true) == 0:
            continue
        thing = assign(true, cells.centres, cells.strides, FINE_STRIDE)
        positive = torch.nonzero(thing >= 0)[:, 0]
        chosen = positive[torch.randperm(len(positive), generator=generator)[:FINE_POSITIVE]]
        if len(chosen) == 0:
            continue
        drawn = draw(
            fine[index],
            cells.kernels[index, chosen],
            cells.centres[chosen],
            cells.strides[chosen],
            FINE_STRIDE,
        )
        target = true[thing[chosen]]
        dice.append(dice_of(drawn, target))
        bce.append(rimmed_of(drawn, target))
    if not dice:
        return fine.sum() * 0
    return 2 * torch.cat(dice).mean() + torch.cat(bce).mean()


def outline_loss_of(logits: Tensor, target: Tensor) -> Tensor:
    """Dice, and cross-entropy that is heavier at outlines, of masks (N, s, s) against coverage (N, s, s)."""
    return 2 * dice_of(logits, target).mean() + rimmed_of(logits, target).mean()


def dice_of(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss of each mask (K, h, w) against coverage (K, h, w): (K,)."""
    probability = logits.sigmoid()
    both = (probability * target).sum((1, 2))
    return 1 - 2 * both / (probability.square().sum((1, 2)) + target.square().sum((1, 2)) + 1e-3)


def rimmed_of(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of each mask, heavier at its outline: (K,)."""
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * rims(target)).mean((1, 2))


def rims(target: Tensor, reach: int = 7) -> Tensor:
    """Weights (K, h, w) of the pixels of masks (K, h, w): 1, and more within ``reach`` / 2 of an outline."""
    near = F.avg_pool2d(target[None], reach, 1, reach // 2, count_include_pad=False)[0]
    return 1 + RIM * (near - target).abs().clamp_max(0.5)
