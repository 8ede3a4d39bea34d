"""The sampling core: both implementations against a loop over locations, inside and outside the image."""

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


def slow_sample(value: Tensor, shapes: Shapes, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """Return bilinear sums, location by location."""
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
                feature = value[b, starts[level] + row * width + column, m].double()
                out[b, q, m] += share * float(weights[b, q, m, n]) * feature
    return out.flatten(2).float()


def random_inputs(shapes: Shapes, seed: int, spread: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return values (2, S, 2, 3), points and weights (2, 3, 2, L 2)."""
    generator = torch.Generator().manual_seed(seed)
    locations, points = sum(h * w for h, w in shapes), (2, 3, 2, 2 * len(shapes))
    value = torch.randn(2, locations, 2, 3, generator=generator)
    x, y = (spread * torch.randn(points, generator=generator) + 1 for _ in range(2))
    return value, x, y, torch.rand(points, generator=generator)


@given(sizes, st.integers(0, 2**31), st.sampled_from((0.5, 3.0, 1e4, 1e9)))
@settings(max_examples=60, deadline=None)
def test_both_implementations_equal_the_sum_over_corners(shapes: Shapes, seed: int, spread: float) -> None:
    value, x, y, weights = random_inputs(shapes, seed, spread)
    expected = slow_sample(value, shapes, x, y, weights)
    for values in (Bags(value, shapes, 2), Grids(value, shapes)):
        torch.testing.assert_close(values.sample(x, y, weights), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("point", [(-1.0, 0.0), (3.0, 1.0), (0.0, 2.0), (-1e30, 1e30), (5.0, 0.5)])
def test_points_outside_the_maps_sample_zero(point: tuple[float, float]) -> None:
    shapes = ((2, 3), (2, 3))
    value = torch.ones(1, 12, 1, 2)
    x, y = (torch.full((1, 1, 1, 2), coordinate) for coordinate in point)
    for values in (Bags(value, shapes, 1), Grids(value, shapes)):
        assert values.sample(x, y, torch.ones(1, 1, 1, 2)).abs().max() == 0


def test_a_point_on_a_location_samples_that_location() -> None:
    value = torch.arange(6.0).view(1, 6, 1, 1)
    x, y = torch.tensor([2.0]).view(1, 1, 1, 1), torch.tensor([1.0]).view(1, 1, 1, 1)
    for values in (Bags(value, ((2, 3),), 1), Grids(value, ((2, 3),))):
        assert values.sample(x, y, torch.ones(1, 1, 1, 1)).item() == 5


def test_both_implementations_have_the_same_gradients() -> None:
    shapes = ((4, 5), (2, 3))
    grads = []
    for build in (lambda value: Bags(value, shapes, 2), lambda value: Grids(value, shapes)):
        leaves = [part.requires_grad_() for part in random_inputs(shapes, 3, 1.0)]
        (build(leaves[0]).sample(*leaves[1:]) ** 2).sum().backward()
        grads.append([leaf.grad for leaf in leaves])
    for bags, grids in zip(*grads, strict=True):
        torch.testing.assert_close(bags, grids, atol=1e-4, rtol=1e-4)


def test_padded_locations_are_zero_after_the_projection() -> None:
    torch.manual_seed(0)
    attention, shapes = DeformableAttention(32), ((2, 2),) * 4
    memory, real = torch.randn(1, 16, 32), torch.zeros(1, 16, dtype=torch.bool)
    values = attention.project_values(memory, shapes, real)
    output = attention(torch.randn(1, 5, 32), torch.zeros(1, 5, 2, 16), values)
    torch.testing.assert_close(output, attention.output_proj.bias.expand(1, 5, -1))
