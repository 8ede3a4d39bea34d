"""CLIP's two kinds of picture encoders, made quick without changing what they compute.

The ResNet's batch norms are folded into its convolutions and its maps lie channels last; both kinds also take
pictures smaller than they were trained on, by interpolating positions, and can say what every cell shows.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from seac.encoders.fuse_bn import fuse_bn


class Tower(Protocol):
    """A picture encoder of CLIP's."""

    def embed(self, pixels: Tensor) -> Tensor:
        """(n, 3, S, S) to embeddings (n, d)."""
        ...

    def dense_features(self, pixels: Tensor) -> Tensor:
        """(n, 3, S, S) to an embedding for every cell, (n, d, h, w)."""
        ...

    def to(self, device: torch.device) -> Tower:
        """Itself, on a device."""
        ...


def tower_of(visual: Any) -> Tower:
    """The tower of an open_clip network's picture half."""
    return ResNetTower(visual) if hasattr(visual, "attnpool") else TransformerTower(visual)


class ResNetTower:
    """OpenAI's modified ResNet with attention pooling."""

    def __init__(self, visual: Any) -> None:
        fuse_batch_norms(visual)
        self.visual = visual.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def to(self, device: torch.device) -> ResNetTower:
        """Itself, on a device."""
        self.visual.to(device)
        return self

    def maps(self, pixels: Tensor) -> Tensor:
        """The last feature maps, (n, 2048, S / 32, S / 32)."""
        visual = self.visual
        x = visual.stem(pixels.contiguous(memory_format=torch.channels_last))
        for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            x = layer(x)
        found: Tensor = x
        return found

    def embed(self, pixels: Tensor) -> Tensor:
        """Attention from the mean of all cells to the cells.

        There is one query: keys and values need not be made for every cell, only weighted sums of cells, so
        both large products of the published form become small ones.
        """
        pool = self.visual.attnpool
        maps = self.maps(pixels)
        dense_features = maps.flatten(2).transpose(1, 2)
        dense_features = torch.cat([dense_features.mean(1, keepdim=True), dense_features], 1)
        dense_features = dense_features + positions(pool.positional_embedding, *maps.shape[-2:])
        n, _, width = dense_features.shape
        heads = pool.num_heads
        query = functional.linear(dense_features[:, 0], pool.q_proj.weight, pool.q_proj.bias)
        query = query.view(n, heads, -1) * (width // heads) ** -0.5
        # q . (W c + b): the bias adds the same to all cells, which softmax does not see.
        key_query = torch.einsum("nhk,hkc->nhc", query, pool.k_proj.weight.view(heads, -1, width))
        weights = torch.einsum("nhc,nsc->nhs", key_query, dense_features).softmax(-1)
        sums = torch.einsum("nhs,nsc->nhc", weights, dense_features)
        value = torch.einsum("nhc,hvc->nhv", sums, pool.v_proj.weight.view(heads, -1, width)).flatten(1)
        embedded: Tensor = pool.c_proj(value + pool.v_proj.bias)
        return embedded

    def dense_features(self, pixels: Tensor) -> Tensor:
        """Every cell through the pool's value and output maps, as if all attention were on it."""
        pool = self.visual.attnpool
        maps = self.maps(pixels)
        dense_features = pool.c_proj(pool.v_proj(maps.flatten(2).transpose(1, 2)))
        return dense_features.transpose(1, 2).reshape(len(maps), -1, *maps.shape[-2:])  # type: ignore[no-any-return]


class TransformerTower:
    """OpenAI's vision transformer."""

    def __init__(self, visual: Any) -> None:
        self.visual = visual.eval().requires_grad_(False)

    def to(self, device: torch.device) -> TransformerTower:
        """Itself, on a device."""
        self.visual.to(device)
        return self

    def embed(self, pixels: Tensor) -> Tensor:
        """The class token, through the last norm and the projection."""
        return self._projected(self._tokens(pixels)[:, 0])

    def dense_features(self, pixels: Tensor) -> Tensor:
        """Every patch token through the last norm and the projection."""
        tokens = self._projected(self._tokens(pixels)[:, 1:])
        side = round(tokens.shape[1] ** 0.5)
        return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)

    def _tokens(self, pixels: Tensor) -> Tensor:
        visual = self.visual
        patches = visual.conv1(pixels)
        size = patches.shape[-2:]
        patches = patches.flatten(2).transpose(1, 2)
        first = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
        tokens = torch.cat([first, patches], 1) + positions(visual.positional_embedding, *size)
        found: Tensor = visual.transformer(visual.ln_pre(tokens))
        return found

    def _projected(self, tokens: Tensor) -> Tensor:
        projected: Tensor = self.visual.ln_post(tokens) @ self.visual.proj
        return projected


def positions(table: Tensor, height: int, width: int) -> Tensor:
    """A table of positions (1 + side * side, c), the first for all, for another grid of cells."""
    side = round((len(table) - 1) ** 0.5)
    if (height, width) == (side, side):
        return table
    grid = table[1:].T.reshape(1, -1, side, side).float()
    grid = functional.interpolate(grid, (height, width), mode="bicubic", align_corners=False)
    return torch.cat([table[:1], grid[0].flatten(1).T.to(table.dtype)])


def fuse_batch_norms(visual: Any) -> None:
    """Fold every batch norm of a modified ResNet into the convolution before it: the same function."""
    fuse_bn(visual)  # the shortcuts
    for module in visual.modules():
        for number in (1, 2, 3):
            convolution, norm = getattr(module, f"conv{number}", None), getattr(module, f"bn{number}", None)
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, f"conv{number}", fuse_conv_bn_eval(convolution.eval(), norm.eval()))
                setattr(module, f"bn{number}", nn.Identity())
