"""Key frames: their choice, their results, and the audio steps that belong to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seac.core.errors import InputError
from seac.media.presentation import timed_frames
from seac.results.rle import decode_rle
from seac.video.key_frames import ChosenFrame, KeyFrameRate, choose_key_frames
from seac.video.predictor import VideoPredictor, boundary, first_step_after
from tests.fixtures.parts import squares, synthetic_model, tone, write_video, write_wav

AUTO = KeyFrameRate.of("auto")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of squares, then two of another shot; a red tone in the second second."""
    images = [squares()] * 30 + [255 - squares()] * 20
    audio = np.concatenate([tone("silence", 1.0), tone("red", 1.0), tone("silence", 3.0)])
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", images, audio)


def chosen_of(path: Path, rate: KeyFrameRate) -> list[ChosenFrame]:
    return list(choose_key_frames(timed_frames(path), rate, 1280))


@pytest.mark.parametrize("fps", [0.5, 1.0, 2.5, 10.0, 50.0])
def test_a_fixed_rate_stays_on_its_grid(fps: float, clip: Path) -> None:
    times = [frame.time for frame in chosen_of(clip, KeyFrameRate.of(fps)) if frame.cut is None]
    expected = np.arange(0, 5, max(1 / fps, 0.1))
    expected = expected[(expected < 4.96)]
    grid = [time for time in times if min(abs(time - expected)) <= 0.051]
    assert len(grid) == len(times)
    assert len(times) >= len(expected) - 1


def test_a_cut_is_a_key_frame_at_any_rate(clip: Path) -> None:
    for rate in (AUTO, KeyFrameRate.of(0.1)):
        cuts = [(frame.time, frame.cut) for frame in chosen_of(clip, rate) if frame.cut is not None]
        assert cuts == [(pytest.approx(3.0), pytest.approx(3.0))]


def test_key_frames_come_sooner_where_the_image_changes(tmp_path: Path) -> None:
    moving = [np.roll(squares(), 6 * number, 1) for number in range(30)]
    path = write_video(tmp_path / "moving.mp4", [squares()] * 30 + moving, None)
    times = np.array([frame.time for frame in chosen_of(path, KeyFrameRate(0.3, 1.0, 0.03))])
    intervals = np.diff(times)
    assert np.allclose(intervals[times[1:] <= 3.0], 1.0, atol=0.11)
    assert intervals[times[1:] > 3.5].max() <= 0.51


def test_key_frames_know_the_motion_to_the_one_before(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    path = write_video(tmp_path / "pan.mp4", [np.roll(image, number, 1) for number in range(20)], None)
    first, second = chosen_of(path, KeyFrameRate.of(1.0))
    assert first.flow is None
    assert second.flow is not None
    scale = second.flow.shape[1] / image.shape[1]
    assert float(second.flow[..., 0].median()) == pytest.approx(-10 * scale, abs=1)
    assert float(second.flow[..., 1].median()) == pytest.approx(0, abs=0.5)


def test_no_motion_crosses_a_cut(clip: Path) -> None:
    found = chosen_of(clip, KeyFrameRate.of(1.0))
    assert [frame.flow is None for frame in found] == [True, False, False, True, False]


def test_a_rate_that_is_no_number_is_refused() -> None:
    for fps in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="fps is"):
            KeyFrameRate.of(fps)


@given(st.floats(0, 100))
def test_a_step_belongs_to_the_side_of_its_middle(time: float) -> None:
    step = first_step_after(time)
    assert 0.1 * step + 0.05 >= time - 1e-4
    assert step == 0 or 0.1 * (step - 1) + 0.05 < time


def test_key_frames_have_results_and_steps_without_a_gap(clip: Path) -> None:
    found = list(VideoPredictor(synthetic_model(audio_window=0.5)).key_frames(clip, 1.0))
    assert [frame.key_frame.index for frame in found] == [0, 10, 20, 30, 40]
    assert [frame.key_frame.cut for frame in found] == [False, False, False, True, False]
    assert sum(len(frame.steps) for frame in found) == 50
    position = 0
    for number, frame in enumerate(found):
        assert len(frame.steps) == len(frame.steps.level) == len(frame.steps.silent)
        assert (frame.steps.key_frame == number).all()
        assert all(len(row) == len(frame.key_frame) for row in frame.steps.probability)
        masks = decode_rle(frame.key_frame.masks, frame.result.image.shape[:2])
        np.testing.assert_array_equal(masks, frame.result.masks)
        assert frame.class_scores.shape == (len(frame.key_frame), 3)
        np.testing.assert_allclose(frame.class_scores.sum(1), 1, atol=1e-4)
        position += len(frame.steps)
    # The steps of the last frame of the first shot end at the cut.
    assert sum(len(frame.steps) for frame in found[:3]) == 30


def test_the_steps_say_when_a_mask_sounds(clip: Path) -> None:
    found = list(VideoPredictor(synthetic_model(audio_window=0.5)).key_frames(clip, 2.0))
    red = [len(row) > 1 and row[1] >= 0.5 for frame in found for row in frame.steps.probability]
    on = np.flatnonzero(red[:30])
    assert abs(on[0] - 10) <= 1
    assert abs(on[-1] - 19) <= 1


def test_key_frames_at_a_fixed_rate_agree_with_the_stream(clip: Path) -> None:
    predictor = VideoPredictor(synthetic_model(smoothing=0))
    streamed = {round(result.time, 2): result for result in predictor.stream(clip, 1.0)}
    for frame in predictor.key_frames(clip, 1.0):
        same = streamed[round(frame.result.time, 2)]
        np.testing.assert_array_equal(frame.result.masks, same.masks)
        np.testing.assert_allclose(frame.result.probability, same.probability, atol=1e-4)


def test_a_still_image_is_repeated_to_the_end_of_its_audio(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(squares()).save(tmp_path / "image.png")
    audio = write_wav(tmp_path / "audio.wav", tone("blue", 2.3))
    found = list(VideoPredictor(synthetic_model()).key_frames(tmp_path / "image.png", audio=audio))
    assert {frame.key_frame.index for frame in found} == {0}
    assert sum(len(frame.steps) for frame in found) == 23
    assert found[0].steps.probability[4].argmax() == 3


def test_a_video_without_audio_is_silent(tmp_path: Path) -> None:
    path = write_video(tmp_path / "mute.mp4", [squares()] * 15, None)
    predictor = VideoPredictor(synthetic_model())
    found = list(predictor.key_frames(path))
    assert sum(len(frame.steps) for frame in found) == 15
    for frame in found:
        assert len(frame.key_frame)
        assert frame.steps.silent.all()
        assert not frame.result.sounding.any()
    assert all(result.audio_summary.silent for result in predictor.stream(path))


@given(st.floats(0, 9), st.floats(0.1, 5), st.one_of(st.none(), st.floats(0, 1)))
def test_no_step_crosses_a_cut(time: float, gap: float, share: float | None) -> None:
    import torch

    cut = None if share is None else time + share * gap
    frames = [
        ChosenFrame(0, moment, moment, each, torch.zeros(3, 1, 1), (1, 1))
        for moment, each in ((time, None), (time + gap, cut))
    ]
    limit = boundary(*frames)
    assert time <= limit <= time + gap
    assert cut is None or limit == cut
