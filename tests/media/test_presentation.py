"""Every frame with its time; upright, in the colours of the file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seac import InputError
from seac.media.decode import frames
from seac.media.encode import VideoWriter
from seac.media.presentation import add_times, timed_frames
from tests.fixtures.parts import squares, tone, write_wav
from tests.fixtures.timed_videos import Encoding, write_timed

COLOURS = [(250, 20, 20), (20, 240, 30), (30, 30, 250), (245, 245, 245), (10, 10, 10), (128, 128, 128)]


def colour_chart(height: int = 64, width: int = 96) -> np.ndarray:
    chart = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate(COLOURS):
        chart[:, number * width // 6 : (number + 1) * width // 6] = colour
    return chart


def colour_error(image: np.ndarray) -> float:
    """Greatest difference in the middle of the fields of :func:`colour_chart`."""
    width = image.shape[1] // 6
    fields = [image[8:-8, n * width + 4 : (n + 1) * width - 4].astype(int) for n in range(6)]
    return max(float(np.abs(f - np.array(c)).max()) for f, c in zip(fields, COLOURS, strict=True))


@dataclass
class Stamped:
    """What a decoder says of a frame, in milliseconds."""

    pts: int | None
    duration: int = 40
    time_base: Fraction = Fraction(1, 1000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_of_a_variable_frame_rate_are_kept(tmp_path, suffix):
    times = [0.0, 0.04, 0.06, 0.2, 0.5, 0.533, 1.0]
    images = [np.full((32, 48, 3), 30 * n, np.uint8) for n in range(len(times))]
    path = write_timed(tmp_path / f"a{suffix}", images, times, last=0.25)
    found = list(timed_frames(path))
    assert [frame.index for frame in found] == list(range(len(times)))
    assert [frame.time for frame in found] == pytest.approx(times, abs=1e-3)
    durations = np.diff([*times, 1.25])
    assert [frame.duration for frame in found][:-1] == pytest.approx(durations[:-1], abs=1e-3)
    if suffix == ".mp4":
        assert found[-1].duration == pytest.approx(0.25, abs=1e-3)
    assert [float(frame.rgb().mean()) for frame in found] == pytest.approx(
        [30 * n for n in range(len(times))], abs=3
    )


@given(st.lists(st.one_of(st.none(), st.integers(-5_000, 5_000)), min_size=1, max_size=30))
def test_times_increase_whatever_the_timestamps(stamps):
    times = [time for time, _, _ in add_times([Stamped(pts) for pts in stamps], 0.0, 0.04)]
    assert times[0] == 0
    assert (np.diff(times) > 0).all()


def test_timestamps_that_begin_anew_are_continued():
    stamps = [Stamped(40 * n) for n in range(100)] + [Stamped(40 * n) for n in range(50)]
    times = [time for time, _, _ in add_times(stamps, 0.0, 0.04)]
    assert times == pytest.approx(np.arange(150) * 0.04)


def test_one_bad_timestamp_does_not_move_the_others():
    stamps = [Stamped(0), Stamped(40), Stamped(0), Stamped(120), Stamped(None), Stamped(200)]
    times = [time for time, _, _ in add_times(stamps, 0.0, 0.04)]
    assert times == pytest.approx([0, 0.04, 0.06, 0.12, 0.16, 0.2])


def test_a_file_without_video_is_refused(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone("red", 1))
    with pytest.raises(InputError, match="has no video"):
        next(timed_frames(path))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_frames_are_upright(tmp_path, degrees, mirrored):
    upright = np.full((64, 96, 3), 128, np.uint8)
    upright[:32, :48], upright[:32, 48:], upright[32:, :48] = (240, 20, 20), (20, 240, 20), (20, 20, 240)
    # The display matrix turns counter-clockwise, then mirrors; the stored frame is turned the other way.
    stored = np.rot90(upright[:, ::-1] if mirrored else upright, -degrees // 90)
    encoding = Encoding(orientation=(degrees, mirrored))
    path = write_timed(tmp_path / "a.mp4", [stored] * 3, [0, 0.04, 0.08], encoding=encoding)
    for image in (
        next(iter(timed_frames(path))).rgb(),
        next(iter(frames(path, 25))).image.permute(1, 2, 0).numpy(),
    ):
        assert image.shape == upright.shape
        assert np.abs(image.astype(int) - upright).mean() < 6


@pytest.mark.parametrize(
    "encoding",
    [
        Encoding(),
        Encoding(matrix=5),
        Encoding(matrix=None),
        Encoding(full=True),
        Encoding(matrix=5, full=True),
        Encoding(pix_fmt="yuv420p10le"),
        Encoding(pix_fmt="yuv420p10le", full=True),
        Encoding(pix_fmt="yuv444p"),
    ],
    ids=str,
)
def test_colours_survive_decoding_and_the_writer(tmp_path, encoding):
    path = write_timed(tmp_path / "a.mp4", [colour_chart()] * 3, [0, 0.04, 0.08], encoding=encoding)
    writer = VideoWriter(tmp_path / "b.mp4", 25, None, crf=8)
    for frame in timed_frames(path):
        assert colour_error(frame.rgb()) <= 6
        writer.add(frame.rgb(), frame.time, frame.duration)
    writer.close()
    (first, *_) = timed_frames(tmp_path / "b.mp4")
    assert colour_error(first.rgb()) <= 8
    assert (first.decoded.colorspace, first.decoded.color_range) == (1, 1)


def test_an_unnamed_matrix_of_a_large_frame_is_that_of_bt709(tmp_path):
    chart = colour_chart(720, 96)
    path = write_timed(tmp_path / "a.mp4", [chart] * 2, [0, 0.04], encoding=Encoding(matrix=1))
    named = next(iter(timed_frames(path)))
    assert colour_error(named.rgb()) <= 6
    named.decoded.colorspace = 2
    assert colour_error(named.rgb()) <= 6


def test_frames_are_scaled_to_the_requested_size(tmp_path):
    path = write_timed(tmp_path / "a.mp4", [squares()] * 2, [0, 0.04])
    frame = next(iter(timed_frames(path)))
    assert frame.size == squares().shape[:2]
    assert frame.rgb((20, 30)).shape == (20, 30, 3)
