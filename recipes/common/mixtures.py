"""Random mixtures of recordings for training the audio student.

A mixture has one to three sources. Each source is a random window of a recording at a random speed (which
shifts the pitch), sometimes reversed, with a random equaliser, room and level. Coloured noise is added. One
in five mixtures is an unmodified recording. The sources of a mixture are kept, because the teacher recognises
only one of several sources and labels each of them separately.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.common.recordings import Group

WINDOW = 15_600
RATE = 16_000
PADDED = 1 << 15
FREQUENCIES = np.fft.rfftfreq(PADDED, 1 / RATE)
CLEAR, LOST = 8.0, 16.0
"""Level below the loudest source in dB up to which the audibility is 1, and from which it is 0."""
Floats = NDArray[np.float32]
Spectrum = NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True)
class Mixture:
    """A window of audio with its sources.

    Attributes:
        waveform: (15600,) float32 in [-1, 1].
        parts: (n, 15600) float32 in [-1, 1], the sources at their level in the mixture; n = 0 for one source.
        audibility: (n,) float32 in [0, 1], see :func:`compute_audibility`.
    """

    waveform: Floats
    parts: Floats
    audibility: Floats


def render_mixture(groups: Sequence[Group], random: np.random.Generator) -> Mixture:
    """Render a mixture of one to three recordings."""
    if random.random() < 0.2:
        return single_source(
            scale_level(cut_window(sample_recording(groups, random), random, perturb=False), random)
        )
    count = int(random.choice([1, 2, 3], p=[0.55, 0.34, 0.11]))
    parts = np.empty((count, WINDOW), np.float32)
    for number, part in enumerate(parts):
        piece = cut_window(sample_recording(groups, random), random)
        gain = 10 ** (float(random.uniform(-14, 4) if number else 0) / 20)
        spectrum = np.fft.rfft(piece / max(rms(piece), 1e-4), PADDED).astype(np.complex64)
        part[:] = gain * np.fft.irfft(equalise(spectrum, random), PADDED)[:WINDOW]
    parts /= max(rms(parts.sum(0)), 1e-4)
    raw: Floats = parts.sum(0)
    if random.random() < 0.5:
        raw += 10 ** (-float(random.uniform(3, 45)) / 20) * coloured_noise(random)
    waveform = scale_level(raw, random)
    if count == 1:
        return single_source(waveform)
    gain = np.abs(waveform).max() / max(float(np.abs(raw).max()), 1e-6)
    return Mixture(waveform, np.clip(parts * gain, -1, 1), compute_audibility(parts))


def compute_audibility(parts: Floats) -> Floats:
    """Audibility of the sources (n, L) by their level below the loudest: (n,) float32 in [0, 1]."""
    loudness = np.array([rms(part) for part in parts]).clip(1e-6)
    below = -20 * np.log10(loudness / loudness.max())
    audibility: Floats = np.clip((LOST - below) / (LOST - CLEAR), 0, 1).astype(np.float32)
    return audibility


def single_source(waveform: Floats) -> Mixture:
    """A mixture of one source."""
    return Mixture(waveform, np.zeros((0, WINDOW), np.float32), np.zeros(0, np.float32))


def sample_recording(groups: Sequence[Group], random: np.random.Generator) -> NDArray[np.int16]:
    """Sample a group by weight, and a recording of it."""
    weights = np.cumsum([group.weight if group.recordings else 0 for group in groups])
    group = groups[int(np.searchsorted(weights, random.uniform(0, weights[-1]), side="right"))]
    return group.recordings[int(random.integers(len(group.recordings)))]


def sample_speed(random: np.random.Generator) -> float:
    """Sample a speed factor: 1, close to 1, or up to a factor of 2."""
    choice = float(random.random())
    if choice < 0.4:
        return 1.0
    return float(np.exp(random.normal(0, 0.12) if choice < 0.85 else random.uniform(-0.7, 0.7)))


def cut_window(recording: NDArray[np.int16], random: np.random.Generator, *, perturb: bool = True) -> Floats:
    """Cut a window from a recording, preferably a loud one, at a random speed if ``perturb``."""
    speed = sample_speed(random) if perturb else 1.0
    if perturb and random.random() < 0.08:
        recording = recording[::-1]
    need = int(WINDOW * speed) + 2
    if len(recording) <= need:
        piece = pad_short(to_float(recording), need, random)
    else:
        starts = random.integers(0, len(recording) - need, size=3)
        pieces = [recording[start : start + need] for start in starts]
        powers = np.array([float(np.abs(part[::16].astype(np.float32)).mean()) for part in pieces]) + 1
        best = int(powers.argmax()) if random.random() < 0.7 else 0
        piece = to_float(pieces[best])
    if speed == 1.0:
        return piece[:WINDOW]
    faster: Floats = np.interp(np.arange(WINDOW) * speed, np.arange(len(piece)), piece).astype(np.float32)
    return faster


def to_float(samples: NDArray[np.int16]) -> Floats:
    """Convert int16 samples to float32 in [-1, 1]."""
    scaled: Floats = np.divide(samples, np.float32(32_768)).astype(np.float32)
    return scaled


def pad_short(piece: Floats, need: int, random: np.random.Generator) -> Floats:
    """Extend a short recording to ``need`` samples by repetition, or by silence at random offsets."""
    if random.random() < 0.5:
        return np.resize(piece, need)
    padded = np.zeros(need, np.float32)
    start = int(random.integers(0, need - len(piece) + 1))
    padded[start : start + len(piece)] = piece
    return padded


def equalise(spectrum: Spectrum, random: np.random.Generator) -> Spectrum:
    """Apply a random equaliser, low-pass filter and room to a spectrum, each with some probability."""
    if random.random() < 0.5:
        knots = np.geomspace(60, 8_000, 7)
        gains = np.interp(np.log(FREQUENCIES + 1), np.log(knots), random.normal(0, 5, len(knots)))
        spectrum = spectrum * (10 ** (gains / 20)).astype(np.float32)
    if random.random() < 0.12:
        high = float(random.uniform(2_000, 6_000))
        spectrum = spectrum / (1 + (FREQUENCIES / high) ** 8).astype(np.float32)
    if random.random() < 0.3:
        spectrum = spectrum * room_spectrum(random)
    return spectrum


def room_spectrum(random: np.random.Generator) -> Spectrum:
    """Spectrum of a room impulse response: an impulse and exponentially decaying noise."""
    decay = float(random.uniform(0.05, 0.6))
    length = min(WINDOW, int(decay * RATE))
    tail = random.normal(size=length) * np.exp(-6.9 * np.arange(length) / (decay * RATE))
    tail *= float(random.uniform(0.1, 0.8)) / np.sqrt((tail**2).sum())
    tail[0] += 1
    return np.fft.rfft(tail, PADDED).astype(np.complex64)


def coloured_noise(random: np.random.Generator) -> Floats:
    """A window of noise with a random spectral slope (white to brown), RMS 1."""
    spectrum = np.fft.rfft(random.normal(size=WINDOW))
    slope = (1 + np.arange(len(spectrum))) ** -float(random.uniform(0, 1))
    waveform: Floats = np.fft.irfft(spectrum * slope, WINDOW).astype(np.float32)
    waveform /= rms(waveform)
    return waveform


def scale_level(waveform: Floats, random: np.random.Generator) -> Floats:
    """Scale a waveform to a random peak; a few are clipped or almost silent."""
    peak = float(np.abs(waveform).max()) + 1e-6
    goal = float(random.uniform(0.08, 1.0)) if random.random() < 0.9 else 10 ** float(random.uniform(-4, 0.6))
    clipped: Floats = np.clip(waveform * (goal / peak), -1, 1).astype(np.float32)
    return clipped


def rms(waveform: Floats) -> float:
    """The root mean square."""
    return float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))
