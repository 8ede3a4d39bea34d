"""Copies of AVSBench's protocol that public repositories score by, and that give other figures.

Each takes heatmaps; where a repository takes logits, these are the logits of the heatmap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from seac.core.errors import InputError, unknown
from seac.metrics.functional import validate
from seac.metrics.functional.avsbench import check_complete_clips, check_heatmaps, frame_iou
from seac.metrics.functional.curves import THRESHOLDS, count_pixels, f_measure

MIN_HEAT = 1e-6
"""Heatmaps are clipped to [this, 1 - this], so that their logits are finite."""
CUTS = 19
"""Thresholds .05, .1, ..., .95 of the copy that tunes its threshold."""


@dataclass(frozen=True)
class ProtocolCopy:
    """A deviating copy of a protocol.

    Attributes:
        papers: whose repositories score by it.
        differs: how it differs from the official script, one sentence.
        sums: from heatmaps (F, H, W) in [0, 1] and masks (F, H, W) bool of one clip to terms (S,) float64,
            which are added over clips.
        figures: from the sums (S,) to ``miou`` and ``fscore``.
        size: S.
    """

    papers: str
    differs: str
    sums: Callable[[Tensor, Tensor], Tensor]
    figures: Callable[[Tensor], dict[str, float]]
    size: int


def avsbench_copy(
    heatmaps: Tensor, masks: Tensor, name: str, *, frames_per_clip: int = 5
) -> dict[str, float]:
    """MIoU and F as a deviating copy computes them.

    Args:
        heatmaps: (F, H, W) in [0, 1], frames of a clip in a row.
        masks: (F, H, W) bool.
        name: a row of :data:`COPIES`.
        frames_per_clip: frames of each clip.

    Returns:
        ``miou`` and ``fscore``.

    Raises:
        InputError: shapes, dtypes, NaN, values out of [0, 1], incomplete clips, or an unknown copy.

    Example:
        >>> masks = torch.zeros(1, 2, 2, dtype=torch.bool)
        >>> masks[:, 0] = True
        >>> found = avsbench_copy(torch.zeros(1, 2, 2), masks, "al-ref-sam2", frames_per_clip=1)
        >>> {key: round(value, 3) for key, value in found.items()}
        {'miou': 0.0, 'fscore': 0.565}
    """
    (copy,) = chosen_copies([name]).values()
    validate.positive("frames_per_clip", frames_per_clip)
    check_heatmaps(heatmaps, masks)
    check_complete_clips(len(heatmaps), frames_per_clip)
    clips = zip(torch.split(heatmaps, frames_per_clip), torch.split(masks, frames_per_clip), strict=True)
    return copy.figures(torch.stack([copy.sums(heat, mask) for heat, mask in clips]).sum(0))


def chosen_copies(names: Iterable[str]) -> dict[str, ProtocolCopy]:
    """Copies by name; all for "all".

    Raises:
        InputError: an unknown name.
    """
    found: dict[str, ProtocolCopy] = {}
    for name in names:
        if name != "all" and name not in COPIES:
            raise InputError(unknown("copy of a protocol", name, (*COPIES, "all")))
        found |= COPIES if name == "all" else {name: COPIES[name]}
    return found


def raw_logit_sums(heatmaps: Tensor, masks: Tensor) -> Tensor:
    """MIoU, best F over thresholds of the raw logits, and 1, of one clip."""
    logits = torch.logit(heatmaps.float(), eps=MIN_HEAT)
    counts = count_pixels(logits.clamp(0, 1), masks)
    # A logit below 0 reaches no threshold, and clipped to 0 it reaches the first.
    counts.predicted[:, 0] = (logits >= 0).flatten(1).sum(1).cpu()
    counts.hit[:, 0] = ((logits >= 0) & masks).flatten(1).sum(1).cpu()
    curve = f_measure(counts.precision(), counts.recall())[counts.true > 0]
    fscore = curve.mean(0).max() if len(curve) else torch.zeros((), dtype=torch.float64)
    return torch.stack([frame_iou(logits > 0, masks).mean(), fscore, torch.ones_like(fscore)])


def best_per_frame_sums(heatmaps: Tensor, masks: Tensor) -> Tensor:
    """Sum of IoU, frames, sum of the best F of each frame's binary mask, and frames with truth."""
    active, frames = heatmaps > 0.5, len(masks)
    true = masks.flatten(1).sum(1).cpu().double()
    # A binary mask at the threshold 0 is the whole image; at every other threshold it is the mask.
    f = [
        f_measure(
            (one & masks).flatten(1).sum(1).cpu() / (one.flatten(1).sum(1).cpu().double() + 1e-20),
            (one & masks).flatten(1).sum(1).cpu() / (true + 1e-20),
        )
        for one in (active, torch.ones_like(active))
    ]
    occupied = true > 0
    best = torch.maximum(*f)[occupied].sum()
    iou = frame_iou(active, masks).sum()
    return torch.stack([iou, torch.tensor(float(frames)).double(), best, occupied.sum().double()])


def tuned_sums(heatmaps: Tensor, masks: Tensor) -> Tensor:
    """Frames, frames with truth, then sums of IoU and of F at each of 19 thresholds."""
    true = masks.flatten(1).sum(1).cpu().double()
    iou, fscore = [], []
    for cut in (torch.arange(1, CUTS + 1) / (CUTS + 1)).tolist():
        active = heatmaps > cut
        hit = (active & masks).flatten(1).sum(1).cpu().double()
        f = f_measure(hit / (active.flatten(1).sum(1).cpu() + 1e-20), hit / (true + 1e-20))
        iou.append(frame_iou(active, masks).sum())
        fscore.append(f[true > 0].sum())
    counts = torch.tensor([len(masks), int((true > 0).sum())], dtype=torch.float64)
    return torch.cat([counts, torch.stack(iou), torch.stack(fscore)])


def _of_clips(sums: Tensor) -> dict[str, float]:
    miou, fscore, clips = sums.tolist()
    return {"miou": miou / clips, "fscore": fscore / clips}


def _of_frames(sums: Tensor) -> dict[str, float]:
    iou, frames, fscore, occupied = sums.tolist()
    return {"miou": iou / frames, "fscore": fscore / max(occupied, 1)}


def _of_best_cut(sums: Tensor) -> dict[str, float]:
    frames, occupied = sums[:2].tolist()
    iou, fscore = sums[2:].view(2, CUTS).amax(1).tolist()
    return {"miou": iou / frames, "fscore": fscore / max(occupied, 1)}


COPIES: MappingProxyType[str, ProtocolCopy] = MappingProxyType(
    {
        "tavis": ProtocolCopy(
            "TAViS, AV2T-SAM",
            f"F is the best of {THRESHOLDS} thresholds on the logits without the sigmoid, clip by clip",
            raw_logit_sums,
            _of_clips,
            3,
        ),
        "al-ref-sam2": ProtocolCopy(
            "AL-Ref-SAM2",
            "F is of binary masks with the best threshold of each frame; at the threshold 0 a mask is the "
            "whole image, so an empty mask scores the F of the whole image",
            best_per_frame_sums,
            _of_frames,
            4,
        ),
        "acl": ProtocolCopy(
            "ACL-SSL",
            f"no sigmoid; mIoU and F are each the best of {CUTS} thresholds on all test frames, so the "
            "threshold is tuned on the test set",
            tuned_sums,
            _of_best_cut,
            2 + 2 * CUTS,
        ),
    }
)
"""Copies by the name of ``--as``."""
