"""Embeddings of high-resolution crops of objects in composites, computed once, in shards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from recipes.common.scenes import Composer, match_owners, perturb_masks
from seac.associate.embed import high_resolution_crops
from seac.associate.views import ViewSettings
from seac.encoders.vision.efficientnet_lite import EfficientNetLite
from seac.presets.table import PRESETS
from seac.segment.ops import boxes_of

SCENES_PER_SHARD = 100
PERTURBED_SHARE = 0.6
"""Share of scenes whose masks are perturbed like the masks of a segmenter."""
VIEWS: ViewSettings = PRESETS["tiny"].views


@dataclass(frozen=True)
class CropRenderer:
    """Renders scenes and encodes the high-resolution crops of their objects."""

    composer: Composer
    vision: EfficientNetLite

    def shard(self, seed: int, number: int) -> dict[str, Any]:
        """Embeddings (M, d) of the objects of ``SCENES_PER_SHARD`` scenes, with classes and cut-outs."""
        rng = np.random.default_rng((seed, 4, number))
        embeddings, classes, files = [], [], []
        for row in range(SCENES_PER_SHARD):
            name = self.composer.names[(number * SCENES_PER_SHARD + row) % len(self.composer.names)]
            scene = self.composer(rng, name)
            masks = perturb_masks(rng, scene) if rng.random() < PERTURBED_SHARE else scene.masks()
            owner = match_owners(masks, scene)
            object_masks = torch.from_numpy(masks[owner >= 0])
            if len(object_masks) == 0:
                continue
            image = torch.from_numpy(scene.image.copy()).permute(2, 0, 1)
            crop = high_resolution_crops(image, object_masks, boxes_of(object_masks), self.vision, VIEWS)
            embeddings.append(crop.local.half().numpy())
            classes += [scene.class_names[index] for index in owner[owner >= 0]]
            files += [scene.files[index] for index in owner[owner >= 0]]
        return {
            "embeddings": np.concatenate(embeddings),
            "classes": np.array(json.dumps(classes)),
            "files": np.array(json.dumps(files)),
        }
