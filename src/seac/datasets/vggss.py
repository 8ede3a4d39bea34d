"""VGG-SS: boxes around what sounds in one frame of a VGGSound test clip (Chen et al., CVPR 2021)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets import audio as audio_formats
from seac.datasets import images
from seac.datasets.boxes import Box, as_box, paint
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.csv_file import read_text
from seac.datasets.layout import WHOLE_CLIP, checked_id, home_of, on_shelf, shelves, video_id_of
from seac.datasets.on_disk import OnDisk

ANNOTATIONS = "vggss.json"


@dataclass(frozen=True)
class Annotation:
    """An entry of ``vggss.json``; ``boxes`` in shares of the picture, not clipped."""

    file: str
    category: str
    boxes: tuple[Box, ...]


class VGGSS(OnDisk):
    """The layout of VGG-SS.

    ``vggss.json``, a list of {file, class, bbox}, beside the frames and sounds::

        frames/<id>.jpg
        audio/<id>.wav

    The union of the boxes, each clipped to [0, 1] first, is the truth; clips whose boxes lie wholly outside
    stay in, with empty truth, and the protocol says what they score. The whole sound is heard.
    """

    name = "vggss"
    kind = TruthKind.BOXES
    metadata = ANNOTATIONS
    splits = ("test",)

    def index(self, path: Path) -> Iterator[Clip]:
        """Every clip of ``vggss.json``."""
        return visible_clips(path, ("frames",), ("audio",))

    def truth(self, clip: Clip) -> Tensor:
        """The union of the boxes on a 224 x 224 grid: (1, H, W) float32, 0 or 1."""
        return torch.from_numpy(paint(clip.boxes, self.size) > 0).float()[None]


def visible_clips(path: Path, frames: Sequence[str], audio: Sequence[str]) -> Iterator[Clip]:
    """The clips of an annotation file with boxes, their files in the first of the folders that has them."""
    root = home_of(path)
    image_shelves, audio_shelves = shelves(root, frames), shelves(root, audio)
    for entry in read_annotations(path):
        yield Clip(
            id=entry.file,
            video_id=video_id_of(entry.file),
            split="test",
            category=entry.category,
            frames=(on_shelf(entry.file, image_shelves, images.SUFFIXES),),
            audio=on_shelf(entry.file, audio_shelves, audio_formats.SUFFIXES),
            boxes=entry.boxes,
            audio_windows=(WHOLE_CLIP,),
        )


def read_annotations(path: Path) -> tuple[Annotation, ...]:
    """The entries of ``vggss.json``.

    Raises:
        InputError: not JSON, not a list of entries, or a malformed entry, which the line names.
    """
    try:
        entries = json.loads(read_text(path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({' '.join(str(error).split())[:80]}); repair the file") from None
    if not isinstance(entries, list):
        raise InputError(f"{path}: must be a list of {{file, class, bbox}}, not a {type(entries).__name__}")
    return tuple(_annotation(entry, f"{path}, entry {number}") for number, entry in enumerate(entries))


def _annotation(entry: object, where: str) -> Annotation:
    if not isinstance(entry, dict):
        raise InputError(f"{where}: must be {{file, class, bbox}}, but is a {type(entry).__name__}")
    file, category, boxes = entry.get("file"), entry.get("class"), entry.get("bbox")
    if not isinstance(file, str):
        raise InputError(f"{where}: has no 'file'; give the id of its clip")
    where = f"{where} ({checked_id(file, where)})"
    if not isinstance(category, str):
        raise InputError(f"{where}: has no 'class'; give the name of what sounds")
    if not isinstance(boxes, list):
        raise InputError(f"{where}: has no 'bbox'; give a list of [x1, y1, x2, y2]")
    found = tuple(as_box(box, where) for box in boxes)
    if any(value > 2 for box in found for value in box):
        raise InputError(f"{where}: box in pixels? give shares of the width and height, 0 to 1")
    return Annotation(file, category, found)
