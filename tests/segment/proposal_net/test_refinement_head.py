"""Mask refinement head: views, cropping, refinement and pasting."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seac.segment.proposal_net.network import DecodedMasks
from seac.segment.proposal_net.refinement_head import (
    MAX_LOGIT,
    MIN_ASPECT,
    VIEW,
    RefinementHead,
    expand_boxes,
    paste_masks,
    roi_align_views,
)


def ellipse(box: tuple[float, float, float, float], height: int, width: int) -> Tensor:
    """Return the ellipse inscribed in ``box``, xyxy as shares of the image."""
    y, x = (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width
    x1, y1, x2, y2 = box
    along, across = (y - (y1 + y2) / 2) / (y2 - y1), (x - (x1 + x2) / 2) / (x2 - x1)
    return along[:, None] ** 2 + across[None] ** 2 < 0.25


def iou(a: Tensor, b: Tensor) -> float:
    return float((a & b).sum() / (a | b).sum())


corner = st.floats(0, 0.55)
side = st.floats(0.2, 0.45)


@given(corner, corner, side, side, st.sampled_from([(96, 96), (120, 200), (300, 180)]))
def test_a_cropped_mask_is_pasted_at_its_position(
    x: float, y: float, across: float, along: float, size: tuple[int, int]
) -> None:
    box = (x, y, x + across, y + along)
    mask = ellipse(box, *size)
    views = expand_boxes(torch.tensor([box]))
    crop = roi_align_views(mask[None, None].float(), torch.zeros(1, dtype=torch.int64), views, VIEW, 2)[:, 0]
    pasted = paste_masks(crop - 0.5, views, *size)
    assert pasted.shape == (1, *size)
    assert iou(pasted[0] > 0, mask) > 0.93


@given(st.floats(-0.3, 0.6), st.floats(-0.3, 0.6), st.floats(0.1, 1.2), st.floats(0.1, 1.2))
def test_pasting_interpolates_linearly_and_is_empty_outside_the_view(
    x: float, y: float, across: float, along: float
) -> None:
    views = torch.tensor([[x, y, x + across, y + along]])
    logits = torch.randn(1, 9, 9, generator=torch.Generator().manual_seed(3))
    height, width = 190, 170
    rows, columns = (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width
    low, high = views[0, :2], views[0, 2:]
    grid_x, grid_y = ((2 * (c - a) / (b - a) - 1) for c, a, b in zip((columns, rows), low, high, strict=True))
    grid = torch.stack([grid_x[None].expand(height, width), grid_y[:, None].expand(height, width)], -1)
    if min(across * width, along * height) < 9:
        return  # shrunk views are averaged
    samples = F.grid_sample(logits[None], grid[None], "bilinear", "border", align_corners=False)[0, 0]
    inside = grid.abs().amax(-1) <= 1
    pasted = paste_masks(logits, views, height, width)[0]
    expected = torch.where(inside, samples, -MAX_LOGIT)
    off_edge = (grid.abs().amax(-1) - 1).abs() > 1e-5
    torch.testing.assert_close(pasted[off_edge], expected[off_edge], rtol=1e-3, atol=1e-3)


def test_a_view_outside_the_image_gives_an_empty_mask() -> None:
    masks = paste_masks(
        torch.ones(2, 8, 8), torch.tensor([[1.1, 0, 1.4, 0.5], [0.2, 0.2, 0.201, 0.201]]), 40, 40
    )
    assert (masks[0] == -MAX_LOGIT).all()
    assert (masks[1] > 0).sum() <= 1


@given(
    st.lists(st.tuples(corner, corner, st.floats(0.01, 0.4), st.floats(0.01, 0.4)), min_size=1, max_size=4)
)
def test_views_contain_their_boxes_and_have_a_minimum_aspect(
    sizes: list[tuple[float, float, float, float]],
) -> None:
    boxes = torch.tensor([(x, y, x + w, y + h) for x, y, w, h in sizes])
    views = expand_boxes(boxes)
    assert (views[:, :2] < boxes[:, :2]).all()
    assert (views[:, 2:] > boxes[:, 2:]).all()
    sides = views[:, 2:] - views[:, :2]
    assert (sides.amin(1) >= (MIN_ASPECT - 1e-4) * sides.amax(1)).all()
    torch.testing.assert_close((views[:, :2] + views[:, 2:]) / 2, (boxes[:, :2] + boxes[:, 2:]) / 2)


def random_views(count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    half = VIEW // 2
    return (
        torch.randn(count, 3, VIEW, VIEW, generator=generator),
        3 * torch.randn(count, 1, half, half, generator=generator),
        torch.randn(count, 5, half, half, generator=generator),
        torch.randn(count, 6, half // 2, half // 2, generator=generator),
    )


def test_the_untrained_head_returns_the_coarse_masks() -> None:
    views = random_views(2)
    with torch.inference_mode():
        refined = RefinementHead(5, 6).eval()(*views)
    larger = F.interpolate(views[1].clamp(-MAX_LOGIT, MAX_LOGIT), (VIEW, VIEW), mode="bilinear")[:, 0]
    torch.testing.assert_close(refined, larger)


@pytest.fixture
def trained() -> RefinementHead:
    torch.manual_seed(0)
    network = RefinementHead(5, 6).eval()
    torch.nn.init.normal_(network.exit.weight, std=0.1)
    return network


def test_a_batch_of_masks_equals_a_loop_in_any_order(trained: RefinementHead) -> None:
    views = random_views(3)
    with torch.inference_mode():
        batch = trained(*views)
        single = torch.cat([trained(*(v[k : k + 1] for v in views)) for k in range(3)])
        flipped = trained(*(v.flip(0) for v in views)).flip(0)
    torch.testing.assert_close(single, batch, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(flipped, batch, rtol=1e-4, atol=1e-4)


def test_masks_of_a_frame_are_pasted() -> None:
    decoded = DecodedMasks(
        torch.randn(3, 16, 16), expand_boxes(torch.rand(3, 4).sort(1).values), torch.rand(3)
    )
    assert torch.equal(decoded.masks(40, 50), paste_masks(decoded.logits, decoded.views, 40, 50) > 0)


def test_views_equal_those_of_roi_align() -> None:
    maps = torch.randn(2, 3, 40, 60, generator=torch.Generator().manual_seed(5))
    views = torch.tensor([[0.1, 0.2, 0.6, 0.9], [0.3, 0.1, 0.5, 0.4], [0.2, 0.2, 0.9, 0.8]])
    which = torch.tensor([1, 0, 1])
    rows = torch.cat([which[:, None].float(), views * torch.tensor([60.0, 40, 60, 40])], 1)
    ops = pytest.importorskip("torchvision.ops", reason="pip install 'seac[paper]'")
    expected = ops.roi_align(maps, rows, 16, sampling_ratio=2, aligned=True)
    torch.testing.assert_close(roi_align_views(maps, which, views, 16, 2), expected, rtol=1e-4, atol=1e-4)


@given(st.integers(1, 3), st.floats(-2.5, 1.5), st.floats(-2.5, 1.5), st.floats(0.05, 1.5))
def test_views_equal_a_grid_of_bilinear_samples(samples: int, x: float, y: float, side: float) -> None:
    maps = torch.randn(2, 3, 13, 21, generator=torch.Generator().manual_seed(5))
    views, which = (
        torch.tensor([[x, y, x + side, y + 0.7 * side], [0.1, 0.2, 0.9, 0.8]]),
        torch.tensor([1, 0]),
    )
    points = 2 * (torch.arange(8 * samples) + 0.5) / (8 * samples)
    low, length = 2 * views[:, :2] - 1, views[:, 2:] - views[:, :2]
    columns, rows = (low[:, axis, None] + length[:, axis, None] * points for axis in (0, 1))
    shape = (2, len(points), len(points))
    grid = torch.stack([columns[:, None].expand(shape), rows[:, :, None].expand(shape)], -1)
    sampled = F.grid_sample(maps[which], grid, "bilinear", "zeros", align_corners=False)
    torch.testing.assert_close(
        roi_align_views(maps, which, views, 8, samples), F.avg_pool2d(sampled, samples)
    )
