"""Swap: the same frames under their own audio and under other audio; no ground truth is needed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import validate
from seac.metrics.functional.robustness import auroc

RESAMPLES = 1000
"""Resamples of the bootstrap interval of the AUROC."""
LEVEL = 0.95
"""Confidence level of the interval."""


@dataclass(frozen=True)
class SwapColumns:
    """What the metrics need of N frames, one number per frame: each (N,) float64 on the CPU.

    Attributes:
        own_area: active share of the pixels under the own audio.
        other_area: the same under the other audio.
        joint_area: share of the pixels that is active under both.
        own_probability: of the likeliest mask under the own audio.
        other_probability: the same under the other audio.
        clip: number of the clip.
    """

    own_area: Tensor
    other_area: Tensor
    joint_area: Tensor
    own_probability: Tensor
    other_probability: Tensor
    clip: Tensor


def swap(
    own: Tensor,
    other: Tensor,
    own_probability: Tensor,
    other_probability: Tensor,
    clips: Tensor,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, float]:
    """How much of what is active depends on the audio.

    Args:
        own: (N, H, W) bool, active pixels of every frame under its own audio.
        other: (N, H, W) bool, active pixels of the same frames under other audio.
        own_probability: (N,) floating point in [0, 1], of the likeliest mask under the own audio.
        other_probability: (N,) the same under the other audio.
        clips: (N,) integer, clip of each frame.
        resamples: resamples of the bootstrap over clips; 0 leaves the interval out.
        seed: of the bootstrap.

    Returns:
        ``own_frames``, ``other_frames``: share of frames with any active pixel. ``own_area``, ``other_area``:
        active share of the pixels, mean over frames. ``area_ratio``: other area over own area; 1 if the audio
        makes no difference, 0 if nothing is active under other audio. ``kept``: share of the active area that
        stays active under the other audio. ``iou``: intersection over union of both active areas, summed
        over frames. ``auroc``: the chance that the likeliest mask of a frame under its own audio has a higher
        probability than that of a frame under other audio, ties counting half. ``auroc_low``, ``auroc_high``:
        95 % bootstrap interval over clips. ``paired``: share of frames whose likeliest mask has a higher
        probability under the own audio, ties counting half. Ratios of empty areas are NaN.

    Raises:
        InputError: shapes, dtypes, values out of range, or lengths that differ.

    Example:
        >>> own, other = torch.ones(2, 1, 4, dtype=torch.bool), torch.zeros(2, 1, 4, dtype=torch.bool)
        >>> other[0, 0, :2] = True
        >>> found = swap(own, other, torch.tensor([0.9, 0.8]), torch.tensor([0.5, 0.0]), torch.arange(2))
        >>> found["other_frames"], found["area_ratio"], found["kept"], found["auroc"], found["auroc_low"]
        (0.5, 0.25, 0.25, 1.0, 1.0)
    """
    columns = swap_columns(own, other, own_probability, other_probability, clips)
    return swap_metrics(columns, resamples=resamples, seed=seed)


def swap_columns(
    own: Tensor, other: Tensor, own_probability: Tensor, other_probability: Tensor, clips: Tensor
) -> SwapColumns:
    """The columns of N frames; arguments and errors as :func:`swap`."""
    for name, active in (("own", own), ("other", other)):
        validate.frames(name, active, "N, H, W")
        validate.booleans(name, active)
    validate.same_shape("own", own, "other", other)
    probabilities = (("own_probability", own_probability), ("other_probability", other_probability))
    for name, probability in probabilities:
        validate.vector(name, probability)
        validate.shares(name, probability)
        validate.same_length("own", own, name, probability)
    validate.vector("clips", clips)
    validate.integers("clips", clips, 0)
    validate.same_length("own", own, "clips", clips)
    areas = [active.flatten(1).double().mean(1) for active in (own, other, own & other)]
    return SwapColumns(*(each.cpu().double() for each in (*areas, own_probability, other_probability, clips)))


def swap_metrics(columns: SwapColumns, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, float]:
    """The metrics of :func:`swap` from its columns."""
    own, other, joint = (float(x.sum()) for x in (columns.own_area, columns.other_area, columns.joint_area))
    frames = len(columns.clip)
    difference = columns.own_probability - columns.other_probability
    probability = torch.cat([columns.own_probability, columns.other_probability])
    found = {
        "own_frames": float((columns.own_area > 0).double().mean()),
        "other_frames": float((columns.other_area > 0).double().mean()),
        "own_area": own / frames,
        "other_area": other / frames,
        "area_ratio": ratio(other, own),
        "kept": ratio(joint, own),
        "iou": ratio(joint, own + other - joint),
        "auroc": auroc(probability, torch.arange(2 * frames) < frames),
        "paired": float(((difference > 0).double() + (difference == 0).double() / 2).mean()),
    }
    check_resamples(resamples)
    if resamples:
        low, high = auroc_interval(columns, resamples, seed)
        found |= {"auroc_low": low, "auroc_high": high}
    return found


def ratio(above: float, below: float) -> float:
    """A quotient of areas; NaN if ``below`` is 0."""
    return above / below if below > 0 else float("nan")


def auroc_interval(columns: SwapColumns, resamples: int, seed: int) -> tuple[float, float]:
    """Percentile bootstrap interval of the AUROC over clips.

    A clip is drawn with all of its frames, because frames of one clip are not independent.

    Args:
        columns: of N frames.
        resamples: number of resamples, at least 1.
        seed: of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    names, clip = torch.unique(columns.clip, return_inverse=True)
    probability = torch.cat([columns.own_probability, columns.other_probability])
    levels, level = torch.unique(probability, return_inverse=True)
    own, other = level.chunk(2)
    drawn = torch.empty(resamples, dtype=torch.float64)
    for row in range(resamples):
        chosen = torch.randint(len(names), (len(names),), generator=generator)
        weights = torch.bincount(chosen, minlength=len(names))[clip].double()
        positive = torch.bincount(own, weights, len(levels))
        negative = torch.bincount(other, weights, len(levels))
        below = negative.cumsum(0) - negative / 2  # ties count half
        drawn[row] = (positive * below).sum() / weights.sum().square()
    low, high = torch.quantile(drawn, torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2]).double()).tolist()
    return low, high


def check_resamples(resamples: object) -> None:
    """Check the number of resamples: an integer of at least 0.

    Raises:
        InputError: it is not.
    """
    if isinstance(resamples, bool) or not isinstance(resamples, int) or resamples < 0:
        raise InputError(f"resamples is {resamples!r}: pass an integer of at least 0")
