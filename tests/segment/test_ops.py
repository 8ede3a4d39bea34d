"""Mask NMS against the slow, obvious way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seac.segment.ops import box_corners, box_iou, box_nms, mask_nms, nms, pairwise_iou, soft_nms

few_masks = st.integers(1, 8).flatmap(lambda n: arrays(np.bool_, (n, 4, 5)))


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 0.0


@given(few_masks)
@settings(max_examples=60, deadline=None)
def test_pairwise_iou_is_intersection_over_union_of_every_pair(masks: np.ndarray) -> None:
    fast = pairwise_iou(torch.from_numpy(masks).flatten(1))
    slow = [[slow_iou(a, b) for b in masks] for a in masks]
    torch.testing.assert_close(fast, torch.tensor(slow), atol=1e-5, rtol=0)


@given(few_masks, st.floats(0.05, 0.95), st.integers(0, 2**31))
@settings(max_examples=100, deadline=None)
def test_survivors_are_those_of_the_greedy_loop(masks: np.ndarray, limit: float, seed: int) -> None:
    scores = torch.rand(len(masks), generator=torch.Generator().manual_seed(seed))
    kept: list[int] = []
    for index in np.argsort(-scores.numpy(), kind="stable"):
        if all(slow_iou(masks[index], masks[k]) <= limit + 1e-7 for k in kept):
            kept.append(int(index))
    assert mask_nms(torch.from_numpy(masks), scores, limit).tolist() == kept


def test_weighted_columns_count_as_that_many_pixels() -> None:
    rows = torch.tensor([[1, 1, 0], [0, 1, 1]], dtype=torch.bool)
    weights = torch.tensor([3.0, 2.0, 1.0])
    pixels = rows.repeat_interleave(weights.long(), dim=1)
    torch.testing.assert_close(pairwise_iou(rows, weights), pairwise_iou(pixels))


def test_nms_stops_after_that_many_survivors() -> None:
    assert nms(torch.eye(5), 0.5, max_count=3).tolist() == [0, 1, 2]


def test_of_equal_masks_one_stays() -> None:
    masks = torch.ones(4, 3, 3, dtype=torch.bool)
    assert mask_nms(masks, torch.tensor([0.1, 0.9, 0.9, 0.2])).tolist() == [1]


def test_no_masks_leave_none() -> None:
    assert mask_nms(torch.zeros(0, 2, 2, dtype=torch.bool), torch.zeros(0)).tolist() == []


scored_masks = few_masks.flatmap(
    lambda masks: st.tuples(
        st.just(masks), arrays(np.float32, len(masks), elements=st.floats(0, 1, width=32))
    )
)


def softened(masks: np.ndarray, scores: np.ndarray, **given: float) -> tuple[list[int], list[float]]:
    asked = {"decay": 0.5, "limit": 0.7, "max_count": 50, **given}
    iou = pairwise_iou(torch.from_numpy(masks).flatten(1))
    found, left = soft_nms(iou, torch.from_numpy(scores), torch.zeros(len(masks)), **asked)  # type: ignore[arg-type]
    return found.tolist(), left.tolist()


@given(scored_masks, st.floats(0.05, 2), st.floats(0.05, 0.95))
@settings(max_examples=100, deadline=None)
def test_each_chosen_row_has_the_highest_remaining_score(
    case: tuple[np.ndarray, np.ndarray], decay: float, limit: float
) -> None:
    masks, scores = case
    found, left = softened(masks, scores, decay=decay, limit=limit)
    rest = set(range(len(masks)))
    for step, (index, worth) in enumerate(zip(found, left, strict=True)):
        nearest = {k: max((slow_iou(masks[k], masks[j]) for j in found[:step]), default=0.0) for k in rest}
        allowed = [k for k in rest if nearest[k] <= limit + 1e-6]
        worths = {k: scores[k] * np.exp(-(nearest[k] ** 2) / decay) for k in allowed}
        assert index in worths
        np.testing.assert_allclose([worth, worths[index]], max(worths.values()), atol=1e-5)
        rest.remove(index)
    assert left == sorted(left, reverse=True)


@given(scored_masks, st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_without_decay_soft_suppression_is_the_hard_one(
    case: tuple[np.ndarray, np.ndarray], limit: float
) -> None:
    masks, scores = case
    found, _ = softened(masks, scores, decay=1e9, limit=limit)
    assert found == mask_nms(torch.from_numpy(masks), torch.from_numpy(scores), limit).tolist()


def test_what_is_covered_beforehand_comes_later_or_never() -> None:
    iou, scores = torch.eye(3), torch.tensor([0.9, 0.8, 0.7])
    covered = torch.tensor([0.6, 0.0, 0.9])
    found, left = soft_nms(iou, scores, covered, decay=0.5, limit=0.7, max_count=50)
    assert found.tolist() == [1, 0]
    np.testing.assert_allclose(left, [0.8, 0.9 * np.exp(-0.72)], rtol=1e-6)
    assert covered.tolist() == [torch.tensor(0.6).item(), 0.0, torch.tensor(0.9).item()]  # as it was given


def test_soft_suppression_chooses_no_more_than_there_is_room_for() -> None:
    assert softened(np.eye(4, dtype=bool).reshape(4, 2, 2), np.ones(4, np.float32), max_count=2)[0] == [0, 1]
    for most in (0, -3):
        assert softened(np.ones((2, 2, 2), bool), np.ones(2, np.float32), max_count=most) == ([], [])
    assert softened(np.zeros((0, 2, 2), bool), np.zeros(0, np.float32)) == ([], [])


boxes_on_a_grid = arrays(np.int64, st.tuples(st.integers(0, 12), st.just(4)), elements=st.integers(0, 9)).map(
    lambda corners: torch.from_numpy(
        np.concatenate([np.minimum(*np.split(corners, 2, 1)), np.maximum(*np.split(corners, 2, 1)) + 1], 1)
    ).float()
)


def random_boxes(count: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    corners = 100 * torch.rand(count, 2, 2, generator=generator)
    scores = (20 * torch.rand(count, generator=generator)).round() / 20  # many are equal
    return torch.cat([corners.amin(1), corners.amax(1)], 1), scores


@given(boxes_on_a_grid)
@settings(max_examples=60, deadline=None)
def test_box_iou_counts_pixels(boxes: torch.Tensor) -> None:
    y, x = torch.meshgrid(torch.arange(11), torch.arange(11), indexing="ij")
    masks = [(x >= x1) & (x < x2) & (y >= y1) & (y < y2) for x1, y1, x2, y2 in boxes]
    slow = [[slow_iou(a.numpy(), b.numpy()) for b in masks] for a in masks]
    torch.testing.assert_close(box_iou(boxes, boxes), torch.tensor(slow).reshape(len(boxes), len(boxes)))


@given(boxes_on_a_grid, st.floats(0.05, 0.95), st.integers(0, 2**31))
@settings(max_examples=100, deadline=None)
def test_boxes_that_stay_are_those_of_the_greedy_loop(boxes: torch.Tensor, limit: float, seed: int) -> None:
    scores = torch.randint(0, 4, (len(boxes),), generator=torch.Generator().manual_seed(seed)) / 4
    iou = box_iou(boxes, boxes)
    kept: list[int] = []
    for index in np.argsort(-scores.numpy(), kind="stable"):
        if all(iou[index, k] <= limit for k in kept):
            kept.append(int(index))
    assert box_nms(boxes, scores, limit).tolist() == kept
    assert box_nms(boxes, scores, limit, 2).tolist() == kept[:2]
    assert box_nms(boxes, scores, limit, 0).tolist() == []


def test_boxes_without_area_suppress_none() -> None:
    assert box_nms(torch.zeros(3, 4), torch.ones(3), 0.5).tolist() == [0, 1, 2]


def test_box_operations_have_torchvisions_numbers() -> None:
    ops = pytest.importorskip("torchvision.ops", reason="pip install 'seac[paper]'")
    boxes, scores = random_boxes()
    for limit in (0.1, 0.5, 0.9):
        assert torch.equal(box_nms(boxes, scores, limit), ops.nms(boxes, scores, limit))
    assert torch.equal(box_iou(boxes, boxes[:9]), ops.box_iou(boxes, boxes[:9]))
    assert torch.equal(box_corners(boxes), ops.box_convert(boxes, "cxcywh", "xyxy"))
