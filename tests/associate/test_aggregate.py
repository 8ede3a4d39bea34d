"""Eq. 4 and its min-max, at the edges and against the formula."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.associate.aggregate import aggregate, minmax, paint_boxes
from seac.decision.sounding import softmax_scores

similarities = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=12).map(torch.tensor)


@given(similarity=similarities)
def test_minmax_spans_0_to_1_and_keeps_the_order(similarity):
    scaled = minmax(similarity)
    assert scaled.min() >= 0
    assert scaled.max() == 1
    order = similarity.argsort(stable=True)
    assert (scaled[order].diff() >= -1e-6).all()


@pytest.mark.parametrize("similarity", [torch.tensor([0.3]), torch.tensor([0.2, 0.2, 0.2])])
def test_a_single_mask_or_equal_similarities_give_1(similarity):
    assert (minmax(similarity) == 1).all()


def test_no_masks_give_a_zero_heatmap():
    assert (
        aggregate(torch.zeros(0), torch.zeros(0, 4, 5, dtype=torch.bool)).tolist()
        == torch.zeros(4, 5).tolist()
    )


@given(similarity=similarities, seed=st.integers(0, 1000))
def test_the_heatmap_is_the_maximum_over_masks(similarity, seed):
    masks = torch.rand(len(similarity), 6, 7, generator=torch.Generator().manual_seed(seed)) > 0.6
    formula = (minmax(similarity)[:, None, None] * masks).amax(0)
    torch.testing.assert_close(aggregate(similarity, masks), formula)


@given(similarity=similarities, seed=st.integers(0, 1000))
def test_order_of_masks_does_not_matter(similarity, seed):
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(len(similarity), 6, 7, generator=generator) > 0.6
    order = torch.randperm(len(similarity), generator=generator)
    torch.testing.assert_close(aggregate(similarity[order], masks[order]), aggregate(similarity, masks))


def test_boxes_are_painted_as_masks_of_their_pixels():
    similarity = torch.tensor([0.1, 0.5, 0.3])
    boxes = torch.tensor([[0, 0, 4, 4], [2, 1, 6, 3], [1.2, 0.9, 5.1, 4.6]])
    masks = torch.zeros(3, 5, 7, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.round().long().tolist(), strict=True):
        mask[y1:y2, x1:x2] = True
    torch.testing.assert_close(paint_boxes(similarity, boxes, 5, 7), aggregate(similarity, masks))


def test_softmax_temperature_keeps_the_order_and_the_ends_and_lowers_the_middle():
    logits = torch.tensor([0.9, 0.1, 0.8, 0.5])
    scores = softmax_scores(logits, 0.1)
    assert scores.argsort().tolist() == logits.argsort().tolist()
    stretched, plain = minmax(scores), minmax(logits)
    assert stretched[0] == 1
    assert stretched[1] == 0
    assert (stretched[2:] < plain[2:]).all()


def test_no_softmax_temperature_is_the_paper_and_a_shift_of_logits_does_not_matter():
    logits = torch.tensor([0.9, 0.1, 0.8])
    assert torch.equal(softmax_scores(logits, 0), logits)
    assert torch.allclose(softmax_scores(logits, 0.2), softmax_scores(logits + 3, 0.2))
    assert len(softmax_scores(logits[:0], 0.2)) == 0
