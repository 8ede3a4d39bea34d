"""The encoder's blockwise attention equals transformers' attention."""

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


def reference_attention(side: int, window: int) -> Any:
    """Return transformers' attention with random weights and positions, in double precision."""
    torch.manual_seed(3)
    config = SimpleNamespace(
        image_size=side, patch_size=1, num_attention_heads=HEADS, hidden_size=WIDTH,
        attention_dropout=0.0, qkv_bias=True, use_rel_pos=True,
    )  # fmt: skip
    reference = SamVisionSdpaAttention(config, window).double().eval()
    with torch.no_grad():
        for table in (reference.rel_pos_h, reference.rel_pos_w):
            table.normal_()
    return reference


@pytest.mark.parametrize("max_entries", [1, 250, 1_000, 5_000, 1 << 23])
@pytest.mark.parametrize(("side", "window", "count"), [(6, 0, 1), (6, 0, 3), (24, 5, 4)])
def test_blocks_of_any_size_give_the_librarys_outputs(
    monkeypatch: pytest.MonkeyPatch, max_entries: int, side: int, window: int, count: int
) -> None:
    monkeypatch.setattr(attention, "BLOCK", {"cpu": max_entries})
    reference, size = reference_attention(side, window), window or side
    locations = torch.randn(count, size, size, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        expected = reference(locations)[0]
        output, weights = RelativeAttention(reference)(locations)
    assert weights is None
    torch.testing.assert_close(output, expected, atol=1e-12, rtol=1e-12)


def test_parameter_names_do_not_change() -> None:
    network = sam_hq()
    before = list(network.state_dict())
    use_blockwise_attention(network)
    assert list(network.state_dict()) == before
    assert all(isinstance(layer.attn, RelativeAttention) for layer in network.vision_encoder.layers)
