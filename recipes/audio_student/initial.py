"""Initial weights of the student: those of EfficientAT's mn04, with the 521 classes of YAMNet."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import torch
from torch import Tensor

from seac.encoders.audio.mobilenet_student import BLOCKS, MobileNetStudentNetwork
from seac.encoders.labels.descriptions import audioset_names

TEACHER_CLASSES = 527
PREFIXES = {
    "features.0": "stem",
    f"features.{len(BLOCKS) + 1}": "embed",
    "classifier.2": "hidden",
    "classifier.5": "classify",
}
"""Modules of the teacher outside its blocks, and ours."""
SQUEEZE = {"fc1": "squeeze", "fc2": "excite"}


def read_names(labels: Path) -> tuple[str, ...]:
    """The class names of ``mn04_class_labels_indices.csv`` in the order of the logits."""
    with labels.open(encoding="utf-8", newline="") as file:
        return tuple(row["display_name"] for row in csv.DictReader(file))


def class_columns(names: tuple[str, ...]) -> Tensor:
    """Index (521,) of each of our classes among the teacher's ``names``.

    Raises:
        ValueError: the teacher lacks one of our classes.
    """
    return torch.tensor([names.index(name) for name in audioset_names()])


def our_name(name: str) -> str:
    """Our name of a weight of the teacher.

    Raises:
        KeyError: the student has no such weight.
    """
    if match := re.fullmatch(r"features\.(\d+)\.block\.(\d+)\.(.+)", name):
        number, part, rest = int(match[1]) - 1, int(match[2]), match[3]
        shape, width = BLOCKS[number], BLOCKS[number - 1].channels if number else BLOCKS[0].expanded
        parts = [
            *(("expand",) if shape.expanded != width else ()),
            "spread",
            *(("scale",) if shape.squeezed else ()),
            "project",
        ]
        if parts[part] == "scale":
            _, _, layer, kind = rest.split(".")
            rest = f"{SQUEEZE[layer]}.{kind}"
        return f"blocks.{number}.{parts[part]}.{rest}"
    prefix = ".".join(name.split(".")[:2])
    return f"{PREFIXES[prefix]}{name[len(prefix) :]}"


def load_mn04(weights: Path) -> MobileNetStudentNetwork:
    """The teacher in our network, with its 527 classes, in evaluation mode."""
    network = MobileNetStudentNetwork(TEACHER_CLASSES)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict({our_name(name): value for name, value in state.items()})
    return network.eval()


def initial_student(weights: Path, labels: Path) -> MobileNetStudentNetwork:
    """The teacher with the 521 classes of the student only."""
    state = load_mn04(weights).state_dict()
    columns = class_columns(read_names(labels))
    for name in ("classify.weight", "classify.bias"):
        state[name] = state[name][columns]
    network = MobileNetStudentNetwork()
    network.load_state_dict(state)
    return network.eval()
