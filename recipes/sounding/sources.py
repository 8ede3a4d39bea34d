"""Sound sources that one can see when a recording of a class sounds, and sources of photographs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from recipes.sounding.frames import UNKNOWN
from seac.encoders.labels.sound_sources import sound_sources, source_names

TABLE = Path(__file__).with_name("recording_sources.tsv")
PREFIX_QUIET = "~"
"""Marks the class of a quiet background, which counts as audible but is no reason to expect its source."""


@lru_cache(maxsize=1)
def recording_sources() -> dict[str, tuple[int, ...]]:
    """Return the visible sources (indices) of each class of recordings; empty for a class without any."""
    index = {name: number for number, name in enumerate(source_names())}
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {
        name: tuple(index[source] for source in sources.split(",")) if sources else ()
        for name, sources in rows
    }


@lru_cache(maxsize=1)
def photograph_sources() -> dict[str, int]:
    """Return the source of each class of photographs."""
    found = {source.name.replace(" ", "_"): number for number, source in enumerate(sound_sources())}
    for number, source in enumerate(sound_sources()):
        found |= dict.fromkeys(source.photograph_classes, number)
    return found


def source_of(class_name: str | None) -> int:
    """Return the source of a class of photographs, UNKNOWN for None and for other classes."""
    return UNKNOWN if class_name is None else photograph_sources().get(class_name, UNKNOWN)


def audible_sources(classes: tuple[str, ...]) -> Tensor:
    """Return the sources that may sound in a clip with recordings of some classes: (K,) bool."""
    audible = torch.zeros(len(sound_sources()), dtype=torch.bool)
    for name in classes:
        audible[list(recording_sources().get(name.removeprefix(PREFIX_QUIET), ()))] = True
    return audible
