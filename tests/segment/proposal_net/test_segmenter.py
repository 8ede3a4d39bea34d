"""Proposal segmenter: overlaps of things and regions, selection of regions, versions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seac.segment.baselines.superpixel import Regions
from seac.segment.ops import pairwise_iou
from seac.segment.proposal_net import network
from seac.segment.proposal_net.network import DecodedMasks, Network, NetworkSettings, decoding_digest
from seac.segment.proposal_net.segmenter import (
    ProposalSegmenter,
    ProposalSegmenterSettings,
    complement,
    overlaps,
    settings_digest,
)

STRIPES = (torch.arange(32) // 4).expand(24, 32).contiguous()  # eight superpixels, left to right
AREA = torch.full((8,), 96.0)
ROWS = torch.tensor([[1, 1, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1]]).bool()


def thing(first: int, last: int) -> Tensor:
    """Return a mask of columns ``first`` to ``last``."""
    mask = torch.zeros(24, 32, dtype=torch.bool)
    mask[:, first:last] = True
    return mask


def test_overlaps_equal_those_of_the_pixels() -> None:
    things = torch.stack([thing(0, 8), thing(2, 21)])
    pixels = torch.cat([things, ROWS[:, STRIPES]]).flatten(1)
    expected = pairwise_iou(pixels)[:, 2:]
    iou = overlaps(things, STRIPES, AREA, ROWS)
    torch.testing.assert_close(iou, expected)
    assert iou[0, 0] == 1


def test_without_things_only_regions_overlap() -> None:
    iou = overlaps(torch.zeros(0, 24, 32, dtype=torch.bool), STRIPES, AREA, ROWS)
    torch.testing.assert_close(iou, pairwise_iou(ROWS, AREA))


def test_a_region_that_a_thing_covers_is_not_proposed_again() -> None:
    regions = Regions(STRIPES, AREA, ROWS, torch.tensor([0.9, 0.8, 0.7]))
    things = thing(0, 8)[None]
    for max_masks, expected in ((50, [1, 2]), (2, [1]), (1, [])):
        index, scores = complement(things, regions, ProposalSegmenterSettings(max_masks=max_masks))
        assert index.tolist() == expected
        assert len(scores) == len(expected)


def test_other_settings_give_another_version() -> None:
    assert settings_digest(ProposalSegmenterSettings()) == settings_digest(
        ProposalSegmenterSettings(device="cuda")
    )
    assert settings_digest(ProposalSegmenterSettings()) != settings_digest(
        ProposalSegmenterSettings(things=3)
    )
    assert decoding_digest(NetworkSettings()) == decoding_digest(NetworkSettings(device="cuda"))
    assert decoding_digest(NetworkSettings()) != decoding_digest(NetworkSettings(long_side=320))


def test_another_logit_offset_gives_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Network().version
    monkeypatch.setattr(network, "LOGIT_OFFSET", network.LOGIT_OFFSET + 0.1)
    assert Network().version != before


def test_without_network_proposals_regions_are_proposed() -> None:
    image = torch.zeros(3, 48, 64, dtype=torch.uint8)
    image[:, :, 32:] = 220
    proposals = ProposalSegmenter(ProposalSegmenterSettings(min_score=2.0))(image)
    assert len(proposals.masks) >= 2
    assert (proposals.scores <= ProposalSegmenterSettings().discount).all()
    fallback = Network(NetworkSettings(min_score=2.0))(image)
    assert fallback.scores.tolist() == [0]
    assert fallback.masks.all()


def test_things_that_are_equal_after_refinement_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.zeros(3, 96, 128, dtype=torch.uint8)
    image[:, 24:72, 16:64] = 220
    square = torch.full((1, 32, 32), -4.0)
    square[:, 8:24, 8:24] = 4.0
    left, right = torch.tensor([[0.0, 0.0, 0.625, 1.0]]), torch.tensor([[0.4, 0.0, 1.025, 1.0]])
    segmenter = ProposalSegmenter()

    def count_things(views: Tensor, scores: list[float]) -> int:
        decoded = DecodedMasks(square.repeat(len(views), 1, 1), views, torch.tensor(scores), ())
        monkeypatch.setattr(segmenter._network, "decode", lambda _: decoded)
        proposals = segmenter(image)
        things = [
            score for score in proposals.scores.tolist() if score > ProposalSegmenterSettings().discount
        ]
        assert things == pytest.approx(sorted(set(scores), reverse=True)[: len(things)])
        return len(things)

    assert count_things(left, [0.9]) == 1
    assert count_things(left.repeat(2, 1), [0.9, 0.8]) == 1
    assert count_things(torch.cat([left, right]), [0.9, 0.8]) == 2


def test_best_can_return_more_masks_than_the_default() -> None:
    """The default masks are the first of them."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randint(0, 256, (3, 24, 32), generator=generator, dtype=torch.uint8)
    image = blocks.repeat_interleave(8, 1).repeat_interleave(8, 2)
    segmenter = ProposalSegmenter(ProposalSegmenterSettings(max_masks=12))
    default, more = segmenter(image), segmenter.best(image, 40)
    assert len(default) == 12
    assert len(more) > 12
    assert torch.equal(more.masks[:12], default.masks)
