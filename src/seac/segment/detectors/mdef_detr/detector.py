"""Detection from an image to boxes, for one image and any number of prompts."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.segment.detectors.mdef_detr.boxes import LIMIT, Boxes, corners, merge, objectness, truncate
from seac.segment.detectors.mdef_detr.network import EncodedText, MDefDetr
from seac.segment.detectors.mdef_detr.preprocess import SHORT_SIDE, as_rgb, prepare
from seac.segment.detectors.mdef_detr.sentences import tokens_of
from seac.weights.load import fingerprint

PROMPT = ("all objects",)


def detect(
    network: MDefDetr,
    image: Any,
    queries: Sequence[str] = ("all objects",),
    *,
    input_ids: Tensor | None = None,
    attention_mask: Tensor | None = None,
    tokenizer: Any = None,
    short: int = SHORT_SIDE,
) -> Boxes:
    """Detect boxes in an image: all 300 for one prompt, or those that survive NMS at IoU .5 for several.

    Args:
        network: network with its weights.
        image: see :func:`seac.segment.detectors.mdef_detr.preprocess.as_rgb`.
        queries: text prompts; those of ``sentences.PUBLISHED`` need no tokenizer.
        input_ids: (T, L) tokens in place of ``queries``.
        attention_mask: (T, L) mask of these tokens.
        tokenizer: transformers' RobertaTokenizer, for other prompts.
        short: short side of the resized image in pixels.

    Returns:
        Boxes (n, 4) int32 xyxy in pixels of the image and scores (n,) float32, on the CPU; in the order of
        the network's queries for one prompt, best first for several.

    Raises:
        InputError: no image, no prompt, or a prompt that needs a missing tokenizer.
    """
    if input_ids is None:
        input_ids, attention_mask = tokens_of(queries, tokenizer)
    return detect_encoded(network, image, encode_prompts(network, input_ids, attention_mask), short)


@torch.inference_mode()
def encode_prompts(network: MDefDetr, input_ids: Tensor, attention_mask: Tensor | None = None) -> EncodedText:
    """Encode prompts, (T, L) tokens, for :func:`detect_encoded`; the result serves many images."""
    device = network.query_embed.weight.device
    mask = None if attention_mask is None else attention_mask.to(device)
    return network.encode_text(input_ids.to(device), mask)


@torch.inference_mode()
def detect_encoded(network: MDefDetr, image: Any, text: EncodedText, short: int = SHORT_SIDE) -> Boxes:
    """Run :func:`detect` with prompts encoded by :func:`encode_prompts`."""
    pil_image = as_rgb(image)
    pixels = prepare(pil_image, short)[None].to(network.query_embed.weight.device)
    predictions = network.decode(network.encode_image(pixels), text)
    boxes = truncate(corners(predictions.boxes, pil_image.height, pil_image.width)).flatten(0, 1).cpu()
    scores = objectness(predictions.logits).flatten().cpu()
    return Boxes(boxes, scores) if len(text.tokens) == 1 else merge(boxes, scores)


class MDefDetrDetector:
    """The paper's first stage: the best boxes of "all objects" after NMS.

    Args:
        network: network with its weights.
        max_boxes: maximum number of boxes.
        limit: maximum IoU of two boxes.
        short: short side of the resized image in pixels.
    """

    def __init__(
        self, network: MDefDetr, *, max_boxes: int = 50, limit: float = LIMIT, short: int = SHORT_SIDE
    ) -> None:
        self.version = f"mdef-detr {fingerprint(network)}"
        self.network, self.max_boxes, self.limit, self.short = network, max_boxes, limit, short
        # The prompt is constant, so it is encoded once.
        self.text = encode_prompts(network, *tokens_of(PROMPT))

    @classmethod
    def load(cls, path: str | PathLike[str], device: str = "cpu", **options: Any) -> MDefDetrDetector:
        """Load the detector from a checkpoint.

        Raises:
            InputError: the file is no checkpoint of this network.
        """
        return cls(MDefDetr.from_checkpoint(path, device=device), **options)

    @classmethod
    def from_context(cls, context: PartContext) -> MDefDetrDetector:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Detect the boxes of all objects in the image, best first.

        Args:
            image: (3, H, W) uint8 RGB.

        Returns:
            (n, 4) float32 xyxy in pixels and (n,) float32 in [0, 1]; n is at most ``max_boxes``.

        Raises:
            InputError: ``image`` is not an image.
        """
        boxes, scores = detect_encoded(self.network, image, self.text, self.short)
        merged = merge(boxes, scores, self.limit)
        return merged.boxes[: self.max_boxes].float(), merged.scores[: self.max_boxes]
