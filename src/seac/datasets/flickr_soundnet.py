"""Flickr-SoundNet: one frame per clip with boxes of several annotators (Senocak et al., CVPR 2018)."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # nosec B405
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets import audio as audio_formats
from seac.datasets import images
from seac.datasets.boxes import Box, count_boxes, parse_box
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.csv_file import read_rows
from seac.datasets.layout import (
    WHOLE_CLIP,
    find_metadata_file,
    find_root,
    list_names,
    resolve_file,
    validate_id,
)
from seac.datasets.on_disk import OnDisk

ANNOTATION_SIDE = 256.0
"""Side in pixels of the square images that were annotated."""

LISTS = ("flickr_test.csv", "flickr_test249.csv", "flickr_test250.csv")
ANNOTATIONS = ("annotations", "Annotations")
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class FlickrSoundNet(OnDisk):
    """The layout of Flickr-SoundNet's test set.

    ``annotations`` (or ``Annotations``) beside frames and audio, with one file per clip::

        annotations/<id>.xml      a <bbox> (xmin, ymin, xmax, ymax in 256 px) for each annotator, at any depth
        frames/<id>.jpg
        audio/<id>.wav

    An optional list ``flickr_test.csv`` (or flickr_test249.csv, flickr_test250.csv; an id a line, other
    columns are ignored) selects clips. Consensus: min(sum of boxes / 2, 1), so that one annotator gives 0.5
    and two annotators who agree give 1. The audio window is the whole clip.
    """

    name = "flickr-soundnet"
    kind = TruthKind.BOXES
    metadata = "annotations"
    splits = ("test",)

    def index(self, path: Path) -> Iterator[Clip]:
        """Every clip of the list, or every annotated clip without a list; annotation files are not opened."""
        root = find_root(path)
        frames, audio_files = list_names(root / "frames"), list_names(root / "audio")
        annotations = next(
            (root / name for name in ANNOTATIONS if (root / name).is_dir()), root / "annotations"
        )
        for name in _read_list(path) if path.is_file() else _list_annotations(path):
            yield Clip(
                id=name,
                video_id=name,
                split="test",
                category=None,
                frames=(resolve_file(root / "frames", name, images.SUFFIXES, frames),),
                audio=resolve_file(root / "audio", name, audio_formats.SUFFIXES, audio_files),
                truth=(annotations / f"{name}.xml",),
                audio_windows=(WHOLE_CLIP,),
            )

    def locate(self) -> Path:
        """The list, or the folder of annotations without a list."""
        candidates = [self.folder / below / name for below in (".", "metadata") for name in LISTS]
        candidates += [self.folder / name for name in ANNOTATIONS]
        existing = next((path for path in candidates if path.exists()), None)
        return existing or find_metadata_file(self.folder, self.metadata, self.name)

    def truth(self, clip: Clip) -> Tensor:
        """The consensus of the annotators on a 224 x 224 grid: (1, H, W) float32 in {0, .5, 1}."""
        (path,) = clip.truth
        assert path is not None
        count = count_boxes(read_boxes(path), self.size, ANNOTATION_SIDE)
        return torch.from_numpy(np.minimum(count / 2, 1).astype(np.float32))[None]


def _read_list(path: Path) -> Iterator[str]:
    for number, (line, row) in enumerate(read_rows(path)):
        if number > 0 or row[0].lower() not in {"id", "file", "name", "video"}:
            yield validate_id(row[0], f"{path}, line {line}")


def _list_annotations(folder: Path) -> Iterator[str]:
    return (name.removesuffix(".xml") for name in sorted(list_names(folder)) if name.endswith(".xml"))


class _PlainTree(ET.TreeBuilder):
    """A tree without declarations: their entities can expand to more than the memory."""

    def doctype(self, name: str, public: str, system: str) -> None:
        """Refuse a document type."""
        raise InputError("declares a document type, which annotations do not have; remove it")


def read_boxes(path: Path) -> tuple[Box, ...]:
    """Read the boxes of all annotators in an annotation file, in 256 px.

    Raises:
        InputError: the file is missing or not XML, has no box, or has a box without four numbers.
    """
    try:
        root = ET.fromstring(path.read_bytes(), ET.XMLParser(target=_PlainTree()))  # nosec B314
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check that the download is complete") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (ET.ParseError, ValueError, LookupError, OSError) as error:
        raise InputError(f"{path}: not XML ({error}); repair the file") from None
    boxes = tuple(_parse_box(found, path) for found in root.iter("bbox"))
    if not boxes:
        raise InputError(f"{path}: no <bbox> in it; give one for each annotator")
    return boxes


def _parse_box(element: ET.Element, path: Path) -> Box:
    values = [element.findtext(corner) for corner in CORNERS]
    try:
        return parse_box([float(value) for value in values if value is not None], str(path))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: a corner of a <bbox> is not a number; give {', '.join(CORNERS)}") from None
