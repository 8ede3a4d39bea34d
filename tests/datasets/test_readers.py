"""Readers of all layouts, on composites and on synthetic benchmarks in the published layouts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from PIL import Image

from seac.core.errors import InputError
from seac.core.pixels import resize_nearest, voc_palette
from seac.datasets.clip import Reader, TruthKind
from seac.datasets.images import read_one_bit
from seac.datasets.table import READERS, open_benchmark
from tests.datasets.conftest import (
    COMPOSITES,
    SIDE,
    make_avss,
    make_flickr,
    make_ms3,
    make_s4,
    make_vggss,
    square,
    write_audio,
    write_image,
)

WHOLE_CLIP = (0.0, float("inf"))
Result = TypeVar("Result")


def count_calls(run: Callable[[], Result]) -> tuple[Result, int]:
    """The result of ``run`` and its number of function calls, a cost that other processes do not affect."""
    count = 0

    def count_call(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count_call)
    try:
        result = run()
    finally:
        sys.setprofile(before)
    return result, count


@pytest.mark.parametrize(
    ("name", "folder", "frames", "clips"),
    [("s4", "s4", 5, 3), ("ms3", "ms3", 5, 2), ("avss", "avss", 10, 2), ("vggss", "vggss", 1, 6)],
)
def test_composites_open_in_every_layout(
    composites: Path, name: str, folder: str, frames: int, clips: int
) -> None:
    reader = open_benchmark(name, composites / COMPOSITES[folder])
    assert len(reader.clips) == clips
    for clip in reader.clips:
        assert len(clip.frames) == len(clip.audio_windows) == frames
        truth = reader.truth(clip)
        assert truth.shape == (frames, *reader.size)
        assert reader.image(clip, frames - 1).shape == (224, 224, 3)
        waveform, rate = reader.waveform(clip)
        assert rate == 16000
        assert len(waveform) == (10 if name == "avss" else 5) * rate
        assert waveform.dtype == torch.float32
    assert {"s4": torch.bool, "ms3": torch.bool, "avss": torch.int64, "vggss": torch.float32}[
        name
    ] == truth.dtype


def test_composite_masks_are_the_pixels_of_their_files(composites: Path) -> None:
    reader = open_benchmark("s4", composites / "Single-source")
    clip = reader.clips[1]
    stored = np.stack([np.asarray(Image.open(path)) for path in clip.truth if path])
    assert np.array_equal(reader.truth(clip).numpy(), stored == 255)


def test_composite_labels_are_the_same_from_numbers_and_from_colours(composites_copy: Path) -> None:
    folder = composites_copy / "AVSBench-semantic"
    numbered = open_benchmark("avss", folder)
    labels = [numbered.truth(clip) for clip in numbered.clips]
    for path in folder.glob("v2/*/labels_semantic"):
        path.rename(path.with_name("elsewhere"))
    coloured = open_benchmark("avss", folder)
    assert all(
        torch.equal(coloured.truth(clip), known) for clip, known in zip(coloured.clips, labels, strict=True)
    )
    assert any(known.any() for known in labels)


def test_extended_composites_hold_each_positive_and_a_negative_for_it(composites: Path) -> None:
    reader = open_benchmark("vggss-extended", composites / "vggss")
    visible = [clip for clip in reader.clips if clip.visible]
    assert len(reader.clips) == 2 * len(visible) == 12
    assert len({clip.id for clip in reader.clips}) == 12
    for clip in reader.clips:
        assert clip.frames[0].is_file()
        assert clip.audio.is_file()
        assert bool(reader.truth(clip).any()) == clip.visible == bool(clip.boxes)
    negative = reader.clips[-1]
    video, _, audio = negative.id.partition("+")
    assert (negative.frames[0].parent.name, negative.frames[0].stem) == ("extend_frames", video)
    assert (negative.audio.parent.name, negative.audio.stem) == ("extend_audio", audio)


def test_s4_trains_on_its_first_mask_only(tmp_path: Path) -> None:
    reader = open_benchmark("s4", make_s4(tmp_path), "all")
    train, test = reader.clips
    assert [path is not None for path in train.truth] == [True] + [False] * 4
    assert reader.truth(train).shape == (1, 224, 224)
    assert reader.truth(test).float().mean() == 0.25
    assert (train.video_id, train.category, test.audio_windows[3]) == ("M1P1xla8rg0", "dog", WHOLE_CLIP)


def test_ms3_masks_are_palette_indices_above_zero(tmp_path: Path) -> None:
    reader = open_benchmark("ms3", make_ms3(tmp_path))
    assert reader.truth(reader.clips[0]).float().mean((1, 2)).tolist() == [0.25, 0, 0.25, 0.25, 0.25]


@pytest.mark.parametrize("numbers", [True, False])
def test_avss_frames_have_their_own_five_seconds(tmp_path: Path, numbers: bool) -> None:
    reader = open_benchmark("avss", make_avss(tmp_path, numbers=numbers), "all")
    single, multi, long = reader.clips
    assert (len(single.frames), len(multi.frames), len(long.frames)) == (5, 5, 10)
    assert long.audio_windows == ((0, 5),) * 5 + ((5, 10),) * 5
    assert multi.audio_windows == ((0, 5),) * 5
    assert reader.truth(single).shape[0] == 1
    assert reader.truth(multi).shape[0] == 5
    assert reader.truth(long)[:, 0, 0].tolist() == [1, 9] * 5
    assert reader.classes[0] == "background"
    assert long.video_id == "MKC9LvRivTM"


def test_vggss_boxes_are_clipped_before_they_are_rasterised(tmp_path: Path) -> None:
    entries: list[dict[str, object]] = [
        {"file": "M1P1xla8rg0_000000", "class": "dog", "bbox": [[-2.9e16, -2.9e16, -2.9e16, -2.9e16]]},
        {"file": "a", "class": "cat", "bbox": [[-2.9e16, 0.5, 0.3, 1.7], [0.25, 0.5, 0.75, 1.0]]},
    ]
    reader = open_benchmark("vggss", make_vggss(tmp_path, entries))
    empty, union = (reader.truth(clip)[0] for clip in reader.clips)
    assert not empty.any()
    assert union[112:, : int(0.75 * 224)].min() == 1
    assert union.sum() == 112 * 168
    assert reader.clips[0].boxes[0][0] == -2.9e16


@pytest.mark.parametrize("box", [[-0.2, -0.1, 0.5, 0.5], [-2.9e16, -1e300, 0.5, 0.5], [0, 0, 0.5, 0.5]])
def test_a_corner_outside_counts_as_the_edge(tmp_path: Path, box: list[float]) -> None:
    reader = open_benchmark("vggss", make_vggss(tmp_path, [{"file": "a", "class": "cat", "bbox": [box]}]))
    truth = reader.truth(reader.clips[0])[0]
    assert truth.sum() == truth[:112, :112].sum() == 112 * 112


def test_a_corner_is_rounded_down(tmp_path: Path) -> None:
    entry: dict[str, object] = {"file": "a", "class": "cat", "bbox": [[0.1, 0.2, 0.31, 0.43]]}
    truth = (reader := open_benchmark("vggss", make_vggss(tmp_path, [entry]))).truth(reader.clips[0])[0]
    expected = torch.zeros(224, 224)
    expected[int(0.2 * 224) : int(0.43 * 224), int(0.1 * 224) : int(0.31 * 224)] = 1
    assert torch.equal(truth, expected)


def test_metadata_may_lie_in_a_folder_of_its_own(tmp_path: Path) -> None:
    make_vggss(tmp_path, [{"file": "a", "class": "cat", "bbox": [[0, 0, 1, 1]]}])
    (tmp_path / "metadata").mkdir()
    (tmp_path / "vggss.json").rename(tmp_path / "metadata/vggss.json")
    for given in (tmp_path, tmp_path / "metadata"):
        reader = open_benchmark("vggss", given)
        assert reader.image(reader.clips[0], 0).shape == (SIDE, SIDE, 3)
        assert reader.clips[0].audio.is_relative_to(reader.folder)


def test_the_extended_list_may_hold_positives_and_lack_a_header(tmp_path: Path) -> None:
    make_vggss(tmp_path, [{"file": "a", "class": "x", "bbox": [[0, 0, 1, 1]]}])
    (tmp_path / "vggss_test_plus_silent.csv").write_text("a,a,sounding\na,b,non-sounding\nc,c,non-sounding\n")
    reader = open_benchmark("vggss-extended", tmp_path)
    assert [(clip.id, clip.visible) for clip in reader.clips] == [("a", True), ("a+b", False), ("c+c", False)]


@pytest.mark.parametrize(
    ("line", "output"),
    [("z,z,sounding", "positive z"), ("a,b,sounding", "not labelled"), ("a,b", "2 fields")],
)
def test_invalid_extended_pairs_are_refused(tmp_path: Path, line: str, output: str) -> None:
    make_vggss(tmp_path, [{"file": "a", "class": "x", "bbox": [[0, 0, 1, 1]]}])
    (tmp_path / "vggss_test_plus_silent.csv").write_text(line + "\n")
    with pytest.raises(InputError, match=output):
        open_benchmark("vggss-extended", tmp_path)


@pytest.mark.parametrize("listed", [False, True])
def test_flickr_consensus_is_half_the_sum_of_boxes_up_to_one(tmp_path: Path, listed: bool) -> None:
    make_flickr(
        tmp_path, {"1": [(0, 0, 128, 256), (0, 0, 256, 128), (0, 0, 256, 128)], "2": [(0, 0, 256, 256)]}
    )
    if listed:
        (tmp_path / "flickr_test.csv").write_text("2\n")
    reader = open_benchmark("flickr-soundnet", tmp_path)
    assert [clip.id for clip in reader.clips] == (["2"] if listed else ["1", "2"])
    assert (reader.truth(reader.clips[-1]) == 0.5).all()
    if not listed:
        truth = reader.truth(reader.clips[0])[0]
        assert (truth[0, 0], truth[0, 223], truth[223, 0], truth[223, 223]) == (1, 1, 0.5, 0)


def test_vggsound_gives_frames_or_the_middle_of_a_video(tmp_path: Path) -> None:
    (tmp_path / "vggsound.csv").write_text(
        '---g-f_I2yQ,1,"people, marching",test\nM1P1xla8rg0,30,dog,train\n'
    )
    write_image(tmp_path / "frames/---g-f_I2yQ_000001.png")
    write_audio(tmp_path / "audio/---g-f_I2yQ_000001.wav", rate=22050)
    reader = open_benchmark("vggsound", tmp_path)
    (clip,) = reader.clips
    assert (clip.id, clip.category) == ("---g-f_I2yQ_000001", "people, marching")
    assert reader.image(clip, 0).shape == (SIDE, SIDE, 3)
    assert reader.waveform(clip)[1] == 22050
    with pytest.raises(InputError, match="no ground truth"):
        reader.truth(clip)


def test_a_table_may_have_a_bom_windows_line_ends_blank_lines_and_another_order(tmp_path: Path) -> None:
    plain = open_benchmark("s4", make_s4(tmp_path / "a"), "all")
    root = make_s4(tmp_path / "b", "split,Category,name,start", "{split},dog,{name},0")
    path = root / "s4_meta_data.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n") + b"\r\n , ,\r\n")
    other = open_benchmark("s4", root, "all")
    assert [clip.id for clip in other.clips] == [clip.id for clip in plain.clips]
    assert torch.equal(other.truth(other.clips[1]), plain.truth(plain.clips[1]))


def test_indexing_touches_no_file_of_a_clip(tmp_path: Path) -> None:
    def index(count: int) -> tuple[Reader, int]:
        root = tmp_path / str(count)
        root.mkdir()
        rows = "".join(f"clip{n},0,dog,test\n" for n in range(count))
        (root / "s4_meta_data.csv").write_text("name,start,category,split\n" + rows)
        return count_calls(lambda: open_benchmark("s4", root))

    (reader, many), (_, few) = index(5000), index(500)
    assert len(reader.clips) == 5000  # none of their files exists
    assert many < 10.5 * few
    with pytest.raises(InputError, match=r"clip7_1\.png: no such file"):
        reader.image(reader.clips[7], 0)
    with pytest.raises(InputError, match=r"clip7\.wav: no such file"):
        reader.waveform(reader.clips[7])


def test_a_line_of_vggsound_costs_a_few_calls_however_many_there_are(tmp_path: Path) -> None:
    from seac.datasets.vggsound import read_vggsound

    def read(count: int) -> int:
        path = tmp_path / f"{count}.csv"
        path.write_text("".join(f'{n:010d}A,{n % 300},"a, label",train\n' for n in range(count)))
        rows, cost = count_calls(lambda: read_vggsound(path))
        assert len(rows) == count
        return cost

    few, many = read(1_000), read(20_000)  # VGGSound has 200,000 lines
    assert many < 30 * 20_000
    assert many < 20.5 * few


def test_every_row_of_the_table_opens_its_benchmark(tmp_path: Path) -> None:
    make_s4(tmp_path / "s4")
    make_ms3(tmp_path / "ms3")
    make_avss(tmp_path / "avss", numbers=True)
    make_vggss(tmp_path / "vggss", [{"file": "a", "class": "cat", "bbox": [[0, 0, 1, 1]]}])
    make_vggss(tmp_path / "vggss-extended", [{"file": "a", "class": "cat", "bbox": [[0, 0, 1, 1]]}])
    (tmp_path / "vggss-extended/vggss_test_plus_silent.csv").write_text(
        "video,audio,label\na,b,non-sounding\n"
    )
    make_flickr(tmp_path / "flickr-soundnet", {"1": [(0, 0, 9, 9)]})
    (tmp_path / "vggsound").mkdir()
    (tmp_path / "vggsound/vggsound.csv").write_text("M1P1xla8rg0,0,dog,test\n")
    for name in READERS:
        reader: Reader = open_benchmark(name, tmp_path / name)
        assert reader.name == name
        assert reader.clips
        assert bool(reader.classes) == (reader.kind is TruthKind.LABELS)


def test_the_palette_spreads_bits_as_pascal_voc_does() -> None:
    known = {
        0: (0, 0, 0),
        1: (128, 0, 0),
        3: (128, 128, 0),
        8: (64, 0, 0),
        15: (192, 128, 128),
        255: (224, 224, 192),
    }
    palette = voc_palette(256)
    assert {n: tuple(palette[n].tolist()) for n in known} == known
    assert len(np.unique(palette, axis=0)) == 256


def test_nearest_neighbour_resizing_agrees_with_pillow() -> None:
    values = np.random.default_rng(3).integers(0, 256, (37, 61), np.uint8)
    for size in ((224, 224), (16, 9), (37, 61)):
        known = np.asarray(Image.fromarray(values).resize(size[::-1], Image.Resampling.NEAREST))
        assert np.array_equal(resize_nearest(values, size), known)


def test_a_mask_of_ones_is_refused_rather_than_read_as_empty(tmp_path: Path) -> None:
    write_image(tmp_path / "mask.png", square(1))
    with pytest.raises(InputError, match="brightest value is 1"):
        read_one_bit(tmp_path / "mask.png")


def test_a_mask_is_read_as_one_bit_without_dithering(tmp_path: Path) -> None:
    grey = np.repeat(np.array([[0, 127, 128, 255]], np.uint8), 4, axis=0)
    write_image(tmp_path / "mask.png", grey)
    assert read_one_bit(tmp_path / "mask.png").tolist() == [[False, False, True, True]] * 4


def test_class_numbers_must_be_contiguous_with_background_first(tmp_path: Path) -> None:
    make_avss(tmp_path, numbers=True)
    for numbers in (
        {"background": 0, "dog": 2},
        {"dog": 0, "background": 1},
        {"background": True},
        [],
        {"a": "b"},
    ):
        (tmp_path / "label2idx.json").write_text(json.dumps(numbers))
        with pytest.raises(InputError, match=r"label2idx\.json"):
            open_benchmark("avss", tmp_path)
