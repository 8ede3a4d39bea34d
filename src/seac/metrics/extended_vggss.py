"""Extended VGG-SS and Flickr-SoundNet as a torchmetrics class."""

from __future__ import annotations

from torch import Tensor
from torchmetrics import Metric

from seac.metrics.functional.extended_vggss import check_pairs, extended_curve, extended_vggss
from seac.metrics.states import add_columns, check_not_empty, column, concatenate


class ExtendedVGGSS(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """AP, max-F1 and LocAcc; keeps three numbers per pair; arguments as :func:`functional.extended_vggss`.

    Example:
        >>> import torch
        >>> metric = ExtendedVGGSS()
        >>> ciou, confidence = torch.tensor([0.8, 0.6, 0.9, 0.7]), torch.tensor([0.9, 0.8, 0.7, 0.6])
        >>> metric.update(ciou, torch.tensor([1, 2, 1, 1]), confidence)
        >>> metric.update(torch.tensor([0.0, 0.0]), torch.tensor([0, 0]), torch.tensor([0.3, 0.2]))
        >>> metric.compute()
        {'ap': 0.5, 'max_f1': 1.0, 'loc_acc': 1.0}
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    ciou: list[Tensor]
    num_boxes: list[Tensor]
    confidence: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        add_columns(self, "ciou", "num_boxes", "confidence")

    def update(self, ciou: Tensor, num_boxes: Tensor, confidence: Tensor) -> None:
        """Add pairs, (N,) each.

        Raises:
            InputError: as :func:`functional.extended_vggss`.
        """
        check_pairs(ciou, num_boxes, confidence)
        self.ciou.append(column(self, ciou))
        self.num_boxes.append(column(self, num_boxes))
        self.confidence.append(column(self, confidence))

    def compute(self) -> dict[str, float]:
        """``ap``, ``max_f1`` and ``loc_acc``.

        Raises:
            InputError: no pairs.
        """
        check_not_empty(len(self.ciou))
        return extended_vggss(*self._pairs())

    def curve(self) -> dict[str, Tensor]:
        """The curve behind ``ap``, of this rank; see :func:`functional.extended_vggss.extended_curve`."""
        return extended_curve(*self._pairs())

    def _pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        return concatenate(self.ciou), concatenate(self.num_boxes).long(), concatenate(self.confidence)
