"""The encoder's attention in small pieces is the attention as a whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers.models.sam.modeling_sam import SamVisionSdpaAttention

from seac.segment.promptable.sam import attention
from seac.segment.promptable.sam.attention import RelativeAttention, use_blockwise_attention
from tests.fixtures.checkpoints import sam_hq

HEADS, WIDTH = 2, 8


def library(side: int, window: int) -> Any:
    """Transformers' attention with random weights and positions, in double precision."""
    torch.manual_seed(3)
    config = SimpleNamespace(
        image_size=side, patch_size=1, num_attention_heads=HEADS, hidden_size=WIDTH,
        attention_dropout=0.0, qkv_bias=True, use_rel_pos=True,
    )  # fmt: skip
    whole = SamVisionSdpaAttention(config, window).double().eval()
    with torch.no_grad():
        for table in (whole.rel_pos_h, whole.rel_pos_w):
            table.normal_()
    return whole


@pytest.mark.parametrize("most", [1, 250, 1_000, 5_000, 1 << 23])
@pytest.mark.parametrize(("side", "window", "count"), [(6, 0, 1), (6, 0, 3), (24, 5, 4)])
def test_blocks_of_any_size_give_the_librarys_numbers(
    monkeypatch: pytest.MonkeyPatch, most: int, side: int, window: int, count: int
) -> None:
    monkeypatch.setattr(attention, "BLOCK", {"cpu": most})
    whole, size = library(side, window), window or side
    cells = torch.randn(count, size, size, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        theirs = whole(cells)[0]
        ours, weights = RelativeAttention(whole)(cells)
    assert weights is None
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-12)


def test_names_of_parameters_stay() -> None:
    network = sam_hq()
    before = list(network.state_dict())
    use_blockwise_attention(network)
    assert list(network.state_dict()) == before
    assert all(isinstance(layer.attn, RelativeAttention) for layer in network.vision_encoder.layers)
