"""Deviating copies of AVSBench's protocol as a torchmetrics class."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from seac.metrics.functional.avsbench import check_complete_clips, check_heatmaps
from seac.metrics.functional.avsbench_copies import chosen_copies
from seac.metrics.functional.validate import positive
from seac.metrics.states import check_not_empty


class AVSBenchCopy(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """As :func:`functional.avsbench_copies.avsbench_copy`, in constant memory.

    Args:
        name: a row of :data:`functional.avsbench_copies.COPIES`.
        frames_per_clip: frames of each clip; None if each ``update`` is one clip.

    Example:
        >>> metric = AVSBenchCopy("acl", frames_per_clip=1)
        >>> metric.update(torch.tensor([[[0.3, 0.1]]]), torch.tensor([[[True, False]]]))
        >>> {name: round(value, 4) for name, value in metric.compute().items()}
        {'miou': 1.0, 'fscore': 1.0}
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    sums: Tensor
    clips: Tensor

    def __init__(self, name: str, *, frames_per_clip: int | None = 5) -> None:
        super().__init__()
        (self.protocol,) = chosen_copies([name]).values()
        if frames_per_clip is not None:
            positive("frames_per_clip", frames_per_clip)
        self.frames_per_clip = frames_per_clip
        self.add_state("sums", torch.zeros(self.protocol.size, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("clips", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, heatmaps: Tensor, masks: Tensor) -> None:
        """Add whole clips: heatmaps (F, H, W) in [0, 1], masks (F, H, W) bool.

        Raises:
            InputError: as :func:`functional.avsbench_copies.avsbench_copy`.
        """
        check_heatmaps(heatmaps, masks)
        size = self.frames_per_clip or len(masks)
        check_complete_clips(len(masks), size)
        for heat, mask in zip(torch.split(heatmaps, size), torch.split(masks, size), strict=True):
            self.sums = self.sums + self.protocol.sums(heat, mask).to(self.sums)
            self.clips = self.clips + 1

    def compute(self) -> dict[str, float]:
        """``miou`` and ``fscore``.

        Raises:
            InputError: no frames.
        """
        check_not_empty(int(self.clips))
        return self.protocol.figures(self.sums.cpu())
