"""VGGSound: ten-second clips of YouTube with one label and no masks; for training and for leakage."""

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
from seac.datasets.layout import WHOLE_CLIP, checked_id, home_of, listing, pick
from seac.datasets.on_disk import OnDisk
from seac.media.decode import frames as frames_of

VIDEOS = ("videos", "clips", "video")
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm")


class Listed(NamedTuple):
    """A line of the csv: YouTube id, start in whole seconds, label and split."""

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

    The picture of a video is the frame in its middle. There is no ground truth. The whole sound is heard.
    """

    name = "vggsound"
    kind = TruthKind.BOXES
    metadata = "vggsound.csv"
    annotated = False
    splits = ("train", "test")

    def index(self, path: Path) -> Iterator[Clip]:
        """Every clip of ``vggsound.csv``."""
        root = home_of(path)
        videos = next((root / name for name in VIDEOS if (root / name).is_dir()), None)
        video_files = listing(videos) if videos else frozenset[str]()
        frames, audio = root / "frames", root / "audio"
        image_files, audio_files = listing(frames), listing(audio)
        for row in read_vggsound(path):
            if videos:
                frame = audio_path = pick(videos, row.id, VIDEO_SUFFIXES, video_files)
            else:
                frame = pick(frames, row.id, images.SUFFIXES, image_files)
                audio_path = pick(audio, row.id, audio_formats.SUFFIXES, audio_files)
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
        """The picture, or the frame in the middle of the video: (H, W, 3) uint8 RGB."""
        path = clip.frames[frame]
        if path.suffix not in VIDEO_SUFFIXES:
            return super().image(clip, frame)
        frames_shown = [decoded.image for decoded in frames_of(path, 1.0)]
        middle: NDArray[np.uint8] = frames_shown[len(frames_shown) // 2].permute(1, 2, 0).contiguous().numpy()
        return middle

    def truth(self, clip: Clip) -> Tensor:
        """There is none.

        Raises:
            InputError: always.
        """
        raise InputError(f"{clip.id}: VGGSound has no ground truth; evaluate on vggss, which has boxes")


def read_vggsound(path: Path) -> list[Listed]:
    """The lines of a VGGSound csv, in order.

    Raises:
        InputError: a line is short, or its start is no whole number of seconds.
    """
    listed = []
    where = str(path)
    for line, row in read_rows(path):
        if len(row) < 4 or not row[1].isascii() or not row[1].isdigit() or len(row[1]) > 6:
            raise InputError(f"{path}, line {line}: give YouTube id, start in whole seconds, label, split")
        video, start, label, split = row[:4]
        listed.append(Listed(checked_id(video, where), int(start), label, split))
    return listed
