"""Masks of a part of a video are those of the whole video, smaller, wherever the part begins."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from seac.media.presentation import frames_from, timed_frames
from seac.results.reader import VideoResult, open_result
from seac.results.rle import decode_rle
from seac.video import excerpt
from seac.video.excerpt import excerpt_bounds, excerpt_frames, likely_tracks, part_at, small_codes, small_size
from tests.fixtures.scene import SIZE, scene_masks, write_scene

ALWAYS = {0: (0.0, np.inf), 1: (0.0, np.inf), 2: (0.0, np.inf)}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> VideoResult:
    return open_result(write_scene(tmp_path_factory.mktemp("scene")))


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def test_parts_follow_one_another_and_cover_the_video(result: VideoResult) -> None:
    bounds = excerpt_bounds(result, 1.0)
    assert bounds[0] == 0
    assert bounds[-1] == len(result)
    lengths = [result.times[last] - result.times[first] for first, last in pairwise(bounds[:-1])]
    assert all(length >= 1.0 for length in lengths)
    for time in np.linspace(0, 6.5, 30):
        first, last = part_at(result, bounds, float(time))
        assert result.times[first] <= time + 1e-6
        assert last == len(result) or time < result.times[last]


def test_every_frame_comes_once_with_the_masks_of_the_scene(result: VideoResult) -> None:
    frames = [
        frame
        for part in pairwise(excerpt_bounds(result, 1.0))
        for frame in excerpt_frames(result, part, ALWAYS)
    ]
    wanted = list(timed_frames(Path(result.info.source)))
    assert [frame.time for frame in frames] == pytest.approx([frame.time for frame in wanted])
    for frame in frames:
        for track, mask in enumerate(scene_masks(frame.time)):
            (found,) = decode_rle([frame.codes[track]], small_size(result))
            assert iou(found, mask) > 0.8, (frame.time, track)


def test_a_track_comes_only_around_its_likely_steps(result: VideoResult) -> None:
    likely = likely_tracks(result, 0.3)
    assert set(likely) == {0, 1, 2}
    assert set(likely_tracks(result, 0.5)) == {0, 2}
    start, stop = likely[1]
    assert (start, stop) == pytest.approx((3.0 - excerpt.AROUND, 5.0 + excerpt.AROUND))
    for part in pairwise(excerpt_bounds(result, 2.0)):
        for frame in excerpt_frames(result, part, likely):
            assert (1 in frame.codes) == (start <= frame.time + 1e-6 < stop)


def test_masks_are_scaled_down(result: VideoResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt, "MAX_SIDE", 80)
    assert small_size(result) == (48, 80)
    frame = result.key_frame(0)
    for track, code in small_codes(result, frame).items():
        (found,) = decode_rle([code], (48, 80))
        assert iou(found, scene_masks(0)[track][::2, ::2]) > 0.9
    assert set(small_codes(result, frame, frozenset({1}))) == {1}


@pytest.mark.parametrize("start", [0.0, 0.95, 2.0, 5.9, 100.0])
def test_frames_from_a_time_are_those_of_the_whole_video(result: VideoResult, start: float) -> None:
    path = Path(result.info.source)
    whole = {round(frame.time, 6): frame for frame in timed_frames(path)}
    frames = list(frames_from(path, start))
    assert frames[0].time <= start
    assert start > 6 or frames[0].time > start - 1.01  # every tenth frame can be decoded by itself
    assert frames[-1].time == max(frame.time for frame in whole.values())
    for frame in frames[:3]:
        assert frame.size == SIZE
        assert np.array_equal(frame.rgb(), whole[round(frame.time, 6)].rgb())
