"""events.csv, events.json and subtitles, read back by readers of their own."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.export.cues import Cue, clock_time, split_cues
from seac.export.event_record import EventsRecord
from seac.export.exporter import EXPORTERS, exporter_class
from seac.results.events import events_of
from seac.results.values import DecidedVideo
from tests.fixtures.decided import INFO, decided, dog_and_violin, span, square_frames

LONG = 120 * 3600.0
NAMES = st.text(max_size=20) | st.sampled_from(
    ["a --> b", "<b>", "&amp;", 'x"y', "=1+1", "</script>", "1\n\n2"]
)
EVENTS = st.lists(
    st.tuples(NAMES, st.integers(0, int(LONG * 1000)), st.integers(1, 100_000), st.booleans()), max_size=8
)


def build(events: list[tuple[str, int, int, bool]]) -> DecidedVideo:
    """A video of (name, start, duration, off-screen) in milliseconds; each event has a track of its own."""
    spans = [
        (name, span(start / 1000, (start + length) / 1000), away) for name, start, length, away in events
    ]
    return decided(
        *((name, (when,)) for name, when, away in spans if not away),
        off_screen=tuple((name, when) for name, when, away in spans if away),
        info=replace(INFO, duration=1.0),
    )


def write(name: str, video: DecidedVideo, folder: Path) -> Path:
    exporter = exporter_class(name)(folder, video)
    for frame in square_frames(video) if video.info.duration < 60 else ():
        exporter.add(frame)
    exporter.close()
    (path,) = folder.iterdir()
    assert path.name in exporter_class(name).files
    return path


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(InputError, match=r"did you mean 'srt'.*events-json"):
        exporter_class("srtt")


@pytest.mark.parametrize("name", ["timeline", "csv", "events-json", "vtt", "srt", "otio", "edl", "report"])
def test_a_video_without_events_gives_a_file(name, tmp_path):
    assert name in EXPORTERS
    video = replace(decided(), level=decided().level[:0])
    path = write(name, video, tmp_path)
    assert path.stat().st_size > 0 or name == "srt"  # SubRip without cues is an empty file


@settings(deadline=None, max_examples=40)
@given(EVENTS)
def test_csv_and_json_keep_names_and_milliseconds(events):
    video = build(events)
    expected = [
        (round(event.start, 3), round(event.stop, 3), event.track, event.name, event.off_screen)
        for event in events_of(video)
    ]
    with (
        TemporaryDirectory() as folder,
        write("csv", video, Path(folder)).open(newline="", encoding="utf-8") as file,
    ):
        rows = list(csv.DictReader(file))
    assert [
        (
            float(row["start"]),
            float(row["stop"]),
            int(row["track"]) if row["track"] else None,
            row["name"],
            row["off_screen"] == "1",
        )
        for row in rows
    ] == expected
    with TemporaryDirectory() as folder:
        record = EventsRecord.model_validate_json(write("events-json", video, Path(folder)).read_bytes())
    assert [
        (event.start, event.stop, event.track, event.name, event.off_screen) for event in record.events
    ] == expected


def test_the_schema_of_events_is_json(capsys):
    schema = json.loads(json.dumps(EventsRecord.model_json_schema()))
    assert schema["$defs"]["EventRecord"]["properties"]["start"]["description"] == "seconds"


@settings(deadline=None, max_examples=40)
@given(EVENTS)
def test_webvtt_keeps_text_and_milliseconds(events):
    webvtt = pytest.importorskip("webvtt")
    video = build(events)
    with TemporaryDirectory() as folder:
        captions = list(webvtt.read(str(write("vtt", video, Path(folder)))))
    plain = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    assert [
        (milliseconds(caption.start), milliseconds(caption.end), caption.raw_text) for caption in captions
    ] == [
        (round(event.start * 1000), round(event.stop * 1000), event.text.translate(plain))
        for event in events_of(video)
    ]


@settings(deadline=None, max_examples=40)
@given(EVENTS)
def test_subrip_shows_at_each_time_what_sounds_then(events):
    srt = pytest.importorskip("srt")
    video = build(events)
    with TemporaryDirectory() as folder:
        cues = list(srt.parse(write("srt", video, Path(folder)).read_text(encoding="utf-8")))
    assert [cue.index for cue in cues] == list(range(1, len(cues) + 1))
    times = [(round(cue.start.total_seconds() * 1000), round(cue.end.total_seconds() * 1000)) for cue in cues]
    assert all(stop <= start for (_, stop), (start, _) in pairwise(times))
    for event in events_of(video):
        start, stop = round(event.start * 1000), round(event.stop * 1000)
        text = event.text.translate(str.maketrans("<>{}", "‹›()"))
        shown = sum(
            max(0, min(last, stop) - max(first, start))
            for cue, (first, last) in zip(cues, times, strict=True)
            if text in cue.content.split("\n")
        )
        assert shown == stop - start


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 10), st.sampled_from("abc")).map(
            lambda item: Cue(item[0], item[0] + item[1], (item[2],))
        ),
        max_size=10,
    )
)
def test_split_cues_show_at_each_time_the_same_lines(cues):
    cues = sorted(cues, key=lambda cue: cue.start)
    parts = split_cues(cues)
    assert all(first.stop <= second.start for first, second in pairwise(parts))
    for time in range(41):
        expected = {line for cue in cues if cue.start <= time < cue.stop for line in cue.lines}
        shown = [line for part in parts if part.start <= time < part.stop for line in part.lines]
        assert set(shown) == expected
        assert len(shown) == len(expected)


def test_times_go_beyond_an_hour():
    assert clock_time(3_600_000, ".") == "01:00:00.000"
    assert clock_time(359_999_999, ",") == "99:59:59,999"
    assert clock_time(360_000_001, ",") == "100:00:00,001"


def test_off_screen_audio_is_marked_in_subtitles(tmp_path):
    text = write("srt", dog_and_violin(), tmp_path).read_text(encoding="utf-8")
    assert "[off-screen] siren" in text


def milliseconds(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)
