"""Training samples from photographs: masks lie on their objects under every augmentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipes.common.object_scenes import Painter
from recipes.proposal_net import photographs
from recipes.proposal_net.evaluate import auroc, measure, read_cases
from recipes.proposal_net.photographs import OUTSIDE, PhotographSamples, read_photographs
from recipes.proposal_net.samples import location_weights
from seac.core.errors import InputError
from seac.core.types import Proposals

coco_mask = pytest.importorskip("pycocotools.mask")
SIDE = 96
RED, GROUND = (230, 20, 20), (40, 60, 40)


def string_of(mask: np.ndarray[Any, Any]) -> str:
    return str(coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of a red rectangle on green, by vocabulary, one with a crowd, one with only a box."""
    rows = []
    for name, vocabulary, quality in (
        ("full", "coco80", "exact"),
        ("partial", "person", "exact"),
        ("white", "foreground", "white_ground"),
        ("box", "baby (head)", "good"),
    ):
        pixels = np.full((80, 120, 3), GROUND, np.uint8)
        mask, crowd = np.zeros((2, 80, 120))
        pixels[20:60, 30:90] = RED
        mask[20:60, 30:90], crowd[:10] = 1, 1
        Image.fromarray(pixels).save(tmp_path / f"{name}.jpg", quality=98)
        given = [{"class": "person", "box": [30, 20, 90, 60], "rle": string_of(mask), "crowd": False}]
        if name == "full":
            given.append({"class": None, "box": [0, 0, 120, 10], "rle": string_of(crowd), "crowd": True})
        if name == "box":
            given[0]["rle"] = None
        rows.append(
            {
                "file": f"{name}.jpg",
                "width": 120,
                "height": 80,
                "vocabulary": vocabulary,
                "quality": quality,
                "instances": given,
            }
        )
    rows.append({"file": "label.jpg", "width": 8, "height": 8, "label": "cat"})
    (tmp_path / "instances.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "images/disc").mkdir(parents=True)
    (tmp_path / "backgrounds").mkdir()
    Image.new("RGBA", (40, 40), (20, 20, 230, 255)).save(tmp_path / "images/disc/1.png")
    Image.new("RGB", (90, 80), GROUND).save(tmp_path / "backgrounds/1.jpg")
    return tmp_path


def samples_of(folder: Path, names: tuple[str, ...]) -> PhotographSamples:
    found = [each for each in read_photographs(folder) if each.path.stem in names]
    return PhotographSamples(found, Painter(folder, SIDE), SIDE, composites=0.0)


def test_only_photographs_with_masks_are_read(folder: Path) -> None:
    found = {each.path.stem: each for each in read_photographs(folder)}
    assert found.keys() == {"full", "partial", "white"}
    assert len(found["full"].ignored) == 1
    assert found["full"].decode(found["full"].instances).sum() == 40 * 60
    with pytest.raises(InputError):
        read_photographs(folder / "images")


@pytest.mark.parametrize("mosaics", [0.0, 1.0])
def test_masks_lie_on_their_objects(folder: Path, monkeypatch: pytest.MonkeyPatch, mosaics: float) -> None:
    monkeypatch.setattr(photographs, "MOSAICS", mosaics)
    monkeypatch.setattr(photographs, "PASTED", 0.0)
    monkeypatch.setattr(photographs, "jitter_colour", lambda rng, colour, chance: colour)
    monkeypatch.setattr(
        photographs, "simulate_camera", lambda rng, colour: colour.clip(0, 255).astype(np.uint8)
    )
    source = samples_of(folder, ("full", "partial"))
    for seed in range(12):
        sample = source.photograph(np.random.default_rng(seed))
        red = (sample.image[..., 0] > 130) & (sample.image[..., 1] < 90)
        covered = sample.masks.any(0)
        assert (red & covered).sum() >= 0.9 * (red | covered).sum() - 20
        assert sample.image.shape == (SIDE, SIDE, 3)
        assert sample.weights.shape == (SIDE, SIDE)


def test_weights_of_negatives_follow_the_vocabulary(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "MOSAICS", 0.0)
    monkeypatch.setattr(photographs, "PASTED", 0.0)
    for name, outside in (("full", {0.0, np.float32(OUTSIDE)}), ("partial", {0.0})):
        source = samples_of(folder, (name,))
        for seed in range(6):
            sample = source.photograph(np.random.default_rng(seed))
            covered = sample.masks.any(0)
            assert set(np.unique(sample.weights[~covered])) <= {*outside, np.float32(0)}
            assert (sample.weights[covered] == 1).all()


def test_pasted_objects_are_instances_of_full_weight(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "MOSAICS", 0.0)
    monkeypatch.setattr(photographs, "PASTED", 1.0)
    source = samples_of(folder, ("partial", "white"))
    for seed in range(8):
        sample = source.photograph(np.random.default_rng(seed))
        assert (sample.weights[sample.masks.any(0)] == 1).all()
        assert (sample.masks.sum(0) <= 1).all()


def test_a_sample_is_a_function_of_its_seed(folder: Path) -> None:
    source = samples_of(folder, ("full", "partial", "white"))
    one, again = (source(np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.masks, again.masks)


def test_a_location_has_the_mean_weight_of_its_cell() -> None:
    weights = np.zeros((64, 64), np.float32)
    weights[:32, :32] = 1
    found = location_weights(weights)
    assert len(found) == 64 + 16 + 4
    assert found[-4:].tolist() == [1, 0, 0, 0]
    assert found.mean() == 0.25


def test_the_evaluation_finds_what_is_proposed(folder: Path) -> None:
    cases = read_cases(folder, None, 0)
    assert [case.file for case in cases] == ["full.jpg", "partial.jpg"]
    proposals = iter(cases)

    def segment(image: object) -> Proposals:
        import torch

        true = torch.from_numpy(next(proposals).masks)
        masks = torch.cat([~true, true])
        return Proposals(masks, torch.zeros(len(masks), 4), torch.tensor([0.2, 0.9]))

    measured = measure(segment, cases)
    groups = measured["groups"]
    assert isinstance(groups, dict)
    assert groups["all"] == {"instances": 2} | {
        f"{key}_{n}": 1.0 for n in (10, 20, 50) for key in ("iou", "recall")
    }
    assert measured["auroc_20"] == 1
    assert groups["under 2 %"]["instances"] == 0


def test_auroc_counts_ties_a_half() -> None:
    scores = np.array([0.1, 0.5, 0.5, 0.9])
    assert auroc(scores, np.array([False, False, True, True])) == pytest.approx(0.875)
