"""Crops are the pixels of the boxes of masks, with the audio of each span."""

from __future__ import annotations

import csv
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.export.sample import NAMES, TIMES, audio_file, decided, export, frames


def test_crops_are_boxes_with_the_mask_as_alpha(tmp_path: Path) -> None:
    folder = export("crops", tmp_path, decided(audio_file(tmp_path))) / "crops"
    with (folder / "crops.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = [(int(row["track"]), int(row["span"]), float(row["time"]), row["name"]) for row in rows]
    assert found == [
        (4, 0, 0.0, NAMES[0]),
        (4, 0, 0.31, NAMES[0]),
        (2, 0, 0.31, NAMES[1]),
        (2, 0, 0.6, NAMES[1]),
        (4, 0, 0.6, NAMES[0]),
        (4, 1, 1.7, NAMES[0]),
        (2, 0, 2.5, NAMES[1]),
    ]
    given = dict(zip(TIMES, frames(), strict=True))
    for row in rows:
        frame = given[float(row["time"])]
        assert frame.image is not None
        mask = frame.masks[list(frame.tracks).index(int(row["track"]))]
        x, y, width, height = (int(row[key]) for key in ("x", "y", "width", "height"))
        pixels = np.asarray(Image.open(folder / row["file"]))
        assert np.array_equal(pixels[..., :3], frame.image[y : y + height, x : x + width])
        assert np.array_equal(pixels[..., 3] == 255, mask[y : y + height, x : x + width])
        assert (pixels[..., 3] == 255).sum() == mask.sum()


def test_each_span_has_its_audio(tmp_path: Path) -> None:
    video = decided(audio_file(tmp_path))
    folder = export("crops", tmp_path, video) / "crops"
    for track in video.tracks:
        tops = list(folder.glob(f"{track.id:04d}_*"))
        assert len(tops) == bool(track.spans)
        for number, span in enumerate(track.spans):
            with wave.open(str(tops[0] / f"{number:03d}/audio.wav")) as file:
                assert file.getnframes() == round(span.stop * 48_000) - round(span.start * 48_000)
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
                assert np.abs(samples[2_000:]).max() > 1_000


def test_without_audio_there_are_crops_only(tmp_path: Path) -> None:
    folder = export("crops", tmp_path) / "crops"
    assert list(folder.rglob("*.png"))
    assert not list(folder.rglob("*.wav"))


def test_a_mask_far_from_all_spans_is_left_out(tmp_path: Path) -> None:
    given = frames((((9, "ring", 0.9),), ((4, "ring", 0.9),)), [0.0, 1.2], [0, 30])
    assert not list((export("crops", tmp_path, given=given) / "crops").rglob("*.png"))


@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_audio_that_ends_before_a_span_is_followed_by_silence(seconds: float, tmp_path: Path) -> None:
    video = decided(audio_file(tmp_path, seconds))
    folder = export("crops", tmp_path, video) / "crops"
    (path,) = folder.glob("0004_*/001/audio.wav")
    with wave.open(str(path)) as file:
        assert file.getnframes() == round(2.2 * 48_000) - round(1.6 * 48_000)
        assert (set(file.readframes(file.getnframes())) == {0}) == (seconds == 1.0)
