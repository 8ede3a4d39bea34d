"""Training frames: annotations of photographs, encoding, and shards."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as coco_mask

from recipes.common.media_bank import SILENT
from recipes.sounding import extract as extraction
from recipes.sounding.class_heads import mask_sources
from recipes.sounding.extract import extract
from recipes.sounding.frames import (
    UNKNOWN,
    UNMATCHED,
    AnnotatedFrame,
    Instance,
    encode_frame,
    is_complete,
    read_frames,
    read_shard,
    write_shard,
)
from recipes.sounding.photographs import Composites, Photographs
from recipes.sounding.sources import source_of
from seac.core.errors import InputError
from tests.fixtures.media_bank import write_discs
from tests.fixtures.parts import ColourSegmenter, squares, synthetic_model
from tests.fixtures.sounding_scenes import SOURCES, make_frame

DOG, CAT = source_of("dog"), source_of("cat")


def red_square() -> AnnotatedFrame:
    """A frame whose red square is annotated as a dog."""
    image = torch.from_numpy(squares()).permute(2, 0, 1)
    red = ColourSegmenter()(image).masks[1]
    return AnnotatedFrame("squares", image, (Instance(red, DOG),), UNKNOWN, complete=True)


def assert_equal_frames(first: Any, second: Any) -> None:
    for item in fields(first):
        left, right = getattr(first, item.name), getattr(second, item.name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right)
            assert left.dtype == right.dtype
        else:
            assert left == right


def test_a_shard_survives_a_round_trip(tmp_path: Path) -> None:
    frames = [make_frame(0), make_frame(1, SOURCES[:1], complete=False), make_frame(2, ())]
    write_shard(tmp_path / "0000.npz", frames)
    assert is_complete(tmp_path / "0000.npz")
    for frame, again in zip(frames, read_shard(tmp_path / "0000.npz"), strict=True):
        assert_equal_frames(frame, again)
    assert [path.name for path in tmp_path.iterdir()] == ["0000.npz"]


def test_a_cut_off_shard_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "0000.npz"
    assert not is_complete(path)
    write_shard(path, [make_frame(0)])
    path.write_bytes(path.read_bytes()[:-40])
    assert not is_complete(path)


def test_masks_are_compared_with_the_instances() -> None:
    features = encode_frame(synthetic_model(), red_square())
    assert len(features) == 4  # the frame and three squares
    assert features.iou[1, 0] == pytest.approx(1)
    assert features.inside[1, 0] == pytest.approx(1)
    assert features.iou[2, 0] == 0
    assert 0 < features.iou[0, 0] == pytest.approx(features.inside[0, 0])
    assert features.local.shape == features.context.shape == (4, 3)
    sources, weight = mask_sources(features)
    assert sources.tolist() == [UNMATCHED, DOG, UNMATCHED, UNMATCHED]
    assert weight.tolist() == [1] * 4


def test_a_frame_without_instances_has_a_labelled_mask() -> None:
    frame = red_square()
    labelled = AnnotatedFrame(frame.name, frame.image, (), CAT, complete=False)
    sources, weight = mask_sources(encode_frame(synthetic_model(), labelled))
    assert sorted(sources.tolist()) == [UNKNOWN] * 3 + [CAT]
    assert float(weight[sources == CAT]) < 1


def test_extraction_keeps_complete_shards_and_shares_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "SHARD", 1)
    model, frames = synthetic_model(), [red_square()] * 3
    extract(model, frames, tmp_path, (1, 2))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["0001.npz"]
    kept = (tmp_path / "0001.npz").stat().st_mtime_ns
    extract(model, frames, tmp_path)
    assert len(read_frames(tmp_path)) == 3
    assert (tmp_path / "0001.npz").stat().st_mtime_ns == kept


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two photographs: one with instances of a dog and an unknown thing, one with the label cat."""
    for name in ("a", "b", "c"):
        Image.new("RGB", (32, 24), (90, 120, 200)).save(tmp_path / f"{name}.jpg")
    mask = np.zeros((24, 32), np.uint8)
    mask[4:12, 6:20] = 1
    code = coco_mask.encode(np.asfortranarray(mask))["counts"].decode()
    size = {"width": 32, "height": 24}
    dog = {"class": "dog", "rle": code, "box": [6, 4, 20, 12], "crowd": False}
    box = {"class": "no such thing", "rle": None, "box": [0, 0, 10, 5], "crowd": True}
    rows = [
        {"id": "1", "file": "a.jpg", "instances": [dog, box], "vocabulary": "voc20", **size},
        {"id": "2", "file": "b.jpg", "label": "cat", **size},
        {"id": "3", "file": "c.jpg", "label": "no such thing", **size},
    ]
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "instances.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_photographs_of_sources_are_read(photographs: Path) -> None:
    found = Photographs.of(photographs, 10, seed=0)
    frames = {frame.name: frame for frame in (found[number] for number in range(len(found)))}
    assert set(frames) == {"1", "2"}
    with_instances, labelled = frames["1"], frames["2"]
    assert with_instances.image.shape == (3, 24, 32)
    assert with_instances.complete
    assert with_instances.label == UNKNOWN
    dog, other = with_instances.instances
    assert (dog.source, dog.crowd, other.source, other.crowd) == (DOG, False, UNKNOWN, True)
    assert dog.mask.nonzero().amin(0).tolist() == [4, 6]
    assert int(dog.mask.sum()) == 8 * 14
    assert int(other.mask.sum()) == 50
    assert (labelled.label, labelled.instances, labelled.complete) == (CAT, (), False)


def test_the_number_and_order_of_photographs_depend_on_count_and_seed(photographs: Path) -> None:
    assert len(Photographs.of(photographs, 1, seed=0)) == 1
    assert Photographs.of(photographs, 2, seed=0).rows == Photographs.of(photographs, 2, seed=0).rows


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="annotated photographs"):
        Photographs.of(tmp_path, 1, seed=0)


def test_composites_have_an_exact_mask_of_every_object(tmp_path: Path) -> None:
    colours = {"bell": (250, 20, 20), "drum": (20, 250, 20), SILENT: (20, 20, 250)}
    write_discs(tmp_path / "images", colours)
    (tmp_path / "backgrounds").mkdir()
    Image.new("RGB", (300, 300), (128, 128, 128)).save(tmp_path / "backgrounds" / "a.jpg")
    composites = Composites.of(tmp_path, 4, seed=1)
    assert len(composites) == 4
    sounding = {source_of("bell"), source_of("drum"), UNKNOWN}
    for number in range(4):
        frame, again = composites[number], composites[number]
        assert torch.equal(frame.image, again.image)
        assert frame.complete
        assert {instance.source for instance in frame.instances} <= sounding
        for instance in frame.instances:
            assert instance.mask.shape == frame.image.shape[1:]
            assert instance.mask.any()
