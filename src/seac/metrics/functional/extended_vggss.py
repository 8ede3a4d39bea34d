"""Extended VGG-SS: pairs of a frame and audio, half of which match."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.metrics.functional import validate
from seac.metrics.functional.vggss import SUCCESS

AP_STEPS = 200
F1_STEPS = 10


def extended_vggss(ciou: Tensor, num_boxes: Tensor, confidence: Tensor) -> dict[str, float]:
    """AP, max-F1 and LocAcc of Extended VGG-SS and Flickr-SoundNet.

    At a threshold t a pair without a box is a false positive if its confidence is at least t; a pair with
    boxes is found if its confidence is at least t, then true at ciou >= .5 and false otherwise, and else
    missed. Thresholds of AP are every max(1, N // 200)-th of the sorted confidences from the second highest
    down; those of max-F1 every max(1, N // 10)-th from the lowest up, the highest not left out.
    AP sums, over the steps of recall, the step times the highest precision at its lower end or beyond.

    Args:
        ciou: (N,) floating point in [0, 1]; ignored where there is no box.
        num_boxes: (N,) int; 0 where nothing in the frame sounds.
        confidence: (N,) floating point, finite; the paper's is the highest cosine before min-max.

    Returns:
        ``ap``, ``max_f1`` and ``loc_acc``, the share of pairs with boxes at ciou >= .5 (NaN if none
        has). AP and max-F1 are 0 if no pair is found; AP is 0 for N = 1, which has no threshold.
        As in the reference, AP has no area below the recall of its highest threshold: with few pairs,
        perfect predictions have an AP below 1.

    Raises:
        InputError: shapes, dtypes, NaN, or values out of range.

    Example:
        >>> ciou, boxes = torch.tensor([0.8, 0.6, 0.9, 0.7, 0, 0]), torch.tensor([1, 2, 1, 1, 0, 0])
        >>> extended_vggss(ciou, boxes, torch.tensor([0.9, 0.8, 0.7, 0.6, 0.3, 0.2]))
        {'ap': 0.5, 'max_f1': 1.0, 'loc_acc': 1.0}
    """
    check_pairs(ciou, num_boxes, confidence)
    ciou, num_boxes, confidence = ciou.cpu(), num_boxes.cpu(), confidence.cpu()
    boxed = num_boxes > 0
    right = ciou[boxed] >= SUCCESS
    precision, recall = _rates(ciou, num_boxes, confidence, _ap_cuts(confidence))
    envelope = precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision
    f1_precision, f1_recall = _rates(ciou, num_boxes, confidence, _f1_cuts(confidence))
    f1 = _ratio(2 * f1_precision * f1_recall, f1_precision + f1_recall)
    return {
        "ap": float((recall.diff() * envelope[:-1]).sum()),
        "max_f1": float(f1.max()),
        "loc_acc": float(right.double().mean()) if len(right) else float("nan"),
    }


def found(ciou: Tensor, num_boxes: Tensor, confidence: Tensor, threshold: float) -> tuple[int, int, int]:
    """True positives, false positives and misses among the pairs (N,) at one threshold of the confidence."""
    kept, boxed = confidence >= threshold, num_boxes > 0
    true = int((kept & boxed & (ciou >= SUCCESS)).sum())
    return true, int(kept.sum()) - true, int((boxed & ~kept).sum())


def precision_at(
    ciou: Tensor, num_boxes: Tensor, confidence: Tensor, threshold: float | None = None
) -> float:
    """Share of the pairs kept at ``threshold`` (None: all) that are true; NaN where none is kept.

    Raises:
        InputError: as :func:`extended_vggss`.
    """
    check_pairs(ciou, num_boxes, confidence)
    cut = float(confidence.double().min()) if threshold is None else threshold
    true, false, _ = found(ciou, num_boxes, confidence, cut)
    return true / (true + false) if true + false else float("nan")


def extended_curve(ciou: Tensor, num_boxes: Tensor, confidence: Tensor) -> dict[str, Tensor]:
    """The curve behind ``ap``: ``threshold`` (second highest first), ``precision`` and ``recall``, float64.

    Raises:
        InputError: as :func:`extended_vggss`.
    """
    check_pairs(ciou, num_boxes, confidence)
    cuts = _ap_cuts(confidence.cpu())
    precision, recall = _rates(ciou.cpu(), num_boxes.cpu(), confidence.cpu(), cuts)
    return {"threshold": cuts.double(), "precision": precision, "recall": recall}


def check_pairs(ciou: Tensor, num_boxes: Tensor, confidence: Tensor) -> None:
    """Validate the input.

    Raises:
        InputError: shapes, dtypes, NaN, or values out of range.
    """
    validate.vector("ciou", ciou)
    validate.vector("num_boxes", num_boxes)
    validate.vector("confidence", confidence)
    validate.same_shape("ciou", ciou, "num_boxes", num_boxes)
    validate.same_shape("ciou", ciou, "confidence", confidence)
    validate.shares("ciou", ciou)
    validate.integers("num_boxes", num_boxes, 0)
    validate.finite("confidence", confidence)


def _ap_cuts(confidence: Tensor) -> Tensor:
    """Descending; the stride starts at the second highest, so the lowest may be passed over."""
    return confidence.sort().values[:-1].flip(0)[:: max(1, len(confidence) // AP_STEPS)]


def _f1_cuts(confidence: Tensor) -> Tensor:
    """Ascending; the stride starts at the lowest, and the highest is not left out."""
    return confidence.sort().values[:: max(1, len(confidence) // F1_STEPS)]


def _rates(ciou: Tensor, num_boxes: Tensor, confidence: Tensor, cuts: Tensor) -> tuple[Tensor, Tensor]:
    """Precision and recall at each cut, float64."""
    counted = [found(ciou, num_boxes, confidence, cut) for cut in cuts]
    true, false, missed = torch.tensor(counted, dtype=torch.float64).view(-1, 3).unbind(1)
    return _ratio(true, true + false), _ratio(true, true + missed)


def _ratio(part: Tensor, total: Tensor) -> Tensor:
    """Ratio of part and whole; 0 if the whole is 0."""
    return torch.where(total > 0, part / total, 0.0)
