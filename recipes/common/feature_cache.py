"""Cached features of composites (:mod:`recipes.common.scene_features`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

GROUND = "_ground"
"""Class name of a mask without an object."""
Rows = NDArray[np.int64]


def shards(folder: Path) -> list[dict[str, Any]]:
    """Read all completed shards of a folder."""
    found = []
    for path in sorted(folder.glob("?????.npz")):
        with np.load(path) as opened:
            found.append({name: opened[name] for name in opened.files})
    return found


def read_mask_names(part: Mapping[str, Any], what: str) -> list[str | None]:
    """The class ("classes") or cut-out ("files") of each mask in a shard of scenes; None without object."""
    named = json.loads(str(part[what]))
    return [
        named[scene][owner] if owner >= 0 else None
        for scene, owner in zip(part["scene"].tolist(), part["owner"].tolist(), strict=True)
    ]


def load_clips(*folders: Path) -> tuple[Tensor, tuple[tuple[str, ...], ...]]:
    """Window embeddings (K, W, d_a) float16 of all cached clips, and the classes of each clip."""
    parts = [part for folder in folders for part in shards(folder)]
    classes = tuple(tuple(names) for part in parts for names in json.loads(str(part["classes"])))
    return torch.from_numpy(np.concatenate([part["windows"] for part in parts])), classes


def single_class_clips(clip_classes: Sequence[Sequence[str]]) -> dict[str, Rows]:
    """Indices of the clips of one class, by class."""
    return group_indices([names[0] if len(names) == 1 else "" for names in clip_classes])


def group_indices(names: Sequence[str]) -> dict[str, Rows]:
    """Indices of each distinct name."""
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        found.setdefault(name, []).append(index)
    return {name: np.array(where) for name, where in found.items()}
