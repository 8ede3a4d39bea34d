"""``label-studio/``: the video as a task of Label Studio, with boxes over time and timeline labels."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from seac.core.errors import InputError
from seac.export.about import About
from seac.export.instances import clean, instances, label_colours, mask_box
from seac.export.label_studio import local_file, task, write_configuration
from seac.results.values import DecidedVideo, FrameMasks, Span

OFF_SCREEN_COLOUR = "#888888"


class LabelStudioVideo:
    """Writes ``tasks.json`` and ``config.xml``, the labelling configuration of a project.

    Label Studio counts frames from 1 at a constant rate, that of the configuration: frame ``n`` is shown from
    ``(n - 1) / rate`` seconds. In a source of variable frame rate, frames get the number that has their time.
    A box is shown from an entry of ``sequence`` with ``enabled`` true up to and with the next one with
    ``enabled`` false; ``time`` is ``frame / rate``, as Label Studio writes it. Coordinates are percent.

    Raises:
        InputError: the source is a still image.
    """

    files: ClassVar[tuple[str, ...]] = ("label-studio/*",)
    images: ClassVar[bool] = False
    every_frame: ClassVar[bool] = False
    about: ClassVar[About] = About(
        opens="Label Studio (video: VideoRectangle, TimelineLabels)",
        numbers="frames from 1 at the mean rate",
        pixels="percent; no images",
        holes="boxes only",
    )

    def __init__(self, folder: Path, video: DecidedVideo) -> None:
        if video.info.frame_rate <= 0:
            raise InputError(
                f"{video.info.source}: format label-studio is for videos, this is a still image or has no "
                "frame rate; export label-studio-images"
            )
        self._folder = folder / "label-studio"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._video = video
        self._rate = video.info.frame_rate
        self._count = max(1, round(video.info.duration * self._rate))
        self._sequences: dict[int, list[dict[str, Any]]] = {track.id: [] for track in video.tracks}
        self._scores: dict[int, list[float]] = {track.id: [] for track in video.tracks}

    def add(self, frame: FrameMasks) -> None:
        """Keep the boxes of a frame."""
        number = min(self._count, math.floor(frame.time * self._rate + 0.5) + 1)
        shown = set()
        for instance in instances(self._video, frame):
            shown.add(instance.track)
            self._scores[instance.track].append(instance.probability)
            box = _to_percent(mask_box(instance.mask), self._video.info.size)
            self._append(self._sequences[instance.track], {"frame": number, "enabled": True, **box})
        for track, sequence in self._sequences.items():
            if track not in shown and sequence and sequence[-1]["enabled"]:
                last = {**sequence[-1], "frame": max(number - 1, sequence[-1]["frame"]), "enabled": False}
                self._append(sequence, last)

    def close(self) -> None:
        """Write ``tasks.json`` and ``config.xml``."""
        info = self._video.info
        data = {"video": local_file(Path(info.source).name)}
        regions = [*self._box_regions(), *self._timeline_regions()]
        path = self._folder / "tasks.json"
        path.write_text(json.dumps([task(data, regions)], allow_nan=False) + "\n", encoding="utf-8")
        colours = label_colours(self._video)
        off_screen = {clean(_off_screen(found.name)): OFF_SCREEN_COLOUR for found in self._video.off_screen}
        write_configuration(
            self._folder / "config.xml",
            ("Video", {"name": "video", "value": "$video", "framerate": f"{self._rate:.6f}"}),
            (
                ("VideoRectangle", "box", {}),
                ("Labels", "labels", colours),
                ("TimelineLabels", "timeline", {**colours, **off_screen}),
            ),
        )

    def _append(self, sequence: list[dict[str, Any]], entry: dict[str, Any]) -> None:
        """Append an entry; one of the same frame is replaced."""
        if sequence and sequence[-1]["frame"] == entry["frame"]:
            sequence.pop()
        sequence.append({**entry, "rotation": 0, "time": round(entry["frame"] / self._rate, 6)})

    def _box_regions(self) -> Iterator[dict[str, Any]]:
        for track in self._video.tracks:
            scores = self._scores[track.id]
            if scores:
                value = {
                    "framesCount": self._count,
                    "duration": self._video.info.duration,
                    "sequence": self._sequences[track.id],
                    "labels": [clean(track.name)],
                }
                region = _region(f"track_{track.id}", "box", "videorectangle", value)
                yield {**region, "score": round(sum(scores) / len(scores), 6)}

    def _timeline_regions(self) -> Iterator[dict[str, Any]]:
        for track in self._video.tracks:
            for number, span in enumerate(track.spans):
                yield self._timeline_region(f"track_{track.id}_span_{number}", track.name, span)
        for number, found in enumerate(self._video.off_screen):
            yield self._timeline_region(f"off_screen_{number}", _off_screen(found.name), found.span)

    def _timeline_region(self, region: str, name: str, span: Span) -> dict[str, Any]:
        """A span as frames from 1, the last included."""
        start = min(self._count, math.floor(span.start * self._rate + 0.5) + 1)
        end = max(start, min(self._count, math.floor(span.stop * self._rate + 0.5)))
        value = {"ranges": [{"start": start, "end": end}], "timelinelabels": [clean(name)]}
        return {**_region(region, "timeline", "timelinelabels", value), "score": round(span.probability, 6)}


def _region(region: str, control: str, type_: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": region, "from_name": control, "to_name": "video", "type": type_, "value": value}


def _off_screen(name: str) -> str:
    return f"{name} (off-screen)"


def _to_percent(box: tuple[int, int, int, int], size: tuple[int, int]) -> dict[str, float]:
    height, width = size
    x1, y1, x2, y2 = box
    return {
        "x": 100 * x1 / width,
        "y": 100 * y1 / height,
        "width": 100 * (x2 - x1) / width,
        "height": 100 * (y2 - y1) / height,
    }
