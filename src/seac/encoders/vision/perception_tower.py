"""Perception Encoder (PE-Core) as an image tower of open_clip: any input size, and dense features.

The network is timm's vision transformer with rotary positions and attention pooling.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from seac.encoders.vision.positions import positions


class PerceptionTower:
    """PE-Core's vision transformer.

    Args:
        visual: open_clip's TimmModel.
    """

    def __init__(self, visual: Any) -> None:
        self.visual = visual.eval().requires_grad_(False)
        self.trunk = visual.trunk
        self._ropes: dict[tuple[int, int], Any] = {}

    def to(self, device: torch.device) -> PerceptionTower:
        """Move the encoder to ``device`` and return it."""
        self.visual.to(device)
        return self

    def embed(self, pixels: Tensor) -> Tensor:
        """Return embeddings (n, d) of images (n, 3, S, S), by attention pooling."""
        embeddings: Tensor = self.visual.head(self.trunk.forward_head(self._tokens(pixels)[0]))
        return embeddings

    def dense_features(self, pixels: Tensor) -> Tensor:
        """Return the pooling's output for every patch, (n, d, h, w), as if all attention were on it."""
        trunk, pool = self.trunk, self.trunk.attn_pool
        tokens, (height, width) = self._tokens(pixels)
        patches = tokens[:, trunk.num_prefix_tokens :]
        values = pool.proj(pool.kv(patches).chunk(2, -1)[1])
        values = values + pool.mlp(pool.norm(values))
        embeddings: Tensor = self.visual.head(trunk.head(trunk.fc_norm(values)))
        return embeddings.transpose(1, 2).reshape(len(pixels), -1, height, width)

    def _tokens(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Return the tokens (n, 1 + h * w, c) after the last norm, and (h, w)."""
        trunk = self.trunk
        patches = trunk.patch_embed.proj(pixels)
        grid = patches.shape[-2], patches.shape[-1]
        first = trunk.cls_token.to(patches.dtype).expand(len(patches), -1, -1)
        tokens = torch.cat([first, trunk.patch_embed.norm(patches.flatten(2).transpose(1, 2))], 1)
        tokens = trunk.norm_pre(tokens + positions(trunk.pos_embed[0], *grid))
        rotation = self._rope(grid).get_embed()
        for block in trunk.blocks:
            tokens = block(tokens, rope=rotation)
        return trunk.norm(tokens), grid

    def _rope(self, grid: tuple[int, int]) -> Any:
        """Return the rotary positions of a grid; those of the published grid are the network's own."""
        if grid == tuple(self.trunk.patch_embed.grid_size):
            return self.trunk.rope
        if grid not in self._ropes:
            self._ropes[grid] = deepcopy(self.trunk.rope)
            self._ropes[grid].update_feat_shape(list(grid))
        return self._ropes[grid]
