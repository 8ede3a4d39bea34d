"""Encodes a waveform of any length: splits it into windows and encodes the windows in batches."""

from __future__ import annotations

import torch
from torch import Tensor

from seac.core.types import AudioFeatures
from seac.encoders.base import AudioEncoder


def windows_of(waveform: Tensor, window: int, hop: int) -> Tensor:
    """Return the windows (n, window) of a waveform (S,), n at least 1.

    A waveform shorter than a window is repeated to fill it (zero-padding would change the embedding). A
    remainder after the last full window is covered by a window that ends with the waveform. An empty waveform
    gives one window of zeros.
    """
    length = len(waveform)
    if length == 0:
        return waveform.new_zeros(1, window)
    if length < window:
        return waveform.repeat(-(-window // length))[None, :window]
    windows = waveform.unfold(0, window, hop)
    if (length - window) % hop:
        windows = torch.cat([windows, waveform[None, length - window :]])
    return windows


def encode_windows(waveform: Tensor, encoder: AudioEncoder, batch: int = 64) -> AudioFeatures:
    """Encode every window of a waveform.

    Args:
        waveform: (S,) float32 in [-1, 1] at the encoder's sample rate.
        encoder: the audio encoder.
        batch: windows per forward pass; bounds memory for long waveforms.
    """
    parts = [encoder(part) for part in torch.split(windows_of(waveform, encoder.window, encoder.hop), batch)]
    class_probabilities = [part.class_probabilities for part in parts if part.class_probabilities is not None]
    return AudioFeatures(
        torch.cat([part.embeddings for part in parts]),
        torch.cat(class_probabilities) if class_probabilities else None,
    )


def top_classes(
    features: AudioFeatures, labels: tuple[str, ...], count: int = 3
) -> tuple[tuple[str, float], ...]:
    """Return the ``count`` classes with the highest mean probability over the windows, with probabilities."""
    if features.class_probabilities is None or not labels:
        return ()
    values, columns = features.class_probabilities.mean(0).topk(min(count, len(labels)))
    return tuple(
        (labels[column], value) for column, value in zip(columns.tolist(), values.tolist(), strict=True)
    )
