"""Mono of several channels in which nothing that is loud in one channel is lost.

The usual mono is a weighted sum of the channels. It cancels what is in opposite phase, as of a miswired
microphone: each ear hears it, and the sum is silence. Where the usual mono is much weaker than the loudest
channel, that channel is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

MIN_SHARE = 0.5
"""Least RMS of the usual mono as a share of that of the loudest channel."""
MEMORY = 0.2
"""Seconds over which levels are averaged."""
CLEARLY = 2.0
"""Ratio of energies from which another channel is the loudest one."""
FADE = 0.02
"""Seconds from one mono to the other."""
INTEGER_PEAK = {"u1": 128, "i2": 1 << 15, "i4": 1 << 31}
"""Greatest value of integer samples, by type."""


class Downmix:
    """Prepares decoded frames, in order, for a resampler that makes them mono.

    A frame whose usual mono is strong enough is returned as it is. Of others all channels hold the loudest
    one, so that any mean of them is that channel. Between the two there is a short fade.
    """

    def __init__(self) -> None:
        self._energy: NDArray[np.float64] | None = None
        self._share: float | None = None
        self._to_mono: av.AudioResampler | None = None
        self._kind: tuple[str, str, int] | None = None
        self._loudest = 0
        self._gain = 1.0  # of the usual mono of equal channels

    def __call__(self, frame: av.AudioFrame) -> av.AudioFrame:
        """The frame, or one of the same format with equal channels."""
        channels = frame.layout.nb_channels
        if channels < 2 or frame.samples == 0:
            return frame
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            self._kind, self._energy, self._share = kind, None, None
            self._to_mono = av.AudioResampler("fltp", "mono", frame.sample_rate)
            self._gain = float(self._mean(_like(frame, np.ones(frame.samples, np.float32)))[0])
        samples = _to_float(frame)
        energy = self._measure(frame, samples)
        keep = math.exp(-frame.samples / (MEMORY * frame.sample_rate))
        self._energy = energy if self._energy is None else keep * self._energy + (1 - keep) * energy
        loudest = self._choose(self._energy[:-1])
        share = 1.0 if self._energy[-1] < MIN_SHARE**2 * self._energy[loudest] else 0.0
        before, self._share = share if self._share is None else self._share, share
        if not before and not share:
            return frame
        mono = self._mean(frame)
        faded = np.full(len(mono), share, np.float32)
        ramp = np.linspace(before, share, max(1, round(FADE * frame.sample_rate)), dtype=np.float32)
        faded[: len(ramp)] = ramp[: len(mono)]
        mixed = ((1 - faded) * mono + faded * samples[loudest]) / np.float32(self._gain)
        return _like(frame, mixed.astype(np.float32))

    def _choose(self, energies: NDArray[np.float64]) -> int:
        """The loudest channel; of nearly equal ones that of the frame before, as the phase differs."""
        loudest = int(energies.argmax())
        if self._share != 1.0 or energies[loudest] > CLEARLY * energies[self._loudest]:
            self._loudest = loudest
        return self._loudest

    def _measure(self, frame: av.AudioFrame, samples: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Energies of the channels of a frame, and of its usual mono at the end: (C + 1,)."""
        count = frame.samples
        energies = [float(channel @ channel) / count for channel in samples]
        if len(samples) == 2:  # by far the most files: their mean needs no samples of its own
            both = (
                (energies[0] + energies[1] + 2 * float(samples[0] @ samples[1]) / count) * self._gain**2 / 4
            )
        else:
            mono = self._mean(frame)
            both = float(mono @ mono) / count
        return np.array([*energies, both])

    def _mean(self, frame: av.AudioFrame) -> NDArray[np.float32]:
        """The usual mono of a frame: (S,) float32."""
        assert self._to_mono is not None
        pts, frame.pts = frame.pts, None
        parts = self._to_mono.resample(frame)  # without a change of rate nothing is held back
        frame.pts = pts
        return np.concatenate([part.to_ndarray()[0] for part in parts])


def _to_float(frame: av.AudioFrame) -> list[NDArray[np.float32]]:
    """Samples of the channels of a frame, (S,) each, in [-1, 1]."""
    if frame.format.name == "fltp":  # of nearly all codecs; views of the planes cost least
        return [np.frombuffer(plane, np.float32, frame.samples) for plane in frame.planes]
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    peak = INTEGER_PEAK.get(array.dtype.str[1:])
    if peak is None:
        return list(np.ascontiguousarray(array, np.float32))
    return list((array.astype(np.float32) - (peak if array.dtype.kind == "u" else 0)) / np.float32(peak))


def _like(frame: av.AudioFrame, mono: NDArray[np.float32]) -> av.AudioFrame:
    """A frame of the format of another one, all of whose channels are ``mono`` (S,)."""
    channels, dtype = frame.layout.nb_channels, frame.to_ndarray().dtype
    peak = INTEGER_PEAK.get(dtype.str[1:])
    if peak is not None:
        offset = peak if dtype.kind == "u" else 0
        limits = np.iinfo(dtype)
        mono = np.clip(np.rint(mono.astype(np.float64) * peak) + offset, limits.min, limits.max)
    row = mono.astype(dtype)
    array = np.tile(row, (channels, 1)) if frame.format.is_planar else np.repeat(row, channels)[None]
    result = av.AudioFrame.from_ndarray(np.ascontiguousarray(array), frame.format.name, frame.layout.name)
    result.sample_rate = frame.sample_rate
    return result
