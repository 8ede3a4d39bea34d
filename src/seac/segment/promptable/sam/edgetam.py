"""EdgeTAM: SAM 2's decoder on a small convolutional image encoder (RepViT), for CPUs."""

from __future__ import annotations

from typing import ClassVar

from seac.segment.promptable.sam.sam2 import Sam2


class EdgeTam(Sam2):
    """EdgeTAM as a :class:`~seac.segment.promptable.base.Promptable`; transformers' EdgeTamModel."""

    network_class: ClassVar[str] = "EdgeTamModel"
