"""What every reader shares: clips indexed from a metadata file, pictures and sounds opened when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets.audio import read_waveform
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.images import nearest, read_rgb, size_of_file
from seac.datasets.layout import ALL, checked_split, home_of, metadata_file, refuse_duplicates


class OnDisk:
    """A benchmark in a folder (see :class:`seac.datasets.clip.Reader`); a layout says ``index`` and ``truth``.

    Args:
        folder: the one that holds the metadata file.
        split: one of ``splits``, or "all".
        strict: refuse duplicated ids; without it they are kept, for a check that counts them.

    Raises:
        InputError: no metadata file, a malformed one, no clip of that split, or (if strict) duplicated ids.
    """

    name: str = ""
    kind: TruthKind = TruthKind.MASKS
    classes: tuple[str, ...] = ()
    size: tuple[int, int] = (224, 224)
    metadata: ClassVar[str] = ""
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")
    annotated: ClassVar[bool] = True
    """Whether there is any ground truth."""

    def __init__(self, folder: Path, split: str = "test", *, strict: bool = True) -> None:
        self.folder = Path(folder)
        self.split = checked_split(split, self.splits)
        path = self.locate()
        self.folder = home_of(path)
        found = tuple(self.index(path))
        invalid = next((clip for clip in found if clip.split not in self.splits), None)
        if invalid is not None:
            raise InputError(
                f"{path}: split of {invalid.id} is {invalid.split[:20]!r}; give {', '.join(self.splits)}"
            )
        chosen = tuple(clip for clip in found if self.split in {clip.split, ALL})
        if not chosen:
            there = ", ".join(sorted({clip.split for clip in found})) or "no clip at all"
            raise InputError(f"{path}: no clip of split {split!r}; it lists {there}")
        if strict:
            refuse_duplicates(((clip.split, clip.id) for clip in chosen), path)
        self._clips = chosen

    def locate(self) -> Path:
        """The file that lists the clips."""
        return metadata_file(self.folder, self.metadata, self.name)

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The clips of the split, in the order of the metadata file."""
        return self._clips

    def index(self, path: Path) -> Iterable[Clip]:
        """Every clip of the metadata file ``path``; no other file is opened."""
        raise NotImplementedError

    def truth(self, clip: Clip) -> Tensor:
        """Ground truth at ``size``; see :class:`seac.datasets.clip.Reader`."""
        raise NotImplementedError

    def image(self, clip: Clip, frame: int) -> NDArray[np.uint8]:
        """A frame's picture, (H, W, 3) uint8 RGB; see :class:`seac.datasets.clip.Reader`."""
        return read_rgb(clip.frames[frame])

    def waveform(self, clip: Clip) -> tuple[Tensor, int]:
        """The whole sound, (S,) float32 mono, and its rate; see :class:`seac.datasets.clip.Reader`."""
        return read_waveform(clip.audio)


class MaskedOnDisk(OnDisk):
    """A benchmark with a truth picture per frame; a layout says ``read_truth``."""

    def read_truth(self, path: Path) -> NDArray[np.generic]:
        """One truth file at its own size, (H, W) bool or int64."""
        raise NotImplementedError

    def truth(self, clip: Clip) -> Tensor:
        """Ground truth of the frames that have one: (T, H, W) bool or int64, scaled to ``size`` by nearest.

        T is the number of frames of the clip, but in a train split that annotates only the first frame.

        Raises:
            InputError: a file is missing, malformed, or of another size than its picture.
        """
        planes = []
        for image_path, path in zip(clip.frames, clip.truth, strict=True):
            if path is None:
                continue
            values = self.read_truth(path)
            size = size_of_file(image_path)
            if values.shape != size:
                raise InputError(
                    f"{path}: {values.shape[1]} x {values.shape[0]} pixels, but its picture {image_path.name} "
                    f"has {size[1]} x {size[0]}; masks must be as large as their pictures"
                )
            planes.append(nearest(values, self.size))
        return torch.from_numpy(np.stack(planes))
