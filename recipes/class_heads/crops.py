"""What things of composites look like in the closer look that names them, made once: shards of embeddings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from recipes.common.class_heads.fit import VIEWS
from recipes.common.scene_features import boxes_of
from recipes.common.scenes import Composer, match_owners, perturb_masks
from seac.associate.embed import high_resolution_crops
from seac.encoders.vision.efficientnet_lite import EfficientNetLite

SCENES_PER_SHARD = 100
PERTURBED_SHARE = 0.6
"""Share of scenes whose masks are as rough as a network's."""


@dataclass(frozen=True)
class CropRenderer:
    """What looks: a library's composer, and the vision encoder."""

    composer: Composer
    vision: EfficientNetLite

    def shard(self, seed: int, number: int) -> dict[str, Any]:
        """Embeddings (M, d) of the things of ``SCENES_PER_SHARD`` scenes, and which cut-out each is."""
        rng = np.random.default_rng((seed, 4, number))
        embeddings, kinds, files = [], [], []
        for index in range(SCENES_PER_SHARD):
            name = self.composer.names[(number * SCENES_PER_SHARD + index) % len(self.composer.names)]
            scene = self.composer(rng, name)
            masks = perturb_masks(rng, scene) if rng.random() < PERTURBED_SHARE else scene.masks()
            owner = match_owners(masks, scene)
            shown = torch.from_numpy(masks[owner >= 0])
            if len(shown) == 0:
                continue
            image = torch.from_numpy(scene.image.copy()).permute(2, 0, 1)
            crop = high_resolution_crops(image, shown, boxes_of(shown), self.vision, VIEWS)
            embeddings.append(crop.local.half().numpy())
            kinds += [scene.kinds[thing] for thing in owner[owner >= 0]]
            files += [scene.files[thing] for thing in owner[owner >= 0]]
        return {
            "embeddings": np.concatenate(embeddings),
            "kinds": np.array(json.dumps(kinds)),
            "files": np.array(json.dumps(files)),
        }
