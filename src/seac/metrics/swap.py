"""Dependence of what is active on the audio as a torchmetrics class."""

from __future__ import annotations

from dataclasses import fields

from torch import Tensor
from torchmetrics import Metric

from seac.metrics.functional.swap import (
    RESAMPLES,
    SwapColumns,
    check_resamples,
    swap_columns,
    swap_metrics,
)
from seac.metrics.states import add_columns, check_not_empty, column, concatenate

COLUMNS = tuple(each.name for each in fields(SwapColumns))


class Swap(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """Metrics of frames under own and other audio; keeps six numbers per frame; as :func:`functional.swap`.

    Args:
        resamples: resamples of the bootstrap over clips; 0 leaves the interval out.
        seed: of the bootstrap.

    Example:
        >>> import torch
        >>> metric = Swap(resamples=0)
        >>> active, probability = torch.ones(1, 2, 2, dtype=torch.bool), torch.tensor([0.7])
        >>> metric.update(active, active, probability, probability, torch.tensor([0]))
        >>> found = metric.compute()
        >>> found["auroc"], found["area_ratio"], found["iou"]
        (0.5, 1.0, 1.0)
    """

    is_differentiable = False
    full_state_update = False

    def __init__(self, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        super().__init__()
        check_resamples(resamples)
        self.resamples, self.seed = resamples, seed
        add_columns(self, *COLUMNS)

    def update(
        self, own: Tensor, other: Tensor, own_probability: Tensor, other_probability: Tensor, clips: Tensor
    ) -> None:
        """Add frames.

        Args:
            own: (N, H, W) bool.
            other: (N, H, W) bool.
            own_probability: (N,) floating point in [0, 1].
            other_probability: (N,) floating point in [0, 1].
            clips: (N,) integer; frames of a clip may come in several updates.

        Raises:
            InputError: as :func:`functional.swap`.
        """
        columns = swap_columns(own, other, own_probability, other_probability, clips)
        for name in COLUMNS:
            getattr(self, name).append(column(self, getattr(columns, name)))

    def compute(self) -> dict[str, float]:
        """The metrics of :func:`functional.swap`.

        Raises:
            InputError: no frames.
        """
        columns = SwapColumns(*(concatenate(getattr(self, name)) for name in COLUMNS))
        check_not_empty(len(columns.clip))
        return swap_metrics(columns, resamples=self.resamples, seed=self.seed)
