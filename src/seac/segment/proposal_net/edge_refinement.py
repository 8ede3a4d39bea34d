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
MOST = 1.5
Place = tuple[EllipsisType, slice, slice]


def refined(
    logits: Tensor, picture: Tensor, labels: Tensor, area: Tensor, colour: float, snap: float
) -> Tensor:
    """Mask logits with outlines that follow the picture.

    Args:
        logits: (N, h', w') float32 at any size.
        picture: (3, h, w) float32 in [0, 255].
        labels: (h, w) int64 superpixels of it, 0..R-1.
        area: (R,) float32 pixels of each.
        colour: what a pixel of the colour of one side adds to the logit.
        snap: share of its superpixel in the probability of a pixel.

    Returns:
        (N, h, w) float32.
    """
    larger = F.interpolate(logits[:, None], labels.shape, mode="bilinear", align_corners=False)[:, 0]
    if len(larger) == 0:
        return larger
    if colour:
        larger = torch.add(larger, leaning(larger.sigmoid(), picture), alpha=colour)
    if not snap:
        return larger
    probability = larger.sigmoid()
    flat = labels.flatten()
    mean = torch.zeros(len(larger), len(area)).index_add_(1, flat, probability.flatten(1)) / area
    mixed = snap * mean[:, flat].view_as(larger) + (1 - snap) * probability
    return mixed.logit(eps=1e-4)


def eased(masks: Tensor, picture: Tensor, colour: float) -> Tensor:
    """Logits of regions whose outlines were those of superpixels and now lean to where colours change.

    Args:
        masks: (N, h, w) bool.
        picture: (3, h, w) float32 in [0, 255].
        colour: what a pixel of the colour of one side adds to the logit.

    Returns:
        (N, h, w) float32.
    """
    small, cells = _cells(picture[None]), _cells(masks[:, None].float())
    logits = torch.full(masks.shape, UNSURE).logit()
    for drawn, mask, (near, here) in zip(logits, cells, _places(cells, NARROW), strict=True):
        part, colours = mask[None][near], picture[here]
        soft = _enlarged(part, colours)[0].logit(eps=UNSURE)
        drawn[here] = soft.add_(_whose(part, small[near], colours, NARROW), alpha=colour)
    return logits


def leaning(inside: Tensor, picture: Tensor, window: int = WINDOW) -> Tensor:
    """Whose colour a pixel has, the mask's nearby (1) or that of what lies around it (-1).

    With colours p, i inside and o outside, ((p - o)^2 - (p - i)^2) / (i - o)^2, linear in p: its coefficients
    are found on a small grid and enlarged, as the fast guided filter does (He and Sun, 2015).

    Args:
        inside: (N, h, w) float32 probabilities.
        picture: (3, h, w) float32 in [0, 255].
        window: cells whose colours are nearby.

    Returns:
        (N, h, w) float32; 0 where the mask is far away.
    """
    small, cells = _cells(picture[None]), _cells(inside[:, None])
    values = torch.zeros_like(inside)
    for value, mask, (near, here) in zip(values, cells, _places(cells, window), strict=True):
        value[here] = _whose(mask[None][near], small[near], picture[here], window)
    return values


def _places(cells: Tensor, window: int) -> list[tuple[Place, Place]]:
    """Where all lies that decides on the outline of each mask: in cells (N, 1, h', w'), and in pixels."""
    reach = window // 2 + 2
    places = []
    for x1, y1, x2, y2 in boxes_of(cells[:, 0] > UNSURE).int().tolist():
        top, left, bottom, right = max(y1 - reach, 0), max(x1 - reach, 0), y2 + reach, x2 + reach
        near = (..., slice(top, bottom), slice(left, right))
        here = (..., slice(SHRINK * top, SHRINK * bottom), slice(SHRINK * left, SHRINK * right))
        places.append((near, here))
    return places


def _whose(inside: Tensor, small: Tensor, picture: Tensor, window: int) -> Tensor:
    """:func:`leaning` (h, w) of one mask in a picture (3, h, w) from both in cells, (1, 1 and 3, h', w')."""
    linear = _enlarged(_sides(inside, small, window), picture)
    value = linear[3]
    for slope, colour in zip(linear[:3], picture, strict=True):
        value.addcmul_(slope, colour)
    return value.clamp_(-MOST, MOST)


def _enlarged(cells: Tensor, picture: Tensor) -> Tensor:
    """Cells (1, C, h', w') at the size of their picture (3, h, w), the last of them cut off: (C, h, w)."""
    larger = F.interpolate(cells, scale_factor=SHRINK, mode="bilinear", align_corners=False)
    return larger[0, :, : picture.shape[-2], : picture.shape[-1]]


def _cells(maps: Tensor) -> Tensor:
    """Means (N, C, h', w') of maps (N, C, h, w) over squares of ``SHRINK`` pixels, those at the end less."""
    return F.avg_pool2d(maps, SHRINK, ceil_mode=True)


def _sides(inside: Tensor, picture: Tensor, window: int) -> Tensor:
    """Coefficients (1, 4, h, w) of the colours of ``picture`` (1, 3, h, w), and an offset.

    ``inside`` are probabilities (1, 1, h, w), local colours are means over ``window`` cells.
    """
    here, there = _means(inside**2, picture, window), _means((1 - inside) ** 2, picture, window)
    apart = here - there
    scale = 1 / (apart.square().sum(1, keepdim=True) + NOISE)
    offset = (there.square() - here.square()).sum(1, keepdim=True)
    return torch.cat([2 * apart, offset], 1) * scale


def _means(weight: Tensor, picture: Tensor, window: int) -> Tensor:
    """Weighted means (1, 3, h, w) of ``picture`` (1, 3, h, w) over windows; ``weight`` (1, 1, h, w)."""
    both = torch.cat([weight * picture, weight], 1)
    pooled = F.avg_pool2d(both, window, 1, window // 2, count_include_pad=False)
    return pooled[:, :3] / (pooled[:, 3:] + 1e-3)
