"""Synthetic animal calls with random pitch contours, formants, noise and pulses; the teacher labels them.

There are few free recordings of animals. Synthetic calls extend the range of pitches, formants and rates
beyond these recordings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
SECONDS = 3.0
Floats = NDArray[np.float64]


def synthesise_call(random: np.random.Generator) -> NDArray[np.int16]:
    """Synthesise three seconds of a call, once or repeated: mono int16 at 16 kHz."""
    count = round(SECONDS * RATE)
    waveform = _source(count, random)
    waveform = _formants(waveform, random) * _pulses(count, random) * _phrases(count, random)
    return np.round(30_000 * waveform / max(float(np.abs(waveform).max()), 1e-9)).astype(np.int16)


def _glide(count: int, low: float, high: float, random: np.random.Generator) -> Floats:
    """A curve (count,) through random knots between two values, on a logarithmic scale."""
    knots = np.exp(random.uniform(np.log(low), np.log(high), size=int(random.integers(2, 9))))
    centre = np.exp(random.uniform(np.log(low), np.log(high)))
    knots = centre * (knots / centre) ** float(random.choice([0.05, 0.3, 1.0]))
    positions = np.sort(random.uniform(0, count, size=len(knots)))
    return np.asarray(np.exp(np.interp(np.arange(count), positions, np.log(knots))))


def _source(count: int, random: np.random.Generator) -> Floats:
    """The excitation (count,): a periodic wave with vibrato and jitter, mixed with noise."""
    pitch = _glide(count, 50, float(random.choice([400, 1_500, 6_000])), random)
    tremble = float(random.choice([0, 0.02, 0.15])) * np.sin(
        2 * np.pi * float(random.uniform(3, 60)) * np.arange(count) / RATE
    )
    rough = float(random.choice([0, 0.01, 0.1])) * np.repeat(random.normal(size=count // 80 + 1), 80)[:count]
    phase = np.cumsum(pitch * (1 + tremble + rough)) / RATE % 1
    sharp = float(random.uniform(1, 12))
    periodic = (
        np.exp(sharp * (np.cos(2 * np.pi * phase) - 1))
        if random.random() < 0.75
        else np.sin(2 * np.pi * phase)
    )
    breath = float(random.choice([0.0, 0.02, 0.2, 1.0], p=[0.3, 0.35, 0.2, 0.15]))
    return np.asarray(periodic - periodic.mean() + breath * random.normal(size=count))


def _formants(waveform: Floats, random: np.random.Generator) -> Floats:
    """Filter a waveform with two to five resonances and a spectral slope."""
    spectrum = np.fft.rfft(waveform)
    hertz = np.fft.rfftfreq(len(waveform), 1 / RATE)
    gain = np.full(len(hertz), float(random.uniform(0, 0.2)))
    for centre in np.exp(random.uniform(np.log(200), np.log(7_000), size=int(random.integers(2, 6)))):
        wide = centre * float(random.uniform(0.05, 0.4))
        gain += float(random.uniform(0.2, 1)) / (1 + ((hertz - centre) / wide) ** 2)
    gain *= (1 + hertz / 300) ** -float(random.uniform(0, 1.5))
    return np.asarray(np.fft.irfft(spectrum * gain, len(waveform)))


def _pulses(count: int, random: np.random.Generator) -> Floats:
    """An amplitude modulation (count,) of 2 to 60 Hz, or none."""
    if random.random() < 0.5:
        return np.ones(count)
    rate = _glide(count, 2, 60, random)
    sharp = float(random.uniform(0.5, 15))
    return np.asarray(np.exp(sharp * (np.cos(2 * np.pi * np.cumsum(rate) / RATE) - 1)))


def _phrases(count: int, random: np.random.Generator) -> Floats:
    """The amplitude envelope (count,) of one long call, or of several calls with pauses."""
    envelope = np.zeros(count)
    length = int(RATE * float(np.exp(random.uniform(np.log(0.06), np.log(2.5)))))
    rest = int(RATE * float(random.uniform(0.05, 0.8)))
    attack = max(1, int(length * float(random.uniform(0.02, 0.4))))
    for start in range(int(random.integers(0, rest + 1)), count, length + rest):
        end = min(count, start + length)
        time = np.arange(end - start)
        envelope[start:end] = np.minimum(time / attack, 1) * np.minimum(
            (length - time) / max(1, length // 3), 1
        )
    return envelope
