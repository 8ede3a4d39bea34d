"""Disk cache of text embeddings: a vocabulary in all its prompt templates is encoded only once."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from seac.encoders.base import TextEncoder
from seac.weights.cache import cache_folder


class VersionedText(TextEncoder, Protocol):
    """A text encoder whose ``version`` identifies its weights."""

    version: str


class CachedTextEncoder:
    """A text encoder with a disk cache: one file per query, keyed by the sentences and the weights.

    Args:
        encoder: encodes the queries that are not cached.
        folder: folder of the cache; None is ``text`` in seac's cache folder.
    """

    def __init__(self, encoder: VersionedText, folder: Path | None = None) -> None:
        self.encoder = encoder
        self.folder = folder or cache_folder() / "text"
        self.dim = encoder.dim
        self.version = encoder.version
        self.space = getattr(encoder, "space", encoder.version)

    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """Encode ``sentences`` to (n, dim) float32 of unit length; (0, dim) for none."""
        return self.means([(sentence,) for sentence in sentences])

    def means(self, groups: Sequence[Sequence[str]]) -> Tensor:
        """Return the mean embedding of every group: (n, dim) float32 of unit length, on the CPU."""
        if not groups:
            return torch.zeros(0, self.dim)
        path = self.folder / f"{self._key(groups)}.safetensors"
        cached = self._load(path, len(groups))
        if cached is not None:
            return cached
        vectors = self.encoder([sentence for group in groups for sentence in group])
        parts = torch.split(vectors, [len(group) for group in groups])
        means = functional.normalize(torch.stack([part.mean(0) for part in parts]), dim=1)
        self._save(path, means)
        return means

    def _key(self, groups: Sequence[Sequence[str]]) -> str:
        joined_text = "\x1e".join("\x1f".join(group) for group in groups)
        return hashlib.sha256(f"{self.version}\x1d{joined_text}".encode()).hexdigest()[:32]

    def _load(self, path: Path, count: int) -> Tensor | None:
        try:
            means = load_file(path)["means"]
        except (OSError, SafetensorError, KeyError):
            return None
        return means if means.shape == (count, self.dim) else None

    def _save(self, path: Path, means: Tensor) -> None:
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        # With a read-only cache, the sentences are encoded again on every start.
        with contextlib.suppress(OSError, SafetensorError):
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({"means": means.contiguous()}, temporary)
            temporary.replace(path)
