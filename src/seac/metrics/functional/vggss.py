"""VGG-SS and Flickr-SoundNet: cIoU and AUC of heatmaps against boxes."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import validate

STEPS = 20  # shares are taken at ciou >= 0, .05, ..., 1
SUCCESS = 0.5
Threshold = float | Literal["median"]


def vggss(
    heatmaps: Tensor, truth: Tensor, *, threshold: Threshold = 0.5, strict: bool = False
) -> dict[str, float | Tensor]:
    """CIoU and AUC of VGG-SS, as in EZ-VSL and SLAVC (fixed) or LVS (median).

    ``ciou`` of a clip is sum(active * truth) / (sum(truth) + active pixels where truth is 0). Heatmaps
    are not normalised: apply min-max normalisation before, if required; a heatmap of zeros is unchanged.

    Args:
        heatmaps: (N, H, W) floating point in [0, 1].
        truth: (N, H, W) bool, the union of the boxes, or floating point in [0, 1], the annotators' consensus.
        threshold: a pixel is active where the heatmap is at least this; "median" is the heatmap's own,
            ``sort(heatmap)[pixels // 2]``, so that about half of the pixels are always active.
        strict: active only where the heatmap exceeds the threshold.

    Returns:
        ``ciou``, the share of clips at .5 or more, and ``auc``, the area under the share of clips that reach
        0, .05, ..., 1; both over the clips that have any truth, NaN if none has. ``per_clip``: (N,) float64
        on the CPU, the ciou of every clip, 0 where there is no truth.

    Raises:
        InputError: shapes, dtypes, NaN, values out of [0, 1], or another threshold.

    Example:
        >>> truth = torch.zeros(1, 4, 4, dtype=torch.bool)
        >>> truth[:, :2] = True
        >>> scores = vggss(torch.ones(1, 4, 4), truth)
        >>> scores["ciou"], scores["auc"], scores["per_clip"].tolist()
        (1.0, 0.525, [0.5])
    """
    ciou, occupied = clip_ciou(heatmaps, truth, threshold=threshold, strict=strict)
    return {**success(ciou[occupied]), "per_clip": ciou}


def clip_ciou(
    heatmaps: Tensor, truth: Tensor, *, threshold: Threshold = 0.5, strict: bool = False
) -> tuple[Tensor, Tensor]:
    """Every clip's ciou, (N,) float64, and whether it has any truth, (N,) bool, on the CPU.

    Raises:
        InputError: as :func:`vggss`.
    """
    validate.frames("heatmaps", heatmaps, "N, H, W")
    validate.frames("truth", truth, "N, H, W")
    validate.same_shape("heatmaps", heatmaps, "truth", truth)
    validate.shares("heatmaps", heatmaps)
    if truth.dtype != torch.bool:
        validate.shares("truth", truth)
    check_threshold(threshold)
    ciou, occupied = [], []
    for heatmap, true in zip(heatmaps, truth, strict=True):
        value, any_truth = _ciou(_active(heatmap, threshold, strict), true)
        ciou.append(value)
        occupied.append(any_truth)
    return torch.tensor(ciou, dtype=torch.float64), torch.tensor(occupied)


def success_curve(ciou: Tensor) -> dict[str, Tensor]:
    """The share of clips that reach each ciou; ``auc`` is the area under it.

    Args:
        ciou: (N,) floating point in [0, 1], of clips with truth.

    Returns:
        ``threshold`` and ``share``, (21,) float64.

    Raises:
        InputError: shape, dtype, NaN or values out of [0, 1].
    """
    cuts, reached = _reached(ciou)
    return {"threshold": cuts, "share": reached.mean(0)}


def clip_auc(ciou: Tensor) -> Tensor:
    """The area under each clip's own success curve: (N,) float64, whose mean is ``auc`` of the clips.

    Args:
        ciou: (N,) floating point in [0, 1].

    Raises:
        InputError: shape, dtype, NaN or values out of [0, 1].

    Example:
        >>> clip_auc(torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)).tolist()
        [0.025, 0.525, 1.0]
    """
    cuts, reached = _reached(ciou)
    return torch.trapezoid(reached, cuts, dim=1)


def _reached(ciou: Tensor) -> tuple[Tensor, Tensor]:
    """The thresholds (21,), and 1 where a clip reaches one, (N, 21); float64."""
    validate.vector("ciou", ciou)
    validate.shares("ciou", ciou)
    # k * .05, as linspace differs in the last bit: a ciou of .15 must be counted as in the scripts.
    cuts = torch.tensor([0.05 * k for k in range(STEPS + 1)], dtype=torch.float64)
    return cuts, (ciou.cpu().double()[:, None] >= cuts).double()


def success(ciou: Tensor) -> dict[str, float]:
    """``ciou`` and ``auc`` of clips with truth, (N,); NaN where there are none."""
    if len(ciou) == 0:
        return {"ciou": float("nan"), "auc": float("nan")}
    curve = success_curve(ciou)
    return {
        "ciou": float((ciou >= SUCCESS).double().mean()),
        "auc": float(torch.trapezoid(curve["share"], curve["threshold"])),
    }


def check_threshold(threshold: Threshold) -> None:
    """A number in [0, 1], or "median".

    Raises:
        InputError: another.
    """
    if isinstance(threshold, str):
        if threshold != "median":
            raise InputError(f"threshold is {threshold!r}: pass a number in [0, 1] or 'median'")
    else:
        validate.level("threshold", threshold)


def _active(heatmap: Tensor, threshold: Threshold, strict: bool) -> Tensor:
    # Half precision would also round the threshold.
    wide = heatmap if heatmap.dtype == torch.float64 else heatmap.float()
    cut = _median(wide) if isinstance(threshold, str) else threshold
    return wide > cut if strict else wide >= cut


def _median(heatmap: Tensor) -> Tensor:
    """The upper of the two middle values of an even number."""
    return heatmap.flatten().kthvalue(heatmap.numel() // 2 + 1).values


def _ciou(active: Tensor, true: Tensor) -> tuple[float, bool]:
    """The ciou of one clip, 0 without active pixels and truth, and whether it has truth."""
    false_pixels = int((active & (true == 0)).sum())
    if true.dtype == torch.bool:
        hit, area = float((active & true).sum()), float(true.sum())
    else:
        exact = true.cpu().double()
        hit, area = float(exact[active.cpu()].sum()), float(exact.sum())
    union = area + false_pixels
    return (hit / union if union > 0 else 0.0), area > 0
