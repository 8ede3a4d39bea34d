"""Predictions for Label Studio: what its labelling configuration asks for, from the result of a job.

The labels of the configuration are the vocabulary of the job, so that predictions name nothing else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree  # nosec B405

import numpy as np

from seac.core.errors import InputError
from seac.export.brush_rle import encode_brush
from seac.export.instances import Instance, instances
from seac.export.label_studio import MODEL_VERSION
from seac.media.encode import VideoWriter
from seac.media.image import read_image, read_image_size
from seac.media.sources import audio_duration
from seac.results.reader import VideoResult
from seac.results.values import DecidedVideo
from seac.video.render import key_frames_only

MAX_LETTERS = 200_000
MAX_REMEMBERED = 1000
CONTROLS: dict[str, tuple[str, str]] = {
    "VideoRectangle": ("Video", "box"),
    "TimelineLabels": ("Video", "timeline"),
    "BrushLabels": ("Image", "brush"),
}
"""Control of a configuration -> the object that it labels, and what it is called by :mod:`seac.export`."""
LABELS = ("Labels", "TimelineLabels", "BrushLabels", "VideoRectangle")
"""Controls that hold labels."""
DEFAULT_RATE = 24.0
"""Frames per second in Label Studio, if a configuration does not say."""
AUDIO = "audio"
"""Field of a task with the audio of an image."""


@dataclass(frozen=True)
class Control:
    """A control of a labelling configuration.

    Attributes:
        name: its name, which predictions refer to.
        to_name: name of the object that it labels.
    """

    name: str
    to_name: str


@dataclass(frozen=True)
class Configuration:
    """What a project asks for.

    Attributes:
        field: field of a task with the address of the video or image.
        image: whether it is an image.
        frame_rate: frames per second that a video is counted in.
        controls: by the names of :mod:`seac.export`: "box", "timeline", "brush".
        labels: names of all controls, in order.
    """

    field: str
    image: bool
    frame_rate: float
    controls: Mapping[str, Control]
    labels: tuple[str, ...]


def parse_configuration(text: str) -> Configuration:
    """Read a labelling configuration.

    Raises:
        InputError: it is no XML, or has no object and control that predictions can be made for.
    """
    if len(text) > MAX_LETTERS or "<!" in text.replace("<!--", ""):
        raise InputError("the labelling configuration is too long or declares entities: leave them out")
    try:
        view = ElementTree.fromstring(text)  # nosec B314
    except (ElementTree.ParseError, ValueError):
        raise InputError("the labelling configuration is no XML") from None
    elements = list(view.iter())
    for tag in ("Video", "Image"):
        for each in elements:
            if each.tag == tag and (found := _configuration(each, elements)) is not None:
                return found
    raise InputError(
        "the labelling configuration has no Video with VideoRectangle or TimelineLabels, and no Image with "
        "BrushLabels: add one"
    )


def _configuration(target: ElementTree.Element, elements: list[ElementTree.Element]) -> Configuration | None:
    name, field = target.get("name", ""), target.get("value", "").removeprefix("$")
    own = [each for each in elements if each.get("toName") == name]
    controls = {
        CONTROLS[each.tag][1]: Control(each.get("name", ""), name)
        for each in own
        if each.tag in CONTROLS and CONTROLS[each.tag][0] == target.tag
    }
    labels = dict.fromkeys(
        label.get("value", "")
        for each in own
        if each.tag in LABELS
        for label in each.iter("Label")
        if label.get("value", "").strip()
    )
    if not controls or not field or not labels:
        return None
    return Configuration(
        field,
        target.tag == "Image",
        _rate(target.get("frameRate", target.get("framerate"))),
        controls,
        tuple(labels),
    )


def _rate(text: str | None) -> float:
    try:
        rate = float(text or "")
    except ValueError:
        return DEFAULT_RATE
    return rate if 0 < rate < 1000 else DEFAULT_RATE


def video_prediction(
    regions: Iterable[Mapping[str, Any]], rate: float, configuration: Configuration
) -> dict[str, Any]:
    """The prediction of a video: regions of format ``label-studio`` under the names of a project.

    Args:
        regions: of the exported task.
        rate: frames per second that they are counted in.
        configuration: of the project.
    """
    controls = configuration.controls
    renamed = []
    for region in regions:
        control = controls.get(region["from_name"])
        if control is None or not _is_known(region["value"], configuration):
            continue
        value = count_frames(region["value"], rate, configuration.frame_rate)
        renamed.append({**region, "from_name": control.name, "to_name": control.to_name, "value": value})
    return prediction(renamed)


def count_frames(value: Mapping[str, Any], rate: float, wanted: float) -> dict[str, Any]:
    """The value of a region in frames of another rate; frames count from 1.

    Args:
        value: of a box or timeline region.
        rate: frames per second of its frames.
        wanted: frames per second of the project.
    """

    def convert(frame: int) -> int:
        return round((frame - 1) / rate * wanted) + 1

    found = dict(value)
    if "framesCount" in found:
        found["framesCount"] = convert(found["framesCount"])
    if "sequence" in found:
        by_frame = {convert(each["frame"]): each for each in found["sequence"]}
        found["sequence"] = [{**each, "frame": frame} for frame, each in by_frame.items()]
    if "ranges" in found:
        found["ranges"] = [{name: convert(frame) for name, frame in each.items()} for each in found["ranges"]]
    return found


def _is_known(value: Mapping[str, Any], configuration: Configuration) -> bool:
    """Whether a project has the labels of a region; audio off screen is named after no track."""
    names = [*value.get("labels", ()), *value.get("timelinelabels", ())]
    return all(name in configuration.labels for name in names)


def image_prediction(
    result: VideoResult, video: DecidedVideo, size: tuple[int, int], configuration: Configuration
) -> dict[str, Any]:
    """The prediction of an image: the likeliest mask of each sounding track as a brush region.

    Args:
        result: of the image with its audio.
        video: the decision.
        size: (height, width) of the image.
        configuration: of the project.
    """
    best: dict[int, Instance] = {}
    for frame in key_frames_only(result, video, images=False):
        for each in instances(video, frame, size):
            if each.track not in best or each.probability > best[each.track].probability:
                best[each.track] = each
    control = configuration.controls["brush"]
    regions = [
        {
            "id": f"track_{track}",
            "from_name": control.name,
            "to_name": control.to_name,
            "type": "brushlabels",
            "original_width": size[1],
            "original_height": size[0],
            "image_rotation": 0,
            "value": {"format": "rle", "rle": encode_brush(each.mask), "brushlabels": [each.name]},
            "score": round(each.probability, 6),
        }
        for track, each in best.items()
        if each.name in configuration.labels
    ]
    return prediction(regions)


@dataclass
class LabelStudioLink:
    """What is known of the Label Studio that uses a server, until the server ends.

    Attributes:
        host: its address; empty before it has called setup.
        token: with which its files are read.
        jobs: job of each task.
        sizes: (height, width) of the image of each job; empty for a video.
    """

    host: str = ""
    token: str = field(default="", repr=False)
    jobs: OrderedDict[str, str] = field(default_factory=OrderedDict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def connect(self, host: str, token: str) -> None:
        """Take address and token.

        Raises:
            InputError: it is no address, or the token is none.
        """
        if urlsplit(host).scheme not in ("http", "https") or not (token.isascii() and token.isprintable()):
            raise InputError("hostname is no http address, or access_token is none")
        self.host, self.token = host, token

    def headers_for(self, address: str) -> dict[str, str]:
        """The token, for a file of Label Studio itself."""
        own = self.host and urlsplit(address)[:2] == urlsplit(self.host)[:2]
        return {"Authorization": f"Token {self.token}"} if own and self.token else {}

    def remember(self, key: str, job: str) -> None:
        """Keep the job of a task; the oldest is forgotten."""
        self.jobs[key] = job
        while len(self.jobs) > MAX_REMEMBERED:
            old, _ = self.jobs.popitem(last=False)
            self.sizes.pop(old, None)


def prediction(regions: list[dict[str, Any]]) -> dict[str, Any]:
    """A prediction of regions; its score is their mean."""
    scores = [region["score"] for region in regions if "score" in region]
    score = round(float(np.mean(scores)), 6) if scores else 0.0
    return {"model_version": MODEL_VERSION, "score": score, "result": regions}


def write_still_video(image: Path, audio: Path, out: Path, max_seconds: float) -> tuple[int, int]:
    """Write a video of an image for the length of its audio, one frame a second.

    Args:
        image: a still image.
        audio: an audio file.
        out: the video.
        max_seconds: audio beyond is left out.

    Returns:
        (height, width) of the image.

    Raises:
        InputError: a file cannot be read.
    """
    pixels = read_image(image).permute(1, 2, 0).numpy()
    pixels = np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)), mode="edge")
    seconds = min(audio_duration(audio), max_seconds)
    writer = VideoWriter(out, 1.0, audio, crf=10, audio_stop=seconds)
    try:
        for _ in range(max(1, int(np.ceil(seconds)))):
            writer.add(np.ascontiguousarray(pixels))
    finally:
        writer.close()
    return read_image_size(image)
