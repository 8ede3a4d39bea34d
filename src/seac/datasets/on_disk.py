"""Base classes of benchmark readers: metadata is indexed at once, other files are read on access."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seac.core.errors import InputError
from seac.core.pixels import resize_nearest
from seac.datasets.audio import read_waveform
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.images import read_image_size, read_rgb
from seac.datasets.layout import ALL, check_duplicates, find_metadata_file, find_root, validate_split


class OnDisk:
    """Base class of readers (:class:`seac.datasets.clip.Reader`); subclasses define ``index`` and ``truth``.

    Args:
        folder: the folder of the metadata file.
        split: one of ``splits``, or "all".
        strict: refuse duplicated ids; otherwise they are kept.

    Raises:
        InputError: the metadata is missing or malformed, the split has no clip, or (if strict) ids repeat.
    """

    name: str = ""
    kind: TruthKind = TruthKind.MASKS
    classes: tuple[str, ...] = ()
    size: tuple[int, int] = (224, 224)
    metadata: ClassVar[str] = ""
    splits: ClassVar[tuple[str, ...]] = ("train", "val", "test")
    annotated: ClassVar[bool] = True
    """Whether the benchmark has ground truth."""

    def __init__(self, folder: Path, split: str = "test", *, strict: bool = True) -> None:
        self.folder = Path(folder)
        self.split = validate_split(split, self.splits)
        path = self.locate()
        self.folder = find_root(path)
        found = tuple(self.index(path))
        invalid = next((clip for clip in found if clip.split not in self.splits), None)
        if invalid is not None:
            raise InputError(
                f"{path}: split of {invalid.id} is {invalid.split[:20]!r}; give {', '.join(self.splits)}"
            )
        chosen = tuple(clip for clip in found if self.split in {clip.split, ALL})
        if not chosen:
            listed = ", ".join(sorted({clip.split for clip in found})) or "no clip at all"
            raise InputError(f"{path}: no clip of split {split!r}; it lists {listed}")
        if strict:
            check_duplicates(((clip.split, clip.id) for clip in chosen), path)
        self._clips = chosen

    def locate(self) -> Path:
        """The file that lists the clips."""
        return find_metadata_file(self.folder, self.metadata, self.name)

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
        """The image of a frame, (H, W, 3) uint8 RGB; see :class:`seac.datasets.clip.Reader`."""
        return read_rgb(clip.frames[frame])

    def waveform(self, clip: Clip) -> tuple[Tensor, int]:
        """The waveform, (S,) float32 mono, and its rate; see :class:`seac.datasets.clip.Reader`."""
        return read_waveform(clip.audio)


class MaskedOnDisk(OnDisk):
    """Base class of readers with a ground-truth image per frame; subclasses define ``read_truth``."""

    def read_truth(self, path: Path) -> NDArray[np.generic]:
        """Read a ground-truth file at its stored size: (H, W) bool or int64."""
        raise NotImplementedError

    def truth(self, clip: Clip) -> Tensor:
        """Ground truth of the annotated frames: (T, H, W) bool or int64, resized to ``size`` (nearest).

        T is the number of annotated frames.

        Raises:
            InputError: a file is missing, malformed, or of another size than its image.
        """
        planes = []
        for image_path, path in zip(clip.frames, clip.truth, strict=True):
            if path is None:
                continue
            values = self.read_truth(path)
            size = read_image_size(image_path)
            if values.shape != size:
                raise InputError(
                    f"{path}: {values.shape[1]} x {values.shape[0]} pixels, but its image {image_path.name} "
                    f"has {size[1]} x {size[0]}; give masks of the size of their images"
                )
            planes.append(resize_nearest(values, self.size))
        return torch.from_numpy(np.stack(planes))
