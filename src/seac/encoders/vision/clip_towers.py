"""CLIP's image encoders (ResNet and ViT), accelerated without changing their outputs.

The ResNet's batch norms are fused into its convolutions and its feature maps are channels-last. Both encoders
accept smaller images than in training, by interpolating position embeddings, and return dense features.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from seac.encoders.fuse_bn import fuse_bn
from seac.encoders.vision.perception_tower import PerceptionTower
from seac.encoders.vision.positions import positions


class Tower(Protocol):
    """An image encoder of CLIP."""

    def embed(self, pixels: Tensor) -> Tensor:
        """Return embeddings (n, d) of images (n, 3, S, S)."""
        ...

    def dense_features(self, pixels: Tensor) -> Tensor:
        """Return an embedding per location, (n, d, h, w), of images (n, 3, S, S)."""
        ...

    def to(self, device: torch.device) -> Tower:
        """Move the encoder to ``device`` and return it."""
        ...


def tower_of(visual: Any) -> Tower:
    """Return the tower of an open_clip network's image encoder."""
    if hasattr(visual, "trunk"):
        return PerceptionTower(visual)
    return ResNetTower(visual) if hasattr(visual, "attnpool") else TransformerTower(visual)


class ResNetTower:
    """OpenAI's modified ResNet with attention pooling."""

    def __init__(self, visual: Any) -> None:
        fuse_batch_norms(visual)
        self.visual = visual.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def to(self, device: torch.device) -> ResNetTower:
        """Move the encoder to ``device`` and return it."""
        self.visual.to(device)
        return self

    def maps(self, pixels: Tensor) -> Tensor:
        """Return the last feature maps, (n, 2048, S / 32, S / 32)."""
        visual = self.visual
        x = visual.stem(pixels.contiguous(memory_format=torch.channels_last))
        for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            x = layer(x)
        maps: Tensor = x
        return maps

    def embed(self, pixels: Tensor) -> Tensor:
        """Return embeddings by attention pooling, with the mean over all locations as the query.

        With a single query, keys and values need not be computed per location, only weighted sums of
        locations; both large matrix products of the published form become small.
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
        # q . (W c + b): the bias adds the same value at all locations, which softmax ignores.
        key_query = torch.einsum("nhk,hkc->nhc", query, pool.k_proj.weight.view(heads, -1, width))
        weights = torch.einsum("nhc,nsc->nhs", key_query, dense_features).softmax(-1)
        sums = torch.einsum("nhs,nsc->nhc", weights, dense_features)
        value = torch.einsum("nhc,hvc->nhv", sums, pool.v_proj.weight.view(heads, -1, width)).flatten(1)
        embeddings: Tensor = pool.c_proj(value + pool.v_proj.bias)
        return embeddings

    def dense_features(self, pixels: Tensor) -> Tensor:
        """Return the value and output projections of every location, as if all attention were on it."""
        pool = self.visual.attnpool
        maps = self.maps(pixels)
        dense_features = pool.c_proj(pool.v_proj(maps.flatten(2).transpose(1, 2)))
        return dense_features.transpose(1, 2).reshape(len(maps), -1, *maps.shape[-2:])  # type: ignore[no-any-return]


class TransformerTower:
    """OpenAI's vision transformer."""

    def __init__(self, visual: Any) -> None:
        self.visual = visual.eval().requires_grad_(False)

    def to(self, device: torch.device) -> TransformerTower:
        """Move the encoder to ``device`` and return it."""
        self.visual.to(device)
        return self

    def embed(self, pixels: Tensor) -> Tensor:
        """Return the class token after the last norm and the projection."""
        return self._project(self._tokens(pixels)[:, 0])

    def dense_features(self, pixels: Tensor) -> Tensor:
        """Return every patch token after the last norm and the projection."""
        tokens = self._project(self._tokens(pixels)[:, 1:])
        side = round(tokens.shape[1] ** 0.5)
        return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)

    def _tokens(self, pixels: Tensor) -> Tensor:
        visual = self.visual
        patches = visual.conv1(pixels)
        size = patches.shape[-2:]
        patches = patches.flatten(2).transpose(1, 2)
        first = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
        tokens = torch.cat([first, patches], 1) + positions(visual.positional_embedding, *size)
        hidden: Tensor = visual.transformer(visual.ln_pre(tokens))
        return hidden

    def _project(self, tokens: Tensor) -> Tensor:
        embeddings: Tensor = self.visual.ln_post(tokens) @ self.visual.proj
        return embeddings


def fuse_batch_norms(visual: Any) -> None:
    """Fuse every batch norm of a modified ResNet into the preceding convolution; outputs do not change."""
    fuse_bn(visual)  # the shortcuts
    for module in visual.modules():
        for number in (1, 2, 3):
            convolution, norm = getattr(module, f"conv{number}", None), getattr(module, f"bn{number}", None)
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, f"conv{number}", fuse_conv_bn_eval(convolution.eval(), norm.eval()))
                setattr(module, f"bn{number}", nn.Identity())
