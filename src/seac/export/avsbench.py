"""``avsbench/`` and ``avsbench-semantic/``: the layouts of AVSBench MS3 and of AVSBench-semantic."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from seac.core.errors import InputError
from seac.core.pixels import voc_palette
from seac.export.about import About
from seac.export.instances import category_numbers, file_name, need_image, paint_numbers, save_jpeg
from seac.export.seconds import Second, SecondSampler
from seac.media.wav import Excerpt, write_excerpts
from seac.results.values import DecidedVideo, FrameMasks

SPLIT = "test"
SAMPLE_RATE = 16_000
MAX_CLASSES = 256
BACKGROUND = "background"
OPENS = "loaders of AVSBench, `seac evaluate`"
NUMBERS = "one frame a second, the last of each second"


class _AvsBench:
    """Clips of a fixed length; subclasses say where their files are.

    The frame of a second is the last key frame before its end, as AVSBench annotates the last frame of each
    second. The last clip is filled up with its last image, empty masks and silence.
    """

    name: ClassVar[str]
    seconds: ClassVar[int]
    metadata: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = False

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._folder = folder / self.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._video = video
        self._stem = file_name(Path(video.info.source).stem)
        self._sampler = SecondSampler(video.info.duration, self.seconds)
        self._table = (self._folder / self.metadata).open("w", newline="", encoding="utf-8", errors="replace")
        self._rows = csv.writer(self._table)
        self._rows.writerow(self.columns)
        self._sounding: set[int] = set()
        self._clips = 0

    def add(self, frame: FrameMasks) -> None:
        """Write the seconds that end before a frame."""
        self._write(self._sampler.add(frame))

    def close(self) -> None:
        """Write the remaining seconds and the audio of all clips."""
        self._write(self._sampler.finish())
        self._table.close()
        excerpts = []
        for clip in range(self._clips):
            path = self.audio_path(clip)
            path.parent.mkdir(parents=True, exist_ok=True)
            start = float(clip * self.seconds)
            excerpts.append(Excerpt(path, start, start + self.seconds, float(self._sampler.seconds)))
        if excerpts:
            audio = self._video.info.audio
            source = None if audio is None else Path(audio)
            write_excerpts(source, excerpts, layout="mono", rate=SAMPLE_RATE)

    def write_second(self, second: Second) -> None:
        """Write the image and the masks of a second."""
        raise NotImplementedError

    def row(self, clip: int, names: list[str]) -> tuple[Any, ...]:
        """The row of a clip in the metadata, in which tracks of these names sound."""
        raise NotImplementedError

    def audio_path(self, clip: int) -> Path:
        """The audio of a clip."""
        raise NotImplementedError

    def clip_id(self, clip: int) -> str:
        """``<video>_<start>_<stop>``, in milliseconds."""
        start = 1000 * self.seconds * clip
        return f"{self._stem}_{start}_{start + 1000 * self.seconds}"

    def _write(self, seconds: Iterable[Second]) -> None:
        for second in seconds:
            self.write_second(second)
            self._sounding.update(second.frame.tracks.tolist())
            if second.second == self.seconds - 1:
                tracks = (track for track in self._video.tracks if track.id in self._sounding)
                names = list(dict.fromkeys(track.name for track in tracks))
                self._rows.writerow(self.row(second.clip, names))
                self._sounding.clear()
                self._clips = second.clip + 1


class AvsBench(_AvsBench):
    """Clips of 5 s with binary masks, in the layout of AVSBench MS3: all are of split "test"."""

    name = "avsbench"
    files: ClassVar[tuple[str, ...]] = ("avsbench/*",)
    about: ClassVar[About] = About(
        opens=OPENS, numbers=NUMBERS, pixels="of the images written beside it", holes="kept; no tracks"
    )
    seconds = 5
    metadata = "ms3_meta_data.csv"
    columns = ("video_id", "split")

    def write_second(self, second: Second) -> None:
        """Write ``visual_frames/<id>/<id>.mp4_<1..5>.png`` and ``gt_masks/test/<id>/<id>_<1..5>.png``."""
        clip, number = self.clip_id(second.clip), second.second + 1
        root = self._folder / "ms3_data"
        images, masks = root / "visual_frames" / clip, root / "gt_masks" / SPLIT / clip
        for path in (images, masks):
            path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(need_image(second.frame)).save(images / f"{clip}.mp4_{number}.png", compress_level=3)
        mask = paint_numbers(second.frame, dict.fromkeys(second.frame.tracks.tolist(), 255))
        Image.fromarray(mask.astype(np.uint8)).save(masks / f"{clip}_{number}.png")

    def row(self, clip: int, names: list[str]) -> tuple[Any, ...]:
        """Id and split."""
        return self.clip_id(clip), SPLIT

    def audio_path(self, clip: int) -> Path:
        """``audio_wav/test/<id>.wav``."""
        return self._folder / "ms3_data" / "audio_wav" / SPLIT / f"{self.clip_id(clip)}.wav"


class AvsBenchSemantic(_AvsBench):
    """Clips of 10 s with the class of each pixel, in the layout of AVSBench-semantic v2.

    Classes are names of tracks; a track called "background" becomes "background (sounding)".

    Raises:
        InputError: more names than classes that the layout can hold.
    """

    name = "avsbench-semantic"
    files: ClassVar[tuple[str, ...]] = ("avsbench-semantic/*",)
    about: ClassVar[About] = About(
        opens=OPENS,
        numbers=NUMBERS,
        pixels="of the images written beside it",
        holes="kept; the likeliest class of a pixel",
    )
    seconds = 10
    metadata = "metadata.csv"
    columns = ("vid", "uid", "s_min", "s_sec", "a_obj", "split", "label")
    subset = "v2"

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        categories = category_numbers(video)
        if len(categories) >= MAX_CLASSES:
            raise InputError(
                f"{len(categories)} names of tracks: avsbench-semantic holds {MAX_CLASSES - 1}; "
                "rename tracks alike, or export avsbench"
            )
        super().__init__(folder, video)
        self._classes = {track.id: categories[track.name] for track in video.tracks}
        self._palette = voc_palette(MAX_CLASSES)
        numbers = {BACKGROUND: 0, **{_class_name(name): number for name, number in categories.items()}}
        text = json.dumps(numbers, indent=1) + "\n"
        (self._folder / "label2idx.json").write_text(text, encoding="utf-8")

    def write_second(self, second: Second) -> None:
        """Write ``frames/<n>.jpg``, ``labels_semantic/<n>.png`` and ``labels_rgb/<n>.png``."""
        folder = self._folder / self.subset / self.clip_id(second.clip)
        for part in ("frames", "labels_semantic", "labels_rgb"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        save_jpeg(second.frame, folder / "frames" / f"{second.second}.jpg")
        labels = paint_numbers(second.frame, self._classes).astype(np.uint8)
        Image.fromarray(labels).save(folder / "labels_semantic" / f"{second.second}.png")
        Image.fromarray(self._palette[labels]).save(folder / "labels_rgb" / f"{second.second}.png")

    def row(self, clip: int, names: list[str]) -> tuple[Any, ...]:
        """Video, id, start, names of what sounds, split and subset."""
        minute, second = divmod(clip * self.seconds, 60)
        sounding = "_".join(map(_class_name, names))
        return self._stem, self.clip_id(clip), minute, second, sounding, SPLIT, self.subset

    def audio_path(self, clip: int) -> Path:
        """``audio.wav`` beside the frames."""
        return self._folder / self.subset / self.clip_id(clip) / "audio.wav"


def _class_name(name: str) -> str:
    return f"{name} (sounding)" if name == BACKGROUND else name
