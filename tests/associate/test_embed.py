"""Eq. 1-3 against a reference loop over PIL crops, and the fast path against the exact path."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from seac.associate.embed import embed_masks, mask_views, masked_pool
from seac.associate.views import ViewSettings
from seac.core.types import VisionFeatures
from seac.segment.ops import boxes_of, resize_image


class Flat:
    """An encoder whose embedding is the image itself; it counts its calls."""

    size, mean, std, labels = 16, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25), ("a", "b")
    dim = 3 * 16 * 16

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, pixels):
        self.calls += 1
        return VisionFeatures(pixels.flatten(1), pixels.flatten(1)[:, :2].softmax(1))


class Dense(Flat):
    """An encoder with a feature map: mean colours of a 4 by 4 grid."""

    dim = 3

    def __call__(self, pixels):
        self.calls += len(pixels)
        return VisionFeatures(pixels.mean((2, 3)), self.class_probabilities(pixels.mean((2, 3))))

    def features(self, pixels):
        return functional.adaptive_avg_pool2d(pixels, 4)

    def class_probabilities(self, embeddings):
        return embeddings.softmax(1)


@pytest.fixture
def scene():
    generator = torch.Generator().manual_seed(0)
    image = (torch.rand(3, 6, 8, generator=generator) * 255).to(torch.uint8)
    image = resize_image(image, 60, 80).round().to(torch.uint8)
    masks = torch.zeros(3, 60, 80, dtype=torch.bool)
    masks[0, 10:40, 5:30] = True
    masks[1, 20:25, 40:79] = True
    masks[2, 5:55, 50:60] = True
    masks[2, 30:34, 53:56] = False
    return image, masks, boxes_of(masks)


def reference_local_view(image, mask, box, fill, size):
    """Eq. 1 for one mask, step by step."""
    x1, y1, x2, y2 = (int(edge) for edge in box)
    cut = torch.where(mask[y1:y2, x1:x2], image[:, y1:y2, x1:x2], fill)
    height, width = cut.shape[-2:]
    side = max(height, width)
    square = fill.expand(3, side, side).clone()
    top, left = (side - height) // 2, (side - width) // 2
    square[:, top : top + height, left : left + width] = cut
    return functional.interpolate(square[None], (size, size), mode="bilinear", antialias=True)[0]


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_local_views_are_the_masked_crops(scene, fill):
    image, masks, boxes = scene
    encoder = Flat()
    views = mask_views(image, masks, boxes, encoder, ViewSettings(fill=fill))
    mean, std = torch.tensor(encoder.mean).view(3, 1, 1), torch.tensor(encoder.std).view(3, 1, 1)
    ground = mean if fill == "mean" else torch.zeros(3, 1, 1)
    for row in range(3):
        plain = reference_local_view(image.float() / 255, masks[row], boxes[row], ground, 16)
        torch.testing.assert_close(views[row], (plain - mean) / std, atol=0.02, rtol=0.02)


def test_global_views_are_sharp_under_the_mask_and_blurred_elsewhere(scene):
    image, masks, boxes = scene
    encoder = Flat()
    views = mask_views(image, masks, boxes, encoder, ViewSettings(blur_sigma=200))[3:]
    mean, std = torch.tensor(encoder.mean).view(3, 1, 1), torch.tensor(encoder.std).view(3, 1, 1)
    small = functional.interpolate(image[None].float() / 255, (16, 16), mode="bilinear", antialias=True)[0]
    cover = functional.interpolate(masks[:, None].float(), (16, 16), mode="bilinear", antialias=True)[:, 0]
    for row in range(3):
        shown = views[row] * std + mean
        inside, outside = cover[row] > 0.999, cover[row] < 0.001
        if inside.any():
            torch.testing.assert_close(shown[:, inside], small[:, inside], atol=0.02, rtol=0.02)
        assert shown[:, outside].std(1).max() < 0.6 * small[:, outside].std(1).max()


def test_a_batch_of_masks_equals_single_masks(scene):
    image, masks, boxes = scene
    together = embed_masks(image, masks, boxes, Flat(), ViewSettings(batch=2))
    for row in range(3):
        alone = embed_masks(image, masks[row : row + 1], boxes[row : row + 1], Flat())
        torch.testing.assert_close(together.local[row], alone.local[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together.context[row], alone.context[0], atol=1e-4, rtol=1e-4)


def test_lambda_mixes_the_two_views(scene):
    embeddings = embed_masks(*scene, Flat())
    torch.testing.assert_close(embeddings.mixed(1.0), embeddings.local)
    torch.testing.assert_close(embeddings.mixed(0.0), embeddings.context)
    torch.testing.assert_close(embeddings.mixed(0.6), 0.6 * embeddings.local + 0.4 * embeddings.context)


def test_no_masks_give_no_embeddings(scene):
    image, masks, boxes = scene
    assert len(embed_masks(image, masks[:0], boxes[:0], Flat())) == 0


def test_a_mask_of_one_pixel_has_a_view(scene):
    image, masks, _ = scene
    dot = torch.zeros_like(masks[:1])
    dot[0, 59, 79] = True
    assert torch.isfinite(embed_masks(image, dot, boxes_of(dot), Flat()).local).all()


def test_the_fast_path_makes_local_views_of_the_best_masks_only(scene):
    encoder, every = Dense(), embed_masks(*scene, Dense(), exact=False)
    some = embed_masks(*scene, encoder, ViewSettings(fast_crops=2), exact=False)
    assert encoder.calls == 2
    assert torch.equal(some.local[:2], every.local[:2])
    assert torch.equal(some.local_probabilities[:2], every.local_probabilities[:2])
    assert torch.equal(some.local[2:], every.context[2:])
    assert torch.equal(some.local_probabilities[2:], every.context_probabilities[2:])
    assert torch.equal(some.context, every.context)


def test_more_local_views_than_masks_are_as_many_as_masks(scene):
    every = embed_masks(*scene, Dense(), exact=False)
    assert torch.equal(
        embed_masks(*scene, Dense(), ViewSettings(fast_crops=9), exact=False).local, every.local
    )


def test_features_are_pooled_over_the_locations_of_a_mask():
    features = torch.arange(12.0).view(1, 1, 3, 4)
    mask = torch.zeros(1, 30, 40, dtype=torch.bool)
    mask[0, 10:20, 20:30] = True
    assert float(masked_pool(features, mask, ground=0.0)) == 6


@pytest.mark.parametrize("wrong", ["masks", "boxes", "image"])
def test_shapes_that_do_not_fit_are_refused(scene, wrong):
    image, masks, boxes = scene
    given = {"image": image, "masks": masks, "boxes": boxes}
    given[wrong] = given[wrong][..., :1]
    with pytest.raises(ValueError, match="pass"):
        embed_masks(given["image"], given["masks"], given["boxes"], Flat())
