"""``cvat-video/``: tracks and masks in CVAT's XML for video 1.1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from seac.export.about import About
from seac.export.cvat_xml import CvatXml, group_of, mask_attributes
from seac.export.instances import FrameNumbers, Instance, instances, mask_box
from seac.results.values import DecidedVideo, FrameMasks


@dataclass(frozen=True)
class _Box:
    """Where a track is in a frame; ``outside`` says that it is not shown from there on."""

    frame: int
    corners: tuple[int, int, int, int]
    probability: float
    outside: bool


class CvatVideo:
    """Writes ``annotations.xml`` and ``labels.json`` for a new task.

    CVAT has no tracks of masks and reads a track that begins with a mask as one mask. So each track is a
    track of boxes, which CVAT interpolates between key frames, and each mask a track of one frame, as CVAT
    itself writes masks. The attribute ``track_id`` says to which track a box or a mask belongs. Where a
    track is not shown, ``outside`` is 1. ``occluded`` is always 0. Masks are resized (nearest) to the size
    of the source.
    """

    files: ClassVar[tuple[str, ...]] = ("cvat-video/*",)
    images: ClassVar[bool] = False
    every_frame: ClassVar[bool] = False
    about: ClassVar[About] = About(
        opens="CVAT (upload as CVAT 1.1), Datumaro",
        numbers="frames of the source from 0",
        pixels="of the source; no images",
        holes="kept in the masks",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._video = video
        self._numbers = FrameNumbers(video.info)
        self._xml = CvatXml(folder / "cvat-video", video, "interpolation")
        self._boxes: dict[int, list[_Box]] = {track.id: [] for track in video.tracks}
        self._elements = len(video.tracks)

    def add(self, frame: FrameMasks) -> None:
        """Write the masks of a frame and keep their boxes."""
        number = self._numbers.next(frame)
        shown = set()
        for instance in instances(self._video, frame, self._video.info.original_size):
            shown.add(instance.track)
            box = _Box(number, mask_box(instance.mask), instance.probability, outside=False)
            self._boxes[instance.track].append(box)
            self._write_mask(instance, number)
        for track, boxes in self._boxes.items():
            if track not in shown and boxes and not boxes[-1].outside:
                boxes.append(_Box(number, boxes[-1].corners, 0.0, outside=True))

    def close(self) -> None:
        """Write the tracks of boxes and end the document; a track that is never shown is left out."""
        for number, track in enumerate(self._video.tracks):
            if self._boxes[track.id]:
                self._open_track(number, track.name, track.id)
                for box in self._boxes[track.id]:
                    corners = zip(("xtl", "ytl", "xbr", "ybr"), map(str, box.corners), strict=True)
                    attributes = {**_flags(box.frame, box.outside), "occluded": "0", **dict(corners)}
                    self._xml.shape("box", attributes | {"z_order": "0"}, track.id, box.probability)
                self._xml.end("track")
        self._xml.close()

    def _write_mask(self, instance: Instance, number: int) -> None:
        self._open_track(self._elements, instance.name, instance.track)
        self._elements += 1
        code = mask_attributes(instance)
        last = number + 1 >= self._video.info.frames
        for frame, outside in ((number, False), *(() if last else ((number + 1, True),))):
            attributes = {**_flags(frame, outside), **code, "z_order": "0"}
            self._xml.shape("mask", attributes, instance.track, instance.probability)
        self._xml.end("track")

    def _open_track(self, number: int, name: str, track: int) -> None:
        self._xml.open(
            "track", {"id": str(number), "label": name, "source": "auto", "group_id": group_of(track)}
        )


def _flags(frame: int, outside: bool) -> dict[str, str]:
    return {"frame": str(frame), "keyframe": "1", "outside": str(int(outside))}
