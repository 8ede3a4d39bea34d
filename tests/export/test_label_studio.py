"""Label Studio's tasks, read as its documentation and its editor read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image

from seac.core.errors import InputError
from seac.export.brush_rle import encode_brush
from tests.export.sample import (
    DURATION,
    INDICES,
    NAMES,
    RATE,
    SHOWN,
    SIZE,
    constant_rate,
    decided,
    export,
    masks,
)


def decode_brush(code: list[int]) -> NDArray[np.uint8]:
    """The bytes of a code: a count, widths, then blocks of one repeated word or of several words."""
    bits = "".join(f"{byte:08b}" for byte in code)
    at = 0

    def read(width: int) -> int:
        nonlocal at
        at += width
        assert at <= len(bits)
        return int(bits[at - width : at], 2)

    count, word = read(32), read(5) + 1
    widths = [read(4) + 1 for _ in range(4)]
    out: list[int] = []
    while len(out) < count:
        repeated, width = read(1), widths[read(2)]
        length = read(width) + 1
        out += [read(word)] * length if repeated else [read(word) for _ in range(length)]
    assert len(out) == count
    assert len(bits) - at < 8
    return np.array(out, np.uint8)


def check_code(mask: NDArray[np.bool_]) -> None:
    channels = decode_brush(encode_brush(mask)).reshape(*mask.shape, 4)
    assert (channels == 255 * mask[..., None]).all()


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_brush_code_gives_back_the_mask(mask: NDArray[np.bool_]) -> None:
    check_code(mask)


@pytest.mark.parametrize("pixels", [2, 3, 4, 5, 64, 65, 16_383, 16_384, 16_385, 40_000])
def test_runs_of_every_width_are_coded(pixels: int) -> None:
    check_code(np.arange(pixels + 1)[None] > 0)


def read_tasks(folder: Path) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    return tasks


def regions_of(task: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    (prediction,) = task["predictions"]
    regions = [region for region in prediction["result"] if region["type"] == type_]
    assert len({region["id"] for region in prediction["result"]}) == len(prediction["result"])
    return regions


def test_images_are_tasks_with_brush_masks(tmp_path: Path) -> None:
    folder = export("label-studio-images", tmp_path) / "label-studio-images"
    tasks = read_tasks(folder)
    assert [int(task["data"]["frame"]) for task in tasks] == list(INDICES)
    config = ElementTree.parse(folder / "config.xml").getroot()
    for task, rows in zip(tasks, SHOWN, strict=True):
        with Image.open(tmp_path / unquote(task["data"]["image"].partition("?d=")[2])) as image:
            size = image.size
        regions = regions_of(task, "brushlabels")
        for region, (track, shape, _) in zip(regions, rows, strict=True):
            width, height = region["original_width"], region["original_height"]
            assert (width, height) == size == SIZE[::-1]
            alpha = decode_brush(region["value"]["rle"]).reshape(height, width, 4)[..., 3]
            assert np.array_equal(alpha > 0, masks()[shape])
            assert region["value"]["brushlabels"] == [NAMES[[4, 2, 9].index(track)]]
            control = config.find(f"BrushLabels[@name='{region['from_name']}']")
            assert control is not None
            assert control.attrib["toName"] == region["to_name"]
            assert region["value"]["brushlabels"][0] in [label.attrib["value"] for label in control]


def shown_at(sequence: list[dict[str, Any]], frame: int) -> bool:
    """As the editor: the last entry up to a frame decides; one that is not enabled is shown itself."""
    before = [entry for entry in sequence if entry["frame"] <= frame]
    return bool(before) and (before[-1]["enabled"] or before[-1]["frame"] == frame)


def test_boxes_are_shown_from_their_key_frame_until_the_next_without_them(tmp_path: Path) -> None:
    every = constant_rate(18)
    folder = export("label-studio", tmp_path, decided(frame_rate=10.0, duration=1.8), every) / "label-studio"
    (task,) = read_tasks(folder)
    regions = regions_of(task, "videorectangle")
    assert [region["value"]["labels"] for region in regions] == [[NAMES[0]], [NAMES[1]]]
    for region, track in zip(regions, (4, 2), strict=True):
        value = region["value"]
        assert (value["framesCount"], value["duration"]) == (18, 1.8)
        for entry in value["sequence"]:
            assert entry["time"] == pytest.approx(entry["frame"] / 10)
        at = {entry["frame"]: entry for entry in value["sequence"]}
        for frame in every:
            assert shown_at(value["sequence"], frame.index + 1) == (track in frame.tracks)
            if track in frame.tracks:
                mask = frame.masks[list(frame.tracks).index(track)]
                rows, columns = np.nonzero(mask)
                entry = at[frame.index + 1]
                assert entry["x"] * SIZE[1] / 100 == pytest.approx(columns.min())
                assert (entry["x"] + entry["width"]) * SIZE[1] / 100 == pytest.approx(columns.max() + 1)
                assert entry["y"] * SIZE[0] / 100 == pytest.approx(rows.min())
                assert (entry["y"] + entry["height"]) * SIZE[0] / 100 == pytest.approx(rows.max() + 1)


def test_frames_have_the_number_of_their_time_at_the_rate_of_the_configuration(tmp_path: Path) -> None:
    folder = export("label-studio", tmp_path) / "label-studio"
    video = ElementTree.parse(folder / "config.xml").getroot().find("Video")
    assert video is not None
    assert float(video.attrib["framerate"]) == RATE
    (task,) = read_tasks(folder)
    sequence = regions_of(task, "videorectangle")[1]["value"]["sequence"]
    # Track 2 is shown at .31 s and .6 s, not at 1.7 s and 2.04 s, and again from 2.5 s on.
    assert [(entry["frame"], entry["enabled"]) for entry in sequence] == [
        (9, True),
        (16, True),
        (43, False),
        (64, True),
    ]


def test_timeline_labels_are_spans_of_frames_from_one(tmp_path: Path) -> None:
    folder = export("label-studio", tmp_path) / "label-studio"
    (task,) = read_tasks(folder)
    spans = [(r["value"]["timelinelabels"], r["value"]["ranges"]) for r in regions_of(task, "timelinelabels")]
    assert spans == [
        ([NAMES[0]], [{"start": 1, "end": 18}]),
        ([NAMES[0]], [{"start": 41, "end": 55}]),
        ([NAMES[1]], [{"start": 9, "end": 65}]),
        (["wind (off-screen)"], [{"start": 66, "end": round(DURATION * RATE)}]),
    ]
    control = ElementTree.parse(folder / "config.xml").getroot().find("TimelineLabels")
    assert control is not None
    assert {"wind (off-screen)", *NAMES} == {label.attrib["value"] for label in control}


@pytest.mark.parametrize("name", ["label-studio", "label-studio-images"])
def test_a_video_without_a_frame_has_no_box(name: str, tmp_path: Path) -> None:
    tasks = read_tasks(export(name, tmp_path, given=[]) / name)
    assert [regions_of(task, "videorectangle") for task in tasks] == ([[]] if name == "label-studio" else [])


def test_a_still_image_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="label-studio-images"):
        export("label-studio", tmp_path, decided(still=True, frame_rate=0.0))
