"""AVSBench-semantic: mIoU and F over the classes, by the official script and over all pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import validate
from seac.metrics.functional.curves import f_measure

Protocol = Literal["official", "dataset"]
PROTOCOLS: tuple[Protocol, ...] = ("official", "dataset")
BACKGROUND = 0


def avsbench_semantic(
    scores: Tensor,
    target: Tensor,
    *,
    num_classes: int,
    frames_per_clip: int = 10,
    protocol: Protocol = "official",
    clip_lengths: Sequence[int] | None = None,
) -> dict[str, float | Tensor]:
    """MIoU and F over all classes of AVSBench-semantic.

    Args:
        scores: (F, C, H, W) floating point class scores, the highest counts; or (F, H, W) int labels.
        target: (F, H, W) int labels; 0 is background.
        num_classes: C, background included.
        frames_per_clip: number of frames to which the official script pads a clip.
        protocol: ``official``: IoU and F per frame and class, averaged over the frames where the class occurs
            (in truth or prediction), then over all C classes, one that never occurs counting 0. ``dataset``:
            one confusion matrix over all pixels, averaged over the classes that occur (likewise).
        clip_lengths: frames of each clip as passed, where some are shorter than ``frames_per_clip``; the
            official protocol pads these with correct frames of background. None: all clips are full.

    Returns:
        ``miou`` and ``fscore``; ``per_class`` and ``per_class_fscore``, the (C,) float64 IoU and F of each
        class; where a class does not occur they are NaN in the data-set protocol and 0 in the official one.

    Raises:
        InputError: shapes, dtypes, NaN, labels out of range, or frames that are not whole clips (official).

    Example:
        >>> target = torch.tensor([[[0, 0, 1, 1]]])
        >>> labels = torch.tensor([[[0, 1, 1, 1]]])
        >>> scores = avsbench_semantic(labels, target, num_classes=3, protocol="dataset")
        >>> f"{scores['miou']:.4f}", scores["per_class"].tolist()
        ('0.5833', [0.5, 0.6666666666666666, nan])
    """
    sums = semantic_sums(scores, target, num_classes=num_classes, protocol=protocol)
    if protocol == "official":
        sums = sums + padding(len(target), num_classes, frames_per_clip, clip_lengths)
    return semantic_figures(class_scores(sums, protocol))


def semantic_sums(scores: Tensor, target: Tensor, *, num_classes: int, protocol: Protocol) -> Tensor:
    """Sums of these frames: (C, 3) float64 on the CPU.

    Columns are sum of IoU, sum of F and frames (official), or pixels of both, of the prediction and of the
    truth (data set).

    Raises:
        InputError: as :func:`avsbench_semantic`.
    """
    sums = no_sums(num_classes, protocol)
    check_labels(scores, target, num_classes)
    for score, true in zip(scores, target, strict=True):
        labels = score.argmax(0) if score.ndim == 3 else score
        key = true.flatten().long() * num_classes + labels.flatten().long()
        matrix = torch.bincount(key, minlength=num_classes**2).view(num_classes, -1).cpu()
        areas = torch.stack([matrix.diagonal(), matrix.sum(0), matrix.sum(1)], dim=1).double()
        sums += areas if protocol == "dataset" else _frame_scores(areas)
    return sums


def no_sums(num_classes: int, protocol: Protocol) -> Tensor:
    """(C, 3) float64 zeros, the initial value of :func:`semantic_sums`.

    Raises:
        InputError: no classes, or an unknown protocol.
    """
    validate.positive("num_classes", num_classes)
    if protocol not in PROTOCOLS:
        raise InputError(f"protocol is {protocol!r}: pass one of {', '.join(PROTOCOLS)}")
    return torch.zeros(num_classes, 3, dtype=torch.float64)


def padding(
    frames: int, num_classes: int, frames_per_clip: int, clip_lengths: Sequence[int] | None = None
) -> Tensor:
    """Sums of the frames padded by the official script: (C, 3), non-zero for the background only.

    Raises:
        InputError: lengths below 1 or that do not sum to the frames; frames that are not whole clips.
    """
    validate.positive("frames_per_clip", frames_per_clip)
    if clip_lengths is None:
        if frames % frames_per_clip:
            raise InputError(
                f"{frames} frames are not whole clips of {frames_per_clip}: "
                "pass clip_lengths, the frames of each"
            )
        padded = 0
    else:
        if sum(clip_lengths) != frames or not all(length >= 1 for length in clip_lengths):
            raise InputError(
                f"clip_lengths sum to {sum(clip_lengths)}: pass lengths of 1 to {frames_per_clip} "
                f"(a longer clip is not padded) that sum to the {frames} frames"
            )
        padded = sum(max(0, frames_per_clip - length) for length in clip_lengths)
    sums = torch.zeros(num_classes, 3, dtype=torch.float64)
    sums[BACKGROUND] = padded
    return sums


def class_scores(sums: Tensor, protocol: Protocol) -> dict[str, Tensor]:
    """``iou`` and ``fscore`` of each class, (C,), from the sums (C, 3)."""
    if protocol == "official":
        iou, fscore, frames = sums.unbind(1)
        return {"iou": iou / frames.clamp(min=1), "fscore": fscore / frames.clamp(min=1)}
    both, predicted, true = sums.unbind(1)
    absent = predicted + true == 0
    iou = both / (predicted + true - both)
    fscore = f_measure(both / predicted, both / true)
    return {"iou": iou, "fscore": fscore.masked_fill(absent, torch.nan)}


def semantic_figures(classes: dict[str, Tensor]) -> dict[str, float | Tensor]:
    """The metrics of :func:`avsbench_semantic` from :func:`class_scores`."""
    return {
        "miou": float(classes["iou"].nanmean()),
        "fscore": float(classes["fscore"].nanmean()),
        "per_class": classes["iou"],
        "per_class_fscore": classes["fscore"],
    }


def check_labels(scores: Tensor, target: Tensor, num_classes: int) -> None:
    """Validate the input.

    Raises:
        InputError: shapes, dtypes, NaN or labels out of range.
    """
    validate.frames("target", target)
    validate.integers("target", target, 0, num_classes)
    if isinstance(scores, Tensor) and scores.ndim == 4:
        validate.frames("scores", scores, "F, C, H, W")
        validate.floats("scores", scores)
        if scores.shape[1] != num_classes:
            raise InputError(
                f"scores have {scores.shape[1]} classes, num_classes is {num_classes}: pass as many"
            )
        validate.same_shape("scores' frames", scores[:, 0], "target", target)
        return
    validate.frames("labels", scores)
    validate.same_shape("labels", scores, "target", target)
    validate.integers("labels", scores, 0, num_classes)


def _frame_scores(areas: Tensor) -> Tensor:
    """(C, 3): IoU, F and presence of each class in one frame, from its areas (both, predicted, true)."""
    both, predicted, true = areas.unbind(1)
    union = predicted + true - both
    iou = both / (union + torch.finfo(torch.float64).eps)
    return torch.stack([iou, f_measure(both / predicted, both / true), (union > 0).double()], dim=1)
