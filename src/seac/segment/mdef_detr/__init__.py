"""MDef-DETR: the class-agnostic detector of the paper's first stage, on plain PyTorch."""

from __future__ import annotations

from seac.segment.mdef_detr.boxes import Boxes
from seac.segment.mdef_detr.detector import MDefDetrDetector, detect
from seac.segment.mdef_detr.network import EncodedImage, EncodedText, Found, MDefDetr
from seac.segment.mdef_detr.prepare import prepare, stack
from seac.segment.mdef_detr.sizes import Sizes

__all__ = [
    "Boxes",
    "EncodedImage",
    "EncodedText",
    "Found",
    "MDefDetr",
    "MDefDetrDetector",
    "Sizes",
    "detect",
    "prepare",
    "stack",
]
