"""Fuses batch norms into the preceding convolutions: the same outputs with fewer passes over memory."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fuse_bn(module: nn.Module) -> None:
    """Fuse every batch norm that follows a convolution in a Sequential, in ``module`` and its submodules."""
    for part in module.modules():
        if not isinstance(part, nn.Sequential):
            continue
        for index in range(1, len(part)):
            before, norm = part[index - 1], part[index]
            if isinstance(before, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                part[index - 1], part[index] = fuse_conv_bn_eval(before.eval(), norm.eval()), nn.Identity()
