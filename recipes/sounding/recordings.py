"""Clips of two seconds for training: recordings with variations, mixtures, backgrounds and noise, encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recipes.sounding.sources import PREFIX_QUIET, recording_sources
from seac.core.types import AudioFeatures
from seac.encoders.base import AudioEncoder
from seac.media.decode import load_waveform

SECONDS = 2
MAX_SECONDS = 8.0
"""Seconds of a recording that are used."""
NOISE = "noise"
"""Class of clips without a source."""
BACKGROUNDS = ("music", "speech", "wind", "rain", "traffic", "crowd", "singing")
ALIASES = {"person": "speech"}
"""Class folders under another name."""
BATCH = 32
Floats = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class ClipCounts:
    """Number of clips of each type.

    Attributes:
        variations: of each recording; recordings of rare classes have up to twice as many.
        mixtures: of two classes.
        backgrounds: clips of a class over a quieter background.
        noises: without a source.
    """

    variations: int = 6
    mixtures: int = 4000
    backgrounds: int = 2500
    noises: int = 500


@dataclass(frozen=True)
class Clips:
    """Encoded clips.

    Attributes:
        embeddings: (n, d_a) float16.
        class_probabilities: (n, D) float16.
        classes: classes audible in each clip; a quiet background has the prefix "~", noise is (NOISE,).
        recordings: the recording of each clip's first class.
    """

    embeddings: Tensor
    class_probabilities: Tensor
    classes: tuple[tuple[str, ...], ...]
    recordings: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write to a file, atomically."""
        temporary = path.with_suffix(".tmp")
        torch.save(self.__dict__, temporary)
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Clips:
        """Read a file written by :meth:`save`."""
        return cls(**torch.load(path, weights_only=True))


class Renderer:
    """Renders clips from folders of recordings, ``<class>/*.ogg``.

    Args:
        folders: folders with one folder a class; classes of no sound source table row are not used.
        rate: sample rate of the clips in Hz.
        seed: of all draws.
    """

    def __init__(self, folders: Sequence[Path], rate: int, seed: int) -> None:
        self.rate, self.length = rate, SECONDS * rate
        self.rng = np.random.default_rng(seed)
        self.paths: dict[str, list[Path]] = {}
        for folder in folders:
            for path in sorted(folder.glob("*/*.ogg")):
                name = ALIASES.get(path.parent.name, path.parent.name)
                if name in recording_sources():
                    self.paths.setdefault(name, []).append(path)
        self.waveforms = {
            path: load_waveform(path, rate, MAX_SECONDS).numpy()
            for paths in self.paths.values()
            for path in paths
        }

    def __call__(self, counts: ClipCounts) -> Iterator[tuple[Floats, tuple[str, ...], str]]:
        """Yield waveforms (S,), the classes in each, and the recording of the first."""
        for name, paths in self.paths.items():
            share = max(counts.variations, min(2 * counts.variations, 6 * counts.variations // len(paths)))
            for path in paths:
                for _ in range(share):
                    yield self._level(self._noisy(self._vary(path))), (name,), str(path)
        for _ in range(counts.mixtures):
            (first, path), (second, other) = self._pick(), self._pick()
            if first != second:
                gain = 10 ** (self.rng.uniform(-8, 8) / 20)
                yield self._level(self._vary(path) + gain * self._vary(other)), (first, second), str(path)
        quiet = [name for name in BACKGROUNDS if name in self.paths]
        for _ in range(counts.backgrounds if quiet else 0):
            (name, path), background = self._pick(), quiet[self.rng.integers(len(quiet))]
            other = self.paths[background][self.rng.integers(len(self.paths[background]))]
            gain = 10 ** (-self.rng.uniform(6, 16) / 20)
            waveform = self._level(self._vary(path) + gain * self._vary(other))
            yield waveform, (name, PREFIX_QUIET + background), str(path)
        for _ in range(counts.noises):
            yield self._ground(), (NOISE,), NOISE

    def _pick(self) -> tuple[str, Path]:
        names = list(self.paths)
        name = names[self.rng.integers(len(names))]
        return name, self.paths[name][self.rng.integers(len(self.paths[name]))]

    def _vary(self, path: Path) -> Floats:
        """Change speed, crop or repeat, filter, and add a room, each with some probability; RMS 1."""
        rng, waveform = self.rng, self.waveforms[path]
        if rng.random() < 0.4:
            speed = float(np.exp(rng.normal(0, 0.07)))
            position = np.arange(max(2, int(len(waveform) / speed))) * speed
            waveform = np.interp(position, np.arange(len(waveform)), waveform).astype(np.float32)
        clip = self._fit(waveform)
        if rng.random() < 0.4:
            clip = self._equalise(clip)
        if rng.random() < 0.25:
            clip = self._room(clip)
        return np.asarray(clip / rms(clip), np.float32)

    def _fit(self, waveform: Floats) -> Floats:
        """Crop to the louder of two random positions, or repeat with pauses."""
        rng, length = self.rng, self.length
        if len(waveform) >= length:
            starts = rng.integers(0, len(waveform) - length + 1, 2)
            return max((waveform[start : start + length] for start in starts), key=rms)
        clip = np.zeros(length, np.float32)
        position = int(rng.integers(0, self.rate // 4))
        while position < length:
            count = min(len(waveform), length - position)
            clip[position : position + count] += waveform[:count]
            position += len(waveform) + int(rng.integers(self.rate // 10, self.rate // 2))
        return clip

    def _equalise(self, clip: Floats) -> Floats:
        spectrum: NDArray[Any] = np.fft.rfft(clip)
        hertz = np.fft.rfftfreq(len(clip), 1 / self.rate)
        knots = np.geomspace(60, 0.45 * self.rate, 8)
        spectrum = spectrum * 10 ** (
            np.interp(np.log(hertz + 1), np.log(knots), self.rng.normal(0, 4, 8)) / 20
        )
        if self.rng.random() < 0.3:
            spectrum = spectrum / (1 + (hertz / self.rng.uniform(3_000, 9_000)) ** 8)
        return np.fft.irfft(spectrum, len(clip)).astype(np.float32)

    def _room(self, clip: Floats) -> Floats:
        """Convolve with an impulse and exponentially decaying noise."""
        count = int(self.rng.uniform(0.05, 0.5) * self.rate)
        tail = self.rng.normal(size=count) * np.exp(-6.9 * np.arange(count) / count)
        tail *= self.rng.uniform(0.1, 0.6) / np.sqrt((tail**2).sum())
        tail[0] += 1
        size = 2 * len(clip)
        spectrum = np.fft.rfft(clip, size) * np.fft.rfft(tail, size)
        return np.fft.irfft(spectrum, size)[: len(clip)].astype(np.float32)

    def _noise(self) -> Floats:
        """Noise of a random spectral slope, white to brown; RMS 1."""
        spectrum = np.fft.rfft(self.rng.normal(size=self.length))
        slope = (1 + np.arange(len(spectrum))) ** -self.rng.uniform(0, 1)
        noise = np.fft.irfft(spectrum * slope, self.length).astype(np.float32)
        return np.asarray(noise / rms(noise), np.float32)

    def _noisy(self, clip: Floats) -> Floats:
        if self.rng.random() > 0.6:
            return clip
        return np.asarray(clip + 10 ** (-self.rng.uniform(6, 45) / 20) * self._noise(), np.float32)

    def _ground(self) -> Floats:
        """Noise, at times with mains hum, at any level."""
        clip = self._noise()
        if self.rng.random() < 0.3:
            time = np.arange(self.length) / self.rate
            hertz = float(self.rng.choice([50, 60, 100, 120]))
            hum = sum(np.sin(2 * np.pi * hertz * order * time) / order for order in range(1, 5))
            clip = (0.3 * clip + hum).astype(np.float32)
        return np.asarray(clip * 10 ** (self.rng.uniform(-60, -15) / 20), np.float32)

    def _level(self, clip: Floats) -> Floats:
        """Scale to a random peak."""
        peak = float(np.abs(clip).max()) + 1e-6
        goal = self.rng.uniform(0.08, 1) if self.rng.random() < 0.85 else 10 ** self.rng.uniform(-2, 0)
        return np.asarray(np.clip(clip * (goal / peak), -1, 1), np.float32)


def rms(waveform: Floats) -> float:
    """Return the root mean square, at least 1e-9."""
    return float(np.sqrt(np.mean(waveform**2)) + 1e-9)


def encode_clips(renderer: Renderer, counts: ClipCounts, encoder: AudioEncoder) -> Clips:
    """Render and encode all clips.

    Raises:
        ValueError: the encoder has no classes.
    """
    parts: list[AudioFeatures] = []
    classes: list[tuple[str, ...]] = []
    recordings: list[str] = []
    waiting: list[Floats] = []

    def encode() -> None:
        if waiting:
            parts.append(encoder(torch.from_numpy(np.stack(waiting))))
            waiting.clear()

    for waveform, names, recording in renderer(counts):
        waiting.append(waveform)
        classes.append(names)
        recordings.append(recording)
        if len(waiting) == BATCH:
            encode()
    encode()
    probabilities = [part.class_probabilities for part in parts if part.class_probabilities is not None]
    if len(probabilities) != len(parts):
        raise ValueError("this audio encoder has no classes")
    embeddings = torch.cat([part.embeddings for part in parts]).half()
    return Clips(embeddings, torch.cat(probabilities).half(), tuple(classes), tuple(recordings))
