"""Features of training frames: proposals, their embeddings, and how well they fit the annotated instances.

Frames are photographs with instances or labels, and composites of cut-outs. They are encoded once, in shards.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.associate.embed import embed_masks
from seac.decision.sounding_network import mask_geometry
from seac.pipeline import SeAC
from seac.segment.base import best_of

UNKNOWN, UNMATCHED = -1, -2
"""Source of an instance whose class is no sound source; of a mask without an instance."""


@dataclass(frozen=True)
class Instance:
    """An annotated object.

    Attributes:
        mask: (H, W) bool; the whole box if only the box is known.
        source: index of its sound source, UNKNOWN for another class.
        crowd: whether it is a group that training leaves out.
    """

    mask: Tensor
    source: int
    crowd: bool = False


@dataclass(frozen=True)
class AnnotatedFrame:
    """A frame before encoding.

    Attributes:
        name: identifies the original picture; frames of one name are on one side of a split.
        image: (3, H, W) uint8.
        instances: annotated objects.
        label: source of the whole picture where no object is annotated, else UNKNOWN.
        complete: whether every object of the annotated classes is among the instances.
    """

    name: str
    image: Tensor
    instances: tuple[Instance, ...]
    label: int
    complete: bool


@dataclass(frozen=True)
class FrameFeatures:
    """An encoded frame with N masks and I instances.

    Attributes:
        name: see :class:`AnnotatedFrame`.
        local: (N, d_m) float16 embeddings of the local views.
        context: (N, d_m) float16 embeddings of the global views.
        geometry: (N, 8) float32.
        iou: (N, I) float32 of masks and instances.
        inside: (N, I) float32 share of the mask inside the instance.
        sources: (I,) int64 source of each instance.
        crowd: (I,) bool.
        label: see :class:`AnnotatedFrame`.
        complete: see :class:`AnnotatedFrame`.
    """

    name: str
    local: NDArray[np.float16]
    context: NDArray[np.float16]
    geometry: NDArray[np.float32]
    iou: NDArray[np.float32]
    inside: NDArray[np.float32]
    sources: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    label: int
    complete: bool

    def __len__(self) -> int:
        return len(self.geometry)


def encode_frame(model: SeAC, frame: AnnotatedFrame) -> FrameFeatures:
    """Encode a frame as the pipeline does, and compare its masks with the instances."""
    settings = model.settings
    proposals = best_of(model.stages.segmenter, frame.image, settings.top_n)
    embeddings = embed_masks(
        *(frame.image, proposals.masks, proposals.boxes, model.stages.vision, settings.views),
        exact=settings.exact,
    )
    height, width = frame.image.shape[-2:]
    masks = proposals.masks.flatten(1).float()
    area = masks.sum(1)
    truth = torch.zeros(len(frame.instances), height * width)
    for row, instance in zip(truth, frame.instances, strict=True):
        row.copy_(instance.mask.flatten())
    joint = masks @ truth.T
    union = area[:, None] + truth.sum(1) - joint
    geometry = mask_geometry(proposals.boxes, area / (height * width), proposals.scores, height, width)
    return FrameFeatures(
        frame.name,
        embeddings.local.half().numpy(),
        embeddings.context.half().numpy(),
        geometry.numpy(),
        (joint / union.clamp_min(1)).numpy(),
        (joint / area.clamp_min(1)[:, None]).numpy(),
        np.array([instance.source for instance in frame.instances], np.int64),
        np.array([instance.crowd for instance in frame.instances], bool),
        frame.label,
        frame.complete,
    )


def write_shard(path: Path, features: Iterable[FrameFeatures]) -> None:
    """Write encoded frames atomically: the rows of all frames one after another."""
    frames = list(features)
    arrays: dict[str, NDArray[Any]] = {
        name: np.concatenate([getattr(frame, name) for frame in frames])
        for name in ("local", "context", "geometry", "sources", "crowd")
    }
    for name in ("iou", "inside"):
        arrays[name] = np.concatenate([getattr(frame, name).ravel() for frame in frames])
    header = [
        {
            "name": frame.name,
            "masks": len(frame),
            "instances": len(frame.sources),
            "label": frame.label,
            "complete": frame.complete,
        }
        for frame in frames
    ]
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]
    temporary.replace(path)


def read_shard(path: Path) -> Iterator[FrameFeatures]:
    """Yield the frames of a shard; a damaged shard raises ``zipfile.BadZipFile``."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    mask = instance = pair = 0
    for entry in json.loads(str(arrays["header"])):
        masks, instances = entry["masks"], entry["instances"]
        of_masks, of_instances = slice(mask, mask + masks), slice(instance, instance + instances)
        of_pairs = slice(pair, pair + masks * instances)
        yield FrameFeatures(
            name=entry["name"],
            local=arrays["local"][of_masks],
            context=arrays["context"][of_masks],
            geometry=arrays["geometry"][of_masks],
            iou=arrays["iou"][of_pairs].reshape(masks, instances),
            inside=arrays["inside"][of_pairs].reshape(masks, instances),
            sources=arrays["sources"][of_instances],
            crowd=arrays["crowd"][of_instances],
            label=entry["label"],
            complete=entry["complete"],
        )
        mask, instance, pair = of_masks.stop, of_instances.stop, of_pairs.stop


def is_complete(path: Path) -> bool:
    """Whether a shard is there and can be read."""
    return path.is_file() and zipfile.is_zipfile(path)


def read_frames(folder: Path) -> list[FrameFeatures]:
    """Read all shards of a folder in order."""
    return [frame for path in sorted(folder.glob("*.npz")) for frame in read_shard(path)]
