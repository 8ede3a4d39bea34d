"""Tracks of sounding masks as a torchmetrics class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from seac.metrics.functional.tracking import FIELDS, TrackedMasks, summarise, tracking_sums
from seac.metrics.states import check_not_empty


class Tracking(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """HOTA, IDF1, switches, active IoU, per-second F1 and jitter over videos; as :func:`functional.tracking`.

    Example:
        >>> truth = [TrackedMasks(torch.tensor([0]), torch.ones(1, 2, 2, dtype=torch.bool))] * 4
        >>> metric = Tracking(fps=2)
        >>> metric.update(truth, truth)
        >>> metric.compute()["hota"]
        1.0
    """

    is_differentiable = False
    full_state_update = False
    sums: Tensor
    videos: Tensor

    def __init__(self, *, fps: float) -> None:
        super().__init__()
        self.fps = fps
        self.add_state("sums", torch.zeros(len(FIELDS), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("videos", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, tracks: Sequence[TrackedMasks], truth: Sequence[TrackedMasks]) -> None:
        """Add a video.

        Args:
            tracks: F frames of predicted masks.
            truth: F frames of true masks.

        Raises:
            InputError: as :func:`functional.tracking`.
        """
        self.sums = self.sums + tracking_sums(tracks, truth, self.fps).to(self.sums)
        self.videos = self.videos + 1

    def compute(self) -> dict[str, float]:
        """Metrics over all videos; ``switches`` is their sum.

        Raises:
            InputError: no videos.
        """
        check_not_empty(int(self.videos))
        return summarise(self.sums.cpu())
