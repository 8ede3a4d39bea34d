"""G-mIoU, G-F and G-FPR: AVSBench under own audio together with false positives under other audio."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import validate
from seac.metrics.functional.avsbench import avsbench, check_frames

CONDITIONS = ("silence", "noise", "off_screen")
"""What replaces the own audio in AVSBench-Robust."""


def robust_avsbench(
    logits: Tensor,
    masks: Tensor,
    condition: Tensor,
    *,
    conditions: Sequence[str] = CONDITIONS,
    frames_per_clip: int = 5,
    clips_per_batch: int | None = 4,
) -> dict[str, float]:
    """Global metrics of AVSBench-Robust.

    Its authors combined their metrics in a spreadsheet, so the formula is ours. A frame under other audio has
    FPR_c, the share of its pixels with a logit above 0. With K conditions:

    - G-FPR = 1 - (product of 1 - FPR_c) ** (1 / K)
    - G-mIoU = sqrt(mIoU * (1 - G-FPR)), and G-F likewise.

    So G-mIoU is the geometric mean over the conditions of sqrt(mIoU * (1 - FPR_c)).

    Args:
        logits: (F, H, W) floating point, as in :func:`avsbench`.
        masks: (F, H, W) bool, truth under the own audio; masks of other frames are ignored.
        condition: (F,) integer, 0 for a frame under its own audio, c under the c-th of ``conditions``.
        conditions: names of the K conditions.
        frames_per_clip: as in :func:`avsbench`.
        clips_per_batch: as in :func:`avsbench`; only frames under their own audio are counted.

    Returns:
        ``miou`` and ``fscore`` under the own audio, ``fpr_<name>`` of every condition, ``g_miou``,
        ``g_fscore`` and ``g_fpr``. Without frames of a condition its rate and the last three are NaN.

    Raises:
        InputError: shapes, dtypes, NaN, an unknown condition, no frame under its own audio, or incomplete
            clips.

    Example:
        >>> masks = torch.zeros(4, 2, 2, dtype=torch.bool)
        >>> masks[:, 0] = True
        >>> logits = masks * 20.0 - 10
        >>> logits[1:] = -10
        >>> logits[2, 0, 0] = 10
        >>> found = robust_avsbench(logits, masks, torch.arange(4), frames_per_clip=1)
        >>> {name: round(value, 3) for name, value in found.items() if value not in (0, 1)}
        {'miou': 1.0, 'fpr_noise': 0.25, 'g_miou': 0.953, 'g_fscore': 0.953, 'g_fpr': 0.091}
    """
    check_conditions(logits, masks, condition, conditions)
    own = condition == 0
    if not own.any():
        raise InputError("no frame is under its own audio (condition 0): pass those too")
    figures = avsbench(
        logits[own], masks[own], frames_per_clip=frames_per_clip, clips_per_batch=clips_per_batch
    )
    return combine(figures, false_sums(logits, condition, len(conditions)), conditions)


def check_conditions(logits: Tensor, masks: Tensor, condition: Tensor, conditions: Sequence[str]) -> None:
    """Validate frames and their conditions.

    Raises:
        InputError: shapes, dtypes, NaN, or a condition that is none of ``conditions``.
    """
    check_frames(logits, masks)
    validate.vector("condition", condition)
    validate.integers("condition", condition, 0)
    validate.same_length("logits", logits, "condition", condition)
    if int(condition.max()) > len(conditions):
        raise InputError(
            f"condition is {int(condition.max())}: pass 0 for the own audio, or 1 to {len(conditions)} for "
            + ", ".join(conditions)
        )


def false_sums(logits: Tensor, condition: Tensor, conditions: int) -> Tensor:
    """Sum of the active shares of frames, and their number, by condition: (K, 2) float64 on the CPU."""
    sums = torch.zeros(conditions + 1, 2, dtype=torch.float64)
    for frame, number in zip(logits, condition.tolist(), strict=True):
        sums[number] += torch.tensor([float((frame > 0).double().mean()), 1.0], dtype=torch.float64)
    return sums[1:]


def combine(figures: Mapping[str, float], sums: Tensor, conditions: Sequence[str]) -> dict[str, float]:
    """The metrics, from ``miou`` and ``fscore`` under the own audio and :func:`false_sums`."""
    rates = (sums[:, 0] / sums[:, 1]).tolist()  # 0 / 0 is NaN
    inactive = math.prod(1 - rate for rate in rates) ** (1 / len(rates))
    return {
        **figures,
        **{f"fpr_{name}": rate for name, rate in zip(conditions, rates, strict=True)},
        "g_miou": math.sqrt(figures["miou"] * inactive),
        "g_fscore": math.sqrt(figures["fscore"] * inactive),
        "g_fpr": 1 - inactive,
    }
