"""G-mIoU, G-F and G-FPR of AVSBench-Robust as a torchmetrics class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seac.metrics.avsbench import AVSBench
from seac.metrics.functional.robust_avsbench import CONDITIONS, check_conditions, combine, false_sums


class RobustAVSBench(AVSBench):
    """As :func:`functional.robust_avsbench`, in both protocols of :class:`AVSBench` and in constant memory.

    Args:
        conditions: names of what replaces the own audio.
        frames_per_clip: as in :class:`AVSBench`.
        clips_per_batch: as in :class:`AVSBench`; only frames under their own audio are counted.

    Example:
        >>> metric = RobustAVSBench(conditions=("silence",), frames_per_clip=1)
        >>> mask = torch.tensor([[[True, False]]])
        >>> metric.update(mask * 20.0 - 10, mask, torch.tensor([0]))
        >>> metric.update(mask * 20.0 - 10, mask, torch.tensor([1]))
        >>> {name: round(value, 3) for name, value in metric.compute()["dataset"].items()}
        {'miou': 1.0, 'fscore': 1.0, 'fpr_silence': 0.5, 'g_miou': 0.707, 'g_fscore': 0.707, 'g_fpr': 0.5}
    """

    sums: Tensor

    def __init__(
        self,
        *,
        conditions: Sequence[str] = CONDITIONS,
        frames_per_clip: int | None = 5,
        clips_per_batch: int | None = 4,
    ) -> None:
        super().__init__(frames_per_clip=frames_per_clip, clips_per_batch=clips_per_batch)
        self.conditions = tuple(conditions)
        self.add_state(
            "sums", torch.zeros(len(self.conditions), 2, dtype=torch.float64), dist_reduce_fx="sum"
        )

    def update(self, logits: Tensor, masks: Tensor, condition: Tensor) -> None:  # type: ignore[override]
        """Add frames: logits (F, H, W) floating point, masks (F, H, W) bool, condition (F,) integer.

        Raises:
            InputError: as :func:`functional.robust_avsbench`.
        """
        check_conditions(logits, masks, condition, self.conditions)
        own = condition == 0
        if own.any():
            super().update(logits[own], masks[own])
        self.sums = self.sums + false_sums(logits, condition, len(self.conditions)).to(self.sums)

    def compute(self) -> dict[str, dict[str, float]]:
        """Metrics by protocol: ``official`` unless left out, and ``dataset``.

        Raises:
            InputError: no frames under their own audio, or frames that are not whole clips (official).
        """
        sums = self.sums.cpu()
        return {name: combine(figures, sums, self.conditions) for name, figures in super().compute().items()}
