"""Training waveforms of five seconds with one dominant class.

A recording is cropped or repeated, changed in speed, and filtered by a random equaliser and room. Noise is
added, and sometimes a quieter recording of another class. The result is a function of the random generator.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.common.levels import rms
from recipes.common.media_bank import SILENT

RATE, SECONDS = 16_000, 5
LENGTH = RATE * SECONDS
PADDED = 1 << 17
FREQUENCIES = np.fft.rfftfreq(PADDED, 1 / RATE)
Floats = NDArray[np.float32]
Spectrum = NDArray[np.complexfloating[Any, Any]]


class Recordings:
    """The recordings of a media bank by class."""

    def __init__(self, folder: Path) -> None:
        named = {path.name: sorted(path.glob("*.npy")) for path in sorted(folder.iterdir())}
        self.paths = {name: paths for name, paths in named.items() if paths and name != SILENT}

    def __call__(self, name: str, rng: np.random.Generator) -> tuple[Floats, str]:
        """A waveform (80000,) float32 in [-1, 1] with ``name`` as the loudest class, and its recording."""
        main, stem = self._render_source(name, rng)
        total = main
        if rng.random() < 0.15:
            others = [other for other in self.paths if other != name]
            quiet, _ = self._render_source(others[rng.integers(len(others))], rng)
            total = total + 10 ** (-float(rng.uniform(12, 26)) / 20) * quiet
        if rng.random() < 0.7:
            total = total + 10 ** (-float(rng.uniform(4, 45)) / 20) * coloured_noise(rng)
        return scale_level(total, rng), f"{name}/{stem}"

    def _render_source(self, name: str, rng: np.random.Generator) -> tuple[Floats, str]:
        path = self.paths[name][rng.integers(len(self.paths[name]))]
        recording = np.load(path).astype(np.float32) / 32_768
        clip = fit_length(change_speed(recording, rng), rng)
        return equalise(clip / max(rms(clip), 1e-4), rng), path.stem


def change_speed(recording: Floats, rng: np.random.Generator) -> Floats:
    """Change the speed and with it the pitch of a recording, with probability 0.65."""
    if rng.random() < 0.35:
        return recording
    speed = float(np.exp(rng.normal(0, 0.12)))
    count = max(2, int(len(recording) / speed))
    faster = np.interp(np.arange(count) * speed, np.arange(len(recording)), recording)
    return np.asarray(faster, np.float32)


def fit_length(
    recording: Floats, rng: np.random.Generator, length: int = LENGTH, max_pause: int | None = None
) -> Floats:
    """Crop a long recording, or repeat a short one with pauses.

    Args:
        recording: (S,) float32.
        rng: generator for the crop, or the pauses.
        length: length of the clip in samples.
        max_pause: maximum pause in samples, also before the first repetition; None samples one second or
            three.

    Returns:
        (length,) float32.
    """
    if len(recording) >= length:
        starts = rng.integers(0, len(recording) - length + 1, size=2)
        return max((recording[start : start + length] for start in starts), key=rms)
    clip = np.zeros(length, np.float32)
    first = RATE // 2 if max_pause is None else max_pause
    if max_pause is None:
        max_pause = RATE if rng.random() < 0.8 else 3 * RATE
    position = int(rng.integers(0, first))
    while position < length:
        count = min(len(recording), length - position)
        clip[position : position + count] = recording[:count]
        position += len(recording) + int(rng.integers(RATE // 20, max_pause))
    return clip


def equalise(clip: Floats, rng: np.random.Generator) -> Floats:
    """Apply a random equaliser, low-pass filter and room, each with some probability; the RMS is 1."""
    spectrum: Spectrum = np.fft.rfft(clip, PADDED).astype(np.complex64)
    if rng.random() < 0.5:
        knots = np.geomspace(60, 8_000, 7)
        gains = np.interp(np.log(FREQUENCIES + 1), np.log(knots), rng.normal(0, 5, len(knots)))
        spectrum = spectrum * (10 ** (gains / 20)).astype(np.float32)
    if rng.random() < 0.15:
        spectrum = spectrum / (1 + (FREQUENCIES / rng.uniform(2_000, 6_000)) ** 8).astype(np.float32)
    if rng.random() < 0.3:
        decay = float(rng.uniform(0.05, 0.6))
        count = int(decay * RATE)
        tail = rng.normal(size=count) * np.exp(-6.9 * np.arange(count) / count)
        tail *= float(rng.uniform(0.1, 0.8)) / np.sqrt((tail**2).sum())
        tail[0] += 1
        spectrum = spectrum * np.fft.rfft(tail, PADDED).astype(np.complex64)
    waveform = np.fft.irfft(spectrum, PADDED)[:LENGTH].astype(np.float32)
    return np.asarray(waveform / max(rms(waveform), 1e-4), np.float32)


def coloured_noise(rng: np.random.Generator) -> Floats:
    """Noise with a random spectral slope, white to brown, RMS 1."""
    spectrum = np.fft.rfft(rng.normal(size=LENGTH))
    slope = (1 + np.arange(len(spectrum))) ** -float(rng.uniform(0, 1))
    waveform = np.fft.irfft(spectrum * slope, LENGTH).astype(np.float32)
    return np.asarray(waveform / rms(waveform), np.float32)


def scale_level(waveform: Floats, rng: np.random.Generator) -> Floats:
    """Scale a waveform to a random peak."""
    goal = float(rng.uniform(0.1, 1.0)) if rng.random() < 0.9 else float(10 ** rng.uniform(-2, 0))
    return np.asarray(waveform * (goal / (float(np.abs(waveform).max()) + 1e-6)), np.float32)
