"""SAM 2.1: the image is stretched to a square and encoded at three scales."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.segment.promptable.base import EncodedImage, best_masks, masks_at_size
from seac.segment.promptable.prompted import BoxesToMasks
from seac.segment.promptable.sam.decoder import Sam2Decoder
from seac.segment.promptable.sam.sam import SamSettings, resize_and_normalise
from seac.weights.load import fingerprint, library_class, load_network


class Sam2:
    """SAM 2.1 as a :class:`~seac.segment.promptable.base.Promptable`.

    Args:
        network: transformers' Sam2Model.
        device: device of the network.
        settings: settings of the network.
        name: prefix of the version.
    """

    network_class: ClassVar[str] = "Sam2Model"

    def __init__(
        self,
        network: Any,
        device: torch.device | str = "cpu",
        settings: SamSettings | None = None,
        name: str = "sam2",
    ) -> None:
        self.version = f"{name} {fingerprint(network)}"
        self.device = torch.device(device)
        self.settings = settings or SamSettings()
        self.network = network.eval().requires_grad_(False).to(self.device)
        self.decoder = Sam2Decoder(self.network) if self.settings.multimask else None
        self.side = int(network.config.prompt_encoder_config.image_size)

    @classmethod
    def load(
        cls, folder: Path, device: torch.device | str = "cpu", settings: SamSettings | None = None
    ) -> Self:
        """Load the network from a transformers folder, without its video modules.

        Raises:
            InputError: the folder holds another network, or the installed transformers does not know it.
        """
        network = load_network(library_class(cls.network_class), folder)
        return cls(network, device, settings, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> BoxesToMasks:
        """The row of a table: the model's detector prompts it.

        Raises:
            InputError: the model has no detector, or weights are missing.
        """
        detector, settings = context.part("detector"), SamSettings.for_device(context.device)
        return BoxesToMasks(detector, cls.load(context.weights(context.name), context.device, settings))

    @torch.inference_mode()
    def encode(self, image: Tensor) -> EncodedImage:
        """Encode ``image``, (3, H, W) uint8 RGB."""
        pixels = resize_and_normalise(image, self.side, self.side).to(self.device)
        half = self.settings.dtype
        with torch.autocast(self.device.type, half, enabled=half != torch.float32):
            features = self.network.get_image_embeddings(pixels)
        height, width = image.shape[-2:]
        return EncodedImage(tuple(part.float() for part in features), (height, width), (self.side, self.side))

    @torch.inference_mode()
    def masks(self, encoded: EncodedImage, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Return a mask per box, (N, H, W) bool on the CPU, and predicted IoUs (N,) float32."""
        height, width = encoded.size
        ratio = torch.tensor([self.side / width, self.side / height] * 2)
        prompts = (boxes.float().cpu() * ratio).to(self.device)
        masks = torch.zeros(len(boxes), height, width, dtype=torch.bool)
        quality = torch.zeros(len(boxes))
        for at in range(0, len(boxes), self.settings.batch):
            logits, best = self._decode(encoded.features, prompts[at : at + self.settings.batch])
            masks[at : at + len(best)] = masks_at_size(logits, encoded.size)
            quality[at : at + len(best)] = best.cpu()
        return masks, quality

    def _decode(self, features: tuple[Tensor, ...], prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits and predicted IoUs of a batch of boxes."""
        if self.decoder is not None:
            return self.decoder.decode(features, prompts)
        output = self.network(
            image_embeddings=list(features), input_boxes=prompts[None], multimask_output=False
        )
        return best_masks(output.pred_masks[0], output.iou_scores[0])
