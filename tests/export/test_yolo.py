"""YOLO segmentation labels, read by a YAML parser and filled by pycocotools, and read by supervision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

from seac.export.yolo import polygon_row, yaml_string
from tests.export.sample import INDICES, NAMES, SHOWN, SIZE, decided, export, masks


def fill(row: str, size: tuple[int, int]) -> tuple[int, NDArray[np.bool_]]:
    category, *shares = row.split()
    points = np.array(shares, np.float64).reshape(-1, 2) * [size[1], size[0]]
    assert (np.array(shares, np.float64) >= 0).all()
    assert (np.array(shares, np.float64) <= 1).all()
    (code,) = coco.frPyObjects([points.ravel().tolist()], *size)
    return int(category), coco.decode(code) > 0


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=11)).filter(lambda mask: mask.any()))
def test_a_row_gives_back_the_mask(mask: NDArray[np.bool_]) -> None:
    category, filled = fill(polygon_row(3, mask), mask.shape)
    assert category == 3
    assert np.array_equal(filled, mask)


def test_every_key_frame_has_an_image_and_rows(tmp_path: Path) -> None:
    folder = export("yolo-seg", tmp_path) / "yolo-seg"
    head = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    assert head["names"] == dict(enumerate(NAMES))
    for index, rows in zip(INDICES, SHOWN, strict=True):
        with Image.open(folder / head["train"] / f"{index:06d}.jpg") as image:
            assert image.size == SIZE[::-1]
        labels = (folder / f"labels/train/{index:06d}.txt").read_text().splitlines()
        for label, (track, shape, _) in zip(labels, rows, strict=True):
            category, filled = fill(label, SIZE)
            assert category == [4, 2, 9].index(track)
            assert np.array_equal(filled, masks()[shape])


def test_supervision_reads_the_data_set(tmp_path: Path) -> None:
    supervision = pytest.importorskip("supervision")
    folder = export("yolo-seg", tmp_path) / "yolo-seg"
    data = supervision.DetectionDataset.from_yolo(
        str(folder / "images/train"),
        str(folder / "labels/train"),
        str(folder / "data.yaml"),
        force_masks=True,
    )
    assert len(data) == len(SHOWN)
    for path, _, detections in data:
        rows = SHOWN[INDICES.index(int(Path(path).stem))]
        assert list(detections.class_id) == [[4, 2, 9].index(track) for track, _, _ in rows]


def test_a_video_without_tracks_is_readable(tmp_path: Path) -> None:
    from dataclasses import replace

    folder = export("yolo-seg", tmp_path, replace(decided(), tracks=()), given=[]) / "yolo-seg"
    assert yaml.safe_load((folder / "data.yaml").read_text())["names"] in ({}, None)


@given(st.text(max_size=30))
def test_any_name_is_a_string_of_yaml(text: str) -> None:
    assert yaml.safe_load(f"names:\n  0: {yaml_string(text)}\n") == {"names": {0: text}}
