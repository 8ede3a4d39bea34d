"""Mosaics: what teaches the order of stuff."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import label

from recipes.common.object_scenes import Painter, Scene
from recipes.proposal_net.mosaics import LEAST_SHARE, Mosaics, connected, part_of
from recipes.proposal_net.region_score import examples, fit, left
from seac.segment.baselines.superpixel import DEEP_TREES, Classic, ClassicSettings
from seac.segment.proposal_net.network import Network, NetworkSettings

SIDE = 96


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory: pytest.TempPathFactory) -> Mosaics:
    """Of discs, and of grounds of noise."""
    folder = tmp_path_factory.mktemp("media")
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[:60, :60]
    disc = ((rows - 30) ** 2 + (columns - 30) ** 2 < 28**2) * 255
    (folder / "images" / "disc").mkdir(parents=True)
    (folder / "backgrounds").mkdir()
    layer = np.dstack([np.full((60, 60), value) for value in (250, 90, 20)] + [disc]).astype(np.uint8)
    Image.fromarray(layer).save(folder / "images" / "disc" / "a.png")
    for name in "ab":
        noise = draw.integers(0, 255, (120, 160, 3)).astype(np.uint8)
        Image.fromarray(noise).save(folder / "backgrounds" / f"{name}.jpg")
    return Mosaics(Painter(folder, SIDE))


def scenes(mosaics: Mosaics, many: int, seed: int = 0) -> list[Scene]:
    draw = np.random.default_rng(seed)
    return [mosaics(draw) for _ in range(many)]


def test_every_part_is_connected_and_great_enough_to_count(mosaics: Mosaics) -> None:
    for scene in scenes(mosaics, 8):
        assert scene.count == scene.owner.max() + 1
        for part in range(scene.count):
            here = scene.owner == part
            assert label(here)[1] == 1
            assert here.mean() >= LEAST_SHARE


def test_parts_are_great_and_small(mosaics: Mosaics) -> None:
    areas = np.concatenate([np.bincount(s.owner[s.owner >= 0]) / s.owner.size for s in scenes(mosaics, 20)])
    assert (areas < 0.02).mean() > 0.15
    assert (areas > 0.2).mean() > 0.1


def test_a_mosaic_is_a_function_of_its_seed(mosaics: Mosaics) -> None:
    (one,), (again,), (other,) = (scenes(mosaics, 1, seed) for seed in (3, 3, 4))
    assert np.array_equal(one.picture, again.picture)
    assert np.array_equal(one.owner, again.owner)
    assert not np.array_equal(one.picture, other.picture)


def test_a_cut_stays_within_one_part_and_leaves_some_of_it() -> None:
    draw = np.random.default_rng(0)
    owner = np.zeros((SIDE, SIDE), np.int64)
    for part in range(1, 7):
        cut = part_of(draw, owner)
        (cut_from,) = np.unique(owner[cut])
        assert 0 < cut.sum() < (owner == cut_from).sum()
        owner[cut] = part


def test_pieces_of_one_part_are_told_apart_and_slivers_left_out() -> None:
    owner = np.zeros((40, 40), np.int64)
    owner[:, 20] = 1
    owner[3, 3] = 2
    pieces, count = connected(owner, LEAST_SHARE)
    assert count == 3
    assert len({pieces[0, 0], pieces[0, 39], pieces[0, 20]}) == 3
    assert pieces[3, 3] == -1


def test_an_order_fitted_on_mosaics_puts_what_is_there_first(mosaics: Mosaics) -> None:
    classic = Classic(ClassicSettings(saliency=False))
    pairs = [examples(scene, classic) for scene in scenes(mosaics, 6)]
    row = fit(torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs]))
    given, iou = examples(scenes(mosaics, 1, seed=9)[0], classic)
    ordered = iou[torch.argsort(given @ torch.from_numpy(row[:-1]).float(), descending=True)]
    assert ordered[: len(iou) // 4].mean() > 1.3 * iou.mean()


def test_what_things_cover_teaches_nothing_of_stuff(mosaics: Mosaics) -> None:
    (scene,) = scenes(mosaics, 1, seed=2)
    classic = Classic(ClassicSettings(saliency=False, trees=DEEP_TREES))
    few, many = (left(scene, classic, Network(NetworkSettings(most))) for most in (1, 50))
    assert len(few[0]) == len(few[1]) > len(many[0]) == len(many[1])
    assert few[0][:, -5:].any()
