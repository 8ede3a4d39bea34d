"""Mono keeps what is loud in one channel, and is the usual one where that is loud enough."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from seac.media.audio import align_to_clock
from seac.media.downmix import Downmix

RATE = 48_000
TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)


def frames_of(channels: np.ndarray, layout: str, kind: str = "fltp") -> list[av.AudioFrame]:
    """Frames of 1,024 samples of (C, S) in [-1, 1]."""
    frames = []
    for first in range(0, channels.shape[1], 1024):
        part = np.ascontiguousarray(channels[:, first : first + 1024])
        if kind == "s16":
            part = np.ascontiguousarray((part.T.reshape(1, -1) * 32767).astype(np.int16))
        elif kind == "u8":
            part = np.ascontiguousarray((part.T.reshape(1, -1) * 127 + 128).astype(np.uint8))
        else:
            part = part.astype(np.float32)
        frame = av.AudioFrame.from_ndarray(part, kind, layout)
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), first
        frames.append(frame)
    return frames


def mono_of(frames: list[av.AudioFrame]) -> np.ndarray:
    parts = align_to_clock(frames, Fraction(0), "mono", RATE)
    return np.concatenate([part.to_ndarray()[0] for part in parts])


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


@pytest.mark.parametrize("kind", ["fltp", "s16", "u8"])
def test_antiphase_is_as_loud_as_one_channel(kind):
    mono = mono_of(frames_of(np.stack([TONE, -TONE]), "stereo", kind))
    assert rms(mono) == pytest.approx(rms(TONE), rel=0.03)
    assert np.abs(np.corrcoef(mono, TONE)[0, 1]) > 0.99


@pytest.mark.parametrize("other", [1.0, 0.5, 0.0, -0.3, -0.6, -1.0])
def test_mono_is_never_less_than_half_of_the_louder_channel(other):
    mono = mono_of(frames_of(np.stack([TONE, other * TONE]), "stereo"))
    assert rms(mono) >= 0.48 * rms(TONE)


@pytest.mark.parametrize("other", [1.0, 0.2, 0.0])
def test_the_usual_mono_is_kept_bit_for_bit(other):
    frames = frames_of(np.stack([TONE, other * TONE]), "stereo")
    downmix = Downmix()
    assert all(downmix(frame) is frame for frame in frames)


def test_one_channel_of_many_is_heard():
    channels = np.zeros((6, RATE))
    channels[5] = TONE
    assert rms(mono_of(frames_of(channels, "5.1"))) >= 0.48 * rms(TONE)


def test_there_is_no_click_where_the_phase_turns():
    second = np.concatenate([TONE[: RATE // 2], -TONE[RATE // 2 :]])
    mono = mono_of(frames_of(np.stack([TONE, second]), "stereo"))
    assert np.abs(np.diff(mono)).max() < 1.5 * np.abs(np.diff(TONE)).max()
