"""Frames of things pasted on photographs: what covers what, and what can be cut out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as coco_mask

from recipes.sounding.frames import Instance
from recipes.sounding.pasted import MIN_VISIBLE, Pasted, cuttable, hide, paste_mask
from recipes.sounding.sources import source_of


def write_photograph(folder: Path, name: str, class_name: str, **row: object) -> dict[str, object]:
    """A grey photograph with a square instance of one colour; returns its line of the index."""
    pixels = np.full((96, 128, 3), 120, np.uint8)
    pixels[30:60, 40:80] = (200, 30, 30)
    Image.fromarray(pixels).save(folder / f"{name}.jpg")
    mask = np.zeros((96, 128), np.uint8, order="F")
    mask[30:60, 40:80] = 1
    rle = coco_mask.encode(mask)["counts"].decode()
    instance = {"class": class_name, "box": [40, 30, 80, 60], "rle": rle, "crowd": False}
    size = {"id": name, "file": f"{name}.jpg", "width": 128, "height": 96, "label": None}
    return {**size, "quality": "exact", "vocabulary": "coco80", "instances": [instance], **row}


def test_a_frame_is_a_function_of_seed_and_number_and_has_what_was_pasted(tmp_path: Path) -> None:
    rows = [write_photograph(tmp_path, "a", "dog"), write_photograph(tmp_path, "b", "person")]
    (tmp_path / "instances.jsonl").write_text("\n".join(map(json.dumps, rows)))
    frames = Pasted.of(tmp_path, 4, 0)
    for number in range(len(frames)):
        first, again = frames[number], frames[number]
        assert torch.equal(first.image, again.image)
        pasted = first.instances[-1]
        assert pasted.source == source_of("dog")
        others = [each.mask & pasted.mask for each in first.instances[:-1]]
        assert not any(bool(mask.any()) for mask in others)


def test_people_crowds_and_instances_without_a_mask_are_not_cut_out(tmp_path: Path) -> None:
    dog = write_photograph(tmp_path, "a", "dog")
    assert cuttable(dog) == [0]
    assert cuttable(dog | {"quality": "coarse"}) == []
    assert cuttable(write_photograph(tmp_path, "b", "person")) == []
    instance = dict(dog["instances"][0])  # type: ignore[index]
    assert cuttable(dog | {"instances": [instance | {"crowd": True}]}) == []
    assert cuttable(dog | {"instances": [instance | {"rle": None}]}) == []


def test_an_instance_that_is_mostly_covered_is_left_out() -> None:
    mask = torch.zeros(10, 10, dtype=torch.bool)
    mask[:, :5] = True
    for columns in range(6):
        cover = np.zeros((10, 10), bool)
        cover[:, :columns] = True
        remaining = hide(Instance(mask, 3), cover)
        assert (remaining is not None) == ((5 - columns) / 5 >= MIN_VISIBLE)
        if remaining is not None:
            assert int(remaining.mask.sum()) == 10 * (5 - columns)


def test_a_mask_beyond_the_border_is_cut() -> None:
    for corner in ((-2, -3), (8, 9), (20, 0), (-50, 4)):
        canvas = np.zeros((10, 10), bool)
        paste_mask(canvas, np.ones((4, 4), bool), corner)
        width = max(0, min(10, corner[0] + 4) - max(0, corner[0]))
        height = max(0, min(10, corner[1] + 4) - max(0, corner[1]))
        assert canvas.sum() == width * height
