"""VGG-SS: boxes of the sounding objects in one frame of VGGSound test clips (Chen et al., CVPR 2021)."""

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
from seac.datasets.boxes import Box, count_boxes, parse_box
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.csv_file import read_text
from seac.datasets.layout import WHOLE_CLIP, find_file, find_root, index_folders, parse_video_id, validate_id
from seac.datasets.on_disk import OnDisk

ANNOTATIONS = "vggss.json"


@dataclass(frozen=True)
class Annotation:
    """An entry of ``vggss.json``; ``boxes`` are relative to the image size and not clipped."""

    file: str
    category: str
    boxes: tuple[Box, ...]


class VGGSS(OnDisk):
    """The layout of VGG-SS.

    ``vggss.json``, a list of {file, class, bbox}, beside frames and audio::

        frames/<id>.jpg
        audio/<id>.wav

    The ground truth is the union of the boxes, each clipped to [0, 1]. Clips whose boxes lie entirely outside
    are kept with empty truth; the protocol defines their score. The audio window is the whole clip.
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
        return torch.from_numpy(count_boxes(clip.boxes, self.size) > 0).float()[None]


def visible_clips(path: Path, frames: Sequence[str], audio: Sequence[str]) -> Iterator[Clip]:
    """Yield the clips of an annotation file with boxes; files are searched in the folders in order."""
    root = find_root(path)
    image_folders, audio_folders = index_folders(root, frames), index_folders(root, audio)
    for entry in read_annotations(path):
        yield Clip(
            id=entry.file,
            video_id=parse_video_id(entry.file),
            split="test",
            category=entry.category,
            frames=(find_file(entry.file, image_folders, images.SUFFIXES),),
            audio=find_file(entry.file, audio_folders, audio_formats.SUFFIXES),
            boxes=entry.boxes,
            audio_windows=(WHOLE_CLIP,),
        )


def read_annotations(path: Path) -> tuple[Annotation, ...]:
    """Read the entries of ``vggss.json``.

    Raises:
        InputError: the file is not JSON or not a list, or an entry is malformed; the message names the entry.
    """
    try:
        entries = json.loads(read_text(path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({' '.join(str(error).split())[:80]}); repair the file") from None
    if not isinstance(entries, list):
        raise InputError(f"{path}: must be a list of {{file, class, bbox}}, not a {type(entries).__name__}")
    return tuple(_parse_annotation(entry, f"{path}, entry {number}") for number, entry in enumerate(entries))


def _parse_annotation(entry: object, where: str) -> Annotation:
    if not isinstance(entry, dict):
        raise InputError(f"{where}: must be {{file, class, bbox}}, but is a {type(entry).__name__}")
    file, category, boxes = entry.get("file"), entry.get("class"), entry.get("bbox")
    if not isinstance(file, str):
        raise InputError(f"{where}: has no 'file'; give the id of its clip")
    where = f"{where} ({validate_id(file, where)})"
    if not isinstance(category, str):
        raise InputError(f"{where}: has no 'class'; give the class name of the sounding object")
    if not isinstance(boxes, list):
        raise InputError(f"{where}: has no 'bbox'; give a list of [x1, y1, x2, y2]")
    found = tuple(parse_box(box, where) for box in boxes)
    if any(value > 2 for box in found for value in box):
        raise InputError(f"{where}: box in pixels? give coordinates relative to width and height, 0 to 1")
    return Annotation(file, category, found)
