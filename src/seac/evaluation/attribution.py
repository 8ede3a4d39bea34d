"""Error attribution: which stage caused the error of a clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seac.datasets.clip import TruthKind
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.summary import ERROR_TYPES
from seac.metrics.functional.overlap import overlap

MIN_IOU = 0.5
"""Minimum IoU of a correct mask."""
RIGHT, NO_PROPOSAL, WRONG_MASK, WRONG_NAME, WRONG_CONFIDENCE = ERROR_TYPES


def attribute_clip(answer: ClipAnswer, truth: Tensor, kind: TruthKind, ious: Sequence[float]) -> str | None:
    """Error type of a clip: "right" if under half of its frames have an error, else the most frequent type.

    Args:
        answer: predictions; where ``best`` is unknown, the result is None.
        truth: (F, h, w) ground truth of type ``kind``.
        kind: type of the truth.
        ious: (F,) metric of each frame's heatmap under the benchmark's protocol (IoU or ciou).

    Returns:
        one of :data:`seac.evaluation.summary.ERROR_TYPES`; ties go to the earlier stage.
    """
    if bool((torch.isnan(answer.best) & (truth > 0).flatten(1).any(1)).all()) and bool((truth > 0).any()):
        return None
    errors = [attribute_frame(answer, truth[frame], frame, kind, ious[frame]) for frame in range(len(truth))]
    wrong = [error for error in errors if error != RIGHT]
    if 2 * len(wrong) < len(errors):
        return RIGHT
    return max(ERROR_TYPES[1:], key=lambda name: (wrong.count(name), -ERROR_TYPES.index(name)))


def attribute_frame(answer: ClipAnswer, truth: Tensor, frame: int, kind: TruthKind, iou: float) -> str:
    """Error type of one frame.

    In a frame without a sounding object, only the decision can be wrong. In a frame with one, the cases are
    tested in this order: the heatmap reaches an IoU of .5, and the class or the decision is wrong; no union
    of proposals reaches an IoU of .5; another mask is active.
    """
    where = truth > 0
    if not where.any():
        return WRONG_CONFIDENCE if bool(answer.decided[frame]) else RIGHT
    if iou >= MIN_IOU:
        if kind is TruthKind.LABELS and not named_right(answer, truth, frame):
            return WRONG_NAME
        return RIGHT if bool(answer.decided[frame]) else WRONG_CONFIDENCE
    if float(answer.best[frame]) < MIN_IOU:
        return NO_PROPOSAL
    return WRONG_MASK


def named_right(answer: ClipAnswer, truth: Tensor, frame: int) -> bool:
    """Whether at least half of the active pixels inside the truth have the correct class."""
    if answer.semantic is None:
        return False
    predicted = answer.semantic[frame].long()
    common = (truth > 0) & (predicted > 0)
    return bool(common.any()) and bool((predicted == truth)[common].float().mean() >= 0.5)


def frame_ious(heatmaps: Tensor, truth: Tensor) -> list[float]:
    """IoU of the pixels above .5 with the truth, per frame; 1 where both are empty."""
    found = []
    for heatmap, wanted in zip(heatmaps, truth > 0, strict=True):
        active = heatmap > 0.5
        found.append(float(overlap(active[None], wanted)[0]) if (active | wanted).any() else 1.0)
    return found
