"""AVSBench S4 and MS3 as torchmetrics classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from seac.metrics.functional.avsbench import (
    ROW,
    averages,
    check_complete_clips,
    check_frames,
    check_heatmaps,
    close,
    curve_sums,
    fixed_figures,
    fixed_sums,
    frame_curves,
    frame_rows,
    frames_per_batch,
    mean_curve,
    pour,
)
from seac.metrics.functional.curves import THRESHOLDS
from seac.metrics.functional.validate import level
from seac.metrics.states import check_not_empty


class AVSBench(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """MIoU and F of AVSBench S4 and MS3 in both protocols, in one pass and constant memory.

    The official F depends on which clips share a batch, hence on their order. Over ranks, each rank's last
    incomplete batch stays a batch of its own: for a single process's figure give every rank whole batches.

    Args:
        frames_per_clip: frames of each clip, which may arrive in any portions; None if clips differ in
            length: then each ``update`` is one clip.
        clips_per_batch: clips in a test batch of the official protocol; None leaves that protocol out.

    Attributes:
        last_iou: (F,) float64, IoU of each frame of the last ``update``.

    Example:
        >>> metric = AVSBench(frames_per_clip=1)
        >>> masks = torch.tensor([[[True, False], [True, False]]])
        >>> for frame in (masks * 20.0 - 10, masks * 20.0 - 10):
        ...     metric.update(frame, masks)
        >>> {name: round(value, 4) for name, value in metric.compute()["dataset"].items()}
        {'miou': 1.0, 'fscore': 1.0}
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = True  # an open batch cannot be merged from two states
    rest: Tensor
    closed: Tensor
    open_clips: Tensor
    total: Tensor
    curves: Tensor
    last_iou: Tensor

    def __init__(self, *, frames_per_clip: int | None = 5, clips_per_batch: int | None = 4) -> None:
        super().__init__()
        self.frames_per_clip = frames_per_clip
        self.clips_per_batch = clips_per_batch
        self.size = frames_per_batch(1 if frames_per_clip is None else frames_per_clip, clips_per_batch)
        # Ranks keep their open batches apart, a row each (None); all else is summed.
        self.add_state("rest", torch.zeros(ROW, dtype=torch.float64), dist_reduce_fx=None)
        self.add_state("closed", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("open_clips", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("total", torch.zeros(ROW, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("curves", torch.zeros(2, THRESHOLDS, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, masks: Tensor) -> None:
        """Add frames: logits (F, H, W) floating point, masks (F, H, W) bool.

        Raises:
            InputError: as :func:`functional.avsbench`.
        """
        check_frames(logits, masks)
        rest, closed, curves = self.rest.cpu(), self.closed.cpu(), frame_curves(logits, masks)
        rows, self.last_iou = frame_rows(curves), curves.iou
        self.total = self.total + rows.sum(0).to(self.total)
        self.curves = self.curves + curve_sums(curves).to(self.curves)
        if self.size is not None:
            rest, closed = pour(rest, closed, rows, None if self.frames_per_clip is None else self.size)
        if self.frames_per_clip is None and self.clips_per_batch is not None:
            self.open_clips = self.open_clips + 1
            if int(self.open_clips) == self.clips_per_batch:
                rest, closed = close(rest, closed)
                self.open_clips = torch.zeros_like(self.open_clips)
        self.rest, self.closed = rest.to(self.rest), closed.to(self.closed)

    def compute(self) -> dict[str, dict[str, float]]:
        """``miou`` and ``fscore`` by protocol: ``official`` unless left out, and ``dataset``.

        Raises:
            InputError: no frames, or frames that are not whole clips (official).
        """
        total = self.total.cpu()
        check_not_empty(int(total[1]))
        figures = {"dataset": averages(total[None], torch.zeros(3, dtype=torch.float64))}
        if self.size is None:
            return figures
        rest, closed = self.rest.cpu().view(-1, ROW), self.closed.cpu()
        for frames in rest[:, 1].tolist():
            check_complete_clips(int(frames), self.frames_per_clip or 1)
        return {"official": averages(rest, closed)} | figures

    def curve(self) -> dict[str, Tensor]:
        """Means over all frames with truth, of this rank: see :func:`functional.avsbench.mean_curve`."""
        return mean_curve(self.total.cpu(), self.curves.cpu())


class AVSBenchFixed(Metric):  # type: ignore[misc]
    """MIoU and F of heatmaps cut at one threshold; arguments as :func:`functional.avsbench.avsbench_fixed`.

    Example:
        >>> metric = AVSBenchFixed(threshold=0.4)
        >>> metric.update(torch.tensor([[[0.9, 0.1]]]), torch.tensor([[[True, False]]]))
        >>> {name: round(value, 4) for name, value in metric.compute().items()}
        {'miou': 1.0, 'fscore': 1.0}
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    sums: Tensor

    def __init__(self, *, threshold: float = 0.5) -> None:
        super().__init__()
        level("threshold", threshold)
        self.threshold = threshold
        self.add_state("sums", torch.zeros(4, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, heatmaps: Tensor, masks: Tensor) -> None:
        """Add frames: heatmaps (F, H, W) in [0, 1], masks (F, H, W) bool.

        Raises:
            InputError: as :func:`functional.avsbench.avsbench_fixed`.
        """
        check_heatmaps(heatmaps, masks)
        self.sums = self.sums + fixed_sums(heatmaps, masks, self.threshold).to(self.sums)

    def compute(self) -> dict[str, float]:
        """``miou`` and ``fscore``.

        Raises:
            InputError: no frames.
        """
        sums = self.sums.cpu()
        check_not_empty(int(sums[1]))
        return fixed_figures(sums)
