"""Properties of every segmenter for any image."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from seac.segment.base import Segmenter, best_of
from seac.segment.baselines.classic import Classic, ClassicSettings
from seac.segment.ops import boxes_of
from seac.segment.proposal_net.network import Network, NetworkSettings
from seac.segment.proposal_net.segmenter import ProposalSegmenter, ProposalSegmenterSettings

SEGMENTERS: dict[str, Callable[[int], Segmenter]] = {
    "classic": lambda most: Classic(ClassicSettings(max_masks=most)),
    "network": lambda most: Network(NetworkSettings(max_masks=most)),
    "tiny": lambda most: ProposalSegmenter(ProposalSegmenterSettings(max_masks=most)),
}
NAMES = list(SEGMENTERS)


def build(name: str, max_masks: int = 50) -> Segmenter:
    return SEGMENTERS[name](max_masks)


@cache
def segmenter(name: str) -> Segmenter:
    return build(name)


@cache
def scene(height: int = 96, width: int = 128) -> Tensor:
    """A red disc and a striped box on a noisy gradient."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    image = np.stack([60 + x * 0.5, 90 + y * 0.4, 120 + 0 * x], -1) + noise
    image[disc().numpy()] = (220, 30, 40)
    box = (x > 80) & (x < 118) & (y > 20) & (y < 75)
    image[box] = np.where((x[box] // 4 % 2)[:, None], 240, 20)
    return torch.from_numpy(image.clip(0, 255).astype(np.uint8)).permute(2, 0, 1)


@cache
def disc(height: int = 96, width: int = 128) -> Tensor:
    y, x = np.mgrid[:height, :width]
    return torch.from_numpy((x - 38) ** 2 + (y - 50) ** 2 < 24**2)


ODD_IMAGES = {
    "one pixel": torch.full((3, 1, 1), 7, dtype=torch.uint8),
    "a row": torch.arange(200, dtype=torch.uint8).expand(3, 1, 200),
    "a column": torch.arange(200, dtype=torch.uint8)[:, None].expand(3, 200, 1),
    "a ribbon": torch.randint(
        0, 256, (3, 6, 900), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    ),
    "black": torch.zeros(3, 40, 60, dtype=torch.uint8),
    "grey": torch.full((3, 61, 33), 128, dtype=torch.uint8),
    "white": torch.full((3, 30, 30), 255, dtype=torch.uint8),
    "noise": torch.randint(
        0, 256, (3, 50, 70), dtype=torch.uint8, generator=torch.Generator().manual_seed(2)
    ),
}


@pytest.mark.parametrize("image_name", ODD_IMAGES)
@pytest.mark.parametrize("name", NAMES)
def test_any_image_gives_between_one_and_fifty_valid_masks(name: str, image_name: str) -> None:
    image = ODD_IMAGES[image_name]
    proposals = segmenter(name)(image)
    assert 1 <= len(proposals) <= 50
    assert proposals.masks.shape[1:] == image.shape[1:]
    assert proposals.masks.flatten(1).any(1).all()
    assert torch.isfinite(proposals.scores).all()
    assert ((proposals.scores >= 0) & (proposals.scores <= 1)).all()
    assert (proposals.scores.diff() <= 0).all()
    assert torch.equal(proposals.boxes, boxes_of(proposals.masks))


@pytest.mark.parametrize("name", NAMES)
def test_a_salient_object_is_proposed(name: str) -> None:
    masks, true = segmenter(name)(scene()).masks, disc()
    iou = (masks & true).sum((1, 2)) / (masks | true).sum((1, 2))
    assert iou.max() > 0.75


@pytest.mark.parametrize("name", NAMES)
def test_the_same_image_gives_the_same_proposals(name: str) -> None:
    first, second = segmenter(name)(scene()), build(name)(scene())
    assert torch.equal(first.masks, second.masks)
    assert torch.equal(first.scores, second.scores)


@pytest.mark.parametrize("name", NAMES)
def test_max_masks_limits_the_number_of_masks(name: str) -> None:
    assert len(build(name, max_masks=3)(scene())) <= 3


@pytest.mark.parametrize("max_masks", [1, 4, 12, 100])
@pytest.mark.parametrize("name", NAMES)
def test_best_of_begins_with_the_default_proposals(name: str, max_masks: int) -> None:
    """More proposals than by default may follow, if ``max_masks`` is larger than the default."""
    default, best = segmenter(name)(scene()).top(max_masks), best_of(segmenter(name), scene(), max_masks)
    count = len(default)
    assert count == max_masks or max_masks > 50 or len(best) == count
    assert count <= len(best) <= max_masks
    assert torch.equal(best.masks[:count], default.masks)
    assert torch.equal(best.boxes[:count], default.boxes)
    assert torch.equal(best.scores[:count], default.scores)


@pytest.mark.parametrize("name", NAMES)
def test_the_image_is_not_modified(name: str) -> None:
    image = scene().clone()
    segmenter(name)(image)
    assert torch.equal(image, scene())


def test_boxes_touch_their_masks_on_all_four_sides() -> None:
    masks = torch.zeros(2, 9, 11, dtype=torch.bool)
    masks[0, 2:5, 3:9] = True
    masks[1, 0, 0] = masks[1, 8, 10] = True
    assert boxes_of(masks).tolist() == [[3, 2, 9, 5], [0, 0, 11, 9]]
