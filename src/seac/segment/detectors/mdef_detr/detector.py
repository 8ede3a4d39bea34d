"""Pictures in, boxes out: the whole way, for one picture and any number of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from seac.core.context import PartContext
from seac.segment.detectors.mdef_detr.boxes import LIMIT, Boxes, corners, merge, objectness, whole_pixels
from seac.segment.detectors.mdef_detr.network import EncodedText, MDefDetr
from seac.segment.detectors.mdef_detr.preprocess import SHORT_SIDE, as_rgb, prepare
from seac.segment.detectors.mdef_detr.sentences import tokens_of
from seac.weights.load import fingerprint

SENTENCE = ("all objects",)


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
    """Boxes of a picture: all 300 of one sentence, or what NMS at .5 leaves of several sentences' boxes.

    Args:
        network: with its weights.
        image: see :func:`seac.segment.detectors.mdef_detr.preprocess.as_rgb`.
        queries: sentences; those of :data:`seac.segment.detectors.mdef_detr.sentences.PUBLISHED` need no tokenizer.
        input_ids: (T, L) tokens in place of ``queries``.
        attention_mask: (T, L) of these tokens.
        tokenizer: transformers' RobertaTokenizer, for other sentences.
        short: pixels that the short side is resized to.

    Returns:
        boxes (n, 4) int32 xyxy in the picture's pixels and scores (n,) float32, on the CPU; in the order of
        the network's queries for one sentence, best first for several.

    Raises:
        InputError: no picture, no sentence, or one that cannot be turned into tokens.
    """
    if input_ids is None:
        input_ids, attention_mask = tokens_of(queries, tokenizer)
    return find(network, image, read(network, input_ids, attention_mask), short)


@torch.inference_mode()
def read(network: MDefDetr, input_ids: Tensor, attention_mask: Tensor | None = None) -> EncodedText:
    """Sentences for :func:`find`, (T, L) tokens, to be kept for many pictures."""
    device = network.query_embed.weight.device
    mask = None if attention_mask is None else attention_mask.to(device)
    return network.encode_text(input_ids.to(device), mask)


@torch.inference_mode()
def find(network: MDefDetr, image: Any, text: EncodedText, short: int = SHORT_SIDE) -> Boxes:
    """:func:`detect` with sentences that :func:`read` has read."""
    pil_image = as_rgb(image)
    pixels = prepare(pil_image, short)[None].to(network.query_embed.weight.device)
    found = network.decode(network.encode_image(pixels), text)
    boxes = whole_pixels(corners(found.boxes, pil_image.height, pil_image.width)).flatten(0, 1).cpu()
    scores = objectness(found.logits).flatten().cpu()
    return Boxes(boxes, scores) if len(text.tokens) == 1 else merge(boxes, scores)


class MDefDetrDetector:
    """The paper's first stage: the best boxes of "all objects" after NMS.

    Args:
        network: with its weights.
        max_boxes: how many boxes to keep.
        limit: greatest IoU of two boxes that are kept.
        short: pixels that the short side is resized to.
    """

    def __init__(
        self, network: MDefDetr, *, max_boxes: int = 50, limit: float = LIMIT, short: int = SHORT_SIDE
    ) -> None:
        self.version = f"mdef-detr {fingerprint(network)}"
        self.network, self.max_boxes, self.limit, self.short = network, max_boxes, limit, short
        # The sentence never changes: it is read once, not once a picture.
        self.text = read(network, *tokens_of(SENTENCE))

    @classmethod
    def load(cls, path: str | PathLike[str], device: str = "cpu", **options: Any) -> MDefDetrDetector:
        """The detector of a checkpoint.

        Raises:
            InputError: no checkpoint of this network.
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
        """Boxes of everything in the picture, best first.

        Args:
            image: (3, H, W) uint8 RGB.

        Returns:
            (n, 4) float32 xyxy in pixels and (n,) float32 in 0..1; n is at most ``max_boxes``.

        Raises:
            InputError: no picture.
        """
        found = find(self.network, image, self.text, self.short)
        kept = merge(found.boxes, found.scores, self.limit)
        return kept.boxes[: self.max_boxes].float(), kept.scores[: self.max_boxes]
