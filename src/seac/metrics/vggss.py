"""VGG-SS and Flickr-SoundNet as a torchmetrics class."""

from __future__ import annotations

from torch import Tensor
from torchmetrics import Metric

from seac.metrics.functional import validate
from seac.metrics.functional.vggss import Threshold, check_threshold, clip_ciou, success
from seac.metrics.states import add_columns, check_not_empty, column, concatenate


class VGGSS(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """CIoU and AUC of VGG-SS; keeps two numbers per clip; arguments as :func:`functional.vggss`.

    Example:
        >>> import torch
        >>> metric = VGGSS()
        >>> metric.update(torch.ones(1, 2, 2), torch.ones(1, 2, 2, dtype=torch.bool))
        >>> metric.compute()["ciou"]
        1.0
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    ciou: list[Tensor]
    positive: list[Tensor]

    def __init__(self, *, threshold: Threshold = 0.5, strict: bool = False) -> None:
        super().__init__()
        check_threshold(threshold)
        self.threshold = threshold
        self.strict = strict
        add_columns(self, "ciou", "positive")

    def update(self, heatmaps: Tensor, truth: Tensor, positive: Tensor | None = None) -> None:
        """Add clips.

        Args:
            heatmaps: (N, H, W) in [0, 1].
            truth: (N, H, W) bool or floating point.
            positive: (N,) bool, clips that count; if None, those whose truth is not empty. A clip whose boxes
                all lie outside the frame has an empty truth and may still count.

        Raises:
            InputError: as :func:`functional.vggss`.
        """
        ciou, occupied = clip_ciou(heatmaps, truth, threshold=self.threshold, strict=self.strict)
        if positive is not None:
            validate.vector("positive", positive)
            validate.booleans("positive", positive)
            validate.same_length("heatmaps", heatmaps, "positive", positive)
        self.ciou.append(column(self, ciou))
        self.positive.append(column(self, occupied if positive is None else positive))

    def compute(self) -> dict[str, float | Tensor]:
        """``ciou``, ``auc`` and ``per_clip``; clips of several ranks stand rank after rank.

        Raises:
            InputError: no clips.
        """
        ciou = concatenate(self.ciou)
        check_not_empty(len(ciou))
        return {**success(self.positive_ciou()), "per_clip": ciou}

    def positive_ciou(self) -> Tensor:
        """The ciou of the clips that count, of this rank: (P,) float64."""
        return concatenate(self.ciou)[concatenate(self.positive) > 0]
