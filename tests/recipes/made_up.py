"""A library of cut-outs and recordings that is made in a moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

TONES = {"bell": 900, "drum": 120}
"""Hertz of the kinds that sound."""


def write_library(folder: Path, colours: Mapping[str, tuple[int, int, int]]) -> Path:
    """A disc of its colour for each kind, a grey ground, and a tone for each of :data:`TONES`."""
    rows, columns = np.mgrid[:60, :60]
    disc = ((rows - 30) ** 2 + (columns - 30) ** 2 < 28**2) * 255
    for name, colour in colours.items():
        (folder / "pictures" / name).mkdir(parents=True)
        layer = np.dstack([np.full((60, 60), value) for value in colour] + [disc]).astype(np.uint8)
        Image.fromarray(layer).save(folder / "pictures" / name / "a.png")
    (folder / "grounds").mkdir()
    Image.new("RGB", (300, 300), (128, 128, 128)).save(folder / "grounds" / "a.jpg")
    for name, hertz in TONES.items():
        (folder / "sounds" / name).mkdir(parents=True)
        tone = np.sin(2 * np.pi * hertz * np.arange(8_000) / 16_000) * 20_000
        np.save(folder / "sounds" / name / "a.npy", tone.astype(np.int16))
    return folder
