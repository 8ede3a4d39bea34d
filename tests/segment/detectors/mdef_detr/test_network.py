"""What must hold whatever the weights are: masks, batches, sentences, precision."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seac.core.errors import InputError
from seac.segment.detectors.mdef_detr import Found, MDefDetr, deformable, stack
from seac.segment.detectors.mdef_detr.sentences import padded, tokens_of

IDS, MASK = tokens_of(
    ("all objects", "all visible entities and objects", "all entities", "all obscure entities and objects")
)


def picture(seed: int, height: int = 70, width: int = 101) -> Tensor:
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(seed))


ROUNDING = {torch.float32: 2e-5, torch.float64: 1e-9}


def near(a: Found, b: Found) -> None:
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
    image = tiny.encode_image(picture(0)[None])
    plain = tiny.decode(image, tiny.encode_text(IDS, MASK))
    turned = tiny.decode(image, tiny.encode_text(IDS[order], MASK[order]))
    near(turned, Found(plain.logits[order], plain.boxes[order]))


@given(st.integers(0, 3), st.integers(0, 12), st.booleans())
@settings(max_examples=15, deadline=None)
def test_padding_of_text_does_not_matter(tiny: MDefDetr, row: int, more: int, passed: bool) -> None:
    image = tiny.encode_image(picture(1)[None])
    bare = IDS[row][MASK[row].bool()][None]
    longer = torch.cat((bare, torch.ones(1, more, dtype=torch.long)), 1)
    mask = (longer != 1).long() if passed else None
    near(tiny.decode(image, tiny.encode_text(longer, mask)), tiny.decode(image, tiny.encode_text(bare)))


@given(st.integers(0, 99), st.integers(33, 120), st.integers(33, 120))
@settings(max_examples=4, deadline=None)
def test_an_image_encoded_once_answers_as_one_encoded_for_each_sentence(
    double: MDefDetr, seed: int, height: int, width: int
) -> None:
    pixels = picture(seed, height, width)[None].double()
    once = double.decode(double.encode_image(pixels), double.encode_text(IDS, MASK))
    near(double(pixels.expand(4, -1, -1, -1), IDS, None, MASK), once)


def test_a_sentence_read_once_serves_many_images(tiny: MDefDetr) -> None:
    pixels = torch.stack([picture(0), picture(1), picture(2)])
    once = tiny.decode(tiny.encode_image(pixels), tiny.encode_text(IDS[:1], MASK[:1]))
    near(tiny(pixels, IDS[:1].expand(3, -1), None, MASK[:1].expand(3, -1)), once)


def test_a_batch_of_one_size_is_the_loop(tiny: MDefDetr) -> None:
    batch = tiny(torch.stack([picture(3), picture(4)]), IDS[:2], None, MASK[:2])
    for row in range(2):
        alone = tiny(picture(3 + row)[None], IDS[row : row + 1], None, MASK[row : row + 1])
        near(alone, Found(batch.logits[row : row + 1], batch.boxes[row : row + 1]))


def test_a_mask_without_padding_is_no_mask(tiny: MDefDetr) -> None:
    pixels = picture(5)[None]
    near(tiny(pixels, IDS[:1], torch.ones(1, 70, 101, dtype=torch.long)), tiny(pixels, IDS[:1]))


def test_masks_may_be_of_any_type(tiny: MDefDetr) -> None:
    batch = stack([picture(6), picture(7, 40, 64)])
    assert batch.pixel_mask is not None
    answers = [
        tiny(batch.pixel_values, IDS[:2], batch.pixel_mask.to(kind), MASK[:2].to(kind))
        for kind in (torch.bool, torch.long, torch.float32)
    ]
    assert all(torch.equal(answer.boxes, answers[0].boxes) for answer in answers[1:])


def test_noise_behind_the_mask_only_matters_through_convolutions_so_masks_do_matter(tiny: MDefDetr) -> None:
    batch = stack([picture(6), picture(7, 40, 64)])
    masked = tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    assert (tiny(batch.pixel_values, IDS[:2], None, MASK[:2]).boxes[1] - masked.boxes[1]).abs().max() > 1e-3


def test_bags_and_grids_answer_equally(tiny: MDefDetr, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = stack([picture(8), picture(9, 50, 90)])
    ours = tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    monkeypatch.setattr(deformable, "values", lambda value, shapes, points=4: deformable.Grids(value, shapes))
    near(tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2]), ours)


def test_chunks_do_not_show(tiny: MDefDetr, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = stack([picture(8), picture(9, 50, 90)])
    whole = tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    monkeypatch.setattr("seac.segment.detectors.mdef_detr.encoder.CHUNK", 7)
    near(tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2]), whole)


def test_nothing_is_cached_between_images(tiny: MDefDetr) -> None:
    first = tiny(picture(10)[None], IDS[:1])
    tiny(picture(11, 120, 40)[None], IDS[1:2])
    again = tiny(picture(10)[None], IDS[:1])
    assert torch.equal(first.boxes, again.boxes)
    assert torch.equal(first.logits, again.logits)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 200), (33, 7)])
def test_the_smallest_images_have_finite_answers(tiny: MDefDetr, height: int, width: int) -> None:
    # GroupNorm over a single cell of a single channel group still has several channels.
    found = tiny(picture(12, height, width)[None], IDS[:1])
    assert found.boxes.isfinite().all()
    assert ((found.boxes >= 0) & (found.boxes <= 1)).all()


def test_bfloat16_autocast_moves_boxes_by_little(tiny: MDefDetr) -> None:
    pixels = picture(13)[None]
    full = tiny(pixels, IDS[:1])
    with torch.autocast("cpu", torch.bfloat16):
        half = tiny(pixels, IDS[:1])
    assert half.boxes.dtype == half.logits.dtype == torch.float32
    assert (half.boxes - full.boxes).abs().mean() < 0.02


def test_a_network_in_bfloat16_runs(tiny: MDefDetr) -> None:
    half = copy.deepcopy(tiny).bfloat16()
    batch = stack([picture(14), picture(15, 50, 90)])
    found = half(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    full = tiny(batch.pixel_values, IDS[:2], batch.pixel_mask, MASK[:2])
    assert (found.boxes - full.boxes).abs().mean() < 0.05


def test_every_parameter_but_the_pooler_learns(tiny: MDefDetr) -> None:
    network = copy.deepcopy(tiny)
    with torch.enable_grad():
        found = network(picture(16)[None], IDS[1:2])
        (found.logits.pow(2).sum() + found.boxes.pow(2).sum()).backward()
    unmoved = {name for name, part in network.named_parameters() if part.grad is None}
    assert unmoved == {f"transformer.text_encoder.pooler.dense.{part}" for part in ("weight", "bias")}


@pytest.mark.parametrize(
    ("given_", "needed"),
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
            "3 pictures",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_refused_in_one_line(
    tiny: MDefDetr, given_: dict[str, Tensor], needed: str
) -> None:
    arguments = {
        "pixel_values": torch.zeros(1, 3, 40, 40),
        "input_ids": torch.tensor([[0, 5, 6, 2]]),
        **given_,
    }
    with pytest.raises(InputError) as caught:
        tiny(**arguments)
    assert needed in str(caught.value)
    assert "\n" not in str(caught.value)


def test_padded_rows_are_as_long_as_the_longest() -> None:
    ids, mask = padded([(0, 5, 2), (0, 2)])
    assert ids.tolist() == [[0, 5, 2], [0, 2, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]
