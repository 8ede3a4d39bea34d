"""Error attribution: which stage lost a clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seac.datasets.clip import TruthKind
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.summary import ERROR_TYPES
from seac.metrics.functional.overlap import overlap

MIN_IOU = 0.5
"""IoU from which a mask is the right one."""
RIGHT, NO_PROPOSAL, WRONG_MASK, WRONG_NAME, WRONG_CONFIDENCE = ERROR_TYPES


def attribute_clip(answer: ClipAnswer, truth: Tensor, kind: TruthKind, ious: Sequence[float]) -> str | None:
    """The stage that lost most of a clip's frames, or "right".

    Args:
        answer: with ``best`` known; without it the result is None.
        truth: (F, h, w) ground truth as ``kind`` says.
        kind: what the truth is.
        ious: (F,) how well each frame's heatmap fits the truth by the benchmark's own measure (IoU or ciou).

    Returns:
        one of :data:`seac.evaluation.summary.ERROR_TYPES`; of equal counts, the earlier stage.
    """
    if bool((torch.isnan(answer.best) & (truth > 0).flatten(1).any(1)).all()) and bool((truth > 0).any()):
        return None
    verdicts = [
        attribute_frame(answer, truth[frame], frame, kind, ious[frame]) for frame in range(len(truth))
    ]
    wrong = [verdict for verdict in verdicts if verdict != RIGHT]
    if 2 * len(wrong) < len(verdicts):
        return RIGHT
    return max(ERROR_TYPES[1:], key=lambda name: (wrong.count(name), -ERROR_TYPES.index(name)))


def attribute_frame(answer: ClipAnswer, truth: Tensor, frame: int, kind: TruthKind, iou: float) -> str:
    """The stage that lost one frame.

    Where nothing sounds, only the decision can be wrong. Where something does: no union of proposals reaches
    an IoU of .5; or the right pixels are active (then under the right name, or not); or the decision is that
    nothing sounds; or else a proposal covers the object but another mask is active.
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
    """Whether at least half of the active pixels inside the truth have the right class."""
    if answer.semantic is None:
        return False
    predicted = answer.semantic[frame].long()
    common = (truth > 0) & (predicted > 0)
    return bool(common.any()) and bool((predicted == truth)[common].float().mean() >= 0.5)


def frame_ious(heatmaps: Tensor, truth: Tensor) -> list[float]:
    """IoU of the pixels above .5 with the truth, frame by frame; 1 where both are empty."""
    found = []
    for heatmap, wanted in zip(heatmaps, truth > 0, strict=True):
        active = heatmap > 0.5
        found.append(float(overlap(active[None], wanted)[0]) if (active | wanted).any() else 1.0)
    return found
