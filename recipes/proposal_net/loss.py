"""Which cell answers for which thing, and how wrong it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.proposal_net.model import FINE_STRIDE, MASK_STRIDE, Locations, decode_masks, grid_of

LEVEL_SIZES = {8: (0.0, 64.0), 16: (32.0, 144.0), 32: (96.0, 1e9)}
MAX_POSITIVE = 24
FINE_POSITIVE = 7  # a fine mask has four times the pixels
BOUNDARY_WEIGHT = 8.0  # how much more a pixel counts where half of what surrounds it is of the other side


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


def true_masks(owner: Tensor, count: int, minimum: int = 48, stride: int = MASK_STRIDE) -> Tensor:
    """Instances of ``owner`` (S, S) of at least ``minimum`` pixels: (K, S / 4, S / 4) float32 coverage.

    With another ``stride``, at that.
    """
    full = owner[None] == torch.arange(count)[:, None, None]
    full = full[full.flatten(1).sum(1) >= minimum]
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
    minimum, which = cost.min(1)
    return torch.where(minimum < torch.inf, which, -1)


def sample_positives(positive: Tensor, limit: int, generator: torch.Generator) -> Tensor:
    """At most ``limit`` of the cells ``positive`` (n,); the draw is the same on every device."""
    return positive[torch.randperm(len(positive), generator=generator)[:limit].to(positive.device)]


@dataclass(frozen=True)
class Targets:
    """What the cells of a batch of B pictures are to draw, at most P = ``MAX_POSITIVE`` of each.

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


def build_targets(masks: list[Tensor], height: int, width: int, generator: torch.Generator) -> Targets:
    """Targets for ``masks``, for each picture of ``height`` x ``width`` (K, h, w) coverage at stride 4."""
    centres, strides = grid_of(height, width, torch.zeros(()))
    batch, (h, w) = len(masks), (height // MASK_STRIDE, width // MASK_STRIDE)
    positive = torch.zeros(batch, len(centres), dtype=torch.bool)
    chosen = torch.zeros(batch, MAX_POSITIVE, dtype=torch.int64)
    counted = torch.zeros(batch, MAX_POSITIVE, dtype=torch.bool)
    wanted = torch.zeros(batch, MAX_POSITIVE, h, w, dtype=torch.float16)
    for index, true in enumerate(masks):
        if len(true) == 0:
            continue
        thing = assign(true, centres, strides)
        positive[index] = thing >= 0
        some = sample_positives(torch.nonzero(thing >= 0)[:, 0], MAX_POSITIVE, generator)
        chosen[index, : len(some)], counted[index, : len(some)] = some, True
        wanted[index, : len(some)] = true[thing[some]].half()
    return Targets(positive, chosen, counted, wanted)


def compute_loss(cells: Locations, targets: Targets) -> Loss:
    """Loss of a batch."""
    chosen, counted = targets.chosen, targets.counted
    each = torch.arange(len(chosen), device=chosen.device)[:, None]
    mask_logits = torch.vmap(decode_masks)(
        cells.features, cells.kernels[each, chosen], cells.centres[chosen], cells.strides[chosen]
    )[counted]
    target = targets.masks[counted].float()
    positives = counted.sum().clamp_min(1)
    with torch.no_grad():
        hard, real = mask_logits > 0, target > 0.5
        iou = (hard & real).sum((1, 2)) / (hard | real).sum((1, 2)).clamp_min(1)
        ious = torch.zeros_like(chosen, dtype=iou.dtype).masked_scatter(counted, iou)
        mean = ious.sum(1, keepdim=True) / counted.sum(1, keepdim=True).clamp_min(1)
        quality = mean * targets.positive  # those not drawn this time
        picture = each.expand_as(chosen)[counted]
        quality[picture, chosen[counted]] = iou
    away = (cells.logits.sigmoid() - quality).abs().square()
    score = (away * F.binary_cross_entropy_with_logits(cells.logits, quality, reduction="none")).sum()
    bce = F.binary_cross_entropy_with_logits(mask_logits, target, reduction="none").mean((1, 2))
    return Loss(
        score / positives,
        compute_dice(mask_logits, target).sum() / positives,
        bce.sum() / positives,
        iou.sum() / positives,
    )


def compute_fine_loss(
    cells: Locations, fine: Tensor, masks: list[Tensor], generator: torch.Generator
) -> Tensor:
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
        chosen = sample_positives(positive, FINE_POSITIVE, generator)
        if len(chosen) == 0:
            continue
        mask_logits = decode_masks(
            fine[index],
            cells.kernels[index, chosen],
            cells.centres[chosen],
            cells.strides[chosen],
            FINE_STRIDE,
        )
        target = true[thing[chosen]]
        dice.append(compute_dice(mask_logits, target))
        bce.append(compute_boundary_bce(mask_logits, target))
    if not dice:
        return fine.sum() * 0
    return 2 * torch.cat(dice).mean() + torch.cat(bce).mean()


def compute_refinement_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Dice, and cross-entropy that is heavier at outlines, of masks (N, s, s) against coverage (N, s, s)."""
    return 2 * compute_dice(logits, target).mean() + compute_boundary_bce(logits, target).mean()


def compute_dice(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss of each mask (K, h, w) against coverage (K, h, w): (K,)."""
    probability = logits.sigmoid()
    both = (probability * target).sum((1, 2))
    return 1 - 2 * both / (probability.square().sum((1, 2)) + target.square().sum((1, 2)) + 1e-3)


def compute_boundary_bce(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of each mask, heavier at its outline: (K,)."""
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * compute_boundary_weights(target)).mean((1, 2))


def compute_boundary_weights(target: Tensor, reach: int = 7) -> Tensor:
    """Weights (K, h, w) of the pixels of masks (K, h, w): 1, and more within ``reach`` / 2 of an outline."""
    near = F.avg_pool2d(target[None], reach, 1, reach // 2, count_include_pad=False)[0]
    return 1 + BOUNDARY_WEIGHT * (near - target).abs().clamp_max(0.5)
