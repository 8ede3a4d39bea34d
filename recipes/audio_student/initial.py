"""Initial weights of the student: those of EfficientAT's mn04, with the 521 classes of YAMNet."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from torch import Tensor

from seac.encoders.audio.efficientat import CLASSES, rename_keys
from seac.encoders.audio.mobilenet_student import MobileNetStudentNetwork
from seac.encoders.labels.descriptions import audioset_names


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


def load_mn04(weights: Path) -> MobileNetStudentNetwork:
    """The teacher in our network, with its 527 classes, in evaluation mode."""
    network = MobileNetStudentNetwork(CLASSES)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict(rename_keys(state))
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
