"""MDef-DETR (Maaz et al., ECCV 2022): detection of the objects that match a text prompt.

Deformable DETR on ResNet-101 decodes 300 queries from the image alone. Late fusion with RoBERTa's tokens then
scores how well each query matches the prompt. An image is therefore encoded once for many prompts, and a
prompt once for many images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import RobertaConfig

from seac.core.errors import InputError
from seac.segment.detectors.mdef_detr.backbone import Backbone
from seac.segment.detectors.mdef_detr.decoder import Decoder
from seac.segment.detectors.mdef_detr.encoder import Encoder
from seac.segment.detectors.mdef_detr.fusion import Fusion
from seac.segment.detectors.mdef_detr.position import levels_of, sine_positions
from seac.segment.detectors.mdef_detr.sizes import Sizes, base_text
from seac.segment.detectors.mdef_detr.text import Resizer, text_encoder

if TYPE_CHECKING:
    from seac.segment.detectors.mdef_detr.boxes import Boxes

LEVELS = 4
GROUPS = 32


class Predictions(NamedTuple):
    """Predictions of the network's 300 queries.

    Attributes:
        logits: (B, 300, 256) float32; the last class is "no object".
        boxes: (B, 300, 4) float32, cx, cy, w, h in [0, 1] of the image without padding.
    """

    logits: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class EncodedImage:
    """Encoded images; ``queries`` (B, 300, C) are the decoded queries, independent of the prompt."""

    queries: Tensor


@dataclass(frozen=True)
class EncodedText:
    """Encoded prompts.

    Attributes:
        tokens: (T, L, C), one vector per token.
        real: (T, L) bool, false for padding; None if nothing is padded.
    """

    tokens: Tensor
    real: Tensor | None


class BoxHead(nn.Module):
    """Box head: three linear layers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(channels, out) for out in (channels, channels, 4))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., C) to (..., 4)."""
        for layer in self.layers[:-1]:
            x = F.relu(_linear_float32(layer, x))
        return _linear_float32(self.layers[-1], x)


class Transformer(nn.Module):
    """The modules whose released names begin with ``transformer``."""

    def __init__(self, text_config: RobertaConfig, sizes: Sizes) -> None:
        super().__init__()
        self.level_embed = nn.Parameter(torch.zeros(LEVELS, sizes.channels))
        self.reference_points = nn.Linear(sizes.channels, 2)
        self.encoder = Encoder(sizes.channels, sizes.hidden)
        self.decoder = Decoder(sizes.channels, sizes.hidden)
        self.img_text_attn = Fusion(sizes.channels, sizes.hidden)
        self.resizer = Resizer(text_config.hidden_size, sizes.channels)
        self.text_encoder = text_encoder(text_config)


class MDefDetr(nn.Module):
    """The network, in evaluation mode; its state dict has exactly the 1,091 names of the released file.

    Args:
        text_config: configuration of RoBERTa; the base size if None.
        sizes: widths of the other modules.
    """

    def __init__(self, text_config: RobertaConfig | None = None, sizes: Sizes | None = None) -> None:
        super().__init__()
        sizes, text_config = sizes or Sizes(), text_config or base_text()
        C = sizes.channels
        self.backbone = nn.ModuleList([Backbone(sizes.stem)])
        wide = [sizes.stem * factor for factor in (8, 16, 32)]
        projections = [nn.Conv2d(width, C, 1) for width in wide] + [nn.Conv2d(wide[-1], C, 3, 2, 1)]
        self.input_proj = nn.ModuleList(
            nn.Sequential(projection, nn.GroupNorm(GROUPS, C)) for projection in projections
        )
        self.query_embed = nn.Embedding(sizes.queries, 2 * C)
        # One shared head each; the file lists it once per decoder layer.
        self.class_embed = nn.ModuleList([nn.Linear(C, sizes.classes)] * 6)
        self.bbox_embed = nn.ModuleList([BoxHead(C)] * 6)
        self.transformer = Transformer(text_config, sizes)
        self.pad_token = int(text_config.pad_token_id)
        self.max_tokens = int(text_config.max_position_embeddings) - self.pad_token - 1
        self.eval()

    @classmethod
    def from_checkpoint(
        cls, path: str | PathLike[str], text_config: RobertaConfig | None = None, device: str = "cpu"
    ) -> MDefDetr:
        """Load the network from a checkpoint; see :func:`seac.segment.detectors.mdef_detr.checkpoint.load`.

        Raises:
            InputError: the file is no checkpoint of this network.
        """
        from seac.segment.detectors.mdef_detr.checkpoint import load

        return load(path, text_config).to(device)

    def forward(
        self,
        pixel_values: Tensor,
        input_ids: Tensor,
        pixel_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Predictions:
        """Predict 300 boxes for each pair of an image and a prompt.

        Args:
            pixel_values: (B, 3, H, W) float, normalised, padded at right and bottom.
            input_ids: (B, L) int64, RoBERTa's tokens with start and end tokens.
            pixel_mask: (B, H, W), 1 for image pixels, 0 for padding; None if nothing is padded.
            attention_mask: (B, L), 1 for tokens, 0 for padding; None infers it from the padding tokens.

        Raises:
            InputError: invalid shapes.
        """
        image = self.encode_image(pixel_values, pixel_mask)
        return self.decode(image, self.encode_text(input_ids, attention_mask))

    def encode_image(self, pixel_values: Tensor, pixel_mask: Tensor | None = None) -> EncodedImage:
        """Encode images, independently of the prompts; steps 2-7.

        Args:
            pixel_values: as for :meth:`forward`.
            pixel_mask: as for :meth:`forward`.

        Raises:
            InputError: invalid shapes.
        """
        _check_pixels(pixel_values, pixel_mask)
        features = self.project(self.backbone[0](pixel_values.to(self.query_embed.weight.dtype)))
        shapes = tuple((level.shape[2], level.shape[3]) for level in features)
        levels = levels_of(shapes, pixel_mask, len(pixel_values), pixel_values.device)
        x = torch.cat([level.flatten(2).transpose(1, 2) for level in features], 1)
        position_embedding = torch.cat(
            [
                (position + embedding).flatten(1, 2)
                for position, embedding in zip(
                    sine_positions(levels, x.shape[2]), self.transformer.level_embed, strict=True
                )
            ],
            1,
        ).to(x.dtype)
        memory = self.transformer.encoder(x, position_embedding, levels)
        position, content = self.query_embed.weight.to(x.dtype).chunk(2, -1)
        content = content.expand(len(memory), -1, -1)
        points = self.reference_points().sigmoid()[None]
        return EncodedImage(self.transformer.decoder(content, position[None], points, memory, levels))

    def project(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Project the backbone's three levels to four levels of C channels; step 3."""
        inputs = (*pyramid, pyramid[-1])
        return [project(level) for project, level in zip(self.input_proj, inputs, strict=True)]

    def reference_points(self) -> Tensor:
        """Return the reference point of each query before the sigmoid: (300, 2) float32, x then y."""
        position, _ = self.query_embed.weight.chunk(2, -1)
        return _linear_float32(self.transformer.reference_points, position)

    def encode_text(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> EncodedText:
        """Encode prompts, independently of the images; step 8.

        Args:
            input_ids: (T, L), as for :meth:`forward`.
            attention_mask: as for :meth:`forward`.

        Raises:
            InputError: invalid shapes, or a prompt that is too long.
        """
        _check_tokens(input_ids, attention_mask, self.max_tokens)
        real = input_ids != self.pad_token if attention_mask is None else attention_mask.bool()
        padded = not bool(real.all())
        hidden = self.transformer.text_encoder(input_ids, attention_mask=real.long() if padded else None)
        return EncodedText(self.transformer.resizer(hidden.last_hidden_state), real if padded else None)

    def decode(self, image: EncodedImage, text: EncodedText) -> Predictions:
        """Predict the boxes that match the prompts; steps 9 and 10.

        Args:
            image: B images.
            text: T prompts. B = T pairs them; a single image is combined with all prompts, and a single
                prompt with all images.

        Raises:
            InputError: B and T differ and neither is 1.
        """
        B, T = len(image.queries), len(text.tokens)
        if B != T and 1 not in (B, T):
            raise InputError(f"{B} images and {T} sentences: pass as many of both, or one of either")
        n = max(B, T)
        real = None if text.real is None else text.real.expand(n, -1)
        queries, tokens = image.queries.expand(n, -1, -1), text.tokens.expand(n, -1, -1)
        return self.heads(self.transformer.img_text_attn(queries, tokens, real))

    def heads(self, x: Tensor) -> Predictions:
        """Predict class logits and boxes from queries (B, 300, C)."""
        logits = _linear_float32(self.class_embed[-1], x)
        shift = self.bbox_embed[-1](x)
        centre = inverse_sigmoid(self.reference_points().sigmoid())
        boxes = torch.cat((shift[..., :2] + centre, shift[..., 2:]), -1).sigmoid()
        return Predictions(logits, boxes)

    def detect(
        self,
        image: Any,
        queries: Sequence[str] = ("all objects",),
        *,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        tokenizer: Any = None,
    ) -> Boxes:
        """Detect boxes in an image; see :func:`seac.segment.detectors.mdef_detr.detector.detect`."""
        from seac.segment.detectors.mdef_detr.detector import detect

        return detect(
            self, image, queries, input_ids=input_ids, attention_mask=attention_mask, tokenizer=tokenizer
        )


def inverse_sigmoid(x: Tensor, eps: float = 1e-5) -> Tensor:
    """Return the logit of (...) in [0, 1], clamped to finite values."""
    x = x.clamp(0, 1)
    return (x.clamp(min=eps) / (1 - x).clamp(min=eps)).log()


def _linear_float32(linear: nn.Module, x: Tensor) -> Tensor:
    """Apply a linear layer in float32 under any autocast; half precision would move boxes by pixels."""
    weight: Tensor = linear.weight  # type: ignore[assignment]
    bias: Tensor = linear.bias  # type: ignore[assignment]
    with torch.autocast(x.device.type, enabled=False):
        return F.linear(x.float(), weight.float(), bias.float())


def _check_pixels(pixels: Tensor, mask: Tensor | None) -> None:
    shape = tuple(pixels.shape)
    if pixels.ndim != 4 or shape[1] != 3 or 0 in shape or not pixels.is_floating_point():
        raise InputError(
            f"pixel_values are {shape} {pixels.dtype}: pass normalised (B, 3, H, W) float, see prepare()"
        )
    expected = (shape[0], *shape[2:])
    if mask is not None and tuple(mask.shape) != expected:
        raise InputError(f"pixel_mask is {tuple(mask.shape)}: pass (B, H, W), here {expected}")


def _check_tokens(tokens: Tensor, mask: Tensor | None, max_tokens: int) -> None:
    shape = tuple(tokens.shape)
    if tokens.ndim != 2 or 0 in shape or tokens.is_floating_point():
        raise InputError(f"input_ids are {shape} {tokens.dtype}: pass (B, L) int64 token ids")
    if shape[1] > max_tokens:
        raise InputError(f"input_ids have {shape[1]} tokens: pass at most {max_tokens} per sentence")
    if mask is not None and tuple(mask.shape) != shape:
        raise InputError(f"attention_mask is {tuple(mask.shape)}: pass (B, L), here {shape}")
