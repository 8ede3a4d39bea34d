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


def fuse_bn_named(module: nn.Module, convolution: str, norm: str) -> None:
    """Fuse the submodule ``norm`` of ``module`` into its submodule ``convolution``.

    Raises:
        TypeError: they are no convolution and batch norm, or are already fused.
    """
    before, after = module.get_submodule(convolution), module.get_submodule(norm)
    if not isinstance(before, nn.Conv2d) or not isinstance(after, nn.BatchNorm2d):
        raise TypeError(f"{convolution} and {norm} are no convolution and its batch norm")
    _replace(module, convolution, fuse_conv_bn_eval(before.eval(), after.eval()))
    _replace(module, norm, nn.Identity())


def _replace(module: nn.Module, name: str, other: nn.Module) -> None:
    """What ``Module.set_submodule`` does, which torch has from 2.5 on."""
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, other)
