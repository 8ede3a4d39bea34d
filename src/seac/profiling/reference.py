"""Reference implementation: PIL, and one forward pass per crop and per box."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn

from seac.associate.views import ViewSettings
from seac.core.errors import InputError
from seac.core.types import MaskEmbeddings, VisionFeatures
from seac.encoders.base import VisionEncoder
from seac.encoders.vision.clip import MEAN, STD


def reference_embeddings(
    image: Tensor, masks: Tensor, boxes: Tensor, encoder: VisionEncoder, settings: ViewSettings
) -> MaskEmbeddings:
    """Return the mask embeddings of Eq. 1-2, one forward pass per view; the blurred image is computed once.

    Args:
        image: (3, H, W) uint8.
        masks: (N, H, W) bool.
        boxes: (N, 4) float xyxy in pixels.
        encoder: called on one image at a time.
        settings: view settings; only the blur is used.
    """
    image_pil = Image.fromarray(image.permute(1, 2, 0).numpy())
    sigma = settings.blur_sigma * max(image_pil.size) / settings.blur_side
    blurred, black = image_pil.filter(ImageFilter.GaussianBlur(sigma)), Image.new("RGB", image_pil.size)
    local, context = [], []
    for mask, box in zip(masks.numpy(), boxes.tolist(), strict=True):
        stencil = Image.fromarray(mask)
        crop = Image.composite(image_pil, black, stencil).crop(tuple(box))
        side = max(crop.size)
        square = Image.new("RGB", (side, side))
        square.paste(crop, ((side - crop.width) // 2, (side - crop.height) // 2))
        local.append(_encode(square, encoder))
        context.append(_encode(Image.composite(image_pil, blurred, stencil), encoder))
    embeddings = [torch.cat([view.embeddings for view in views]) for views in (local, context)]
    class_probabilities = [
        [view.class_probabilities for view in views if view.class_probabilities is not None]
        for views in (local, context)
    ]
    return MaskEmbeddings(*embeddings, *(torch.cat(each) for each in class_probabilities if each))


def _encode(image_pil: Image.Image, encoder: VisionEncoder) -> VisionFeatures:
    resized = image_pil.resize((encoder.size, encoder.size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.asarray(resized, np.float32) / 255).permute(2, 0, 1)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (encoder.mean, encoder.std))
    return encoder(((pixels - mean) / std)[None])


def reference_sam(config: Any) -> nn.Module:
    """Build the published code's Sam with the sizes of a transformers SamConfig, randomly initialised.

    Raises:
        InputError: segment-anything is not installed.
    """
    try:
        from segment_anything.modeling import (
            ImageEncoderViT,
            MaskDecoder,
            PromptEncoder,
            Sam,
            TwoWayTransformer,
        )
    except ImportError as error:
        raise InputError(
            "the reference of this preset needs segment-anything: pip install segment-anything"
        ) from error
    vision, decoder = config.vision_config, config.mask_decoder_config
    grid, channels = vision.image_size // vision.patch_size, vision.output_channels
    encoder = ImageEncoderViT(
        depth=vision.num_hidden_layers,
        embed_dim=vision.hidden_size,
        img_size=vision.image_size,
        mlp_ratio=vision.mlp_dim / vision.hidden_size,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        num_heads=vision.num_attention_heads,
        patch_size=vision.patch_size,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=tuple(vision.global_attn_indexes),
        window_size=vision.window_size,
        out_chans=channels,
    )
    prompts = PromptEncoder(
        channels, (grid, grid), (vision.image_size,) * 2, config.prompt_encoder_config.mask_input_channels
    )
    transformer = TwoWayTransformer(
        decoder.num_hidden_layers, channels, decoder.num_attention_heads, decoder.mlp_dim
    )
    head = MaskDecoder(
        transformer_dim=channels,
        transformer=transformer,
        num_multimask_outputs=decoder.num_multimask_outputs,
        iou_head_depth=decoder.iou_head_depth,
        iou_head_hidden_dim=decoder.iou_head_hidden_dim,
    )
    # segment-anything expects mean and standard deviation in [0, 255].
    network: nn.Module = Sam(encoder, prompts, head, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    return network.eval()


class ReferenceClip:
    """CLIP's published image encoder, unchanged, as a :class:`~seac.encoders.base.VisionEncoder`."""

    labels: tuple[str, ...] = ()
    mean, std = MEAN, STD

    def __init__(self, network: Any) -> None:
        self.network = network
        side = network.visual.image_size
        self.size = int(side[0] if isinstance(side, (tuple, list)) else side)
        self.dim = int(network.text_projection.shape[1])

    def __call__(self, pixels: Tensor) -> VisionFeatures:
        """Encode ``pixels``, (n, 3, size, size) float32, normalised."""
        return VisionFeatures(self.network.encode_image(pixels), None)


class ReferenceSegmenter:
    """segment-anything's predictor, prompted with one box at a time as in its examples."""

    def __init__(self, network: nn.Module) -> None:
        from segment_anything import SamPredictor

        self.predictor = SamPredictor(network)

    def encode(self, image: Tensor) -> None:
        """Encode ``image``, (3, H, W) uint8."""
        self.predictor.set_image(image.permute(1, 2, 0).numpy())

    def masks(self, boxes: Tensor) -> Tensor:
        """Return the best of three masks of every box: (N, H, W) bool."""
        masks = []
        for box in boxes.numpy():
            candidates, quality, _ = self.predictor.predict(box=box, multimask_output=True)
            masks.append(torch.from_numpy(candidates[quality.argmax()]))
        return torch.stack(masks)
