"""MDef-DETR: the class-agnostic detector of the paper's first stage, on plain PyTorch."""

from __future__ import annotations

from seac.segment.detectors.mdef_detr.boxes import Boxes
from seac.segment.detectors.mdef_detr.detector import MDefDetrDetector, detect
from seac.segment.detectors.mdef_detr.network import EncodedImage, EncodedText, MDefDetr, Predictions
from seac.segment.detectors.mdef_detr.preprocess import prepare, stack
from seac.segment.detectors.mdef_detr.sizes import Sizes

__all__ = [
    "Boxes",
    "EncodedImage",
    "EncodedText",
    "MDefDetr",
    "MDefDetrDetector",
    "Predictions",
    "Sizes",
    "detect",
    "prepare",
    "stack",
]
