"""The training store of one side: encoded frames and clips, with class probabilities by the class heads.

Class heads are more certain of samples that they were trained on. So the sounding head is trained on the
probabilities of heads of the other half of the pictures and recordings, and works with heads of both halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recipes.sounding.class_heads import mask_sources, train_audio_head, train_image_head
from recipes.sounding.frames import UNKNOWN, UNMATCHED, FrameFeatures
from recipes.sounding.recordings import Clips
from recipes.sounding.scenes import EncodedClips, EncodedFrames, audible_sources_of
from seac.associate.zero_shot import ZeroShot
from seac.decision.sounding_head import CUES
from seac.encoders.class_heads import ClassHead
from seac.encoders.labels.descriptions import audioset_names, imagenet_names
from seac.encoders.labels.sound_sources import membership, sound_sources, source_names
from seac.encoders.vision.efficientnet_lite import EfficientNetLite

CHUNK = 4096
NATURE_PROBABILITY, NATURE_CERTAIN = 0.05, 0.3
"""Probability of the image encoder's classes of nature from which a mask is no negative; from which it is a
sample of its class."""
HALVES = (0, 1)


@dataclass(frozen=True)
class Store:
    """Encoded frames and clips before any class head.

    Attributes:
        frames: encoded frames.
        clips: encoded clips.
        vision: the image encoder, for class probabilities of embeddings.
        zero_shot: the association in text space.
    """

    frames: Sequence[FrameFeatures]
    clips: Clips
    vision: EfficientNetLite
    zero_shot: ZeroShot

    def mask_embeddings(self) -> Tensor:
        """Local embeddings of the masks of all frames: (M, d_m) float32."""
        return torch.from_numpy(np.concatenate([frame.local for frame in self.frames])).float()

    def image_classes(self, embeddings: Tensor) -> Tensor:
        """Class probabilities (n, C) of embeddings (n, d_m)."""
        return torch.cat(
            [self.vision.class_probabilities(part) for part in torch.split(embeddings, CHUNK)]
        ).clone()

    def mask_halves(self) -> Tensor:
        """Half (0 or 1) of each mask, by the name of its frame: (M,) int64."""
        return torch.tensor([half_of(frame.name) for frame in self.frames for _ in range(len(frame))])

    def clip_halves(self) -> Tensor:
        """Half (0 or 1) of each clip, by its recording: (n,) int64."""
        return torch.tensor([half_of(recording) for recording in self.clips.recordings])

    def train_image_head(self, keep: Tensor, seed: int) -> ClassHead:
        """Train the image head on the masks ``keep`` (M,) bool."""
        found = [mask_sources(frame) for frame in self.frames]
        sources, weight = (torch.cat(part) for part in zip(*found, strict=True))
        sources = self._mark_nature(sources)
        chosen = keep & (sources != UNKNOWN)
        embeddings = self.mask_embeddings()[chosen]
        classes = self.image_classes(embeddings)
        return train_image_head(embeddings, classes, sources[chosen], weight[chosen], seed)

    def _mark_nature(self, sources: Tensor) -> Tensor:
        """Sources (M,) in which masks of water and fire, which photographs do not mark, have their source.

        The image encoder's own classes tell them; where they are unsure, the mask is left out.
        """
        members = membership(imagenet_names())
        assert members is not None
        nature = torch.tensor([source.group == "nature" for source in sound_sources()])
        evidence = self.image_classes(self.mask_embeddings()) @ members * nature
        best, source = evidence.max(1)
        unmarked = (sources == UNMATCHED) | (sources == UNKNOWN)
        possible = (sources == UNMATCHED) & (evidence.sum(1) > NATURE_PROBABILITY)
        sources = torch.where(possible, UNKNOWN, sources)
        return torch.where(unmarked & (best > NATURE_CERTAIN), source, sources)

    def train_audio_head(self, keep: Tensor, male: Tensor, seed: int) -> ClassHead:
        """Train the audio head on the clips ``keep`` (n,) bool, with the logits ``male`` (n,) of voices."""
        rows = keep.nonzero()[:, 0]
        recordings = [self.clips.recordings[row] for row in rows.tolist()]
        embeddings, classes = (
            self.clips.embeddings[rows].float(),
            self.clips.class_probabilities[rows].float(),
        )
        audible = split_voices(audible_sources_of(self.clips), male > 0)
        return train_audio_head(embeddings, classes, audible[rows], male[rows], recordings, seed)

    def image_probabilities(self, heads: Sequence[ClassHead]) -> Tensor:
        """Class probabilities (M, K + 1) of all masks; of two heads, head ``h`` is applied to half ``h``."""
        embeddings, which = self.mask_embeddings(), self.mask_halves() * (len(heads) > 1)
        return apply_heads(heads, embeddings, self.image_classes(embeddings), which)

    def audio_probabilities(self, heads: Sequence[ClassHead]) -> Tensor:
        """Class probabilities (n, K) of all clips; of two heads, head ``h`` is applied to half ``h``."""
        which = self.clip_halves() * (len(heads) > 1)
        return apply_heads(
            heads, self.clips.embeddings.float(), self.clips.class_probabilities.float(), which
        )

    def encoded(
        self, image_heads: Sequence[ClassHead], audio_heads: Sequence[ClassHead]
    ) -> tuple[EncodedFrames, EncodedClips]:
        """Frames and clips as the sounding head takes them."""
        lengths = [len(frame) for frame in self.frames]
        probabilities = torch.split(self.image_probabilities(image_heads), lengths)
        frames = EncodedFrames(self.frames, probabilities, torch.split(self._mask_text(), lengths))
        classes = self.clips.class_probabilities.float()
        cues = classes[:, [audioset_names().index(name) for name in CUES]]
        audible = audible_sources_of(self.clips)
        audio = self.audio_probabilities(audio_heads)
        text = torch.cat(
            [self.zero_shot.audio_mapping.to_text_space(part) for part in torch.split(classes, CHUNK)]
        )
        return frames, EncodedClips(self.clips, audio, cues, text, audible)

    def _mask_text(self) -> Tensor:
        """Text-space embeddings (M, t) of all masks."""
        context = torch.from_numpy(np.concatenate([frame.context for frame in self.frames])).float()
        lam, mapping = self.zero_shot.settings.lam, self.zero_shot.image_mapping
        pairs = zip(torch.split(self.mask_embeddings(), CHUNK), torch.split(context, CHUNK), strict=True)
        return torch.cat(
            [
                mapping.to_text_space(torch.lerp(self.image_classes(far), self.image_classes(near), lam))
                for near, far in pairs
            ]
        )


def split_voices(audible: Tensor, male: Tensor) -> Tensor:
    """Sources (n, K) of clips, with "man" or "woman" for clips of both, by ``male`` (n,) bool."""
    man, woman = (source_names().index(name) for name in ("man", "woman"))
    both = audible[:, man] & audible[:, woman]
    split = audible.clone()
    split[both & ~male, man] = False
    split[both & male, woman] = False
    return split


def half_of(name: str) -> int:
    """Half of a picture or a recording, 0 or 1, by its name."""
    return sum(name.encode()) % 2


def apply_heads(heads: Sequence[ClassHead], embeddings: Tensor, classes: Tensor, which: Tensor) -> Tensor:
    """Probabilities of rows (n, d) and (n, C) by head ``which`` (n,) of each."""
    columns = heads[0].classify.out_features
    found = torch.zeros(len(embeddings), columns)
    for number, head in enumerate(heads):
        for rows in torch.split((which == number).nonzero()[:, 0], CHUNK):
            found[rows] = head.probabilities(embeddings[rows], classes[rows])
    return found
