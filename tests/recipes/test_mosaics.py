"""Mosaics, and the region scores fitted on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import label

from recipes.common.object_scenes import Painter, Scene
from recipes.proposal_net.mosaics import MIN_SHARE, Mosaics, cut_part, label_connected
from recipes.proposal_net.region_score import fit, region_examples, uncovered_region_examples
from seac.segment.baselines.superpixel import DEEP_TREES, Classic, ClassicSettings
from seac.segment.proposal_net.network import Network, NetworkSettings

SIDE = 96


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory: pytest.TempPathFactory) -> Mosaics:
    """Mosaics of discs on backgrounds of noise."""
    folder = tmp_path_factory.mktemp("media")
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:60, :60]
    disc = ((rows - 30) ** 2 + (columns - 30) ** 2 < 28**2) * 255
    (folder / "images" / "disc").mkdir(parents=True)
    (folder / "backgrounds").mkdir()
    layer = np.dstack([np.full((60, 60), value) for value in (250, 90, 20)] + [disc]).astype(np.uint8)
    Image.fromarray(layer).save(folder / "images" / "disc" / "a.png")
    for name in "ab":
        noise = rng.integers(0, 255, (120, 160, 3)).astype(np.uint8)
        Image.fromarray(noise).save(folder / "backgrounds" / f"{name}.jpg")
    return Mosaics(Painter(folder, SIDE))


def scenes(mosaics: Mosaics, many: int, seed: int = 0) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [mosaics(rng) for _ in range(many)]


def test_every_part_is_connected_and_above_the_minimum_size(mosaics: Mosaics) -> None:
    for scene in scenes(mosaics, 8):
        assert scene.count == scene.owner.max() + 1
        for part in range(scene.count):
            here = scene.owner == part
            assert label(here)[1] == 1
            assert here.mean() >= MIN_SHARE


def test_parts_are_large_and_small(mosaics: Mosaics) -> None:
    areas = np.concatenate([np.bincount(s.owner[s.owner >= 0]) / s.owner.size for s in scenes(mosaics, 20)])
    assert (areas < 0.02).mean() > 0.15
    assert (areas > 0.2).mean() > 0.1


def test_a_mosaic_is_a_function_of_its_seed(mosaics: Mosaics) -> None:
    (one,), (again,), (other,) = (scenes(mosaics, 1, seed) for seed in (3, 3, 4))
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.owner, again.owner)
    assert not np.array_equal(one.image, other.image)


def test_a_cut_stays_within_one_part_and_leaves_some_of_it() -> None:
    rng = np.random.default_rng(0)
    owner = np.zeros((SIDE, SIDE), np.int64)
    for part in range(1, 7):
        region = cut_part(rng, owner)
        (cut_region,) = np.unique(owner[region])
        assert 0 < region.sum() < (owner == cut_region).sum()
        owner[region] = part


def test_pieces_of_one_part_are_separated_and_slivers_left_out() -> None:
    owner = np.zeros((40, 40), np.int64)
    owner[:, 20] = 1
    owner[3, 3] = 2
    pieces, count = label_connected(owner, MIN_SHARE)
    assert count == 3
    assert len({pieces[0, 0], pieces[0, 39], pieces[0, 20]}) == 3
    assert pieces[3, 3] == -1


def test_a_region_score_fitted_on_mosaics_ranks_true_regions_first(mosaics: Mosaics) -> None:
    classic = Classic(ClassicSettings(saliency=False))
    pairs = [region_examples(scene, classic) for scene in scenes(mosaics, 6)]
    row = fit(torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs]))
    given, iou = region_examples(scenes(mosaics, 1, seed=9)[0], classic)
    ordered = iou[torch.argsort(given @ torch.from_numpy(row[:-1]).float(), descending=True)]
    assert ordered[: len(iou) // 4].mean() > 1.3 * iou.mean()


def test_regions_covered_by_things_are_no_examples_of_stuff(mosaics: Mosaics) -> None:
    (scene,) = scenes(mosaics, 1, seed=2)
    classic = Classic(ClassicSettings(saliency=False, trees=DEEP_TREES))
    few, many = (
        uncovered_region_examples(scene, classic, Network(NetworkSettings(largest))) for largest in (1, 50)
    )
    assert len(few[0]) == len(few[1]) > len(many[0]) == len(many[1])
    assert few[0][:, -5:].any()
