"""The parts that CVAT's XML 1.1 has for videos and for images: elements, head, run-length code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import XMLGenerator  # nosec B406
from xml.sax.xmlreader import AttributesImpl  # nosec B406

import numpy as np
from numpy.typing import NDArray

from seac.export.instances import Instance, clean, label_colours, mask_box, run_lengths
from seac.results.values import DecidedVideo

ATTRIBUTES = ("track_id", "probability")
"""Attributes of every shape."""


def encode_tight_rle(mask: NDArray[np.bool_]) -> dict[str, str]:
    """Attributes ``rle``, ``left``, ``top``, ``width`` and ``height`` of a mask (H, W) with a pixel.

    The code is of the box around the mask: lengths of runs in order of rows, the first outside the mask.
    """
    x1, y1, x2, y2 = mask_box(mask)
    pixels = mask[y1:y2, x1:x2].ravel()
    runs = run_lengths(pixels).tolist()
    if pixels[0]:
        runs = [0, *runs]
    return {
        "rle": ", ".join(map(str, runs)),
        "left": str(x1),
        "top": str(y1),
        "width": str(x2 - x1),
        "height": str(y2 - y1),
    }


def group_of(track: int) -> str:
    """The group of the shapes of a track; 0 is no group."""
    return str(track + 1)


class CvatXml:
    """Writes ``annotations.xml`` element by element, and ``labels.json`` for a new task of CVAT.

    Characters that XML does not admit are replaced by U+FFFD.
    """

    def __init__(self, folder: Path, video: DecidedVideo, mode: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "annotations.xml").open("wb")
        self._xml = XMLGenerator(self._file, "utf-8", short_empty_elements=False)
        self._depth = 0
        colours = label_colours(video)
        labels = [
            {"name": name, "color": colour, "attributes": _attributes()} for name, colour in colours.items()
        ]
        (folder / "labels.json").write_text(json.dumps(labels, indent=1) + "\n", encoding="utf-8")
        self._xml.startDocument()
        self.open("annotations")
        self.leaf("version", "1.1")
        self._write_meta(video, mode, colours)

    def open(self, tag: str, attributes: Mapping[str, str] | None = None) -> None:
        """Begin an element."""
        self._break_line()
        cleaned = {key: clean(value) for key, value in (attributes or {}).items()}
        self._xml.startElement(tag, AttributesImpl(cleaned))
        self._depth += 1

    def end(self, tag: str) -> None:
        """End an element."""
        self._depth -= 1
        self._break_line()
        self._xml.endElement(tag)

    def leaf(self, tag: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
        """Write an element that holds only text."""
        self._break_line()
        self._xml.startElement(tag, AttributesImpl(dict(attributes or {})))
        self._xml.characters(clean(text))
        self._xml.endElement(tag)

    def shape(self, tag: str, attributes: Mapping[str, str], track: int, probability: float) -> None:
        """Write a shape with its attributes."""
        self.open(tag, attributes)
        for name, value in zip(ATTRIBUTES, (str(track), f"{probability:.4f}"), strict=True):
            self.leaf("attribute", value, {"name": name})
        self.end(tag)

    def close(self) -> None:
        """End the document."""
        self.end("annotations")
        self._xml.ignorableWhitespace("\n")
        self._xml.endDocument()
        self._file.close()

    def _break_line(self) -> None:
        self._xml.ignorableWhitespace("\n" + "  " * self._depth)

    def _write_meta(self, video: DecidedVideo, mode: str, labels: Mapping[str, str]) -> None:
        height, width = video.info.original_size
        self.open("meta")
        self.open("task")
        for tag, text in (
            ("id", "0"),
            ("name", Path(video.info.source).name),
            ("size", str(video.info.frames)),
            ("mode", mode),
            ("overlap", "0"),
            ("start_frame", "0"),
            ("stop_frame", str(max(0, video.info.frames - 1))),
            ("frame_filter", ""),
        ):
            self.leaf(tag, text)
        self.open("labels")
        for name, colour in labels.items():
            self._write_label(name, colour)
        self.end("labels")
        self.open("original_size")
        self.leaf("width", str(width))
        self.leaf("height", str(height))
        self.end("original_size")
        self.end("task")
        self.end("meta")

    def _write_label(self, name: str, colour: str) -> None:
        self.open("label")
        for tag, text in (("name", name), ("color", colour), ("type", "any")):
            self.leaf(tag, text)
        self.open("attributes")
        for attribute in _attributes():
            self.open("attribute")
            self.leaf("name", str(attribute["name"]))
            self.leaf("mutable", str(attribute["mutable"]))
            for tag, text in (("input_type", "text"), ("default_value", ""), ("values", "")):
                self.leaf(tag, text)
            self.end("attribute")
        self.end("attributes")
        self.end("label")


def mask_attributes(instance: Instance) -> dict[str, str]:
    """What all mask elements have: ``occluded``, the code and its box."""
    return {"occluded": "0", **encode_tight_rle(instance.mask)}


def _attributes() -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "mutable": name != "track_id",
            "input_type": "text",
            "default_value": "",
            "values": [""],
        }
        for name in ATTRIBUTES
    ]
