"""``coco/``: key frames and their sounding masks as a data set of COCO instances."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from seac.export.about import About
from seac.export.instances import FrameNumbers, Instance, category_numbers, instances, save_jpeg
from seac.export.polygons import mask_polygons
from seac.export.spool import ArraySpool
from seac.results.rle import encode_rle
from seac.results.values import DecidedVideo, FrameMasks


def rle_object(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A mask (H, W) in COCO's compressed run-length code, as a JSON value."""
    return {"size": list(mask.shape), "counts": encode_rle(mask[None])[0].decode("ascii")}


def rle_box(code: dict[str, Any]) -> list[float]:
    """Box (x, y, width, height) of a mask in run-length code."""
    return [float(value) for value in coco.toBbox(code)]


def rle_area(code: dict[str, Any]) -> int:
    """Number of pixels of a mask in run-length code."""
    return int(coco.area(code))


class CocoInstances:
    """Writes ``annotations.json`` and an image for each key frame; masks in run-length code.

    Images and annotations have an id from 1. ``frame`` is the number of the frame in the source from 0,
    ``time`` its seconds; ``track_id`` is the track, ``score`` the probability that it sounds, both also among
    ``attributes``, which annotation programs show.
    """

    name = "coco"
    files: ClassVar[tuple[str, ...]] = ("coco/*",)
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = False
    about: ClassVar[About] = About(
        opens="pycocotools, FiftyOne, Detectron2, CVAT, Label Studio",
        numbers="ids from 1; `frame` and file names from 0",
        pixels="of the images written beside it",
        holes="kept",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._folder = folder / self.name
        (self._folder / "images").mkdir(parents=True, exist_ok=True)
        self._video = video
        self._numbers = FrameNumbers(video.info)
        self._categories = category_numbers(video)
        self._spool = ArraySpool("images", "annotations")
        self._images = self._annotations = 0

    def add(self, frame: FrameMasks) -> None:
        """Write the image of a frame and its annotations."""
        file = f"{self._numbers.next(frame):06d}.jpg"
        height, width = frame.masks.shape[1:]
        self._images += 1
        self._spool.append(
            "images",
            {
                "id": self._images,
                "file_name": file,
                "width": width,
                "height": height,
                "frame": frame.index,
                "time": round(frame.time, 6),
            },
        )
        save_jpeg(frame, self._folder / "images" / file)
        for instance in instances(self._video, frame):
            self._spool.append("annotations", self._annotation(instance, self._images))

    def close(self) -> None:
        """Write ``annotations.json``."""
        categories = [{"id": number, "name": name} for name, number in self._categories.items()]
        head = {
            "info": {"description": Path(self._video.info.source).name, "version": "1.0"},
            "licenses": [],
            "categories": categories,
        }
        self._spool.write(self._folder / "annotations.json", head)

    def segmentation(self, mask: NDArray[np.bool_], code: dict[str, Any]) -> Any:
        """The value of ``segmentation`` of a mask (H, W), whose run-length code is ``code``."""
        return code

    def _annotation(self, instance: Instance, image: int) -> dict[str, Any]:
        self._annotations += 1
        code = rle_object(instance.mask)
        score = round(instance.probability, 6)
        return {
            "id": self._annotations,
            "image_id": image,
            "category_id": self._categories[instance.name],
            "segmentation": self.segmentation(instance.mask, code),
            "area": rle_area(code),
            "bbox": rle_box(code),
            "iscrowd": 0,
            "track_id": instance.track,
            "score": score,
            "attributes": {"track_id": instance.track, "probability": score},
        }


class CocoPolygons(CocoInstances):
    """As :class:`CocoInstances`, with a polygon along the edges of the pixels for each part of a mask.

    A hole is joined to the outline around it by a line followed there and back.
    """

    name = "coco-polygons"
    files = ("coco-polygons/*",)
    about = replace(CocoInstances.about, holes="joined to the outline; one polygon a part")

    def segmentation(self, mask: NDArray[np.bool_], code: dict[str, Any]) -> Any:
        """One list x, y, x, y, ... for each part of a mask (H, W)."""
        return [polygon.ravel().tolist() for polygon in mask_polygons(mask)]
