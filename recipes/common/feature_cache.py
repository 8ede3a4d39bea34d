"""Cached features of composites (:mod:`recipes.common.scene_features`), loaded into memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.core.types import AudioFeatures, MaskEmbeddings

GROUND = "_ground"
"""Class name of a mask without an object."""
Rows = NDArray[np.int64]
CHUNK = 2048


@dataclass(frozen=True)
class FrozenClassifiers:
    """Functions from frozen embeddings (n, d) to class probabilities (n, C), by modality."""

    image: Callable[[Tensor], Tensor]
    audio: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class FeatureCache:
    """Masks of all cached scenes and windows of all cached recordings, float16.

    Attributes:
        masks: embeddings of both views of M masks, with class probabilities.
        mask_classes: class of the object of each mask, GROUND for none.
        scene: (M,) int64, index of the scene of each mask.
        windows: (K, W, d_a) window embeddings of K recordings.
        window_probabilities: (K, W, D) class probabilities.
        clip_classes: class of each recording.
        waveforms: waveform of each recording, (S,) int16.
    """

    masks: MaskEmbeddings
    mask_classes: tuple[str, ...]
    scene: Tensor
    windows: Tensor
    window_probabilities: Tensor
    clip_classes: tuple[str, ...]
    waveforms: Sequence[Tensor]

    def audio(self, clip: int) -> AudioFeatures:
        """The features of a recording, float32."""
        return AudioFeatures(self.windows[clip].float(), self.window_probabilities[clip].float())

    def mask_embeddings(self, masks: Sequence[int]) -> MaskEmbeddings:
        """The embeddings of the masks with these indices, float32."""
        some = self.masks.at(torch.tensor(masks))
        local_probabilities, context_probabilities = (
            None if part is None else part.float()
            for part in (some.local_probabilities, some.context_probabilities)
        )
        return MaskEmbeddings(
            some.local.float(), some.context.float(), local_probabilities, context_probabilities
        )

    def classes(self) -> list[str]:
        """Classes with masks and recordings, sorted."""
        return sorted(set(self.clip_classes) & set(self.mask_classes))

    def masks_by_scene(self) -> list[list[int]]:
        """Indices of the masks of each scene."""
        members: list[list[int]] = [[] for _ in range(int(self.scene.max()) + 1)]
        for mask, scene in enumerate(self.scene.tolist()):
            members[scene].append(mask)
        return members


class Waveforms(Sequence[Tensor]):
    """Memory-mapped waveforms (S,) int16 of the shards of a folder.

    Args:
        folder: folder of recordings.
    """

    def __init__(self, folder: Path) -> None:
        self._shards = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("?????.waveforms.npy"))]
        self._ends = np.cumsum([len(shard) for shard in self._shards])

    def __len__(self) -> int:
        return int(self._ends[-1]) if self._shards else 0

    def __getitem__(self, clip: Any) -> Any:
        """The waveform of a recording (S,) int16."""
        shard = int(np.searchsorted(self._ends, clip, side="right"))
        first = int(self._ends[shard]) - len(self._shards[shard])
        return torch.from_numpy(np.array(self._shards[shard][clip - first]))


def load_feature_cache(
    scenes_folder: Path, recordings_folder: Path, classifiers: FrozenClassifiers
) -> FeatureCache:
    """Load all cached scenes and recordings of one class, with class probabilities."""
    parts = shards(scenes_folder)
    local, context = (
        torch.from_numpy(np.concatenate([part[name] for part in parts])) for name in ("local", "context")
    )
    mask_classes: list[str] = []
    scenes, offset = [], 0
    for part in parts:
        mask_classes += [GROUND if name is None else name for name in read_mask_names(part, "classes")]
        scenes.append(torch.from_numpy(part["scene"]).long() + offset)
        offset += len(json.loads(str(part["classes"])))
    windows, clip_classes = load_clips(recordings_folder)
    window_probabilities = classify(classifiers.audio, windows.flatten(0, 1)).view(*windows.shape[:2], -1)
    return FeatureCache(
        MaskEmbeddings(
            local, context, classify(classifiers.image, local), classify(classifiers.image, context)
        ),
        tuple(mask_classes),
        torch.cat(scenes),
        windows,
        window_probabilities,
        tuple(names[0] for names in clip_classes),
        Waveforms(recordings_folder),
    )


@torch.inference_mode()
def classify(classifier: Callable[[Tensor], Tensor], embeddings: Tensor) -> Tensor:
    """Class probabilities (n, C) float16 of embeddings (n, d), in chunks of bounded memory."""
    return torch.cat([classifier(part.float()).half() for part in torch.split(embeddings, CHUNK)])


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
