"""Edge refinement of masks."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seac.segment.proposal_net import edge_refinement
from seac.segment.proposal_net.edge_refinement import refine_edges, refine_masks, side_evidence


def disc(radius: float, side: int = 64) -> Tensor:
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return ((x - 31.5) ** 2 + (y - 31.5) ** 2).float().sqrt() < radius


def disc_image(inside: tuple[int, int, int], outside: tuple[int, int, int]) -> Tensor:
    inner, outer = torch.tensor(inside)[:, None, None], torch.tensor(outside)[:, None, None]
    return torch.where(disc(18)[None], inner, outer).float()


def coarse_logits(radius: float) -> Tensor:
    y, x = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    distance = ((x - 7.5) ** 2 + (y - 7.5) ** 2).float().sqrt() * 4
    return ((radius - distance) / 4)[None]


def iou(a: Tensor, b: Tensor) -> float:
    return float((a & b).sum() / (a | b).sum())


ONE_SUPERPIXEL = torch.zeros(64, 64, dtype=torch.int64)
TWO_SUPERPIXELS = disc(18).long()


@pytest.mark.parametrize("radius", [16, 20])
def test_a_boundary_moves_to_the_change_of_colour(radius: float) -> None:
    colours = disc_image((200, 40, 40), (40, 160, 60))
    unrefined = (
        refine_masks(coarse_logits(radius), colours, ONE_SUPERPIXEL, torch.tensor([4096.0]), 0, 0)[0] > 0
    )
    refined = (
        refine_masks(coarse_logits(radius), colours, ONE_SUPERPIXEL, torch.tensor([4096.0]), 0.7, 0)[0] > 0
    )
    assert iou(refined, disc(18)) > iou(unrefined, disc(18)) + 0.03


def test_a_boundary_moves_to_that_of_a_superpixel() -> None:
    area = torch.bincount(TWO_SUPERPIXELS.flatten()).float()
    unrefined = refine_masks(coarse_logits(16), torch.zeros(3, 64, 64), TWO_SUPERPIXELS, area, 0, 0)[0] > 0
    refined = refine_masks(coarse_logits(16), torch.zeros(3, 64, 64), TWO_SUPERPIXELS, area, 0, 0.5)[0] > 0
    assert iou(refined, disc(18)) > iou(unrefined, disc(18)) + 0.03


def test_an_image_of_one_colour_gives_no_evidence() -> None:
    assert side_evidence(torch.rand(3, 40, 24), torch.full((3, 40, 24), 90.0)).abs().max() < 1e-2


def test_with_neither_colour_nor_superpixels_masks_are_only_resized() -> None:
    logits = torch.randn(2, 9, 7)
    output = refine_masks(logits, torch.rand(3, 64, 64), ONE_SUPERPIXEL, torch.tensor([4096.0]), 0, 0)
    expected = F.interpolate(logits[None], (64, 64), mode="bilinear", align_corners=False)[0]
    assert torch.equal(output, expected)


def test_no_masks_give_no_masks() -> None:
    output = refine_masks(
        torch.zeros(0, 8, 8), torch.rand(3, 64, 64), ONE_SUPERPIXEL, torch.tensor([4096.0]), 0.7, 0.3
    )
    assert output.shape == (0, 64, 64)


@pytest.mark.parametrize("radius", [16, 20])
def test_the_boundary_of_a_region_moves_to_the_change_of_colour(radius: float) -> None:
    refined = refine_edges(disc(radius)[None], disc_image((200, 40, 40), (40, 160, 60)), 1.0)[0] > 0
    assert iou(refined, disc(18)) > iou(disc(radius), disc(18)) + 0.03


def test_a_region_does_not_change_far_from_its_boundary() -> None:
    noise = 255 * torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    refined = refine_edges(disc(18)[None], noise, 1.0)[0] > 0
    assert refined[disc(12)].all()
    assert not refined[~disc(24)].any()


@given(
    st.integers(5, 70),
    st.integers(5, 70),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(1, 40),
    st.integers(0, 9),
)
def test_regions_refined_in_their_boxes_equal_those_of_the_full_image(
    height: int, width: int, top: int, left: int, size: int, seed: int
) -> None:
    colours = 255 * torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    mask = torch.zeros(1, height, width, dtype=torch.bool)
    mask[:, top : top + size, left : left + size] = True
    refined = refine_edges(mask, colours, 1.0) > 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            edge_refinement, "boxes_of", lambda masks: torch.tensor([[0, 0, masks.shape[2], masks.shape[1]]])
        )
        assert torch.equal(refined, refine_edges(mask, colours, 1.0) > 0)


def test_no_regions_give_no_regions() -> None:
    assert refine_edges(torch.zeros(0, 8, 8, dtype=torch.bool), torch.rand(3, 8, 8), 1.0).shape == (0, 8, 8)
