"""Training samples of the proposal network: an image, instance masks, weights of its negative locations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from recipes.common.object_scenes import Rng, Scene
from seac.segment.proposal_net.model import STRIDES

MIN_PIXELS = 48  # smaller visible parts are neither instances nor background


@dataclass(frozen=True)
class Sample:
    """A square image with instances.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        masks: (K, S, S) bool, the visible pixels of each instance; they may overlap.
        weights: (S, S) float32 in [0, 1], weight of the score loss of a location without an instance there.
    """

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    weights: NDArray[np.float32]


def sample_of_scene(scene: Scene) -> Sample:
    """A composite as a sample: all its instances are known, so every negative has the full weight."""
    masks = scene.owner[None] == np.arange(scene.count)[:, None, None]
    masks = masks[masks.sum((1, 2)) >= MIN_PIXELS]
    return Sample(scene.image, masks, np.ones(scene.owner.shape, np.float32))


@dataclass(frozen=True)
class CompositeSamples:
    """Draws composites as samples.

    Attributes:
        painter: renders the scenes.
    """

    painter: Callable[[Rng], Scene]

    def __call__(self, rng: Rng) -> Sample:
        """Draw a sample."""
        return sample_of_scene(self.painter(rng))


def coverage(masks: NDArray[np.bool_], stride: int) -> Tensor:
    """Coverage of masks (K, S, S) at a stride: (K, S / stride, S / stride) float32 in [0, 1]."""
    side = masks.shape[-1] // stride
    if len(masks) == 0:
        return torch.zeros(0, side, side)
    return F.avg_pool2d(torch.from_numpy(masks).float()[None], stride)[0]


def location_weights(weights: NDArray[np.float32]) -> Tensor:
    """Mean weight (L,) of the cell of each location, all levels concatenated."""
    full = torch.from_numpy(weights)[None]
    return torch.cat([F.avg_pool2d(full, stride).flatten() for stride in STRIDES])


def stack_images(samples: list[Sample]) -> Tensor:
    """Images of samples: (B, 3, S, S) uint8."""
    return torch.from_numpy(np.stack([each.image for each in samples])).permute(0, 3, 1, 2)


def draw_samples(source: Callable[[Rng], Sample], size: int, seed: int, step: int) -> list[Sample]:
    """The samples of a step; a function of seed and step."""
    rng = np.random.default_rng((seed, step))
    return [source(rng) for _ in range(size)]
