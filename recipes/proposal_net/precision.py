"""Mixed precision of the training on a CPU: 1x1 convolutions in bfloat16, everything else in float32.

Only 1x1 convolutions gain from bfloat16; the backward pass of a depthwise convolution in bfloat16 takes many
times that in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from seac.segment.proposal_net.model import Locations, ProposalNet


def keep_depthwise_precision(network: ProposalNet) -> None:
    """Compute all convolutions with groups in float32, inside :func:`mixed_forward` too."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.forward = _in_float32(module.forward)  # type: ignore[method-assign, assignment]


def mixed_forward(network: ProposalNet, pixels: Tensor) -> Locations:
    """Outputs of the network in float32, with 1x1 convolutions in bfloat16."""
    with torch.autocast(pixels.device.type, torch.bfloat16):
        found: Locations = network(pixels)
    return replace(
        found,
        logits=found.logits.float(),
        kernels=found.kernels.float(),
        features=found.features.float(),
    )


def _in_float32(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def call(given: Tensor) -> Tensor:
        with torch.autocast(given.device.type, enabled=False):
            return forward(given.float())

    return call
