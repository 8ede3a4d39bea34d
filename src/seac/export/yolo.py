"""``yolo-seg/``: key frames with polygons for Ultralytics' segmentation models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from seac.export.about import About
from seac.export.instances import FrameNumbers, category_numbers, instances, save_jpeg
from seac.export.polygons import mask_polygon
from seac.results.values import DecidedVideo, FrameMasks


def polygon_row(category: int, mask: NDArray[np.bool_]) -> str:
    """``category x1 y1 x2 y2 ...`` of a mask (H, W) with a pixel; x and y are shares of the image."""
    height, width = mask.shape
    shares = mask_polygon(mask) / np.array([width, height])
    return " ".join([str(category), *(f"{value:.6f}".rstrip("0").rstrip(".") for value in shares.ravel())])


def yaml_string(text: str) -> str:
    """``text`` as a string of YAML in double quotes: that of JSON, with YAML's escapes added."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)


class YoloSegmentation:
    """Writes ``data.yaml``, ``images/train/<number>.jpg`` and ``labels/train/<number>.txt``.

    A row is an object: its parts and holes are joined by lines followed there and back, as the format has one
    polygon an object. Classes are names, from 0; the format keeps no tracks. A frame without a sounding
    object has an empty label file: it is background.
    """

    files: ClassVar[tuple[str, ...]] = ("yolo-seg/*",)
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = False
    about: ClassVar[About] = About(
        opens="Ultralytics YOLO, supervision, FiftyOne, CVAT",
        numbers="file names from 0",
        pixels="shares of the images written beside it",
        holes="joined into one polygon",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._folder = folder / "yolo-seg"
        for part in ("images", "labels"):
            (self._folder / part / "train").mkdir(parents=True, exist_ok=True)
        self._video = video
        self._numbers = FrameNumbers(video.info)
        self._categories = category_numbers(video)

    def add(self, frame: FrameMasks) -> None:
        """Write the image of a frame and its rows."""
        stem = f"{self._numbers.next(frame):06d}"
        save_jpeg(frame, self._folder / "images" / "train" / f"{stem}.jpg")
        rows = [
            polygon_row(self._categories[instance.name] - 1, instance.mask) + "\n"
            for instance in instances(self._video, frame)
        ]
        (self._folder / "labels" / "train" / f"{stem}.txt").write_text("".join(rows), encoding="ascii")

    def close(self) -> None:
        """Write ``data.yaml``."""
        names = [f"  {number - 1}: {yaml_string(name)}\n" for name, number in self._categories.items()]
        text = "path: .\ntrain: images/train\nval: images/train\nnames:" + ("\n" + "".join(names) or " {}\n")
        (self._folder / "data.yaml").write_text(text, encoding="utf-8")
