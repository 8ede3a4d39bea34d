"""Eq. 1-3: image embeddings of every mask of a frame, from a local view and a global view.

The exact path makes both views of every mask and encodes all views in batches. The fast path
(``exact=False``) encodes the frame once, pools the feature map under every mask in place of the global views,
and encodes small crops for the local views. ``python -m benchmarks.speed`` measures the loss of fidelity and
the gain in time.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.views import DEFAULT, ViewSettings
from seac.core.types import EncodedImage, MaskEmbeddings, VisionFeatures
from seac.encoders.base import VisionEncoder


@runtime_checkable
class DenseEncoder(Protocol):
    """Methods of an encoder that the fast path needs: feature map, and classes of pooled features."""

    def features(self, pixels: Tensor) -> Tensor:
        """The feature map before pooling: (n, d_m, h, w)."""
        ...

    def class_probabilities(self, embeddings: Tensor) -> Tensor:
        """Class probabilities (n, C) of pooled features (n, d_m)."""
        ...


def blur_image(image: Tensor, settings: ViewSettings = DEFAULT) -> Tensor:
    """Gaussian blur of a frame: (3, H, W) float. Edges are padded by replication."""
    height, width = image.shape[-2:]
    sigma = settings.blur_sigma * max(height, width) / settings.blur_side
    if sigma <= 0:
        return image
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    x = image.unsqueeze(1)
    x = functional.conv2d(functional.pad(x, (radius, radius, 0, 0), mode="replicate"), kernel)
    kernel = kernel.transpose(2, 3)
    x = functional.conv2d(functional.pad(x, (0, 0, radius, radius), mode="replicate"), kernel)
    return x.squeeze(1)


def resize(images: Tensor, size: int) -> Tensor:
    """Resize (n, c, H, W) float to (n, c, size, size), bilinear with antialiasing."""
    if images.shape[-2:] == (size, size):
        return images
    return functional.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=True)


def local_view(
    image: Tensor, mask: Tensor, box: tuple[int, int, int, int], fill: Tensor, size: int, square: str
) -> Tensor:
    """Eq. 1: ``crop(M * I)`` to the box, ``fill`` outside the mask, squared: (3, size, size).

    Args:
        image: (3, H, W) float in [0, 1].
        mask: (H, W) bool.
        box: x1, y1, x2, y2 in whole pixels, x2 and y2 exclusive, at least one pixel inside the frame.
        fill: (3, 1, 1) colour.
        size: side of the square.
        square: "pad" or "stretch".
    """
    x1, y1, x2, y2 = box
    # Relative to the fill, pixels outside the mask and padding are zero: one product and one pad are enough.
    crop = (image[:, y1:y2, x1:x2] - fill) * mask[y1:y2, x1:x2]
    height, width = y2 - y1, x2 - x1
    if square == "pad" and height != width:
        side = max(height, width)
        left, top = (side - width) // 2, (side - height) // 2
        crop = functional.pad(crop, (left, side - width - left, top, side - height - top))
    return resize(crop.unsqueeze(0), size)[0] + fill


def global_views(image: Tensor, masks: Tensor, size: int, settings: ViewSettings = DEFAULT) -> Tensor:
    """Eq. 2: ``(1 - M) * blur(I) + M * I``, whole frame: (N, 3, size, size).

    The frame is blurred once. Resizing is linear, so R((1-M)*B + M*I) = R(B) + R(M*(I-B)) holds exactly, and
    the blurred frame is resized once as well.

    Args:
        image: (3, H, W) float in [0, 1].
        masks: (N, H, W) bool.
        size: side of the square that the frame is stretched to.
        settings: blur and batch size.
    """
    blur = blur_image(image, settings)
    ground = resize(blur.unsqueeze(0), size)
    sharp = image - blur
    return torch.cat(
        [
            ground + resize(part.unsqueeze(1) * sharp, size)
            for part in torch.split(masks, max(1, settings.batch))
        ]
        or [ground[:0]]
    )


def integer_boxes(boxes: Tensor, height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Boxes rounded outwards to whole pixels of the frame, at least one pixel wide and high."""
    low = boxes[:, :2].floor().long()
    high = boxes[:, 2:].ceil().long()
    limit = torch.tensor([width, height], device=boxes.device)
    low = low.clamp(min=torch.zeros_like(limit), max=limit - 1)
    high = high.clamp(min=torch.zeros_like(limit), max=limit).maximum(low + 1)
    return [(a[0], a[1], b[0], b[1]) for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def local_views(
    image: Tensor, masks: Tensor, boxes: Tensor, fill: Tensor, size: int, settings: ViewSettings = DEFAULT
) -> Tensor:
    """Eq. 1 for every mask: (N, 3, size, size).

    Crops differ in size, so cropping runs mask by mask. The encoder takes all crops as one tensor.

    Args:
        image: (3, H, W) float in [0, 1].
        masks: (N, H, W) bool.
        boxes: (N, 4) float xyxy in pixels.
        fill: (3, 1, 1) colour outside the mask.
        size: side of the squares.
        settings: how crops become square.
    """
    views = image.new_empty(len(masks), 3, size, size)
    for index, box in enumerate(integer_boxes(boxes, *image.shape[-2:])):
        views[index] = local_view(image, masks[index], box, fill, size, settings.square)
    return views


def normalisation(
    encoder: VisionEncoder, settings: ViewSettings, like: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, standard deviation and fill, each (3, 1, 1), on the device of ``like``."""
    mean = like.new_tensor(encoder.mean).view(3, 1, 1)
    std = like.new_tensor(encoder.std).view(3, 1, 1)
    return mean, std, mean if settings.fill == "mean" else torch.zeros_like(mean)


def mask_views(
    image: Tensor,
    masks: Tensor,
    boxes: Tensor,
    encoder: VisionEncoder,
    settings: ViewSettings = DEFAULT,
) -> Tensor:
    """Both views of every mask, normalised for ``encoder``: (2N, 3, size, size), local views first.

    Args:
        image: (3, H, W) uint8 RGB.
        masks: (N, H, W) bool.
        boxes: (N, 4) float xyxy in pixels, x2 and y2 exclusive.
        encoder: gives size, mean and standard deviation.
        settings: how views are made.

    Raises:
        ValueError: a shape or dtype does not match.
    """
    check(image, masks, boxes)
    scaled = image.float() / 255
    mean, std, fill = normalisation(encoder, settings, scaled)
    local = local_views(scaled, masks, boxes, fill, encoder.size, settings)
    context = global_views(scaled, masks, encoder.size, settings)
    return torch.cat([local, context]).sub_(mean).div_(std)


def check(image: Tensor, masks: Tensor, boxes: Tensor) -> None:
    """Check shapes and dtypes of a frame and its masks.

    Raises:
        ValueError: a shape or dtype does not match.
    """
    if image.ndim != 3 or len(image) != 3 or image.dtype != torch.uint8:
        raise ValueError(f"image is {tuple(image.shape)} {image.dtype}: pass (3, H, W) torch.uint8")
    if masks.ndim != 3 or masks.dtype != torch.bool or masks.shape[1:] != image.shape[1:]:
        raise ValueError(
            f"masks are {tuple(masks.shape)} {masks.dtype} for an image {tuple(image.shape)}: "
            "pass (N, H, W) torch.bool"
        )
    if boxes.shape != (len(masks), 4):
        raise ValueError(f"{len(masks)} masks with boxes {tuple(boxes.shape)}: pass (N, 4)")


def encode(encoder: VisionEncoder, pixels: Tensor, batch: int) -> VisionFeatures:
    """Encode ``pixels`` in chunks of ``batch`` and concatenate the features."""
    parts = [encoder(part) for part in torch.split(pixels, max(1, batch))] or [encoder(pixels)]
    class_probabilities = [part.class_probabilities for part in parts if part.class_probabilities is not None]
    return VisionFeatures(
        torch.cat([part.embeddings for part in parts]),
        torch.cat(class_probabilities) if class_probabilities else None,
    )


def embed_masks(
    image: Tensor,
    masks: Tensor,
    boxes: Tensor,
    encoder: VisionEncoder,
    settings: ViewSettings = DEFAULT,
    *,
    exact: bool = True,
) -> MaskEmbeddings:
    """Local and global embedding of every mask of a frame (Eq. 1-2; ``.mixed(lam)`` is Eq. 3).

    Args:
        image: (3, H, W) uint8 RGB.
        masks: (N, H, W) bool.
        boxes: (N, 4) float xyxy in pixels.
        encoder: the vision encoder.
        settings: how views are made.
        exact: False takes the fast path if the encoder has a feature map (:class:`DenseEncoder`).

    Raises:
        ValueError: a shape or dtype does not match.
    """
    if not exact and isinstance(encoder, DenseEncoder):
        return fast_embeddings(image, masks, boxes, encoder, settings)
    count = len(masks)
    pixels = mask_views(image, masks, boxes, encoder, settings)
    encoded = encode(encoder, pixels, settings.batch)
    if encoded.class_probabilities is None:
        return MaskEmbeddings(encoded.embeddings[:count], encoded.embeddings[count:])
    return MaskEmbeddings(
        encoded.embeddings[:count],
        encoded.embeddings[count:],
        encoded.class_probabilities[:count],
        encoded.class_probabilities[count:],
    )


def fast_embeddings(
    image: Tensor, masks: Tensor, boxes: Tensor, encoder: VisionEncoder, settings: ViewSettings = DEFAULT
) -> MaskEmbeddings:
    """The fast path: one pass over the frame, pooled under every mask, and one pass over small local crops.

    Args:
        image: (3, H, W) uint8 RGB.
        masks: (N, H, W) bool, best first.
        boxes: (N, 4) float xyxy in pixels.
        encoder: the vision encoder.
        settings: how views are made, and the maximum number of local crops.

    Raises:
        ValueError: a shape does not match, or the encoder has no feature map.
    """
    if not isinstance(encoder, DenseEncoder):
        raise ValueError(f"{type(encoder).__name__} has no feature map: use the exact path")
    check(image, masks, boxes)
    scaled = image.float() / 255
    mean, std, _ = normalisation(encoder, settings, scaled)
    frame = resize(scaled.unsqueeze(0), encoder.size)
    context = masked_pool(encoder.features((frame - mean) / std), masks)
    max_crops = settings.fast_crops or len(masks)
    local = crop_features(
        scaled,
        masks[:max_crops],
        boxes[:max_crops],
        encoder,
        settings,
        settings.fast_size,
        8 * settings.batch,
    )
    embeddings = torch.cat([local.embeddings, context[max_crops:]])
    if local.class_probabilities is None:
        return MaskEmbeddings(embeddings, context)
    class_probabilities = encoder.class_probabilities(context)
    return MaskEmbeddings(
        embeddings,
        context,
        torch.cat([local.class_probabilities, class_probabilities[max_crops:]]),
        class_probabilities,
    )


def high_resolution_crops(
    image: Tensor, masks: Tensor, boxes: Tensor, encoder: VisionEncoder, settings: ViewSettings
) -> MaskEmbeddings:
    """Local views (Eq. 1) at ``crop_size``, for classification; global views are not used.

    Args:
        image: (3, H, W) uint8 RGB.
        masks: (N, H, W) bool.
        boxes: (N, 4) float xyxy in pixels.
        encoder: the vision encoder; it must accept images of any size.
        settings: how views are made.

    Raises:
        ValueError: a shape does not match.
    """
    check(image, masks, boxes)
    encoded = crop_features(
        image.float() / 255, masks, boxes, encoder, settings, settings.crop_size, settings.batch
    )
    return MaskEmbeddings(
        encoded.embeddings, encoded.embeddings, encoded.class_probabilities, encoded.class_probabilities
    )


def crop_features(
    scaled: Tensor,
    masks: Tensor,
    boxes: Tensor,
    encoder: VisionEncoder,
    settings: ViewSettings,
    size: int,
    batch: int,
) -> VisionFeatures:
    """Encode masked crops of ``scaled``, (3, H, W) in [0, 1], at ``size`` pixels in chunks of ``batch``."""
    mean, std, fill = normalisation(encoder, settings, scaled)
    views = local_views(scaled, masks, boxes, fill, size, settings)
    return encode(encoder, views.sub_(mean).div_(std), batch)


def masked_pool(features: Tensor, masks: Tensor, ground: float = 0.1) -> Tensor:
    """Mean of a feature map under every mask: (N, d_m).

    The global view keeps the blurred surroundings of a mask, so locations outside the mask have weight
    ``ground``.

    Args:
        features: (1, d_m, h, w).
        masks: (N, H, W) bool.
        ground: weight of a location outside the mask.
    """
    height, width = features.shape[-2:]
    # Share of every location that the mask covers: average pooling reads the booleans once.
    share = functional.adaptive_avg_pool2d(masks.unsqueeze(1).float(), (height, width)).flatten(1)
    weight = share + ground * (1 - share)
    weight = weight / weight.sum(dim=1, keepdim=True)
    return weight.to(features.device) @ features[0].flatten(1).T


def crop_embeddings(
    image: EncodedImage, rows: Tensor, encoder: VisionEncoder, settings: ViewSettings, *, exact: bool
) -> MaskEmbeddings:
    """Embeddings of high-resolution crops of masks ``rows`` (n,) int64, for classification.

    The exact path, and an encoder without a feature map, encoded every mask at full resolution already; their
    embeddings are reused.
    """
    if exact or not settings.crop_size or not isinstance(encoder, DenseEncoder):
        return image.embeddings.at(rows)
    masks, boxes = image.proposals.masks[rows], image.proposals.boxes[rows]
    return high_resolution_crops(image.image, masks, boxes, encoder, settings)
