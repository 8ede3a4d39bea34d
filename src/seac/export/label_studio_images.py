"""``label-studio-images/``: key frames as tasks of Label Studio, with brush masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from seac.export.about import About
from seac.export.brush_rle import encode_brush
from seac.export.instances import FrameNumbers, clean, instances, label_colours, save_jpeg
from seac.export.label_studio import local_file, task, write_configuration
from seac.export.spool import ArraySpool
from seac.results.values import DecidedVideo, FrameMasks


class LabelStudioImages:
    """Writes ``tasks.json``, ``config.xml`` and an image for each key frame.

    The folder that holds ``label-studio-images`` must be the root of Label Studio's local storage.
    """

    files: ClassVar[tuple[str, ...]] = ("label-studio-images/*",)
    images: ClassVar[bool] = True
    every_frame: ClassVar[bool] = False
    about: ClassVar[About] = About(
        opens="Label Studio (images: BrushLabels)",
        numbers="`frame` and file names from 0",
        pixels="of the images written beside it",
        holes="kept",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        self._folder = folder / "label-studio-images"
        (self._folder / "images").mkdir(parents=True, exist_ok=True)
        self._video = video
        self._numbers = FrameNumbers(video.info)
        self._spool = ArraySpool("tasks")

    def add(self, frame: FrameMasks) -> None:
        """Write the image of a frame and its task."""
        number = self._numbers.next(frame)
        file = f"{number:06d}.jpg"
        save_jpeg(frame, self._folder / "images" / file)
        height, width = frame.masks.shape[1:]
        regions: list[dict[str, Any]] = [
            {
                "id": f"frame_{number}_track_{instance.track}",
                "from_name": "brush",
                "to_name": "image",
                "type": "brushlabels",
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {
                    "format": "rle",
                    "rle": encode_brush(instance.mask),
                    "brushlabels": [clean(instance.name)],
                },
                "score": round(instance.probability, 6),
            }
            for instance in instances(self._video, frame)
        ]
        data = {
            "image": local_file(f"label-studio-images/images/{file}"),
            "frame": str(frame.index),
            "time": f"{frame.time:.6f}",
        }
        self._spool.append("tasks", task(data, regions))

    def close(self) -> None:
        """Write ``tasks.json`` and ``config.xml``."""
        self._spool.write_array(self._folder / "tasks.json", "tasks")
        write_configuration(
            self._folder / "config.xml",
            ("Image", {"name": "image", "value": "$image"}),
            (("BrushLabels", "brush", label_colours(self._video)),),
        )
