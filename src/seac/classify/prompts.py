"""Prompt templates for the text embedding of class names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

TEMPLATES = (
    "a photo of a {}.",
    "a picture of one {}.",
    "a close view of a {}.",
    "a {} seen from far away.",
    "a sharp photo of a {}.",
    "a blurred photo of a {}.",
    "a dark picture of a {}.",
    "a bright picture of a {}.",
    "a black and white photo of a {}.",
    "a {} in front of a plain wall.",
    "a {} outdoors.",
    "a {} inside a room.",
    "a cropped photo of a {}.",
    "part of a {}, close up.",
    "a large {}.",
    "a small {}.",
    "an old {}.",
    "a new {}.",
    "a {} that makes a sound.",
    "a video frame that shows a {}.",
    "several of them: {}.",
    "a drawing of a {}.",
    "a snapshot of my {}.",
    "the {} in the middle of the picture.",
    "a {} half hidden behind something.",
    "a {}.",
)


class MeanEncoder(Protocol):
    """A text encoder that averages the embeddings of groups of sentences, some of which may be cached."""

    def means(self, groups: Sequence[Sequence[str]]) -> Tensor:
        """Mean embedding of unit length of every group of sentences: (n, dim)."""
        ...


def sentences(name: str) -> tuple[str, ...]:
    """Insert a class name into every template."""
    return tuple(template.format(name) for template in TEMPLATES)


def class_embeddings(names: Sequence[str], encoder: MeanEncoder) -> Tensor:
    """Text embeddings of class names, averaged over the templates: (K, dim) of unit length."""
    return encoder.means([sentences(name) for name in names])
