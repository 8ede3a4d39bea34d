"""Outlines drawn to where colours change: by local colours of each side, then by superpixels.

A mask network errs by a pixel or two along the outline, and so do superpixels; the picture itself knows
better there. Only logits near nought can change sign.
"""

from __future__ import annotations

from types import EllipsisType

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.ops import boxes_of

SHRINK, WINDOW = 4, 9  # local colours are means over WINDOW cells of SHRINK pixels
NARROW = 5  # the window where outlines are of superpixels: they are nearer to the truth than a network's
UNSURE = 0.01  # least probability of a side
NOISE = 100.0  # squared distance of colours (of 255) below which two sides are alike
MAX_EVIDENCE = 1.5
Slices = tuple[EllipsisType, slice, slice]


def refine_masks(
    logits: Tensor,
    colour_image: Tensor,
    labels: Tensor,
    area: Tensor,
    colour: float,
    superpixel_weight: float,
) -> Tensor:
    """Mask logits with outlines that follow the picture.

    Args:
        logits: (N, h', w') float32 at any size.
        colour_image: (3, h, w) float32 in [0, 255].
        labels: (h, w) int64 superpixels of it, 0..R-1.
        area: (R,) float32 pixels of each.
        colour: what a pixel of the colour of one side adds to the logit.
        superpixel_weight: share of its superpixel in the probability of a pixel.

    Returns:
        (N, h, w) float32.
    """
    larger = F.interpolate(logits[:, None], labels.shape, mode="bilinear", align_corners=False)[:, 0]
    if len(larger) == 0:
        return larger
    if colour:
        larger = torch.add(larger, side_evidence(larger.sigmoid(), colour_image), alpha=colour)
    if not superpixel_weight:
        return larger
    probability = larger.sigmoid()
    flat = labels.flatten()
    mean = torch.zeros(len(larger), len(area)).index_add_(1, flat, probability.flatten(1)) / area
    mixed = superpixel_weight * mean[:, flat].view_as(larger) + (1 - superpixel_weight) * probability
    return mixed.logit(eps=1e-4)


def refine_edges(masks: Tensor, colour_image: Tensor, colour: float) -> Tensor:
    """Logits of regions whose outlines were those of superpixels and now lean to where colours change.

    Args:
        masks: (N, h, w) bool.
        colour_image: (3, h, w) float32 in [0, 255].
        colour: what a pixel of the colour of one side adds to the logit.

    Returns:
        (N, h, w) float32.
    """
    small, locations = _downsample(colour_image[None]), _downsample(masks[:, None].float())
    logits = torch.full(masks.shape, UNSURE).logit()
    for output, mask, (near, here) in zip(logits, locations, _mask_slices(locations, NARROW), strict=True):
        part, colours = mask[None][near], colour_image[here]
        soft = _upsample(part, colours)[0].logit(eps=UNSURE)
        output[here] = soft.add_(_linear_evidence(part, small[near], colours, NARROW), alpha=colour)
    return logits


def side_evidence(inside: Tensor, colour_image: Tensor, window: int = WINDOW) -> Tensor:
    """Whose colour a pixel has, the mask's nearby (1) or that of what lies around it (-1).

    With colours p, i inside and o outside, ((p - o)^2 - (p - i)^2) / (i - o)^2, linear in p: its coefficients
    are found on a small grid and enlarged, as the fast guided filter does (He and Sun, 2015).

    Args:
        inside: (N, h, w) float32 probabilities.
        colour_image: (3, h, w) float32 in [0, 255].
        window: cells whose colours are nearby.

    Returns:
        (N, h, w) float32; 0 where the mask is far away.
    """
    small, locations = _downsample(colour_image[None]), _downsample(inside[:, None])
    values = torch.zeros_like(inside)
    for value, mask, (near, here) in zip(values, locations, _mask_slices(locations, window), strict=True):
        value[here] = _linear_evidence(mask[None][near], small[near], colour_image[here], window)
    return values


def _mask_slices(locations: Tensor, window: int) -> list[tuple[Slices, Slices]]:
    """Where all lies that decides on the outline of each mask: in cells (N, 1, h', w'), and in pixels."""
    reach = window // 2 + 2
    slices = []
    for x1, y1, x2, y2 in boxes_of(locations[:, 0] > UNSURE).int().tolist():
        top, left, bottom, right = max(y1 - reach, 0), max(x1 - reach, 0), y2 + reach, x2 + reach
        near = (..., slice(top, bottom), slice(left, right))
        here = (..., slice(SHRINK * top, SHRINK * bottom), slice(SHRINK * left, SHRINK * right))
        slices.append((near, here))
    return slices


def _linear_evidence(inside: Tensor, small: Tensor, colour_image: Tensor, window: int) -> Tensor:
    """:func:`side_evidence` (h, w) of one mask in a picture (3, h, w) from both in cells, (1, 1 and 3, h', w')."""
    linear = _upsample(_linear_coefficients(inside, small, window), colour_image)
    value = linear[3]
    for slope, colour in zip(linear[:3], colour_image, strict=True):
        value.addcmul_(slope, colour)
    return value.clamp_(-MAX_EVIDENCE, MAX_EVIDENCE)


def _upsample(locations: Tensor, colour_image: Tensor) -> Tensor:
    """Cells (1, C, h', w') at the size of their picture (3, h, w), the last of them cut off: (C, h, w)."""
    larger = F.interpolate(locations, scale_factor=SHRINK, mode="bilinear", align_corners=False)
    return larger[0, :, : colour_image.shape[-2], : colour_image.shape[-1]]


def _downsample(maps: Tensor) -> Tensor:
    """Means (N, C, h', w') of maps (N, C, h, w) over squares of ``SHRINK`` pixels, those at the end less."""
    return F.avg_pool2d(maps, SHRINK, ceil_mode=True)


def _linear_coefficients(inside: Tensor, colour_image: Tensor, window: int) -> Tensor:
    """Coefficients (1, 4, h, w) of the colours of ``colour_image`` (1, 3, h, w), and an offset.

    ``inside`` are probabilities (1, 1, h, w), local colours are means over ``window`` cells.
    """
    here, there = _means(inside**2, colour_image, window), _means((1 - inside) ** 2, colour_image, window)
    colour_difference = here - there
    scale = 1 / (colour_difference.square().sum(1, keepdim=True) + NOISE)
    offset = (there.square() - here.square()).sum(1, keepdim=True)
    return torch.cat([2 * colour_difference, offset], 1) * scale


def _means(weight: Tensor, colour_image: Tensor, window: int) -> Tensor:
    """Weighted means (1, 3, h, w) of ``colour_image`` (1, 3, h, w) over windows; ``weight`` (1, 1, h, w)."""
    both = torch.cat([weight * colour_image, weight], 1)
    pooled = F.avg_pool2d(both, window, 1, window // 2, count_include_pad=False)
    return pooled[:, :3] / (pooled[:, 3:] + 1e-3)
