"""What is trained: attention pooling, mask encoder, two projections and the temperature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.associate.mask_encoder import MaskEncoder
from seac.associate.pooling import AttentionPooling

TEMPERATURE, COLDEST, HOTTEST = 0.07, 0.01, 1.0
MARGIN = 1e-5
GROUND = 0.1
"""Weight of what is outside a mask in the quick path's global view; see ``mask_embedding.pooled_under``."""


@dataclass(frozen=True)
class AssociationConfig:
    """All that decides the shape and the answers of an association.

    Attributes:
        d_m: size of a mask embedding.
        d_a: size of an audio feature.
        d: size of the shared space.
        width: of the mask encoder; None is d_m, as the paper's projection has it.
        depth: Transformer layers of the mask encoder, from 0.
        heads: its attention heads.
        pool_heads: attention heads of the pooling over time.
        dropout: in the mask encoder.
        norm_first: pre-norm in place of post-norm.
        lam: weight of the local view (Eq. 3).
        normalised: frozen features are scaled to unit length times the square root of their size first.
        variant: "masks", or "grid" for the cells of a feature map in their place (the EZ-VSL idea): those of
            the segmenter "grid", of which only the global view counts.
        zero_shot_weight: share of the zero-shot similarity in the answer, 0 to 1.
        zero_shot_scale: what a zero-shot cosine is multiplied by to be as wide as a trained one.
    """

    d_m: int
    d_a: int
    d: int = 128
    width: int | None = None
    depth: int = 4
    heads: int = 8
    pool_heads: int = 4
    dropout: float = 0.1
    norm_first: bool = False
    lam: float = 0.6
    normalised: bool = False
    variant: Literal["masks", "grid"] = "masks"
    zero_shot_weight: float = 0.0
    zero_shot_scale: float = 1.0

    @property
    def local_weight(self) -> float:
        """The lambda in use: a cell of a grid has no local view."""
        return 0.0 if self.variant == "grid" else self.lam


class AssociationModule(nn.Module):
    """Places masks and sounds in one space; shapes come from its config."""

    def __init__(self, config: AssociationConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width or config.d_m
        self.pooling = AttentionPooling(config.d_a, config.pool_heads)
        self.mask_encoder = MaskEncoder(
            config.d_m, width, config.depth, config.heads, config.dropout, norm_first=config.norm_first
        )
        self.mask_projection = nn.Linear(width, config.d)
        self.audio_projection = nn.Linear(config.d_a, config.d)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(TEMPERATURE)))

    @property
    def temperature(self) -> Tensor:
        """tau, from .01 to 1."""
        return self.log_temperature.clamp(math.log(COLDEST), math.log(HOTTEST)).exp()

    def clamp(self) -> None:
        """Keep the temperature's logarithm where a gradient can still move it; after every step.

        A hair inside its bounds: rounding must not put it outside, where the gradient is zero for good.
        """
        with torch.no_grad():
            self.log_temperature.clamp_(math.log(COLDEST) + MARGIN, math.log(HOTTEST) - MARGIN)

    def embed_masks(self, masks: Tensor, padding: Tensor) -> Tensor:
        """Masks in the shared space: (B, N, d), not normalised.

        Args:
            masks: (B, N, d_m), already mixed (Eq. 3).
            padding: (B, N) bool, True where there is no mask.
        """
        projected: Tensor = self.mask_projection(self.mask_encoder(self._mask_input(masks, padding), padding))
        return projected

    def embed_audio(self, windows: Tensor, padding: Tensor) -> Tensor:
        """Sounds in the shared space: (K, d), not normalised.

        Args:
            windows: (K, W, d_a).
            padding: (K, W) bool, True where there is no window.
        """
        projected: Tensor = self.audio_projection(self.pooling(self._scaled(windows), padding))
        return projected

    def forward(
        self, masks: Tensor, mask_padding: Tensor, windows: Tensor, window_padding: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Masks (B, N, d), sounds (K, d) and the temperature: what a loss is computed from."""
        projected = self.embed_masks(masks, mask_padding)
        return projected, self.embed_audio(windows, window_padding), self.temperature

    def _mask_input(self, masks: Tensor, padding: Tensor) -> Tensor:
        return self._scaled(contextualise(masks, padding) if self.config.variant == "grid" else masks)

    def _scaled(self, features: Tensor) -> Tensor:
        if not self.config.normalised:
            return features
        return functional.normalize(features, dim=-1) * math.sqrt(features.shape[-1])


def contextualise(locations: Tensor, padding: Tensor, ground: float = GROUND) -> Tensor:
    """Cells of a feature map from the quick path's global views of a grid's cells: (B, N, d_m).

    Such a view is the mean of all cells, in which its own weighs 1 and each other one ``ground``; of all
    views together, which have the same mean as the cells, that can be undone.

    Args:
        locations: (B, N, d_m) global views.
        padding: (B, N) bool, True where there is no cell.
        ground: weight of the other cells.
    """
    there = (~padding).to(locations.dtype)[..., None]
    count = there.sum(dim=1, keepdim=True)
    mean = (locations * there).sum(dim=1, keepdim=True) / count.clamp_min(1)
    return (mean + (locations - mean) * (1 + ground * count / (1 - ground))).masked_fill(
        padding[..., None], 0
    )
