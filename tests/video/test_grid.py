"""Masks on a coarse grid and their motion."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seac.video.grid import GRID, GridMotion, centres, overlap, shift, to_grid


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


def square(x: int, y: int, side: int = 10) -> torch.Tensor:
    mask = torch.zeros(1, 2 * GRID, 2 * GRID, dtype=torch.bool)
    mask[0, 2 * y : 2 * (y + side), 2 * x : 2 * (x + side)] = True
    return to_grid(mask)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(-12, 12), st.integers(-12, 12))
def test_a_shift_moves_the_centre(x: int, y: int, right: int, down: int) -> None:
    moved = shift(square(x, y), torch.tensor([[right, down]]).float())
    if min(x + right, y + down) >= 0 and max(x + right, y + down) <= GRID - 10:
        assert torch.allclose(moved, square(x + right, y + down), atol=1e-3)
        assert torch.allclose(centres(moved)[0], torch.tensor([x + right + 5.0, y + down + 5.0]), atol=1e-2)


def test_what_leaves_the_frame_is_gone() -> None:
    assert shift(square(0, 0), torch.tensor([[-20.0, 0.0]])).sum() == 0
    assert centres(torch.zeros(1, GRID * GRID)).tolist() == [[GRID / 2, GRID / 2]]


def test_overlap_is_the_iou() -> None:
    grids = torch.cat([square(0, 0), square(5, 0), square(30, 30)])
    assert torch.allclose(overlap(grids, grids[:1])[:, 0], torch.tensor([1, 1 / 3, 0]), atol=1e-4)


@pytest.mark.parametrize("size", [(20, 40), (96, 96), (135, 240)])
def test_a_uniform_flow_moves_all_grids(size: tuple[int, int]) -> None:
    flow = torch.tensor([6 * size[1] / GRID, -3 * size[0] / GRID]).expand(*size, 2)
    motion = GridMotion.from_flow(flow)  # what is here was 6 cells to the right and 3 above
    assert torch.allclose(motion.warp(square(20, 20)), square(14, 23), atol=1e-3)
    assert torch.allclose(motion.camera(), torch.tensor([-6.0, 3.0]), atol=1e-3)
    assert torch.allclose(motion.of(square(14, 23))[0], torch.tensor([-6.0, 3.0]), atol=1e-3)


def test_one_object_does_not_move_the_camera() -> None:
    flow = torch.zeros(GRID, GRID, 2)
    flow[10:20, 10:20] = 5
    motion = GridMotion.from_flow(flow)
    assert motion.camera().tolist() == [0, 0]
    assert torch.allclose(motion.of(square(10, 10))[0], torch.full((2,), -5.0), atol=1e-4)
