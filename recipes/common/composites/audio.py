"""Waveforms of composites: recordings at similar levels, active in some seconds, with room noise."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from recipes.common.composites.media import Floats, Media
from recipes.common.waveforms import fit_length
from seac.media.decode import SAMPLE_RATE

LEVEL, SPREAD = -17.0, 3.0
"""Mean level of the active frames of a recording, and maximum deviation, in dB of full scale."""
NOISE = (-70.0, -52.0)
"""Range of the level of room noise, in dB of full scale."""
MAX_PAUSE = SAMPLE_RATE // 2
FADE = SAMPLE_RATE // 50 + 1
PEAK = 0.98


def to_gain(decibels: float) -> float:
    """The amplitude factor of a level in dB."""
    return float(10 ** (decibels / 20))


def render_source(rng: np.random.Generator, media: Media, name: str, seconds: int) -> Floats:
    """Render a recording of a class, cropped or repeated with pauses: (seconds * 16000,) float32."""
    path = media.recordings[name][rng.integers(len(media.recordings[name]))]
    clip = fit_length(media.recording(path), rng, seconds * SAMPLE_RATE, MAX_PAUSE)
    return np.asarray(clip * to_gain(LEVEL + rng.uniform(-SPREAD, SPREAD)), np.float32)


def render_noise(rng: np.random.Generator, seconds: int) -> Floats:
    """Render white room noise: (seconds * 16000,) float32."""
    return rng.normal(0, to_gain(rng.uniform(*NOISE)), seconds * SAMPLE_RATE).astype(np.float32)


def build_envelope(active: NDArray[np.bool_]) -> Floats:
    """The gain (T * 16000,) float32 of a source active in some of T seconds, with fades inside of them."""
    envelope = np.repeat(active, SAMPLE_RATE).astype(np.float32)
    return np.asarray(uniform_filter1d(minimum_filter1d(envelope, FADE), FADE), np.float32)


def limit_peak(waveform: Floats) -> Floats:
    """Scale a waveform down if its peak is above full scale."""
    return np.asarray(waveform * min(1.0, PEAK / max(float(np.abs(waveform).max()), 1e-6)), np.float32)


def mix_sources(
    rng: np.random.Generator, media: Media, names: tuple[str, ...], active: NDArray[np.bool_]
) -> Floats:
    """Mix a recording of each class in its active seconds with room noise.

    Args:
        rng: generator of all random choices.
        media: recordings.
        names: n classes; without classes the result is room noise.
        active: (n, T) bool, seconds in which each class is active.

    Returns:
        (T * 16000,) float32 in [-1, 1].
    """
    seconds = active.shape[1]
    total = render_noise(rng, seconds)
    for name, row in zip(names, active, strict=True):
        total = total + render_source(rng, media, name, seconds) * build_envelope(row)
    return limit_peak(total)


def write_wav(path: Path, waveform: Floats) -> None:
    """Write a waveform (S,) in [-1, 1] as 16-bit mono WAV at 16 kHz; missing folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.round(waveform.clip(-1, 1) * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
