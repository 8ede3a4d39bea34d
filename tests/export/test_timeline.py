"""timeline.png: lanes in the colours of their tracks, at the times of their spans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from seac.export.lanes import FLOOR, level_curve, longest_lanes, track_lanes
from seac.export.timeline import DPI, MAX_TRACKS, WIDTH, clock
from tests.export.test_events import write
from tests.fixtures.decided import INFO, decided, dog_and_violin, span


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def columns(image, colour):
    """Columns in which a lane has its colour."""
    near = np.abs(image - np.asarray(colour)).sum(axis=2) < 12
    return np.flatnonzero(near.sum(axis=0) >= 8)


def test_lanes_have_the_colour_and_the_times_of_their_track(tmp_path):
    video = dog_and_violin()
    image = pixels(write("timeline", video, tmp_path))
    assert image.shape[1] == WIDTH * DPI
    dog, violin = (columns(image, track.colour) for track in video.tracks)
    scale = (violin[-1] - violin[0]) / 4.5  # pixels per second, of a span from 1.0 to 5.5
    assert dog[0] - violin[0] == pytest.approx(-0.5 * scale, abs=2)
    assert dog[-1] - violin[0] == pytest.approx(2.4 * scale, abs=2)
    assert not np.any((dog > violin[0] + 0.3 * scale) & (dog < violin[0] + 1.9 * scale))


def test_an_empty_result_has_a_level_and_no_colour(tmp_path):
    image = pixels(write("timeline", decided(), tmp_path))
    assert (image.max(axis=2) - image.min(axis=2)).max() == 0
    assert (image == 153).all(axis=2).sum() > 5000


def test_a_tenth_of_a_second_is_seen_in_an_hour(tmp_path):
    video = decided(("dog", (span(1800.0, 1800.1),)), info=replace(INFO, duration=3600.0))
    image = pixels(write("timeline", video, tmp_path))
    assert ((image.max(axis=2) - image.min(axis=2)) > 60).any(axis=0).sum() in (1, 2, 3)


def test_of_many_tracks_those_that_sound_longest_are_drawn(tmp_path):
    lanes = track_lanes(decided(*((f"thing {k}", (span(0, 0.1 + (k * 7 % 40) / 10),)) for k in range(40))))
    kept, left_out = longest_lanes(lanes, MAX_TRACKS)
    assert left_out == 40 - MAX_TRACKS
    assert min(lane.total for lane in kept) >= max(lane.total for lane in lanes if lane not in kept)
    assert [lane.track for lane in kept] == sorted(lane.track for lane in kept)


def test_a_name_is_drawn_as_it_is(tmp_path):
    video = decided(("$\\frac{1$ \n 犬 " + "x" * 99, (span(0, 1),)), off_screen=(("<b>", span(1, 2)),))
    assert write("timeline", video, tmp_path).stat().st_size > 1000


def test_the_level_curve_keeps_peaks():
    video = decided(info=replace(INFO, duration=100.0))
    level = np.full(1000, -70, np.float32)
    level[501] = -3
    level[0] = np.nan
    times, curve = level_curve(replace(video, level=level), 90)
    assert len(curve) <= 90
    assert times[curve.argmax()] == pytest.approx(50.1, abs=1.2)
    assert curve.max() == -3
    assert curve.min() == -70
    assert level_curve(replace(video, level=level[:0]), 90)[1].shape == (0,)
    assert level_curve(replace(video, level=np.float32([-120])), 90)[1].tolist() == [FLOOR]


def test_the_clock_has_as_many_parts_as_it_needs():
    assert [clock(5), clock(65), clock(3605), clock(0.5, 0.1)] == ["5", "1:05", "1:00:05", "0.5"]
