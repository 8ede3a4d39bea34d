"""CVAT's XML 1.1, read with another parser as CVAT's documentation describes it."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from seac.core.pixels import resize_nearest
from seac.export.cvat_xml import encode_tight_rle
from tests.export.sample import INDICES, NAMES, ORIGINAL_SIZE, SHOWN, SIZE, decided, export, frames, masks


def decode(element: ElementTree.Element, size: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask element: runs of 0, 1, 0, 1, ... in rows of the box, which must be tight."""
    left, top, width, height = (int(element.attrib[key]) for key in ("left", "top", "width", "height"))
    pixels: list[int] = []
    for number, run in enumerate(element.attrib["rle"].split(",")):
        pixels += [number % 2] * int(run)
    box = np.array(pixels, np.bool_).reshape(height, width)
    assert box[0].any()
    assert box[-1].any()
    assert box[:, 0].any()
    assert box[:, -1].any()
    mask = np.zeros(size, np.bool_)
    mask[top : top + height, left : left + width] = box
    return mask


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9)).filter(lambda mask: mask.any()))
def test_tight_code_gives_back_the_mask(mask: NDArray[np.bool_]) -> None:
    assert np.array_equal(decode(ElementTree.Element("mask", encode_tight_rle(mask)), mask.shape), mask)


def enlarged(shape: str) -> NDArray[np.generic]:
    return resize_nearest(masks()[shape], ORIGINAL_SIZE)


def values(element: ElementTree.Element) -> dict[str, str]:
    return {child.attrib["name"]: child.text or "" for child in element.iter("attribute")}


@pytest.mark.parametrize("name", ["cvat-video", "cvat-masks"])
def test_head_names_the_labels_the_mode_and_the_size(name: str, tmp_path: Path) -> None:
    root = ElementTree.parse(export(name, tmp_path) / name / "annotations.xml").getroot()
    assert root.findtext("version") == "1.1"
    task = root.find("meta/task")
    assert task is not None
    assert task.findtext("mode") == {"cvat-video": "interpolation", "cvat-masks": "annotation"}[name]
    assert [label.findtext("name") for label in task.iter("label")] == list(NAMES)
    assert (task.findtext("original_size/height"), task.findtext("original_size/width")) == ("111", "153")
    labels = json.loads((tmp_path / name / "labels.json").read_text())
    assert [label["name"] for label in labels] == list(NAMES)


def test_every_key_frame_is_an_image_with_its_masks(tmp_path: Path) -> None:
    root = ElementTree.parse(export("cvat-masks", tmp_path) / "cvat-masks/annotations.xml").getroot()
    images = root.findall("image")
    assert [int(image.attrib["id"]) for image in images] == list(INDICES)
    assert [image.attrib["name"] for image in images] == [f"frame_{index:06d}" for index in INDICES]
    for image, rows in zip(images, SHOWN, strict=True):
        assert (int(image.attrib["height"]), int(image.attrib["width"])) == ORIGINAL_SIZE
        found = image.findall("mask")
        depths = [int(mask.attrib["z_order"]) for mask in found]
        assert depths == sorted(set(depths), reverse=True)
        for mask, (track, shape, probability) in zip(found, rows, strict=True):
            assert mask.attrib["label"] == NAMES[[4, 2, 9].index(track)]
            assert mask.attrib["group_id"] == str(track + 1)
            assert values(mask) == {"track_id": str(track), "probability": f"{probability:.4f}"}
            assert np.array_equal(decode(mask, ORIGINAL_SIZE), enlarged(shape))


def test_boxes_are_tracks_and_masks_are_tracks_of_one_frame_in_their_group(tmp_path: Path) -> None:
    root = ElementTree.parse(export("cvat-video", tmp_path) / "cvat-video/annotations.xml").getroot()
    tracks = root.findall("track")
    assert len({track.attrib["id"] for track in tracks}) == len(tracks)
    shown: dict[tuple[int, int], ElementTree.Element] = {}
    for track in tracks:
        number = int(track.attrib["group_id"]) - 1
        assert track.attrib["label"] == NAMES[[4, 2, 9].index(number)]
        found = track.findall("mask")
        if found:
            assert [mask.attrib["outside"] for mask in found] == ["0", "1"]
            assert int(found[1].attrib["frame"]) == int(found[0].attrib["frame"]) + 1
            shown[int(found[0].attrib["frame"]), number] = found[0]
    known = {
        (index, track): shape for index, rows in zip(INDICES, SHOWN, strict=True) for track, shape, _ in rows
    }
    assert shown.keys() == known.keys()
    for place, shape in known.items():
        assert np.array_equal(decode(shown[place], ORIGINAL_SIZE), enlarged(shape))


def test_boxes_are_outside_where_a_track_is_not_shown(tmp_path: Path) -> None:
    root = ElementTree.parse(export("cvat-video", tmp_path) / "cvat-video/annotations.xml").getroot()
    boxes: dict[int, list[ElementTree.Element]] = defaultdict(list)
    for track in root.findall("track"):
        boxes[int(track.attrib["group_id"]) - 1] += track.findall("box")
    assert boxes.keys() == {4, 2}
    for track, elements in boxes.items():
        assert all(box.attrib["keyframe"] == "1" for box in elements)
        state, at = "1", {int(box.attrib["frame"]): box for box in elements}
        for index, rows in zip(INDICES, SHOWN, strict=True):
            state = at[index].attrib["outside"] if index in at else state
            shapes = {number: shape for number, shape, _ in rows}
            assert (state == "0") == (track in shapes)
            if track in shapes:
                y, x = np.nonzero(enlarged(shapes[track]))
                corners = [int(at[index].attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr")]
                assert corners == [x.min(), y.min(), x.max() + 1, y.max() + 1]


def test_a_mask_in_the_last_frame_has_no_frame_after_it(tmp_path: Path) -> None:
    given = frames(SHOWN[:1], [2.96], [74])
    root = ElementTree.parse(
        export("cvat-video", tmp_path, given=given) / "cvat-video/annotations.xml"
    ).getroot()
    assert [mask.attrib["frame"] for mask in root.iter("mask")] == ["74"]


@pytest.mark.parametrize("name", ["cvat-video", "cvat-masks"])
def test_a_video_without_a_frame_has_no_track_and_no_image(name: str, tmp_path: Path) -> None:
    root = ElementTree.parse(export(name, tmp_path, given=[]) / name / "annotations.xml").getroot()
    assert [child.tag for child in root] == ["version", "meta"]


@given(st.text(max_size=20))
def test_any_name_is_readable_xml(text: str) -> None:
    import tempfile
    from dataclasses import replace

    video = decided()
    video = replace(video, tracks=(replace(video.tracks[0], name=text), *video.tracks[1:]))
    with tempfile.TemporaryDirectory() as folder:
        export("cvat-masks", Path(folder), video, frames()[:1])
        root = ElementTree.parse(Path(folder, "cvat-masks/annotations.xml")).getroot()
    (mask,) = root.iter("mask")
    assert len(mask.attrib["label"]) == len(text)
    assert all(a == b or b == "\ufffd" for a, b in zip(text, mask.attrib["label"], strict=True))


def test_masks_are_at_the_size_of_the_source_also_where_it_is_smaller(tmp_path: Path) -> None:
    small = (SIZE[0] // 2, SIZE[1] // 2)
    export("cvat-masks", tmp_path, decided(original_size=small))
    root = ElementTree.parse(tmp_path / "cvat-masks/annotations.xml").getroot()
    for mask in root.iter("mask"):
        assert decode(mask, small).any()
