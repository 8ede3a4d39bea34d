"""Protocols of the frozen image, audio and text encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from seac.core.types import AudioFeatures, VisionFeatures


class VisionEncoder(Protocol):
    """A frozen image encoder: maps square images to one vector each.

    ``size`` (pixels) and ``mean``, ``std`` (RGB, in [0, 1]) define the preprocessing; ``labels`` are the
    class names of the columns of ``class_probabilities``.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    dim: int
    labels: tuple[str, ...]

    def __call__(self, pixels: Tensor) -> VisionFeatures:
        """Encode ``pixels``, (n, 3, size, size) float32, normalised, in one batch."""
        ...


class AudioEncoder(Protocol):
    """A frozen audio encoder: maps windows of a mono waveform to one vector each.

    ``sample_rate`` (Hz) and ``window`` (samples) define the input, ``hop`` (samples) is the distance between
    windows of a longer waveform, ``labels`` are the class names of the columns of ``class_probabilities``.
    """

    sample_rate: int
    window: int
    hop: int
    dim: int
    labels: tuple[str, ...]

    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, window) float32 in [-1, 1], in one batch."""
        ...


class TextEncoder(Protocol):
    """A frozen text encoder: maps sentences to one vector each."""

    dim: int

    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """Encode ``sentences`` to (n, dim) float32 of unit length; (0, dim) for none."""
        ...
