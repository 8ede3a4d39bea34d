"""AVSBench S4: one sounding object, five frames with a mask each (Zhou et al., ECCV 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seac.datasets.clip import Clip
from seac.datasets.csv_file import read_table
from seac.datasets.images import read_one_bit
from seac.datasets.layout import WHOLE_CLIP, find_root, parse_video_id, validate_id
from seac.datasets.on_disk import MaskedOnDisk

FRAMES = 5


class S4(MaskedOnDisk):
    """The layout of S4.

    ``s4_meta_data.csv`` (name, start, category, split) beside ``s4_data``::

        s4_data/visual_frames/<split>/<category>/<name>/<name>_{1..5}.png
        s4_data/gt_masks/<split>/<category>/<name>/<name>_{1..5}.png    (train: only 1)
        s4_data/audio_wav/<split>/<category>/<name>.wav

    Each frame is evaluated with the audio of the whole clip (5 s).
    """

    name = "s4"
    metadata = "s4_meta_data.csv"

    def index(self, path: Path) -> Iterator[Clip]:
        """Every clip of ``s4_meta_data.csv``."""
        root = find_root(path) / "s4_data"
        for row in read_table(path, ("name", "category", "split")):
            name = validate_id(row["name"], str(path))
            split, category = validate_id(row["split"], str(path)), validate_id(row["category"], str(path))
            below = Path(split, category)
            frames = root / "visual_frames" / below / name
            masks = root / "gt_masks" / below / name
            annotated = 1 if split == "train" else FRAMES
            files = [f"{name}_{number}.png" for number in range(1, FRAMES + 1)]
            yield Clip(
                id=name,
                video_id=parse_video_id(name),
                split=split,
                category=category,
                frames=tuple(frames / file for file in files),
                audio=root / "audio_wav" / below / f"{name}.wav",
                truth=tuple(masks / file if n < annotated else None for n, file in enumerate(files)),
                audio_windows=(WHOLE_CLIP,) * FRAMES,
            )

    def read_truth(self, path: Path) -> NDArray[np.bool_]:
        """A mask (H, W), read as a 1-bit image."""
        return read_one_bit(path)
