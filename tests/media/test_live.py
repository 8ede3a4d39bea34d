"""Streams that are read once: named pipes, addresses, their copy, and their ends."""

from __future__ import annotations

import http.server
import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from seac.core.errors import InputError
from seac.media.decode import AudioReader
from seac.media.live import LiveMedia
from seac.media.presentation import timed_frames
from seac.media.sources import length_notes, resolve_source, stream_address
from seac.video.predictor import VideoPredictor
from tests.fixtures.parts import squares, synthetic_model, tone, write_video, write_wav

RATE = 16_000


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of squares with half a second of a red tone, as Matroska."""
    audio = np.concatenate([tone("silence", 1.0), tone("red", 0.5), tone("silence", 0.5)])
    images = [squares()] * 10 + [np.roll(squares(), 20, 0)] * 10
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mkv", images, audio)


@contextmanager
def pipe_of(content: bytes, folder: Path, pause: float = 0.0) -> Iterator[Path]:
    """A named pipe that gives some bytes, in parts with pauses."""
    path = folder / "pipe"
    os.mkfifo(path)

    def write() -> None:
        try:
            with path.open("wb", buffering=0) as file:
                for first in range(0, len(content), 4096):
                    file.write(content[first : first + 4096])
                    time.sleep(pause)
        except BrokenPipeError:
            pass

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    yield path
    thread.join(10)


def test_a_pipe_gives_the_frames_and_the_audio_of_the_file(clip: Path, tmp_path: Path) -> None:
    with pipe_of(clip.read_bytes(), tmp_path) as pipe, LiveMedia(str(pipe), RATE) as live:
        assert live.has_audio
        frames = [(frame.index, frame.time, frame.rgb()) for frame in live.frames()]
        audio = live.read(0, 10)
    expected = [(frame.index, frame.time, frame.rgb()) for frame in timed_frames(clip)]
    assert [frame[:2] for frame in frames] == [frame[:2] for frame in expected]
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(frames, expected, strict=True))
    assert audio.equal(AudioReader(clip, RATE).read(0, 10))


def test_audio_that_is_read_ahead_keeps_the_frames(clip: Path, tmp_path: Path) -> None:
    with pipe_of(clip.read_bytes(), tmp_path) as pipe, LiveMedia(str(pipe), RATE) as live:
        assert len(live.read(0, 1.5)) == 1.5 * RATE
        assert [frame.index for frame in live.frames()] == list(range(20))


def test_a_stream_is_copied_without_change(clip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mkv"
    with pipe_of(clip.read_bytes(), tmp_path) as pipe, LiveMedia(str(pipe), RATE, copy) as live:
        for _ in live.frames():
            pass
        live.read(0, 10)
    frames = [(frame.time, frame.rgb()) for frame in timed_frames(copy)]
    expected = [(frame.time, frame.rgb()) for frame in timed_frames(clip)]
    assert [frame[0] for frame in frames] == pytest.approx([frame[0] for frame in expected], abs=0.002)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(frames, expected, strict=True))
    samples, original = AudioReader(copy, RATE).read(0, 10), AudioReader(clip, RATE).read(0, 10)
    assert abs(len(samples) - len(original)) < 0.05 * RATE


def test_a_stream_that_breaks_off_ends(clip: Path, tmp_path: Path) -> None:
    content = clip.read_bytes()
    with pipe_of(content[: len(content) * 2 // 3], tmp_path) as pipe, LiveMedia(str(pipe), RATE) as live:
        assert 0 < len(list(live.frames())) <= 20


def test_standard_input_is_a_stream(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = type("Input", (), {"buffer": io.BytesIO(clip.read_bytes())})
    monkeypatch.setattr(sys, "stdin", given)
    found = list(VideoPredictor(synthetic_model(audio_window=0.5)).key_frames("-", 2.0))
    assert sum(len(frame.steps) for frame in found) == 20
    assert all(frame.latency is not None and frame.latency >= 0 for frame in found)


def test_an_address_on_a_network_is_a_stream(clip: Path) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    handler = partial(Quiet, directory=str(clip.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{clip.name}"
        source = resolve_source(address)
        assert source.live == address
        found = list(VideoPredictor(synthetic_model(audio_window=0.5)).key_frames(source, 2.0))
        server.shutdown()
    assert sum(len(frame.steps) for frame in found) == 20
    red = [row[1] >= 0.5 for frame in found for row in frame.steps.probability]
    on = np.flatnonzero(red)
    assert abs(on[0] - 10) <= 1
    assert abs(on[-1] - 14) <= 1


def test_results_come_before_the_end_of_the_stream(clip: Path, tmp_path: Path) -> None:
    read, write = os.pipe()
    content = clip.read_bytes()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb", buffering=0) as target:
        more = threading.Event()

        def feed() -> None:
            target.write(content[:-2000])
            more.wait(20)
            target.write(content[-2000:])
            target.close()

        threading.Thread(target=feed, daemon=True).start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", type("Input", (), {"buffer": source}))
            results = VideoPredictor(synthetic_model(audio_window=0.2)).key_frames("-", 5.0)
            first = next(results)
            assert not more.is_set()
            assert first.key_frame.index == 0
            more.set()
            assert len(list(results)) >= 1


@pytest.mark.parametrize("content", [b"", b"no media at all" * 1000])
def test_what_is_no_stream_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    with pipe_of(content, tmp_path) as pipe, pytest.raises(InputError) as refused:
        LiveMedia(str(pipe), RATE)
    assert "\n" not in str(refused.value)
    assert "give" in str(refused.value)


def test_a_stream_without_video_is_refused(tmp_path: Path) -> None:
    content = write_wav(tmp_path / "tone.wav", tone("red", 1.0)).read_bytes()
    with pipe_of(content, tmp_path) as pipe, pytest.raises(InputError, match="has no video"):
        LiveMedia(str(pipe), RATE)


def test_addresses_are_distinguished_from_files(tmp_path: Path) -> None:
    for address in ("-", "rtsp://host/stream", "http://host/a.mp4"):
        assert stream_address(address) == address
    (tmp_path / "a.mp4").touch()
    assert stream_address(tmp_path / "a.mp4") == ""
    with pytest.raises(InputError, match="--audio goes with a file"):
        resolve_source("-", tmp_path / "a.wav")


def test_audio_of_another_length_is_said_in_one_line(tmp_path: Path) -> None:
    images = [squares()] * 20
    for seconds, words in ((2.0, None), (0.8, "nothing sounds after"), (4.0, "left out")):
        path = write_video(tmp_path / f"{seconds}.mkv", images, tone("red", seconds))
        notes = resolve_source(path).notes
        if words is not None and not notes:  # Matroska need not store the lengths of its streams
            notes = length_notes(path.name, 2.0, seconds)
        assert [words in note for note in notes] == ([] if words is None else [True])
    (note,) = resolve_source(write_video(tmp_path / "mute.mp4", images, None)).notes
    assert "has no audio, so nothing in it sounds" in note
