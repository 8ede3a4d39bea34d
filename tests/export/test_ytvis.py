"""YouTube-VIS annotations, read as the format's documentation describes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

from tests.export.sample import INDICES, NAMES, SHOWN, SIZE, TIMES, export, masks


class YTVOS:
    """The documented fields: videos, categories, annotations with an entry for each frame of the video."""

    def __init__(self, path: Path) -> None:
        data = json.loads(path.read_text(encoding="utf-8"))
        self.videos = {video["id"]: video for video in data["videos"]}
        self.categories = {category["id"]: category["name"] for category in data["categories"]}
        self.annotations: list[dict[str, Any]] = data["annotations"]

    def mask(self, annotation: dict[str, Any], frame: int) -> NDArray[np.bool_] | None:
        video, code = self.videos[annotation["video_id"]], annotation["segmentations"][frame]
        if code is None:
            return None
        assert code["size"] == [video["height"], video["width"]]
        return coco.decode(code) > 0


def test_each_track_has_an_entry_for_each_frame(tmp_path: Path) -> None:
    data = YTVOS(export("ytvis", tmp_path) / "ytvis/instances.json")
    (video,) = data.videos.values()
    assert (video["height"], video["width"], video["length"]) == (*SIZE, len(SHOWN))
    assert (video["frames"], video["times"]) == (list(INDICES), list(TIMES))
    for name in video["file_names"]:
        with Image.open(tmp_path / "ytvis/JPEGImages" / name) as image:
            assert image.size == SIZE[::-1]
    assert [a["track_id"] for a in data.annotations] == [4, 2]
    assert [data.categories[a["category_id"]] for a in data.annotations] == list(NAMES[:2])
    for annotation in data.annotations:
        lengths = {len(annotation[key]) for key in ("segmentations", "bboxes", "areas", "scores")}
        assert lengths == {video["length"]}
        for frame, rows in enumerate(SHOWN):
            known = {track: (shape, score) for track, shape, score in rows}
            mask = data.mask(annotation, frame)
            if annotation["track_id"] not in known:
                assert mask is None
                assert annotation["bboxes"][frame] is annotation["areas"][frame] is None
                continue
            shape, score = known[annotation["track_id"]]
            assert mask is not None
            assert np.array_equal(mask, masks()[shape])
            assert annotation["areas"][frame] == mask.sum()
            assert annotation["scores"][frame] == pytest.approx(score)
            x, y, width, height = map(int, annotation["bboxes"][frame])
            assert mask[y : y + height, x : x + width].sum() == mask.sum()


def test_a_track_that_is_never_shown_and_an_empty_video_have_no_annotation(tmp_path: Path) -> None:
    data = YTVOS(export("ytvis", tmp_path, given=[]) / "ytvis/instances.json")
    assert data.annotations == []
    assert list(data.categories.values()) == list(NAMES)
