"""The protocols as torchmetrics: classes that keep sums and call the pure functions of ``functional``.

Feed frames in any portions; ``compute`` gives what the function gives for all of them at once, and raises
:class:`~seac.core.errors.InputError` if there were none. States say how ranks reduce them, so a distributed
``compute`` needs nothing more. Sums are float64: on a device without it leave the metric on the CPU;
``update`` takes tensors of any device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from seac.core.errors import InputError
from seac.metrics.functional.avsbench import (
    ROW,
    add_frames,
    averages,
    check_complete_clips,
    check_frames,
    frames_per_batch,
)
from seac.metrics.functional.avsbench_semantic import (
    Protocol,
    class_scores,
    no_sums,
    padding,
    semantic_figures,
    semantic_sums,
)
from seac.metrics.functional.extended_vggss import check_pairs, extended_vggss
from seac.metrics.functional.robustness import rates, silent_sums
from seac.metrics.functional.validate import level, positive
from seac.metrics.functional.vggss import Threshold, check_threshold, clip_ciou, success


class AVSBench(Metric):  # type: ignore[misc]  # torchmetrics is not followed by mypy
    """MIoU and F of AVSBench S4 and MS3, in constant memory; arguments as :func:`functional.avsbench`.

    The official F depends on which clips share a batch, hence on their order. Over ranks, each rank's last
    incomplete batch stays a batch of its own: for a single process's figure give every rank whole batches.

    Example:
        >>> metric = AVSBench(clips_per_batch=None)
        >>> masks = torch.tensor([[[True, False], [True, False]]])
        >>> for frame in (masks * 20.0 - 10, masks * 20.0 - 10):
        ...     metric.update(frame, masks)
        >>> {name: round(value, 4) for name, value in metric.compute().items()}
        {'miou': 1.0, 'fscore': 1.0}
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = True  # the open batch cannot be merged out of two halves
    rest: Tensor
    closed: Tensor

    def __init__(self, *, frames_per_clip: int = 5, clips_per_batch: int | None = 4) -> None:
        super().__init__()
        self.frames_per_clip = frames_per_clip
        self.size = frames_per_batch(frames_per_clip, clips_per_batch)
        # Open batches of two ranks stay two batches, a row each (None); without batches they are one sum.
        reduction = None if self.size else "sum"
        self.add_state("rest", torch.zeros(ROW, dtype=torch.float64), dist_reduce_fx=reduction)
        self.add_state("closed", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, masks: Tensor) -> None:
        """Add frames: logits (F, H, W) floating point, masks (F, H, W) bool.

        Raises:
            InputError: as :func:`functional.avsbench`.
        """
        check_frames(logits, masks)
        rest, closed = add_frames(self.rest.cpu(), self.closed.cpu(), logits, masks, self.size)
        self.rest, self.closed = rest.to(self.rest), closed.to(self.closed)

    def compute(self) -> dict[str, float]:
        """``miou`` and ``fscore``.

        Raises:
            InputError: no frames, or frames that are not whole clips (official).
        """
        rest, closed = self.rest.cpu().view(-1, ROW), self.closed.cpu()
        _need(int(rest[:, 1].sum()) + int(closed[2]))
        if self.size is not None:
            for frames in rest[:, 1].tolist():
                check_complete_clips(int(frames), self.frames_per_clip)
        return averages(rest, closed)


class AVSBenchSemantic(Metric):  # type: ignore[misc]
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
        """``miou``, ``fscore`` and ``per_class``.

        Raises:
            InputError: no frames, or frames without lengths that are not whole clips (official).
        """
        sums = self.sums.cpu()
        _need(int(sums[:, 2].sum()))
        if self.protocol == "official":
            padding(int(self.full), self.num_classes, self.frames_per_clip)
        return semantic_figures(class_scores(sums, self.protocol))


class VGGSS(Metric):  # type: ignore[misc]
    """CIoU and AUC of VGG-SS; keeps one number a clip; arguments as :func:`functional.vggss`.

    Example:
        >>> metric = VGGSS()
        >>> metric.update(torch.ones(1, 2, 2), torch.ones(1, 2, 2, dtype=torch.bool))
        >>> metric.compute()["ciou"]
        1.0
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    ciou: list[Tensor]
    occupied: list[Tensor]

    def __init__(self, *, threshold: Threshold = 0.5, strict: bool = False) -> None:
        super().__init__()
        check_threshold(threshold)
        self.threshold = threshold
        self.strict = strict
        _add_columns(self, "ciou", "occupied")

    def update(self, heatmaps: Tensor, truth: Tensor) -> None:
        """Add clips: heatmaps (N, H, W) in [0, 1], truth (N, H, W) bool or floating point.

        Raises:
            InputError: as :func:`functional.vggss`.
        """
        ciou, occupied = clip_ciou(heatmaps, truth, threshold=self.threshold, strict=self.strict)
        self.ciou.append(_column(self, ciou))
        self.occupied.append(_column(self, occupied))

    def compute(self) -> dict[str, float | Tensor]:
        """``ciou``, ``auc`` and ``per_clip``; clips of several ranks stand rank after rank.

        Raises:
            InputError: no clips.
        """
        ciou, occupied = _concatenate(self.ciou), _concatenate(self.occupied) > 0
        _need(len(ciou))
        return {**success(ciou[occupied]), "per_clip": ciou}


class ExtendedVGGSS(Metric):  # type: ignore[misc]
    """AP, max-F1 and LocAcc; keeps three numbers a pair; arguments as :func:`functional.extended_vggss`.

    Example:
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
        _add_columns(self, "ciou", "num_boxes", "confidence")

    def update(self, ciou: Tensor, num_boxes: Tensor, confidence: Tensor) -> None:
        """Add pairs, (N,) each.

        Raises:
            InputError: as :func:`functional.extended_vggss`.
        """
        check_pairs(ciou, num_boxes, confidence)
        self.ciou.append(_column(self, ciou))
        self.num_boxes.append(_column(self, num_boxes))
        self.confidence.append(_column(self, confidence))

    def compute(self) -> dict[str, float]:
        """``ap``, ``max_f1`` and ``loc_acc``.

        Raises:
            InputError: no pairs.
        """
        ciou = _concatenate(self.ciou)
        _need(len(ciou))
        return extended_vggss(ciou, _concatenate(self.num_boxes).long(), _concatenate(self.confidence))


class Robustness(Metric):  # type: ignore[misc]
    """False-positive rates and AUROC; keeps two numbers a frame; as :func:`functional.robustness`.

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
        _add_columns(self, "confidence", "sounding")

    def update(self, heatmaps: Tensor, confidence: Tensor, sounding: Tensor) -> None:
        """Add frames: heatmaps (N, H, W) in [0, 1], confidence (N,) floating point, sounding (N,) bool.

        Raises:
            InputError: as :func:`functional.robustness`.
        """
        self.sums = self.sums + silent_sums(heatmaps, confidence, sounding, self.threshold).to(self.sums)
        self.confidence.append(_column(self, confidence))
        self.sounding.append(_column(self, sounding))

    def compute(self) -> dict[str, float]:
        """``fpr_pixels``, ``fpr_frames`` and ``auroc``.

        Raises:
            InputError: no frames.
        """
        confidence = _concatenate(self.confidence)
        _need(len(confidence))
        return rates(self.sums.cpu(), confidence, _concatenate(self.sounding) > 0)


def _add_columns(metric: Metric, *names: str) -> None:
    """States of one number a frame, (N,) float64, that ranks put one after another."""
    for name in names:
        metric.add_state(name, [], dist_reduce_fx="cat")
    # For a rank without frames torchmetrics gathers an empty tensor of the metric's own dtype.
    metric.set_dtype(torch.float64)


def _column(metric: Metric, values: Tensor) -> Tensor:
    return values.to(metric.device).double()


def _concatenate(column: list[Tensor] | Tensor) -> Tensor:
    """(N,) float64 on the CPU: a list as it grows, one tensor once ranks have been gathered."""
    parts = [column] if isinstance(column, Tensor) else column
    return torch.cat([torch.zeros(0, dtype=torch.float64), *(part.cpu() for part in parts)])


def _need(frames: int) -> None:
    if frames == 0:
        raise InputError("no frames to score: call update with at least one first")
