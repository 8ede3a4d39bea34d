"""The network of the learned sounding head: a logit per mask, and one for "nothing here sounds".

Two towers embed masks and audio in a shared space; their cosine is trained on pairs (MSA-MICL, Eq. 8). With
the similarity of the association and the agreement of the class heads it describes how well a mask matches
the audio. A Transformer encoder over the masks of a frame and a null token, which has the audio, weighs this
evidence against the other masks, because the best match of a frame is not always a match.

Encoders without class heads have no class evidence: K = 0, and the class tensors have no columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from seac.encoders.pca import pca_project

FLOOR = 1e-3
"""Added to probabilities before their logarithm."""
GEOMETRY = 8
AUDIO_CUES = 2
EVIDENCE = 6
"""Values of the evidence of a match with class heads."""
CLASSLESS_EVIDENCE = 3
"""Values of the evidence of a match without class heads."""
PADDED_LOGIT = -20.0


@dataclass(frozen=True)
class SoundingConfig:
    """Shapes of a :class:`SoundingNetwork`.

    Attributes:
        d_m: size of a mask embedding.
        d_a: size of an audio embedding.
        classes: K, classes of the class heads; 0 without class heads.
        groups: G, groups of these classes; 0 without class heads.
        image_components: principal components of mask embeddings.
        audio_components: principal components of audio embeddings.
        shared: size of the shared space of the two towers.
        width: width of the Transformer encoder.
        depth: its layers.
        heads: its attention heads.
        dropout: dropout in training.
    """

    d_m: int
    d_a: int
    classes: int
    groups: int
    image_components: int = 128
    audio_components: int = 64
    shared: int = 128
    width: int = 96
    depth: int = 2
    heads: int = 4
    dropout: float = 0.2

    @property
    def mask_classes(self) -> int:
        """Columns of the class probabilities of masks: all classes and "none"."""
        return self.classes + 1 if self.classes else 0

    @property
    def mask_cues(self) -> int:
        """Columns that describe the class of a mask beside its embedding."""
        return self.groups + 1 if self.classes else 0

    @property
    def audio_cues(self) -> int:
        """Columns that describe the classes of the audio beside its embedding."""
        return self.groups + 1 + AUDIO_CUES if self.classes else 0

    @property
    def evidence(self) -> int:
        """Values of the evidence of a match."""
        return EVIDENCE if self.classes else CLASSLESS_EVIDENCE


@dataclass(frozen=True)
class SoundingInputs:
    """Inputs for B frames with up to N masks each.

    Attributes:
        local: (B, N, d_m) float32 embeddings of the local views.
        context: (B, N, d_m) float32 embeddings of the global views.
        image_probabilities: (B, N, K + 1) float32 class probabilities of the masks, the last for "none";
            (B, N, 0) without class heads.
        geometry: (B, N, 8) float32, see :func:`mask_geometry`.
        similarity: (B, N) float32 similarity of the association.
        padding: (B, N) bool, True where there is no mask.
        audio: (B, d_a) float32 audio embeddings.
        audio_probabilities: (B, K) float32 probabilities that each class sounds, independent of one another.
        cues: (B, 2) float32 probabilities of silence and of music; (B, 0) without class heads.
    """

    local: Tensor
    context: Tensor
    image_probabilities: Tensor
    geometry: Tensor
    similarity: Tensor
    padding: Tensor
    audio: Tensor
    audio_probabilities: Tensor
    cues: Tensor

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> SoundingInputs:
        """Build from a mapping of all fields."""
        return cls(**{item.name: tensors[item.name] for item in fields(cls)})


@dataclass(frozen=True)
class SoundingOutputs:
    """Outputs for B frames with up to N masks each.

    Attributes:
        logits: (B, N) that a mask sounds if anything in the frame does.
        null: (B,) that nothing in the frame sounds.
        masks: (B, N, s) unit embeddings of the masks in the shared space.
        audio: (B, s) unit embeddings of the audio.
    """

    logits: Tensor
    null: Tensor
    masks: Tensor
    audio: Tensor

    def log_odds(self) -> Tensor:
        """Log-odds (B, N) of ``sigmoid(logits) * sigmoid(-null)``, the probability that a mask sounds."""
        log_probability = functional.logsigmoid(self.logits) + functional.logsigmoid(-self.null)[:, None]
        return log_probability - torch.log1p(-log_probability.exp().clamp(max=1 - 1e-6))


class SoundingNetwork(nn.Module):
    """Two towers and a Transformer encoder.

    Args:
        config: shapes.

    Buffers (fitted before training, never trained): ``image_mean`` (d_m,), ``image_basis`` (d_m, p),
    ``audio_mean`` (d_a,), ``audio_basis`` (d_a, q), ``group_of`` (K, G).
    """

    image_mean: Tensor
    image_basis: Tensor
    audio_mean: Tensor
    audio_basis: Tensor
    group_of: Tensor

    def __init__(self, config: SoundingConfig) -> None:
        super().__init__()
        c = self.config = config
        self.register_buffer("image_mean", torch.zeros(c.d_m))
        self.register_buffer("image_basis", torch.zeros(c.d_m, c.image_components))
        self.register_buffer("audio_mean", torch.zeros(c.d_a))
        self.register_buffer("audio_basis", torch.zeros(c.d_a, c.audio_components))
        self.register_buffer("group_of", torch.zeros(c.classes, c.groups))
        image, audio = 2 * c.image_components, c.audio_components
        self.mask_tower = nn.Linear(image + c.mask_classes, c.shared)
        self.audio_tower = nn.Linear(audio + c.classes, c.shared)
        self.scale = nn.Parameter(torch.tensor(2.5))
        self.embed_evidence = nn.Sequential(
            nn.Linear(GEOMETRY + c.mask_cues + c.evidence, c.width), nn.GELU(), nn.Linear(c.width, c.width)
        )
        self.embed_mask = nn.Linear(image, c.width, bias=False)
        self.embed_audio = nn.Sequential(
            nn.Linear(c.audio_cues + audio, c.width), nn.GELU(), nn.Linear(c.width, c.width)
        )
        self.null_token = nn.Parameter(torch.randn(c.width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            *(c.width, c.heads, 2 * c.width, c.dropout), activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, c.depth, enable_nested_tensor=False)
        self.mask_logit, self.null_logit = nn.Linear(c.width, 1), nn.Linear(c.width, 1)
        self.evidence_logit = nn.Linear(c.evidence, 1)
        nn.init.constant_(self.mask_logit.bias, -1.0)

    def forward(self, inputs: SoundingInputs) -> SoundingOutputs:
        """Return the logits of every mask and of "nothing here sounds"."""
        views = [project(part, self.image_mean, self.image_basis) for part in (inputs.local, inputs.context)]
        image = self._dropped(torch.cat(views, -1))
        audio = self._dropped(project(inputs.audio, self.audio_mean, self.audio_basis))
        masks = functional.normalize(
            self.mask_tower(torch.cat([image, scaled_log(inputs.image_probabilities)], -1)), dim=-1
        )
        clip = functional.normalize(
            self.audio_tower(torch.cat([audio, scaled_log(inputs.audio_probabilities)], -1)), dim=-1
        )
        cosine = (masks * clip[:, None]).sum(-1)
        compare = self._class_evidence if self.config.classes else self._evidence
        evidence, mask_cues, audio_cues = compare(inputs, cosine)
        tokens = self.embed_evidence(torch.cat([inputs.geometry, mask_cues, evidence], -1))
        context = self.embed_audio(torch.cat([audio_cues, 0.5 * audio], -1))
        tokens = tokens + 0.3 * self.embed_mask(image) + 0.5 * context[:, None]
        sequence = torch.cat([(context + self.null_token)[:, None], tokens], 1)
        hidden = self.encoder(sequence, src_key_padding_mask=functional.pad(inputs.padding, (1, 0)))
        logits = (self.mask_logit(hidden[:, 1:]) + self.evidence_logit(evidence))[..., 0]
        return SoundingOutputs(
            logits.masked_fill(inputs.padding, PADDED_LOGIT),
            self.null_logit(hidden[:, 0])[:, 0],
            masks,
            clip,
        )

    def _evidence(self, inputs: SoundingInputs, cosine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Evidence of a match (B, N, CLASSLESS_EVIDENCE); no cues of masks (B, N, 0) and of audio (B, 0)."""
        similarity = inputs.similarity
        lead = similarity - similarity.masked_fill(inputs.padding, -9).amax(1, keepdim=True)
        evidence = torch.stack([lead, 3 * cosine, 3 * similarity], -1)
        return evidence, similarity.new_zeros(*similarity.shape, 0), similarity.new_zeros(len(similarity), 0)

    def _class_evidence(self, inputs: SoundingInputs, cosine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Evidence of a match (B, N, EVIDENCE), cues of masks (B, N, G + 1) and of audio (B, G + 3)."""
        image, audio = inputs.image_probabilities[..., :-1], inputs.audio_probabilities
        joint = scaled_log((image * audio[:, None]).sum(-1))
        image_groups = image @ self.group_of
        audio_groups = (audio[..., None] * self.group_of).amax(1)
        groups = scaled_log((image_groups * audio_groups[:, None]).sum(-1))
        best_class = scaled_log(torch.minimum(image, audio[:, None]).amax(-1))
        lead = joint - joint.masked_fill(inputs.padding, -9).amax(1, keepdim=True)
        evidence = torch.stack([joint, groups, best_class, lead, 3 * cosine, 3 * inputs.similarity], -1)
        mask_cues = torch.cat([image_groups, image.sum(-1, keepdim=True)], -1)
        loudest = audio.amax(-1, keepdim=True)
        return evidence, mask_cues, scaled_log(torch.cat([audio_groups, loudest, inputs.cues], -1))

    def _dropped(self, values: Tensor) -> Tensor:
        return functional.dropout(values, self.config.dropout, self.training)


def project(embeddings: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """Return the PCA projection (..., p) of embeddings (..., d), with values of the order of 1."""
    return pca_project(embeddings, mean, basis) * math.sqrt(basis.shape[1])


def scaled_log(probabilities: Tensor) -> Tensor:
    """Return the logarithm of probabilities, from -1.3 for 0 to 1 for 1."""
    return torch.log(probabilities.clamp_min(0) + FLOOR) / 3 + 1


def mask_geometry(boxes: Tensor, area: Tensor, scores: Tensor, height: int, width: int) -> Tensor:
    """Return objectness, area, position, size, contact with the border and rank of masks: (..., N, 8).

    Args:
        boxes: (..., N, 4) float32 xyxy in pixels.
        area: (..., N) float32 share of the frame.
        scores: (..., N) float32 objectness, best first.
        height: of the frames in pixels.
        width: of the frames in pixels.
    """
    left, top, right, bottom = (boxes / boxes.new_tensor([width, height, width, height])).unbind(-1)
    border = sum(side.float() for side in (left < 0.01, top < 0.01, right > 0.99, bottom > 0.99))
    rank = (torch.arange(boxes.shape[-2], dtype=torch.float32, device=boxes.device) / 20).expand_as(area)
    return torch.stack(
        [
            *(2 * scores - 1, torch.log(area + 1e-4) / 3 + 1, left + right - 1, top + bottom - 1),
            *(2 * (right - left) - 1, 2 * (bottom - top) - 1, torch.as_tensor(border) / 2 - 1, rank - 0.5),
        ],
        -1,
    ).float()
