"""Methods to evaluate: models and baselines that predict a frame at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.aggregate import paint_boxes
from seac.core.result import FrameResult
from seac.datasets.clip import TruthKind
from seac.decision.sounding import softmax_scores
from seac.evaluation.answer import Answer
from seac.evaluation.scene import Scene
from seac.metrics.functional.overlap import overlap
from seac.pipeline import SeAC
from seac.segment.baselines.saliency import check_installed

MIN_CONFIDENCE = -1.0
"""Confidence for inactive audio or without masks: the lower bound of a cosine."""


class Method(Protocol):
    """A method that can be evaluated."""

    @property
    def name(self) -> str:
        """Name of the method's row in the table."""
        ...

    def __call__(self, scene: Scene) -> Answer:
        """The prediction for one frame."""
        ...


@dataclass(frozen=True)
class Model:
    """The whole model; with ``decides``, the heatmap is 0 outside the masks predicted as sounding."""

    name: str
    model: SeAC
    decides: bool = False

    def __call__(self, scene: Scene) -> Answer:
        """Heatmap by Eq. 4 on masks, or on boxes if the truth is boxes; classes by Eq. 5 if it is labels.

        The confidence is the maximum logit. If objectness has no weight, it is the paper's maximum cosine.
        """
        result = scene.predict(self.model)
        masks, chosen = scene.masks(self.model), torch.from_numpy(result.sounding)
        logits = scene.logits(self.model)
        heatmap, semantic = self._heatmap(scene, result, logits), None
        if scene.kind is TruthKind.LABELS:
            semantic = nearest(torch.from_numpy(result.semantic), scene.size)
        if self.decides:
            active = masks[chosen].any(0)
            heatmap, semantic = heatmap * active, None if semantic is None else semantic * active
        confidence = (
            MIN_CONFIDENCE if result.audio_summary.inactive or len(logits) == 0 else float(logits.max())
        )
        return Answer(heatmap, confidence, bool(chosen.any()), semantic, best_of(masks, scene.truth))

    def _heatmap(self, scene: Scene, result: FrameResult, logits: Tensor) -> Tensor:
        if result.audio_summary.inactive:
            return torch.zeros(scene.size)
        if scene.kind is TruthKind.BOXES:
            scores = (
                torch.from_numpy(result.probability)
                if self.model.stages.sounding_head.absolute
                else softmax_scores(logits, self.model.settings.softmax_temperature)
            )
            return paint_boxes(scores, scene.boxes(self.model), *scene.size)
        return resized(torch.from_numpy(result.heatmap), scene.size)


@dataclass(frozen=True)
class Blind:
    """A baseline without audio: a heatmap of the frame, with constant confidence."""

    name: str
    paint: Callable[[Scene], Tensor]

    def __call__(self, scene: Scene) -> Answer:
        """The heatmap; if the truth is labels, all pixels are background."""
        heatmap = self.paint(scene).float()
        blank = torch.zeros(scene.size, dtype=torch.uint8) if scene.kind is TruthKind.LABELS else None
        return Answer(heatmap, 0.0, True, blank)


@dataclass(frozen=True)
class RandomMask:
    """A random proposal of the model."""

    name: str
    model: SeAC

    def __call__(self, scene: Scene) -> Answer:
        """The random mask, with its class if the truth is labels."""
        masks = scene.masks(self.model)
        if len(masks) == 0:
            return inactive_answer(scene)
        row = int(torch.randint(len(masks), (), generator=scene.generator))
        confidence = float(torch.rand((), generator=scene.generator))
        return Answer(masks[row].float(), confidence, True, paint_classes(scene, self.model, masks, [row]))


@dataclass(frozen=True)
class Oracle:
    """Oracle, an upper bound of stage 1: the union of proposals with the highest IoU with the truth.

    Masks are added greedily while the IoU of the union increases, as a frame may have several sounding
    objects. If nothing sounds, no pixel is active.
    """

    name: str
    model: SeAC

    def __call__(self, scene: Scene) -> Answer:
        """The best union of proposals, with the predicted classes if the truth is labels."""
        masks, truth = scene.masks(self.model), scene.truth > 0
        if not truth.any():
            return inactive_answer(scene)
        rows = greedy(masks, truth)
        if not rows:
            return inactive_answer(scene)
        heatmap = masks[rows].any(0).float()
        return Answer(
            heatmap, 1.0, True, paint_classes(scene, self.model, masks, rows), best_of(masks, scene.truth)
        )


def inactive_answer(scene: Scene) -> Answer:
    """The prediction that nothing sounds."""
    blank = torch.zeros(scene.size, dtype=torch.uint8) if scene.kind is TruthKind.LABELS else None
    return Answer(torch.zeros(scene.size), MIN_CONFIDENCE, False, blank)


def paint_classes(scene: Scene, model: SeAC, masks: Tensor, rows: list[int]) -> Tensor | None:
    """Label map of the chosen masks, later masks over earlier ones: (h, w) uint8, or None."""
    if scene.kind is not TruthKind.LABELS:
        return None
    chosen = torch.zeros(len(masks), dtype=torch.bool)
    chosen[rows] = True
    classes = model.classify(scene.encoded_image(model), scene.encoded_audio(model), chosen) + 1
    painted = torch.zeros(scene.size, dtype=torch.uint8)
    for row in rows:
        painted[masks[row]] = int(classes[row])
    return painted


def greedy(masks: Tensor, truth: Tensor) -> list[int]:
    """Greedy selection of masks (N, h, w) while the IoU of their union with the truth (h, w) increases."""
    rows: list[int] = []
    union, reached = torch.zeros_like(truth), 0.0
    while len(rows) < len(masks):
        fits = overlap(masks | union, truth)
        row = int(fits.argmax())
        if float(fits[row]) <= reached + 1e-6:
            break
        rows.append(row)
        union, reached = union | masks[row], float(fits[row])
    return rows


def best_of(masks: Tensor, truth: Tensor) -> float:
    """Oracle IoU: that of the best union of masks; NaN if nothing sounds, 0 without masks."""
    where = truth > 0
    if not where.any():
        return float("nan")
    rows = greedy(masks, where)
    return float(overlap(masks[rows].any(0)[None], where)[0]) if rows else 0.0


def centre(scene: Scene) -> Tensor:
    """A Gaussian at the centre of the frame, .5 at a radius of a quarter of the frame's side."""
    height, width = scene.size
    rows = torch.linspace(-1, 1, height)[:, None]
    columns = torch.linspace(-1, 1, width)[None, :]
    return torch.exp2(-(rows**2 + columns**2) / 0.5**2)


def whole_image(scene: Scene) -> Tensor:
    """A heatmap of ones."""
    return torch.ones(scene.size)


def saliency(scene: Scene) -> Tensor:
    """Saliency by U2-Net-P, independent of the audio."""
    return resized(scene.image.saliency, scene.size)


def resized(heatmap: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a heatmap (H, W) float32: (h, w) in [0, 1]."""
    if tuple(heatmap.shape) == size:
        return heatmap
    scaled = functional.interpolate(
        heatmap[None, None], size, mode="bilinear", align_corners=False, antialias=True
    )
    return scaled[0, 0].clamp(0, 1)


def nearest(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize labels (H, W): (h, w) uint8."""
    if tuple(labels.shape) != size:
        labels = functional.interpolate(labels[None, None].float(), size, mode="nearest-exact")[0, 0]
    return labels.to(torch.uint8)


def baselines(model: SeAC, zero_shot: SeAC | None) -> tuple[Method, ...]:
    """The baselines; ``zero_shot`` is the same model without trained association and decision.

    Raises:
        InputError: the extra ``baselines`` is not installed, which saliency needs.
    """
    check_installed()
    rows: list[Method] = [
        Blind("whole image", whole_image),
        Blind("centre Gaussian", centre),
        Blind("saliency (U2NetP)", saliency),
        RandomMask("random mask", model),
    ]
    if zero_shot is not None:
        rows.append(Model("zero-shot", zero_shot))
    rows.append(Oracle("oracle masks", model))
    return tuple(rows)
