"""The demo clip as it is in the repository, and its views and audio."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from demo.make_clip import (
    FPS,
    HEIGHT,
    RATE,
    SCENES,
    SOUNDS,
    WEBCAM,
    WIDTH,
    Panel,
    View,
    interpolate,
    mix,
    show,
)
from seac.media.decode import load_waveform
from tests.conftest import REPO
from tests.fixtures.parts import write_wav

CLIP = REPO / "demo/clip.mp4"
LIMIT = 1_500_000
"""Bytes of the clip at most."""


def test_the_clip_is_small_plays_in_browsers_and_is_as_long_as_its_scenes() -> None:
    assert CLIP.stat().st_size < LIMIT
    with av.open(str(CLIP)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.average_rate) == (WIDTH, HEIGHT, FPS)
        assert video.frames == round(SCENES[-1].stop * FPS)


def test_the_clip_ends_in_silence_with_a_thing_in_view() -> None:
    waveform = load_waveform(CLIP).numpy()
    quiet = waveform[round((SOUNDS[-1].stop + 0.2) * 16_000) :]
    assert len(quiet) > 2.5 * 16_000
    assert np.abs(quiet).max() < 1e-3
    assert SCENES[-1].panels


def test_everything_sounds_within_its_scene() -> None:
    starts = [0.0, *(scene.stop for scene in SCENES)]
    for sound in SOUNDS:
        assert any(a <= sound.start < sound.stop <= b for a, b in pairwise(starts))


def test_the_video_has_the_shape_of_the_frame() -> None:
    left, top, right, bottom = WEBCAM
    assert (right - left) / (bottom - top) == pytest.approx(WIDTH / HEIGHT, rel=0.01)


def test_a_view_begins_and_ends_where_it_should() -> None:
    panel = Panel("dog", View(0.2, 0.3, 0.5), View(0.6, 0.5, 1.0))
    assert interpolate(panel, 0) == panel.first
    assert interpolate(panel, 1) == panel.last
    assert interpolate(panel, 0.5) == View(pytest.approx(0.4), pytest.approx(0.4), pytest.approx(0.75))


@pytest.mark.parametrize("view", [View(0.0, 0.0, 0.5), View(1.0, 1.0, 0.9), View(0.5, 0.5, 2.0)])
def test_a_view_stays_within_the_photograph(view: View) -> None:
    ramp = np.tile(np.linspace(0, 255, 80).astype(np.uint8)[None, :, None], (60, 1, 3))
    shown = np.asarray(show(Image.fromarray(ramp), view, 32, 24))
    assert shown.shape == (24, 32, 3)
    assert shown[:, -1].mean() > shown[:, 0].mean()


def test_recordings_are_equally_loud_and_nothing_sounds_between_them(tmp_path: Path) -> None:
    files = {}
    for number, name in enumerate({sound.piece for sound in SOUNDS}):
        noise = np.random.default_rng(number).uniform(-0.1 * (number + 1), 0.1 * (number + 1), 12 * 16_000)
        files[name] = write_wav(tmp_path / f"{number}.wav", noise.astype(np.float32))
    track = mix(files).astype(np.float32) / 32_767
    assert len(track) == round(SCENES[-1].stop * RATE)
    audible = np.zeros(len(track), bool)
    for sound in SOUNDS:
        audible[round(sound.start * RATE) : round(sound.stop * RATE)] = True
    assert not track[~audible].any()
    assert 0.45 < np.abs(track[audible]).max() <= 1
