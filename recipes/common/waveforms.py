"""Training sounds of five seconds: one kind is loud, as it might be recorded anywhere.

A recording is cut or repeated, played faster or slower, coloured by an equaliser, put in a room; noise lies
beneath, and now and then something else, quieter. Deterministic by the generator that is passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.common.media_bank import SILENT
from recipes.common.mixtures import rms

RATE, SECONDS = 16_000, 5
LENGTH = RATE * SECONDS
PADDED = 1 << 17
FREQUENCIES = np.fft.rfftfreq(PADDED, 1 / RATE)
Floats = NDArray[np.float32]
Spectrum = NDArray[np.complexfloating[Any, Any]]


class Recordings:
    """The recordings of a library, by kind."""

    def __init__(self, sounds: Path) -> None:
        named = {path.name: sorted(path.glob("*.npy")) for path in sorted(sounds.iterdir())}
        self.paths = {name: paths for name, paths in named.items() if paths and name != SILENT}

    def __call__(self, name: str, draw: np.random.Generator) -> tuple[Floats, str]:
        """A clip (80000,) float32 in [-1, 1] in which ``name`` is the loudest, and which recording it is."""
        main, stem = self._alone(name, draw)
        total = main
        if draw.random() < 0.15:
            others = [other for other in self.paths if other != name]
            quiet, _ = self._alone(others[draw.integers(len(others))], draw)
            total = total + 10 ** (-float(draw.uniform(12, 26)) / 20) * quiet
        if draw.random() < 0.7:
            total = total + 10 ** (-float(draw.uniform(4, 45)) / 20) * noise(draw)
        return levelled(total, draw), f"{name}/{stem}"

    def together(self, names: Sequence[str], draw: np.random.Generator) -> Floats:
        """The sum of several kinds, about equally loud, as audio mixing makes it."""
        total = sum((self(name, draw)[0] for name in names), np.zeros(LENGTH, np.float32))
        return np.asarray(total / max(1.0, float(np.abs(total).max())), np.float32)

    def _alone(self, name: str, draw: np.random.Generator) -> tuple[Floats, str]:
        path = self.paths[name][draw.integers(len(self.paths[name]))]
        recording = np.load(path).astype(np.float32) / 32_768
        clip = fitted(sped(recording, draw), draw)
        return coloured(clip / max(rms(clip), 1e-4), draw), path.stem


def sped(recording: Floats, draw: np.random.Generator) -> Floats:
    """At another speed, which moves the pitch, more often than not."""
    if draw.random() < 0.35:
        return recording
    speed = float(np.exp(draw.normal(0, 0.12)))
    count = max(2, int(len(recording) / speed))
    faster = np.interp(np.arange(count) * speed, np.arange(len(recording)), recording)
    return np.asarray(faster, np.float32)


def fitted(recording: Floats, draw: np.random.Generator) -> Floats:
    """Five seconds of a recording: a piece of a long one, a short one said again and again with pauses."""
    if len(recording) >= LENGTH:
        starts = draw.integers(0, len(recording) - LENGTH + 1, size=2)
        return max((recording[start : start + LENGTH] for start in starts), key=rms)
    clip = np.zeros(LENGTH, np.float32)
    longest = RATE if draw.random() < 0.8 else 3 * RATE
    place = int(draw.integers(0, RATE // 2))
    while place < LENGTH:
        count = min(len(recording), LENGTH - place)
        clip[place : place + count] = recording[:count]
        place += len(recording) + int(draw.integers(RATE // 20, longest))
    return clip


def coloured(clip: Floats, draw: np.random.Generator) -> Floats:
    """Through an equaliser, a band limit, a room, each of them sometimes; RMS stays 1."""
    spectrum: Spectrum = np.fft.rfft(clip, PADDED).astype(np.complex64)
    if draw.random() < 0.5:
        knots = np.geomspace(60, 8_000, 7)
        gains = np.interp(np.log(FREQUENCIES + 1), np.log(knots), draw.normal(0, 5, len(knots)))
        spectrum = spectrum * (10 ** (gains / 20)).astype(np.float32)
    if draw.random() < 0.15:
        spectrum = spectrum / (1 + (FREQUENCIES / draw.uniform(2_000, 6_000)) ** 8).astype(np.float32)
    if draw.random() < 0.3:
        decay = float(draw.uniform(0.05, 0.6))
        count = int(decay * RATE)
        tail = draw.normal(size=count) * np.exp(-6.9 * np.arange(count) / count)
        tail *= float(draw.uniform(0.1, 0.8)) / np.sqrt((tail**2).sum())
        tail[0] += 1
        spectrum = spectrum * np.fft.rfft(tail, PADDED).astype(np.complex64)
    sound = np.fft.irfft(spectrum, PADDED)[:LENGTH].astype(np.float32)
    return np.asarray(sound / max(rms(sound), 1e-4), np.float32)


def noise(draw: np.random.Generator) -> Floats:
    """Noise of a random slope, white to brown, RMS 1."""
    spectrum = np.fft.rfft(draw.normal(size=LENGTH))
    slope = (1 + np.arange(len(spectrum))) ** -float(draw.uniform(0, 1))
    sound = np.fft.irfft(spectrum * slope, LENGTH).astype(np.float32)
    return np.asarray(sound / rms(sound), np.float32)


def levelled(sound: Floats, draw: np.random.Generator) -> Floats:
    """At a random level."""
    goal = float(draw.uniform(0.1, 1.0)) if draw.random() < 0.9 else float(10 ** draw.uniform(-2, 0))
    return np.asarray(sound * (goal / (float(np.abs(sound).max()) + 1e-6)), np.float32)
