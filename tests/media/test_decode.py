"""Frames and audio windows at the requested times."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from seac import InputError
from seac.cli import app
from seac.media.decode import AudioReader, Media, frames, load_waveform, probe
from seac.media.image import as_image, read_image, shrink
from seac.media.sources import Source, source_frames
from seac.video import tracker as tracker_module
from seac.video.tracker import Tracker
from tests.fixtures.parts import squares, tone, write_video, write_wav


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    images = [np.full((32, 48, 3), 8 * n, np.uint8) for n in range(30)]
    return write_video(folder / "a.mp4", images, tone("red", 3), fps=10)


@pytest.mark.parametrize("fps", [0.5, 1, 4, 10, 25])
def test_frames_are_those_shown_at_their_times(video, fps):
    shown = list(frames(video, fps))
    assert [frame.time for frame in shown] == [n / fps for n in range(len(shown))]
    assert len(shown) == int(np.ceil(3 * fps - 1e-6))
    for frame in shown:
        assert abs(float(frame.image.float().mean()) - 8 * int(frame.time * 10 + 1e-6)) < 6


@pytest.mark.parametrize("fps", [0, -1, 1e-7, 9.9e-5, float("nan"), float("inf")])
def test_an_invalid_frame_rate_is_refused(video, tmp_path, fps, capsys):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    for source in (Source(video, video, False, 1.0), Source(tmp_path / "a.png", video, True, 1.0)):
        with pytest.raises(InputError, match=r"at least 0\.0001"):
            next(source_frames(source, fps, 64))
    assert app.run(["segment", str(video), "-o", str(tmp_path / "out"), f"--fps={fps}"]) == app.USAGE
    assert re.search(r"--fps is .*: give a number from 0\.0001 to 1000", capsys.readouterr().err)


def test_probe_reads_the_duration_and_the_streams(video, tmp_path):
    three = pytest.approx(3, abs=0.1)
    assert probe(video) == Media(three, True, True, video_duration=three, audio_duration=three)
    sound = probe(write_wav(tmp_path / "a.wav", tone("red", 2)))
    assert sound == Media(2.0, has_video=False, has_audio=True, audio_duration=2.0)


def test_audio_windows_are_slices_of_the_waveform(tmp_path):
    path = write_wav(tmp_path / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 40_000))
    waveform = load_waveform(path)
    reader = AudioReader(path)
    for start, stop in ((-1, 0.5), (0.2, 1.0), (0.2, 1.1), (1.0, 1.0), (1.5, 9), (2.4, 3), (5, 6)):
        torch.testing.assert_close(
            reader.read(start, stop), waveform[max(0, round(start * 16_000)) : max(0, round(stop * 16_000))]
        )


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1)), min_size=1, max_size=8))
def test_any_windows_in_order_of_time(video, spans):
    waveform, reader = load_waveform(video), AudioReader(video)
    for start, length in sorted(spans):
        first, last = round(start * 16_000), round((start + length) * 16_000)
        torch.testing.assert_close(reader.read(start, start + length), waveform[first:last])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_any_bytes_are_media_or_refused_in_one_line(tmp_path, content):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    for read in (probe, load_waveform, read_image, lambda p: list(frames(p, 1))):
        try:
            read(path)
        except InputError as refused:
            assert "\n" not in str(refused)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_damaged_video_is_read_or_refused(tmp_path, video, at, value):
    content = bytearray(video.read_bytes())
    content[at % len(content)] = value
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    try:
        list(frames(path, 2))
        load_waveform(path)
    except InputError as refused:
        assert "\n" not in str(refused)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 5), np.uint8), np.zeros((4, 5, 1), np.uint8), np.zeros((4, 5, 4), np.uint8),
        np.zeros((4, 5, 3), np.uint16), np.zeros((4, 5, 3), np.float64), np.zeros((4, 5), bool),
        torch.zeros(3, 4, 5), torch.zeros(1, 4, 5, dtype=torch.uint8), Image.new("LA", (5, 4)),
        Image.new("F", (5, 4)),
    ],
)  # fmt: skip
def test_every_type_of_image_is_rgb(image):
    rgb = as_image(image)
    assert (rgb.shape, rgb.dtype) == ((3, 4, 5), torch.uint8)


@pytest.mark.parametrize(
    "image",
    [
        np.full((4, 5, 3), np.nan), np.full((4, 5, 3), 200.0), np.zeros((4, 5, 2), np.uint8),
        np.zeros((0, 5, 3)),
        torch.zeros(4, 5), "an image", None, np.zeros((4, 5, 3), np.int64),
    ],
)  # fmt: skip
def test_an_invalid_image_is_refused_in_one_line(image):
    with pytest.raises(InputError) as refused:
        as_image(image)
    assert "\n" not in str(refused.value)


def test_16_bit_values_are_rounded_to_8_bits():
    deep = np.full((2, 2, 3), 65_535, np.uint16)
    assert int(as_image(deep).min()) == 255


@given(st.integers(1, 400), st.integers(1, 400))
def test_an_image_is_never_scaled_to_nothing(height, width):
    small = shrink(torch.zeros(3, height, width, dtype=torch.uint8), 16)
    assert max(small.shape[-2:]) == min(16, max(height, width))
    assert min(small.shape[-2:]) >= 1


def test_ids_stay_when_masks_change_their_order():
    masks = torch.zeros(3, 40, 60, dtype=torch.bool)
    masks[0, :20, :20], masks[1, 20:, 30:], masks[2, 5:15, 40:50] = True, True, True
    embeddings = torch.eye(3)
    tracker = Tracker()
    first = tracker.follow(masks, embeddings, 0.0)
    order = torch.tensor([2, 0, 1])
    assert tracker.follow(masks[order], embeddings[order], 0.1).tolist() == first[order].tolist()


def test_a_new_object_has_a_new_id_and_an_old_one_keeps_its_id():
    masks = torch.zeros(2, 40, 60, dtype=torch.bool)
    masks[0, :20, :20], masks[1, 20:, 30:] = True, True
    tracker = Tracker(max_age=1.0)
    assert tracker.follow(masks[:1], torch.eye(2)[:1], 0.0).tolist() == [0]
    assert tracker.follow(masks[1:], torch.eye(2)[1:], 0.5).tolist() == [1]
    assert tracker.follow(masks[:1], torch.eye(2)[:1], 0.9).tolist() == [0]
    assert tracker.follow(masks[:1], torch.eye(2)[:1], 5.0).tolist() == [2]


def test_smoothing_decays_with_time_and_is_reset_by_silence():
    mask, embedding = torch.ones(1, 8, 8, dtype=torch.bool), torch.ones(1, 1)
    tracker = Tracker(smoothing=0.5)

    def at(time, value, *, silent=False):
        ids = tracker.follow(mask, embedding, time)
        return float(tracker.smooth(ids, torch.tensor([value]), time, silent=silent))

    assert at(0.0, 1.0) == 1
    assert 0 < at(0.1, 0.0) < 1
    assert at(2.9, 0.0) < 0.01
    at(3.0, 1.0, silent=True)
    assert at(3.1, 0.2) == pytest.approx(0.2)


def test_no_smoothing_leaves_similarities_as_they_are():
    tracker = Tracker(smoothing=0)
    similarity = torch.tensor([0.4])
    ids = tracker.follow(torch.ones(1, 8, 8, dtype=torch.bool), torch.ones(1, 1), 0.0)
    assert tracker.smooth(ids, similarity, 0.0) is similarity


def test_colours_survive_encoding_and_decoding(tmp_path):
    video = write_video(tmp_path / "a.mp4", [squares()] * 5, None)
    image = next(iter(frames(video, 1))).image.float()
    assert (image - torch.from_numpy(squares()).permute(2, 0, 1)).abs().mean() < 4


def test_an_object_keeps_the_features_of_its_first_crops_while_it_is_tracked(monkeypatch):
    monkeypatch.setattr(tracker_module, "MAX_CROPS", 3)
    masks = torch.zeros(2, 40, 60, dtype=torch.bool)
    masks[0, :20, :20], masks[1, 20:, 30:] = True, True
    likely, unlikely = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    tracker = Tracker(max_age=1.0)
    ids = tracker.follow(masks, torch.eye(2), 0.0)
    assert torch.equal(tracker.aggregate_crops(ids[:1], lambda _: likely), likely)
    assert torch.equal(
        tracker.aggregate_crops(ids[1:], lambda _: unlikely), unlikely
    )  # another track, other crops
    tracker.follow(masks, torch.eye(2), 0.5)
    tracker.aggregate_crops(ids[:1], lambda _: likely)
    encoded = []
    both = tracker.aggregate_crops(ids, lambda new: encoded.append(new.tolist()) or unlikely.expand(2, 2))
    assert both.flatten().tolist() == pytest.approx([2 / 3, 1 / 3, 0, 1])
    after = tracker.aggregate_crops(ids, lambda new: encoded.append(new.tolist()) or likely)
    assert torch.equal(after[0], both[0])  # MAX_CROPS reached: not encoded again
    assert encoded == [[0, 1], [1]]
    later = tracker.follow(masks, torch.eye(2), 5.0)
    assert torch.equal(tracker.aggregate_crops(later[:1], lambda _: unlikely), unlikely)


def test_names_of_a_track_are_averaged_by_the_probability_of_sounding():
    masks = torch.zeros(2, 40, 60, dtype=torch.bool)
    masks[0, :20, :20], masks[1, 20:, 30:] = True, True
    tracker = Tracker(max_age=1.0)
    dog, cow = torch.eye(2)
    ids = tracker.follow(masks, torch.eye(2), 0.0)
    one = ids[:1]
    first = tracker.average_scores(one, dog[None], torch.tensor([0.4]))
    assert torch.allclose(first, dog[None])
    second = tracker.average_scores(one, cow[None], torch.tensor([0.2]))
    assert second.argmax() == 0  # one frame of low probability does not change the name
    third = tracker.average_scores(one, cow[None], torch.tensor([0.6]))
    assert torch.allclose(third, torch.tensor([[0.4, 0.8]]) / 1.2)
    assert torch.allclose(tracker.average_scores(ids[1:], cow[None], torch.tensor([0.1])), cow[None])
    later = tracker.follow(masks, torch.eye(2), 5.0)  # beyond max_age
    assert torch.allclose(tracker.average_scores(later[:1], dog[None], torch.tensor([0.1])), dog[None])
