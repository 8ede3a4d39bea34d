"""Preprocessing of images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seac.core.errors import InputError
from seac.segment.detectors.mdef_detr import prepare, stack
from seac.segment.detectors.mdef_detr.preprocess import MEAN, STD, as_rgb, resized_size

PIXELS = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)


def test_preprocessing_equals_torchvisions() -> None:
    vision = pytest.importorskip("torchvision.transforms.v2.functional", reason="pip install 'seac[paper]'")
    resized_image = vision.resize(Image.fromarray(PIXELS), 64, vision.InterpolationMode.BILINEAR)
    expected = vision.normalize(vision.to_dtype(vision.pil_to_tensor(resized_image), scale=True), MEAN, STD)
    torch.testing.assert_close(prepare(PIXELS, 64), expected)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_the_short_side_is_800_and_the_long_side_is_truncated(height: int, width: int) -> None:
    h, w = resized_size(height, width)
    assert min(h, w) == 800
    assert max(h, w) == int(800 * max(height, width) / min(height, width))
    assert (h <= w) == (height <= width) or height == width or h == w


@pytest.mark.parametrize(
    "same",
    [
        Image.fromarray(PIXELS),
        torch.from_numpy(PIXELS).permute(2, 0, 1),
        np.dstack((PIXELS, np.full((37, 53), 9, np.uint8))),
        Image.fromarray(np.dstack((PIXELS, np.full((37, 53), 9, np.uint8)))),
        PIXELS[::-1][::-1],
    ],
)
def test_types_of_image_do_not_matter(same: Any) -> None:
    assert np.array_equal(np.asarray(as_rgb(same)), PIXELS)


def test_grey_images_become_three_equal_channels() -> None:
    for grey in (PIXELS[..., 0], PIXELS[..., :1], torch.from_numpy(PIXELS[..., 0])[None]):
        assert np.array_equal(np.asarray(as_rgb(grey)), np.repeat(PIXELS[..., :1], 3, 2))


@pytest.mark.parametrize(
    "wrong", [PIXELS.astype(np.float32), PIXELS[..., :2], torch.zeros(5, 5), "a.png", None, PIXELS[:0]]
)
def test_other_objects_are_refused_in_one_line(wrong: Any) -> None:
    with pytest.raises(InputError) as caught:
        prepare(wrong)
    assert "\n" not in str(caught.value)


def test_images_are_padded_at_right_and_bottom() -> None:
    batch = stack([torch.ones(3, 2, 5), torch.ones(3, 4, 3)])
    assert batch.pixel_values.shape == (2, 3, 4, 5)
    assert batch.pixel_mask is not None
    assert torch.equal(batch.pixel_values[:, 0].bool(), batch.pixel_mask)
    assert batch.pixel_mask[0].sum() == 10
    assert batch.pixel_mask[1, :, :3].all()


def test_images_of_one_size_have_no_mask() -> None:
    assert stack([torch.zeros(3, 4, 5)] * 2).pixel_mask is None
    with pytest.raises(InputError):
        stack([])
