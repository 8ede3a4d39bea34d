"""Random mixtures of labelled segments, with rooms, noise, narrow bands and distance.

The target of a mixture is the maximum of the targets of its parts, weighted by audibility: a teacher
recognises only one of several sources, so each part keeps the label that it has alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.audio_student.segments import LENGTH, Accepted, Segments, raise_accepted
from recipes.common.levels import rms
from seac.encoders.audio.preemphasis_log_mel import RATE
from seac.encoders.labels.descriptions import audioset_names

PADDED = 90_000
FREQUENCIES = np.fft.rfftfreq(PADDED, 1 / RATE).astype(np.float32)
CLEAR, LOST = 8.0, 18.0
"""Level below the loudest part in dB up to which the audibility is 1, and from which it is 0."""
UNDER_SPEECH = ("speech", "singing", "music", "whispering", "crowd", "laughter")
"""Classes that are drawn more often as the second part."""
SHARES = {"recordings": 0.55, "media": 0.2, "packages": 0.25}
"""Sampling weight of the sources of segments; sources without segments are left out."""
Floats = NDArray[np.float32]
Spectrum = NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True)
class Mixture:
    """A training sample.

    Attributes:
        waveform: (64000,) float32 in [-1, 1] at 32 kHz.
        target: (521,) float32 class probabilities.
    """

    waveform: Floats
    target: Floats


class Mixer:
    """Renders mixtures of segments.

    The weight of a group is the square root of its number of segments, because most recordings are
    instruments.

    Args:
        segments: labelled segments.
        classes: accepted classes of known classes.
        strength: of the known classes, see :func:`raise_accepted`.
    """

    def __init__(self, segments: Segments, classes: dict[str, Accepted], strength: float) -> None:
        self.segments = segments
        logits = segments.logits.astype(np.float32)
        self.targets = 1 / (1 + np.exp(-logits))
        for index, known in enumerate(segments.known):
            if known:
                self.targets[index] = raise_accepted(self.targets[index], classes[known], strength)
        self.indices: dict[str, NDArray[np.int64]] = {}
        names = np.array(segments.groups)
        for group in sorted(set(segments.groups)):
            self.indices[group] = np.flatnonzero(names == group)
        weights = {group: len(rows) ** 0.5 for group, rows in self.indices.items()}
        totals = {
            source: sum(weight for group, weight in weights.items() if group.startswith(source))
            for source in SHARES
        }
        self.groups = tuple(self.indices)
        shares = np.array(
            [weights[g] / totals[g.split("/")[0]] * SHARES[g.split("/")[0]] for g in self.groups]
        )
        self.shares = shares / shares.sum()
        self.often = tuple(g for g in self.groups if g.split("/")[1] in UNDER_SPEECH)

    def __call__(self, random: np.random.Generator) -> Mixture:
        """Render a mixture of one to three segments, or of noise alone."""
        if random.random() < 0.06:
            return noise_alone(random)
        if random.random() < 0.3:
            piece, target = self.part(random, perturb=False)
            return Mixture(scale_level(piece, random), target)
        count = int(random.choice([1, 2, 3], p=[0.5, 0.37, 0.13]))
        parts, targets = np.empty((count, LENGTH), np.float32), np.empty((count, 521), np.float32)
        for number in range(count):
            often = number == 1 and bool(self.often) and random.random() < 0.3
            piece, targets[number] = self.part(random, often=often)
            gain = 10 ** (float(random.uniform(-15, 4) if number else 0) / 20)
            parts[number] = gain * filter_part(piece, random)
        if random.random() < 0.5:
            below = 10 ** (-float(random.uniform(-2, 40)) / 20) * rms(parts.sum(0))
            noise = wind(random) if random.random() < 0.35 else coloured_noise(random)
            parts = np.concatenate([parts, below * noise[None]])
            targets = np.concatenate([targets, np.zeros((1, 521), np.float32)])
        target = (compute_audibility(parts)[:, None] * targets).max(0)
        return Mixture(scale_level(narrow_band(parts.sum(0), random), random), target)

    def part(
        self, random: np.random.Generator, *, perturb: bool = True, often: bool = False
    ) -> tuple[Floats, Floats]:
        """A segment filled to two seconds, RMS 1, and its target."""
        group = (
            self.often[int(random.integers(len(self.often)))]
            if often
            else self.groups[int(random.choice(len(self.groups), p=self.shares))]
        )
        rows = self.indices[group]
        index = int(rows[int(random.integers(len(rows)))])
        piece: Floats = (self.segments.waveform(index) * np.float32(1 / 32_768)).astype(np.float32)
        if perturb and random.random() < 0.4:
            piece = change_speed(piece, float(np.exp(random.normal(0, 0.08))))
        filled = fill(piece, random)
        return filled / max(rms(filled), 1e-4), self.targets[index]


def compute_audibility(parts: Floats) -> Floats:
    """Audibility of the parts (n, L) by their level below the loudest: (n,) float32 in [0, 1]."""
    loudness = np.array([rms(part) for part in parts]).clip(1e-6)
    below = -20 * np.log10(loudness / loudness.max())
    audibility: Floats = np.clip((LOST - below) / (LOST - CLEAR), 0, 1).astype(np.float32)
    return audibility


def fill(piece: Floats, random: np.random.Generator) -> Floats:
    """Fill a piece to two seconds by silence at random offsets, or by repetition; longer ones are cut."""
    if len(piece) >= LENGTH:
        start = int(random.integers(0, len(piece) - LENGTH + 1))
        return piece[start : start + LENGTH]
    if random.random() < 0.5:
        return np.resize(piece, LENGTH)
    padded = np.zeros(LENGTH, np.float32)
    start = int(random.integers(0, LENGTH - len(piece) + 1))
    padded[start : start + len(piece)] = piece
    return padded


def change_speed(piece: Floats, speed: float) -> Floats:
    """Change the speed, and with it the pitch, of a piece."""
    count = max(2, int(len(piece) / speed))
    faster: Floats = np.interp(np.arange(count) * speed, np.arange(len(piece)), piece).astype(np.float32)
    return faster


def filter_part(piece: Floats, random: np.random.Generator) -> Floats:
    """Apply a random equaliser, distance and room, each with some probability; RMS 1."""
    equal, far, room = random.random(3) < (0.4, 0.15, 0.35)
    if not (equal or far or room):
        return piece
    spectrum: Spectrum = np.fft.rfft(piece, PADDED)
    if equal:
        knots = np.geomspace(60, 16_000, 8)
        gains = np.interp(np.log(FREQUENCIES + 1), np.log(knots), random.normal(0, 4, len(knots)))
        spectrum = spectrum * (10 ** (gains / 20)).astype(np.float32)
    if far:  # air absorbs high frequencies
        spectrum = spectrum / (1 + (FREQUENCIES / float(random.uniform(1_500, 6_000))) ** 2)
    if room:
        spectrum = spectrum * room_spectrum(random)
    filtered = np.fft.irfft(spectrum, PADDED)[:LENGTH].astype(np.float32)
    return np.asarray(filtered / max(rms(filtered), 1e-4), np.float32)


def room_spectrum(random: np.random.Generator) -> Spectrum:
    """Spectrum of a room impulse response: an impulse and exponentially decaying noise."""
    decay = float(random.uniform(0.05, 0.8))
    length = int(decay * RATE)
    tail = random.standard_normal(length, np.float32) * np.exp(-6.9 * np.arange(length) / length)
    tail *= float(random.uniform(0.1, 1.0)) / np.sqrt((tail**2).sum())
    tail[0] += 1
    return np.fft.rfft(tail, PADDED)


def narrow_band(waveform: Floats, random: np.random.Generator) -> Floats:
    """Sometimes a telephone (300 to 3,400 Hz, 8-bit companding), or the low-pass of a low sample rate."""
    choice = random.random()
    if choice > 0.3:
        return waveform
    phone = choice < 0.06
    high = 3_400.0 if phone else float(random.choice([4_000, 5_500, 7_500, 8_000, 11_000]))
    spectrum = np.fft.rfft(waveform)
    frequencies = np.fft.rfftfreq(LENGTH, 1 / RATE)
    spectrum[(frequencies > high) | (frequencies < (300 if phone else 0))] = 0
    narrow = np.fft.irfft(spectrum, LENGTH)
    if phone:
        scaled = narrow / max(float(np.abs(narrow).max()), 1e-6)
        companded = np.round(np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / np.log(256) * 127) / 127
        narrow = np.sign(companded) * (256 ** np.abs(companded) - 1) / 255
    return np.asarray(narrow, np.float32)


def coloured_noise(random: np.random.Generator) -> Floats:
    """Noise with a random spectral slope, white to brown, RMS 1."""
    spectrum = np.fft.rfft(random.standard_normal(LENGTH, np.float32))
    slope = (1 + np.arange(len(spectrum))) ** -float(random.uniform(0, 1))
    waveform = np.fft.irfft(spectrum * slope, LENGTH)
    return np.asarray(waveform / rms(waveform), np.float32)


def wind(random: np.random.Generator) -> Floats:
    """Low-frequency noise whose level changes slowly, as of wind at a microphone, RMS 1."""
    spectrum = np.fft.rfft(random.standard_normal(LENGTH, np.float32))
    frequencies = np.fft.rfftfreq(LENGTH, 1 / RATE)
    low = np.fft.irfft(spectrum / (1 + (frequencies / float(random.uniform(80, 400))) ** 2), LENGTH)
    knots = random.uniform(0.1, 1, 6)
    waveform = low * np.interp(np.linspace(0, 5, LENGTH), np.arange(6), knots)
    return np.asarray(waveform / rms(waveform), np.float32)


def noise_alone(random: np.random.Generator) -> Mixture:
    """Digital silence, coloured noise, or wind: a sample in which nothing in particular sounds."""
    names = audioset_names()
    target = np.zeros(521, np.float32)
    choice = random.random()
    if choice < 0.25:
        target[names.index("Silence")] = 0.9
        quiet = 10 ** float(random.uniform(-6, -3.3)) * coloured_noise(random)
        return Mixture(quiet if choice < 0.15 else np.zeros(LENGTH, np.float32), target)
    if choice < 0.45:
        target[[names.index("Wind"), names.index("Wind noise (microphone)")]] = 0.5, 0.4
        return Mixture(scale_level(wind(random), random), target)
    target[[names.index("Noise"), names.index("White noise"), names.index("Static")]] = 0.3
    return Mixture(scale_level(coloured_noise(random), random), target)


def scale_level(waveform: Floats, random: np.random.Generator) -> Floats:
    """Scale a waveform to a random peak; a few are clipped or almost silent."""
    peak = float(np.abs(waveform).max()) + 1e-6
    goal = (
        float(random.uniform(0.1, 1.0)) if random.random() < 0.8 else 10 ** float(random.uniform(-2.3, 0.4))
    )
    clipped: Floats = np.clip(waveform * (goal / peak), -1, 1).astype(np.float32)
    return clipped
