"""COCO instances are read back by pycocotools."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from tests.export.sample import INDICES, NAMES, SHOWN, SIZE, TIMES, decided, export, masks


@pytest.mark.parametrize("name", ["coco", "coco-polygons"])
def test_pycocotools_reads_masks_names_and_tracks(name: str, tmp_path: Path) -> None:
    export(name, tmp_path)
    data = COCO(str(tmp_path / name / "annotations.json"))
    assert [cat["name"] for cat in data.loadCats(data.getCatIds())] == list(NAMES)
    images = data.loadImgs(data.getImgIds())
    assert [image["frame"] for image in images] == list(INDICES)
    assert [image["time"] for image in images] == list(TIMES)
    for image, rows in zip(images, SHOWN, strict=True):
        with Image.open(tmp_path / name / "images" / image["file_name"]) as pixels:
            assert pixels.size == (image["width"], image["height"]) == SIZE[::-1]
        found = data.loadAnns(data.getAnnIds(imgIds=[image["id"]]))
        assert [(a["track_id"], a["score"]) for a in found] == [(t, pytest.approx(p)) for t, _, p in rows]
        for annotation, (_, shape, _) in zip(found, rows, strict=True):
            mask = masks()[shape]
            assert np.array_equal(data.annToMask(annotation), mask)
            assert annotation["area"] == mask.sum()
            x, y, width, height = annotation["bbox"]
            rows_, columns = np.nonzero(mask)
            assert (x, y) == (columns.min(), rows_.min())
            assert (x + width, y + height) == (columns.max() + 1, rows_.max() + 1)


def test_scores_can_be_loaded_as_results(tmp_path: Path) -> None:
    path = export("coco", tmp_path) / "coco/annotations.json"
    found = COCO(str(path)).loadRes(json.loads(path.read_text())["annotations"])
    assert len(found.anns) == sum(map(len, SHOWN))


@pytest.mark.parametrize("name", ["coco", "coco-polygons"])
def test_a_video_without_a_frame_is_an_empty_data_set(name: str, tmp_path: Path) -> None:
    export(name, tmp_path, given=[])
    data = COCO(str(tmp_path / name / "annotations.json"))
    assert data.getImgIds() == data.getAnnIds() == []


def test_frames_of_a_still_image_have_files_of_their_own(tmp_path: Path) -> None:
    from dataclasses import replace

    from tests.export.sample import frames

    still = [replace(frame, index=0) for frame in frames()]
    export("coco", tmp_path, decided(still=True, frames=1, frame_rate=0.0), still)
    assert len(list((tmp_path / "coco/images").iterdir())) == len(still)
