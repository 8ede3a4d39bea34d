"""One scorer per type of ground truth: passes clips and predictions to the metrics of :mod:`seac.metrics`.

Import this module lazily: the import of torchmetrics takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets.clip import Clip
from seac.evaluation.answer import ClipAnswer
from seac.evaluation.attribution import frame_ious
from seac.evaluation.robustness import AVSBENCH_ROBUST, UNCHANGED, VARIANTS, variant_of
from seac.evaluation.summary import Curve
from seac.metrics.avsbench import AVSBench, AVSBenchFixed
from seac.metrics.avsbench_copies import AVSBenchCopy
from seac.metrics.avsbench_semantic import AVSBenchSemantic
from seac.metrics.extended_vggss import ExtendedVGGSS
from seac.metrics.functional.avsbench_copies import MIN_HEAT, chosen_copies
from seac.metrics.functional.vggss import success_curve
from seac.metrics.robust_avsbench import RobustAVSBench
from seac.metrics.robustness import Robustness
from seac.metrics.vggss import VGGSS

Figures = dict[str, dict[str, float]]


class Scorer(Protocol):
    """Protocols of one benchmark for one method: their ``names``, and a ``note`` that explains them."""

    names: tuple[str, ...]
    note: str

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """Add a clip; returns its metrics, and the IoU or ciou of each frame for error attribution."""
        ...

    def protocols(self) -> Figures:
        """Metrics by protocol and name."""
        ...

    def curves(self) -> dict[str, Curve]:
        """Curves by name."""
        ...

    def per_class(self) -> Figures:
        """Metrics by class and name; empty if they are means of the per-clip metrics."""
        ...


class MaskScorer:
    """S4 and MS3: official (batches of 4 clips, sigmoid), dataset (one curve), fixed (one threshold).

    Args:
        threshold: of ``fixed``.
        copies: deviating copies to score by as well, by name.
    """

    names: tuple[str, ...] = ("official", "dataset", "fixed")
    note = (
        "official: the published script (a sigmoid on logits of the heatmap, 4 clips a batch, the best "
        "threshold per batch); dataset: one curve over all frames and its maximum, IoU a mean over frames; "
        "fixed: one threshold for all."
    )

    def __init__(self, threshold: float, copies: Sequence[str] = ()) -> None:
        copied = chosen_copies(copies)
        self._copies = {f"as {name}": AVSBenchCopy(name, frames_per_clip=None) for name in copied}
        self.names = (*MaskScorer.names, *self._copies)
        self.note = MaskScorer.note + "".join(
            f" as {name} ({copy.papers}): {copy.differs}." for name, copy in copied.items()
        )
        # Batches count clips, not frames: clips of a training split have one annotated frame, others five.
        self._curves = AVSBench(frames_per_clip=None)
        self._fixed = AVSBenchFixed(threshold=threshold)

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """Add a clip; the official script takes logits, so the heatmap is converted to logits."""
        self._curves.update(torch.logit(answer.heatmaps, eps=MIN_HEAT), truth)
        for metric in self._copies.values():
            metric.update(answer.heatmaps, truth)
        fixed, iou = self._fixed(answer.heatmaps, truth), self._curves.last_iou
        fscore = fixed["fscore"] if truth.any() else float("nan")
        return {"iou": float(iou.mean()), "fscore": fscore, "iou_fixed": fixed["miou"]}, iou.tolist()

    def protocols(self) -> Figures:
        """Metrics by protocol."""
        copied = {name: metric.compute() for name, metric in self._copies.items()}
        return self._curves.compute() | {"fixed": self._fixed.compute()} | copied

    def curves(self) -> dict[str, Curve]:
        """Means over the frames with truth, as in the data-set protocol."""
        found = self._curves.curve()
        return {"precision-recall": _curve(found["recall"], found["precision"], "recall", "precision")}

    def per_class(self) -> Figures:
        """Empty: means of the per-clip metrics are used."""
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
        self._official = AVSBenchSemantic(num_classes=len(classes))
        self._dataset = AVSBenchSemantic(num_classes=len(classes), protocol="dataset")

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """Add a clip; its metrics are mIoU over its classes, and IoU of all classes merged."""
        if answer.semantic is None:
            raise InputError(f"{clip.id}: no classes were predicted; avss needs class numbers per pixel")
        labels = answer.semantic.long()
        self._official.update(labels, truth, [len(truth)])
        own, ious = self._dataset(labels, truth), frame_ious((labels > 0).float(), truth)
        return {"iou": own["miou"], "iou_any_class": sum(ious) / len(ious)}, ious

    def protocols(self) -> Figures:
        """Metrics by protocol."""
        computed = {"official": self._official.compute(), "dataset": self._dataset.compute()}
        return {
            protocol: {name: float(figures[name]) for name in ("miou", "fscore")}
            for protocol, figures in computed.items()
        }

    def curves(self) -> dict[str, Curve]:
        """Empty: labels have no threshold."""
        return {}

    def per_class(self) -> Figures:
        """IoU and F of the classes that occur, over all pixels."""
        computed = self._dataset.compute()
        columns = (torch.as_tensor(computed[name]).tolist() for name in ("per_class", "per_class_fscore"))
        return {
            name: {"iou": iou, "fscore": fscore}
            for name, iou, fscore in zip(self.classes, *columns, strict=True)
            if iou == iou  # NaN: does not occur
        }


class BoxScorer:
    """VGG-SS and similar: fixed and median; for data with silent pairs also AP, max-F1 and LocAcc."""

    names: tuple[str, ...] = ("fixed", "median")
    note = (
        "fixed: pixels are active from the threshold up; median: above the heatmap's own median, so half of "
        "the frame is always active, which limits even an oracle. AP is the area under a curve over the "
        "confidence: a method with constant confidence has no curve and no AP."
    )

    def __init__(self, threshold: float, *, extended: bool) -> None:
        self._clips = {"fixed": VGGSS(threshold=threshold), "median": VGGSS(threshold="median")}
        self._pairs = {name: ExtendedVGGSS() for name in self.names} if extended else {}

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """Add a clip; heatmaps are min-max normalised by the protocol, constant ones are unchanged.

        A clip with boxes is a positive even if all boxes lie outside the frame; its ciou is then 0.
        """
        heatmap, confidence = normalised(answer.heatmaps[:1]), answer.confidence[:1]
        # The boxes of Flickr-SoundNet are in its files; each file has at least one.
        positive, ciou = torch.tensor([bool(clip.boxes or clip.truth)]), {}
        for name, metric in self._clips.items():
            metric.update(heatmap, truth, positive)
            ciou[name] = float(metric.ciou[-1])
            if name in self._pairs:
                self._pairs[name].update(metric.ciou[-1], positive.long(), confidence)
        scores = {"ciou": ciou["fixed"], "ciou_median": ciou["median"]} if positive else {}
        return scores | {"confidence": float(confidence)}, [ciou["fixed"]]

    def protocols(self) -> Figures:
        """Metrics by protocol: the threshold of the heatmap."""
        if self._pairs:
            return {name: metric.compute() for name, metric in self._pairs.items()}
        computed = {name: metric.compute() for name, metric in self._clips.items()}
        return {
            name: {key: float(figures[key]) for key in ("ciou", "auc")} for name, figures in computed.items()
        }

    def curves(self) -> dict[str, Curve]:
        """Share of clips above each ciou; precision over recall if the confidence is scored."""
        found, ciou = {}, self._clips["fixed"].positive_ciou()
        if len(ciou):
            share = success_curve(ciou)
            found["ciou"] = _curve(share["threshold"], share["share"], "ciou at least", "share of clips")
        if self._pairs:
            rated = self._pairs["fixed"].curve()
            found["precision-recall"] = _curve(rated["recall"], rated["precision"], "recall", "precision")
        return found

    def per_class(self) -> Figures:
        """Empty: means of the per-clip metrics are used."""
        return {}


class RobustnessScorer:
    """False positives under each variant, and the AUROC of the confidence against the unchanged clips."""

    names: tuple[str, ...] = ("all", *VARIANTS[1:])
    note = (
        "FPR: share of pixels, and of frames, that are active although nothing visible sounds. AUROC: of the "
        "confidence, against the frames with their own audio. Noise is white, RMS in dBFS. Other objects in "
        "a frame are not annotated: an object of the off-screen class may be in the frame by chance."
    )

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._metrics = {name: Robustness(threshold=threshold) for name in self.names}
        self._variants: set[str] = set()

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """Add a clip; its metric is the IoU if an object sounds, else the share of inactive pixels."""
        variant, is_sounding = variant_of(clip), bool((truth > 0).any())
        sounding = torch.tensor([is_sounding and variant == UNCHANGED])
        for name in self.names if variant == UNCHANGED else ("all", variant):
            reference = torch.tensor([variant == UNCHANGED])
            self._metrics[name].update(answer.heatmaps, answer.confidence, sounding, reference)
        self._variants.add(variant)
        ious = frame_ious(answer.heatmaps, truth)
        inactive = 1 - float((answer.heatmaps >= self.threshold).float().mean())
        return {"iou": ious[0] if is_sounding else inactive, "confidence": float(answer.confidence[0])}, ious

    def protocols(self) -> Figures:
        """Metrics of all variants together, then of each."""
        scored = ("all", *(name for name in VARIANTS[1:] if name in self._variants))
        return {name: self._metrics[name].compute() for name in scored}

    def curves(self) -> dict[str, Curve]:
        """Empty: the protocol has no curves."""
        return {}

    def per_class(self) -> Figures:
        """Empty: means of the per-clip metrics are used."""
        return {}


class RobustMaskScorer:
    """AVSBench-Robust: mIoU and F under own audio, and with the false positives under other audio."""

    names: tuple[str, ...] = ("official", "dataset")
    note = (
        "mIoU and F: under own audio, by the protocol of S4. FPR: share of pixels with a logit above 0 under "
        "silence, loud white noise, and audio of another class, mean over frames. G-FPR = 1 - cube root of "
        "the product of the three 1 - FPR; G-mIoU = sqrt(mIoU (1 - G-FPR)), and G-F likewise. The authors of "
        "AVSBench-Robust published no formula."
    )

    def __init__(self) -> None:
        self._metric = RobustAVSBench(frames_per_clip=None)

    def add(self, clip: Clip, answer: ClipAnswer, truth: Tensor) -> tuple[dict[str, float], list[float]]:
        """Add a clip; its metric is the IoU under own audio, else the share of inactive pixels."""
        variant = AVSBENCH_ROBUST.index(variant_of(clip))
        logits = torch.logit(answer.heatmaps, eps=MIN_HEAT)
        self._metric.update(logits, truth, torch.full((len(truth),), variant))
        if variant == 0:
            return {"iou": float(self._metric.last_iou.mean())}, self._metric.last_iou.tolist()
        inactive = 1 - (logits > 0).double().mean()
        return {"iou": float(inactive)}, frame_ious(answer.heatmaps, truth)

    def protocols(self) -> Figures:
        """Metrics by protocol."""
        return self._metric.compute()

    def curves(self) -> dict[str, Curve]:
        """Under own audio: means over the frames with truth, as in the data-set protocol."""
        found = self._metric.curve()
        return {"precision-recall": _curve(found["recall"], found["precision"], "recall", "precision")}

    def per_class(self) -> Figures:
        """Empty: means of the per-clip metrics are used."""
        return {}


def normalised(heatmaps: Tensor) -> Tensor:
    """Min-max normalise each heatmap (N, h, w) to [0, 1]; constant heatmaps are unchanged."""
    low, high = heatmaps.amin((1, 2), keepdim=True), heatmaps.amax((1, 2), keepdim=True)
    spread = high - low
    return torch.where(spread > 0, (heatmaps - low) / spread.clamp_min(1e-12), heatmaps).clamp(0, 1)


def _curve(x: Tensor, y: Tensor, x_label: str, y_label: str) -> Curve:
    return Curve(tuple(x.tolist()), tuple(y.tolist()), x_label, y_label)
