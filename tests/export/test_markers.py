"""Markers of editing programs: OpenTimelineIO and CMX 3600."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seac.export.edit_rate import NOMINAL, EditRate
from seac.export.otio import marker_colour
from seac.results.events import events_of
from tests.export.test_events import write
from tests.fixtures.decided import INFO, decided, dog_and_violin, span

otio = pytest.importorskip("opentimelineio")


def at_rate(rate: float, *, duration: float = 7200.0, still: bool = False):
    return replace(INFO, frame_rate=rate, duration=duration, still=still)


@pytest.mark.parametrize("rate", NOMINAL)
def test_the_mean_rate_of_a_file_is_its_nominal_rate(rate):
    assert EditRate.exact(at_rate(rate * 1.0001)).rate == rate
    assert EditRate.nominal(at_rate(rate)).rate == rate


def test_other_rates_are_kept_where_they_may_be_and_multiplied_where_not():
    assert EditRate.exact(at_rate(15)).rate == 15
    assert EditRate.nominal(at_rate(15)).rate == 30
    assert EditRate.nominal(at_rate(12.5)).rate == 25
    assert EditRate.nominal(at_rate(27.3)).rate == 25
    assert EditRate.exact(at_rate(0, still=True)).rate == 25


@given(st.sampled_from(NOMINAL), st.integers(0, 3600 * 20))
def test_timecode_is_read_back_as_its_frame(rate, frame):
    edit_rate = EditRate.exact(at_rate(rate))
    text = edit_rate.timecode(frame)
    assert (";" in text) == edit_rate.drop
    assert otio.opentime.from_timecode(text, edit_rate.rate).to_frames() == frame


@pytest.mark.parametrize("rate", [30_000 / 1001, 60_000 / 1001])
def test_drop_frame_timecode_follows_the_clock(rate):
    edit_rate = EditRate.exact(at_rate(rate))
    for seconds in (0, 600, 3600, 7200):
        hours, minutes = divmod(seconds // 60, 60)
        assert edit_rate.timecode(edit_rate.frame(seconds)) == f"{hours:02d}:{minutes:02d}:00;00"


@given(
    st.sampled_from([*NOMINAL, 15.0]),
    st.floats(0, 7000, allow_nan=False),
    st.floats(0.05, 100, allow_nan=False),
)
def test_markers_are_within_half_a_frame_of_their_event(rate, start, duration):
    edit_rate = EditRate.exact(at_rate(rate))
    assert abs(edit_rate.frame(start) / edit_rate.rate - start) <= 0.5 / edit_rate.rate + 1e-9


def test_otio_has_the_source_and_a_marker_per_event(tmp_path):
    video = replace(dog_and_violin(), info=at_rate(30_000 / 1001, duration=6.0))
    timeline = otio.adapters.read_from_file(str(write("otio", video, tmp_path)))
    (clip,) = timeline.video_tracks()[0]
    assert clip.media_reference.target_url == "file:///videos/clip.mp4"
    assert clip.source_range.duration.to_seconds() == pytest.approx(6.0, abs=1 / 30)
    events = events_of(video)
    assert [marker.name for marker in clip.markers] == [event.text for event in events]
    for marker, event in zip(clip.markers, events, strict=True):
        assert marker.marked_range.start_time.to_seconds() == pytest.approx(event.start, abs=0.5 / 29.97)
        assert marker.marked_range.end_time_exclusive().to_seconds() == pytest.approx(
            event.stop, abs=0.5 / 29.97
        )
        assert marker.metadata["seac"]["track"] == event.track
    assert clip.markers[2].color == "WHITE"
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]


def test_a_stream_without_audio_is_a_clip_with_its_address(tmp_path):
    info = replace(INFO, source="rtsp://camera/1", audio=None)
    timeline = otio.adapters.read_from_file(str(write("otio", decided(info=info), tmp_path)))
    assert timeline.video_tracks()[0][0].media_reference.target_url == "rtsp://camera/1"
    assert not timeline.audio_tracks()


@pytest.mark.parametrize(
    ("rate", "mode", "begin"),
    [
        (25.0, "NON-DROP FRAME", "01:00:00:00"),
        (24_000 / 1001, "NON-DROP FRAME", "01:00:00:00"),
        (30_000 / 1001, "DROP FRAME", "01:00:00;00"),
        (60_000 / 1001, "DROP FRAME", "01:00:00;00"),
    ],
)
def test_edl_counts_frames_of_the_source(rate, mode, begin, tmp_path):
    video = decided(("dog\nbig", (span(60.0, 61.5), span(3000.0, 3000.2))), info=at_rate(rate))
    lines = write("edl", video, tmp_path).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "TITLE: clip.mp4"
    assert lines[1] == f"FCM: {mode}"
    edit = re.fullmatch(r"001  AX       B     C        (\S+) (\S+) (\S+) (\S+)", lines[3])
    assert edit is not None
    first, last, record, _ = (otio.opentime.from_timecode(text, rate).to_frames() for text in edit.groups())
    assert edit.group(3) == begin
    assert (first, last) == (0, round(7200 * rate))
    found = [re.fullmatch(r"\* LOC: (\S+) ([A-Z]+) +(.*)", line) for line in lines[5:]]
    assert [match.group(3) for match in found if match] == ["dog big 1.5 s", "dog big 0.2 s"]
    frames = [otio.opentime.from_timecode(match.group(1), rate).to_frames() for match in found if match]
    assert [frame - record for frame in frames] == [round(60 * rate), round(3000 * rate)]


def test_colours_of_markers_are_near_those_of_tracks():
    assert marker_colour((255, 0, 0)) == "RED"
    assert marker_colour((255, 0, 20)) == "RED"
    assert marker_colour((20, 60, 255)) == "BLUE"
    assert marker_colour((255, 150, 30)) == "ORANGE"
