"""The sampling core: both ways against a loop over cells, inside and outside the picture."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.segment.detectors.mdef_detr.deformable import Bags, DeformableAttention, Grids
from seac.segment.detectors.mdef_detr.position import Shapes

sizes = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=4).map(tuple)


def slow(value: Tensor, shapes: Shapes, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """Bilinear sums, cell by cell."""
    B, Q, M, N = x.shape
    out = torch.zeros(B, Q, M, value.shape[3], dtype=torch.float64)
    starts = [sum(h * w for h, w in shapes[:level]) for level in range(len(shapes))]
    for b, q, m, n in torch.cartesian_prod(*(torch.arange(size) for size in (B, Q, M, N))).tolist():
        level = n // (N // len(shapes))
        height, width = shapes[level]
        left, top = math.floor(x[b, q, m, n]), math.floor(y[b, q, m, n])
        for column, row in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
            if 0 <= column < width and 0 <= row < height:
                share = (1 - abs(float(x[b, q, m, n]) - column)) * (1 - abs(float(y[b, q, m, n]) - row))
                cell = value[b, starts[level] + row * width + column, m].double()
                out[b, q, m] += share * float(weights[b, q, m, n]) * cell
    return out.flatten(2).float()


def drawn(shapes: Shapes, seed: int, spread: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Values (2, S, 2, 3) and points and weights (2, 3, 2, L 2)."""
    pen = torch.Generator().manual_seed(seed)
    cells, points = sum(h * w for h, w in shapes), (2, 3, 2, 2 * len(shapes))
    value = torch.randn(2, cells, 2, 3, generator=pen)
    x, y = (spread * torch.randn(points, generator=pen) + 1 for _ in range(2))
    return value, x, y, torch.rand(points, generator=pen)


@given(sizes, st.integers(0, 2**31), st.sampled_from((0.5, 3.0, 1e4, 1e9)))
@settings(max_examples=60, deadline=None)
def test_both_ways_are_the_sum_over_corners(shapes: Shapes, seed: int, spread: float) -> None:
    value, x, y, weights = drawn(shapes, seed, spread)
    expected = slow(value, shapes, x, y, weights)
    for way in (Bags(value, shapes, 2), Grids(value, shapes)):
        torch.testing.assert_close(way.sample(x, y, weights), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("place", [(-1.0, 0.0), (3.0, 1.0), (0.0, 2.0), (-1e30, 1e30), (5.0, 0.5)])
def test_points_beyond_the_last_cell_find_nothing(place: tuple[float, float]) -> None:
    shapes = ((2, 3), (2, 3))
    value = torch.ones(1, 12, 1, 2)
    x, y = (torch.full((1, 1, 1, 2), coordinate) for coordinate in place)
    for way in (Bags(value, shapes, 1), Grids(value, shapes)):
        assert way.sample(x, y, torch.ones(1, 1, 1, 2)).abs().max() == 0


def test_a_point_on_a_location_finds_that_location() -> None:
    value = torch.arange(6.0).view(1, 6, 1, 1)
    x, y = torch.tensor([2.0]).view(1, 1, 1, 1), torch.tensor([1.0]).view(1, 1, 1, 1)
    for way in (Bags(value, ((2, 3),), 1), Grids(value, ((2, 3),))):
        assert way.sample(x, y, torch.ones(1, 1, 1, 1)).item() == 5


def test_both_ways_have_the_same_gradients() -> None:
    shapes = ((4, 5), (2, 3))
    grads = []
    for build in (lambda value: Bags(value, shapes, 2), lambda value: Grids(value, shapes)):
        leaves = [part.requires_grad_() for part in drawn(shapes, 3, 1.0)]
        (build(leaves[0]).sample(*leaves[1:]) ** 2).sum().backward()
        grads.append([leaf.grad for leaf in leaves])
    for bags, grids in zip(*grads, strict=True):
        torch.testing.assert_close(bags, grids, atol=1e-4, rtol=1e-4)


def test_padded_cells_are_zero_after_the_projection() -> None:
    torch.manual_seed(0)
    attention, shapes = DeformableAttention(32), ((2, 2),) * 4
    memory, real = torch.randn(1, 16, 32), torch.zeros(1, 16, dtype=torch.bool)
    seen = attention.lay_out(memory, shapes, real)
    found = attention(torch.randn(1, 5, 32), torch.zeros(1, 5, 2, 16), seen)
    torch.testing.assert_close(found, attention.output_proj.bias.expand(1, 5, -1))
