"""AVSBench-semantic as a torchmetrics class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from seac.metrics.functional.avsbench_semantic import (
    Protocol,
    class_scores,
    no_sums,
    padding,
    semantic_figures,
    semantic_sums,
)
from seac.metrics.functional.validate import positive
from seac.metrics.states import check_not_empty


class AVSBenchSemantic(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """MIoU and F of AVSBench-semantic, in constant memory; as :func:`functional.avsbench_semantic`.

    Example:
        >>> metric = AVSBenchSemantic(num_classes=2, protocol="dataset")
        >>> metric.update(torch.tensor([[[0, 1]]]), torch.tensor([[[0, 1]]]))
        >>> metric.compute()["miou"]
        1.0
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    sums: Tensor
    full: Tensor

    def __init__(
        self, *, num_classes: int, frames_per_clip: int = 10, protocol: Protocol = "official"
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.frames_per_clip = frames_per_clip
        self.protocol = protocol
        positive("frames_per_clip", frames_per_clip)
        self.add_state("sums", no_sums(num_classes, protocol), dist_reduce_fx="sum")
        self.add_state("full", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, scores: Tensor, target: Tensor, clip_lengths: Sequence[int] | None = None) -> None:
        """Add frames: scores (F, C, H, W) or labels (F, H, W), target (F, H, W); lengths of their clips.

        Raises:
            InputError: as :func:`functional.avsbench_semantic`.
        """
        sums = semantic_sums(scores, target, num_classes=self.num_classes, protocol=self.protocol)
        if clip_lengths is None:
            self.full = self.full + len(target)
        elif self.protocol == "official":
            sums = sums + padding(len(target), self.num_classes, self.frames_per_clip, clip_lengths)
        self.sums = self.sums + sums.to(self.sums)

    def compute(self) -> dict[str, float | Tensor]:
        """``miou``, ``fscore``, ``per_class`` and ``per_class_fscore``.

        Raises:
            InputError: no frames, or frames without lengths that are not whole clips (official).
        """
        sums = self.sums.cpu()
        check_not_empty(int(sums[:, 2].sum()))
        if self.protocol == "official":
            padding(int(self.full), self.num_classes, self.frames_per_clip)
        return semantic_figures(class_scores(sums, self.protocol))
