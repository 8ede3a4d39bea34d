"""The layouts of AVSBench are read back by the readers of the benchmarks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seac.core.errors import InputError
from seac.core.pixels import resize_nearest, voc_palette
from seac.datasets.table import open_benchmark
from seac.results.values import DecidedTrack, FrameMasks
from tests.export.sample import NAMES, SIZE, audio_file, decided, export, frames, masks

TIMES = (0.0, 0.9, 1.0, 3.5, 6.99)
SHOWN = (
    ((4, "ring", 0.9),),
    ((2, "full", 0.9), (4, "ring", 0.6)),
    ((4, "parts", 0.7),),
    (),
    ((2, "pixel", 0.8),),
)
AT_SECONDS = (1, 2, 2, 3, 3, 3, 4)
"""Frame at the end of each of the 7 seconds."""
DURATION = 7.1


def key_frames() -> list[FrameMasks]:
    return frames(SHOWN, TIMES, [0, 22, 25, 87, 174], DURATION)


def at_size(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(resize_nearest(values, (224, 224)).copy())


def test_ms3_reads_the_frame_at_the_end_of_each_second(tmp_path: Path) -> None:
    video = decided(audio_file(tmp_path, DURATION), duration=DURATION)
    reader = open_benchmark("ms3", export("avsbench", tmp_path, video, key_frames()) / "avsbench")
    assert [clip.id.rsplit("_", 2)[1:] for clip in reader.clips] == [["0", "5000"], ["5000", "10000"]]
    truth = torch.cat([reader.truth(clip) for clip in reader.clips])
    for second, plane in enumerate(truth):
        known = np.zeros(SIZE, np.bool_)
        for _, shape, _ in SHOWN[AT_SECONDS[second]] if second < 7 else ():
            known |= masks()[shape]
        assert torch.equal(plane, at_size(known))
    for clip in reader.clips:
        for number in range(5):
            second = min(int(clip.id.rsplit("_", 2)[1]) // 1000 + number, 6)
            assert np.array_equal(reader.image(clip, number), key_frames()[AT_SECONDS[second]].image)


def test_audio_is_cut_to_the_clips_and_silent_after_the_end(tmp_path: Path) -> None:
    video = decided(audio_file(tmp_path, 12.0), duration=DURATION)
    reader = open_benchmark("ms3", export("avsbench", tmp_path, video, key_frames()) / "avsbench")
    waveforms = [reader.waveform(clip) for clip in reader.clips]
    assert [(len(waveform), rate) for waveform, rate in waveforms] == [(80_000, 16_000)] * 2
    assert waveforms[0][0].abs().max() > 0.05
    assert waveforms[1][0][:32_000].abs().max() > 0.05
    assert waveforms[1][0][32_100:].abs().max() == 0


def test_semantic_reader_reads_the_class_of_each_pixel(tmp_path: Path) -> None:
    video = decided(audio_file(tmp_path, DURATION), duration=DURATION)
    folder = export("avsbench-semantic", tmp_path, video, key_frames()) / "avsbench-semantic"
    reader = open_benchmark("avss", folder)
    assert reader.classes == ("background", *NAMES)
    (clip,) = reader.clips
    assert clip.category == f"{NAMES[0]}_{NAMES[1]}".strip()
    truth = reader.truth(clip)
    assert len(truth) == 10
    numbers = {4: 1, 2: 2, 9: 3}
    for second, plane in enumerate(truth):
        known = np.zeros(SIZE, np.int64)
        for track, shape, _ in reversed(SHOWN[AT_SECONDS[second]] if second < 7 else ()):
            known[masks()[shape]] = numbers[track]
        assert torch.equal(plane, at_size(known))
        with Image.open(folder / "v2" / clip.id / "labels_rgb" / f"{second}.png") as image:
            assert np.array_equal(np.asarray(image), voc_palette(256)[known])
    assert len(reader.waveform(clip)[0]) == 160_000


def test_a_video_that_begins_late_shows_its_first_image_without_masks(tmp_path: Path) -> None:
    given = frames(SHOWN[:1], [2.5], [0], 4.0)
    video = decided(audio_file(tmp_path, 4.0), duration=4.0)
    reader = open_benchmark("ms3", export("avsbench", tmp_path, video, given) / "avsbench")
    truth = reader.truth(reader.clips[0])
    assert [bool(plane.any()) for plane in truth] == [False, False, True, True, False]


def test_a_class_called_background_and_too_many_classes(tmp_path: Path) -> None:
    video = decided(audio_file(tmp_path))
    tracks = (replace(video.tracks[0], name="background"), *video.tracks[1:])
    folder = export("avsbench-semantic", tmp_path, replace(video, tracks=tracks)) / "avsbench-semantic"
    assert open_benchmark("avss", folder).classes[:2] == ("background", "background (sounding)")
    many = tuple(DecidedTrack(n, f"name {n}", (0, 0, 0), ()) for n in range(256))
    with pytest.raises(InputError, match="export avsbench"):
        export("avsbench-semantic", tmp_path / "many", replace(video, tracks=many), [])


@pytest.mark.parametrize("name", ["avsbench", "avsbench-semantic"])
def test_a_video_without_frames_has_no_clip(name: str, tmp_path: Path) -> None:
    folder = export(name, tmp_path, decided(audio_file(tmp_path)), []) / name
    assert not list(folder.rglob("*.wav"))
