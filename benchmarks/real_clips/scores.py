"""Scores of one result against the boxes of what sounds; pure functions of public values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_clips.annotation import AnnotatedFrame, Box
from seac.core.result import FrameResult

FITS = 0.5
"""Minimum IoU of a region that covers what sounds, and of a mask that fits."""
CENTRE_BOX: Box = (0.15, 0.15, 0.85, 0.85)
"""A guess without image and audio: half of the frame around its centre."""
Region = NDArray[np.bool_]
Point = tuple[float, float]
"""x, y as shares of the width and height of the frame."""


@dataclass(frozen=True)
class ResultScore:
    """What one result with one audio gets.

    Attributes:
        heat: whether the heatmap is above 0 anywhere.
        peak: whether its peak is on a sounding thing, in either box.
        peak_smallest: whether its peak is in the smallest box of a sounding thing.
        peak_distractor: whether its peak is on a distractor and on no sounding thing.
        active: number of sounding masks worth showing.
        iou_boxes: IoU of the boxes of all sounding masks with the boxes of what sounds.
        iou_pixels: IoU of the pixels of all sounding masks with the boxes of what sounds.
        named: whether the likeliest sounding mask has an accepted name; False if no mask sounds.
        named_or_parent: the same, with general names of the kind accepted.
        fitting_named: whether the mask that fits best has an accepted name.
        fitting_active: whether a mask that fits a required thing sounds.
        rank: rank by probability of the mask that fits best, from 0; None without masks.
        probability: highest probability of a mask; 0 without masks.
        name: name of the likeliest mask; "" without masks.
    """

    heat: bool
    peak: bool
    peak_smallest: bool
    peak_distractor: bool
    active: int
    iou_boxes: float
    iou_pixels: float
    named: bool
    named_or_parent: bool
    fitting_named: bool
    fitting_active: bool
    rank: int | None
    probability: float
    name: str


@dataclass(frozen=True)
class BlindScore:
    """What guesses without audio get, and the best possible with the masks.

    Attributes:
        area: share of the frame that required things cover, by their smallest boxes.
        centre: whether the centre of the image is on a sounding thing.
        centre_smallest: whether it is in a smallest box.
        objectness: whether the peak of the mask with the highest objectness is on a sounding thing.
        objectness_smallest: whether it is in a smallest box.
        objectness_iou: IoU of the box of that mask.
        centre_iou: IoU of :data:`CENTRE_BOX`.
        best_iou: IoU of the best union of boxes of masks, chosen one by one.
        fit: best IoU of the box of one mask with one required thing.
    """

    area: float
    centre: bool
    centre_smallest: bool
    objectness: bool
    objectness_smallest: bool
    objectness_iou: float
    centre_iou: float
    best_iou: float
    fit: float


def score_result(result: FrameResult, frame: AnnotatedFrame, parents: Collection[str]) -> ResultScore:
    """Score a result; without a sounding thing only ``heat``, ``active`` and the name mean something.

    Args:
        result: of the annotated frame, with its own or another audio.
        frame: what sounds in it.
        parents: general names that are accepted in ``named_or_parent``.
    """
    ordered = result.top(len(result))
    active = ordered[ordered.sounding]
    peak = heatmap_peak(result.heatmap)
    outer = peak is not None and any(inside(peak, (t.box, t.outer)) for t in frame.sounding)
    accepted = {name for thing in frame.sounding for name in thing.names}
    fits = mask_fits(ordered, frame)
    rank = int(np.argmax(fits)) if len(fits) else None
    top = active.names[0] if len(active) else None
    return ResultScore(
        heat=peak is not None,
        peak=outer,
        peak_smallest=peak is not None and any(inside(peak, (t.box,)) for t in frame.sounding),
        peak_distractor=peak is not None and not outer and inside(peak, frame.distractors),
        active=len(result.display_rows()),
        iou_boxes=coverage(box_region(active), frame),
        iou_pixels=coverage(np.asarray(active.masks.any(axis=0)), frame),
        named=top in accepted,
        named_or_parent=top in accepted | set(parents),
        fitting_named=rank is not None and ordered.names[rank] in accepted,
        fitting_active=bool((ordered.sounding & (fits >= FITS)).any()),
        rank=rank,
        probability=float(ordered.probability[0]) if len(ordered) else 0.0,
        name=ordered.names[0] if len(ordered) else "",
    )


def score_blind(result: FrameResult, frame: AnnotatedFrame) -> BlindScore:
    """Score guesses that ignore the audio; ``result`` gives masks, boxes and objectness only."""
    shape = result.heatmap.shape
    middle = (0.5, 0.5)
    best = result[[int(np.argmax(result.scores))]] if len(result) else result
    peak = heatmap_peak(best.masks[0].astype(np.float32)) if len(best) else None
    fits = mask_fits(result, frame)
    return BlindScore(
        area=float(rasterize([thing.box for thing in frame.required], shape).mean()),
        centre=any(inside(middle, (t.box, t.outer)) for t in frame.sounding),
        centre_smallest=any(inside(middle, (t.box,)) for t in frame.sounding),
        objectness=peak is not None and any(inside(peak, (t.box, t.outer)) for t in frame.sounding),
        objectness_smallest=peak is not None and any(inside(peak, (t.box,)) for t in frame.sounding),
        objectness_iou=coverage(box_region(best), frame),
        centre_iou=coverage(rasterize([CENTRE_BOX], shape), frame),
        best_iou=best_union(result, frame),
        fit=float(fits.max()) if len(fits) else 0.0,
    )


def heatmap_peak(heatmap: NDArray[np.float32]) -> Point | None:
    """Where a heatmap (H, W) is highest, or None if it is 0 everywhere.

    A heatmap painted from masks is constant over a mask: of its highest pixels the one nearest to their
    centre is the peak.
    """
    highest = float(heatmap.max()) if heatmap.size else 0.0
    if highest <= 0:
        return None
    rows, columns = np.nonzero(heatmap >= highest)
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    height, width = heatmap.shape
    return (float(columns[nearest]) + 0.5) / width, (float(rows[nearest]) + 0.5) / height


def rasterize(boxes: Iterable[Box], shape: Sequence[int]) -> Region:
    """Union of boxes as (H, W) bool."""
    height, width = shape
    region = np.zeros((height, width), np.bool_)
    for x1, y1, x2, y2 in boxes:
        region[round(y1 * height) : round(y2 * height), round(x1 * width) : round(x2 * width)] = True
    return region


def box_region(result: FrameResult) -> Region:
    """Union of the boxes of all masks of a result: (H, W) bool."""
    height, width = result.heatmap.shape
    shares = result.boxes / np.array([width, height, width, height], np.float32)
    return rasterize([tuple(row) for row in shares.clip(0, 1).tolist()], (height, width))


def coverage(region: Region, frame: AnnotatedFrame) -> float:
    """IoU of a region (H, W) with the required things, by the better of their smallest and larger boxes.

    Pixels of optional things outside the required ones count neither way.
    """
    return max(
        (_iou(region & ~ignored, wanted) for wanted, ignored in _views(frame, region.shape)), default=0.0
    )


def best_union(result: FrameResult, frame: AnnotatedFrame) -> float:
    """Best :func:`coverage` of a union of mask boxes, adding one mask at a time while it improves."""
    regions = [box_region(result[[row]]) for row in range(len(result))]
    union, best = np.zeros(result.heatmap.shape, np.bool_), 0.0
    while regions:
        values = [coverage(union | region, frame) for region in regions]
        chosen = int(np.argmax(values))
        if values[chosen] <= best:
            break
        best, union = values[chosen], union | regions[chosen]
    return best


def mask_fits(result: FrameResult, frame: AnnotatedFrame) -> NDArray[np.float64]:
    """Best IoU of the box of each mask with a box of a required thing: (N,) in [0, 1]."""
    shape = result.heatmap.shape
    wanted = [rasterize([box], shape) for thing in frame.required for box in {thing.box, thing.outer}]
    boxes = [box_region(result[[row]]) for row in range(len(result))]
    return np.array([max((_iou(box, region) for region in wanted), default=0.0) for box in boxes])


def _views(frame: AnnotatedFrame, shape: Sequence[int]) -> list[tuple[Region, Region]]:
    """Required and ignored regions, by smallest and by larger boxes."""
    if not frame.required:
        return []
    optional = rasterize([thing.outer for thing in frame.sounding if thing.optional], shape)
    small = rasterize([thing.box for thing in frame.required], shape)
    large = rasterize([thing.outer for thing in frame.required], shape)
    return [(small, optional & ~small), (large, optional & ~large)]


def _iou(region: Region, wanted: Region) -> float:
    either = int((region | wanted).sum())
    return int((region & wanted).sum()) / either if either else 0.0


def inside(point: Point, boxes: Iterable[Box]) -> bool:
    """Whether a point is in one of the boxes."""
    x, y = point
    return any(x1 <= x < x2 and y1 <= y < y2 for x1, y1, x2, y2 in boxes)
