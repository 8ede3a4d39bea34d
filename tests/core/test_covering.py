"""Suppression: of masks that cover one another, the likeliest remains."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.core.covering import covering_pairs, keep_likeliest, representatives, suppress

LOW = -6.0


def rectangles(*corners: tuple[int, int, int, int]) -> torch.Tensor:
    """Masks of left, top, right and bottom: (N, 40, 40) bool."""
    masks = torch.zeros(len(corners), 40, 40, dtype=torch.bool)
    for mask, (left, top, right, bottom) in zip(masks, corners, strict=True):
        mask[top:bottom, left:right] = True
    return masks


WHOLE, PART, APART = (0, 0, 20, 20), (4, 4, 12, 12), (24, 24, 36, 36)


def test_of_a_thing_and_its_part_the_likelier_remains() -> None:
    pairs = covering_pairs(rectangles(WHOLE, PART, APART))
    assert pairs.tolist() == [[False, True, False], [True, False, False], [False] * 3]
    assert suppress(torch.tensor([2.0, 1.0, 0.5]), pairs, LOW).tolist() == [2.0, LOW, 0.5]
    assert suppress(torch.tensor([1.0, 2.0, 0.5]), pairs, LOW).tolist() == [LOW, 2.0, 0.5]


def test_masks_that_overlap_less_both_remain() -> None:
    pairs = covering_pairs(rectangles((0, 0, 20, 20), (10, 0, 30, 20)))
    assert not pairs.any()


def test_a_suppressed_mask_suppresses_no_other() -> None:
    pairs = torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=torch.bool)
    assert suppress(torch.tensor([3.0, 2.0, 1.0]), pairs, LOW).tolist() == [3.0, LOW, 1.0]


def test_empty_masks_cover_nothing() -> None:
    masks = torch.cat([rectangles(WHOLE), torch.zeros(1, 40, 40, dtype=torch.bool)])
    assert not covering_pairs(masks).any()
    assert covering_pairs(masks[:0]).shape == (0, 0)
    assert suppress(torch.zeros(0), covering_pairs(masks[:0]), LOW).shape == (0,)


@given(st.permutations(range(4)), st.lists(st.integers(-5, 5), min_size=4, max_size=4, unique=True))
def test_the_order_of_masks_does_not_matter(order: list[int], values: list[int]) -> None:
    masks, logits = rectangles(WHOLE, PART, APART, (0, 0, 16, 20)), torch.tensor(values).float()
    found = suppress(logits, covering_pairs(masks), LOW)
    moved = suppress(logits[order], covering_pairs(masks[order]), LOW)
    assert torch.equal(moved, found[order])
    assert float(found.max()) == float(logits.max())
    assert bool((found <= logits).all())


@given(st.permutations(range(6)), st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_the_best_kept_mask_in_a_pair_stands_for_a_mask(
    order: list[int], known: set[tuple[int, int]]
) -> None:
    pairs = torch.zeros(6, 6, dtype=torch.bool)
    for one, other in known:
        pairs[one, other] = pairs[other, one] = one != other
    found, kept = representatives(order, pairs), keep_likeliest(order, pairs)
    assert [row for row in order if found[row] == row] == kept
    for row, other in found.items():
        better = [each for each in kept if pairs[row, each]]
        assert other == (row if row in kept else better[0])
