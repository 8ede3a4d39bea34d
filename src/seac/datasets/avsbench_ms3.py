"""AVSBench MS3: several sounding objects, five frames with a mask each (Zhou et al., ECCV 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seac.datasets.clip import Clip
from seac.datasets.csv_file import read_table
from seac.datasets.images import read_above_zero
from seac.datasets.layout import WHOLE_CLIP, find_root, parse_video_id, validate_id
from seac.datasets.on_disk import MaskedOnDisk

FRAMES = 5


class MS3(MaskedOnDisk):
    """The layout of MS3.

    ``ms3_meta_data.csv`` (video_id or another first column, split) beside ``ms3_data``::

        ms3_data/visual_frames/<vid>/<vid>.mp4_{1..5}.png
        ms3_data/gt_masks/<split>/<vid>/<vid>_{1..5}.png
        ms3_data/audio_wav/<split>/<vid>.wav

    Frames without a sounding object have an empty mask. Each frame is evaluated with the audio of the whole
    clip (5 s).
    """

    name = "ms3"
    metadata = "ms3_meta_data.csv"

    def index(self, path: Path) -> Iterator[Clip]:
        """Every clip of ``ms3_meta_data.csv``."""
        root = find_root(path) / "ms3_data"
        for row in read_table(path, ("split",)):
            column = "video_id" if "video_id" in row else next(name for name in row if name != "split")
            video = validate_id(row[column], str(path))
            split = validate_id(row["split"], str(path))
            yield Clip(
                id=video,
                video_id=parse_video_id(video),
                split=split,
                category=None,
                frames=tuple(
                    root / "visual_frames" / video / f"{video}.mp4_{n}.png" for n in range(1, FRAMES + 1)
                ),
                audio=root / "audio_wav" / split / f"{video}.wav",
                truth=tuple(
                    root / "gt_masks" / split / video / f"{video}_{n}.png" for n in range(1, FRAMES + 1)
                ),
                audio_windows=(WHOLE_CLIP,) * FRAMES,
            )

    def read_truth(self, path: Path) -> NDArray[np.bool_]:
        """A mask (H, W): palette index above 0."""
        return read_above_zero(path)
