"""One scorer per kind of truth: sums that every protocol, curve and clip's own score come from."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets.clip import Clip
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.attribution import frame_ious
from seac.evaluation.robustness import UNCHANGED, VARIANTS, variant_of
from seac.evaluation.summary import Curve
from seac.metrics.functional.avsbench import ROW as SUMS
from seac.metrics.functional.avsbench import (
    averages,
    close,
    fixed_frames,
    frame_curves,
    frame_rows,
)
from seac.metrics.functional.avsbench_semantic import (
    class_scores,
    padding,
    semantic_figures,
    semantic_sums,
)
from seac.metrics.functional.curves import THRESHOLDS
from seac.metrics.functional.extended_vggss import extended_curve, extended_vggss
from seac.metrics.functional.robustness import rates, silent_sums
from seac.metrics.functional.vggss import clip_ciou, success, success_curve

MIN_HEAT = 1e-6
"""Heat below this counts as this when it becomes a logit, which must be finite."""
BATCH = 4
"""Clips of a test batch in the published scripts of AVSBench."""
Figures = dict[str, dict[str, float]]


class Scorer(Protocol):
    """One benchmark's protocols over one method: their ``names``, and a ``note`` on what they mean."""

    names: tuple[str, ...]
    note: str

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """Take a clip into account; its own figures, and how well each frame fits (for the blame)."""
        ...

    def protocols(self) -> Figures:
        """Figures by protocol and name."""
        ...

    def curves(self) -> dict[str, Curve]:
        """Curves by name."""
        ...

    def per_class(self) -> Figures:
        """Figures by class and name, of what was not kept clip by clip."""
        ...


class MaskScorer:
    """S4 and MS3: official (batches of 4 clips, sigmoid), dataset (one curve), fixed (one threshold)."""

    names: tuple[str, ...] = ("official", "dataset", "fixed")
    note = (
        "official: the published script (a sigmoid on logits of our heatmap, 4 clips a batch, the best "
        "threshold per batch); dataset: one curve over all frames and its maximum, IoU a mean over frames; "
        "fixed: one threshold for all."
    )

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._open = 0
        self._rest = torch.zeros(SUMS, dtype=torch.float64)
        self._closed = torch.zeros(3, dtype=torch.float64)
        self._total = torch.zeros(SUMS, dtype=torch.float64)
        self._precision = torch.zeros(2, THRESHOLDS, dtype=torch.float64)
        self._fixed = torch.zeros(4, dtype=torch.float64)

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """The official script wants logits: the heatmap's, so that its sigmoid gives the heatmap back."""
        found = frame_curves(torch.logit(answer.heatmaps, eps=MIN_HEAT), truth)
        rows = frame_rows(found)
        self._rest, self._open = self._rest + rows.sum(0), self._open + 1
        # Clips are counted, not frames: those of a training split have one, others five.
        if self._open == BATCH:
            self._rest, self._closed = close(self._rest, self._closed)
            self._open = 0
        self._total += rows.sum(0)
        self._precision += torch.stack([found.precision, found.recall])[:, found.occupied].sum(1)
        iou, fscore = fixed_frames(answer.heatmaps, truth, self.threshold)
        known = fscore[~fscore.isnan()]
        self._fixed += torch.tensor([iou.sum(), len(iou), known.sum(), len(known)], dtype=torch.float64)
        own = {"iou": float(found.iou.mean()), "fscore": float(known.mean()), "iou_fixed": float(iou.mean())}
        return own, found.iou.tolist()

    def protocols(self) -> Figures:
        """By protocol."""
        miou, frames, fscore, occupied = self._fixed.tolist()
        return {
            "official": averages(self._rest[None], self._closed),
            "dataset": averages(self._total[None], torch.zeros(3, dtype=torch.float64)),
            "fixed": {"miou": miou / frames, "fscore": fscore / max(occupied, 1)},
        }

    def curves(self) -> dict[str, Curve]:
        """Means over the frames with truth, as in the data-set protocol."""
        precision, recall = (self._precision / self._total[2].clamp(min=1)).tolist()
        return {"precision-recall": Curve(tuple(recall), tuple(precision), "recall", "precision")}

    def per_class(self) -> Figures:
        """Kept clip by clip."""
        return {}


class LabelScorer:
    """AVSBench-semantic: official (per frame and class, padded to 10) and dataset (one confusion matrix)."""

    names: tuple[str, ...] = ("official", "dataset")
    note = (
        "official: per frame and class, padded to 10 frames, all classes; dataset: one confusion matrix over "
        "all pixels, classes that occur."
    )

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes
        self._sums = {
            name: torch.zeros(len(classes), 3, dtype=torch.float64) for name in ("official", "dataset")
        }

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """A clip's own figure is its mIoU over the classes that occur in it, and the IoU of what is lit."""
        if answer.semantic is None:
            raise InputError(f"{clip.id}: no classes were predicted; avss needs class numbers per pixel")
        count, labels = len(self.classes), answer.semantic.long()
        for name in ("official", "dataset"):
            self._sums[name] += semantic_sums(labels, truth, num_classes=count, protocol=name)
        self._sums["official"] += padding(len(truth), count, max(10, len(truth)), [len(truth)])
        own = class_scores(semantic_sums(labels, truth, num_classes=count, protocol="dataset"), "dataset")
        ious = frame_ious((labels > 0).float(), truth)
        return {"iou": float(own["iou"].nanmean()), "iou_any_class": sum(ious) / len(ious)}, ious

    def protocols(self) -> Figures:
        """By protocol."""
        found = {}
        for name, sums in self._sums.items():
            figures = semantic_figures(class_scores(sums, name))  # type: ignore[arg-type]
            found[name] = {key: float(figures[key]) for key in ("miou", "fscore")}
        return found

    def curves(self) -> dict[str, Curve]:
        """Labels have no threshold."""
        return {}

    def per_class(self) -> Figures:
        """IoU and F of the classes that occur, over all pixels."""
        scores = class_scores(self._sums["dataset"], "dataset")
        return {
            name: {"iou": float(scores["iou"][row]), "fscore": float(scores["fscore"][row])}
            for row, name in enumerate(self.classes)
            if not torch.isnan(scores["iou"][row])
        }


class BoxScorer:
    """VGG-SS and kin: fixed and median; with pairs that do not sound, AP, max-F1 and LocAcc."""

    names: tuple[str, ...] = ("fixed", "median")
    note = (
        "fixed: the heatmap's pixels from the threshold up; median: above the heatmap's own median, by which "
        "half of the frame is always lit and even an oracle is held down. AP is the area under a curve over "
        "the confidence: an answer that is equally sure of every pair has no curve, and so none."
    )

    def __init__(self, threshold: float, *, extended: bool) -> None:
        self.threshold, self.extended = threshold, extended
        self._rows: list[tuple[float, float, bool, float]] = []

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """Heatmaps are min-max normalised, as the protocol says; an even one stays as it is.

        A clip with boxes is a positive before they are painted: where they all lie outside, its ciou is 0.
        """
        heat = normalised(answer.heatmaps[:1])
        fixed, _ = clip_ciou(heat, truth, threshold=self.threshold)
        median, _ = clip_ciou(heat, truth, threshold="median")
        boxed = bool(clip.boxes or clip.truth)  # Flickr-SoundNet's stay in its files, which have at least one
        row = (float(fixed), float(median), boxed, float(answer.confidence[0]))
        self._rows.append(row)
        scores = {"ciou": row[0], "ciou_median": row[1]} if row[2] else {}
        return scores | {"confidence": row[3]}, [row[0]]

    def protocols(self) -> Figures:
        """By the threshold of the heatmap."""
        return {
            name: self._figures(ciou) for name, ciou in zip(("fixed", "median"), self._columns(), strict=True)
        }

    def curves(self) -> dict[str, Curve]:
        """The share of clips above each ciou; and precision over recall where the confidence is asked."""
        fixed, _ = self._columns()
        boxed = torch.tensor([row[2] for row in self._rows])
        found = {}
        if boxed.any():
            share = success_curve(fixed[boxed])
            found["ciou"] = _curve(share["threshold"], share["share"], "ciou at least", "share of clips")
        if self.extended:
            rated = extended_curve(fixed, boxed.long(), self._confidence())
            found["precision-recall"] = _curve(rated["recall"], rated["precision"], "recall", "precision")
        return found

    def per_class(self) -> Figures:
        """Kept clip by clip."""
        return {}

    def _columns(self) -> tuple[Tensor, Tensor]:
        columns = torch.tensor([row[:2] for row in self._rows], dtype=torch.float64)
        return columns[:, 0], columns[:, 1]

    def _confidence(self) -> Tensor:
        return torch.tensor([row[3] for row in self._rows])

    def _figures(self, ciou: Tensor) -> dict[str, float]:
        boxed = torch.tensor([row[2] for row in self._rows])
        if self.extended:
            return extended_vggss(ciou, boxed.long(), self._confidence())
        return success(ciou[boxed])


class RobustnessScorer:
    """False alarms under each variant, and the AUROC of the confidence against the clips as they are."""

    names: tuple[str, ...] = ("all", *VARIANTS[1:])
    note = (
        "FPR: share of pixels, and of frames, lit although nothing visible sounds. AUROC: of the confidence, "
        "against the frames with their own sound. Noise is white, RMS in dBFS. What else is in a frame is "
        "not annotated, so a thing of the strange class may be there by chance."
    )

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._sums = {name: torch.zeros(4, dtype=torch.float64) for name in VARIANTS}
        self._rows: dict[str, list[float]] = {name: [] for name in VARIANTS}
        self._sounding: list[bool] = []

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """A clip's own figure is the share of pixels that is rightly dark; its IoU where it sounds."""
        variant, is_sounding = variant_of(clip), bool((truth > 0).any())
        if variant == UNCHANGED:
            self._sounding.append(is_sounding)
        else:
            not_sounding = torch.zeros(1, dtype=torch.bool)
            self._sums[variant] += silent_sums(
                answer.heatmaps, answer.confidence, not_sounding, self.threshold
            )
        self._rows[variant].append(float(answer.confidence[0]))
        ious = frame_ious(answer.heatmaps, truth)
        inactive = 1 - float((answer.heatmaps >= self.threshold).float().mean())
        return {"iou": ious[0] if is_sounding else inactive, "confidence": float(answer.confidence[0])}, ious

    def protocols(self) -> Figures:
        """All variants together, then each alone."""
        found = {"all": self._rates(VARIANTS[1:])}
        return found | {name: self._rates((name,)) for name in VARIANTS[1:] if self._rows[name]}

    def curves(self) -> dict[str, Curve]:
        """None are usual."""
        return {}

    def per_class(self) -> Figures:
        """Kept clip by clip."""
        return {}

    def _rates(self, names: tuple[str, ...]) -> dict[str, float]:
        confidences = [value for name in names for value in self._rows[name]]
        confidence = torch.tensor(self._rows[UNCHANGED] + confidences)
        sounding = torch.tensor(self._sounding + [False] * len(confidences))
        sums = torch.stack([self._sums[name] for name in names]).sum(0)
        return rates(sums, confidence, sounding)


def normalised(heatmaps: Tensor) -> Tensor:
    """Each heatmap (N, h, w) stretched to [0, 1]; one that is even throughout stays as it is."""
    low, high = heatmaps.amin((1, 2), keepdim=True), heatmaps.amax((1, 2), keepdim=True)
    spread = high - low
    return torch.where(spread > 0, (heatmaps - low) / spread.clamp_min(1e-12), heatmaps).clamp(0, 1)


def _curve(x: Tensor, y: Tensor, x_label: str, y_label: str) -> Curve:
    return Curve(tuple(x.tolist()), tuple(y.tolist()), x_label, y_label)
