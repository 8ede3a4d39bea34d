"""VGGSound: ten-second YouTube clips with one label and no masks; for training and leakage checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets import audio as audio_formats
from seac.datasets import images
from seac.datasets.clip import Clip, TruthKind
from seac.datasets.csv_file import read_rows
from seac.datasets.layout import WHOLE_CLIP, find_root, list_names, resolve_file, validate_id
from seac.datasets.on_disk import OnDisk
from seac.media.decode import frames as frames_of

VIDEO_FOLDERS = ("videos", "clips", "video")
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm")


class VGGSoundRow(NamedTuple):
    """A line of the CSV: YouTube id, start in whole seconds, label and split."""

    video: str
    start: int
    label: str
    split: str

    @property
    def id(self) -> str:
        """``<YouTube id>_<start in six digits>``."""
        return f"{self.video}_{self.start:06d}"


class VGGSound(OnDisk):
    """The layout of VGGSound.

    ``vggsound.csv`` without header (YouTube id, start second, label, split) beside the clips::

        videos/<id>_<start:06d>.mp4              (or clips/), or else
        frames/<id>_<start:06d>.jpg, audio/<id>_<start:06d>.wav

    The image of a video is its middle frame. There is no ground truth. The audio window is the whole clip.
    """

    name = "vggsound"
    kind = TruthKind.BOXES
    metadata = "vggsound.csv"
    annotated = False
    splits = ("train", "test")

    def index(self, path: Path) -> Iterator[Clip]:
        """Every clip of ``vggsound.csv``."""
        root = find_root(path)
        videos = next((root / name for name in VIDEO_FOLDERS if (root / name).is_dir()), None)
        video_files = list_names(videos) if videos else frozenset[str]()
        frames, audio = root / "frames", root / "audio"
        image_files, audio_files = list_names(frames), list_names(audio)
        for row in read_vggsound(path):
            if videos:
                frame = audio_path = resolve_file(videos, row.id, VIDEO_SUFFIXES, video_files)
            else:
                frame = resolve_file(frames, row.id, images.SUFFIXES, image_files)
                audio_path = resolve_file(audio, row.id, audio_formats.SUFFIXES, audio_files)
            yield Clip(
                id=row.id,
                video_id=row.video,
                split=row.split,
                category=row.label,
                frames=(frame,),
                audio=audio_path,
                audio_windows=(WHOLE_CLIP,),
            )

    def image(self, clip: Clip, frame: int) -> NDArray[np.uint8]:
        """The image, or the middle frame of the video: (H, W, 3) uint8 RGB."""
        path = clip.frames[frame]
        if path.suffix not in VIDEO_SUFFIXES:
            return super().image(clip, frame)
        frames_shown = [decoded.image for decoded in frames_of(path, 1.0)]
        middle: NDArray[np.uint8] = frames_shown[len(frames_shown) // 2].permute(1, 2, 0).contiguous().numpy()
        return middle

    def truth(self, clip: Clip) -> Tensor:
        """Raise an error: there is no ground truth.

        Raises:
            InputError: always.
        """
        raise InputError(f"{clip.id}: VGGSound has no ground truth; evaluate on vggss, which has boxes")


def read_vggsound(path: Path) -> list[VGGSoundRow]:
    """Read the lines of a VGGSound CSV in order.

    Raises:
        InputError: a line has too few fields, or its start is not a whole number of seconds.
    """
    rows = []
    where = str(path)
    for line, row in read_rows(path):
        if len(row) < 4 or not row[1].isascii() or not row[1].isdigit() or len(row[1]) > 6:
            raise InputError(f"{path}, line {line}: give YouTube id, start in whole seconds, label, split")
        video, start, label, split = row[:4]
        rows.append(VGGSoundRow(validate_id(video, where), int(start), label, split))
    return rows
