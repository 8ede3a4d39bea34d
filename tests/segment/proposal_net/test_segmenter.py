"""Proposal segmenter: the background among the masks of the network, limits, versions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seac.segment.proposal_net import network
from seac.segment.proposal_net.network import DecodedMasks, Network, NetworkSettings, decoding_digest
from seac.segment.proposal_net.refinement_head import VIEW
from seac.segment.proposal_net.segmenter import (
    ProposalSegmenter,
    ProposalSegmenterSettings,
    settings_digest,
)

SETTINGS = ProposalSegmenterSettings()
IMAGE = torch.zeros(3, 96, 128, dtype=torch.uint8)
LEFT, RIGHT, ALL = [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0], [-0.5, -0.5, 1.5, 1.5]


def segmenter_of(
    monkeypatch: pytest.MonkeyPatch, views: list[list[float]], scores: list[float]
) -> ProposalSegmenter:
    """A segmenter whose network proposes full views with the given scores."""
    segmenter = ProposalSegmenter()
    full = torch.full((len(views), VIEW, VIEW), 4.0)

    def decode(image: Tensor, max_masks: int) -> DecodedMasks:
        boxes = torch.tensor(views).reshape(-1, 4)
        return DecodedMasks(full[:max_masks], boxes[:max_masks], torch.tensor(scores[:max_masks]))

    monkeypatch.setattr(segmenter._network, "decode", decode)
    return segmenter


def test_other_settings_give_another_version() -> None:
    assert settings_digest(SETTINGS) == settings_digest(ProposalSegmenterSettings(device="cuda"))
    assert settings_digest(SETTINGS) != settings_digest(ProposalSegmenterSettings(background=0.1))
    assert decoding_digest(NetworkSettings()) == decoding_digest(NetworkSettings(device="cuda"))
    assert decoding_digest(NetworkSettings()) != decoding_digest(NetworkSettings(long_side=320))


def test_another_logit_offset_gives_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Network().version
    monkeypatch.setattr(network, "LOGIT_OFFSET", network.LOGIT_OFFSET + 0.1)
    assert Network().version != before


def test_without_things_the_background_is_the_frame() -> None:
    proposals = ProposalSegmenter(ProposalSegmenterSettings(min_score=2.0))(IMAGE)
    assert proposals.masks.all()
    assert proposals.scores.tolist() == pytest.approx([SETTINGS.background])
    fallback = Network(NetworkSettings(min_score=2.0))(IMAGE)
    assert fallback.scores.tolist() == [0]
    assert fallback.masks.all()


def test_the_background_is_what_confident_things_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    sure, unsure = SETTINGS.confident + 0.1, SETTINGS.background / 2
    found = segmenter_of(monkeypatch, [LEFT, RIGHT], [sure, unsure])(IMAGE)
    assert found.scores.tolist() == pytest.approx([sure, SETTINGS.background, unsure])
    assert not (found.masks[0] & found.masks[1]).any()
    assert (found.masks[0] | found.masks[1]).all()


def test_a_background_that_is_too_small_is_no_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    found = segmenter_of(monkeypatch, [ALL], [0.9])(IMAGE)
    assert found.scores.tolist() == pytest.approx([0.9])


@pytest.mark.parametrize("max_masks", [1, 2, 3, 4])
def test_fewer_masks_are_the_best_of_more(monkeypatch: pytest.MonkeyPatch, max_masks: int) -> None:
    scores = [SETTINGS.confident + 0.2, SETTINGS.confident, SETTINGS.background / 2]
    segmenter = segmenter_of(monkeypatch, [LEFT, [0.5, 0.0, 1.0, 0.5], RIGHT], scores)
    fewer, more = segmenter.best(IMAGE, max_masks), segmenter(IMAGE)
    assert len(more) == 4
    assert len(fewer) == max_masks
    assert torch.equal(fewer.masks, more.masks[:max_masks])
    assert torch.equal(fewer.scores, more.scores[:max_masks])


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
