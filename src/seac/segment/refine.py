"""Outlines drawn to where colours change: by local colours of each side, then by superpixels.

A mask network errs by a pixel or two along the outline, and so do superpixels; the picture itself knows
better there. Only logits near nought can change sign.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.resize import boxes_of

SHRINK, WINDOW = 4, 9  # local colours are means over WINDOW cells of SHRINK pixels
NARROW = 5  # the window where outlines are of superpixels: they are nearer to the truth than a network's
UNSURE = 0.01  # least probability of a side
NOISE = 100.0  # squared distance of colours (of 255) below which two sides are alike
MOST = 1.5


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
        larger = larger + colour * leaning(larger, picture)
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
        (N, h, w) float32; where a region is far away, it is certainly not.
    """
    height, width = picture.shape[-2:]
    small = F.avg_pool2d(picture[None], SHRINK, ceil_mode=True)
    cells = F.avg_pool2d(masks[:, None].float(), SHRINK, ceil_mode=True)
    logits = torch.full(masks.shape, UNSURE).logit()
    reach = NARROW // 2 + 2  # beyond it a region's cells are 0, and all that its outline needs is within
    for drawn, inside, (x1, y1, x2, y2) in zip(
        logits, cells, boxes_of(cells[:, 0] > 0).int().tolist(), strict=True
    ):
        top, left = max(y1 - reach, 0), max(x1 - reach, 0)
        rows, columns = slice(top, y2 + reach), slice(left, x2 + reach)
        part = inside[None, :, rows, columns]
        linear = torch.cat([_sides(part, small[..., rows, columns], NARROW), part], 1)
        linear = F.interpolate(linear, scale_factor=float(SHRINK), mode="bilinear", align_corners=False)
        y, x = top * SHRINK, left * SHRINK
        there = linear[..., : height - y, : width - x]
        here = slice(y, y + there.shape[-2]), slice(x, x + there.shape[-1])
        soft = there[0, 4].clamp(UNSURE, 1 - UNSURE).logit()
        drawn[here] = soft.add_(_valued(there[:, :4], picture[:, *here])[0], alpha=colour)
    return logits


def leaning(logits: Tensor, picture: Tensor) -> Tensor:
    """Whose colour a pixel has, the mask's nearby (1) or that of what lies around it (-1): (N, h, w).

    With colours p, i inside and o outside, ((p - o)^2 - (p - i)^2) / (i - o)^2, linear in p: its coefficients
    are found on a small grid and enlarged, as the fast guided filter does (He and Sun, 2015).
    """
    height, width = picture.shape[-2:]
    size = (max(1, height // SHRINK), max(1, width // SHRINK))
    small = F.interpolate(picture[None], size, mode="bilinear", antialias=True, align_corners=False)
    inside = F.interpolate(logits.sigmoid()[:, None], size, mode="bilinear", align_corners=False)
    linear = F.interpolate(
        _sides(inside, small, WINDOW), (height, width), mode="bilinear", align_corners=False
    )
    return _valued(linear, picture)


def _sides(inside: Tensor, picture: Tensor, window: int) -> Tensor:
    """Coefficients (N, 4, h, w) of the colours of ``picture`` (1, 3, h, w), and an offset.

    ``inside`` are probabilities (N, 1, h, w), local colours are means over ``window`` cells.
    """
    here, there = _means(inside**2, picture, window), _means((1 - inside) ** 2, picture, window)
    apart = here - there
    scale = 1 / (apart.square().sum(1, keepdim=True) + NOISE)
    offset = (there.square() - here.square()).sum(1, keepdim=True)
    return torch.cat([2 * apart, offset], 1) * scale


def _valued(linear: Tensor, picture: Tensor) -> Tensor:
    """What coefficients (N, 4, h, w) say of ``picture`` (3, h, w): (N, h, w); the offset's memory is used."""
    value = linear[:, 3]
    for channel in range(3):
        value.addcmul_(linear[:, channel], picture[channel])
    return value.clamp_(-MOST, MOST)


def _means(weight: Tensor, picture: Tensor, window: int) -> Tensor:
    """Weighted means (N, 3, h, w) of ``picture`` (1, 3, h, w) over windows; ``weight`` (N, 1, h, w)."""
    both = torch.cat([weight * picture, weight], 1)
    pooled = F.avg_pool2d(both, window, 1, window // 2, count_include_pad=False)
    return pooled[:, :3] / (pooled[:, 3:] + 1e-3)
