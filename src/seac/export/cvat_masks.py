"""``cvat-masks/``: the masks of key frames in CVAT's XML for images 1.1."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from seac.export.about import About
from seac.export.cvat_xml import CvatXml, group_of, mask_attributes
from seac.export.instances import FrameNumbers, instances
from seac.results.values import DecidedVideo, FrameMasks


class CvatMasks:
    """Writes ``annotations.xml`` with a ``<mask>`` for each mask, and ``labels.json`` for a new task.

    Images have the names that CVAT gives to the frames of a video, ``frame_<number>``, so that the file is
    read into a task made of the source. Masks are resized (nearest) to the size of the source. Shapes of a
    track are of one group; the likeliest has the highest ``z_order``.
    """

    files: ClassVar[tuple[str, ...]] = ("cvat-masks/*",)
    images: ClassVar[bool] = False
    every_frame: ClassVar[bool] = False
    about: ClassVar[About] = About(
        opens="CVAT (upload as CVAT 1.1), Datumaro",
        numbers="frames of the source from 0",
        pixels="of the source; no images",
        holes="kept",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._video = video
        self._numbers = FrameNumbers(video.info)
        self._xml = CvatXml(folder / "cvat-masks", video, "annotation")

    def add(self, frame: FrameMasks) -> None:
        """Write the element of a frame."""
        number = self._numbers.next(frame)
        height, width = self._video.info.original_size
        self._xml.open(
            "image",
            {"id": str(number), "name": self._name(number), "width": str(width), "height": str(height)},
        )
        found = list(instances(self._video, frame, (height, width)))
        for depth, instance in zip(range(len(found))[::-1], found, strict=True):
            attributes = {
                "label": instance.name,
                "source": "auto",
                **mask_attributes(instance),
                "z_order": str(depth),
                "group_id": group_of(instance.track),
            }
            self._xml.shape("mask", attributes, instance.track, instance.probability)
        self._xml.end("image")

    def close(self) -> None:
        """End the document."""
        self._xml.close()

    def _name(self, number: int) -> str:
        info = self._video.info
        return Path(info.source).name if info.still else f"frame_{number:06d}"
