"""What hears: the protocol that every audio network answers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class AudioFeatures:
    """What an audio network says of a batch of windows.

    Attributes:
        embeddings: (n, d_a) float32, one vector per window.
        tags: (n, C) float32 probabilities of the network's own sound classes, or None if it has none.
        apart: (n, P, d_a) float32 embeddings of P components of each window
            (:mod:`seac.encoders.audio.hpss`), or None of a network that hears the whole alone.
    """

    embeddings: Tensor
    tags: Tensor | None
    apart: Tensor | None = None


class AudioEncoder(Protocol):
    """A frozen audio network: windows of a mono waveform to one vector each.

    ``sample_rate`` (Hz) and ``window`` (samples) say what it takes, ``hop`` (samples) how windows are cut
    from a longer sound, ``labels`` names the columns of ``tags``.
    """

    sample_rate: int
    window: int
    hop: int
    dim: int
    labels: tuple[str, ...]

    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, window) float32 in [-1, 1], in one batch."""
        ...
