"""``ytvis/``: the video as a data set of YouTube-VIS, one annotation a track."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from seac.export.about import About
from seac.export.coco import rle_area, rle_box, rle_object
from seac.export.instances import FrameNumbers, category_numbers, file_name, instances, save_jpeg
from seac.results.values import DecidedVideo, FrameMasks

VIDEO = 1
"""Id of the only video."""


class YouTubeVis:
    """Writes ``instances.json`` and ``JPEGImages/<video>/<number>.jpg`` for each key frame.

    The lists of an annotation (``segmentations``, ``bboxes``, ``areas``, ``scores``) have an entry for each
    of ``file_names``, null where the track is not shown. ``frames`` and ``times`` of the video are the
    numbers in the source from 0 and the seconds.
    """

    files: ClassVar[tuple[str, ...]] = ("ytvis/*",)
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = False
    about: ClassVar[About] = About(
        opens="YouTube-VIS evaluators, MMTracking, Detectron2 video projects",
        numbers="positions in `file_names`; `frames` and file names from 0",
        pixels="of the images written beside it",
        holes="kept",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._name = file_name(Path(video.info.source).stem)
        self._folder = folder / "ytvis"
        (self._folder / "JPEGImages" / self._name).mkdir(parents=True, exist_ok=True)
        self._video = video
        self._numbers = FrameNumbers(video.info)
        self._files: list[str] = []
        self._frames: list[int] = []
        self._times: list[float] = []
        self._shown: dict[int, dict[int, tuple[dict[str, Any], float]]] = {}

    def add(self, frame: FrameMasks) -> None:
        """Write the image of a frame and keep its masks in run-length code."""
        file = f"{self._name}/{self._numbers.next(frame):05d}.jpg"
        save_jpeg(frame, self._folder / "JPEGImages" / file)
        for instance in instances(self._video, frame):
            shown = self._shown.setdefault(instance.track, {})
            shown[len(self._files)] = rle_object(instance.mask), round(instance.probability, 6)
        self._files.append(file)
        self._frames.append(frame.index)
        self._times.append(round(frame.time, 6))

    def close(self) -> None:
        """Write ``instances.json``; a track that is never shown is left out."""
        info = self._video.info
        height, width = info.size
        categories = category_numbers(self._video)
        shown = [(track, self._shown[track.id]) for track in self._video.tracks if track.id in self._shown]
        content = {
            "info": {"description": Path(info.source).name, "version": "1.0"},
            "licenses": [],
            "videos": [
                {
                    "id": VIDEO,
                    "width": width,
                    "height": height,
                    "length": len(self._files),
                    "file_names": self._files,
                    "frames": self._frames,
                    "times": self._times,
                }
            ],
            "categories": [
                {"id": number, "name": name, "supercategory": "object"} for name, number in categories.items()
            ],
            "annotations": [
                self._annotation(number, track.id, categories[track.name], found)
                for number, (track, found) in enumerate(shown, 1)
            ],
        }
        path = self._folder / "instances.json"
        path.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")

    def _annotation(
        self, number: int, track: int, category: int, shown: dict[int, tuple[dict[str, Any], float]]
    ) -> dict[str, Any]:
        rows = [shown.get(position, (None, None)) for position in range(len(self._files))]
        boxes = [None if code is None else rle_box(code) for code, _ in rows]
        height, width = self._video.info.size
        return {
            "id": number,
            "video_id": VIDEO,
            "category_id": category,
            "iscrowd": 0,
            "height": height,
            "width": width,
            "length": len(self._files),
            "segmentations": [code for code, _ in rows],
            "bboxes": boxes,
            "areas": [None if code is None else rle_area(code) for code, _ in rows],
            "scores": [score for _, score in rows],
            "track_id": track,
        }
