"""Properties of the network for any weights: masks, batches, sentences, precision."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.core.errors import InputError
from seac.segment.detectors.mdef_detr import MDefDetr, Predictions, deformable, stack
from seac.segment.detectors.mdef_detr.sentences import pad_tokens, tokens_of

IDS, MASK = tokens_of(
    ("all objects", "all visible entities and objects", "all entities", "all obscure entities and objects")
)


def random_image(seed: int, height: int = 70, width: int = 101) -> Tensor:
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(seed))


ROUNDING = {torch.float32: 2e-5, torch.float64: 1e-9}


def assert_close(a: Predictions, b: Predictions) -> None:
    atol = ROUNDING[a.logits.dtype]
    torch.testing.assert_close(a.logits, b.logits, atol=atol, rtol=atol / 2)
    torch.testing.assert_close(a.boxes, b.boxes, atol=atol, rtol=atol / 2)


@pytest.fixture(autouse=True)
def _no_grad() -> object:
    with torch.no_grad():
        yield


@given(st.permutations(range(4)))
@settings(max_examples=8, deadline=None)
def test_order_of_sentences_does_not_matter(tiny: MDefDetr, order: list[int]) -> None:
    image = tiny.encode_image(random_image(0)[None])
    expected = tiny.decode(image, tiny.encode_text(IDS, MASK))
    permuted = tiny.decode(image, tiny.encode_text(IDS[order], MASK[order]))
    assert_close(permuted, Predictions(expected.logits[order], expected.boxes[order]))


@given(st.integers(0, 3), st.integers(0, 12), st.booleans())
@settings(max_examples=15, deadline=None)
def test_padding_of_text_does_not_matter(tiny: MDefDetr, row: int, more: int, passed: bool) -> None:
    image = tiny.encode_image(random_image(1)[None])
    unpadded = IDS[row][MASK[row].bool()][None]
    longer = torch.cat((unpadded, torch.ones(1, more, dtype=torch.long)), 1)
    mask = (longer != 1).long() if passed else None
    assert_close(
        tiny.decode(image, tiny.encode_text(longer, mask)), tiny.decode(image, tiny.encode_text(unpadded))
    )


@given(st.integers(0, 99), st.integers(33, 120), st.integers(33, 120))
@settings(max_examples=4, deadline=None)
def test_an_image_encoded_once_serves_many_sentences(
    double: MDefDetr, seed: int, height: int, width: int
) -> None:
    pixels = random_image(seed, height, width)[None].double()
    once = double.decode(double.encode_image(pixels), double.encode_text(IDS, MASK))
    assert_close(double(pixels.expand(4, -1, -1, -1), IDS, None, MASK), once)


def test_a_sentence_encoded_once_serves_many_images(tiny: MDefDetr) -> None:
    pixels = torch.stack([random_image(0), random_image(1), random_image(2)])
    once = tiny.decode(tiny.encode_image(pixels), tiny.encode_text(IDS[:1], MASK[:1]))
    assert_close(tiny(pixels, IDS[:1].expand(3, -1), None, MASK[:1].expand(3, -1)), once)


def test_a_batch_of_images_of_one_size_equals_a_loop(tiny: MDefDetr) -> None:
    batch = tiny(torch.stack([random_image(3), random_image(4)]), IDS[:2], None, MASK[:2])
    for row in range(2):
        alone = tiny(random_image(3 + row)[None], IDS[row : row + 1], None, MASK[row : row + 1])
        assert_close(alone, Predictions(batch.logits[row : row + 1], batch.boxes[row : row + 1]))


def test_a_mask_without_padding_equals_no_mask(tiny: MDefDetr) -> None:
    pixels = random_image(5)[None]
    assert_close(tiny(pixels, IDS[:1], torch.ones(1, 70, 101, dtype=torch.long)), tiny(pixels, IDS[:1]))


def test_masks_may_be_of_any_type(tiny: MDefDetr) -> None:
    batch = stack([random_image(6), random_image(7, 40, 64)])
    assert batch.pixel_mask is not None
    outputs = [
        tiny(batch.pixel_values, IDS[:2], batch.pixel_mask.to(dtype), MASK[:2].to(dtype))
        for dtype in (torch.bool, torch.long, torch.float32)
    ]
    assert all(torch.equal(output.boxes, outputs[0].boxes) for output in outputs[1:])


def test_the_pixel_mask_changes_the_boxes_of_padded_images(tiny: MDefDetr) -> None:
    batch = stack([random_image(6), random_image(7, 40, 64)])
    masked = tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    assert (tiny(batch.pixel_values, IDS[:2], None, MASK[:2]).boxes[1] - masked.boxes[1]).abs().max() > 1e-3


def test_bags_and_grids_give_equal_outputs(tiny: MDefDetr, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = stack([random_image(8), random_image(9, 50, 90)])
    bags = tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    monkeypatch.setattr(deformable, "values", lambda value, shapes, points=4: deformable.Grids(value, shapes))
    assert_close(tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2]), bags)


def test_the_chunk_size_does_not_matter(tiny: MDefDetr, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = stack([random_image(8), random_image(9, 50, 90)])
    expected = tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    monkeypatch.setattr("seac.segment.detectors.mdef_detr.encoder.CHUNK", 7)
    assert_close(tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2]), expected)


def test_nothing_is_cached_between_images(tiny: MDefDetr) -> None:
    first = tiny(random_image(10)[None], IDS[:1])
    tiny(random_image(11, 120, 40)[None], IDS[1:2])
    again = tiny(random_image(10)[None], IDS[:1])
    assert torch.equal(first.boxes, again.boxes)
    assert torch.equal(first.logits, again.logits)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 200), (33, 7)])
def test_the_smallest_images_have_finite_boxes(tiny: MDefDetr, height: int, width: int) -> None:
    # GroupNorm over a single location of a single channel group still has several channels.
    output = tiny(random_image(12, height, width)[None], IDS[:1])
    assert output.boxes.isfinite().all()
    assert ((output.boxes >= 0) & (output.boxes <= 1)).all()


def test_bfloat16_autocast_moves_boxes_by_little(tiny: MDefDetr) -> None:
    pixels = random_image(13)[None]
    full = tiny(pixels, IDS[:1])
    with torch.autocast("cpu", torch.bfloat16):
        half = tiny(pixels, IDS[:1])
    assert half.boxes.dtype == half.logits.dtype == torch.float32
    assert (half.boxes - full.boxes).abs().mean() < 0.02


def test_a_network_in_bfloat16_runs(tiny: MDefDetr) -> None:
    half = copy.deepcopy(tiny).bfloat16()
    batch = stack([random_image(14), random_image(15, 50, 90)])
    output = half(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    full = tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    assert (output.boxes - full.boxes).abs().mean() < 0.05


def test_every_parameter_but_the_pooler_has_a_gradient(tiny: MDefDetr) -> None:
    network = copy.deepcopy(tiny)
    with torch.enable_grad():
        output = network(random_image(16)[None], IDS[1:2])
        (output.logits.pow(2).sum() + output.boxes.pow(2).sum()).backward()
    without_gradient = {name for name, part in network.named_parameters() if part.grad is None}
    assert without_gradient == {
        f"transformer.text_encoder.pooler.dense.{part}" for part in ("weight", "bias")
    }


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"pixel_values": torch.zeros(3, 40, 40)}, "(B, 3, H, W)"),
        ({"pixel_values": torch.zeros(1, 3, 40, 40, dtype=torch.uint8)}, "normalised"),
        ({"pixel_mask": torch.ones(1, 40, 41)}, "(1, 40, 40)"),
        ({"input_ids": torch.zeros(1, 4)}, "int64"),
        ({"input_ids": torch.zeros(1, 39, dtype=torch.long)}, "at most 38"),
        ({"input_ids": torch.zeros(0, 4, dtype=torch.long)}, "(B, L)"),
        ({"attention_mask": torch.ones(1, 3)}, "(B, L)"),
        (
            {"input_ids": torch.zeros(2, 4, dtype=torch.long), "pixel_values": torch.zeros(3, 3, 40, 40)},
            "3 images",
        ),
    ],
)
def test_invalid_shapes_are_refused_in_one_line(
    tiny: MDefDetr, inputs: dict[str, Tensor], message: str
) -> None:
    arguments = {
        "pixel_values": torch.zeros(1, 3, 40, 40),
        "input_ids": torch.tensor([[0, 5, 6, 2]]),
        **inputs,
    }
    with pytest.raises(InputError) as caught:
        tiny(**arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_padded_rows_are_as_long_as_the_longest() -> None:
    ids, mask = pad_tokens([(0, 5, 2), (0, 2)])
    assert ids.tolist() == [[0, 5, 2], [0, 2, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]
