"""Audio in steps of a tenth of a second: level, activity, classes, and the probability of every mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.core.types import AudioFeatures, EncodedImage
from seac.decision.audio_steps import QUIETEST, StepRule, active_steps, step_levels
from seac.decision.stationary_noise import is_stationary_noise
from seac.encoders.audio.windows import windows_of
from seac.pipeline import SeAC
from seac.results.values import STEP, AudioSteps

SOURCES = 3
"""Likeliest classes of a step that are kept."""
BATCH = 16
"""Windows that are encoded at a time."""


class WaveformReader(Protocol):
    """Reads a waveform in order of time, as :class:`seac.media.decode.AudioReader` does."""

    def read(self, start: float, stop: float) -> Tensor:
        """The mono waveform from ``start`` to ``stop`` seconds, shorter at the end of the audio: (S,)."""
        ...


@dataclass(frozen=True)
class StepWindows:
    """Audio windows of one length, some of which several steps share.

    Attributes:
        features: of W windows, the mean over the encoder's windows in each.
        rows: (A,) int64 window of each active step.
    """

    features: AudioFeatures
    rows: Tensor


@dataclass(frozen=True)
class StepAudio:
    """Audio of S consecutive steps, A of them active.

    Attributes:
        first: number of the first step.
        level: (S,) float32 dBFS.
        active: (S,) bool.
        noise: (S,) bool.
        windows: of the active steps, for each length of windows.
    """

    first: int
    level: NDArray[np.float32]
    active: NDArray[np.bool_]
    noise: NDArray[np.bool_]
    windows: tuple[StepWindows, ...]

    def __len__(self) -> int:
        return len(self.level)


class StepReader:
    """Reads the audio of a video step by step; memory does not grow with its length.

    Args:
        audio: the audio at the sample rate of the model's audio encoder; None for none.
        model: encodes the audio; its settings give the length of a window.
        rule: constants.
    """

    def __init__(self, audio: WaveformReader | None, model: SeAC, rule: StepRule | None = None) -> None:
        self.rule = rule or StepRule()
        self._audio, self._model = audio, model
        self.sample_rate = model.stages.audio.sample_rate
        self._step = round(STEP * self.sample_rate)
        self._longest = round(model.settings.audio_window * self.sample_rate)
        self._windows = [(round(share * self._longest), hop) for share, hop in self.rule.windows]
        self._samples, self._begin = np.zeros(0, np.float32), 0
        self._total: int | None = 0 if audio is None else None
        self._levels, self._first_level = np.zeros(0, np.float32), 0
        self._features: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    @property
    def steps(self) -> int | None:
        """Number of steps of the audio; None before its end is reached."""
        return None if self._total is None else -(-self._total // self._step)

    def waveform(self, start: float, stop: float) -> Tensor:
        """The waveform from ``start`` to ``stop`` seconds, as far as there is audio: (S,) float32.

        Args:
            start: seconds, not before the window of the first step of the next :meth:`take`.
            stop: seconds.
        """
        last = round(stop * self.sample_rate)
        self._fill(last)
        first = max(0, round(start * self.sample_rate)) - self._begin
        return torch.from_numpy(self._samples[max(0, first) : max(0, last - self._begin)].copy())

    def take(self, first: int, last: int) -> StepAudio:
        """The steps from ``first`` to ``last``, exclusive; calls go on where the call before ended.

        Steps after the end of the audio are silent.
        """
        begin = max(0, first - self.rule.around)
        level = self._level(begin, last + self.rule.around)
        floor = self._model.stages.calibration.floor
        own = slice(first - begin, last - begin)
        active = active_steps(level, floor, self.rule)[own]
        noise = self._noise(first, last) & active
        active &= ~noise
        rows = (first + np.flatnonzero(active)).tolist()
        windows = tuple(self._encode(rows, *window) for window in self._windows)
        self._forget(last)
        return StepAudio(first, level[own], active, noise, windows)

    def _fill(self, until: int) -> None:
        have = self._begin + len(self._samples)
        if self._total is not None or until <= have or self._audio is None:
            return
        until = max(until, have + self.sample_rate)
        chunk = self._audio.read(have / self.sample_rate, until / self.sample_rate).numpy()
        self._samples = np.concatenate([self._samples, chunk])
        if len(chunk) < until - have:
            self._total = have + len(chunk)

    def _level(self, first: int, last: int) -> NDArray[np.float32]:
        """Levels of steps, the first not before that of the last call; after the end of the audio -120."""
        known = self._first_level + len(self._levels)
        if last > known:
            self._fill(last * self._step)
            samples = self._samples[known * self._step - self._begin : last * self._step - self._begin]
            found = step_levels(samples, self._step) if len(samples) else np.zeros(0, np.float32)
            rest = np.full(last - known - len(found), QUIETEST, np.float32)
            self._levels = np.concatenate([self._levels, found, rest])
        drop = first - self._first_level
        self._levels, self._first_level = self._levels[drop:], first
        return self._levels[: last - first]

    def _window_start(self, step: int, window: int) -> int:
        """First sample of the window in the middle of a step; windows stay inside the audio."""
        start = round((step + 0.5) * self._step) - window // 2
        self._fill(start + window)
        if self._total is not None:
            start = min(start, self._total - window)
        return max(0, start)

    def _encode(self, steps: list[int], window: int, hop: int) -> StepWindows:
        """The windows of one length around steps."""
        if not steps:
            nothing = AudioFeatures(torch.zeros(0, self._model.stages.audio.dim), None)
            return StepWindows(nothing, torch.zeros(0, dtype=torch.int64))
        starts = [self._window_start(step // hop * hop + hop // 2, window) for step in steps]
        unique = sorted(set(starts))
        new = [(window, start) for start in unique if (window, start) not in self._features]
        for begin in range(0, len(new), BATCH):
            self._encode_windows(new[begin : begin + BATCH])
        embeddings, probabilities = zip(*(self._features[window, start] for start in unique), strict=True)
        classes = torch.stack(probabilities)
        features = AudioFeatures(torch.stack(embeddings), classes if classes.shape[1] else None)
        row = {start: number for number, start in enumerate(unique)}
        return StepWindows(features, torch.tensor([row[start] for start in starts]))

    @torch.inference_mode()
    def _encode_windows(self, keys: list[tuple[int, int]]) -> None:
        """Encode windows of one length, given as (samples, first sample)."""
        encoder = self._model.stages.audio
        parts = [self._windows_in(start, window) for window, start in keys]
        found = encoder(torch.cat(parts))
        first = 0
        for key, part in zip(keys, parts, strict=True):
            rows = slice(first, first + len(part))
            classes = found.class_probabilities
            own = torch.zeros(0) if classes is None else classes[rows].float().cpu().mean(0)
            self._features[key] = found.embeddings[rows].float().cpu().mean(0), own
            first += len(part)

    def _windows_in(self, start: int, window: int) -> Tensor:
        """The encoder's windows in a window: (n, encoder.window), or (1, window) if it takes that length."""
        encoder = self._model.stages.audio
        samples = self._samples[start - self._begin : start - self._begin + window]
        return windows_of(torch.from_numpy(samples.copy()), encoder.window, encoder.hop)

    def _noise(self, first: int, last: int) -> NDArray[np.bool_]:
        """Whether the window of each step is stationary noise, tested every second."""
        noise = np.zeros(last - first, np.bool_)
        if self._model.stages.calibration.noise_gate:
            second = round(1 / STEP)
            for step in range(first, last):
                middle = step // second * second + second // 2
                if step == first or step % second == 0:
                    start = self._window_start(middle, self._longest) - self._begin
                    samples = torch.from_numpy(self._samples[max(0, start) : start + self._longest].copy())
                    found = is_stationary_noise(samples, self.sample_rate)
                noise[step - first] = found
        return noise

    def _forget(self, step: int) -> None:
        """Drop what no later step needs."""
        hop = max(hop for _, hop in self._windows)
        start = self._window_start(step - hop, self._longest)
        self._features = {key: value for key, value in self._features.items() if key[1] >= start}
        drop = min(start - self._begin, len(self._samples))
        if drop > self.sample_rate:
            self._samples, self._begin = self._samples[drop:].copy(), self._begin + drop


def window_logits(model: SeAC, image: EncodedImage, audio: AudioFeatures) -> Tensor:
    """Logits (S, N) of the masks of a key frame in each of S windows, before they are joined."""
    stages, weight = model.stages, model.settings.objectness
    similarity = stages.association.of_windows(image.embeddings, audio).float().cpu()
    return stages.sounding_head.window_logits(similarity, image, audio, weight)


@torch.inference_mode()
def step_probabilities(model: SeAC, image: EncodedImage, audio: StepAudio) -> Tensor:
    """Probability (S, N) that each mask of a key frame sounds in each of S steps; 0 in inactive steps."""
    probability = torch.zeros(len(audio), len(image.embeddings))
    if not probability.numel() or not audio.active.any():
        return probability
    logits = [window_logits(model, image, each.features)[each.rows] for each in audio.windows]
    joined = model.stages.sounding_head.join(torch.stack(logits).mean(0), image)
    probability[torch.from_numpy(audio.active)] = model.stages.calibration.probability(joined).cpu()
    return probability


def as_audio_steps(audio: StepAudio, probability: Tensor, key_frame: int) -> AudioSteps:
    """The steps of a key frame as values.

    Args:
        audio: S steps.
        probability: (S, N) of the masks of the key frame.
        key_frame: position of the key frame.
    """
    count = len(audio)
    sources = np.full((count, SOURCES), -1, np.int64)
    likely = np.zeros((count, SOURCES), np.float32)
    classes = [
        each.features.class_probabilities[each.rows]
        for each in audio.windows
        if each.features.class_probabilities is not None
    ]
    if classes:
        mean = torch.stack(classes).mean(0)
        values, columns = mean.topk(min(SOURCES, mean.shape[1]), dim=1)
        sources[audio.active, : columns.shape[1]] = columns.numpy()
        likely[audio.active, : columns.shape[1]] = values.numpy()
    return AudioSteps(
        level=audio.level,
        silent=~audio.active & ~audio.noise,
        noise=audio.noise,
        sources=sources,
        source_probabilities=likely,
        key_frame=np.full(count, key_frame, np.int64),
        probability=tuple(probability.numpy().astype(np.float32)),
    )


def concatenate(parts: Sequence[AudioSteps]) -> AudioSteps:
    """The steps of several parts, one after another."""
    return AudioSteps(
        level=np.concatenate([part.level for part in parts]),
        silent=np.concatenate([part.silent for part in parts]),
        noise=np.concatenate([part.noise for part in parts]),
        sources=np.concatenate([part.sources for part in parts]),
        source_probabilities=np.concatenate([part.source_probabilities for part in parts]),
        key_frame=np.concatenate([part.key_frame for part in parts]),
        probability=tuple(row for part in parts for row in part.probability),
    )
