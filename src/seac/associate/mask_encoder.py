"""The mask encoder: self-attention over the masks of a frame."""

from __future__ import annotations

from torch import Tensor, nn


class MaskEncoder(nn.Module):
    """A linear layer, then a Transformer encoder over the masks of one frame.

    There is no positional encoding, so the output does not depend on the order of masks.

    Args:
        dim: d_m.
        width: model width of the encoder.
        depth: number of Transformer layers; 0 keeps the linear layer only.
        heads: attention heads, a divisor of ``width``.
        dropout: dropout probability in the Transformer.
        norm_first: pre-norm (with a LayerNorm at the end) in place of post-norm.
    """

    def __init__(
        self, dim: int, width: int, depth: int, heads: int, dropout: float, *, norm_first: bool
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=norm_first
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width) if norm_first and depth else nn.Identity()

    def forward(self, masks: Tensor, padding: Tensor) -> Tensor:
        """Encoded masks (B, N, width); the values at padding are finite and have no meaning.

        Args:
            masks: (B, N, d_m).
            padding: (B, N) bool, True where there is no mask.
        """
        encoded = self.linear(masks.masked_fill(padding[..., None], 0))
        # A frame without masks attends to its padding, because a softmax over an empty set is NaN.
        absent = padding & ~padding.all(dim=1, keepdim=True)
        for layer in self.layers:
            encoded = layer(encoded, src_key_padding_mask=absent)
        normed: Tensor = self.norm(encoded)
        return normed
