"""Robustness to silence, noise and off-screen audio as a torchmetrics class."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from seac.metrics.functional.robustness import rates, silent_sums
from seac.metrics.functional.validate import booleans, level
from seac.metrics.states import add_columns, check_not_empty, column, concatenate


class Robustness(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """False-positive rates and AUROC; keeps two numbers per frame; as :func:`functional.robustness`.

    Example:
        >>> metric = Robustness(threshold=0.5)
        >>> metric.update(torch.zeros(1, 2, 2), torch.tensor([0.1]), torch.tensor([False]))
        >>> metric.update(torch.ones(1, 2, 2), torch.tensor([0.9]), torch.tensor([True]))
        >>> metric.compute()
        {'fpr_pixels': 0.0, 'fpr_frames': 0.0, 'auroc': 1.0}
    """

    is_differentiable = False
    full_state_update = False
    sums: Tensor
    confidence: list[Tensor]
    sounding: list[Tensor]

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        level("threshold", threshold)
        self.threshold = threshold
        self.add_state("sums", torch.zeros(4, dtype=torch.float64), dist_reduce_fx="sum")
        add_columns(self, "confidence", "sounding")

    def update(
        self, heatmaps: Tensor, confidence: Tensor, sounding: Tensor, reference: Tensor | None = None
    ) -> None:
        """Add frames.

        Args:
            heatmaps: (N, H, W) in [0, 1].
            confidence: (N,) floating point.
            sounding: (N,) bool.
            reference: (N,) bool, frames that enter the AUROC only, whether something sounds in them or not;
                none if None.

        Raises:
            InputError: as :func:`functional.robustness`.
        """
        excluded = sounding
        if reference is not None:
            booleans("reference", reference)
            excluded = sounding | reference
        self.sums = self.sums + silent_sums(heatmaps, confidence, excluded, self.threshold).to(self.sums)
        self.confidence.append(column(self, confidence))
        self.sounding.append(column(self, sounding))

    def compute(self) -> dict[str, float]:
        """``fpr_pixels``, ``fpr_frames`` and ``auroc``.

        Raises:
            InputError: no frames.
        """
        confidence = concatenate(self.confidence)
        check_not_empty(len(confidence))
        return rates(self.sums.cpu(), confidence, concatenate(self.sounding) > 0)
