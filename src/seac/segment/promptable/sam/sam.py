"""SAM and SAM-HQ: the image is resized by its longer side and padded; boxes are decoded in batches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from seac.core.context import PartContext
from seac.segment.promptable.base import EncodedImage, best_masks, masks_at_size
from seac.segment.promptable.prompted import BoxesToMasks
from seac.segment.promptable.sam.attention import use_blockwise_attention
from seac.segment.promptable.sam.checkpoint import load_sam
from seac.segment.promptable.sam.decoder import SamDecoder
from seac.segment.promptable.sam.small_input import shrink
from seac.weights.load import fingerprint, load_network

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class SamSettings:
    """Settings of SAM, SAM-HQ and SAM 2.1.

    Attributes:
        batch: boxes per decoder pass; bounds memory.
        multimask: predict three masks per box and keep the one with the highest predicted IoU, or predict
            one.
        precision: dtype of the image encoder; the decoder is always float32.
        side: side of the network's input in pixels, if smaller than in training; position embeddings are
            interpolated. Half the side takes a quarter of the computation and gives coarser boundaries.
    """

    batch: int = 16
    multimask: bool = True
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    side: int | None = None

    @classmethod
    def fast(cls) -> SamSettings:
        """Return settings of half the published side in half precision: several times faster, other masks."""
        return cls(precision="bfloat16", side=512)

    @classmethod
    def for_device(cls, device: str) -> SamSettings:
        """Half precision for the image encoder where the hardware is made for it."""
        return cls(precision="bfloat16" if device.startswith("cuda") else "float32")

    @property
    def dtype(self) -> torch.dtype:
        """The image encoder's dtype."""
        dtype: torch.dtype = getattr(torch, self.precision)
        return dtype


def resize_and_normalise(image: Tensor, height: int, width: int) -> Tensor:
    """``image`` (3, H, W) uint8 resized as PIL does it and normalised: (1, 3, height, width) float32."""
    if image.shape[-2:] != (height, width):
        image = functional.interpolate(
            image[None], (height, width), mode="bilinear", antialias=True, align_corners=False
        )[0]
    mean, std = (torch.tensor(values).view(3, 1, 1) * 255 for values in (MEAN, STD))
    return ((image.float() - mean) / std)[None]


class Sam:
    """SAM or SAM-HQ as a :class:`~seac.segment.promptable.base.Promptable`.

    Args:
        network: transformers' SamModel or SamHQModel.
        device: device of the network.
        settings: settings of the network.
        name: prefix of the version.
    """

    def __init__(
        self,
        network: Any,
        device: torch.device | str = "cpu",
        settings: SamSettings | None = None,
        name: str = "sam",
    ) -> None:
        self.device = torch.device(device)
        self.settings = settings or SamSettings()
        side = f" {self.settings.side} px" if self.settings.side else ""
        self.version = f"{name} {fingerprint(network)}{side} {self.settings.precision}"
        if self.settings.side is not None:
            shrink(network, self.settings.side)
        use_blockwise_attention(network)
        self.network = network.eval().requires_grad_(False).to(self.device)
        self.network.vision_encoder.to(self.settings.dtype)
        # SAM-HQ's decoder has additional parts; it runs in transformers' implementation.
        standard = not hasattr(self.network.mask_decoder, "hq_token")
        self.decoder = SamDecoder(self.network, multimask=self.settings.multimask) if standard else None
        self.side = int(network.config.vision_config.image_size)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu", settings: SamSettings | None = None) -> Sam:
        """Load SAM from a published ``sam_vit_*.pth``, or SAM-HQ from a transformers folder.

        Raises:
            InputError: the path holds another network.
        """
        if path.is_dir():
            from transformers import SamHQModel

            return cls(load_network(SamHQModel, path), device, settings, path.name)
        return cls(load_sam(path), device, settings, path.stem)

    @classmethod
    def from_context(cls, context: PartContext) -> BoxesToMasks:
        """The row of a table: the model's detector prompts it; "-fast" is half the side, in half precision.

        Raises:
            InputError: the model has no detector, or weights are missing.
        """
        detector, published = context.part("detector"), context.name.removesuffix("-fast")
        fast = context.name != published
        settings = SamSettings.fast() if fast else SamSettings.for_device(context.device)
        return BoxesToMasks(detector, cls.load(context.weights(published), context.device, settings))

    @torch.inference_mode()
    def encode(self, image: Tensor) -> EncodedImage:
        """Encode ``image``, (3, H, W) uint8 RGB."""
        height, width = image.shape[-2:]
        scale = self.side / max(height, width)
        content = int(height * scale + 0.5), int(width * scale + 0.5)
        pixels = resize_and_normalise(image, *content)
        pixels = functional.pad(pixels, (0, self.side - content[1], 0, self.side - content[0]))
        encoded = self.network.vision_encoder(pixels.to(self.device, self.settings.dtype))
        features = [encoded.last_hidden_state, *getattr(encoded, "intermediate_embeddings", ())[:1]]
        return EncodedImage(tuple(part.float() for part in features), (height, width), content)

    @torch.inference_mode()
    def masks(self, encoded: EncodedImage, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Return a mask per box, (N, H, W) bool on the CPU, and predicted IoUs (N,) float32."""
        logits, quality = self.logits(encoded, boxes)
        return masks_at_size(logits, encoded.size, self.side, encoded.content), quality.cpu()

    @torch.inference_mode()
    def logits(self, encoded: EncodedImage, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Return mask logits (N, side / 4, side / 4) at the network's resolution, and predicted IoUs (N,)."""
        (height, width), (content_height, content_width) = encoded.size, encoded.content
        ratio = torch.tensor([content_width / width, content_height / height] * 2)
        prompts = (boxes.float().cpu() * ratio).to(self.device)
        image, extra = encoded.features[0], encoded.features[1:]
        if len(boxes) == 0:
            return image.new_zeros(0, self.side // 4, self.side // 4), image.new_zeros(0)
        parts = [self._decode(image, extra, part) for part in torch.split(prompts, self.settings.batch)]
        return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])

    def _decode(self, image: Tensor, extra: tuple[Tensor, ...], prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits and predicted IoUs of a batch of boxes."""
        if self.decoder is not None:
            return self.decoder(image, prompts)
        output = self.network(
            image_embeddings=image,
            input_boxes=prompts[None],
            multimask_output=self.settings.multimask,
            intermediate_embeddings=list(extra),
        )
        return best_masks(output.pred_masks[0], output.iou_scores[0])
