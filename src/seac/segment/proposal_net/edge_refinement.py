"""Edge refinement of masks: by the local colours on both sides of the boundary, then by superpixels.

Mask networks and superpixels are off by one or two pixels along the boundary, where the image gives more
precise evidence. Only logits near zero can change sign.
"""

from __future__ import annotations

from types import EllipsisType

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.ops import boxes_of

SHRINK, WINDOW = 4, 9  # local colours are means over WINDOW blocks of SHRINK pixels
NARROW = 5  # window for superpixel boundaries, which are more precise than those of a network
MIN_PROBABILITY = 0.01  # minimum probability of either side
NOISE = 100.0  # squared colour distance (range 0 to 255) below which two sides count as equal
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
    """Refine mask logits by colour evidence and superpixels.

    Args:
        logits: (N, h', w') float32 at any size.
        colour_image: (3, h, w) float32 in [0, 255].
        labels: (h, w) int64 superpixels of the image, 0..R-1.
        area: (R,) float32 pixels of each superpixel.
        colour: factor of :func:`side_evidence` added to the logits.
        superpixel_weight: weight of the superpixel's mean probability in the probability of a pixel.

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
    """Return logits of superpixel regions, refined by colour evidence along their boundaries.

    Args:
        masks: (N, h, w) bool.
        colour_image: (3, h, w) float32 in [0, 255].
        colour: factor of the colour evidence added to the logits.

    Returns:
        (N, h, w) float32.
    """
    small_image, small_masks = _downsample(colour_image[None]), _downsample(masks[:, None].float())
    logits = torch.full(masks.shape, MIN_PROBABILITY).logit()
    slices = _mask_slices(small_masks, NARROW)
    for output, mask, (small, full) in zip(logits, small_masks, slices, strict=True):
        part, colours = mask[None][small], colour_image[full]
        soft = _upsample(part, colours)[0].logit(eps=MIN_PROBABILITY)
        output[full] = soft.add_(_linear_evidence(part, small_image[small], colours, NARROW), alpha=colour)
    return logits


def side_evidence(inside: Tensor, colour_image: Tensor, window: int = WINDOW) -> Tensor:
    """Return the colour evidence per pixel: 1 for the local colour inside the mask, -1 for that outside.

    With pixel colour p and local mean colours i inside and o outside, the evidence is
    ((p - o)^2 - (p - i)^2) / (i - o)^2. It is linear in p: its coefficients are computed on a small grid and
    upsampled, as in the fast guided filter (He and Sun, 2015).

    Args:
        inside: (N, h, w) float32 probabilities.
        colour_image: (3, h, w) float32 in [0, 255].
        window: side of the averaging window in blocks of ``SHRINK`` pixels.

    Returns:
        (N, h, w) float32; 0 far from the mask.
    """
    small_image, small_masks = _downsample(colour_image[None]), _downsample(inside[:, None])
    values = torch.zeros_like(inside)
    slices = _mask_slices(small_masks, window)
    for value, mask, (small, full) in zip(values, small_masks, slices, strict=True):
        value[full] = _linear_evidence(mask[None][small], small_image[small], colour_image[full], window)
    return values


def _mask_slices(small_masks: Tensor, window: int) -> list[tuple[Slices, Slices]]:
    """Return, per downsampled mask (N, 1, h', w'), the slices around it at small and at full resolution."""
    reach = window // 2 + 2
    slices = []
    for x1, y1, x2, y2 in boxes_of(small_masks[:, 0] > MIN_PROBABILITY).int().tolist():
        top, left, bottom, right = max(y1 - reach, 0), max(x1 - reach, 0), y2 + reach, x2 + reach
        small = (..., slice(top, bottom), slice(left, right))
        full = (..., slice(SHRINK * top, SHRINK * bottom), slice(SHRINK * left, SHRINK * right))
        slices.append((small, full))
    return slices


def _linear_evidence(inside: Tensor, small: Tensor, colour_image: Tensor, window: int) -> Tensor:
    """Return :func:`side_evidence` (h, w) of one mask.

    Args:
        inside: (1, 1, h', w') downsampled probabilities.
        small: (1, 3, h', w') downsampled image.
        colour_image: (3, h, w) image.
        window: side of the averaging window.
    """
    linear = _upsample(_linear_coefficients(inside, small, window), colour_image)
    value = linear[3]
    for slope, colour in zip(linear[:3], colour_image, strict=True):
        value.addcmul_(slope, colour)
    return value.clamp_(-MAX_EVIDENCE, MAX_EVIDENCE)


def _upsample(maps: Tensor, colour_image: Tensor) -> Tensor:
    """Upsample maps (1, C, h', w') by ``SHRINK`` and crop to the image (3, h, w): (C, h, w)."""
    larger = F.interpolate(maps, scale_factor=SHRINK, mode="bilinear", align_corners=False)
    return larger[0, :, : colour_image.shape[-2], : colour_image.shape[-1]]


def _downsample(maps: Tensor) -> Tensor:
    """Return means (N, C, h', w') of maps (N, C, h, w) over ``SHRINK`` x ``SHRINK`` blocks."""
    return F.avg_pool2d(maps, SHRINK, ceil_mode=True)


def _linear_coefficients(inside: Tensor, colour_image: Tensor, window: int) -> Tensor:
    """Return the coefficients (1, 4, h, w) of the evidence: three for the colours, and an offset.

    ``inside`` are probabilities (1, 1, h, w), ``colour_image`` is (1, 3, h, w); local colours are means over
    ``window`` blocks.
    """
    inner, outer = _means(inside**2, colour_image, window), _means((1 - inside) ** 2, colour_image, window)
    colour_difference = inner - outer
    scale = 1 / (colour_difference.square().sum(1, keepdim=True) + NOISE)
    offset = (outer.square() - inner.square()).sum(1, keepdim=True)
    return torch.cat([2 * colour_difference, offset], 1) * scale


def _means(weight: Tensor, colour_image: Tensor, window: int) -> Tensor:
    """Return windowed means (1, 3, h, w) of ``colour_image`` (1, 3, h, w), weighted by (1, 1, h, w)."""
    stacked = torch.cat([weight * colour_image, weight], 1)
    pooled = F.avg_pool2d(stacked, window, 1, window // 2, count_include_pad=False)
    return pooled[:, :3] / (pooled[:, 3:] + 1e-3)
