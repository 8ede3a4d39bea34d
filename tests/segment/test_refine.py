"""Outlines that follow the picture."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seac.segment.refine import leaning, refined


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
    plain = refined(blunt(radius), colours, ONE, torch.tensor([4096.0]), 0, 0)[0] > 0
    drawn = refined(blunt(radius), colours, ONE, torch.tensor([4096.0]), 0.7, 0)[0] > 0
    assert iou(drawn, disc(18)) > iou(plain, disc(18)) + 0.03


def test_an_outline_moves_to_that_of_a_superpixel() -> None:
    area = torch.bincount(HALVES.flatten()).float()
    plain = refined(blunt(16), torch.zeros(3, 64, 64), HALVES, area, 0, 0)[0] > 0
    drawn = refined(blunt(16), torch.zeros(3, 64, 64), HALVES, area, 0, 0.5)[0] > 0
    assert iou(drawn, disc(18)) > iou(plain, disc(18)) + 0.03


def test_a_picture_of_one_colour_says_nothing() -> None:
    assert leaning(torch.randn(3, 40, 24), torch.full((3, 40, 24), 90.0)).abs().max() < 1e-2


def test_with_neither_colour_nor_snap_masks_are_enlarged_and_no_more() -> None:
    given = torch.randn(2, 9, 7)
    answer = refined(given, torch.rand(3, 64, 64), ONE, torch.tensor([4096.0]), 0, 0)
    assert torch.equal(answer, F.interpolate(given[None], (64, 64), mode="bilinear", align_corners=False)[0])


def test_no_masks_stay_none() -> None:
    answer = refined(torch.zeros(0, 8, 8), torch.rand(3, 64, 64), ONE, torch.tensor([4096.0]), 0.7, 0.3)
    assert answer.shape == (0, 64, 64)
