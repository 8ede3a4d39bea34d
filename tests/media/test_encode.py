"""Written videos: frames and audio stay in sync."""

from __future__ import annotations

import av
import numpy as np
import pytest

from seac import InputError
from seac.media.decode import MIN_FPS, frames, load_waveform
from seac.media.encode import VideoWriter
from tests.fixtures.parts import squares, write_video
from tests.fixtures.videos import aac, beep_time, flash_and_beep, flash_time


def copy_video(video, path, fps=10):
    """Decode and encode a video with its audio, as overlays are written."""
    writer = VideoWriter(path, fps, video)
    for frame in frames(video, fps):
        writer.add(frame.image.permute(1, 2, 0).numpy())
    writer.close()
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    "late", [{}, {"video_start": 2.0}, {"audio_start": 2.0}, {"gap": (0.5, 2.5)}], ids=str
)
def test_flash_and_beep_stay_together(tmp_path, suffix, late):
    video = flash_and_beep(tmp_path / f"a{suffix}", 3.0, **late)
    copy = copy_video(video, tmp_path / "copy.mp4")
    with av.open(str(copy)) as container:
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(images) == 60
    assert flash_time(images, 10) == pytest.approx(3, abs=0.11)
    assert beep_time(load_waveform(copy).numpy(), 16_000) == pytest.approx(3, abs=0.06)


def test_audio_that_changes_its_format_is_muxed_with_the_frames(tmp_path):
    (tmp_path / "a.aac").write_bytes(aac("stereo", 48_000, 2) + aac("mono", 44_100, 2))
    writer = VideoWriter(tmp_path / "a.mp4", 2, tmp_path / "a.aac")
    for _ in range(8):
        writer.add(squares())
    writer.close()
    loud = load_waveform(tmp_path / "a.mp4").unfold(0, 1600, 1600).abs().amax(1) > 0.3
    assert loud[1:38].all()


def test_a_file_without_audio_is_refused(tmp_path):
    silent = write_video(tmp_path / "a.mp4", [squares()] * 3, None)
    writer = VideoWriter(tmp_path / "b.mp4", 1, silent)
    with pytest.raises(InputError, match="has no audio track"):
        writer.add(squares())
    writer.close()


def test_the_minimum_frame_rate_can_be_written(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", MIN_FPS, None)
    for _ in range(2):
        writer.add(np.zeros((32, 48, 3), np.uint8))
    writer.close()
    assert len(list(frames(tmp_path / "a.mp4", MIN_FPS))) == 2
