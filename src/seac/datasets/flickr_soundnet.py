"""Flickr-SoundNet: boxes of several annotators on one frame (Senocak et al., CVPR 2018)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets import audio as audio_formats
from seac.datasets import images
from seac.datasets.boxes import Box, as_box, paint
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.csv_file import read_rows
from seac.datasets.layout import WHOLE_CLIP, checked_id, home_of, listing, metadata_file, pick
from seac.datasets.on_disk import OnDisk

ANNOTATED = 256.0
"""Side in pixels of the square that boxes were drawn on."""

LISTS = ("flickr_test.csv", "flickr_test249.csv", "flickr_test250.csv")
ANNOTATIONS = ("annotations", "Annotations")
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class FlickrSoundNet(OnDisk):
    """The layout of Flickr-SoundNet's test set.

    ``annotations`` (or ``Annotations``) beside frames and sounds; its files are the clips, by id::

        annotations/<id>.xml      a <bbox> (xmin, ymin, xmax, ymax in 256 px) for each annotator, at any depth
        frames/<id>.jpg
        audio/<id>.wav

    A list ``flickr_test.csv`` (or flickr_test249.csv, flickr_test250.csv; an id a line, further columns are
    ignored) may choose among them. Consensus: min(sum of boxes / 2, 1), so that one annotator alone makes
    0.5 and two who agree make 1. The whole sound is heard.
    """

    name = "flickr-soundnet"
    kind = TruthKind.BOXES
    metadata = "annotations"
    splits = ("test",)

    def index(self, path: Path) -> Iterator[Clip]:
        """Every clip that is listed, or annotated where there is no list; boxes stay in their files."""
        root = home_of(path)
        frames, audio_files = listing(root / "frames"), listing(root / "audio")
        annotations = next(
            (root / name for name in ANNOTATIONS if (root / name).is_dir()), root / "annotations"
        )
        for name in _listed(path) if path.is_file() else _annotated(path):
            yield Clip(
                id=name,
                video_id=name,
                split="test",
                category=None,
                frames=(pick(root / "frames", name, images.SUFFIXES, frames),),
                audio=pick(root / "audio", name, audio_formats.SUFFIXES, audio_files),
                truth=(annotations / f"{name}.xml",),
                audio_windows=(WHOLE_CLIP,),
            )

    def locate(self) -> Path:
        """The list, or the folder of annotations where there is none."""
        candidates = [self.folder / below / name for below in (".", "metadata") for name in LISTS]
        candidates += [self.folder / name for name in ANNOTATIONS]
        there = next((path for path in candidates if path.exists()), None)
        return there or metadata_file(self.folder, self.metadata, self.name)

    def truth(self, clip: Clip) -> Tensor:
        """The annotators' consensus on a 224 x 224 grid: (1, H, W) float32 in {0, .5, 1}."""
        (path,) = clip.truth
        assert path is not None
        count = paint(read_boxes(path), self.size, ANNOTATED)
        return torch.from_numpy(np.minimum(count / 2, 1).astype(np.float32))[None]


def _listed(path: Path) -> Iterator[str]:
    for number, (line, row) in enumerate(read_rows(path)):
        if number > 0 or row[0].lower() not in {"id", "file", "name", "video"}:
            yield checked_id(row[0], f"{path}, line {line}")


def _annotated(folder: Path) -> Iterator[str]:
    return (name.removesuffix(".xml") for name in sorted(listing(folder)) if name.endswith(".xml"))


def read_boxes(path: Path) -> tuple[Box, ...]:
    """Boxes of all annotators in an annotation file, in 256 px.

    Raises:
        InputError: missing, not XML, no box in it, or a box without four numbers.
    """
    try:
        root = ET.fromstring(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; is the download whole?") from None
    except (ET.ParseError, ValueError, LookupError, OSError) as error:
        raise InputError(f"{path}: not XML ({error}); repair the file") from None
    boxes = tuple(_box(found, path) for found in root.iter("bbox"))
    if not boxes:
        raise InputError(f"{path}: no <bbox> in it; give one for each annotator")
    return boxes


def _box(element: ET.Element, path: Path) -> Box:
    values = [element.findtext(corner) for corner in CORNERS]
    try:
        return as_box([float(value) for value in values if value is not None], str(path))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: a corner of a <bbox> is no number; give {', '.join(CORNERS)}") from None
