"""The trained module: attention pooling, mask encoder, two linear projections and the temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.associate.input_projection import InputProjection, ProjectionConfig
from seac.associate.mask_encoder import MaskEncoder
from seac.associate.pooling import AttentionPooling

TEMPERATURE, COLDEST, HOTTEST = 0.07, 0.01, 1.0
MARGIN = 1e-5
GROUND = 0.1
"""Weight of the surroundings of a mask in the fast global view; see ``seac.associate.embed``."""


@dataclass(frozen=True)
class AssociationConfig:
    """Hyperparameters of an association.

    Attributes:
        d_m: size of a mask embedding.
        d_a: size of an audio feature.
        d: size of the shared space.
        width: width of the mask encoder; None is d_m, as in the paper.
        depth: number of Transformer layers of the mask encoder, at least 0.
        heads: attention heads of the mask encoder.
        pool_heads: attention heads of the pooling over time.
        dropout: dropout probability in the mask encoder.
        norm_first: pre-norm in place of post-norm.
        lam: weight of the local view (Eq. 3).
        normalised: whether frozen features are first scaled to unit length times the square root of their
            size.
        variant: "masks", or "grid" for the locations of a feature map in place of masks, as in EZ-VSL.
            Locations come from the segmenter "grid", and only their global view is used.
        zero_shot_weight: share of the zero-shot similarity in the result, 0 to 1.
        zero_shot_scale: factor on the zero-shot cosine, which matches its spread to that of the trained
            cosine.
        input_dropout: share of the module's input values that are zeroed in training.
        projection: PCA projection of the input, with text space; None takes embeddings unchanged.
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
    input_dropout: float = 0.0
    projection: ProjectionConfig | None = None

    @classmethod
    def from_metadata(cls, values: Mapping[str, Any]) -> AssociationConfig:
        """Read the config from the metadata of a file.

        Raises:
            TypeError: the metadata has fields of another version.
        """
        projection = values.get("projection")
        nested = None if projection is None else ProjectionConfig(**projection)
        return cls(**{**values, "projection": nested})

    @property
    def local_weight(self) -> float:
        """Weight of the local view; 0 for grid locations, which have no local view."""
        return 0.0 if self.variant == "grid" else self.lam

    @property
    def mask_input(self) -> int:
        """Input size of the mask encoder."""
        return self.d_m if self.projection is None else self.projection.image + self.projection.text

    @property
    def audio_input(self) -> int:
        """Input size of the attention pooling."""
        return self.d_a if self.projection is None else self.projection.audio + self.projection.text


class AssociationModule(nn.Module):
    """Embeds masks and audio in one space; shapes come from its config."""

    def __init__(self, config: AssociationConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width or config.mask_input
        self.pooling = AttentionPooling(config.audio_input, config.pool_heads)
        self.mask_encoder = MaskEncoder(
            config.mask_input, width, config.depth, config.heads, config.dropout, norm_first=config.norm_first
        )
        self.mask_projection = nn.Linear(width, config.d)
        self.audio_projection = nn.Linear(config.audio_input, config.d)
        self.input_projection = (
            None if config.projection is None else InputProjection(config.projection, config.d_m, config.d_a)
        )
        self.log_temperature = nn.Parameter(torch.tensor(math.log(TEMPERATURE)))

    @property
    def temperature(self) -> Tensor:
        """tau, from .01 to 1."""
        return self.log_temperature.clamp(math.log(COLDEST), math.log(HOTTEST)).exp()

    def clamp(self) -> None:
        """Clamp the logarithm of the temperature; call after every optimiser step.

        The limits lie slightly inside the bounds of the temperature: outside the bounds the gradient is zero.
        """
        with torch.no_grad():
            self.log_temperature.clamp_(math.log(COLDEST) + MARGIN, math.log(HOTTEST) - MARGIN)

    def embed_masks(self, masks: Tensor, padding: Tensor) -> Tensor:
        """Embeddings of masks in the shared space: (B, N, d), not normalised.

        Args:
            masks: (B, N, d_m), already mixed (Eq. 3); with text in the input projection (B, N, d_m + t), from
                :class:`~seac.associate.input_projection.InputFeatures`.
            padding: (B, N) bool, True where there is no mask.
        """
        projected: Tensor = self.mask_projection(self.mask_encoder(self._mask_input(masks, padding), padding))
        return projected

    def embed_audio(self, windows: Tensor, padding: Tensor) -> Tensor:
        """Embeddings of audio in the shared space: (K, d), not normalised.

        Args:
            windows: (K, W, d_a), or (K, W, d_a + t) with text in the input projection.
            padding: (K, W) bool, True where there is no window.
        """
        projected: Tensor = self.audio_projection(self.pooling(self._audio_input(windows), padding))
        return projected

    def forward(
        self, masks: Tensor, mask_padding: Tensor, windows: Tensor, window_padding: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings of masks (B, N, d) and of audio (K, d), and the temperature."""
        projected = self.embed_masks(masks, mask_padding)
        return projected, self.embed_audio(windows, window_padding), self.temperature

    def _mask_input(self, masks: Tensor, padding: Tensor) -> Tensor:
        if self.input_projection is not None:
            return self._dropped(self.input_projection.project_image(masks))
        return self._dropped(
            self._scaled(contextualise(masks, padding) if self.config.variant == "grid" else masks)
        )

    def _audio_input(self, windows: Tensor) -> Tensor:
        if self.input_projection is not None:
            return self._dropped(self.input_projection.project_audio(windows))
        return self._dropped(self._scaled(windows))

    def _dropped(self, inputs: Tensor) -> Tensor:
        if not self.config.input_dropout:
            return inputs
        return functional.dropout(inputs, self.config.input_dropout, self.training)

    def _scaled(self, features: Tensor) -> Tensor:
        if not self.config.normalised:
            return features
        return functional.normalize(features, dim=-1) * math.sqrt(features.shape[-1])


def contextualise(locations: Tensor, padding: Tensor, ground: float = GROUND) -> Tensor:
    """Locations of a feature map, recovered from the fast global views of a grid: (B, N, d_m).

    Each view is a weighted mean of all locations: its own location has weight 1, every other has weight
    ``ground``. The mean of the views equals the mean of the locations, so the weighting can be inverted.

    Args:
        locations: (B, N, d_m) global views.
        padding: (B, N) bool, True where there is no location.
        ground: weight of the other locations.
    """
    there = (~padding).to(locations.dtype)[..., None]
    count = there.sum(dim=1, keepdim=True)
    mean = (locations * there).sum(dim=1, keepdim=True) / count.clamp_min(1)
    return (mean + (locations - mean) * (1 + ground * count / (1 - ground))).masked_fill(
        padding[..., None], 0
    )
