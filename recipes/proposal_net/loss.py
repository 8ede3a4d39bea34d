"""Assignment of instances to locations, and the losses of the proposal network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.proposal_net.model import FINE_STRIDE, MASK_STRIDE, Locations, decode_masks, grid_of

LEVEL_SIZES = {8: (0.0, 64.0), 16: (32.0, 144.0), 32: (96.0, 1e9)}
MAX_POSITIVE = 24
FINE_POSITIVE = 7  # fewer, as a fine mask has four times the pixels
BOUNDARY_WEIGHT = 8.0  # additional weight of a pixel per share of its surroundings on the other side


@dataclass(frozen=True)
class Loss:
    """Loss terms of a batch, divided by the number of positive locations."""

    score: Tensor
    dice: Tensor
    bce: Tensor
    iou: Tensor

    @property
    def total(self) -> Tensor:
        """The weighted sum of the terms that is minimised, a scalar."""
        return self.score + 2 * self.dice + self.bce


def assign(masks: Tensor, centres: Tensor, strides: Tensor, stride: int = MASK_STRIDE) -> Tensor:
    """Assign an instance to each location: (L,) int64 index into ``masks`` (K, h, w), -1 for none.

    A location is positive if it lies within a stride of the centre of mass of an instance, on a level for its
    size. Of several instances the smallest is assigned. ``stride`` is the stride of the masks.
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
    """Sample at most ``limit`` of the locations ``positive`` (n,), independently of the device."""
    return positive[torch.randperm(len(positive), generator=generator)[:limit].to(positive.device)]


@dataclass(frozen=True)
class Targets:
    """Targets of the locations of B images, with masks for at most P = ``MAX_POSITIVE`` of each image.

    Attributes:
        positive: (B, L) bool, locations with an instance.
        weights: (B, L) float32, weight of the score loss of each location, 1 with an instance.
        chosen: (B, P) int64, positive locations with masks, padded with 0.
        counted: (B, P) bool, False for padding.
        masks: (B, P, h, w) float16 coverage of the instances at stride 4.
    """

    positive: Tensor
    weights: Tensor
    chosen: Tensor
    counted: Tensor
    masks: Tensor


def build_targets(
    masks: list[Tensor], negatives: list[Tensor], side: int, generator: torch.Generator
) -> Targets:
    """Build the targets of square images.

    Args:
        masks: for each image, (K, side / 4, side / 4) coverage of its instances.
        negatives: for each image, (L,) weights of its locations without an instance.
        side: S of the images.
        generator: samples the positive locations that get a mask.
    """
    height = width = side
    centres, strides = grid_of(height, width, torch.zeros(()))
    batch, (h, w) = len(masks), (height // MASK_STRIDE, width // MASK_STRIDE)
    positive = torch.zeros(batch, len(centres), dtype=torch.bool)
    chosen = torch.zeros(batch, MAX_POSITIVE, dtype=torch.int64)
    counted = torch.zeros(batch, MAX_POSITIVE, dtype=torch.bool)
    target_masks = torch.zeros(batch, MAX_POSITIVE, h, w, dtype=torch.float16)
    for index, true in enumerate(masks):
        if len(true) == 0:
            continue
        instance = assign(true, centres, strides)
        positive[index] = instance >= 0
        some = sample_positives(torch.nonzero(instance >= 0)[:, 0], MAX_POSITIVE, generator)
        chosen[index, : len(some)], counted[index, : len(some)] = some, True
        target_masks[index, : len(some)] = true[instance[some]].half()
    weights = torch.where(positive, 1.0, torch.stack(negatives))
    return Targets(positive, weights, chosen, counted, target_masks)


def compute_loss(locations: Locations, targets: Targets) -> Loss:
    """Compute the loss terms of a batch."""
    chosen, counted = targets.chosen, targets.counted
    each = torch.arange(len(chosen), device=chosen.device)[:, None]
    mask_logits = torch.vmap(decode_masks)(
        locations.features,
        locations.kernels[each, chosen],
        locations.centres[chosen],
        locations.strides[chosen],
    )[counted]
    target = targets.masks[counted].float()
    positives = counted.sum().clamp_min(1)
    with torch.no_grad():
        hard, real = mask_logits > 0, target > 0.5
        iou = (hard & real).sum((1, 2)) / (hard | real).sum((1, 2)).clamp_min(1)
        ious = torch.zeros_like(chosen, dtype=iou.dtype).masked_scatter(counted, iou)
        mean = ious.sum(1, keepdim=True) / counted.sum(1, keepdim=True).clamp_min(1)
        quality = mean * targets.positive  # positive locations without masks get the mean IoU
        image_index = each.expand_as(chosen)[counted]
        quality[image_index, chosen[counted]] = iou
    error = (locations.logits.sigmoid() - quality).abs().square()
    entropy = F.binary_cross_entropy_with_logits(locations.logits, quality, reduction="none")
    # Where no instance is outlined, an object that the network is sure of may be real.
    unmarked = (targets.weights < 1) & (locations.logits > 0)
    score = (targets.weights.masked_fill(unmarked, 0) * error * entropy).sum()
    bce = F.binary_cross_entropy_with_logits(mask_logits, target, reduction="none").mean((1, 2))
    return Loss(
        score / positives,
        compute_dice(mask_logits, target).sum() / positives,
        bce.sum() / positives,
        iou.sum() / positives,
    )


def compute_fine_loss(
    locations: Locations, fine: Tensor, masks: list[Tensor], generator: torch.Generator
) -> Tensor:
    """Dice and boundary-weighted cross-entropy of masks decoded from ``fine`` (B, MASK_CHANNELS, h, w).

    The targets are ``masks``: for each image, (K, h, w) coverage at stride 2. The score has no loss.
    """
    dice: list[Tensor] = []
    bce: list[Tensor] = []
    for index, true in enumerate(masks):
        if len(true) == 0:
            continue
        instance = assign(true, locations.centres, locations.strides, FINE_STRIDE)
        positive = torch.nonzero(instance >= 0)[:, 0]
        chosen = sample_positives(positive, FINE_POSITIVE, generator)
        if len(chosen) == 0:
            continue
        mask_logits = decode_masks(
            fine[index],
            locations.kernels[index, chosen],
            locations.centres[chosen],
            locations.strides[chosen],
            FINE_STRIDE,
        )
        target = true[instance[chosen]]
        dice.append(compute_dice(mask_logits, target))
        bce.append(compute_boundary_bce(mask_logits, target))
    if not dice:
        return fine.sum() * 0
    return 2 * torch.cat(dice).mean() + torch.cat(bce).mean()


def compute_refinement_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Dice and boundary-weighted cross-entropy of masks (N, s, s) against coverage (N, s, s)."""
    return 2 * compute_dice(logits, target).mean() + compute_boundary_bce(logits, target).mean()


def compute_dice(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss of each mask (K, h, w) against coverage (K, h, w): (K,)."""
    probability = logits.sigmoid()
    both = (probability * target).sum((1, 2))
    return 1 - 2 * both / (probability.square().sum((1, 2)) + target.square().sum((1, 2)) + 1e-3)


def compute_boundary_bce(logits: Tensor, target: Tensor) -> Tensor:
    """Boundary-weighted cross-entropy of each mask: (K,)."""
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * compute_boundary_weights(target)).mean((1, 2))


def compute_boundary_weights(target: Tensor, reach: int = 7) -> Tensor:
    """Pixel weights (K, h, w) of masks (K, h, w): 1, and more within ``reach`` / 2 of a boundary."""
    near = F.avg_pool2d(target[None], reach, 1, reach // 2, count_include_pad=False)[0]
    return 1 + BOUNDARY_WEIGHT * (near - target).abs().clamp_max(0.5)
