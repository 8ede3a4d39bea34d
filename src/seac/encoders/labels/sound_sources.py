"""Sound sources: the classes that images and audio share, and how encoder classes map to them.

A source is a visible thing that makes sound ("dog", "violin") or a group of such things ("animal"). The table
``assets/sound_sources.tsv`` lists, for each source, its group, and the ImageNet and AudioSet classes that
belong to it. It replaces text similarity where the classes of both encoders are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from seac.encoders.labels.descriptions import audioset_names, imagenet_names, rows_of

FILE = "sound_sources.tsv"
NONE = "-"


@dataclass(frozen=True)
class SoundSource:
    """A row of the table.

    Attributes:
        name: plain name, as in the default vocabulary.
        group: name of the group, such as "animal".
        image_classes: indices of its ImageNet classes.
        audio_classes: indices of its AudioSet classes, in the order of ``audioset_names()``.
        photograph_classes: class names in annotations of photographs.
    """

    name: str
    group: str
    image_classes: tuple[int, ...]
    audio_classes: tuple[int, ...]
    photograph_classes: tuple[str, ...]


@lru_cache(maxsize=1)
def sound_sources() -> tuple[SoundSource, ...]:
    """Return all K sources in the order of the table."""
    return tuple(
        SoundSource(
            name,
            group,
            expand(image),
            expand(audio),
            () if photographs == NONE else tuple(photographs.split(",")),
        )
        for name, group, image, audio, photographs in rows_of(FILE)
    )


def expand(ranges: str) -> tuple[int, ...]:
    """Return the numbers of a list of closed ranges such as "3,7-9"; "-" is empty."""
    if ranges == NONE:
        return ()
    bounds = [[int(bound) for bound in part.split("-")] for part in ranges.split(",")]
    return tuple(number for bound in bounds for number in range(bound[0], bound[-1] + 1))


def source_names() -> tuple[str, ...]:
    """Return the names of all sources."""
    return tuple(source.name for source in sound_sources())


def group_names() -> tuple[str, ...]:
    """Return the names of the groups, sorted."""
    return tuple(sorted({source.group for source in sound_sources()}))


def group_matrix() -> Tensor:
    """Return which source belongs to which group: (K, G) float32, 0 or 1."""
    groups = group_names()
    matrix = torch.zeros(len(sound_sources()), len(groups))
    for row, source in enumerate(sound_sources()):
        matrix[row, groups.index(source.group)] = 1
    return matrix


def membership(labels: tuple[str, ...]) -> Tensor | None:
    """Return which encoder class belongs to which source: (C, K) float32, 0 or 1.

    Args:
        labels: class names of an encoder.

    Returns:
        The matrix, or None for labels other than ImageNet's and AudioSet's.
    """
    if labels == imagenet_names():
        field = "image_classes"
    elif labels == audioset_names():
        field = "audio_classes"
    else:
        return None
    matrix = torch.zeros(len(labels), len(sound_sources()))
    for column, source in enumerate(sound_sources()):
        matrix[list(getattr(source, field)), column] = 1
    return matrix
