"""Tracks of sounding masks: HOTA, IDF1, id switches, active IoU, per-second F1, and boundary jitter.

HOTA is that of Luiten et al. (IJCV 2021), IDF1 that of Ristani et al. (ECCV Workshops 2016), and an id switch
that of CLEAR MOT (Bernardin and Stiefelhagen, 2008), all on the IoU of masks in place of boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from seac.core.errors import InputError
from seac.metrics.functional import validate

ALPHAS = np.arange(1, 20) / 20
"""IoU from which HOTA counts a detection as true: .05, .10, ..., .95."""
MATCH = 0.5
"""IoU of a match of IDF1, id switches, per-second F1 and jitter."""
HALF = 0.5
"""Share of the frames of a second in which a track sounds in that second."""
EPSILON = 1e-9
FIELDS = (
    *(f"tp{k}" for k in range(len(ALPHAS))),
    *(f"association{k}" for k in range(len(ALPHAS))),
    *("truths", "tracks", "id_tp", "switches", "iou", "iou_frames"),
    *("second_tp", "second_fp", "second_fn", "jitter", "jitter_pairs"),
)
"""Names of the sums of a video, in order."""
Counts = NDArray[np.float64]


@dataclass(frozen=True)
class TrackedMasks:
    """Masks of one frame with the tracks that they belong to.

    Attributes:
        ids: (n,) integer, without duplicates.
        masks: (n, H, W) bool.
    """

    ids: Tensor
    masks: Tensor

    def __post_init__(self) -> None:
        """Check shapes and dtypes.

        Raises:
            InputError: they do not fit, or an id occurs twice.
        """
        if self.masks.ndim != 3 or self.ids.shape != self.masks.shape[:1]:
            shapes = f"{tuple(self.ids.shape)} and masks {tuple(self.masks.shape)}"
            raise InputError(f"ids {shapes}: pass (n,) and (n, H, W)")
        validate.booleans("masks", self.masks)
        if self.ids.dtype not in validate.INTEGERS:
            raise InputError(f"ids is {self.ids.dtype}: pass integers")
        if len(set(self.ids.tolist())) != len(self.ids):
            raise InputError(f"ids {self.ids.tolist()} repeat: pass one mask per track")

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class VideoOverlaps:
    """A video without its masks, which is all that metrics of ids need.

    Attributes:
        truths: number of true objects.
        tracks: number of predicted tracks.
        frames: for each frame the objects (m,) from 0, the tracks (n,) from 0, and their IoU (m, n).
    """

    truths: int
    tracks: int
    frames: tuple[tuple[NDArray[np.int64], NDArray[np.int64], Counts], ...]

    @classmethod
    def of(cls, truth_ids: Sequence[Tensor], ids: Sequence[Tensor], ious: Sequence[Tensor]) -> VideoOverlaps:
        """A video from the ids (m,) of true objects, (n,) of tracks, and the IoU (m, n) of each frame."""
        numbers: tuple[dict[int, int], dict[int, int]] = ({}, {})
        frames = []
        for true, found, iou in zip(truth_ids, ids, ious, strict=True):
            rows, columns = (
                np.array([known.setdefault(number, len(known)) for number in each.tolist()], np.int64)
                for known, each in zip(numbers, (true, found), strict=True)
            )
            frames.append((rows, columns, iou.cpu().double().numpy()))
        return cls(len(numbers[0]), len(numbers[1]), tuple(frames))


def tracking(tracks: Sequence[TrackedMasks], truth: Sequence[TrackedMasks], fps: float) -> dict[str, float]:
    """Metrics of one video.

    Args:
        tracks: F frames of predicted masks.
        truth: F frames of true masks.
        fps: frames per second, for per-second F1.

    Returns:
        ``hota``, ``deta``, ``assa``: means over :data:`ALPHAS`. ``idf1``, ``idp``, ``idr``: share of masks
        whose track is matched to their truth, one to one over the video. ``switches``: number of frames in
        which a truth is matched to another track than before. ``active_iou``: mean over frames of the IoU of
        all predicted pixels with all true pixels, without frames that have neither. ``second_f1``: F1 over
        (object, second). ``jitter``: mean displacement in pixels of the outline between two frames that the
        motion of the truth does not explain. NaN where nothing is defined.

    Raises:
        InputError: lengths or sizes differ, or there is no frame.

    Example:
        >>> masks = torch.zeros(2, 1, 4, dtype=torch.bool)
        >>> masks[0, 0, :2] = masks[1, 0, 2:] = True
        >>> truth = [TrackedMasks(torch.tensor([0, 1]), masks)] * 4
        >>> swapped = [TrackedMasks(torch.tensor([1, 0]), masks)] * 2
        >>> found = tracking(truth[:2] + swapped, truth, fps=1)
        >>> found["deta"], found["idf1"], found["switches"], round(found["assa"], 3)
        (1.0, 0.5, 2.0, 0.333)
    """
    return summarise(tracking_sums(tracks, truth, fps))


def tracking_sums(tracks: Sequence[TrackedMasks], truth: Sequence[TrackedMasks], fps: float) -> Tensor:
    """Sums of one video, to be added over videos: (len(FIELDS),) float64.

    Raises:
        InputError: as :func:`tracking`.
    """
    if len(tracks) != len(truth) or len(truth) == 0:
        raise InputError(f"{len(tracks)} frames with tracks, {len(truth)} with truth: pass equally many")
    if not fps > 0:
        raise InputError(f"fps is {fps}: give frames per second above 0")
    sizes = {tuple(frame.masks.shape[1:]) for frame in (*tracks, *truth)}
    if len(sizes) > 1:
        raise InputError(f"masks are of {len(sizes)} sizes, {sorted(sizes)}: pass one size")
    ious = [mask_iou(true.masks, found.masks) for true, found in zip(truth, tracks, strict=True)]
    video = VideoOverlaps.of([frame.ids for frame in truth], [frame.ids for frame in tracks], ious)
    sums = id_sums(video)
    rest = (
        *_active_iou(tracks, truth),
        *_seconds(video, _identities(video)[0], fps),
        *_jitter(tracks, truth, _clear(video)[0]),
    )
    sums[-len(rest) :] = torch.tensor(rest, dtype=torch.float64)
    return sums


def summarise(sums: Tensor) -> dict[str, float]:
    """The metrics of :func:`tracking` from sums (len(FIELDS),) of one or more videos."""
    named = dict(zip(FIELDS, sums.tolist(), strict=True))
    count = len(ALPHAS)
    true_positives, association = sums[:count].cpu().numpy(), sums[count : 2 * count].cpu().numpy()
    truths, tracks = named["truths"], named["tracks"]
    detection = true_positives / np.maximum(truths + tracks - true_positives, EPSILON)
    association = association / np.maximum(true_positives, EPSILON)
    is_empty = truths + tracks == 0
    nowhere = float("nan")
    id_tp, hits = named["id_tp"], named["second_tp"]
    return {
        "hota": nowhere if is_empty else float(np.sqrt(detection * association).mean()),
        "deta": nowhere if is_empty else float(detection.mean()),
        "assa": nowhere if is_empty else float(association.mean()),
        "idf1": _ratio(2 * id_tp, truths + tracks),
        "idp": _ratio(id_tp, tracks),
        "idr": _ratio(id_tp, truths),
        "switches": named["switches"],
        "active_iou": _ratio(named["iou"], named["iou_frames"]),
        "second_f1": _ratio(2 * hits, 2 * hits + named["second_fp"] + named["second_fn"]),
        "jitter": _ratio(named["jitter"], named["jitter_pairs"]),
    }


def _ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")


def mask_iou(masks: Tensor, others: Tensor) -> Tensor:
    """IoU of every mask (n, H, W) bool with every other (m, H, W) bool: (n, m) float64; 0 of empty masks."""
    one, two = masks.flatten(1).float(), others.flatten(1).float()
    joint = (one @ two.T).double()
    union = one.sum(1).double()[:, None] + two.sum(1).double() - joint
    return joint / union.clamp_min(1)


def id_sums(video: VideoOverlaps) -> Tensor:
    """The sums of ids of a video; the others of :data:`FIELDS` are 0: (len(FIELDS),) float64."""
    true_positives, association = _hota(video)
    values = dict.fromkeys(FIELDS, 0.0)
    values |= {f"tp{k}": value for k, value in enumerate(true_positives)}
    values |= {f"association{k}": value for k, value in enumerate(association)}
    values["truths"] = sum(len(rows) for rows, _, _ in video.frames)
    values["tracks"] = sum(len(columns) for _, columns, _ in video.frames)
    values["id_tp"] = _identities(video)[1]
    values["switches"] = _clear(video)[1]
    return torch.tensor([values[name] for name in FIELDS], dtype=torch.float64)


def _frame_counts(video: VideoOverlaps) -> tuple[Counts, Counts]:
    """Number of frames of each truth and of each track."""
    true, found = np.zeros(video.truths), np.zeros(video.tracks)
    for rows, columns, _ in video.frames:
        true[rows] += 1
        found[columns] += 1
    return true, found


def _hota(video: VideoOverlaps) -> tuple[Counts, Counts]:
    """True positives, and their sum of association accuracies, at each of :data:`ALPHAS`."""
    true, found = _frame_counts(video)
    potential = np.zeros((video.truths, video.tracks))
    for rows, columns, iou in video.frames:
        total = iou.sum(1, keepdims=True) + iou.sum(0, keepdims=True) - iou
        potential[np.ix_(rows, columns)] += iou / np.maximum(total, EPSILON)
    alignment = potential / np.maximum(true[:, None] + found - potential, EPSILON)
    matches = np.zeros((len(ALPHAS), video.truths, video.tracks))
    for rows, columns, iou in video.frames:
        score = alignment[np.ix_(rows, columns)] * iou
        for row, column in zip(*linear_sum_assignment(score, maximize=True), strict=True):
            passed = iou[row, column] >= ALPHAS - EPSILON
            matches[passed, rows[row], columns[column]] += 1
    accuracy = matches / np.maximum(true[:, None] + found - matches, 1)
    return matches.sum((1, 2)), (matches * accuracy).sum((1, 2))


def _identities(video: VideoOverlaps) -> tuple[dict[int, int], float]:
    """Truth of each track in the one-to-one matching with most matches over the video, and their number."""
    matches = np.zeros((video.truths, video.tracks))
    for rows, columns, iou in video.frames:
        matches[np.ix_(rows, columns)] += iou >= MATCH
    pairs = linear_sum_assignment(matches, maximize=True)
    chosen = {int(c): int(r) for r, c in zip(*pairs, strict=True) if matches[r, c] > 0}
    return chosen, float(matches[pairs].sum())


def _clear(video: VideoOverlaps) -> tuple[list[dict[int, int]], int]:
    """For each frame the position of the mask of each matched truth, and the number of id switches.

    A pair of the frame before stays matched as long as its IoU is at least :data:`MATCH`.
    """
    last: dict[int, int] = {}
    frames: list[dict[int, int]] = []
    switches = 0
    for rows, columns, iou in video.frames:
        score = np.where(iou >= MATCH, iou, 0.0)
        known = np.array([[last.get(int(r)) == c for c in columns] for r in rows], bool).reshape(iou.shape)
        score = score + len(iou) * 2 * (known & (score > 0))
        found: dict[int, int] = {}
        for row, column in zip(*linear_sum_assignment(score, maximize=True), strict=True):
            if score[row, column] > 0:
                truth, track = int(rows[row]), int(columns[column])
                switches += last.get(truth, track) != track
                last[truth] = track
                found[int(row)] = int(column)
        frames.append(found)
    return frames, switches


def _active_iou(tracks: Sequence[TrackedMasks], truth: Sequence[TrackedMasks]) -> tuple[float, float]:
    """Sum over frames of the IoU of all predicted and all true pixels, and the number of frames with any."""
    total, frames = 0.0, 0
    for found, true in zip(tracks, truth, strict=True):
        one, two = found.masks.any(0), true.masks.any(0)
        union = int((one | two).sum())
        if union:
            total += int((one & two).sum()) / union
            frames += 1
    return total, frames


def _seconds(video: VideoOverlaps, mapping: dict[int, int], fps: float) -> tuple[int, int, int]:
    """True positives, false positives and false negatives over (object, second).

    An object is on in a second if it has a mask in at least half of its frames. Tracks without a truth in
    ``mapping`` are objects of their own.
    """
    length = max(1, round(fps))
    count = -(-len(video.frames) // length)
    true, found = np.zeros((video.truths, count)), np.zeros((video.tracks, count))
    frames = np.zeros(count)
    for index, (rows, columns, _) in enumerate(video.frames):
        true[rows, index // length] += 1
        found[columns, index // length] += 1
        frames[index // length] += 1
    is_true, is_found = true >= HALF * frames, found >= HALF * frames
    hits = sum(int((is_true[row] & is_found[column]).sum()) for column, row in mapping.items())
    return hits, int(is_found.sum()) - hits, int(is_true.sum()) - hits


def _jitter(
    tracks: Sequence[TrackedMasks], truth: Sequence[TrackedMasks], matched: Sequence[dict[int, int]]
) -> tuple[float, int]:
    """Sum of displacements in pixels over consecutive frames of a matched truth, and their number.

    The error of a mask is its difference from the truth, -1, 0 or 1 per pixel. The error of the second frame
    is moved back by the motion of the truth's centre; what then differs, per pixel of the truth's outline,
    is the displacement of the outline.
    """
    total, pairs = 0.0, 0
    for (before, true_before, was), (after, true_after, now) in pairwise(
        zip(tracks, truth, matched, strict=True)
    ):
        rows = {number: row for row, number in enumerate(true_after.ids.tolist())}
        for row, column in was.items():
            other = rows.get(int(true_before.ids[row]))
            if other is None or other not in now:
                continue
            first, second = true_before.masks[row], true_after.masks[other]
            error = before.masks[column].int() - first.int()
            moved = after.masks[now[other]].int() - second.int()
            shift = (_centre(first) - _centre(second)).round().int().tolist()
            total += float((error - _shift(moved, *shift)).abs().sum()) / max(1, _outline(first))
            pairs += 1
    return total, pairs


def _centre(mask: Tensor) -> Tensor:
    return mask.nonzero().double().mean(0)


def _outline(mask: Tensor) -> int:
    """Number of pixels of a mask (H, W) bool with a neighbour, of four, outside of it."""
    padded = torch.nn.functional.pad(mask, (1, 1, 1, 1))
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return int((mask & ~inside).sum())


def _shift(values: Tensor, down: int, right: int) -> Tensor:
    """Values (H, W) moved by whole pixels, 0 where nothing moves to."""
    height, width = values.shape
    moved = torch.zeros_like(values)
    source = values[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    top, left = max(0, down), max(0, right)
    moved[top : top + source.shape[0], left : left + source.shape[1]] = source
    return moved
