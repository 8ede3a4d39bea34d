"""What Label Studio's tasks and labelling configurations have in common for videos and for images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree  # nosec B405

MODEL_VERSION = "seac"


def local_file(path: str) -> str:
    """The address of a file under the root of Label Studio's local storage."""
    return f"/data/local-files/?d={quote(path)}"


def task(data: Mapping[str, str], regions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A task with its regions as a prediction, which an annotator accepts or corrects."""
    scores = [region["score"] for region in regions if "score" in region]
    score = round(sum(scores) / len(scores), 6) if scores else 0.0
    prediction = {"model_version": MODEL_VERSION, "score": score, "result": list(regions)}
    return {"data": dict(data), "predictions": [prediction]}


def write_configuration(
    path: Path,
    target: tuple[str, Mapping[str, str]],
    controls: Sequence[tuple[str, str, Mapping[str, str]]],
) -> None:
    """Write the labelling configuration of a project.

    Args:
        path: the file.
        target: tag of what is labelled, and its attributes; among them ``name``.
        controls: (tag, name, labels) of each control; labels are names and their colours.
    """
    view = ElementTree.Element("View")
    for tag, name, labels in controls:
        control = ElementTree.SubElement(view, tag, name=name, toName=target[1]["name"])
        for label, colour in labels.items():
            ElementTree.SubElement(control, "Label", value=label, background=colour)
    ElementTree.SubElement(view, target[0], dict(target[1]))
    ElementTree.indent(view)
    path.write_text(ElementTree.tostring(view, encoding="unicode") + "\n", encoding="utf-8")
