"""The protocol of exporters, which take the sounding masks of a decided video by frame, and their table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from seac.core.registry import locate

if TYPE_CHECKING:  # the table is read by every command line, numpy is not needed for it
    from seac.results.values import DecidedVideo, FrameMasks

KIND = "format"


class Exporter(Protocol):
    """Writes one format; holds no more than a frame of pixels.

    Attributes:
        files: names or patterns of what it writes, as :func:`seac.core.ownership.check_names` takes them.
        images: whether it needs ``FrameMasks.image``.
        every_frame: whether it needs every frame of the source, not only key frames.
    """

    files: ClassVar[tuple[str, ...]]
    images: ClassVar[bool]
    every_frame: ClassVar[bool]

    def __init__(self, folder: Path, video: DecidedVideo) -> None: ...

    def add(self, frame: FrameMasks) -> None:
        """Take the next frame; frames without a sounding mask come too."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


class WithoutFrames:
    """Base class of exporters that need the decision only; no frame is read for them."""

    images: ClassVar[bool] = False
    every_frame: ClassVar[bool] = False

    def add(self, frame: FrameMasks) -> None:
        """Take no frame."""


# A new format is one file and one row: a class that is built with (folder, decided video).
# They are closed in this order: the report holds the overlay, if there is one.
EXPORTERS: dict[str, str] = {
    "overlay": "seac.export.overlay:Overlay",
    "timeline": "seac.export.timeline:Timeline",
    "csv": "seac.export.event_table:EventTable",
    "events-json": "seac.export.event_record:EventRecordWriter",
    "vtt": "seac.export.vtt:Vtt",
    "srt": "seac.export.subrip:SubRip",
    "otio": "seac.export.otio:Otio",
    "edl": "seac.export.edl:Edl",
    "coco": "seac.export.coco:CocoInstances",
    "coco-polygons": "seac.export.coco:CocoPolygons",
    "ytvis": "seac.export.ytvis:YouTubeVis",
    "label-studio": "seac.export.label_studio_video:LabelStudioVideo",
    "label-studio-images": "seac.export.label_studio_images:LabelStudioImages",
    "cvat-video": "seac.export.cvat_video:CvatVideo",
    "cvat-masks": "seac.export.cvat_masks:CvatMasks",
    "yolo-seg": "seac.export.yolo:YoloSegmentation",
    "avsbench": "seac.export.avsbench:AvsBench",
    "avsbench-semantic": "seac.export.avsbench:AvsBenchSemantic",
    "alpha-webm": "seac.export.alpha_video:AlphaWebm",
    "prores": "seac.export.alpha_video:AlphaProRes",
    "alpha-png": "seac.export.alpha_video:AlphaImages",
    "crops": "seac.export.crops:Crops",
    "mask-video": "seac.export.mask_video:MaskVideo",
    "masks": "seac.export.mask_images:MaskImages",
    "report": "seac.export.result_report:ResultReport",
}


def exporter_class(name: str) -> type[Exporter]:
    """The class of an exporter.

    Raises:
        InputError: no such format; the message lists the known ones and the nearest.
    """
    found: type[Exporter] = locate(KIND, name, EXPORTERS)
    return found
