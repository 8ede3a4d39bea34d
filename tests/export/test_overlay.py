"""The overlay has the frames, the times, the duration and the audio of its source."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from seac.export.draw import Drawing, draw
from seac.export.overlay import Overlay
from seac.media.decode import load_waveform
from seac.media.presentation import timed_frames
from seac.video.render import every_frame
from tests.fixtures.parts import tone, write_wav
from tests.fixtures.timed_videos import (
    Encoding,
    beep,
    decide_all,
    make_info,
    make_key,
    make_result,
    write_timed,
)
from tests.fixtures.videos import beep_time, flash_and_beep

SYNC = 0.02
AT = 1.0
SIZE = (32, 48)


def flashing(times: list[float], size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """Frames that are bright for half a second from :data:`AT` on."""
    return [np.full((*size, 3), 235 if AT - 1e-6 <= t < AT + 0.5 else 30, np.uint8) for t in times]


def overlay_of(source: Path, folder: Path, **more: object) -> Path:
    """The overlay of a source in which nothing sounds."""
    folder.mkdir()
    frames = list(timed_frames(source))
    duration = frames[-1].time + frames[-1].duration
    result = make_result(make_info(source, frames[0].size, duration, len(frames), **more), [])
    overlay = Overlay(folder, decide_all(result, {}))
    for frame in every_frame(result, decide_all(result, {})):
        overlay.add(frame)
    overlay.close()
    return folder / "overlay.mp4"


def flash_of(path: Path) -> float:
    """Seconds of the first bright frame."""
    return next(frame.time for frame in timed_frames(path) if frame.rgb().mean() > 128)


def beep_of(path: Path) -> float:
    return beep_time(load_waveform(path, 48_000).numpy(), 48_000)


def duration_of(path: Path) -> float:
    with av.open(str(path)) as container:
        return float(container.duration) / av.time_base


VARIABLE = [0.0, 0.03, 0.1, 0.13, 0.4, 0.41, 0.9, 1.0, 1.02, 1.3, 1.5, 1.52, 1.9]
RATES = {rate: [n / rate for n in range(round(2 * rate))] for rate in (25, 30_000 / 1001, 60)}


@pytest.mark.parametrize("times", [*RATES.values(), VARIABLE], ids=["25", "29.97", "60", "variable"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_flash_and_beep_of_an_overlay_are_those_of_its_source(tmp_path, times, suffix):
    moment = min(t for t in times if t >= AT - 1e-6)
    images = [np.full((*SIZE, 3), 235 if moment <= t < moment + 0.5 else 30, np.uint8) for t in times]
    last = times[1] - times[0]
    source = write_timed(
        tmp_path / f"a{suffix}", images, times, last=last, waveform=beep(moment, times[-1] + last)
    )
    made = overlay_of(source, tmp_path / "out")
    assert flash_of(made) == pytest.approx(moment, abs=1e-3)
    assert beep_of(made) == pytest.approx(moment, abs=SYNC)
    assert abs(beep_of(made) - flash_of(made)) < SYNC
    found, wanted = list(timed_frames(made)), list(timed_frames(source))
    assert [frame.time for frame in found] == pytest.approx([frame.time for frame in wanted], abs=1e-3)
    assert found[-1].time + found[-1].duration == pytest.approx(
        wanted[-1].time + wanted[-1].duration, abs=2e-3
    )
    assert duration_of(made) == pytest.approx(duration_of(source), abs=last)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    "late", [{}, {"video_start": 1.0}, {"audio_start": 1.0}, {"gap": (0.5, 1.5)}], ids=str
)
def test_streams_that_start_late_stay_in_sync(tmp_path, suffix, late):
    source = flash_and_beep(tmp_path / f"a{suffix}", 2.0, **late)
    made = overlay_of(source, tmp_path / "out")
    assert flash_of(made) == pytest.approx(2, abs=1e-2)
    assert beep_of(made) == pytest.approx(2, abs=SYNC)
    assert duration_of(made) == pytest.approx(duration_of(source), abs=0.1)


@pytest.mark.parametrize("seconds", [1.6, 3.0])
@pytest.mark.parametrize("codec", ["aac", "mp3"])
def test_audio_shorter_or_longer_than_the_video_is_kept(tmp_path, seconds, codec):
    times = RATES[25]
    encoding = Encoding(audio_codec=codec)
    source = write_timed(
        tmp_path / "a.mp4", flashing(times), times, waveform=beep(AT, seconds), encoding=encoding
    )
    made = overlay_of(source, tmp_path / "out")
    assert beep_of(made) == pytest.approx(beep_of(source), abs=2e-3)
    assert beep_of(made) == pytest.approx(flash_of(made), abs=SYNC + (0.03 if codec == "mp3" else 0))
    assert duration_of(made) == pytest.approx(max(2.0, seconds), abs=0.06)
    assert len(load_waveform(made, 48_000)) / 48_000 == pytest.approx(seconds, abs=0.08)


def test_audio_of_an_mp4_is_copied(tmp_path):
    times = RATES[25]
    source = write_timed(tmp_path / "a.mp4", flashing(times), times, waveform=beep(AT, 2))
    made = overlay_of(source, tmp_path / "out")

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]

    assert packets(made) == packets(source)


def test_audio_of_another_file_ends_with_the_video(tmp_path):
    times = RATES[25]
    source = write_timed(tmp_path / "a.mp4", flashing(times), times)
    audio = write_wav(tmp_path / "a.wav", tone("red", 5))
    made = overlay_of(source, tmp_path / "out", audio=str(audio))
    assert duration_of(made) == pytest.approx(2.0, abs=0.05)


def test_a_source_without_audio_has_an_overlay_without_audio(tmp_path):
    source = write_timed(tmp_path / "a.mp4", flashing(RATES[25]), RATES[25])
    with av.open(str(overlay_of(source, tmp_path / "out", audio=None))) as container:
        assert not container.streams.audio


def test_a_rotated_source_has_an_upright_overlay(tmp_path):
    times = RATES[25]
    encoding = Encoding(orientation=(90, False))
    source = write_timed(tmp_path / "a.mp4", flashing(times), times, waveform=beep(AT, 2), encoding=encoding)
    made = overlay_of(source, tmp_path / "out")
    frame = next(iter(timed_frames(made)))
    assert frame.rgb().shape[0] > frame.rgb().shape[1]
    assert (frame.decoded.height, frame.decoded.width) == frame.size
    assert beep_of(made) == pytest.approx(flash_of(made), abs=SYNC)


def test_an_overlay_plays_in_browsers(tmp_path):
    source = write_timed(tmp_path / "a.mp4", flashing(RATES[25]), RATES[25], waveform=beep(AT, 2))
    made = overlay_of(source, tmp_path / "out")
    with av.open(str(made)) as container:
        video, audio = container.streams.video[0].codec_context, container.streams.audio[0].codec_context
        assert (video.name, video.pix_fmt, audio.name) == ("h264", "yuv420p", "aac")
        assert (video.colorspace, video.color_range) == (1, 1)
    content = made.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_still_image_is_shown_to_the_end_of_its_audio(tmp_path):
    from PIL import Image

    Image.new("RGB", (48, 32), (90, 90, 90)).save(tmp_path / "a.png")
    audio = write_wav(tmp_path / "a.wav", tone("red", 2))
    info = make_info(tmp_path / "a.png", SIZE, 2.0, 1, audio=str(audio), still=True)
    mask = np.zeros(SIZE, np.bool_)
    mask[8:20, 10:30] = True
    result = make_result(info, [make_key(0, 0.0, {4: mask})])
    decided = decide_all(result, {4: [(0.5, 1.2)]})
    overlay, shown = Overlay(tmp_path, decided), []
    for frame in every_frame(result, decided):
        overlay.add(frame)
        shown.append((round(frame.time, 3), frame.tracks.tolist()))
    overlay.close()
    assert [time for time, tracks in shown if tracks] == pytest.approx(np.arange(5, 12) * 0.1)
    assert duration_of(tmp_path / "overlay.mp4") == pytest.approx(2.0, abs=0.1)


def test_masks_are_tinted_and_the_rest_is_darker():
    image = np.full((200, 320, 3), 100, np.uint8)
    masks = np.zeros((2, 200, 320), np.bool_)
    masks[0, 50:100, 50:100], masks[1, 60:150, 60:150] = True, True
    drawn = draw(Drawing(image, masks, ["a", "b"], [(255, 0, 0), (0, 255, 0)], ""))
    assert drawn[180, 300].tolist() == [55, 55, 55]
    assert drawn[70, 70].tolist() == [170, 55, 55]  # the likeliest is on top
    assert drawn[130, 130].tolist() == [55, 170, 55]
    assert drawn[50, 75].tolist() == [255, 0, 0]
    assert np.array_equal(draw(Drawing(image, masks[:0], [], [], "")), image)
