"""AVSBench S4 and MS3: mIoU and F by the official script and over the whole data set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import validate
from seac.metrics.functional.curves import THRESHOLDS, count_pixels, f_measure, thresholds

EPSILON = 1e-7
ROW = 3 + THRESHOLDS  # sum of IoU, frames, frames with truth, sum of the F curves
_BLOCK = 64


@dataclass(frozen=True)
class FrameCurves:
    """Metrics of each frame; float64 on the CPU.

    Attributes:
        iou: (F,); if the truth is empty, the share of inactive pixels.
        precision: (F, 255).
        recall: (F, 255).
        occupied: (F,) bool, frames with any truth; the others are left out of F.
    """

    iou: Tensor
    precision: Tensor
    recall: Tensor
    occupied: Tensor

    @property
    def fscore(self) -> Tensor:
        """(F, 255)."""
        return f_measure(self.precision, self.recall)


def avsbench(
    logits: Tensor, masks: Tensor, *, frames_per_clip: int = 5, clips_per_batch: int | None = 4
) -> dict[str, float]:
    """MIoU and F of AVSBench S4 and MS3.

    A sigmoid is applied, as the official script does: pass logits (``torch.logit`` of a heatmap;
    infinite ones are fine), not probabilities. IoU at sigmoid(x) > .5; F (beta^2 = .3) at sigmoid(x) >= each
    of 255 thresholds.

    Args:
        logits: (F, H, W) floating point, frames of a clip in a row, clips in the order of the test list.
        masks: (F, H, W) bool.
        frames_per_clip: frames of each clip.
        clips_per_batch: the official protocol, with the size of the test batch: within a batch the F curve is
            averaged over the frames with truth and its maximum taken (0 if no frame has truth). Metrics are
            averaged over batches; a smaller last batch has the same weight. None is the corrected protocol:
            one mean and one curve over all frames, independent of their order.

    Returns:
        ``miou`` and ``fscore``.

    Raises:
        InputError: shapes, dtypes, NaN, or frames that do not make whole clips.

    Example:
        >>> masks = torch.zeros(5, 4, 4, dtype=torch.bool)
        >>> masks[:, :2] = True
        >>> scores = avsbench(masks * 20.0 - 10, masks)
        >>> f"{scores['miou']:.3f} {scores['fscore']:.3f}"
        '1.000 1.000'
    """
    check_frames(logits, masks)
    size = frames_per_batch(frames_per_clip, clips_per_batch)
    if size is not None:
        check_complete_clips(len(logits), frames_per_clip)
    rest, closed = torch.zeros(ROW, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    rest, closed = pour(rest, closed, frame_rows(frame_curves(logits, masks)), size)
    return averages(rest[None], closed)


def avsbench_fixed(heatmaps: Tensor, masks: Tensor, *, threshold: float = 0.5) -> dict[str, float]:
    """MIoU and F of a heatmap at one fixed threshold, without sigmoid.

    Args:
        heatmaps: (F, H, W) in [0, 1].
        masks: (F, H, W) bool.
        threshold: a pixel is active where the heatmap exceeds it (GAVS: .4).

    Returns:
        ``miou`` over all frames and ``fscore`` over the frames with truth (0 if there are none).

    Raises:
        InputError: shapes, dtypes, NaN or values out of [0, 1].
    """
    check_heatmaps(heatmaps, masks)
    validate.level("threshold", threshold)
    return fixed_figures(fixed_sums(heatmaps, masks, threshold))


def fixed_sums(heatmaps: Tensor, masks: Tensor, threshold: float) -> Tensor:
    """Sum of IoU, frames, sum of F and frames with truth, of validated frames: (4,) float64 on the CPU."""
    iou, fscore = [], []
    for heatmap, mask in zip(heatmaps, masks, strict=True):
        predicted = heatmap > threshold
        iou.append(float(frame_iou(predicted[None], mask[None])))
        hit, area, true = (x.sum().cpu().double() for x in (predicted & mask, predicted, mask))
        if true:
            fscore.append(float(f_measure(hit / (area + 1e-20), hit / true)))
    sums = [torch.tensor(values, dtype=torch.float64).sum() for values in (iou, fscore)]
    return torch.tensor([sums[0], len(iou), sums[1], len(fscore)], dtype=torch.float64)


def fixed_figures(sums: Tensor) -> dict[str, float]:
    """``miou`` and ``fscore`` from the sums (4,) of :func:`fixed_sums`."""
    iou, frames, fscore, occupied = sums.tolist()
    return {"miou": iou / frames, "fscore": fscore / max(occupied, 1)}


def check_frames(logits: Tensor, masks: Tensor) -> None:
    """Validate the input.

    Raises:
        InputError: shapes, dtypes or NaN.
    """
    validate.frames("logits", logits)
    validate.frames("masks", masks)
    validate.same_shape("logits", logits, "masks", masks)
    validate.floats("logits", logits)
    validate.booleans("masks", masks)


def check_heatmaps(heatmaps: Tensor, masks: Tensor) -> None:
    """Validate heatmaps for a fixed threshold.

    Raises:
        InputError: shapes, dtypes, NaN or values out of [0, 1].
    """
    check_frames(heatmaps, masks)
    validate.shares("heatmaps", heatmaps)


def check_complete_clips(frames: int, frames_per_clip: int) -> None:
    """Refuse incomplete clips, which would shift all later clips to other batches.

    Raises:
        InputError: the frames are not whole clips.
    """
    if frames % frames_per_clip:
        raise InputError(
            f"{frames} frames are not whole clips of {frames_per_clip}: "
            "pass every frame of each clip, or clips_per_batch=None"
        )


def frames_per_batch(frames_per_clip: int, clips_per_batch: int | None) -> int | None:
    """Frames of a full batch; None if the data set is one batch.

    Raises:
        InputError: a number below 1.
    """
    validate.positive("frames_per_clip", frames_per_clip)
    if clips_per_batch is None:
        return None
    validate.positive("clips_per_batch", clips_per_batch)
    return frames_per_clip * clips_per_batch


def frame_curves(logits: Tensor, masks: Tensor) -> FrameCurves:
    """IoU, precision and recall of each frame, of validated input."""
    # On the CPU one frame at a time: the sigmoid stays in cache and does not depend on other frames.
    step = 1 if logits.device.type == "cpu" else _BLOCK
    blocks = [
        _block_curves(logits[at : at + step], masks[at : at + step]) for at in range(0, len(logits), step)
    ]
    return FrameCurves(*(torch.cat(parts) for parts in zip(*blocks, strict=True)))


def _block_curves(logits: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    values = _probabilities(logits)
    counts = count_pixels(values, masks)
    return frame_iou(values > 0.5, masks), counts.precision(), counts.recall(), counts.true > 0


def frame_rows(curves: FrameCurves) -> Tensor:
    """(F, 258) float64: terms of each frame in the sums of its batch."""
    fscore = curves.fscore.masked_fill(~curves.occupied[:, None], 0)
    head = torch.stack([curves.iou, torch.ones_like(curves.iou), curves.occupied.double()], dim=1)
    return torch.cat([head, fscore], dim=1)


def curve_sums(curves: FrameCurves) -> Tensor:
    """Sums of precision and of recall over the frames with truth: (2, 255) float64."""
    return torch.stack([curves.precision, curves.recall])[:, curves.occupied].sum(1)


def mean_curve(total: Tensor, sums: Tensor) -> dict[str, Tensor]:
    """The curve of the data-set protocol: means over all frames with truth, (255,) float64 each.

    Args:
        total: (258,) sum of :func:`frame_rows` over all frames.
        sums: (2, 255) sum of :func:`curve_sums` over all frames.

    Returns:
        ``threshold``, ``precision``, ``recall`` and ``fscore``, whose maximum is ``avsbench``'s with
        ``clips_per_batch=None``; all but the threshold 0 where no frame has truth.
    """
    occupied = total[2].clamp(min=1)
    precision, recall = sums / occupied
    return {
        "threshold": thresholds().double(),
        "precision": precision,
        "recall": recall,
        "fscore": total[3:] / occupied,
    }


def pour(rest: Tensor, closed: Tensor, rows: Tensor, size: int | None) -> tuple[Tensor, Tensor]:
    """Add frames to the open batch; a full batch is closed and a new one opened.

    Args:
        rest: (258,) sums of the open batch.
        closed: (3,) sum of mIoU, sum of F and number of closed batches.
        rows: (F, 258) of :func:`frame_rows`.
        size: frames of a full batch, constant over all calls; None never closes a batch.

    Returns:
        new tensors ``rest`` and ``closed``.

    Raises:
        InputError: the open batch has at least as many frames as a full batch.
    """
    if size is not None and int(rest[1]) >= size:
        raise InputError(
            f"the open batch holds {int(rest[1])} frames and a full one {size}: "
            "pour with one size throughout, or close batches of clips that differ in length yourself"
        )
    while len(rows):
        room = len(rows) if size is None else size - int(rest[1])
        rest, rows = rest + rows[:room].sum(0), rows[room:]
        if size is not None and int(rest[1]) == size:
            rest, closed = close(rest, closed)
    return rest, closed


def close(rest: Tensor, closed: Tensor) -> tuple[Tensor, Tensor]:
    """Close a non-empty open batch and open a new one; sums as in :func:`pour`."""
    return torch.zeros_like(rest), closed + _figures(rest)


def averages(rests: Tensor, closed: Tensor) -> dict[str, float]:
    """The metrics, from the non-empty open batches (B, 258) and the sums (3,) of closed ones."""
    total = closed.clone()
    for rest in rests:
        if rest[1] > 0:
            total += _figures(rest)
    miou, fscore = (float(value) for value in total[:2] / total[2])
    return {"miou": miou, "fscore": fscore}


def _figures(rest: Tensor) -> Tensor:
    """(3,): mIoU, F and 1, of one batch."""
    fscore = rest[3:].max() / rest[2].clamp(min=1)
    return torch.stack([rest[0] / rest[1], fscore, torch.ones_like(fscore)])


def _probabilities(logits: Tensor) -> Tensor:
    """Sigmoid of logits, float32 or float64."""
    # Half precision has fewer steps than thresholds; double precision is kept, as in the script.
    wide = logits if logits.dtype == torch.float64 else logits.float()
    return wide.contiguous().sigmoid()


def frame_iou(predicted: Tensor, masks: Tensor) -> Tensor:
    """IoU of each frame, the share of inactive pixels where the truth is empty: (F,) float64 on the CPU."""
    predicted, masks = predicted.flatten(1), masks.flatten(1)
    both = (predicted & masks).sum(1).cpu().double()
    area, true = predicted.sum(1).cpu().double(), masks.sum(1).cpu().double()
    pixels = masks.shape[1]
    iou = both / (area + true - both + EPSILON)
    return torch.where(true > 0, iou, (pixels - area) / pixels)
