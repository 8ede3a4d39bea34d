"""Audio of which it is known when each of two things sounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_clips.pairs import choose_recording
from seac.core.errors import InputError
from seac.media.decode import load_waveform

SECONDS = 12.0
SCENARIOS = ("over silence", "over noise", "in turn", "with an off-screen source")
BACKGROUNDS = ("speech", "music", "wind", "rain", "traffic", "crowd")
"""Classes of recordings of the off-screen source."""
AUDIBLE = 30.0
"""dB under the loudest moment of a recording down to which it is audible."""
PAUSE = 0.3
"""Longest pause in seconds inside one time of sounding."""
MOMENT = 0.01
"""Seconds of a level from which the times are read."""
FADE = 0.005
RMS = 0.1
Floats = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class TimedAudio:
    """Audio of two things.

    Attributes:
        kind: one of :data:`SCENARIOS`.
        waveform: (S,) float32 in [-1, 1].
        times: (start, stop) in seconds of each time at which the first thing sounds, and the second.
    """

    kind: str
    waveform: Floats
    times: tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]


def render(recordings: Path, names: tuple[str, str], kind: str, rate: int, rng: Rng) -> TimedAudio:
    """Render audio in which recordings of one of two classes, or of both in turn, sound at random times.

    Args:
        recordings: folder with a folder a class.
        names: classes of photographs of the two things.
        kind: one of :data:`SCENARIOS`.
        rate: Hz.
        rng: of all draws.

    Raises:
        InputError: recordings are missing.
    """
    length = round(SECONDS * rate)
    parts = np.zeros((2, length), np.float32)
    side, time = int(rng.integers(2)), float(rng.uniform(0.5, 2))
    while time < SECONDS - 0.8:
        sample = excerpt(recordings, names[side], float(rng.uniform(0.4, 3.5)), rate, rng)
        first = round(time * rate)
        parts[side, first : first + len(sample)] += sample[: length - first]
        time += len(sample) / rate
        if kind == "in turn":
            side = 1 - side
            time += 0.0 if rng.random() < 0.5 else float(rng.uniform(0.4, 1.5))
        else:
            time += float(rng.uniform(0.4, 2))
    mixture = parts.sum(0) + RMS * background(recordings, kind, length, rate, rng)
    mixture *= 10 ** (-rng.uniform(0, 10) / 20)
    times = tuple(sounding_times(part, rate) for part in parts)
    return TimedAudio(kind, np.clip(mixture, -1, 1).astype(np.float32), (times[0], times[1]))


def background(recordings: Path, kind: str, length: int, rate: int, rng: Rng) -> Floats:
    """What sounds beside the things: (length,) float32, relative to their level.

    Noise of -75 dB over silence; pink noise of -10 to -30 dB; or recordings of -3 to -12 dB.
    """
    if kind == "over silence":
        return (10 ** (-55 / 20) * rng.normal(size=length)).astype(np.float32)
    if kind == "with an off-screen source":
        files = sorted((recordings / BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]).glob("*"))
        if not files:
            raise InputError(f"{recordings}: has no recordings of {', '.join(BACKGROUNDS)}")
        waveform = np.zeros(0, np.float32)
        while len(waveform) < length:
            found = load_waveform(files[int(rng.integers(len(files)))], rate).numpy()
            waveform = np.concatenate([waveform, found])
        gain = rng.uniform(3, 12)
    else:
        spectrum = np.fft.rfft(rng.normal(size=length))
        noise = np.fft.irfft(spectrum * (1 + np.arange(len(spectrum))) ** -0.5, length)
        waveform = noise.astype(np.float32)
        gain = rng.uniform(10, 30)
    waveform = waveform[:length]
    return np.asarray(10 ** (-gain / 20) * waveform / np.sqrt(np.mean(waveform**2) + 1e-9), np.float32)


def excerpt(recordings: Path, name: str, seconds: float, rate: int, rng: Rng) -> Floats:
    """An excerpt of a recording that is audible at both ends: (S,) float32 of an RMS of :data:`RMS`."""
    while True:
        waveform = load_waveform(choose_recording(recordings, name, rng), rate, 6.0).numpy()
        waveform = audible_part(waveform, rate)
        length = round(seconds * rate)
        if len(waveform) > length:
            first = int(rng.integers(0, len(waveform) - length + 1))
            waveform = audible_part(waveform[first : first + length], rate)
        if len(waveform) >= 2 * PAUSE * rate / 3:
            break
    waveform, fade = waveform.copy(), round(FADE * rate)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    waveform[:fade] *= ramp
    waveform[-fade:] *= ramp[::-1]
    return np.asarray(np.clip(waveform * RMS / np.sqrt(np.mean(waveform**2)), -1, 1), np.float32)


def audible_part(waveform: Floats, rate: int) -> Floats:
    """A waveform without the inaudible moments at its ends."""
    moments = np.flatnonzero(audible_moments(waveform, rate))
    size = round(MOMENT * rate)
    return waveform[moments[0] * size : (moments[-1] + 1) * size] if len(moments) else waveform[:0]


def audible_moments(waveform: Floats, rate: int) -> NDArray[np.bool_]:
    """Whether each moment is within :data:`AUDIBLE` dB of the loudest: (M,) bool."""
    size = round(MOMENT * rate)
    count = len(waveform) // size
    power = np.square(waveform[: count * size], dtype=np.float64).reshape(count, size).mean(1)
    power = np.convolve(power, np.ones(3) / 3, "same") if count else power
    loudest = power.max(initial=0)
    return np.asarray((power >= loudest * 10 ** (-AUDIBLE / 10)) & (loudest > 0))


def sounding_times(waveform: Floats, rate: int) -> tuple[tuple[float, float], ...]:
    """Times at which a waveform without background is audible, in seconds; short pauses belong to them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], audible_moments(waveform, rate), [0]])))
    joined: list[tuple[float, float]] = []
    for first, last in zip((edges[::2] * MOMENT).tolist(), (edges[1::2] * MOMENT).tolist(), strict=True):
        if joined and first - joined[-1][1] < PAUSE:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    return tuple(time for time in joined if time[1] - time[0] >= 0.1)


Scores = Mapping[str, float]


@dataclass
class Edges:
    """Errors of the beginnings and ends of the times, summed over scenes.

    Attributes:
        counts: steps that are sounding in both, only in the answer, only in truth, by kind.
        begins: signed errors of the beginnings in seconds.
        ends: signed errors of the ends in seconds.
        missed: beginnings and ends without an answer within :data:`FAR` seconds.
        pauses: pauses in the answer inside a time of sounding.
        times: number of times of sounding.
    """

    counts: dict[str, NDArray[np.int64]]
    begins: list[float]
    ends: list[float]
    missed: int = 0
    pauses: int = 0
    times: int = 0

    @classmethod
    def empty(cls) -> Edges:
        """No scenes."""
        return cls({}, [], [])

    def add(self, audio: TimedAudio, active: NDArray[np.bool_], step: float) -> None:
        """Add a scene; ``active`` (S, 2) says in which steps each thing sounds."""
        counts = self.counts.setdefault(audio.kind, np.zeros(3, np.int64))
        middles = (np.arange(len(active)) + 0.5) * step
        for side, times in enumerate(audio.times):
            truth = np.zeros(len(active), np.bool_)
            for start, stop in times:
                truth |= (middles >= start) & (middles < stop)
            answer = active[:, side]
            counts += [(answer & truth).sum(), (answer & ~truth).sum(), (~answer & truth).sum()]
            changes = np.diff(np.concatenate([[0], answer, [0]]).astype(np.int64))
            for start, stop in times:
                self.times += 1
                self._error(np.flatnonzero(changes == 1) * step, start, self.begins)
                self._error(np.flatnonzero(changes == -1) * step, stop, self.ends)
                inside = answer[int(np.ceil(start / step)) : int(stop / step)].astype(np.int64)
                runs = int((np.diff(inside, prepend=0) == 1).sum())
                self.pauses += max(0, runs - 1)

    def _error(self, found: NDArray[Any], time: float, errors: list[float]) -> None:
        nearest = found[np.abs(found - time).argmin()] - time if len(found) else FAR
        if abs(nearest) >= FAR:
            self.missed += 1
        else:
            errors.append(float(nearest))

    def scores(self) -> dict[str, float]:
        """F1 of all steps and by kind, quantiles of the errors, shares."""
        both, added, lost = (int(value) for value in np.sum(list(self.counts.values()), 0))
        errors = np.abs(np.array(self.begins + self.ends))
        near = float((errors <= NEAR).sum()) / (len(errors) + self.missed)
        by_kind = {kind: f1(*counts.tolist()) for kind, counts in self.counts.items()}
        return {
            "F1": f1(both, added, lost),
            "median error": float(np.median(errors)),
            "90th percentile": float(np.quantile(errors, 0.9)),
            "within 0.1 s": near,
            "missed": self.missed / (len(errors) + self.missed),
            "pauses": self.pauses / max(1, self.times),
            **by_kind,
        }


FAR = 1.0
"""Seconds from which an edge is missed."""
NEAR = 0.1 + 1e-6


def f1(both: int, added: int, lost: int) -> float:
    """F1 of counts."""
    return 2 * both / max(1, 2 * both + added + lost)
