"""What exporters are fed with: frames, masks and probabilities as they were decided."""

from __future__ import annotations

import numpy as np
import pytest

from seac.media.presentation import timed_frames
from seac.results.values import STEP
from seac.video.render import every_frame, key_frames_only
from tests.fixtures.timed_videos import (
    decide_all,
    make_info,
    make_key,
    make_result,
    write_timed,
)

SIZE = (64, 96)
FPS = 25


def box(x: int) -> np.ndarray:
    mask = np.zeros(SIZE, np.bool_)
    mask[20:40, x : x + 20] = True
    return mask


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (8, 12, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    times = [n / FPS for n in range(50)]
    return write_timed(tmp_path_factory.mktemp("video") / "a.mp4", [image] * 50, times)


@pytest.fixture
def result(source):
    keys = [make_key(n, n / FPS, {3: box(5), 5: box(60)}) for n in (0, 25, 49)]
    return make_result(make_info(source, SIZE, 2.0, 50), keys)


def test_every_frame_of_the_source_comes_with_its_time(source, result):
    found = list(every_frame(result, decide_all(result, {3: [(0, 2)]})))
    wanted = list(timed_frames(source))
    assert [(f.index, f.time, f.duration) for f in found] == [(f.index, f.time, f.duration) for f in wanted]
    assert all(frame.masks.shape == (1, *SIZE) and frame.image.shape == (*SIZE, 3) for frame in found)


def test_a_track_is_shown_where_a_span_contains_the_time(result):
    spans = {3: [(0.2, 0.5), (1.0, 1.1)], 5: [(0.4, 0.7)]}
    for frame in every_frame(result, decide_all(result, spans)):
        wanted = {
            track
            for track, times in spans.items()
            if any(start <= frame.time + 1e-6 < stop for start, stop in times)
        }
        assert set(frame.tracks.tolist()) == wanted
        assert len(frame.masks) == len(frame.probability) == len(wanted)


def test_an_object_goes_dark_within_a_tenth_of_a_second(result):
    found = list(every_frame(result, decide_all(result, {3: [(0, 0.8)]})))
    last = max(frame.time for frame in found if len(frame.tracks))
    assert 0.8 - 1 / FPS - 1e-6 <= last < 0.8 + STEP


def test_the_likeliest_mask_is_the_first(result):
    for key in result.keys:
        key.probability[:] = [0.2, 0.9]
    for frame in every_frame(result, decide_all(result, {3: [(0, 2)], 5: [(0, 2)]})):
        assert frame.tracks.tolist() == [5, 3]
        assert frame.probability.tolist() == pytest.approx([0.9, 0.2])
        assert frame.masks[0, 30, 70]


def test_key_frames_have_exactly_their_masks(result):
    decided = decide_all(result, {3: [(0, 2)], 5: [(0, 2)]}, covered={5: (1,)})
    found = list(key_frames_only(result, decided))
    assert [frame.index for frame in found] == [0, 25, 49]
    assert [frame.tracks.tolist() for frame in found] == [[3, 5], [3], [3, 5]]
    assert np.array_equal(found[0].masks, [box(5), box(60)])
    assert [frame.duration for frame in found] == pytest.approx([1.0, 0.96, 0.04], abs=1e-3)
    without = list(key_frames_only(result, decided, images=False))
    assert all(frame.image is None for frame in without)
    assert [frame.tracks.tolist() for frame in without] == [frame.tracks.tolist() for frame in found]


def test_images_of_key_frames_are_those_of_the_video(source, result):
    decided = decide_all(result, {})
    images = {frame.index: frame.rgb() for frame in timed_frames(source)}
    for frame in key_frames_only(result, decided):
        assert np.array_equal(frame.image, images[frame.index])


def test_a_source_that_was_moved_can_be_given(tmp_path, source, result):
    moved = tmp_path / "b.mp4"
    moved.write_bytes(source.read_bytes())
    other = make_result(make_info(tmp_path / "gone.mp4", SIZE, 2.0, 50), result.keys)
    assert len(list(every_frame(other, decide_all(other, {}), moved))) == 50


def test_masks_between_key_frames_are_those_of_a_scene_that_does_not_move(result):
    for frame in every_frame(result, decide_all(result, {3: [(0, 2)]})):
        assert (frame.masks[0] & box(5)).sum() > 0.95 * (frame.masks[0] | box(5)).sum()
