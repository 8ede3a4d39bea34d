"""The loss of the proposal network: the loss of a batch, and the locations of the network."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from recipes.proposal_net.loss import MAX_POSITIVE, Targets, build_targets, compute_loss
from seac.segment.proposal_net.model import Locations, ProposalNet, grid_of

SIDE = 96
LOCATIONS = sum((SIDE // stride) ** 2 for stride in (8, 16, 32))


@pytest.fixture(scope="module")
def locations() -> Locations:
    torch.manual_seed(0)
    found: Locations = ProposalNet().eval()(torch.randn(3, 3, SIDE, SIDE))
    return found


def masks() -> list[Tensor]:
    """Masks of two instances, of none, and of one, at stride 4."""
    first = torch.zeros(2, SIDE // 4, SIDE // 4)
    first[0, 2:9, 3:10], first[1, 8:15, 12:22] = 1, 1
    third = torch.zeros(1, SIDE // 4, SIDE // 4)
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
    )


def targets_of(masks: list[Tensor], generator: torch.Generator, weight: float = 1.0) -> Targets:
    """Targets with the same weight of all negatives."""
    return build_targets(masks, [torch.full((LOCATIONS,), weight)] * len(masks), SIDE, generator)


def seeded_generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_locations_lie_row_by_row_from_the_finest_level_on(locations: Locations) -> None:
    expected = [
        (x, y, stride)
        for stride in (8, 16, 32)
        for y in range(stride // 2, SIDE, stride)
        for x in range(stride // 2, SIDE, stride)
    ]
    for centres, strides in ((locations.centres, locations.strides), grid_of(SIDE, SIDE, torch.zeros(()))):
        assert torch.cat([centres, strides[:, None]], 1).tolist() == [list(map(float, c)) for c in expected]
    assert locations.logits.shape == (3, len(expected))


def test_a_batch_is_the_sum_of_its_images(locations: Locations) -> None:
    batch_loss = compute_loss(locations, targets_of(masks(), seeded_generator()))
    generator, parts, counts = seeded_generator(), [], []
    for index, true in enumerate(masks()):
        targets = targets_of([true], generator)
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
    targets = targets_of(masks(), seeded_generator())
    before = compute_loss(locations, targets).total
    targets.masks[~targets.counted] = 1
    targets.chosen[~targets.counted] = 7
    torch.testing.assert_close(compute_loss(locations, targets).total, before)
    assert targets.chosen.shape == (3, MAX_POSITIVE)


def test_a_batch_without_masks_trains_only_the_score(locations: Locations) -> None:
    loss = compute_loss(locations, targets_of([masks()[1]] * 3, seeded_generator()))
    assert loss.dice == loss.bce == loss.iou == 0
    assert loss.score > 0
    assert torch.isfinite(loss.total)


def test_locations_without_weight_have_no_gradient(locations: Locations) -> None:
    """Neither unknown locations nor weak negatives of which the network is confident count."""
    logits = locations.logits.detach().clone().requires_grad_()
    targets = targets_of([masks()[1]] * 3, seeded_generator(), 0.3)
    targets.weights[:, :10] = 0
    with torch.no_grad():
        logits[:, 10:20] = 2.0
    compute_loss(replace(locations, logits=logits), targets).score.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert (logits.grad[:, :20] == 0).all()
    assert (logits.grad[:, 20:] > 0).all()


def test_weak_negatives_count_by_their_weight(locations: Locations) -> None:
    unsure = replace(locations, logits=locations.logits.clamp_max(-1))
    full, weak = (
        compute_loss(unsure, targets_of([masks()[1]] * 3, seeded_generator(), weight)).score
        for weight in (1.0, 0.25)
    )
    torch.testing.assert_close(weak, full / 4)
