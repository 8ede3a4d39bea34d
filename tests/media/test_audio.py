"""The index of a sample gives its time, also after gaps and late starts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler

from seac.media import audio
from seac.media.decode import frames, load_waveform
from tests.fixtures.demo import CLIP
from tests.fixtures.parts import squares, tone, write_video
from tests.fixtures.videos import aac, beep_time, flash_and_beep, flash_time

AT = 3.0


def decode_without_timestamps(path: Path, rate: int) -> np.ndarray:
    """The concatenated samples of an audio track, without regard to timestamps."""
    resampler = AudioResampler("flt", "mono", rate)
    with av.open(str(path)) as container:
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([part.to_ndarray()[0] for part in [*parts, *resampler.resample(None)]])


@pytest.mark.parametrize("rate", [16_000, 32_000])
@pytest.mark.parametrize("suffix", ["composite", ".mp4", ".ts", ".avi"])
def test_audio_without_gaps_is_bit_identical(tmp_path, suffix, rate):
    path = CLIP
    if suffix != "composite":
        codec = "libmp3lame" if suffix == ".avi" else "aac"
        path = write_video(tmp_path / f"a{suffix}", [squares()] * 20, tone("red", 2), audio_codec=codec)
    assert np.array_equal(load_waveform(path, rate).numpy(), decode_without_timestamps(path, rate))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    "late",
    [
        {},
        {"video_start": 2.0},
        {"audio_start": 2.0},
        {"gap": (0.5, 2.5)},
        {"video_start": 1.0, "gap": (0.5, 2.5)},
    ],
    ids=str,
)
def test_flash_and_beep_are_at_the_same_time(tmp_path, suffix, late):
    video = flash_and_beep(tmp_path / f"a{suffix}", AT, **late)
    shown = list(frames(video, 10))
    waveform = load_waveform(video)
    assert [frame.time for frame in shown] == [n / 10 for n in range(60)]
    assert flash_time([frame.image.numpy() for frame in shown], 10) == pytest.approx(AT, abs=0.11)
    assert beep_time(waveform.numpy(), 16_000) == pytest.approx(AT, abs=0.06)
    assert len(waveform) / 16_000 == pytest.approx(6, abs=0.1)


def test_the_first_frame_is_shown_before_the_video_stream_starts(tmp_path):
    video = flash_and_beep(tmp_path / "a.mp4", 2.0, video_start=2.0)
    brightness = [float(frame.image.float().mean()) for frame in frames(video, 1)]
    assert [value > 128 for value in brightness] == [True, True, True, False, False, False]


@pytest.mark.parametrize("other", [("mono", 48_000), ("stereo", 32_000), ("mono", 44_100)])
def test_channels_and_rate_may_change_within_a_file(tmp_path, other):
    path = tmp_path / "a.aac"
    path.write_bytes(aac("stereo", 48_000, 2) + aac(*other, 2))
    waveform = load_waveform(path)
    assert len(waveform) / 16_000 == pytest.approx(4, abs=0.15)
    assert (waveform.unfold(0, 1600, 1600).abs().amax(1)[1:-2] > 0.3).all()


def make_frames(*timestamps: int | None, samples: int = 4_800) -> list[av.AudioFrame]:
    """Audio frames of ones at 48 kHz with the given timestamps."""
    result = []
    for timestamp in timestamps:
        frame = av.AudioFrame.from_ndarray(np.ones((1, samples), np.float32), "fltp", "mono")
        frame.sample_rate, frame.time_base, frame.pts = 48_000, Fraction(1, 48_000), timestamp
        result.append(frame)
    return result


def lengths(*timestamps: int | None) -> list[tuple[float, int]]:
    """Runs of equal samples as (value, length)."""
    parts = list(audio.align_to_clock(make_frames(*timestamps), Fraction(0), "mono", 48_000))
    samples = np.concatenate([part.to_ndarray()[0] for part in parts])
    edges = np.flatnonzero(np.diff(samples, prepend=np.nan))
    return [(float(samples[a]), int(b - a)) for a, b in zip(edges, [*edges[1:], len(samples)], strict=True)]


def test_jitter_of_timestamps_is_no_gap():
    assert lengths(0, 4_800 + 2_000, 9_600 - 2_000, None) == [(1.0, 4 * 4_800)]


def test_decreasing_timestamps_change_nothing():
    assert lengths(0, 4_800, 0, 4_800) == [(1.0, 4 * 4_800)]


def test_gaps_follow_the_timestamps():
    runs = lengths(1_000, 20_000, 24_800, 100_000)
    assert runs == [(0.0, 1_000), (1.0, 4_800), (0.0, 14_200), (1.0, 9_600), (0.0, 70_400), (1.0, 4_800)]


def test_a_jump_of_the_timestamps_is_limited_to_the_maximum_gap(monkeypatch):
    monkeypatch.setattr(audio, "MAX_GAP", 2)
    far = 10**10
    assert lengths(0, far, far + 4_800) == [(1.0, 4_800), (0.0, 96_000), (1.0, 9_600)]


def test_long_silence_is_split_into_short_frames():
    pieces = audio.align_to_clock(make_frames(48_000 * 3_000), Fraction(0), "stereo", 48_000)
    assert max(piece.samples for piece in pieces) <= 48_000
