"""Scenes of two or three cut-outs, one of which sounds; exact masks isolate errors of the association."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recipes.common.composites.clips import render_single_source
from recipes.common.composites.media import Media
from seac.core.types import AudioFeatures
from seac.encoders.audio import windows
from seac.encoders.base import AudioEncoder
from seac.media.decode import SAMPLE_RATE
from seac.media.resample import resample
from seac.segment.ops import boxes_of

SECONDS = 5
MIN_PIXELS = 20
"""Minimum number of visible pixels of a cut-out."""


@dataclass(frozen=True)
class ChoiceScene:
    """A composite with one sounding cut-out: the first mask.

    Attributes:
        image: (3, H, W) uint8.
        masks: (N, H, W) bool, N = 2 or 3; hidden cut-outs are left out.
        boxes: (N, 4) float xyxy.
        waveform: (S,) float32 at 16 kHz.
        name: class of the sounding cut-out.
        others: classes of the other masks; ``SILENT`` for objects without a recording.
    """

    image: Tensor
    masks: Tensor
    boxes: Tensor
    waveform: Tensor
    name: str
    others: tuple[str, ...]


def render_choice_scenes(media: Media, count: int, seed: int) -> Iterator[ChoiceScene]:
    """Render composites that cycle through the classes, with alternately one and two distractors."""
    rng = np.random.default_rng(seed)
    rendered = 0
    while rendered < count:
        name = media.classes[rendered % len(media.classes)]
        clip = render_single_source(rng, media, name, 1 + rendered % 2, 1, SECONDS)
        (scene,) = clip.frames
        masks = scene.masks()
        kept = [index for index, mask in enumerate(masks) if mask.sum() > MIN_PIXELS]
        if 0 not in kept or len(kept) < 2:
            continue
        rendered += 1
        visible = torch.from_numpy(masks[kept])
        yield ChoiceScene(
            torch.from_numpy(scene.image).permute(2, 0, 1),
            visible,
            boxes_of(visible),
            torch.from_numpy(clip.waveform),
            name,
            tuple(scene.class_names[index] for index in kept[1:]),
        )


def encode_windows(encoder: AudioEncoder, waveform: Tensor) -> AudioFeatures:
    """Encode all windows of a waveform (S,) at 16 kHz."""
    return windows.encode_windows(resample(waveform, SAMPLE_RATE, encoder.sample_rate).float(), encoder)
