"""Mask decoding at strides 4 and 2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from seac.encoders.fuse_bn import fuse_bn
from seac.segment.proposal_net.model import FINE_STRIDE, MASK_STRIDE, ProposalNet, decode_masks


def test_untrained_sharpening_only_upsamples() -> None:
    network = ProposalNet().eval()
    with torch.inference_mode():
        locations = network(torch.randn(1, 3, 64, 96))
        fine = network.fine_features(locations)
        larger = F.interpolate(locations.features, (32, 48), mode="bilinear", align_corners=False)
    torch.testing.assert_close(fine, larger)


def test_a_mask_has_the_same_position_at_both_strides() -> None:
    generator = torch.Generator().manual_seed(0)
    kernels = torch.randn(4, 233, generator=generator)
    centres, strides = torch.full((4, 2), 64.0), torch.full((4,), 16.0)
    coarse = decode_masks(torch.zeros(16, 32, 32), kernels, centres, strides, MASK_STRIDE)
    fine = decode_masks(torch.zeros(16, 64, 64), kernels, centres, strides, FINE_STRIDE)
    torch.testing.assert_close(F.avg_pool2d(fine, 2), coarse, rtol=0.1, atol=0.1)


def test_fusing_batch_norm_does_not_change_outputs() -> None:
    torch.manual_seed(3)
    network = ProposalNet()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
            part.running_mean, part.running_var = torch.rand(2, part.num_features) + 0.5
    network.eval().requires_grad_(False)
    pixels = torch.randn(1, 3, 64, 96)
    before = network(pixels)
    fine = network.fine_features(before)
    fuse_bn(network)
    after = network(pixels)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.refine.modules())
    torch.testing.assert_close(after.kernels, before.kernels, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(network.fine_features(after), fine, rtol=1e-3, atol=1e-4)
