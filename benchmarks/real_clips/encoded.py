"""Encoded images, kept on disk between runs while nothing that makes them changes."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from pathlib import Path

import torch
from torch import Tensor

import seac
from seac.core.types import EncodedImage, version_of
from seac.pipeline import SeAC

SOURCES = (
    *("segment/**/*.py", "encoders/**/*.py", "media/**/*.py"),
    *("associate/views.py", "associate/embed.py", "core/types.py", "pipeline.py"),
)
"""Files of ``seac`` whose code makes an encoded image."""
SETTINGS = ("top_n", "exact", "views", "max_side")
"""Settings that it depends on."""


class EncodedImages:
    """Encodes images with a model.

    Args:
        model: any preset.
        folder: where encoded images are kept; None keeps none. Weights, settings and code that make an
            encoded image are part of the name of its file, so a change of any of them encodes it again.
    """

    def __init__(self, model: SeAC, folder: Path | None) -> None:
        self._model, self._folder = model, folder
        self._maker = "" if folder is None else fingerprint(model)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def encode(self, image: Tensor, original_size: tuple[int, int]) -> EncodedImage:
        """``model.encode_image`` of an image (3, H, W) uint8."""
        if self._folder is None:
            return self._model.encode_image(image, original_size)
        pixels = hashlib.sha256(image.contiguous().numpy().tobytes()).hexdigest()
        path = self._folder / f"{self._maker[:16]}-{pixels[:24]}.pt.z"
        if path.is_file():
            packed = io.BytesIO(zlib.decompress(path.read_bytes()))
            kept: EncodedImage = torch.load(packed, weights_only=False)
            return kept
        encoded = self._model.encode_image(image, original_size)
        buffer = io.BytesIO()
        torch.save(encoded, buffer)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(zlib.compress(buffer.getvalue(), 1))
        temporary.replace(path)
        return encoded


def fingerprint(model: SeAC) -> str:
    """Hash of the weights, settings and code that make an encoded image; the decision is no part of them."""
    stages, root = model.stages, Path(seac.__file__).parent
    parts = [version_of(part) for part in (stages.segmenter, stages.vision, stages.to_text_space)]
    parts += [repr(getattr(model.settings, name)) for name in SETTINGS]
    for path in sorted(file for pattern in SOURCES for file in root.glob(pattern)):
        parts.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
