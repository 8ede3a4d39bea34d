"""The loss of the proposal network: the loss of a batch, and the locations of the network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recipes.proposal_net.loss import MAX_POSITIVE, build_targets, compute_loss
from seac.segment.proposal_net.model import Locations, ProposalNet, grid_of

HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def locations() -> Locations:
    torch.manual_seed(0)
    found: Locations = ProposalNet().eval()(torch.randn(3, 3, HEIGHT, WIDTH))
    return found


def masks() -> list[Tensor]:
    """Masks of two instances, of none, and of one, at stride 4."""
    first = torch.zeros(2, HEIGHT // 4, WIDTH // 4)
    first[0, 2:9, 3:10], first[1, 8:15, 12:22] = 1, 1
    third = torch.zeros(1, HEIGHT // 4, WIDTH // 4)
    third[0, 1:14, 4:20] = 0.75
    return [first, first[:0], third]


def image_locations(locations: Locations, index: int) -> Locations:
    one = slice(index, index + 1)
    return Locations(
        locations.logits[one],
        locations.kernels[one],
        locations.centres,
        locations.strides,
        locations.features[one],
        locations.context[one],
        locations.edges[one],
        locations.feature_levels,
    )


def seeded_generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_locations_lie_row_by_row_from_the_finest_level_on(locations: Locations) -> None:
    expected = [
        (x, y, stride)
        for stride in (8, 16, 32)
        for y in range(stride // 2, HEIGHT, stride)
        for x in range(stride // 2, WIDTH, stride)
    ]
    for centres, strides in ((locations.centres, locations.strides), grid_of(HEIGHT, WIDTH, torch.zeros(()))):
        assert torch.cat([centres, strides[:, None]], 1).tolist() == [list(map(float, c)) for c in expected]
    assert locations.logits.shape == (3, len(expected))


def test_a_batch_is_the_sum_of_its_images(locations: Locations) -> None:
    batch_loss = compute_loss(locations, build_targets(masks(), HEIGHT, WIDTH, seeded_generator()))
    generator, parts, counts = seeded_generator(), [], []
    for index, true in enumerate(masks()):
        targets = build_targets([true], HEIGHT, WIDTH, generator)
        parts.append(compute_loss(image_locations(locations, index), targets))
        counts.append(int(targets.counted.sum()))
    assert counts[0] > 0 == counts[1] < counts[2]
    total = sum(counts)
    for name in ("dice", "bce", "iou"):
        each = sum(getattr(p, name) * n for p, n in zip(parts, counts, strict=True)) / total
        torch.testing.assert_close(getattr(batch_loss, name), each)
    score = sum(p.score * max(n, 1) for p, n in zip(parts, counts, strict=True)) / total
    torch.testing.assert_close(batch_loss.score, score)


def test_padding_of_a_row_has_no_gradient(locations: Locations) -> None:
    targets = build_targets(masks(), HEIGHT, WIDTH, seeded_generator())
    before = compute_loss(locations, targets).total
    targets.masks[~targets.counted] = 1
    targets.chosen[~targets.counted] = 7
    torch.testing.assert_close(compute_loss(locations, targets).total, before)
    assert targets.chosen.shape == (3, MAX_POSITIVE)


def test_a_batch_without_masks_trains_only_the_score(locations: Locations) -> None:
    loss = compute_loss(locations, build_targets([masks()[1]] * 3, HEIGHT, WIDTH, seeded_generator()))
    assert loss.dice == loss.bce == loss.iou == 0
    assert loss.score > 0
    assert torch.isfinite(loss.total)
