"""Which cell answers for which thing, and how wrong it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.proposal_net.model import FINE_STRIDE, MASK_STRIDE, Cells, draw, grid_of

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
    iou: Tensor

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
    device = masks.device
    x = (torch.arange(w, device=device) + 0.5) * stride
    y = (torch.arange(h, device=device) + 0.5) * stride
    mean_x, mean_y = (masks.sum(1) @ x) / area, (masks.sum(2) @ y) / area
    columns, rows = masks.sum(1) > 0.5, masks.sum(2) > 0.5
    size = (columns.sum(1) * rows.sum(1)).float().sqrt() * stride
    near = (centres[:, None] - torch.stack([mean_x, mean_y], 1)).abs().amax(-1) < strides[:, None]
    levels = torch.tensor(sorted(LEVEL_SIZES), dtype=strides.dtype, device=device)
    low, high = torch.tensor([LEVEL_SIZES[stride] for stride in sorted(LEVEL_SIZES)], device=device).T
    level = torch.searchsorted(levels, strides)
    fits = (size[None] >= low[level][:, None]) & (size[None] <= high[level][:, None])
    cost = torch.where(near & fits, area[None], torch.inf)
    least, which = cost.min(1)
    return torch.where(least < torch.inf, which, -1)


def some_of(positive: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """At most ``most`` of the cells ``positive`` (n,); the draw is the same on every device."""
    return positive[torch.randperm(len(positive), generator=generator)[:most].to(positive.device)]


@dataclass(frozen=True)
class Targets:
    """What the cells of a batch of B pictures are to draw, at most P = ``MOST_POSITIVE`` of each.

    Attributes:
        positive: (B, L) bool, cells that answer for a thing.
        chosen: (B, P) int64 of them that are drawn; rows with fewer are filled up with cell 0.
        counted: (B, P) bool, which of the chosen are no filling.
        masks: (B, P, h, w) float16 coverage at stride 4 of what each answers for.
    """

    positive: Tensor
    chosen: Tensor
    counted: Tensor
    masks: Tensor


def targets_of(masks: list[Tensor], height: int, width: int, generator: torch.Generator) -> Targets:
    """Targets for ``masks``, for each picture of ``height`` x ``width`` (K, h, w) coverage at stride 4."""
    centres, strides = grid_of(height, width, torch.zeros(()))
    batch, (h, w) = len(masks), (height // MASK_STRIDE, width // MASK_STRIDE)
    positive = torch.zeros(batch, len(centres), dtype=torch.bool)
    chosen = torch.zeros(batch, MOST_POSITIVE, dtype=torch.int64)
    counted = torch.zeros(batch, MOST_POSITIVE, dtype=torch.bool)
    wanted = torch.zeros(batch, MOST_POSITIVE, h, w, dtype=torch.float16)
    for index, true in enumerate(masks):
        if len(true) == 0:
            continue
        thing = assign(true, centres, strides)
        positive[index] = thing >= 0
        some = some_of(torch.nonzero(thing >= 0)[:, 0], MOST_POSITIVE, generator)
        chosen[index, : len(some)], counted[index, : len(some)] = some, True
        wanted[index, : len(some)] = true[thing[some]].half()
    return Targets(positive, chosen, counted, wanted)


def loss_of(cells: Cells, targets: Targets) -> Loss:
    """Loss of a batch."""
    chosen, counted = targets.chosen, targets.counted
    each = torch.arange(len(chosen), device=chosen.device)[:, None]
    drawn = torch.vmap(draw)(
        cells.features, cells.kernels[each, chosen], cells.centres[chosen], cells.strides[chosen]
    )[counted]
    target = targets.masks[counted].float()
    positives = counted.sum().clamp_min(1)
    with torch.no_grad():
        hard, real = drawn > 0, target > 0.5
        iou = (hard & real).sum((1, 2)) / (hard | real).sum((1, 2)).clamp_min(1)
        ious = torch.zeros_like(chosen, dtype=iou.dtype).masked_scatter(counted, iou)
        mean = ious.sum(1, keepdim=True) / counted.sum(1, keepdim=True).clamp_min(1)
        quality = mean * targets.positive  # those not drawn this time
        picture = each.expand_as(chosen)[counted]
        quality[picture, chosen[counted]] = iou
    away = (cells.logits.sigmoid() - quality).abs().square()
    score = (away * F.binary_cross_entropy_with_logits(cells.logits, quality, reduction="none")).sum()
    bce = F.binary_cross_entropy_with_logits(drawn, target, reduction="none").mean((1, 2))
    return Loss(
        score / positives,
        dice_of(drawn, target).sum() / positives,
        bce.sum() / positives,
        iou.sum() / positives,
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
        chosen = some_of(positive, FINE_POSITIVE, generator)
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
