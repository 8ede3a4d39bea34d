"""Excerpts of training pairs: times of images and audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seac.core.errors import InputError
from seac.datasets.pairs.pair import ExcerptConfig, ImageAudioPair, Sequence, VideoPair, read_audio_between
from seac.media.decode import MIN_SEEK, frames
from tests.fixtures.parts import squares, tone, write_video, write_wav

STEP = 4
"""Increase of the grey level of the video per second."""


def bright_video(path: Path, seconds: int, fps: int = 5) -> Path:
    """A video whose brightness encodes the second; only its sixth second has a tone."""
    images = [np.full((32, 32, 3), 16 + STEP * (n // fps), np.uint8) for n in range(seconds * fps)]
    audio = np.concatenate([tone("red" if second == 5 else "silence", 1) for second in range(seconds)])
    return write_video(path, images, audio, fps=fps)


def seconds_of(images) -> list[int]:
    return [round((float(image.float().mean()) - 16) / STEP) for image in images]


class TestVideo:
    def test_the_centre_is_taken(self, tmp_path):
        video = VideoPair("a", "a", None, bright_video(tmp_path / "a.mp4", 11))
        excerpt = video.excerpt(ExcerptConfig())
        assert excerpt.start == pytest.approx(3.0, abs=0.1)
        assert seconds_of(excerpt.images) in ([3, 4, 5, 6, 7], [2, 3, 4, 5, 6])
        assert excerpt.times == pytest.approx((0, 1, 2, 3, 4))
        assert len(excerpt.waveform) == 80_000
        loud = excerpt.waveform.abs().unfold(0, 1600, 1600).amax(1) > 0.1
        first = round((5 - excerpt.start) * 10)
        assert loud[first + 1 : first + 9].all()
        assert not loud[: first - 2].any()
        assert not loud[first + 13 :].any()

    @pytest.mark.parametrize(("seconds", "fps", "count"), [(2.0, 1.0, 2), (5.0, 2.0, 10), (1.0, 1.0, 1)])
    def test_length_and_rate_can_be_set(self, tmp_path, seconds, fps, count):
        video = VideoPair("a", "a", None, bright_video(tmp_path / "a.mp4", 8))
        excerpt = video.excerpt(ExcerptConfig(seconds, fps, sample_rate=8_000))
        assert len(excerpt.images) == count
        assert len(excerpt.waveform) == 8_000 * seconds

    def test_a_short_video_is_used_completely(self, tmp_path):
        excerpt = VideoPair("a", "a", None, bright_video(tmp_path / "a.mp4", 3)).excerpt(ExcerptConfig())
        assert excerpt.start == 0
        assert seconds_of(excerpt.images) == [0, 1, 2]
        assert len(excerpt.waveform) == pytest.approx(48_000, abs=2_000)

    def test_images_are_scaled_down_to_max_side(self, tmp_path):
        excerpt = VideoPair("a", "a", None, bright_video(tmp_path / "a.mp4", 2)).excerpt(
            ExcerptConfig(max_side=16)
        )
        assert excerpt.images[0].shape == (3, 16, 16)

    def test_seeking_finds_the_same_frames_as_decoding_from_the_beginning(self, tmp_path):
        path = bright_video(tmp_path / "a.mp4", 50)
        every = list(frames(path, 1.0))
        start = MIN_SEEK + 12
        some = list(frames(path, 1.0, start=start, stop=start + 5))
        assert [frame.time for frame in some] == [start + n for n in range(5)]
        for frame in some:
            assert torch.equal(frame.image, every[int(frame.time)].image)

    @pytest.mark.parametrize("kind", ["no audio", "not a video", "missing", "empty"])
    def test_an_unreadable_video_is_refused_with_its_name(self, tmp_path, kind):
        path = tmp_path / "a.mp4"
        if kind == "no audio":
            write_video(path, [squares()] * 10, None)
        elif kind != "missing":
            path.write_bytes(b"not a video" if kind == "not a video" else b"")
        with pytest.raises(InputError, match=r"a\.mp4"):
            VideoPair("a", "a", None, path).excerpt(ExcerptConfig())


class TestSequence:
    def test_each_image_corresponds_to_a_second_of_audio(self, tmp_path):
        for number in range(4):
            Image.new("RGB", (8, 8), (40 * number,) * 3).save(tmp_path / f"{number}.png")
        audio = np.concatenate([tone(name, 2) for name in ("silence", "red", "silence")])
        write_wav(tmp_path / "a.wav", audio)
        images = tuple(tmp_path / f"{number}.png" for number in range(2, 4))
        excerpt = Sequence("a", "a", None, images, tmp_path / "a.wav", start=2.0).excerpt(ExcerptConfig())
        assert excerpt.times == (0.0, 1.0)
        assert [int(image.max()) for image in excerpt.images] == [80, 120]
        assert len(excerpt.waveform) == 32_000
        assert excerpt.waveform.abs().max() > 0.3

    def test_audio_that_ends_before_the_excerpt_is_refused(self, tmp_path):
        path = write_wav(tmp_path / "a.wav", tone("red", 1))
        with pytest.raises(InputError, match="from 5 s to 10 s"):
            read_audio_between(path, 5, 10, 16_000)

    def test_audio_far_into_a_file_is_found(self, tmp_path):
        ramp = np.repeat(np.arange(130) / 200, 4_000).astype(np.float32)
        path = write_wav(tmp_path / "a.wav", ramp, 4_000)
        found = read_audio_between(path, 125, 126, 4_000)
        assert found.mean() == pytest.approx(125 / 200, abs=1e-3)


def test_an_image_is_paired_with_the_centre_of_its_audio(tmp_path):
    Image.fromarray(squares()).save(tmp_path / "a.png")
    write_wav(tmp_path / "a.wav", np.concatenate([tone("silence", 3), tone("red", 2), tone("silence", 3)]))
    excerpt = ImageAudioPair("a", "a", None, tmp_path / "a.png", tmp_path / "a.wav").excerpt(
        ExcerptConfig(seconds=2.0)
    )
    assert excerpt.start == 3.0
    assert excerpt.times == (0.0,)
    assert excerpt.waveform.abs().max() > 0.3
    assert (excerpt.waveform.abs() > 0.01).float().mean() > 0.9
