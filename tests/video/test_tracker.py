"""Tracking of masks over time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seac.video.tracker import GRID, Tracker, to_grid

SIDE = 48


def strips(*spans: tuple[int, int]) -> Tensor:
    """Masks (N, SIDE, SIDE) of columns."""
    masks = torch.zeros(len(spans), SIDE, SIDE, dtype=torch.bool)
    for mask, (first, last) in zip(masks, spans, strict=True):
        mask[:, first:last] = True
    return masks


def similar(count: int) -> Tensor:
    return torch.ones(count, 1)


def test_a_certain_match_is_not_given_up_to_pair_fragments() -> None:
    tracker = Tracker()
    first, neighbour = tracker.follow(strips((10, 30), (20, 40)), similar(2), 0.0).tolist()
    same, other = tracker.follow(strips((10, 30), (0, 20)), similar(2), 0.5).tolist()
    assert same == first
    assert other not in (first, neighbour)


@given(st.permutations([(0, 10), (12, 22), (24, 34), (36, 46)]), st.integers(0, 2))
def test_ids_follow_masks_in_any_order(spans: list[tuple[int, int]], shift: int) -> None:
    tracker = Tracker()
    known = dict(zip(spans, tracker.follow(strips(*spans), similar(4), 0.0).tolist(), strict=True))
    turned = spans[::-1]
    ids = tracker.follow(strips(*((a + shift, b + shift) for a, b in turned)), similar(4), 0.25)
    assert ids.tolist() == [known[span] for span in turned]


def test_a_cut_ends_all_tracks() -> None:
    tracker = Tracker()
    before = tracker.follow(strips((10, 30)), similar(1), 0.0)
    after = tracker.follow(strips((10, 30)), similar(1), 0.5, cut=True)
    assert before.tolist() != after.tolist()
    assert tracker.follow(strips((10, 30)), similar(1), 1.0).tolist() == after.tolist()


def test_an_unmatched_track_expires() -> None:
    tracker = Tracker(max_age=1.0)
    first = tracker.follow(strips((0, 10)), similar(1), 0.0)
    assert tracker.follow(strips((0, 10)), similar(1), 0.9).equal(first)
    assert not tracker.follow(strips((0, 10)), similar(1), 2.5).equal(first)


@pytest.mark.parametrize("size", [(20, 30), (256, 448), (720, 1280)])
def test_sampled_pixels_of_a_large_image_estimate_mask_coverage(size: tuple[int, int]) -> None:
    y, x = (torch.linspace(-1, 1, side) for side in size)
    masks = torch.stack([x**2 + y[:, None] ** 2 < r for r in (0.05, 0.3, 0.9)] + [y[:, None] > x])
    thin = torch.zeros(3, *size, dtype=torch.bool)
    thin[0, size[0] // 3 + 1, :] = thin[1, :, size[1] // 3 + 1] = thin[2, 1:3, 1:3] = True
    masks = torch.cat([masks, thin])
    every = torch.nn.functional.adaptive_avg_pool2d(masks[:, None].float(), GRID).flatten(1)
    some = to_grid(masks)
    both, either = torch.minimum(every, some).sum(1), torch.maximum(every, some).sum(1)
    assert (both / either > 0.95).all()
