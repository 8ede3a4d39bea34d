"""Test videos for tracking: what the truth says is what is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from pycocotools import mask as coco_mask

from recipes.common.track_videos import (
    MAX_HIDDEN,
    MIN_HIDDEN,
    RHYTHM,
    SCENARIOS,
    TrackVideos,
    hidden_seconds,
    write_truth,
    write_video,
)
from seac.core.errors import InputError
from seac.media.decode import SAMPLE_RATE, frames, load_waveform

CLASSES = ("dog", "cat", "horse", "sheep", "cow")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Photographs of ellipses of different colours with recordings, and media of two classes."""
    root = tmp_path_factory.mktemp("data")
    data, media = root / "real", root / "media"
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:160, :200]
    ellipse = ((x - 100) / 70) ** 2 + ((y - 80) / 60) ** 2 < 1
    code = coco_mask.encode(np.asfortranarray(ellipse.astype(np.uint8)))["counts"].decode()
    lines = []
    (data / "photos/dev").mkdir(parents=True)
    for name in (*CLASSES, "chair"):
        image = np.where(ellipse[..., None], rng.integers(40, 220, 3), 128).astype(np.uint8)
        Image.fromarray(image).save(data / f"photos/dev/{name}.jpg")
        instance = {"class": name, "box": [30.0, 20.0, 171.0, 141.0], "rle": code, "crowd": False}
        row = {"file": f"{name}.jpg", "width": 200, "height": 160, "quality": "exact"}
        lines.append(json.dumps({**row, "instances": [instance]}))
        if name != "chair":
            folder = data / f"recordings/dev/{name}"
            folder.mkdir(parents=True)
            soundfile.write(folder / "a.ogg", rng.normal(0, 0.1, 32_000), 16_000)
    (data / "photos/dev/instances.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for name in CLASSES[:2]:
        (media / f"dev/images/{name}").mkdir(parents=True)
        (media / f"dev/sounds/{name}").mkdir(parents=True)
        Image.new("RGBA", (40, 40), (200, 0, 0, 255)).save(media / f"dev/images/{name}/a.png")
        soundfile.write(media / f"dev/sounds/{name}/a.wav", rng.normal(0, 0.1, 16_000), 16_000)
    (media / "dev/backgrounds").mkdir()
    for number in range(3):
        noise = rng.integers(0, 255, (30, 50, 3), np.uint8).repeat(20, 0).repeat(20, 1)
        Image.fromarray(noise).save(media / f"dev/backgrounds/{number}.jpg")
    return data, media


@pytest.fixture(scope="module")
def videos(folders: tuple[Path, Path]) -> TrackVideos:
    return TrackVideos(*folders)


@pytest.mark.parametrize("name", [*SCENARIOS, *RHYTHM])
def test_every_scenario_keeps_its_limits(name: str, videos: TrackVideos) -> None:
    video, scenario = videos(name, 0), {**SCENARIOS, **RHYTHM}[name]
    hidden = hidden_seconds(video)
    assert max(hidden) <= MAX_HIDDEN
    assert scenario.occluder == "none" or hidden[0] >= MIN_HIDDEN
    assert len(video.cuts) == scenario.cuts
    assert any(video.spans)
    assert len(video.waveform) == round(video.seconds * SAMPLE_RATE)
    if scenario.twins:
        assert video.names[0] == video.names[1]
        assert not (video.spans[0] and video.spans[1])


def test_a_video_is_a_function_of_its_seed(videos: TrackVideos) -> None:
    one, same, other = videos("drift", 3), videos("drift", 3), videos("drift", 4)
    assert np.array_equal(one.frame(7)[0], same.frame(7)[0])
    assert np.array_equal(one.waveform, same.waveform)
    assert not np.array_equal(one.frame(7)[0], other.frame(7)[0])


def test_audio_is_loud_only_while_something_sounds(videos: TrackVideos) -> None:
    video = videos("drift", 0)
    times = np.arange(0.5, video.seconds, 0.1)
    away = [not any(video.sounds(time + d).any() for d in (-0.1, 0, 0.1)) for time in times]
    level = [np.abs(video.waveform[int((t - 0.02) * 16_000) : int((t + 0.02) * 16_000)]).max() for t in times]
    if any(away):
        assert max(np.array(level)[away]) < 0.01
    assert max(level) > 0.05


def test_a_cut_shows_another_background(videos: TrackVideos) -> None:
    video = videos("cut", 0)
    index = int(np.ceil(video.cuts[0] * video.fps))
    before, first, after = (video.frame(index + k) for k in (-1, 0, 1))
    change = [np.abs(a[0].astype(int) - b[0]).mean() for a, b in ((before, first), (first, after))]
    assert change[0] > 5 * change[1]


def test_video_and_truth_are_written(videos: TrackVideos, tmp_path: Path) -> None:
    whole = videos("drift", 0)
    video = replace(whole, seconds=2.0, waveform=whole.waveform[: 2 * SAMPLE_RATE])
    write_video(tmp_path / "video.mp4", video)
    write_truth(tmp_path / "truth.npz", video)
    truth = np.load(tmp_path / "truth.npz")
    assert truth["owner"].shape == (len(video), *video.size)
    assert truth["sounds"].shape == (len(video.names), len(video))
    shown = next(iter(frames(tmp_path / "video.mp4", 1.0)))
    assert np.abs(shown.image.permute(1, 2, 0).numpy().astype(int) - video.frame(0)[0]).mean() < 8
    assert len(load_waveform(tmp_path / "video.mp4")) == pytest.approx(len(video.waveform), abs=2_100)


def test_a_folder_without_recordings_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="recordings"):
        TrackVideos(tmp_path, folders[1])
