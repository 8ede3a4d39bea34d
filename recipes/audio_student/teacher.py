"""The teachers: EfficientAT mn04 and YAMNet, and the mean of their logits."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import Tensor
from torch.nn import functional

from recipes.audio_student.initial import initial_student
from seac.encoders.audio.mobilenet_student import MobileNetStudent
from seac.encoders.audio.windows import windows_of
from seac.media.decode import SAMPLE_RATE

YAMNET_WINDOW, YAMNET_HOP = 15_600, 7_800
FLOOR = 1e-4
"""Class probabilities are limited to [FLOOR, 1 - FLOOR], because YAMNet's reach 0."""


class Teacher(Protocol):
    """Labels a waveform."""

    def __call__(self, waveform: Tensor, low_rate: Tensor) -> Tensor:
        """Class logits (521,) of a waveform (S,) at 32 kHz, the same as ``low_rate`` (S / 2,) at 16 kHz."""
        ...


def to_logits(probabilities: Tensor) -> Tensor:
    """Logits of probabilities limited to [FLOOR, 1 - FLOOR]."""
    return torch.logit(probabilities.clamp(FLOOR, 1 - FLOOR))


class Yamnet:
    """``yamnet.tflite`` on one core: the logit of the mean probabilities over half-overlapping windows."""

    def __init__(self, path: Path) -> None:
        self._graph = Interpreter(str(path), num_threads=1)
        self._graph.allocate_tensors()
        self._input = self._graph.get_input_details()[0]["index"]
        self._scores = self._graph.get_output_details()[0]["index"]

    def probabilities(self, windows: Tensor) -> Tensor:
        """Class probabilities (n, 521) of windows (n, 15600) float32 in [-1, 1] at 16 kHz."""
        rows = []
        for window in windows.numpy():
            self._graph.set_tensor(self._input, window)
            self._graph.invoke()
            rows.append(self._graph.get_tensor(self._scores).reshape(-1).copy())
        return torch.from_numpy(np.stack(rows))

    def __call__(self, waveform: Tensor, low_rate: Tensor) -> Tensor:
        """See :class:`Teacher`."""
        return to_logits(self.probabilities(windows_of(low_rate, YAMNET_WINDOW, YAMNET_HOP)).mean(0))


class Mn04:
    """EfficientAT mn04 on the whole waveform.

    Args:
        weights: ``mn04_as_mAP_432.pt``.
        labels: ``mn04_class_labels_indices.csv``.
    """

    def __init__(self, weights: Path, labels: Path) -> None:
        self.encoder = MobileNetStudent(initial_student(weights, labels))

    def __call__(self, waveform: Tensor, low_rate: Tensor) -> Tensor:
        """See :class:`Teacher`; a waveform shorter than 2 s is padded with silence."""
        padded = functional.pad(waveform, (0, max(0, self.encoder.window - len(waveform))))
        probabilities = self.encoder(padded[None]).class_probabilities
        assert probabilities is not None
        return to_logits(probabilities[0])


class MeanTeacher:
    """The mean of the logits of several teachers."""

    def __init__(self, *teachers: Teacher) -> None:
        self.teachers = teachers

    def __call__(self, waveform: Tensor, low_rate: Tensor) -> Tensor:
        """See :class:`Teacher`."""
        return torch.stack([teacher(waveform, low_rate) for teacher in self.teachers]).mean(0)


def open_teachers(models: Path) -> tuple[Mn04, Yamnet]:
    """The teachers of the folder ``models``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yamnet = Yamnet(models / "yamnet.tflite")
    return Mn04(models / "mn04_as_mAP_432.pt", models / "mn04_class_labels_indices.csv"), yamnet


def low_rate_of(waveform: Tensor) -> Tensor:
    """A waveform (S,) at 32 kHz, even S, at 16 kHz by an ideal low-pass filter: (S / 2,)."""
    spectrum = torch.fft.rfft(waveform)
    half = len(waveform) * SAMPLE_RATE // 32_000
    low: Tensor = torch.fft.irfft(spectrum[: half // 2 + 1], half)
    return low * (half / len(waveform))
