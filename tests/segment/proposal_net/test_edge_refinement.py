"""Outlines that follow the picture."""

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


def picture(inside: tuple[int, int, int], outside: tuple[int, int, int]) -> Tensor:
    here, there = torch.tensor(inside)[:, None, None], torch.tensor(outside)[:, None, None]
    return torch.where(disc(18)[None], here, there).float()


def blunt(radius: float) -> Tensor:
    y, x = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    away = ((x - 7.5) ** 2 + (y - 7.5) ** 2).float().sqrt() * 4
    return ((radius - away) / 4)[None]


def iou(a: Tensor, b: Tensor) -> float:
    return float((a & b).sum() / (a | b).sum())


ONE = torch.zeros(64, 64, dtype=torch.int64)
HALVES = disc(18).long()


@pytest.mark.parametrize("radius", [16, 20])
def test_an_outline_moves_to_where_the_colour_changes(radius: float) -> None:
    colours = picture((200, 40, 40), (40, 160, 60))
    plain = refine_masks(blunt(radius), colours, ONE, torch.tensor([4096.0]), 0, 0)[0] > 0
    drawn = refine_masks(blunt(radius), colours, ONE, torch.tensor([4096.0]), 0.7, 0)[0] > 0
    assert iou(drawn, disc(18)) > iou(plain, disc(18)) + 0.03


def test_an_outline_moves_to_that_of_a_superpixel() -> None:
    area = torch.bincount(HALVES.flatten()).float()
    plain = refine_masks(blunt(16), torch.zeros(3, 64, 64), HALVES, area, 0, 0)[0] > 0
    drawn = refine_masks(blunt(16), torch.zeros(3, 64, 64), HALVES, area, 0, 0.5)[0] > 0
    assert iou(drawn, disc(18)) > iou(plain, disc(18)) + 0.03


def test_an_image_of_one_colour_says_nothing() -> None:
    assert side_evidence(torch.rand(3, 40, 24), torch.full((3, 40, 24), 90.0)).abs().max() < 1e-2


def test_with_neither_colour_nor_superpixels_masks_are_enlarged_and_no_more() -> None:
    given = torch.randn(2, 9, 7)
    answer = refine_masks(given, torch.rand(3, 64, 64), ONE, torch.tensor([4096.0]), 0, 0)
    assert torch.equal(answer, F.interpolate(given[None], (64, 64), mode="bilinear", align_corners=False)[0])


def test_no_masks_stay_none() -> None:
    answer = refine_masks(torch.zeros(0, 8, 8), torch.rand(3, 64, 64), ONE, torch.tensor([4096.0]), 0.7, 0.3)
    assert answer.shape == (0, 64, 64)


@pytest.mark.parametrize("radius", [16, 20])
def test_the_outline_of_a_region_moves_to_where_the_colour_changes(radius: float) -> None:
    drawn = refine_edges(disc(radius)[None], picture((200, 40, 40), (40, 160, 60)), 1.0)[0] > 0
    assert iou(drawn, disc(18)) > iou(disc(radius), disc(18)) + 0.03


def test_far_from_its_outline_a_region_stays_whatever_the_colours() -> None:
    noise = 255 * torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    drawn = refine_edges(disc(18)[None], noise, 1.0)[0] > 0
    assert drawn[disc(12)].all()
    assert not drawn[~disc(24)].any()


@given(
    st.integers(5, 70),
    st.integers(5, 70),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(1, 40),
    st.integers(0, 9),
)
def test_regions_drawn_in_their_boxes_are_as_in_the_whole_image(
    height: int, width: int, top: int, left: int, size: int, seed: int
) -> None:
    colours = 255 * torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    mask = torch.zeros(1, height, width, dtype=torch.bool)
    mask[:, top : top + size, left : left + size] = True
    found = refine_edges(mask, colours, 1.0) > 0
    with pytest.MonkeyPatch.context() as whole:
        whole.setattr(
            edge_refinement, "boxes_of", lambda cells: torch.tensor([[0, 0, cells.shape[2], cells.shape[1]]])
        )
        assert torch.equal(found, refine_edges(mask, colours, 1.0) > 0)


def test_no_regions_stay_none() -> None:
    assert refine_edges(torch.zeros(0, 8, 8, dtype=torch.bool), torch.rand(3, 8, 8), 1.0).shape == (0, 8, 8)
